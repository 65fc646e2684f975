//! Topics on Apache Kafka, through librdkafka.
//!
//! Publishing goes through one idempotent producer with `acks=all`; readers read what is committed and keep their
//! positions elsewhere, so nothing is ever committed to the group. Nothing here blocks a thread of the runtime:
//! questions to the cluster are asked off it, and every reader polls on a thread of its own.

mod admin;
mod context;
mod errors;
mod forgetting;
mod polling;
mod producing;
mod reading;
mod settings;
mod topics;
mod transactional;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    Bus, BusError, Forgetting, Forgotten, Outgoing, Positions, Publisher, Reader, StartPositions, TopicFault,
    TopicSpec, message,
};
use admin::Admin;
pub use polling::ALONE_PREFIX;
use polling::{Membership, Polling};
use producing::SharedProducer;
use reading::{KafkaReader, Shared};
pub use settings::KafkaSettings;
use topics::{Asking, KnownTopics};
use transactional::KafkaPublisher;

/// How long closing waits for what is under way.
const CLOSING_TIME: Duration = Duration::from_secs(10);

/// The bus on a Kafka cluster.
pub struct KafkaBus {
    settings: KafkaSettings,
    asking: Arc<Asking>,
    known: Arc<KnownTopics>,
    producer: Arc<SharedProducer>,
}

impl KafkaBus {
    /// Makes the clients. The cluster need not be there yet: [`Bus::probe`] tells whether it is.
    ///
    /// # Errors
    /// [`BusError::Refused`] for settings that librdkafka does not take.
    pub fn connect(settings: KafkaSettings) -> Result<Self, BusError> {
        settings.check()?;
        let asking = Arc::new(Asking::new(&settings)?);
        Ok(Self {
            producer: Arc::new(SharedProducer::new(&settings)?),
            known: Arc::new(KnownTopics::new(Arc::clone(&asking))),
            asking,
            settings,
        })
    }

    /// Waits until what was published is acknowledged, and takes nothing more.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] when that could not be awaited.
    pub async fn close(&self) -> Result<(), BusError> {
        let producer = Arc::clone(&self.producer);
        off_the_runtime(move || producer.close()).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Asking) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let asking = Arc::clone(&self.asking);
        off_the_runtime(move || question(&asking)).await?
    }

    async fn begin_reading(
        &self,
        topic: &str,
        membership: Membership,
        starts: Arc<dyn StartPositions>,
    ) -> Result<Box<dyn Reader>, BusError> {
        let shared = Shared::new(topic);
        let reader = KafkaReader::new(Arc::clone(&shared));
        let polling = Polling {
            settings: self.settings.clone(),
            shared,
            membership,
            starts,
            asking: Arc::clone(&self.asking),
            runtime: tokio::runtime::Handle::current(),
        };
        off_the_runtime(move || polling.start()).await??;
        Ok(Box::new(reader))
    }
}

#[async_trait]
impl Bus for KafkaBus {
    /// The id of the cluster: rdkafka cannot ask for a topic's own. That a topic was made anew shows when a position
    /// lies beyond its end ([`BusError::Lost`]).
    async fn topic_id(&self, topic: &str) -> Result<String, BusError> {
        let name = topic.to_owned();
        self.ask(move |asking| match asking.shape(&name)? {
            Some(_) => asking.cluster_id(),
            None => Err(BusError::UnknownTopic(name)),
        })
        .await
    }

    async fn apply_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<String>, BusError> {
        let admin = Admin::new(&self.settings)?;
        let mut changes = Vec::new();
        let mut existing = Vec::new();
        let shapes = admin::shapes(&self.asking, wanted).await?;
        for (spec, shape) in wanted.iter().zip(shapes) {
            if shape.is_some() {
                existing.push(spec);
            } else if admin.create(spec).await? {
                changes.push(format!("{} created", spec.name));
                self.known.forget(&spec.name);
                self.await_topic(&spec.name).await?;
            }
        }
        let names: Vec<&str> = existing.iter().map(|spec| spec.name.as_str()).collect();
        let described = admin.describe(&names).await?;
        for spec in existing {
            if let Some(now) = described.get(&spec.name) {
                for change in admin.alter(spec, now).await? {
                    changes.push(format!("{} had another policy: {change}", spec.name));
                }
            }
        }
        Ok(changes)
    }

