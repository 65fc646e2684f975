//! `ledger_instances`: whether several ledgers that count one hotline hold each other up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::ids::{HotlineName, IdentityKey};
use domain::report::{CallReport, ReportBody};
use futures::future::try_join_all;
use store::calls::{Advance, CallStore, LedgerBatch};
use store::postgres::PostgresCalls;

use crate::figures::{Figure, median, rate};
use crate::fixture::Calls;
use crate::postgres;

const ROUNDS: usize = 3;
const PARTITIONS: u32 = 4;
const COMMITS: usize = 12;
const A_COMMIT: usize = 1024;
const ALONE: &str = "one instance with the same batches of the same hotline";

/// The same batches of four partitions, applied to PostgreSQL by one instance and by four, each with partitions of its
/// own. Without a bus: what they could hold each other up by is the store.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let batches: Vec<Vec<LedgerBatch>> = (0..PARTITIONS).map(batches).collect::<anyhow::Result<_>>()?;
    let calls = PARTITIONS as usize * COMMITS * A_COMMIT;
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(rate(calls, apply(vec![batches.concat()]).await?));
        together.push(rate(calls, apply(batches.clone()).await?));
    }
    Ok(vec![
        Figure::new("ledger_instances", median(together), "calls/s")
            .beside(ALONE, median(alone))
            .at_least(1.0),
    ])
}

/// Lets an instance apply each of these, in a new database. Returns how long that took.
async fn apply(shares: Vec<Vec<LedgerBatch>>) -> anyhow::Result<Duration> {
    let database = postgres::migrated(&postgres::create().await?).await?;
    let mut instances = Vec::new();
    for share in shares {
        let store = Arc::new(PostgresCalls::connect(&database).await?);
        instances.push((store, share));
    }
    let begun = Instant::now();
    let working = instances.into_iter().map(|(store, share)| {
        tokio::spawn(async move {
            for batch in share {
                store.apply(batch).await?;
            }
            anyhow::Ok(())
        })
    });
    for outcome in try_join_all(working).await? {
        outcome?;
    }
    Ok(begun.elapsed())
}

/// Batches of a partition, all of one hotline.
fn batches(partition: u32) -> anyhow::Result<Vec<LedgerBatch>> {
    let calls = Calls::new()?;
    let key = IdentityKey::new([7; 32]);
    let batch = |number: usize| {
        let from = (partition as usize * COMMITS + number) * A_COMMIT;
        let reports = calls.accepted(&key, from, A_COMMIT);
        Ok(LedgerBatch {
            topic_id: "bench".to_owned(),
            advances: vec![Advance {
                partition,
                expected: i64::try_from(number * A_COMMIT)?,
                next: i64::try_from((number + 1) * A_COMMIT)?,
            }],
            reports: reports
                .into_iter()
                .map(|report| (partition, of_one_hotline(report)))
                .collect(),
            ..LedgerBatch::default()
        })
    };
    (0..COMMITS).map(batch).collect()
}

fn of_one_hotline(mut report: CallReport) -> CallReport {
    if let ReportBody::Record(revised) = &mut report.body {
        revised.record.hotline = HotlineName::new("Bürgertelefon");
    }
    report
}
