//! `ledger_sqlite` and `ledger_postgres`: calls a second from the bus to committed figures.

mod by_hand_postgres;
mod by_hand_sqlite;
mod rows;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bus::embedded::EmbeddedBus;
use bus::prefixed::PrefixedBus;
use bus::{Bus, Positions, topics};
use domain::erasure::{MarkKey, Suppression};
use domain::ids::IdentityKey;
use intake::IntakeService;
use ledger::{Ledger, LedgerSettings};
use store::calls::{Advance, CallStore, LedgerBatch};
use store::postgres::PostgresCalls;
use store::sqlite::SqliteCalls;
use tokio_util::sync::CancellationToken;
use tonic::Request;
use wire::v1::calls::intake_server::Intake;

use crate::figures::{Figure, median, rate};
use crate::fixture::{Calls, now};
use crate::{kafka, postgres};

const ROUNDS: usize = 5;
/// Twelve full commits of the ledger.
pub(crate) const CALLS_A_ROUND: usize = 12 * 4096;
/// Partitions of the topic of calls on the embedded bus, as the node makes them.
pub(crate) const EMBEDDED_PARTITIONS: u32 = 4;
const BY_HAND: &str = "hand-written SQL that writes the same rows, prepared in memory";

/// From the embedded bus to SQLite.
pub(crate) async fn measure_sqlite() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let bus = Arc::new(EmbeddedBus::open(&folder.join("bus.db"))?);
    kafka::create(bus.as_ref(), topics::CALLS, EMBEDDED_PARTITIONS).await?;
    fill(Arc::clone(&bus) as Arc<dyn Bus>, folder).await?;
    let prepared = rows::prepare(folder, batches(bus.as_ref()).await?).await?;

    let nobody = nobody_erased();
    let (mut counted, mut by_hand) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let store = Arc::new(SqliteCalls::open(&folder.join(format!("ledger-{round}.db")))?);
        counted.push(rate(
            CALLS_A_ROUND,
            count(Arc::clone(&bus) as Arc<dyn Bus>, store, Arc::clone(&nobody)).await?,
        ));
        let took = by_hand_sqlite::write(&folder.join(format!("by-hand-{round}.db")), &prepared)?;
        by_hand.push(rate(CALLS_A_ROUND, took));
    }
    let figure = Figure::new("ledger_sqlite", median(counted), "calls/s");
    Ok(vec![figure.beside(BY_HAND, median(by_hand)).at_least(0.25)])
}

/// From Kafka to PostgreSQL.
pub(crate) async fn measure_postgres() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let bus: Arc<dyn Bus> = Arc::new(PrefixedBus::new(Arc::new(kafka::connect()?), &kafka::fresh("")));
    kafka::create(bus.as_ref(), topics::CALLS, kafka::PARTITIONS).await?;
    fill(Arc::clone(&bus), folder).await?;
    let prepared = rows::prepare(folder, batches(bus.as_ref()).await?).await?;

    let nobody = nobody_erased();
    let (mut counted, mut by_hand) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let database = postgres::create().await?;
        let store = Arc::new(PostgresCalls::connect(&postgres::migrated(&database).await?).await?);
        counted.push(rate(
            CALLS_A_ROUND,
            count(Arc::clone(&bus), store, Arc::clone(&nobody)).await?,
        ));
        let database = postgres::create().await?;
        postgres::migrated(&database).await?;
        let took = by_hand_postgres::write(&database, &prepared).await?;
        by_hand.push(rate(CALLS_A_ROUND, took));
    }
    let figure = Figure::new("ledger_postgres", median(counted), "calls/s");
    Ok(vec![figure.beside(BY_HAND, median(by_hand)).at_least(0.25)])
}

/// Puts calls on the bus, by way of intake.
pub(crate) async fn fill(bus: Arc<dyn Bus>, folder: &Path) -> anyhow::Result<()> {
    let store = Arc::new(SqliteCalls::open(&folder.join("intake.db"))?);
    let key = IdentityKey::new([7; 32]);
    let intake = IntakeService::new(bus, store, key, Arc::new(|_| true), Arc::new(now));
    let mut accepted = 0;
    for batch in Calls::new()?.batches(0, CALLS_A_ROUND) {
        let receipt = intake.submit_reports(Request::new(batch)).await?;
        accepted += receipt.into_inner().accepted as usize;
    }
    ensure!(accepted == CALLS_A_ROUND, "{accepted} calls were accepted");
    Ok(())
}

/// What is on the bus, in batches of the size of the ledger's.
async fn batches(bus: &dyn Bus) -> anyhow::Result<Vec<LedgerBatch>> {
    let topic_id = bus.topic_id(topics::CALLS).await?;
    let mut reader = bus.reader_alone(topics::CALLS, Positions::new()).await?;
    let mut messages = Vec::with_capacity(CALLS_A_ROUND);
    while messages.len() < CALLS_A_ROUND {
        messages.extend(reader.next(CALLS_A_ROUND, Duration::from_secs(5)).await?);
    }
    let mut positions = Positions::new();
    let mut batches = Vec::new();
    for messages in messages.chunks(LedgerSettings::default().batch) {
        let mut advances: BTreeMap<u32, Advance> = BTreeMap::new();
        let mut reports = Vec::with_capacity(messages.len());
        for message in messages {
            let partition = message.partition;
            let expected = positions.get(&partition).copied().unwrap_or(0);
            let advance = advances.entry(partition).or_insert(Advance {
                partition,
                expected,
                next: expected,
            });
            advance.next = message.offset + 1;
            let payload = message.payload.as_deref().context("a report")?;
            if let wire::calls::Stored::Call(report) = wire::calls::decode_stored(payload)? {
                reports.push((partition, report));
            }
        }
        positions.extend(advances.values().map(|advance| (advance.partition, advance.next)));
        batches.push(LedgerBatch {
            topic_id: topic_id.clone(),
            advances: advances.into_values().collect(),
            reports,
            ..LedgerBatch::default()
        });
    }
    Ok(batches)
}

fn nobody_erased() -> Arc<Suppression> {
    Arc::new(Suppression::new(MarkKey::new([0; 32])))
}

/// Lets a ledger count everything that is on the bus. Returns how long that took.
pub(crate) async fn count(
    bus: Arc<dyn Bus>,
    store: Arc<dyn CallStore>,
    erased: Arc<Suppression>,
) -> anyhow::Result<Duration> {
    let topic_id = bus.topic_id(topics::CALLS).await?;
    let mut ends = bus.ends(topics::CALLS).await?;
    ends.retain(|_, end| *end > 0);
    let ledger = Ledger {
        suppression: Arc::new(move || Arc::clone(&erased)),
        bus,
        store: Arc::clone(&store),
        key: IdentityKey::new([7; 32]),
        clock: Arc::new(now),
        counting: Arc::new(Arc::default),
        settings: LedgerSettings::default(),
    };
    let shutdown = CancellationToken::new();
    let begun = Instant::now();
    let counting = tokio::spawn(ledger.run(shutdown.clone()));
    while store.positions(&topic_id).await? != ends {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let took = begun.elapsed();
    shutdown.cancel();
    counting.await?;
    Ok(took)
}
