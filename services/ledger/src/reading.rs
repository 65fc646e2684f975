//! Reads the topic of calls and applies it.
//!
//! The store's position is the truth. It is fenced: a batch is written only if the position is where this instance
//! believes it to be. After any failure, also one whose outcome is unknown, the position is read again and reading
//! goes on from there, so that a batch is applied once or not at all, and never skipped. That holds also when the
//! store itself has gone back (a standby that lacked the last commits took over), and when the topic has lost the
//! position: applying reports again changes nothing, so what is left is read from its beginning.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bus::{BusError, Positions, Reader, Received, StartPositions, topics};
use domain::ids::{ImportRun, SourceName};
use store::StoreError;
use store::calls::{Advance, CallStore, LedgerBatch};
use store::rejected::{ReadAgain, RejectedItem};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use wire::calls::Stored;

use crate::{Ledger, metrics};

/// The group of all instances of the ledger, which share the partitions of the calls.
pub const GROUP: &str = "nrwdirekt-ledger";
const WAIT_FOR_MESSAGES: Duration = Duration::from_millis(250);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Error)]
enum ReadingError {
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Starts partitions where the store says.
struct StoredPositions {
    store: Arc<dyn CallStore>,
    topic_id: String,
}

#[async_trait]
impl StartPositions for StoredPositions {
    async fn start(
        &self,
        _topic: &str,
        partition: u32,
    ) -> Result<Option<i64>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Some(self.store.position(&self.topic_id, partition).await?))
    }
}