    async fn check_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<TopicFault>, BusError> {
        let admin = Admin::new(&self.settings)?;
        let shapes = admin::shapes(&self.asking, wanted).await?;
        let existing: Vec<&str> = wanted
            .iter()
            .zip(&shapes)
            .filter(|(_, shape)| shape.is_some())
            .map(|(spec, _)| spec.name.as_str())
            .collect();
        let described = admin.describe(&existing).await?;
        let mut faults = Vec::new();
        for (spec, shape) in wanted.iter().zip(shapes) {
            match shape {
                None => faults.push(TopicFault {
                    topic: spec.name.clone(),
                    fault: "does not exist; run `nrwdirekt topics apply`".to_owned(),
                    fatal: true,
                }),
                Some(shape) => faults.extend(admin.faults(spec, &shape, described.get(&spec.name))),
            }
        }
        Ok(faults)
    }

    async fn publish(&self, topic: &str, messages: Vec<Outgoing>) -> Result<Positions, BusError> {
        message::check_sizes(topic, &messages)?;
        self.known.partitions(topic).await?;
        if messages.is_empty() {
            return Ok(Positions::new());
        }
        let result = self.producer.append(topic, messages).await;
        if matches!(result, Err(BusError::UnknownTopic(_))) {
            self.known.forget(topic);
        }
        result
    }

    async fn publisher(&self, owner: &str) -> Result<Box<dyn Publisher>, BusError> {
        let (settings, known, owner) = (self.settings.clone(), Arc::clone(&self.known), owner.to_owned());
        let taken = off_the_runtime(move || KafkaPublisher::take_over(&settings, known, &owner)).await??;
        Ok(Box::new(taken))
    }

    async fn reader(
        &self,
        topic: &str,
        group: &str,
        starts: Arc<dyn StartPositions>,
    ) -> Result<Box<dyn Reader>, BusError> {
        self.known.forget(topic);
        self.known.partitions(topic).await?;
        self.begin_reading(topic, Membership::Group(group.to_owned()), starts)
            .await
    }

    async fn reader_alone(&self, topic: &str, from: Positions) -> Result<Box<dyn Reader>, BusError> {
        self.known.forget(topic);
        let partitions = self.known.partitions(topic).await?;
        self.begin_reading(topic, Membership::Alone { partitions }, Arc::new(Fixed(from)))
            .await
    }

    async fn ends(&self, topic: &str) -> Result<Positions, BusError> {
        let partitions = self.known.partitions(topic).await?;
        let name = topic.to_owned();
        let ends = self.ask(move |asking| asking.ends(&name, partitions)).await;
        if matches!(ends, Err(BusError::UnknownTopic(_))) {
            self.known.forget(topic);
        }
        ends
    }

    async fn forget(
        &self,
        topic: &str,
        what: Forgetting,
        read_up_to: Positions,
    ) -> Result<Forgotten, BusError> {
        forgetting::forget(self, topic, what, read_up_to).await
    }

    /// Brokers do it by their own looks.
    async fn scrub(&self) -> Result<(), BusError> {
        Ok(())
    }

    async fn stays(&self, topic: &str) -> Result<Duration, BusError> {
        Ok(forgetting::Times::ask(self, topic).await?.longest())
    }

    async fn probe(&self) -> Result<(), BusError> {
        self.ask(Asking::probe).await
    }
}

impl KafkaBus {
    /// A created topic takes a moment to be known to all brokers.
    async fn await_topic(&self, topic: &str) -> Result<(), BusError> {
        const LOOKS: u32 = 100;
        const BETWEEN: Duration = Duration::from_millis(50);
        for _ in 0..LOOKS {
            match self.ends(topic).await {
                Err(BusError::UnknownTopic(_) | BusError::Unavailable(_)) => {
                    tokio::time::sleep(BETWEEN).await;
                }
                result => return result.map(|_| ()),
            }
        }
        Err(BusError::Unavailable(format!(
            "topic {topic} was created, but the brokers do not know it yet"
        )))
    }
}

/// Starts that were given once.
struct Fixed(Positions);

#[async_trait]
impl StartPositions for Fixed {
    async fn start(
        &self,
        _topic: &str,
        partition: u32,
    ) -> Result<Option<i64>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.0.get(&partition).copied())
    }
}

/// Runs what blocks.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, BusError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| BusError::Unavailable(format!("the work was not finished: {error}")))
}
