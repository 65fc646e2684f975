//! Topics as they should be, and making them so.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, ConfigResource, ConfigSource, NewTopic, OwnedResourceSpecifier,
    ResourceSpecifier, TopicReplication,
};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode as Code;

use super::context::Logging;
use super::settings::{self, KafkaSettings};
use super::topics::{Asking, TopicShape};
use super::{errors, off_the_runtime};
use crate::{BusError, Cleanup, TopicFault, TopicSpec};

/// Kafka's own default.
const DELETE_DELAY_MAX: Duration = Duration::from_secs(60);
const REQUEST_TIME: Duration = Duration::from_secs(20);

/// Policies of a topic by the names that Kafka gives them.
type Policies = BTreeMap<&'static str, String>;

/// A client for administration, made for one task: nobody would serve it between tasks.
pub(super) struct Admin {
    client: Option<AdminClient<Logging>>,
    replication_factor: u16,
}

/// Ending the client waits for its thread: not on a thread of the runtime.
impl Drop for Admin {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            let ending = std::thread::Builder::new().name("bus-retiring".to_owned());
            if let Err(error) = ending.spawn(move || drop(client)) {
                tracing::warn!(%error, "no thread to end a Kafka client on");
            }
        }
    }
}

impl Admin {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, BusError> {
        let client = AdminClient::from_config_and_context(&settings.admin(), Logging)
            .map_err(|error| settings::refused(&error))?;
        Ok(Self {
            client: Some(client),
            replication_factor: settings.replication_factor,
        })
    }

    fn client(&self) -> Result<&AdminClient<Logging>, BusError> {
        let ended = || BusError::Unavailable("the Kafka client was ended".to_owned());
        self.client.as_ref().ok_or_else(ended)
    }

    /// Creates a topic. False when another instance was faster.
    pub(super) async fn create(&self, spec: &TopicSpec) -> Result<bool, BusError> {
        let refused = |why: &str| BusError::Refused(format!("topic {}: {why}", spec.name));
        let partitions = i32::try_from(spec.partitions).map_err(|_| refused("too many partitions"))?;
        let mut policies = policies(spec);
        if self.replication_factor > 2 {
            policies.insert("min.insync.replicas", (self.replication_factor - 1).to_string());
        }
        let replication = TopicReplication::Fixed(i32::from(self.replication_factor));
        let mut topic = NewTopic::new(&spec.name, partitions, replication);
        for (name, value) in &policies {
            topic = topic.set(name, value);
        }
        let answers = self
            .client()?
            .create_topics([&topic], &options())
            .await
            .map_err(|error| errors::of(&error, &spec.name))?;
        match answers.into_iter().next() {
            Some(Ok(_)) => Ok(true),
            Some(Err((_, Code::TopicAlreadyExists))) => Ok(false),
            Some(Err((_, code))) => Err(errors::of_code(code, &spec.name)),
            None => Err(BusError::Unavailable(format!(
                "topic {}: no answer to its creation",
                spec.name
            ))),
        }
    }

    /// The policies of topics as they are, by topic.
    pub(super) async fn describe(
        &self,
        topics: &[&str],
    ) -> Result<HashMap<String, ConfigResource>, BusError> {
        if topics.is_empty() {
            return Ok(HashMap::new());
        }
        let named: Vec<_> = topics
            .iter()
            .map(|topic| ResourceSpecifier::Topic(topic))
            .collect();
        let about = topics.join(", ");
        let answers = self
            .client()?
            .describe_configs(&named, &options())
            .await
            .map_err(|error| errors::of(&error, &about))?;
        let mut described = HashMap::new();
        for answer in answers {
            let resource = answer.map_err(|code| errors::of_code(code, &about))?;
            if let OwnedResourceSpecifier::Topic(topic) = &resource.specifier {
                described.insert(topic.clone(), resource);
            }
        }
        Ok(described)
    }

    /// The settings of a topic and of a broker, as both are; of a broker none where that may not be asked.
    pub(super) async fn describe_both(
        &self,
        topic: &str,
        broker: i32,
    ) -> Result<(ConfigResource, Option<ConfigResource>), BusError> {
        let named = [ResourceSpecifier::Topic(topic), ResourceSpecifier::Broker(broker)];
        let answers = self
            .client()?
            .describe_configs(&named, &options())
            .await
            .map_err(|error| errors::of(&error, topic))?;
        let mut described = answers
            .into_iter()
            .map(|answer| answer.map_err(|code| errors::of_code(code, topic)));
        match (described.next(), described.next()) {
            (Some(of_topic), of_broker) => Ok((of_topic?, of_broker.and_then(Result::ok))),
            _ => Err(BusError::Unavailable(format!(
                "topic {topic}: its settings were not told"
            ))),
        }
    }

    /// Deletes what stands before these positions.
    pub(super) async fn delete_before(
        &self,
        topic: &str,
        positions: &TopicPartitionList,
    ) -> Result<(), BusError> {
        let answer = self.client()?.delete_records(positions, &options()).await;
        let answer = answer.map_err(|error| errors::of(&error, topic))?;
        for element in answer.elements() {
            element.error().map_err(|error| errors::of(&error, topic))?;
        }
        Ok(())
    }

