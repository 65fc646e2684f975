//! Topics in one SQLite file, for one process.
//!
//! Appends of concurrent callers share a transaction, so that one flush to the disk serves all of them. A call
//! returns after that flush (`synchronous=FULL`): acknowledged means on the disk.

mod appender;
mod reader;
mod schema;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{Mutex, watch};

use crate::{Bus, BusError, Outgoing, Positions, Publisher, Reader, StartPositions, TopicFault, TopicSpec};
use appender::Appender;
use reader::EmbeddedReader;

/// The embedded bus.
pub struct EmbeddedBus {
    inner: Arc<Inner>,
}

struct Inner {
    appender: Appender,
    /// Reading and administration; appends have a connection of their own.
    connection: Mutex<Connection>,
    /// Raised with every commit, so that readers wake.
    appended: watch::Receiver<u64>,
    owners: std::sync::Mutex<std::collections::HashMap<String, u64>>,
}

#[derive(Clone, Copy)]
struct TopicRow {
    id: i64,
    partitions: u32,
}

impl EmbeddedBus {
    /// Opens the file, creating it when it is not there. The caller makes sure that no other process has it open.
    ///
    /// # Errors
    /// [`BusError::Corrupt`], [`BusError::NoRoom`], [`BusError::Unavailable`].
    pub fn open(file: &Path) -> Result<Self, BusError> {
        let connection = schema::open(file)?;
        let (appender, appended) = Appender::start(schema::open(file)?)?;
        let inner = Inner {
            appender,
            connection: Mutex::new(connection),
            appended,
            owners: Default::default(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Removes what the policies of the topics no longer keep, but nothing at or after the given floor of a topic
    /// (the lowest position that a role has yet to read). Returns the number of messages removed.
    ///
    /// # Errors
    /// As for [`Bus::publish`].
    pub async fn clean(&self, floor: &(dyn Fn(&str, u32) -> i64 + Sync)) -> Result<u64, BusError> {
        let topics: Vec<(i64, String, u32, String)> = {
            let connection = self.inner.connection.lock().await;
            let mut statement = connection.prepare("SELECT id, name, partitions, cleanup FROM topics")?;
            let rows =
                statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        let mut removed = 0;
        for (id, name, partitions, cleanup) in topics {
            for partition in 0..partitions {
                let floor = floor(&name, partition);
                let cleanup = schema::read_cleanup(&cleanup)?;
                removed += self.inner.appender.clean(id, partition, cleanup, floor).await?;
            }
        }
        Ok(removed)
    }
}

impl Inner {
    async fn topic(&self, name: &str) -> Result<TopicRow, BusError> {
        let connection = self.connection.lock().await;
        let row = connection
            .query_row(
                "SELECT id, partitions FROM topics WHERE name = ?1",
                [name],
                |row| {
                    Ok(TopicRow {
                        id: row.get(0)?,
                        partitions: row.get(1)?,
                    })
                },
            )
            .optional()?;
        row.ok_or_else(|| BusError::UnknownTopic(name.to_owned()))
    }

    async fn append(&self, topic: &str, messages: Vec<Outgoing>) -> Result<Positions, BusError> {
        let topic = self.topic(topic).await?;
        self.appender.append(topic.id, topic.partitions, messages).await
    }
}

#[async_trait]
impl Bus for EmbeddedBus {
    async fn topic_id(&self, topic: &str) -> Result<String, BusError> {
        let connection = self.inner.connection.lock().await;
        let id: Option<String> = connection
            .query_row("SELECT incarnation FROM topics WHERE name = ?1", [topic], |row| {
                row.get(0)
            })
            .optional()?;
        id.ok_or_else(|| BusError::UnknownTopic(topic.to_owned()))
    }

    async fn apply_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<String>, BusError> {
        let connection = self.inner.connection.lock().await;
        let mut changes = Vec::new();
        for spec in wanted {
            let cleanup = schema::write_cleanup(spec.cleanup);
            let known: Option<String> = connection
                .query_row(
                    "SELECT cleanup FROM topics WHERE name = ?1",
                    [&spec.name],
                    |row| row.get(0),
                )
                .optional()?;
            match known {
                None => {
                    connection.execute(
                        "INSERT INTO topics (name, partitions, cleanup, incarnation)
                         VALUES (?1, ?2, ?3, lower(hex(randomblob(8))))",
                        params![spec.name, spec.partitions, cleanup],
                    )?;
                    changes.push(format!("{} created", spec.name));
                }
                Some(known) if known != cleanup => {
                    connection.execute(
                        "UPDATE topics SET cleanup = ?2 WHERE name = ?1",
                        params![spec.name, cleanup],
                    )?;
                    changes.push(format!("{} has a new policy", spec.name));
                }
                Some(_) => {}
            }
        }
        Ok(changes)
    }

    async fn check_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<TopicFault>, BusError> {
        let connection = self.inner.connection.lock().await;
        let mut faults = Vec::new();
        for spec in wanted {
            let known: Option<(u32, String)> = connection
                .query_row(
                    "SELECT partitions, cleanup FROM topics WHERE name = ?1",
                    [&spec.name],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            let mut fault = |fatal, fault: String| {
                faults.push(TopicFault {
                    topic: spec.name.clone(),
                    fault,
                    fatal,
                })
            };
            match known {
                None => fault(true, "does not exist; run `nrwdirekt topics apply`".to_owned()),
                Some((partitions, _)) if partitions != spec.partitions => {
                    let wanted = spec.partitions;
                    fault(
                        true,
                        format!("has {partitions} partitions instead of {wanted}; they are fixed for ever"),
                    );
                }
                Some((_, cleanup)) if cleanup != schema::write_cleanup(spec.cleanup) => {
                    fault(
                        false,
                        "has another policy; run `nrwdirekt topics apply`".to_owned(),
                    );
                }
                Some(_) => {}
            }
        }
        Ok(faults)
    }

    async fn publish(&self, topic: &str, messages: Vec<Outgoing>) -> Result<Positions, BusError> {
        self.inner.append(topic, messages).await
    }

    async fn publisher(&self, owner: &str) -> Result<Box<dyn Publisher>, BusError> {
        let generation = {
            let mut owners = self.inner.owners.lock().expect("no holder of this lock panics");
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
        let row = self.inner.topic(topic).await?;
        let mut from = Positions::new();
        for partition in 0..row.partitions {
            let start = starts
                .start(topic, partition)
                .await
                .map_err(|error| BusError::Unavailable(error.to_string()))?;
            from.insert(partition, start.unwrap_or(0));
        }
        Ok(Box::new(EmbeddedReader::new(Arc::clone(&self.inner), row, from)))
    }

    async fn reader_alone(&self, topic: &str, from: Positions) -> Result<Box<dyn Reader>, BusError> {
        let row = self.inner.topic(topic).await?;
        let from =
            (0..row.partitions).map(|partition| (partition, from.get(&partition).copied().unwrap_or(0)));
        Ok(Box::new(EmbeddedReader::new(
            Arc::clone(&self.inner),
            row,
            from.collect(),
        )))
    }

    async fn ends(&self, topic: &str) -> Result<Positions, BusError> {
        let row = self.inner.topic(topic).await?;
        let connection = self.inner.connection.lock().await;
        let mut ends: Positions = (0..row.partitions).map(|partition| (partition, 0)).collect();
        let mut statement =
            connection.prepare_cached("SELECT partition, next_offset FROM ends WHERE topic_id = ?1")?;
        let known = statement.query_map([row.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        for end in known {
            let (partition, position) = end?;
            ends.insert(partition, position);
        }
        Ok(ends)
    }

    async fn probe(&self) -> Result<(), BusError> {
        let connection = self.inner.connection.lock().await;
        connection.query_row("SELECT count(*) FROM topics", [], |_| Ok(()))?;
        Ok(())
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
        let current = self
            .inner
            .owners
            .lock()
            .expect("no holder of this lock panics")
            .get(&self.owner)
            .copied();
        if current != Some(self.generation) {
            return Err(BusError::Fenced(self.owner.clone()));
        }
        self.inner.append(topic, messages).await.map(|_| ())
    }
}

/// How long the embedded bus waits for another connection of this process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
