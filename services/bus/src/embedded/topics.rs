//! The topics of the file. One process has it open, so what is kept here is how they are.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::schema;
use crate::{BusError, Cleanup, TopicFault, TopicSpec};

/// What a partition holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    /// Everything before it was deleted.
    pub(super) first: i64,
    /// The position after the last message.
    pub(super) next: i64,
}

/// A topic of the file.
pub(super) struct Topic {
    pub(super) id: i64,
    pub(super) name: String,
    /// Another one when the topic is made anew.
    pub(super) incarnation: String,
    cleanup: Mutex<Cleanup>,
    /// By partition; readers wake when they change.
    pub(super) ranges: watch::Sender<Vec<Range>>,
}

impl Topic {
    pub(super) fn partitions(&self) -> u32 {
        u32::try_from(self.ranges.borrow().len()).unwrap_or(u32::MAX)
    }

    pub(super) fn cleanup(&self) -> Cleanup {
        *self.cleanup.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_compacted(&self) -> bool {
        matches!(self.cleanup(), Cleanup::Compact { .. })
    }

    /// Changes what is known of one partition.
    pub(super) fn update(&self, partition: u32, change: impl FnOnce(&mut Range)) {
        self.ranges.send_if_modified(|ranges| {
            let Some(range) = ranges.get_mut(partition as usize) else {
                return false;
            };
            let before = *range;
            change(range);
            *range != before
        });
    }
}

#[derive(Default)]
pub(super) struct Topics(RwLock<HashMap<String, Arc<Topic>>>);

impl Topics {
    /// Reads what the file holds.
    pub(super) fn load(connection: &Connection) -> Result<Self, BusError> {
        let mut statement =
            connection.prepare("SELECT id, name, partitions, cleanup, incarnation FROM topics")?;
        let rows = statement.query_map([], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, u32>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, String>(4)?,
            ))
        })?;
        let mut topics = HashMap::new();
        for row in rows {
            let (id, name, partitions, cleanup, incarnation) = row?;
            let topic = Topic {
                id,
                name: name.clone(),
                incarnation,
                cleanup: Mutex::new(schema::read_cleanup(&cleanup)?),
                ranges: watch::Sender::new(ranges(connection, id, partitions)?),
            };
            topics.insert(name, Arc::new(topic));
        }
        Ok(Self(RwLock::new(topics)))
    }

    pub(super) fn get(&self, name: &str) -> Result<Arc<Topic>, BusError> {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let topic = topics.get(name).cloned();
        topic.ok_or_else(|| BusError::UnknownTopic(name.to_owned()))
    }

    pub(super) fn all(&self) -> Vec<Arc<Topic>> {
        let topics = self.0.read().unwrap_or_else(PoisonError::into_inner);
        topics.values().cloned().collect()
    }

    /// Makes the topics as wanted. Returns what was changed.
    pub(super) fn apply(
        &self,
        connection: &mut Connection,
        wanted: &[TopicSpec],
    ) -> Result<Vec<String>, BusError> {
        let mut changes = Vec::new();
        for spec in wanted {
            match self.get(&spec.name) {
                Err(_) => {
                    let topic = create(connection, spec)?;
                    let mut topics = self.0.write().unwrap_or_else(PoisonError::into_inner);
                    topics.insert(spec.name.clone(), Arc::new(topic));
                    changes.push(format!("{} created", spec.name));
                }
                Ok(topic) if topic.cleanup() != spec.cleanup => {
                    change_cleanup(connection, &topic, spec.cleanup)?;
                    *topic.cleanup.lock().unwrap_or_else(PoisonError::into_inner) = spec.cleanup;
                    changes.push(format!("{} has a new policy", spec.name));
                }
                Ok(_) => {}
            }
        }
        Ok(changes)
    }

    /// What is not as wanted.
    pub(super) fn faults(&self, wanted: &[TopicSpec]) -> Vec<TopicFault> {
        let fault = |spec: &TopicSpec, fatal, fault: String| TopicFault {
            topic: spec.name.clone(),
            fault,
            fatal,
        };
        let mut faults = Vec::new();
        for spec in wanted {
            let Ok(topic) = self.get(&spec.name) else {
                let missing = "does not exist; run `nrwdirekt topics apply`";
                faults.push(fault(spec, true, missing.to_owned()));
                continue;
            };
            let (has, wanted) = (topic.partitions(), spec.partitions);
            if has != wanted {
                let differs = format!("has {has} partitions instead of {wanted}; they are fixed for ever");
                faults.push(fault(spec, true, differs));
            }
            if topic.cleanup() != spec.cleanup {
                let differs = "has another policy; run `nrwdirekt topics apply`";
                faults.push(fault(spec, false, differs.to_owned()));
            }
        }
        faults
    }
}

