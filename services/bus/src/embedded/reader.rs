//! Reading from the embedded bus.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::params;
use tokio::sync::watch;

use super::{Inner, TopicRow};
use crate::{BusError, Positions, Reader, Received};

pub(super) struct EmbeddedReader {
    inner: Arc<Inner>,
    topic: TopicRow,
    positions: Positions,
    appended: watch::Receiver<u64>,
}

impl EmbeddedReader {
    pub(super) fn new(inner: Arc<Inner>, topic: TopicRow, positions: Positions) -> Self {
        let appended = inner.appended.clone();
        Self {
            inner,
            topic,
            positions,
            appended,
        }
    }

    async fn read(&mut self, most: usize) -> Result<Vec<Received>, BusError> {
        let connection = self.inner.connection.lock().await;
        let mut statement = connection.prepare_cached(
            "SELECT offset, key, headers, payload FROM messages
             WHERE topic_id = ?1 AND partition = ?2 AND offset >= ?3 ORDER BY offset LIMIT ?4",
        )?;
        let mut messages = Vec::new();
        for (partition, position) in &mut self.positions {
            let room = most - messages.len();
            if room == 0 {
                break;
            }
            let rows =
                statement.query_map(params![self.topic.id, partition, *position, room as i64], |row| {
                    let headers: String = row.get(2)?;
                    Ok((row.get(0)?, row.get(1)?, headers, row.get(3)?))
                })?;
            for row in rows {
                let (offset, key, headers, payload) = row?;
                let headers = serde_json::from_str(&headers)
                    .map_err(|error| BusError::Corrupt(format!("headers of a message: {error}")))?;
                messages.push(Received {
                    partition: *partition,
                    offset,
                    key,
                    headers,
                    payload,
                });
                *position = offset + 1;
            }
        }
        Ok(messages)
    }
}

#[async_trait]
impl Reader for EmbeddedReader {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Received>, BusError> {
        self.appended.mark_unchanged();
        let messages = self.read(most).await?;
        if !messages.is_empty() {
            return Ok(messages);
        }
        match tokio::time::timeout(wait, self.appended.changed()).await {
            Ok(Ok(())) => self.read(most).await,
            Ok(Err(_)) => Err(BusError::Unavailable("the bus was stopped".to_owned())),
            Err(_) => Ok(Vec::new()),
        }
    }

    async fn seek(&mut self, partition: u32, position: i64) -> Result<(), BusError> {
        self.positions.insert(partition, position);
        Ok(())
    }

    fn assigned(&self) -> Vec<u32> {
        self.positions.keys().copied().collect()
    }
}
