//! Turns reports into calls, visits and counts.
//!
//! Owns the reading of the topic of calls: a batch is applied in one transaction with the reading position, so that
//! whatever happens in between, every report is counted exactly once. Publishes the figures of quarter-hours for other
//! systems. Decides nothing about figures; that is `domain`'s.

mod intervals;
pub mod metrics;
mod reading;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, BusError, topics};
use chrono::{DateTime, Days, TimeDelta, Utc};
use domain::counting::CountingSources;
use domain::erasure::Suppression;
use domain::ids::{IdentityKey, SourceName};
use domain::local_time;
use store::StoreError;
use store::calls::CallStore;
use store::clocks::CONFIRMED_KEPT;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

pub use intervals::{
    INTERVAL_TYPE, IntervalMessage, IntervalPublisher, IntervalSettings, PUBLISHER as INTERVALS_PUBLISHER,
    REMOVED_TYPE, TaskTypeFigures,
};
pub use reading::GROUP;

#[derive(Debug, Error)]
enum MeasuringError {
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Tells the time; set by tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Local days are settled when they have been over for so long: what comes late has come by then.
const SETTLED_AFTER: Days = Days::new(2);

/// Rows that one transaction of the sweep settles or forgets, and transactions of either in one sweep.
const ROWS_AT_ONCE: usize = 500;
const TIMES_A_SWEEP: usize = 20;

/// Gives the feeds that count for hotlines, as they are now.
pub type CurrentCounting = Arc<dyn Fn() -> Arc<CountingSources> + Send + Sync>;

/// Gives the list of what was erased, as it is now.
pub type CurrentSuppression = Arc<dyn Fn() -> Arc<Suppression> + Send + Sync>;

/// How the ledger works.
#[derive(Clone, Debug)]
pub struct LedgerSettings {
    /// Reports in one transaction at most.
    pub batch: usize,
    /// How long after the last report about an open call its end is given up.
    pub horizon: Duration,
    /// How often calls past the horizon are looked for.
    pub sweep_every: Duration,
    /// How long what agents do is kept.
    pub agents_kept: Duration,
    /// How long it is kept what has moved the figures.
    pub changes_kept: Duration,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            batch: 4096,
            horizon: Duration::from_secs(4 * 60 * 60),
            sweep_every: Duration::from_secs(30),
            agents_kept: Duration::from_secs(2 * 24 * 60 * 60),
            changes_kept: Duration::from_secs(40 * 24 * 60 * 60),
        }
    }
}

/// The ledger: one instance of it.
pub struct Ledger {
    /// What was erased and must not come back.
    pub suppression: CurrentSuppression,
    /// Where reports come from.
    pub bus: Arc<dyn Bus>,
    /// Where calls and counts are kept.
    pub store: Arc<dyn CallStore>,
    /// For the identity of messages that cannot be read.
    pub key: IdentityKey,
    /// Tells the time.
    pub clock: Clock,
    /// Tells which feed counts for a hotline, as it is now.
    pub counting: CurrentCounting,
    /// How it works.
    pub settings: LedgerSettings,
}

impl Ledger {
    /// Works until `shutdown`; a batch that was begun is finished first.
    pub async fn run(self, shutdown: CancellationToken) {
        let ledger = Arc::new(self);
        let sweeping = tokio::spawn(Arc::clone(&ledger).sweep(shutdown.clone()));
        reading::run(&ledger, &shutdown).await;
        if let Err(error) = sweeping.await {
            tracing::error!(%error, "the search for calls past the horizon ended badly");
        }
    }

    /// Forgets what is past its time.
    async fn forget(&self) {
        let now = (self.clock)();
        let kept = TimeDelta::from_std(self.settings.agents_kept).unwrap_or(TimeDelta::MAX);
        match self.store.forget_agent_reports(now - kept).await {
            Ok(0) => {}
            Ok(reports) => tracing::info!(reports, "what agents did is past its time and forgotten"),
            Err(error) => tracing::warn!(%error, "what agents did stays for now"),
        }
        if let Err(error) = self.store.forget_confirmed(now - CONFIRMED_KEPT).await {
            tracing::warn!(%error, "what imports confirmed stays for now");
        }
    }