    /// Sets the policies of a topic and keeps what else was set for it. Returns what was changed.
    pub(super) async fn alter(
        &self,
        spec: &TopicSpec,
        now: &ConfigResource,
    ) -> Result<Vec<String>, BusError> {
        let differing = differing(spec, now);
        if differing.is_empty() {
            return Ok(Vec::new());
        }
        let wanted = policies(spec);
        let mut alter = AlterConfig::new(ResourceSpecifier::Topic(&spec.name));
        // The request replaces everything that was set for the topic itself.
        for entry in &now.entries {
            if entry.source == ConfigSource::DynamicTopic
                && let Some(value) = &entry.value
            {
                alter = alter.set(&entry.name, value);
            }
        }
        for (name, value) in &wanted {
            alter = alter.set(name, value);
        }
        self.client()?
            .alter_configs([&alter], &options())
            .await
            .map_err(|error| errors::of(&error, &spec.name))?;
        self.verify(spec).await?;
        Ok(differing)
    }

    /// rdkafka does not hand on the result of altering: look again, until the brokers have taken it over.
    async fn verify(&self, spec: &TopicSpec) -> Result<(), BusError> {
        const LOOKS: u32 = 40;
        const BETWEEN: Duration = Duration::from_millis(50);
        for _ in 0..LOOKS {
            let described = self.describe(&[&spec.name]).await?;
            if described
                .get(&spec.name)
                .is_some_and(|now| differing(spec, now).is_empty())
            {
                return Ok(());
            }
            tokio::time::sleep(BETWEEN).await;
        }
        Err(BusError::Refused(format!(
            "the policies of topic {} stay as they were; is changing them allowed (ALTER_CONFIGS)?",
            spec.name
        )))
    }

    /// What is not as wanted of an existing topic.
    pub(super) fn faults(
        &self,
        spec: &TopicSpec,
        shape: &TopicShape,
        now: Option<&ConfigResource>,
    ) -> Vec<TopicFault> {
        let mut faults = Vec::new();
        let mut fault = |fatal, fault: String| {
            faults.push(TopicFault {
                topic: spec.name.clone(),
                fault,
                fatal,
            });
        };
        if shape.partitions != spec.partitions {
            let (has, wanted) = (shape.partitions, spec.partitions);
            fault(
                true,
                format!("has {has} partitions instead of {wanted}; they are fixed for ever"),
            );
        }
        let wanted = usize::from(self.replication_factor);
        if shape.replicas < wanted {
            let replicas = shape.replicas;
            fault(
                false,
                format!(
                    "has {replicas} replicas instead of {wanted}; reassign its partitions, or set replication_factor"
                ),
            );
        }
        let Some(now) = now else {
            return faults;
        };
        let in_sync = value(now, "min.insync.replicas").and_then(|value| value.parse::<usize>().ok());
        match in_sync {
            Some(least) if least > shape.replicas => fault(
                true,
                format!(
                    "min.insync.replicas is {least}, but there are {} replicas: nothing can be published",
                    shape.replicas
                ),
            ),
            Some(1) if shape.replicas > 1 => fault(
                false,
                "min.insync.replicas is 1: what is acknowledged may be on one broker only; set it to 2"
                    .to_owned(),
            ),
            _ => {}
        }
        for difference in differing(spec, now) {
            fault(
                false,
                format!("has another policy: {difference}; run `nrwdirekt topics apply`"),
            );
        }
        faults
    }
}

/// Asks for the shapes of topics, in their order.
pub(super) async fn shapes(
    asking: &std::sync::Arc<Asking>,
    specs: &[TopicSpec],
) -> Result<Vec<Option<TopicShape>>, BusError> {
    let asking = std::sync::Arc::clone(asking);
    let names: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    off_the_runtime(move || names.iter().map(|name| asking.shape(name)).collect()).await?
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(REQUEST_TIME))
        .operation_timeout(Some(REQUEST_TIME))
}

/// The policies that a topic should have, in Kafka's words.
fn policies(spec: &TopicSpec) -> Policies {
    let ms = |time: Duration| time.as_millis().to_string();
    let mut policies = Policies::from([
        ("message.timestamp.type", "LogAppendTime".to_owned()),
        ("segment.ms", ms(spec.segments)),
        // A file that is to go leaves the disk a little later: readers may still have it open.
        (
            "file.delete.delay.ms",
            ms((spec.segments / 2).min(DELETE_DELAY_MAX)),
        ),
    ]);
    match spec.cleanup {
        Cleanup::Delete { retention } => policies.extend([
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", ms(retention)),
        ]),
        Cleanup::Compact {
            tombstones,
            longest_lag,
        } => policies.extend([
            ("cleanup.policy", "compact".to_owned()),
            ("delete.retention.ms", ms(tombstones)),
            ("max.compaction.lag.ms", ms(longest_lag)),
            ("min.cleanable.dirty.ratio", "0.1".to_owned()),
        ]),
    }
    policies
}

/// The policies of a topic that are not as wanted, in words.
fn differing(spec: &TopicSpec, now: &ConfigResource) -> Vec<String> {
    let wanted = policies(spec);
    let differs = wanted.into_iter().filter_map(|(name, wanted)| {
        let has = value(now, name).unwrap_or("not set");
        (has != wanted).then(|| format!("{name} is {has} instead of {wanted}"))
    });
    differs.collect()
}

pub(super) fn value<'a>(resource: &'a ConfigResource, name: &str) -> Option<&'a str> {
    resource.get(name).and_then(|entry| entry.value.as_deref())
}
