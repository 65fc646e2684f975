//! Questions to the cluster about topics, and what is known of them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::metadata::MetadataTopic;

use super::context::Logging;
use super::settings::{self, KafkaSettings};
use super::{errors, off_the_runtime};
use crate::{BusError, Positions, topics};

/// How long an answer may take.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// How long readiness waits for an answer.
const PROBE_TIME: Duration = Duration::from_secs(3);

/// A client that only asks.
pub(super) struct Asking(BaseConsumer<Logging>);

/// A topic as the cluster has it.
pub(super) struct TopicShape {
    pub(super) partitions: u32,
    /// The lowest number of copies of its partitions.
    pub(super) replicas: usize,
}

impl Asking {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, BusError> {
        BaseConsumer::from_config_and_context(&settings.asking(), Logging)
            .map(Self)
            .map_err(|error| settings::refused(&error))
    }

    /// The shape of a topic, `None` when it does not exist; blocks.
    pub(super) fn shape(&self, topic: &str) -> Result<Option<TopicShape>, BusError> {
        self.serve();
        let metadata = self
            .0
            .fetch_metadata(Some(topic), ANSWER_TIME)
            .map_err(|error| errors::of(&error, topic))?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
            return Ok(None);
        };
        match found.error().map(Code::from) {
            None => Ok(Some(shape(found))),
            Some(Code::UnknownTopicOrPartition) => Ok(None),
            Some(code) => Err(errors::of_code(code, topic)),
        }
    }

    /// The first and the next position of a partition, of what is committed; blocks.
    pub(super) fn range(&self, topic: &str, partition: u32) -> Result<(i64, i64), BusError> {
        let partition = i32::try_from(partition).map_err(|_| BusError::UnknownTopic(topic.to_owned()))?;
        self.0
            .fetch_watermarks(topic, partition, ANSWER_TIME)
            .map_err(|error| errors::of(&error, topic))
    }

    /// The ends of partitions; blocks.
    pub(super) fn ends(&self, topic: &str, partitions: u32) -> Result<Positions, BusError> {
        (0..partitions)
            .map(|partition| Ok((partition, self.range(topic, partition)?.1)))
            .collect()
    }

    /// The number of a broker; blocks.
    pub(super) fn broker(&self, topic: &str) -> Result<i32, BusError> {
        let metadata = self
            .0
            .fetch_metadata(Some(topic), ANSWER_TIME)
            .map_err(|error| errors::of(&error, topic))?;
        let broker = metadata
            .brokers()
            .first()
            .map(rdkafka::metadata::MetadataBroker::id);
        broker.ok_or_else(|| BusError::Unavailable("the Kafka cluster named no broker".to_owned()))
    }

    /// Names the cluster; blocks.
    pub(super) fn cluster_id(&self) -> Result<String, BusError> {
        self.0
            .client()
            .fetch_cluster_id(ANSWER_TIME)
            .ok_or_else(|| BusError::Unavailable("the Kafka cluster did not tell its id".to_owned()))
    }

    /// Asks something small; blocks.
    pub(super) fn probe(&self) -> Result<(), BusError> {
        self.serve();
        self.0
            .fetch_metadata(Some(topics::CALLS), PROBE_TIME)
            .map(|_| ())
            .map_err(|error| errors::of(&error, topics::CALLS))
    }

    /// Hands waiting log lines on.
    fn serve(&self) {
        const LINES_A_TIME: usize = 100;
        for _ in 0..LINES_A_TIME {
            // Nothing is assigned to this consumer: what comes are errors, which its context has logged.
            if self.0.poll(Duration::ZERO).is_none() {
                break;
            }
        }
    }
}

fn shape(topic: &MetadataTopic) -> TopicShape {
    let replicas = topic
        .partitions()
        .iter()
        .map(|partition| partition.replicas().len());
    TopicShape {
        partitions: u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX),
        replicas: replicas.min().unwrap_or(0),
    }
}

/// Remembers how many partitions topics have, so that publishing need not ask.
pub(super) struct KnownTopics {
    asking: Arc<Asking>,
    partitions: Mutex<HashMap<String, u32>>,
}

impl KnownTopics {
    pub(super) fn new(asking: Arc<Asking>) -> Self {
        Self {
            asking,
            partitions: Mutex::default(),
        }
    }

    /// The number of partitions of a topic.
    pub(super) async fn partitions(&self, topic: &str) -> Result<u32, BusError> {
        let known = self.known().get(topic).copied();
        if let Some(partitions) = known {
            return Ok(partitions);
        }
        let asking = Arc::clone(&self.asking);
        let asked = topic.to_owned();
        let shape = off_the_runtime(move || asking.shape(&asked)).await??;
        let partitions = shape
            .ok_or_else(|| BusError::UnknownTopic(topic.to_owned()))?
            .partitions;
        self.known().insert(topic.to_owned(), partitions);
        Ok(partitions)
    }

    /// After an answer that does not fit what was known.
    pub(super) fn forget(&self, topic: &str) {
        self.known().remove(topic);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, u32>> {
        self.partitions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
