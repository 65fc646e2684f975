//! `suppression`: what it costs intake and ledger that persons were erased; `scrub`: how long writers wait for a file that
//! loses its last copies.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bus::embedded::EmbeddedBus;
use bus::{Bus, topics};
use domain::erasure::{ErasureOrder, Mark, MarkHash, MarkKey, Suppression};
use domain::ids::IdentityKey;
use intake::IntakeService;
use store::calls::{Advance, CallStore, LedgerBatch};
use store::scrub::{Scrub, Touched};
use store::sqlite::SqliteCalls;
use tonic::Request;
use wire::v1::calls::ReportBatch;
use wire::v1::calls::intake_server::Intake;

use crate::figures::{Figure, median, rate};
use crate::fixture::{Calls, now};
use crate::kafka;
use crate::ledger::{CALLS_A_ROUND, EMBEDDED_PARTITIONS, count, fill};

const ROUNDS: usize = 5;
const MARKS: usize = 10_000;
const WITHOUT: &str = "the same while nobody was erased";

/// Intake and ledger with marks of 10,000 persons, none of whom calls, take turns with those that know of none.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let lists = [list(&[])?, list(&marks())?];
    let batches = Calls::new()?.batches(0, CALLS_A_ROUND);
    let bus: Arc<dyn Bus> = Arc::new(EmbeddedBus::open(&folder.join("bus.db"))?);
    kafka::create(bus.as_ref(), topics::CALLS, EMBEDDED_PARTITIONS).await?;
    fill(Arc::clone(&bus), folder).await?;
    let (mut taken_in, mut counted) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..ROUNDS {
        for (which, list) in lists.iter().enumerate() {
            let file = |name: &str| folder.join(format!("{name}-{round}-{which}.db"));
            let took = take_in(&file("taken-in"), &batches, list).await?;
            taken_in[which].push(rate(CALLS_A_ROUND, took));
            let store = Arc::new(SqliteCalls::open(&file("ledger"))?);
            let took = count(Arc::clone(&bus), store, Arc::clone(list)).await?;
            counted[which].push(rate(CALLS_A_ROUND, took));
        }
    }
    let figure = |name: &str, [without, with]: [Vec<f64>; 2]| {
        Figure::new(name, median(with), "calls/s")
            .beside(WITHOUT, median(without))
            .at_least(0.9)
    };
    Ok(vec![
        figure("suppression_intake", taken_in),
        figure("suppression_ledger", counted),
    ])
}

fn key() -> MarkKey {
    MarkKey::new([7; 32])
}

/// Of numbers that no simulated call has.
fn marks() -> Vec<MarkHash> {
    let numbers = (0..).flat_map(|number| key().hashes(Mark::Number(&format!("0800 7{number:07}"))));
    numbers.take(MARKS).collect()
}

fn list(marks: &[MarkHash]) -> anyhow::Result<Arc<Suppression>> {
    let order = serde_json::json!({"id": "E-1", "at": now()});
    let mut order: ErasureOrder = serde_json::from_value(order)?;
    order.marks = marks.to_vec();
    let mut list = Suppression::new(key());
    list.add(&order);
    Ok(Arc::new(list))
}

/// Lets intake put calls on an empty bus. Returns how long that took.
async fn take_in(file: &Path, batches: &[ReportBatch], list: &Arc<Suppression>) -> anyhow::Result<Duration> {
    let bus = Arc::new(EmbeddedBus::open(&file.with_extension("bus.db"))?);
    kafka::create(bus.as_ref(), topics::CALLS, EMBEDDED_PARTITIONS).await?;
    let store = Arc::new(SqliteCalls::open(file)?);
    let list = Arc::clone(list);
    let intake = IntakeService::new(
        bus,
        store,
        IdentityKey::new([7; 32]),
        Arc::new(|_| true),
        Arc::new(now),
    )
    .suppressing(Arc::new(move || Arc::clone(&list)));
    let begun = Instant::now();
    let mut accepted = 0;
    for batch in batches.iter().cloned() {
        let receipt = intake.submit_reports(Request::new(batch)).await?;
        accepted += receipt.into_inner().accepted as usize;
    }
    let took = begun.elapsed();
    ensure!(accepted == CALLS_A_ROUND, "{accepted} calls were accepted");
    Ok(took)
}

const CALLS_IN_FILE: usize = 300_000;
const CALLS_A_COMMIT: usize = 4096;

/// The longest time that a single report waits to be counted while the file of 300,000 calls is scrubbed.
pub(crate) async fn measure_scrub() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let store = Arc::new(SqliteCalls::open(&folder.path().join("calls.db"))?);
    let key = store.identity_key().await?;
    let calls = Calls::new()?;
    let mut next = 0;
    while next < CALLS_IN_FILE {
        let some = calls.accepted(&key, next, CALLS_A_COMMIT);
        next += some.len();
        store.apply(batch(next, some)).await?;
    }
    let scrubbing = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let begun = Instant::now();
            store.scrub(&Touched::default()).await.map(|_| begun.elapsed())
        })
    };
    let mut longest = Duration::ZERO;
    while !scrubbing.is_finished() {
        let one = calls.accepted(&key, next, 1);
        next += 1;
        let begun = Instant::now();
        store.apply(batch(next, one)).await?;
        longest = longest.max(begun.elapsed());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = scrubbing.await??;
    Ok(vec![
        Figure::new("scrub_longest_wait", longest.as_secs_f64() * 1000.0, "ms"),
        Figure::new("scrub_sqlite", took.as_secs_f64() * 1000.0, "ms"),
    ])
}

/// Reports of one partition, up to a position.
fn batch(next: usize, reports: Vec<domain::report::CallReport>) -> LedgerBatch {
    let position = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    LedgerBatch {
        topic_id: "bench".to_owned(),
        advances: vec![Advance {
            partition: 0,
            expected: position(next - reports.len()),
            next: position(next),
        }],
        reports: reports.into_iter().map(|report| (0, report)).collect(),
        ..LedgerBatch::default()
    }
}
