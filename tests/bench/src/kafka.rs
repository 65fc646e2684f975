//! The Kafka cluster, as the product uses it and as a bare client does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bus::kafka::{KafkaBus, KafkaSettings};
use bus::{Bus, Cleanup, TopicSpec};
use prost::bytes::Bytes;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, ProducerContext, ThreadedProducer};
use rdkafka::{ClientConfig, ClientContext};
use tokio::sync::oneshot;

/// Where the cluster is; set by `ops/bench`.
const ADDRESS: &str = "NRWDIREKT_TEST_KAFKA";
/// Partitions of the topics of calls, as in the sample configuration.
pub(crate) const PARTITIONS: u32 = 24;

/// The address of the cluster.
pub(crate) fn address() -> anyhow::Result<String> {
    std::env::var(ADDRESS).with_context(|| format!("{ADDRESS} is not set; start this with ops/bench"))
}

/// The product's bus on the cluster.
pub(crate) fn connect() -> anyhow::Result<KafkaBus> {
    Ok(KafkaBus::connect(KafkaSettings {
        bootstrap: address()?,
        replication_factor: 1,
        properties: Default::default(),
    })?)
}

/// Makes a topic like that of the calls.
pub(crate) async fn create(bus: &dyn Bus, name: &str, partitions: u32) -> anyhow::Result<()> {
    let retention = Duration::from_secs(24 * 60 * 60);
    let spec = TopicSpec {
        name: name.to_owned(),
        partitions,
        cleanup: Cleanup::Delete { retention },
        segments: Duration::from_secs(86_400),
    };
    bus.apply_topics(&[spec]).await?;
    Ok(())
}

/// A name that no run before has used.
pub(crate) fn fresh(name: &str) -> String {
    format!("bench-{}.{name}", uuid::Uuid::new_v4().simple())
}

/// librdkafka's properties for appending, those of the product.
fn producing() -> anyhow::Result<ClientConfig> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", address()?)
        .set("linger.ms", "3")
        .set("compression.type", "lz4")
        .set("batch.num.messages", "10000")
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("partitioner", "murmur2_random")
        .set("message.timeout.ms", "30000")
        .set("message.max.bytes", "1040000")
        .set("queue.buffering.max.messages", "0")
        .set("queue.buffering.max.kbytes", "1048576");
    Ok(config)
}

/// A producer without anything around it.
pub(crate) struct BareProducer {
    producer: ThreadedProducer<Reports>,
    topic: String,
}

impl BareProducer {
    /// For one topic.
    pub(crate) fn new(topic: &str) -> anyhow::Result<Self> {
        Ok(Self {
            producer: ThreadedProducer::from_config_and_context(&producing()?, Reports)?,
            topic: topic.to_owned(),
        })
    }

    /// Appends messages; returns when each is acknowledged.
    pub(crate) async fn append(&self, messages: Vec<Bytes>) -> anyhow::Result<()> {
        if messages.is_empty() {
            return Ok(());
        }
        let (done, acknowledged) = oneshot::channel();
        let pending = Arc::new(Pending {
            open: AtomicUsize::new(messages.len()),
            done: Mutex::new(Some(done)),
        });
        for message in &messages {
            let record = BaseRecord::<(), [u8], _>::with_opaque_to(&self.topic, Arc::clone(&pending));
            let sent = self.producer.send(record.payload(message));
            sent.map_err(|(error, _)| anyhow!("not sent: {error}"))?;
        }
        if !acknowledged.await? {
            bail!("a message was not acknowledged");
        }
        Ok(())
    }
}

/// Messages without an acknowledgement.
struct Pending {
    open: AtomicUsize,
    done: Mutex<Option<oneshot::Sender<bool>>>,
}

struct Reports;

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = Arc<Pending>;

    fn delivery(&self, result: &DeliveryResult<'_>, pending: Arc<Pending>) {
        let last = pending.open.fetch_sub(1, Ordering::AcqRel) == 1;
        if last || result.is_err() {
            let done = pending.done.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(done) = done {
                // Nobody waits any more when the measurement has failed.
                let _ = done.send(result.is_ok());
            }
        }
    }
}