/// Reads until `shutdown`, through every outage.
pub(crate) async fn run(ledger: &Ledger, shutdown: &CancellationToken) {
    let mut pause = FIRST_PAUSE;
    while !shutdown.is_cancelled() {
        match read(ledger, shutdown, &mut pause).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis(), "the ledger pauses and reads again");
                shutdown.run_until_cancelled(tokio::time::sleep(pause)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Reads with one reader until `shutdown` or an error.
async fn read(
    ledger: &Ledger,
    shutdown: &CancellationToken,
    pause: &mut Duration,
) -> Result<(), ReadingError> {
    let topic_id = ledger.bus.topic_id(topics::CALLS).await?;
    let starts = StoredPositions {
        store: Arc::clone(&ledger.store),
        topic_id: topic_id.clone(),
    };
    let mut reader = ledger.bus.reader(topics::CALLS, GROUP, Arc::new(starts)).await?;
    let mut reached = Positions::new();
    loop {
        let next = reader.next(ledger.settings.batch, WAIT_FOR_MESSAGES);
        let Some(messages) = shutdown.run_until_cancelled(next).await else {
            return Ok(());
        };
        let messages = match messages {
            Err(error @ BusError::Lost { .. }) => {
                reached.clear();
                go_on_after_loss(ledger, &topic_id, reader.as_mut(), error).await?;
                continue;
            }
            messages => messages?,
        };
        if messages.is_empty() {
            continue;
        }
        let partitions: Vec<u32> = messages.iter().map(|message| message.partition).collect();
        match apply(ledger, &topic_id, messages, &mut reached).await {
            Ok(()) => *pause = FIRST_PAUSE,
            Err(ReadingError::Store(StoreError::Conflict(what))) => {
                tracing::info!(%what, "another instance was faster");
                reached.clear();
                go_back(ledger, &topic_id, reader.as_mut(), partitions).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Seeks to where the store stands.
async fn go_back(
    ledger: &Ledger,
    topic_id: &str,
    reader: &mut dyn Reader,
    mut partitions: Vec<u32>,
) -> Result<(), ReadingError> {
    let positions = ledger.store.positions(topic_id).await?;
    partitions.sort_unstable();
    partitions.dedup();
    let assigned = reader.assigned();
    for partition in partitions
        .into_iter()
        .filter(|partition| assigned.contains(partition))
    {
        reader
            .seek(partition, positions.get(&partition).copied().unwrap_or(0))
            .await?;
    }
    Ok(())
}

/// The topic does not have the position: it was made anew, or reports were deleted before they were read. Waiting
/// would lose more: a topic that has grown to the position again would be read from there, and all before it skipped.
async fn go_on_after_loss(
    ledger: &Ledger,
    topic_id: &str,
    reader: &mut dyn Reader,
    error: BusError,
) -> Result<(), ReadingError> {
    let BusError::Lost { partition, first, .. } = error else {
        return Err(error.into());
    };
    tracing::error!(%error, "reports may be lost; what is left is read from its beginning");
    metrics::reports_lost();
    let expected = ledger.store.position(topic_id, partition).await?;
    let back = Advance {
        partition,
        expected,
        next: first,
    };
    let batch = LedgerBatch {
        topic_id: topic_id.to_owned(),
        advances: vec![back],
        ..LedgerBatch::default()
    };
    ledger.store.apply(batch).await?;
    Ok(reader.seek(partition, first).await?)
}

/// Applies messages. `reached` is how far this reader has come: a store that stands before it has gone back.
async fn apply(
    ledger: &Ledger,
    topic_id: &str,
    messages: Vec<Received>,
    reached: &mut Positions,
) -> Result<(), ReadingError> {
    let begun = Instant::now();
    let positions = ledger.store.positions(topic_id).await?;
    let mut advances: BTreeMap<u32, Advance> = BTreeMap::new();
    let mut reports = Vec::with_capacity(messages.len());
    let mut agents = Vec::new();
    let mut unreadable = Vec::new();
    let erased = (ledger.suppression)();
    for message in messages {
        let expected = positions.get(&message.partition).copied().unwrap_or(0);
        if message.offset < expected {
            continue; // applied before; read again after a failure
        }
        let partition = message.partition;
        if reached.get(&partition).is_some_and(|reached| expected < *reached) {
            let what =
                format!("the reading position of partition {partition}, which stands before what was read,");
            return Err(StoreError::Conflict(what).into());
        }
        let advance = advances.entry(partition).or_insert(Advance {
            partition,
            expected,
            next: expected,
        });
        advance.next = message.offset + 1;
        if message.payload.is_none() && message.key == topics::HEARTBEAT_KEY.as_bytes() {
            continue; // closes a segment of the topic, and says nothing
        }
        match wire::calls::decode_stored(message.payload.as_deref().unwrap_or_default()) {
            Ok(Stored::Call(mut report)) => {
                erased.apply(&mut report);
                reports.push((partition, report));
            }
            Ok(Stored::Agent(report)) => agents.push((partition, report)),
            Err(error) => {
                tracing::error!(partition, offset = message.offset, %error, "a message of the topic of calls is unreadable");
                unreadable.push(rejected(ledger, topic_id, message, &error.to_string()));
            }
        }
    }
    if advances.is_empty() {
        return Ok(());
    }
    if !unreadable.is_empty() {
        metrics::unreadable(unreadable.len());
        ledger.store.keep_rejected(unreadable).await?;
    }
    let moved: Positions = advances
        .values()
        .map(|advance| (advance.partition, advance.next))
        .collect();
    let advances = advances.into_values().collect();
    let batch = LedgerBatch {
        at: (ledger.clock)(),
        topic_id: topic_id.to_owned(),
        advances,
        reports,
        agents,
        counting: (ledger.counting)(),
    };
    let applied = ledger.store.apply(batch).await?;
    reached.extend(moved);
    metrics::applied(applied, begun.elapsed().as_secs_f64());
    Ok(())
}

fn rejected(ledger: &Ledger, topic_id: &str, message: Received, reason: &str) -> RejectedItem {
    let position = format!("partition {} offset {}", message.partition, message.offset);
    RejectedItem {
        id: ledger
            .key
            .keyed(&[b"message", topic_id.as_bytes(), position.as_bytes()]),
        source: SourceName::new(topics::CALLS),
        run: ImportRun::new(topic_id),
        received_at: (ledger.clock)(),
        position,
        field: "payload".to_owned(),
        reason: reason.to_owned(),
        payload: message.payload.unwrap_or_default(),
        again: ReadAgain::default(),
        discard: None,
    }
}

#[cfg(test)]
mod tests;
