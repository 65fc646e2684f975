//! The one writer of the embedded bus: a thread that commits waiting appends together.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use tokio::sync::{mpsc, oneshot};

use super::stopped;
use super::topics::Topic;
use crate::{BusError, Outgoing, Positions};

/// Requests that wait for the thread at most; a caller beyond that waits itself.
const WAITING_REQUESTS: usize = 256;
/// Messages in one commit at most, beyond the first append.
const MESSAGES_A_COMMIT: usize = 20_000;

/// Who may publish under a name: the generation that took it over last.
pub(super) type Owners = Arc<Mutex<HashMap<String, u64>>>;

pub(super) struct Appender {
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    requests: mpsc::Sender<Request>,
    handle: JoinHandle<()>,
}

/// The name under which an append is made, and the generation that its publisher holds.
pub(super) struct Fence {
    pub(super) owner: String,
    pub(super) generation: u64,
}

struct Append {
    topic: Arc<Topic>,
    messages: Vec<Outgoing>,
    fence: Option<Fence>,
    done: oneshot::Sender<Result<Positions, BusError>>,
}

enum Request {
    Append(Append),
    /// Anything else that writes.
    Work(Box<dyn FnOnce(&mut Connection) + Send>),
}

impl Appender {
    /// Starts the thread. It keeps what `held` is until it ends.
    pub(super) fn start(
        connection: Connection,
        owners: Owners,
        held: impl Send + 'static,
    ) -> Result<Self, BusError> {
        let (requests, incoming) = mpsc::channel(WAITING_REQUESTS);
        let handle = std::thread::Builder::new()
            .name("bus-appender".to_owned())
            .spawn(move || {
                run(connection, incoming, &owners);
                drop(held);
            })
            .map_err(|error| BusError::Unavailable(error.to_string()))?;
        Ok(Self {
            thread: Mutex::new(Some(Thread { requests, handle })),
        })
    }

    /// Appends the messages; returns once they are on the disk.
    pub(super) async fn append(
        &self,
        topic: Arc<Topic>,
        messages: Vec<Outgoing>,
        fence: Option<Fence>,
    ) -> Result<Positions, BusError> {
        let (done, result) = oneshot::channel();
        let append = Append {
            topic,
            messages,
            fence,
            done,
        };
        self.request(Request::Append(append)).await?;
        result.await.map_err(|_| stopped())?
    }

    /// Runs something else on the writing connection.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, BusError> + Send + 'static,
    ) -> Result<T, BusError> {
        let (done, result) = oneshot::channel();
        let work = move |connection: &mut Connection| {
            // Nobody waits any more when the caller was cancelled.
            let _ = done.send(work(connection));
        };
        self.request(Request::Work(Box::new(work))).await?;
        result.await.map_err(|_| stopped())?
    }

    async fn request(&self, request: Request) -> Result<(), BusError> {
        let requests = self.thread().as_ref().map(|thread| thread.requests.clone());
        let requests = requests.ok_or_else(stopped)?;
        requests.send(request).await.map_err(|_| stopped())
    }

    /// Lets the thread finish what it was given, and waits for its end.
    pub(super) fn stop(&self) {
        let Some(Thread { requests, handle }) = self.thread().take() else {
            return;
        };
        drop(requests);
        if handle.join().is_err() {
            tracing::error!("the thread that writes the bus has panicked");
        }
    }

    fn thread(&self) -> MutexGuard<'_, Option<Thread>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(mut connection: Connection, mut incoming: mpsc::Receiver<Request>, owners: &Owners) {
    while let Some(request) = incoming.blocking_recv() {
        match request {
            Request::Work(work) => work(&mut connection),
            Request::Append(first) => {
                let (together, work) = waiting(first, &mut incoming);
                append(&mut connection, together, owners);
                if let Some(work) = work {
                    work(&mut connection);
                }
            }
        }
    }
    // What the log of the file holds goes into the file, so that it is one file when it is copied.
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the log of the bus was not emptied");
    }
}

type Work = Box<dyn FnOnce(&mut Connection) + Send>;

/// The first append together with those that wait behind it, up to other work.
fn waiting(first: Append, incoming: &mut mpsc::Receiver<Request>) -> (Vec<Append>, Option<Work>) {
    let mut together = vec![first];
    let mut messages = 0;
    while messages < MESSAGES_A_COMMIT {
        match incoming.try_recv() {
            Ok(Request::Append(append)) => {
                messages += append.messages.len();
                together.push(append);
            }
            Ok(Request::Work(work)) => return (together, Some(work)),
            Err(_) => break,
        }
    }
    (together, None)
}

