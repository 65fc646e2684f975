//! Looks at the store, and hands what it saw to all who watch.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::counts::Interval;
use domain::local_time;
use futures::Stream;
use store::live::{LiveQuery, Moment};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_stream::wrappers::WatchStream;

use super::running::{Clock, Clocks, QuarterHours, Sums};
use super::{LiveParts, gauges};

/// Between two looks while somebody watches.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// Waiting times grow: told again after this long, though nothing has changed.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Between two looks for the metrics.
const FOR_METRICS: Duration = Duration::from_secs(10);
/// Agents who nothing was told of for so long are gone.
const AGENTS_WITHIN: TimeDelta = TimeDelta::hours(16);

/// A look at the store.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) at: DateTime<Utc>,
    pub(super) interval: Interval,
    pub(super) moment: Moment,
    /// The running days and intervals that are watched and not counted as one, in the same snapshot.
    pub(super) sums: Sums,
}

/// What a look gave, or why it failed.
pub(super) type Look = Result<Arc<Taken>, String>;

pub(super) struct Feed {
    parts: Arc<LiveParts>,
    looks: watch::Sender<Option<Look>>,
    /// Somebody has begun to watch.
    watched: Notify,
    clocks: Arc<Clocks>,
}

impl Feed {
    pub(super) fn new(parts: Arc<LiveParts>) -> Self {
        Self {
            parts,
            looks: watch::Sender::new(None),
            watched: Notify::new(),
            clocks: Arc::default(),
        }
    }

    /// Every look from now on; whoever is slow misses those in between. They go by the clock from the next on.
    pub(super) fn watch(&self, clock: Clock) -> impl Stream<Item = Look> + Send + use<> {
        use tokio_stream::StreamExt as _;
        let watching = self.clocks.watch(clock);
        self.looks().map(move |look| {
            let _until_it_is_dropped = &watching;
            look
        })
    }

    /// The same, for those to whom no running figures matter.
    pub(super) fn looks(&self) -> impl Stream<Item = Look> + Send + use<> {
        use tokio_stream::StreamExt as _;
        let looks = WatchStream::from_changes(self.looks.subscribe());
        self.watched.notify_one();
        looks.filter_map(|look| look)
    }

    pub(super) async fn run(&self) {
        let mut gauges = gauges::Gauges::default();
        let mut hours = QuarterHours::default();
        let mut told_at = Instant::now();
        loop {
            let look = self.look(&mut hours).await;
            if let Ok(taken) = &look {
                gauges.set(&self.parts, taken);
            }
            let is_due = told_at.elapsed() >= AGAIN_AFTER;
            let told = self.looks.send_if_modified(|last| {
                let tell = is_due || !is_same(last.as_ref(), &look);
                if tell {
                    *last = Some(look);
                }
                tell
            });
            if told {
                told_at = Instant::now();
            }
            let watched = self.watched.notified();
            if self.looks.receiver_count() > 0 {
                // Whoever comes is told at once.
                let rest = tokio::time::timeout(BETWEEN_LOOKS, watched).await;
                self.forget_if(rest.is_ok());
            } else {
                let rest = tokio::time::timeout(FOR_METRICS, watched).await;
                self.forget_if(rest.is_ok());
            }
        }
    }

    /// What was told was told to others: the next look is told again.
    fn forget_if(&self, somebody_came: bool) {
        self.looks.send_if_modified(|last| {
            if somebody_came {
                *last = None;
            }
            false
        });
    }

    async fn look(&self, hours: &mut QuarterHours) -> Look {
        let at = (self.parts.figures.clock)();
        let interval = Interval::containing(at);
        let spans = self.clocks.spans(at);
        let quarters = hours.query(&spans);
        let query = LiveQuery {
            interval,
            day: local_time::day_of(at),
            visits_since: at - self.parts.horizon,
            agents_since: Some(at - AGENTS_WITHIN),
            quarters: quarters.clone(),
        };
        match self.parts.figures.store.live(query).await {
            Ok(mut moment) => {
                let read = quarters.as_ref().zip(moment.quarters.take());
                let sums = read.map(|(query, read)| hours.sums(query, read, &spans));
                Ok(Arc::new(Taken {
                    at,
                    interval,
                    moment,
                    sums: sums.unwrap_or_default(),
                }))
            }
            Err(error) => {
                tracing::debug!(%error, "no look at the moment");
                Err(format!("{error}; watch again"))
            }
        }
    }
}

fn is_same(last: Option<&Look>, look: &Look) -> bool {
    match (last, look) {
        (Some(Ok(last)), Ok(look)) => {
            last.interval == look.interval && last.sums == look.sums && last.moment == look.moment
        }
        (Some(Err(last)), Err(look)) => last == look,
        _ => false,
    }
}