    /// Settles counts of days that are over, a part of them at a time.
    async fn settle(&self, shutdown: &CancellationToken) {
        let today = local_time::day_of((self.clock)());
        let Some(before) = today.checked_sub_days(SETTLED_AFTER) else {
            return;
        };
        for _ in 0..TIMES_A_SWEEP {
            match self.store.settle(before, ROWS_AT_ONCE).await {
                Ok(0) => return,
                Ok(sums) => metrics::settled(sums),
                Err(error) => return tracing::warn!(%error, "counts stay unsettled for now"),
            }
            if shutdown.is_cancelled() {
                return;
            }
        }
    }

    /// Forgets what moved the figures longer ago than it is kept.
    async fn forget_changes(&self, shutdown: &CancellationToken) {
        let kept = TimeDelta::from_std(self.settings.changes_kept).unwrap_or(TimeDelta::MAX);
        let Some(before) = (self.clock)().checked_sub_signed(kept) else {
            return;
        };
        for _ in 0..TIMES_A_SWEEP {
            match self.store.forget_changes(before, ROWS_AT_ONCE).await {
                Ok(changes) if changes < ROWS_AT_ONCE || shutdown.is_cancelled() => return,
                Ok(_) => {}
                Err(error) => return tracing::warn!(%error, "what moved the figures stays for now"),
            }
        }
    }

    /// Gives up the ends of calls past the horizon, and checks that the counts agree with themselves.
    async fn sweep(self: Arc<Self>, shutdown: CancellationToken) {
        const AT_ONCE: usize = 500;
        let mut sources = BTreeSet::new();
        while shutdown
            .run_until_cancelled(tokio::time::sleep(self.settings.sweep_every))
            .await
            .is_some()
        {
            let horizon = TimeDelta::from_std(self.settings.horizon).unwrap_or(TimeDelta::MAX);
            let now = (self.clock)();
            let heard_before = now - horizon;
            loop {
                match self.store.give_up(heard_before, now, AT_ONCE).await {
                    Ok(given_up) => {
                        metrics::given_up(given_up);
                        if given_up < AT_ONCE {
                            break;
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "calls past the horizon stay open for now");
                        break;
                    }
                }
            }
            self.forget().await;
            self.settle(&shutdown).await;
            self.forget_changes(&shutdown).await;
            match self.store.imbalance().await {
                Ok(0) => metrics::imbalance(0),
                Ok(rows) => {
                    metrics::imbalance(rows);
                    tracing::error!(rows, "offered visits are not the sum of their outcomes");
                }
                Err(error) => tracing::warn!(%error, "the counts could not be checked"),
            }
            if let Err(error) = self.measure_unread().await {
                tracing::warn!(%error, "it could not be measured how far the figures lag behind");
            }
            if let Err(error) = self.measure_rejected(&mut sources).await {
                tracing::warn!(%error, "the rejected items could not be counted");
            }
        }
    }

    /// Tells how far the figures lag behind the topic of calls, in every partition.
    async fn measure_unread(&self) -> Result<(), MeasuringError> {
        let topic_id = self.bus.topic_id(topics::CALLS).await?;
        let reached = self.store.positions(&topic_id).await?;
        let ends = self.bus.ends(topics::CALLS).await?;
        let unread = ends.iter().map(|(partition, end)| {
            let reached = reached.get(partition).copied().unwrap_or(0);
            (end - reached).max(0)
        });
        metrics::unread(unread.sum());
        Ok(())
    }

    /// Tells how many rejected items are open, also of those of `sources` that have none any more.
    async fn measure_rejected(&self, sources: &mut BTreeSet<SourceName>) -> Result<(), StoreError> {
        let mut open: BTreeMap<SourceName, i64> = sources.iter().map(|source| (source.clone(), 0)).collect();
        for count in self.store.rejected_counts().await? {
            *open.entry(count.source).or_default() += count.items;
        }
        for (source, items) in &open {
            metrics::rejected_items(source.as_str(), *items);
        }
        sources.extend(open.into_keys());
        Ok(())
    }
}