fn ranges(connection: &Connection, topic_id: i64, partitions: u32) -> Result<Vec<Range>, BusError> {
    let mut ranges = vec![Range::default(); partitions as usize];
    let mut statement = connection
        .prepare_cached("SELECT partition, first_offset, next_offset FROM ranges WHERE topic_id = ?1")?;
    let rows = statement.query_map([topic_id], |row| {
        Ok((
            row.get::<_, u32>(0)?,
            Range {
                first: row.get(1)?,
                next: row.get(2)?,
            },
        ))
    })?;
    for row in rows {
        let (partition, range) = row?;
        let known = ranges
            .get_mut(partition as usize)
            .ok_or_else(|| BusError::Corrupt(format!("a partition {partition} beyond its topic's")))?;
        *known = range;
    }
    Ok(ranges)
}

fn create(connection: &mut Connection, spec: &TopicSpec) -> Result<Topic, BusError> {
    let transaction = connection.transaction()?;
    let (id, incarnation) = transaction.query_row(
        "INSERT INTO topics (name, partitions, cleanup, incarnation)
         VALUES (?1, ?2, ?3, lower(hex(randomblob(8)))) RETURNING id, incarnation",
        params![spec.name, spec.partitions, schema::write_cleanup(spec.cleanup)],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for partition in 0..spec.partitions {
        transaction.execute(
            "INSERT INTO ranges (topic_id, partition, first_offset, next_offset) VALUES (?1, ?2, 0, 0)",
            params![id, partition],
        )?;
    }
    transaction.commit()?;
    Ok(Topic {
        id,
        name: spec.name.clone(),
        incarnation,
        cleanup: Mutex::new(spec.cleanup),
        ranges: watch::Sender::new(vec![Range::default(); spec.partitions as usize]),
    })
}

fn change_cleanup(connection: &mut Connection, topic: &Topic, cleanup: Cleanup) -> Result<(), BusError> {
    let transaction = connection.transaction()?;
    transaction.execute(
        "UPDATE topics SET cleanup = ?2 WHERE id = ?1",
        params![topic.id, schema::write_cleanup(cleanup)],
    )?;
    let compacts = matches!(cleanup, Cleanup::Compact { .. });
    if compacts != topic.is_compacted() {
        transaction.execute("DELETE FROM latest WHERE topic_id = ?1", [topic.id])?;
        transaction.execute("DELETE FROM superseded WHERE topic_id = ?1", [topic.id])?;
    }
    if compacts && !topic.is_compacted() {
        transaction.execute(
            "INSERT INTO latest (topic_id, partition, key, offset)
             SELECT topic_id, partition, key, max(offset) FROM messages WHERE topic_id = ?1 GROUP BY partition, key",
            [topic.id],
        )?;
        transaction.execute(
            "INSERT INTO superseded (topic_id, partition, offset)
             SELECT m.topic_id, m.partition, m.offset FROM messages m
             JOIN latest l ON l.topic_id = m.topic_id AND l.partition = m.partition AND l.key = m.key
             WHERE m.topic_id = ?1 AND m.offset < l.offset",
            [topic.id],
        )?;
    }
    transaction.commit()?;
    Ok(())
}