/// Commits the appends and answers them.
fn append(connection: &mut Connection, mut appends: Vec<Append>, owners: &Owners) {
    // Looked at here, where appends have their order: a publisher that lost its name cannot come behind its successor.
    let lost = |append: &Append| {
        append.fence.as_ref().is_some_and(|fence| {
            let owners = owners.lock().unwrap_or_else(PoisonError::into_inner);
            owners.get(&fence.owner) != Some(&fence.generation)
        })
    };
    for fenced in appends.extract_if(.., |append| lost(append)) {
        let owner = fenced.fence.map(|fence| fence.owner).unwrap_or_default();
        let _ = fenced.done.send(Err(BusError::Fenced(owner)));
    }
    if appends.is_empty() {
        return;
    }
    match commit(connection, &appends) {
        Ok(results) => {
            for (append, positions) in appends.into_iter().zip(results) {
                for (partition, next) in &positions {
                    append
                        .topic
                        .update(*partition, |range| range.next = range.next.max(*next));
                }
                let _ = append.done.send(Ok(positions));
            }
        }
        Err(error) => {
            for append in appends {
                let _ = append.done.send(Err(again(&error)));
            }
        }
    }
}

/// The same error for each of those who wait for one commit.
fn again(error: &BusError) -> BusError {
    match error {
        BusError::NoRoom => BusError::NoRoom,
        BusError::Corrupt(why) => BusError::Corrupt(why.clone()),
        error => BusError::Unavailable(error.to_string()),
    }
}

/// Appends in one transaction. Returns, for each, the positions after its last messages.
fn commit(connection: &mut Connection, appends: &[Append]) -> Result<Vec<Positions>, BusError> {
    let now_ms = chrono::Utc::now().timestamp_millis();
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut ends: BTreeMap<(i64, u32), i64> = BTreeMap::new();
    let mut results = Vec::with_capacity(appends.len());
    for append in appends {
        results.push(insert(&transaction, append, &mut ends, now_ms)?);
    }
    {
        let mut advance = transaction
            .prepare_cached("UPDATE ranges SET next_offset = ?3 WHERE topic_id = ?1 AND partition = ?2")?;
        for ((topic_id, partition), next) in &ends {
            advance.execute(params![topic_id, partition, next])?;
        }
    }
    transaction.commit()?;
    Ok(results)
}

fn insert(
    transaction: &Transaction<'_>,
    append: &Append,
    ends: &mut BTreeMap<(i64, u32), i64>,
    now_ms: i64,
) -> Result<Positions, BusError> {
    let topic = &append.topic;
    let ranges = topic.ranges.borrow().clone();
    let partitions = topic.partitions();
    let compacted = topic.is_compacted();
    let mut insert = transaction.prepare_cached(
        "INSERT INTO messages (topic_id, partition, offset, key, headers, payload, appended_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut positions = Positions::new();
    for message in &append.messages {
        let partition = partition_of(&message.key, partitions);
        let next = ends
            .entry((topic.id, partition))
            .or_insert_with(|| ranges.get(partition as usize).map_or(0, |range| range.next));
        let headers = serde_json::to_string(&message.headers)
            .map_err(|error| BusError::Refused(format!("headers of a message: {error}")))?;
        insert.execute(params![
            topic.id,
            partition,
            *next,
            message.key,
            headers,
            message.payload,
            now_ms
        ])?;
        if compacted {
            supersede(transaction, topic.id, partition, &message.key, *next)?;
        }
        *next += 1;
        positions.insert(partition, *next);
    }
    Ok(positions)
}

/// Notes that a message is the last of its key now, and which one was it before.
fn supersede(
    transaction: &Transaction<'_>,
    topic_id: i64,
    partition: u32,
    key: &[u8],
    offset: i64,
) -> Result<(), BusError> {
    let former: Option<i64> = transaction
        .prepare_cached("SELECT offset FROM latest WHERE topic_id = ?1 AND partition = ?2 AND key = ?3")?
        .query_row(params![topic_id, partition, key], |row| row.get(0))
        .optional()?;
    if let Some(former) = former {
        transaction
            .prepare_cached("INSERT INTO superseded (topic_id, partition, offset) VALUES (?1, ?2, ?3)")?
            .execute(params![topic_id, partition, former])?;
    }
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO latest (topic_id, partition, key, offset) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![topic_id, partition, key, offset])?;
    Ok(())
}

/// FNV-1a: fixed for ever, because the partition of a key must not move.
fn partition_of(key: &[u8], partitions: u32) -> u32 {
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    u32::try_from(hash % u64::from(partitions.max(1))).unwrap_or_default()
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
