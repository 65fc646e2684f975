//! Appending: one idempotent producer for all callers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ThreadedProducer};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::context::{Batch, Reports};
use super::settings::{self, DELIVERY_MS_MAX, KafkaSettings};
use super::{CLOSING_TIME, errors};
use crate::{BusError, Outgoing, Positions};

/// What may be under way at most, in KiB; callers beyond that wait.
const UNDER_WAY_KIB: u32 = 64 * 1024;
/// What a message costs beside its own bytes, in librdkafka's memory.
const MESSAGE_OVERHEAD_BYTES: usize = 256;
/// After so many messages the caller lets others run.
const MESSAGES_A_TURN: usize = 1_000;

type NativeProducer = ThreadedProducer<Reports>;

pub(super) struct SharedProducer {
    settings: KafkaSettings,
    current: Mutex<Arc<NativeProducer>>,
    room: Semaphore,
}

impl SharedProducer {
    pub(super) fn new(settings: &KafkaSettings) -> Result<Self, BusError> {
        Ok(Self {
            settings: settings.clone(),
            current: Mutex::new(Arc::new(create(settings)?)),
            room: Semaphore::new(UNDER_WAY_KIB as usize),
        })
    }

    /// Appends the messages; returns when each has its delivery report.
    pub(super) async fn append(&self, topic: &str, messages: Vec<Outgoing>) -> Result<Positions, BusError> {
        let _room = self.room(&messages).await?;
        let producer = self.usable()?;
        let (batch, result) = Batch::new(messages.len());
        let mut remaining = messages.len();
        for message in messages {
            if let Err((error, record)) = producer.send(record(topic, &message, Arc::clone(&batch))) {
                drop(record);
                batch.unsent(remaining, error.rdkafka_error_code().unwrap_or(Code::Fail));
                break;
            }
            remaining -= 1;
            if remaining.is_multiple_of(MESSAGES_A_TURN) {
                tokio::task::yield_now().await;
            }
        }
        drop(batch);
        result
            .await
            .map_err(|_| BusError::Unavailable("the producer was stopped".to_owned()))?
            .map_err(|code| errors::of_code(code, topic))
    }

    /// Appends a message to a partition, whatever its key.
    pub(super) async fn append_to(
        &self,
        topic: &str,
        partition: i32,
        message: Outgoing,
    ) -> Result<(), BusError> {
        let _room = self.room(std::slice::from_ref(&message)).await?;
        let producer = self.usable()?;
        let (batch, result) = Batch::new(1);
        let sent = producer.send(record(topic, &message, Arc::clone(&batch)).partition(partition));
        if let Err((error, record)) = sent {
            drop(record);
            batch.unsent(1, error.rdkafka_error_code().unwrap_or(Code::Fail));
        }
        drop(batch);
        let result = result
            .await
            .map_err(|_| BusError::Unavailable("the producer was stopped".to_owned()))?;
        result.map(|_| ()).map_err(|code| errors::of_code(code, topic))
    }

    /// Waits for room beside what is under way. When nothing gets away for long, there is none.
    async fn room(&self, messages: &[Outgoing]) -> Result<SemaphorePermit<'_>, BusError> {
        let time = Duration::from_millis(DELIVERY_MS_MAX);
        match tokio::time::timeout(time, self.room.acquire_many(kib(messages))).await {
            Ok(Ok(room)) => Ok(room),
            Ok(Err(_)) => Err(BusError::Unavailable("the bus was stopped".to_owned())),
            Err(_) => Err(BusError::Unavailable(
                "too much is under way to the Kafka cluster already".to_owned(),
            )),
        }
    }

    /// The producer; a new one when the former met an error that it cannot recover from.
    fn usable(&self) -> Result<Arc<NativeProducer>, BusError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((code, reason)) = current.client().fatal_error() {
            tracing::error!(%code, reason, "the Kafka producer cannot go on; starting a new one");
            let former = std::mem::replace(&mut *current, Arc::new(create(&self.settings)?));
            retire(former);
        }
        Ok(Arc::clone(&current))
    }

    /// Waits for what is under way, and takes nothing more.
    pub(super) fn close(&self) {
        self.room.close();
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = current.flush(CLOSING_TIME) {
            tracing::warn!(%error, "messages were still under way when the bus was stopped");
        }
    }
}

/// Ending a producer waits for its thread: not on a thread of the runtime.
fn retire(producer: Arc<NativeProducer>) {
    let ending = std::thread::Builder::new().name("bus-retiring".to_owned());
    if let Err(error) = ending.spawn(move || drop(producer)) {
        tracing::warn!(%error, "no thread to end a Kafka producer on");
    }
}

fn create(settings: &KafkaSettings) -> Result<NativeProducer, BusError> {
    NativeProducer::from_config_and_context(&settings.producer(), Reports)
        .map_err(|error| settings::refused(&error))
}

/// What the messages cost of the room, at least 1 and at most all of it.
fn kib(messages: &[Outgoing]) -> u32 {
    let bytes: usize = messages
        .iter()
        .map(|message| message.bytes() + MESSAGE_OVERHEAD_BYTES)
        .sum();
    u32::try_from(bytes / 1024 + 1).map_or(UNDER_WAY_KIB, |kib| kib.min(UNDER_WAY_KIB))
}

/// A message as librdkafka takes it.
pub(super) fn record<'a>(
    topic: &'a str,
    message: &'a Outgoing,
    batch: Arc<Batch>,
) -> BaseRecord<'a, [u8], [u8], Arc<Batch>> {
    let mut record = BaseRecord::with_opaque_to(topic, batch).key(message.key.as_slice());
    if let Some(payload) = &message.payload {
        record = record.payload(payload.as_slice());
    }
    if !message.headers.is_empty() {
        let mut headers = OwnedHeaders::new_with_capacity(message.headers.len());
        for (name, value) in &message.headers {
            headers = headers.insert(Header {
                key: name,
                value: Some(value.as_ref()),
            });
        }
        record = record.headers(headers);
    }
    record
}
