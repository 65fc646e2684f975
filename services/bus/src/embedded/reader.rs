//! Reading from the embedded bus.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, params};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Inner;
use super::topics::{Range, Topic};
use crate::{BusError, Positions, Reader, Received};

pub(super) struct EmbeddedReader {
    inner: Arc<Inner>,
    topic: Arc<Topic>,
    positions: Positions,
    ranges: watch::Receiver<Vec<Range>>,
    /// The partition that has its turn first, so that a full one does not keep the others waiting.
    turn: u32,
}

impl EmbeddedReader {
    /// Reads from the positions, and partitions without one from their beginning.
    pub(super) fn new(inner: Arc<Inner>, topic: Arc<Topic>, from: &Positions) -> Self {
        let ranges = topic.ranges.subscribe();
        let positions = ranges
            .borrow()
            .iter()
            .zip(0..)
            .map(|(range, partition)| (partition, from.get(&partition).copied().unwrap_or(range.first)))
            .collect();
        Self {
            inner,
            topic,
            positions,
            ranges,
            turn: 0,
        }
    }

    /// What there is to read: by partition its position and the end, in the order of their turns.
    fn readable(&mut self) -> Result<Vec<(u32, i64, i64)>, BusError> {
        let ranges = self.ranges.borrow_and_update();
        let mut readable = Vec::new();
        for (partition, position) in &self.positions {
            let range = ranges.get(*partition as usize).copied().unwrap_or_default();
            if !(range.first..=range.next).contains(position) {
                return Err(BusError::Lost {
                    topic: self.topic.name.clone(),
                    partition: *partition,
                    position: *position,
                    first: range.first,
                    end: range.next,
                });
            }
            if *position < range.next {
                readable.push((*partition, *position, range.next));
            }
        }
        let first = readable.partition_point(|(partition, ..)| *partition < self.turn);
        readable.rotate_left(first);
        Ok(readable)
    }

    async fn read(&mut self, most: usize) -> Result<Vec<Received>, BusError> {
        let readable = self.readable()?;
        let Some((first, ..)) = readable.first().copied() else {
            self.inner.connections.check_open()?;
            return Ok(Vec::new());
        };
        let topic_id = self.topic.id;
        let reading = move |connection: &Connection| read_partitions(connection, topic_id, &readable, most);
        let (messages, positions) = self.inner.connections.read(reading).await?;
        self.positions.extend(positions);
        self.turn = first + 1;
        Ok(messages)
    }
}

/// Reads the partitions one after the other. Returns the messages and how far each partition was read.
fn read_partitions(
    connection: &Connection,
    topic_id: i64,
    readable: &[(u32, i64, i64)],
    most: usize,
) -> Result<(Vec<Received>, Positions), BusError> {
    let mut statement = connection.prepare_cached(
        "SELECT offset, key, headers, payload FROM messages
         WHERE topic_id = ?1 AND partition = ?2 AND offset >= ?3 AND offset < ?4 ORDER BY offset LIMIT ?5",
    )?;
    let mut messages = Vec::new();
    let mut positions = Positions::new();
    for (partition, position, end) in readable {
        let room = most - messages.len();
        if room == 0 {
            break;
        }
        let before = messages.len();
        let mut rows = statement.query(params![topic_id, partition, position, end, room as i64])?;
        while let Some(row) = rows.next()? {
            let headers: String = row.get(2)?;
            let message = Received {
                partition: *partition,
                offset: row.get(0)?,
                key: row.get(1)?,
                headers: serde_json::from_str(&headers)
                    .map_err(|error| BusError::Corrupt(format!("headers of a message: {error}")))?,
                payload: row.get(3)?,
            };
            positions.insert(*partition, message.offset + 1);
            messages.push(message);
        }
        if messages.len() - before < room {
            // What is missing up to the end was removed by compaction.
            positions.insert(*partition, *end);
        }
    }
    Ok((messages, positions))
}

#[async_trait]
impl Reader for EmbeddedReader {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Received>, BusError> {
        let deadline = Instant::now() + wait;
        loop {
            let messages = self.read(most).await?;
            if !messages.is_empty() {
                return Ok(messages);
            }
            match tokio::time::timeout_at(deadline, self.ranges.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(super::stopped()),
                Err(_) => return Ok(Vec::new()),
            }
        }
    }

    async fn seek(&mut self, partition: u32, position: i64) -> Result<(), BusError> {
        if let Some(known) = self.positions.get_mut(&partition) {
            *known = position;
        }
        Ok(())
    }

    fn assigned(&self) -> Vec<u32> {
        self.positions.keys().copied().collect()
    }
}
