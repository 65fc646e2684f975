//! Topics in one SQLite file, for one process.
//!
//! Appends of concurrent callers share a transaction, so that one flush to the disk serves all of them. A call
//! returns after that flush (`synchronous=FULL`): acknowledged means on the disk. All writing happens on one thread,
//! all reading off the threads of the runtime.

mod appender;
mod cleaning;
mod connections;
mod forgetting;
mod lock;
mod reader;
mod schema;
mod topics;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::{
    Bus, BusError, Forgetting, Forgotten, Outgoing, Positions, Publisher, Reader, StartPositions, TopicFault,
    TopicSpec, message,
};
use appender::{Appender, Fence, Owners};
use connections::Connections;
use reader::EmbeddedReader;
use topics::Topics;

/// The embedded bus.
pub struct EmbeddedBus {
    inner: Arc<Inner>,
}

struct Inner {
    appender: Appender,
    connections: Arc<Connections>,
    topics: Arc<Topics>,
    owners: Owners,
    /// Something was removed that the log of the file may still hold.
    uncleared: AtomicBool,
}

impl EmbeddedBus {
    /// Opens the file, creating it when it is not there, and locks it against other processes.
    ///
    /// # Errors
    /// [`BusError::Refused`] when another process has it open, or a newer version has written it;
    /// [`BusError::Corrupt`], [`BusError::NoRoom`], [`BusError::Unavailable`].
    pub fn open(file: &Path) -> Result<Self, BusError> {
        Self::open_limited(file, u64::MAX)
    }

