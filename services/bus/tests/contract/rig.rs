//! An installation to try things on, and helpers that read like the sentence they stand for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bus::embedded::EmbeddedBus;
use bus::kafka::{KafkaBus, KafkaSettings};
use bus::{Bus, Cleanup, Outgoing, Positions, Reader, Received, StartPositions, TopicSpec};
use tempfile::TempDir;

/// Long enough for a busy machine; nothing waits for it to pass when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) enum Rig {
    Embedded(TempDir),
    Kafka(String),
}

impl Rig {
    pub(crate) fn embedded() -> Self {
        Self::Embedded(tempfile::tempdir().unwrap())
    }

    /// `None` where there is no broker to try; in CI there has to be one.
    pub(crate) fn kafka() -> Option<Self> {
        match std::env::var("NRWDIREKT_TEST_KAFKA") {
            Ok(bootstrap) => Some(Self::Kafka(bootstrap)),
            Err(_) if std::env::var_os("CI").is_some() => {
                panic!("NRWDIREKT_TEST_KAFKA is not set; ops/test starts a broker and sets it")
            }
            Err(_) => {
                eprintln!("Apache Kafka is left out: NRWDIREKT_TEST_KAFKA is not set");
                None
            }
        }
    }

    /// Opens the installation; again, when the one before was dropped.
    pub(crate) fn open(&self) -> Arc<dyn Bus> {
        match self {
            Self::Embedded(dir) => Arc::new(EmbeddedBus::open(&dir.path().join("bus.db")).unwrap()),
            Self::Kafka(bootstrap) => Arc::new(KafkaBus::connect(kafka_settings(bootstrap)).unwrap()),
        }
    }

    pub(crate) async fn open_with(&self, topics: &[&TopicSpec]) -> Arc<dyn Bus> {
        let bus = self.open();
        let topics: Vec<_> = topics.iter().map(|topic| (*topic).clone()).collect();
        bus.apply_topics(&topics).await.unwrap();
        bus
    }
}

pub(crate) fn kafka_settings(bootstrap: &str) -> KafkaSettings {
    KafkaSettings {
        bootstrap: bootstrap.to_owned(),
        replication_factor: 1,
        properties: BTreeMap::new(),
    }
}

/// A name that no other test has.
pub(crate) fn unique(name: &str) -> String {
    format!("test.{name}.{}", uuid::Uuid::new_v4().simple())
}

pub(crate) fn topic(partitions: u32) -> TopicSpec {
    TopicSpec {
        name: unique("topic"),
        partitions,
        cleanup: Cleanup::Delete {
            retention: Duration::from_secs(7 * 24 * 60 * 60),
        },
        segments: Duration::from_secs(86_400),
    }
}

pub(crate) fn compacted(partitions: u32) -> TopicSpec {
    TopicSpec {
        name: unique("compacted"),
        partitions,
        cleanup: Cleanup::Compact {
            tombstones: Duration::from_secs(30 * 24 * 60 * 60),
            longest_lag: Duration::from_secs(24 * 60 * 60),
        },
        segments: Duration::from_secs(86_400),
    }
}

pub(crate) fn message(key: &str, payload: &str) -> Outgoing {
    Outgoing {
        key: key.as_bytes().to_vec(),
        headers: vec![("ce_type", "test".into())],
        payload: Some(payload.as_bytes().to_vec()),
    }
}

pub(crate) fn tombstone(key: &str) -> Outgoing {
    Outgoing {
        payload: None,
        ..message(key, "")
    }
}

pub(crate) fn numbered(key: &str, numbers: std::ops::Range<u32>) -> Vec<Outgoing> {
    numbers.map(|number| message(key, &number.to_string())).collect()
}

pub(crate) fn text(message: &Received) -> String {
    String::from_utf8(message.payload.clone().unwrap_or_default()).unwrap()
}

pub(crate) fn texts(messages: &[Received]) -> Vec<String> {
    messages.iter().map(text).collect()
}

/// Reads until so many messages have come; more is a failure.
pub(crate) async fn read(reader: &mut dyn Reader, count: usize) -> Vec<Received> {
    let deadline = Instant::now() + PATIENCE;
    let mut messages = Vec::new();
    while messages.len() < count {
        assert!(
            Instant::now() < deadline,
            "only {} of {count} messages came",
            messages.len()
        );
        match reader.next(1_000, Duration::from_secs(1)).await {
            Ok(more) => messages.extend(more),
            Err(error) => assert!(error.is_temporary(), "{error:?}"),
        }
    }
    assert_eq!(messages.len(), count);
    messages
}

/// Everything that a topic holds.
pub(crate) async fn read_all(bus: &dyn Bus, topic: &str, count: usize) -> Vec<Received> {
    let mut reader = bus.reader_alone(topic, Positions::new()).await.unwrap();
    let messages = read(reader.as_mut(), count).await;
    assert!(
        reader
            .next(10, Duration::from_millis(300))
            .await
            .unwrap()
            .is_empty()
    );
    messages
}

/// Starts that do not change.
pub(crate) struct From(pub(crate) Positions);

impl From {
    pub(crate) fn beginning() -> Arc<Self> {
        Arc::new(Self(Positions::new()))
    }
}

#[async_trait]
impl StartPositions for From {
    async fn start(
        &self,
        _topic: &str,
        partition: u32,
    ) -> Result<Option<i64>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.0.get(&partition).copied())
    }
}
