//! The one writer of the embedded bus: a thread that commits waiting appends together.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::sync::mpsc;

use rusqlite::{Connection, params};
use tokio::sync::{oneshot, watch};

use crate::{BusError, Cleanup, Outgoing, Positions};

/// Appends that wait for the next commit at most; a caller beyond that waits itself.
const WAITING_APPENDS: usize = 256;
/// Messages in one commit at most, beyond the first append.
const MESSAGES_A_COMMIT: usize = 20_000;

pub(super) struct Appender {
    requests: mpsc::SyncSender<Request>,
}

enum Request {
    Append {
        topic_id: i64,
        partitions: u32,
        messages: Vec<Outgoing>,
        done: oneshot::Sender<Result<Positions, BusError>>,
    },
    Clean {
        topic_id: i64,
        partition: u32,
        cleanup: Cleanup,
        floor: i64,
        done: oneshot::Sender<Result<u64, BusError>>,
    },
}

impl Appender {
    /// Starts the thread. The receiver sees a new number after every commit.
    pub(super) fn start(connection: Connection) -> Result<(Self, watch::Receiver<u64>), BusError> {
        let (requests, incoming) = mpsc::sync_channel(WAITING_APPENDS);
        let (committed, appended) = watch::channel(0);
        std::thread::Builder::new()
            .name("bus-appender".to_owned())
            .spawn(move || run(connection, &incoming, &committed))
            .map_err(|error| BusError::Unavailable(error.to_string()))?;
        Ok((Self { requests }, appended))
    }

    pub(super) async fn append(
        &self,
        topic_id: i64,
        partitions: u32,
        messages: Vec<Outgoing>,
    ) -> Result<Positions, BusError> {
        if messages.is_empty() {
            return Ok(Positions::new());
        }
        let (done, result) = oneshot::channel();
        self.request(Request::Append {
            topic_id,
            partitions,
            messages,
            done,
        })
        .await?;
        result.await.map_err(|_| stopped())?
    }

    pub(super) async fn clean(
        &self,
        topic_id: i64,
        partition: u32,
        cleanup: Cleanup,
        floor: i64,
    ) -> Result<u64, BusError> {
        let (done, result) = oneshot::channel();
        self.request(Request::Clean {
            topic_id,
            partition,
            cleanup,
            floor,
            done,
        })
        .await?;
        result.await.map_err(|_| stopped())?
    }

