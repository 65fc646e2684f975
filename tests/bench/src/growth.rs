//! `ledger_growth`: what a call costs when a million are in the store already.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use domain::ids::IdentityKey;
use store::calls::{Advance, CallStore, LedgerBatch};
use store::sqlite::SqliteCalls;

use crate::figures::{Figure, median};
use crate::fixture::Calls;

const FEW: usize = 10_000;
const MANY: usize = 1_000_000;
const A_COMMIT: usize = 4096;
/// As many as it takes for recent identities to be settled once.
const COMMITS_A_ROUND: usize = 16;
const ROUNDS: usize = 3;

/// The same new calls are added to a store with few calls and to one with many, in turns.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let mut many = Growing::of(&folder.path().join("many.db"), MANY).await?;
    let (mut with_many, mut with_few) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let mut few = Growing::of(&folder.path().join(format!("few-{round}.db")), FEW).await?;
        with_few.push(few.cost_us().await?);
        with_many.push(many.cost_us().await?);
    }
    Ok(vec![
        Figure::new("ledger_growth", median(with_many), "µs/call")
            .beside(
                "a call's cost with 10,000 in the store; less is better",
                median(with_few),
            )
            .at_most(1.5),
    ])
}

/// A store and how far it has got.
struct Growing {
    calls: Calls,
    key: IdentityKey,
    store: Arc<dyn CallStore>,
    next: usize,
}

impl Growing {
    async fn of(file: &Path, count: usize) -> anyhow::Result<Self> {
        let store = Arc::new(SqliteCalls::open(file)?);
        let mut growing = Self {
            calls: Calls::new()?,
            key: store.identity_key().await?,
            store,
            next: 0,
        };
        while growing.next < count {
            growing.add(A_COMMIT.min(count - growing.next)).await?;
        }
        Ok(growing)
    }

    /// What a new call costs on average, in microseconds.
    async fn cost_us(&mut self) -> anyhow::Result<f64> {
        let mut took = 0.0;
        for _ in 0..COMMITS_A_ROUND {
            took += self.add(A_COMMIT).await?;
        }
        Ok(took * 1e6 / (COMMITS_A_ROUND * A_COMMIT) as f64)
    }

    /// Applies so many new calls in one commit. Returns how many seconds that took.
    async fn add(&mut self, count: usize) -> anyhow::Result<f64> {
        let reports = self.calls.accepted(&self.key, self.next, count);
        let advance = Advance {
            partition: 0,
            expected: i64::try_from(self.next)?,
            next: i64::try_from(self.next + count)?,
        };
        self.next += count;
        let batch = LedgerBatch {
            topic_id: "bench".to_owned(),
            advances: vec![advance],
            reports: reports.into_iter().map(|report| (0, report)).collect(),
            ..LedgerBatch::default()
        };
        let begun = Instant::now();
        self.store.apply(batch).await?;
        Ok(begun.elapsed().as_secs_f64())
    }
}