    /// Like [`EmbeddedBus::open`], with a file that grows to a size at most: beyond it the bus has no room.
    ///
    /// # Errors
    /// As for [`EmbeddedBus::open`].
    pub fn open_limited(file: &Path, bytes_max: u64) -> Result<Self, BusError> {
        let lock = lock::take(file)?;
        let connection = schema::open(file)?;
        schema::limit(&connection, bytes_max)?;
        let topics = Topics::load(&connection)?;
        let connections = Connections::open(file)?;
        let owners = Owners::default();
        let inner = Inner {
            // The lock is held until nothing writes any more.
            appender: Appender::start(connection, Arc::clone(&owners), lock)?,
            connections,
            topics: Arc::new(topics),
            owners,
            uncleared: AtomicBool::new(false),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Removes what the policies of the topics no longer keep, but nothing at or after the given floor of a partition
    /// (the lowest position that a role has yet to read). Only what a later message of the same key has superseded
    /// goes in any case. Returns the number of messages removed; their bytes are then neither in the file nor in its
    /// log.
    ///
    /// # Errors
    /// As for [`Bus::publish`].
    pub async fn clean(&self, floor: &(dyn Fn(&str, u32) -> i64 + Sync)) -> Result<u64, BusError> {
        let inner = &self.inner;
        let mut removed = 0;
        for topic in inner.topics.all() {
            for partition in 0..topic.partitions() {
                let floor = floor(&topic.name, partition);
                loop {
                    let topic = Arc::clone(&topic);
                    let step = inner
                        .appender
                        .run(move |connection| cleaning::step(connection, &topic, partition, floor))
                        .await?;
                    if step > 0 {
                        inner.uncleared.store(true, Ordering::Release);
                    }
                    removed += step as u64;
                    if step < cleaning::MESSAGES_A_STEP {
                        break;
                    }
                }
            }
        }
        if inner.uncleared.load(Ordering::Acquire) {
            inner
                .appender
                .run(|connection| cleaning::finish(connection))
                .await?;
            inner.uncleared.store(false, Ordering::Release);
        }
        Ok(removed)
    }

    /// Finishes what was given to it, closes the file and unlocks it. Afterwards the bus is not available.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] when that could not be awaited.
    pub async fn close(&self) -> Result<(), BusError> {
        let inner = Arc::clone(&self.inner);
        let closing = move || {
            inner.connections.close();
            inner.appender.stop();
        };
        tokio::task::spawn_blocking(closing)
            .await
            .map_err(|error| BusError::Unavailable(format!("closing was not finished: {error}")))
    }
}

impl Inner {
    async fn append(
        &self,
        topic: &str,
        messages: Vec<Outgoing>,
        fence: Option<Fence>,
    ) -> Result<Positions, BusError> {
        message::check_sizes(topic, &messages)?;
        let topic = self.topics.get(topic)?;
        if messages.is_empty() {
            return Ok(Positions::new());
        }
        self.appender.append(topic, messages, fence).await
    }
}

#[async_trait]
impl Bus for EmbeddedBus {
    async fn topic_id(&self, topic: &str) -> Result<String, BusError> {
        Ok(self.inner.topics.get(topic)?.incarnation.clone())
    }

    async fn apply_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<String>, BusError> {
        let topics = Arc::clone(&self.inner.topics);
        let wanted = wanted.to_vec();
        self.inner
            .appender
            .run(move |connection| topics.apply(connection, &wanted))
            .await
    }

    async fn check_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<TopicFault>, BusError> {
        Ok(self.inner.topics.faults(wanted))
    }

    async fn publish(&self, topic: &str, messages: Vec<Outgoing>) -> Result<Positions, BusError> {
        self.inner.append(topic, messages, None).await
    }

    async fn publisher(&self, owner: &str) -> Result<Box<dyn Publisher>, BusError> {
        let generation = {
            let mut owners = self.inner.owners.lock().unwrap_or_else(PoisonError::into_inner);
            let generation = owners.entry(owner.to_owned()).or_default();
            *generation += 1;
            *generation
        };
        Ok(Box::new(EmbeddedPublisher {
            inner: Arc::clone(&self.inner),
            owner: owner.to_owned(),
            generation,
        }))
    }

    async fn reader(
        &self,
        topic: &str,
        _group: &str,
        starts: Arc<dyn StartPositions>,
    ) -> Result<Box<dyn Reader>, BusError> {
        let topic = self.inner.topics.get(topic)?;
        let mut from = Positions::new();
        for partition in 0..topic.partitions() {
            let start = starts
                .start(&topic.name, partition)
                .await
                .map_err(|error| BusError::Unavailable(format!("where to start reading: {error}")))?;
            if let Some(start) = start {
                from.insert(partition, start);
            }
        }
        Ok(Box::new(EmbeddedReader::new(
            Arc::clone(&self.inner),
            topic,
            &from,
        )))
    }

    async fn reader_alone(&self, topic: &str, from: Positions) -> Result<Box<dyn Reader>, BusError> {
        let topic = self.inner.topics.get(topic)?;
        Ok(Box::new(EmbeddedReader::new(
            Arc::clone(&self.inner),
            topic,
            &from,
        )))
    }

    async fn ends(&self, topic: &str) -> Result<Positions, BusError> {
        let topic = self.inner.topics.get(topic)?;
        let ranges = topic.ranges.borrow();
        Ok((0..).zip(ranges.iter().map(|range| range.next)).collect())
    }

    async fn forget(
        &self,
        topic: &str,
        what: Forgetting,
        read_up_to: Positions,
    ) -> Result<Forgotten, BusError> {
        let topic = self.inner.topics.get(topic)?;
        forgetting::forget(&self.inner, &topic, &what, &read_up_to).await?;
        Ok(Forgotten::Done {
            stays: Duration::ZERO,
        })
    }

    async fn scrub(&self) -> Result<(), BusError> {
        forgetting::scrub(&self.inner).await
    }

    async fn stays(&self, topic: &str) -> Result<Duration, BusError> {
        self.inner.topics.get(topic)?;
        Ok(Duration::ZERO)
    }

    async fn probe(&self) -> Result<(), BusError> {
        let ask = |connection: &rusqlite::Connection| {
            connection.query_row("SELECT count(*) FROM topics", [], |_| Ok(()))?;
            Ok(())
        };
        self.inner.connections.read(ask).await?;
        self.inner.appender.run(|_| Ok(())).await
    }
}

struct EmbeddedPublisher {
    inner: Arc<Inner>,
    owner: String,
    generation: u64,
}

#[async_trait]
impl Publisher for EmbeddedPublisher {
    async fn publish(&mut self, topic: &str, messages: Vec<Outgoing>) -> Result<(), BusError> {
        let fence = Fence {
            owner: self.owner.clone(),
            generation: self.generation,
        };
        self.inner.append(topic, messages, Some(fence)).await?;
        Ok(())
    }
}

fn stopped() -> BusError {
    BusError::Unavailable("the bus was stopped".to_owned())
}