    async fn request(&self, mut request: Request) -> Result<(), BusError> {
        loop {
            match self.requests.try_send(request) {
                Ok(()) => return Ok(()),
                Err(mpsc::TrySendError::Disconnected(_)) => return Err(stopped()),
                Err(mpsc::TrySendError::Full(back)) => request = back,
            }
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }
}

fn stopped() -> BusError {
    BusError::Unavailable("the bus was stopped".to_owned())
}

fn run(mut connection: Connection, incoming: &mpsc::Receiver<Request>, committed: &watch::Sender<u64>) {
    while let Ok(first) = incoming.recv() {
        match first {
            Request::Clean {
                topic_id,
                partition,
                cleanup,
                floor,
                done,
            } => {
                let _ = done.send(clean(&mut connection, topic_id, partition, cleanup, floor));
            }
            Request::Append { .. } => append_waiting(&mut connection, first, incoming, committed),
        }
    }
}

/// Commits the first append together with those that wait behind it.
fn append_waiting(
    connection: &mut Connection,
    first: Request,
    incoming: &mpsc::Receiver<Request>,
    committed: &watch::Sender<u64>,
) {
    let mut together = vec![first];
    let mut messages = 0;
    let mut last = None;
    while messages < MESSAGES_A_COMMIT {
        match incoming.try_recv() {
            Ok(request @ Request::Append { .. }) => {
                if let Request::Append { messages: more, .. } = &request {
                    messages += more.len();
                }
                together.push(request);
            }
            Ok(clean) => {
                last = Some(clean);
                break;
            }
            Err(_) => break,
        }
    }
    match commit(connection, &together) {
        Ok(positions) => {
            committed.send_modify(|commits| *commits += 1);
            for (request, positions) in together.into_iter().zip(positions) {
                if let Request::Append { done, .. } = request {
                    let _ = done.send(Ok(positions));
                }
            }
        }
        Err(error) => {
            let no_room = matches!(error, BusError::NoRoom);
            for request in together {
                if let Request::Append { done, .. } = request {
                    let error = if no_room {
                        BusError::NoRoom
                    } else {
                        BusError::Unavailable(error.to_string())
                    };
                    let _ = done.send(Err(error));
                }
            }
        }
    }
    if let Some(Request::Clean {
        topic_id,
        partition,
        cleanup,
        floor,
        done,
    }) = last
    {
        let _ = done.send(clean(connection, topic_id, partition, cleanup, floor));
    }
}

fn commit(connection: &mut Connection, requests: &[Request]) -> Result<Vec<Positions>, BusError> {
    let now_ms = chrono::Utc::now().timestamp_millis();
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut ends: BTreeMap<(i64, u32), i64> = BTreeMap::new();
    let mut results = Vec::with_capacity(requests.len());
    {
        let mut end = transaction
            .prepare_cached("SELECT next_offset FROM ends WHERE topic_id = ?1 AND partition = ?2")?;
        let mut insert = transaction.prepare_cached(
            "INSERT INTO messages (topic_id, partition, offset, key, headers, payload, appended_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        for request in requests {
            let Request::Append {
                topic_id,
                partitions,
                messages,
                ..
            } = request
            else {
                continue;
            };
            let mut positions = Positions::new();
            for message in messages {
                let partition = partition_of(&message.key, *partitions);
                let next = match ends.get_mut(&(*topic_id, partition)) {
                    Some(next) => next,
                    None => {
                        let known = end.query_row(params![topic_id, partition], |row| row.get(0));
                        let next = match known {
                            Err(rusqlite::Error::QueryReturnedNoRows) => 0,
                            known => known?,
                        };
                        ends.entry((*topic_id, partition)).or_insert(next)
                    }
                };
                let headers = serde_json::to_string(&message.headers).expect("headers are text");
                insert.execute(params![
                    topic_id,
                    partition,
                    *next,
                    message.key,
                    headers,
                    message.payload,
                    now_ms
                ])?;
                *next += 1;
                positions.insert(partition, *next);
            }
            results.push(positions);
        }
        let mut advance = transaction.prepare_cached(
            "INSERT OR REPLACE INTO ends (topic_id, partition, next_offset) VALUES (?1, ?2, ?3)",
        )?;
        for ((topic_id, partition), next) in &ends {
            advance.execute(params![topic_id, partition, next])?;
        }
    }
    transaction.commit()?;
    Ok(results)
}

/// FNV-1a: fixed for ever, because the partition of a key must not move.
fn partition_of(key: &[u8], partitions: u32) -> u32 {
    struct Fnv(u64);
    impl Hasher for Fnv {
        fn finish(&self) -> u64 {
            self.0
        }
        fn write(&mut self, bytes: &[u8]) {
            for byte in bytes {
                self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
            }
        }
    }
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    hasher.write(key);
    (hasher.finish() % u64::from(partitions.max(1))) as u32
}

fn clean(
    connection: &mut Connection,
    topic_id: i64,
    partition: u32,
    cleanup: Cleanup,
    floor: i64,
) -> Result<u64, BusError> {
    let now_ms = chrono::Utc::now().timestamp_millis();
    let removed = match cleanup {
        Cleanup::Delete { retention } => connection.execute(
            "DELETE FROM messages WHERE topic_id = ?1 AND partition = ?2 AND offset < ?3 AND appended_at_ms < ?4",
            params![topic_id, partition, floor, now_ms - retention.as_millis() as i64],
        )?,
        Cleanup::Compact { tombstones, .. } => {
            let superseded = connection.execute(
                "DELETE FROM messages WHERE topic_id = ?1 AND partition = ?2 AND offset NOT IN
                     (SELECT max(offset) FROM messages WHERE topic_id = ?1 AND partition = ?2 GROUP BY key)",
                params![topic_id, partition],
            )?;
            superseded
                + connection.execute(
                    "DELETE FROM messages WHERE topic_id = ?1 AND partition = ?2 AND payload IS NULL
                         AND appended_at_ms < ?3",
                    params![topic_id, partition, now_ms - tombstones.as_millis() as i64],
                )?
        }
    };
    if removed > 0 {
        // What was deleted must not stay readable in the write-ahead log.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(removed as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_of_a_key_never_moves() {
        assert_eq!(
            [b"a", b"b", b"c", b"d"].map(|key| partition_of(key, 4)),
            [0, 1, 2, 3]
        );
        assert_eq!(partition_of(b"9f3a", 24), 10);
    }
}
