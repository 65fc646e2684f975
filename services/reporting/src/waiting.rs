//! Visits that wait, and not yet longer than the threshold: no service level can be told of them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;
use domain::span::Span;
use store::calls::{CallStore, DayRange};
use tonic::Status;

use crate::scope::Scope;
use crate::service::status;

/// Visits of an interval and hotline that wait.
pub(crate) struct Waiting {
    pub(crate) interval: usize,
    pub(crate) hotline: HotlineName,
    pub(crate) visits: i64,
}

/// Those within the threshold of their hotline, in the intervals of the scope.
pub(crate) async fn within_thresholds(
    store: &dyn CallStore,
    scope: &Scope,
    spans: &[Span],
    now: DateTime<Utc>,
) -> Result<Vec<Waiting>, Status> {
    let mut waiting = Vec::new();
    for threshold in scope.policy.all_thresholds() {
        let since = now - TimeDelta::seconds(threshold);
        let first = spans.partition_point(|span| span.end <= since);
        let last = spans.partition_point(|span| span.start <= now);
        for (interval, span) in spans.iter().enumerate().take(last).skip(first) {
            let mut visits = offered_since(store, span.start.max(since), now).await?;
            if span.end <= now {
                for (key, later) in offered_since(store, span.end, now).await? {
                    *visits.entry(key).or_default() -= later;
                }
            }
            for ((hotline, task_type), visits) in visits {
                let is_asked = scope.hotlines.is_empty() || scope.hotlines.contains(&hotline);
                let own = scope.policy.of(Some(&hotline)).threshold_seconds;
                // Whoever was answered between two looks makes the second one smaller, never larger.
                if visits > 0 && is_asked && own == threshold && scope.task_types.contains(&task_type) {
                    waiting.push(Waiting {
                        interval,
                        hotline,
                        visits,
                    });
                }
            }
        }
    }
    Ok(waiting)
}

async fn offered_since(
    store: &dyn CallStore,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<BTreeMap<(HotlineName, TaskType), i64>, Status> {
    let days = DayRange {
        from: local_time::day_of(since),
        to: local_time::next(local_time::day_of(now)),
    };
    let waiting = store.waiting_since(since, days).await;
    let waiting = waiting.map_err(|error| status(&error))?;
    let keyed = waiting
        .into_iter()
        .map(|(hotline, task_type, visits)| ((hotline, task_type), visits));
    Ok(keyed.collect())
}
