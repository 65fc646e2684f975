//! The log of what moved the counts.

use chrono::{NaiveDate, TimeDelta};
use domain::counts::{Figure, Interval};
use store::StoreError;
use store::calls::{Advance, CallStore, DayRange, LedgerBatch};
use store::changes::ChangeQuery;
use store::history::FiguresVersion;

use crate::calls::{TOPIC, answered, at, finished, on_every_store, report};
use crate::figures::every_change;

/// Tells of a call at a time by the ledger's clock.
async fn tell(store: &dyn CallStore, expected: i64, hours: i64, wait_ms: i64) {
    let batch = LedgerBatch {
        at: at(0) + TimeDelta::hours(hours),
        topic_id: TOPIC.to_owned(),
        advances: vec![Advance {
            partition: 0,
            expected,
            next: expected + 1,
        }],
        reports: vec![(0, report(1, finished(expected as u32, answered(wait_ms))))],
        ..LedgerBatch::default()
    };
    store.apply(batch).await.unwrap();
}

#[tokio::test]
async fn what_has_moved_since_a_report_is_told_with_its_time_and_difference() {
    on_every_store(|store| async move {
        let empty = store.figures_version().await.unwrap();
        tell(&*store, 0, 0, 5_000).await;
        let first = store.figures_version().await.unwrap();
        tell(&*store, 1, 30, 8_000).await;
        tell(&*store, 2, 31, 8_000).await;
        let changes = every_change(&*store, &first).await;
        assert_eq!(
            changes.len(),
            1,
            "a new revision with the same content moves nothing"
        );
        let change = &changes[0];
        assert_eq!(change.interval, Interval::containing(at(0)));
        assert_eq!(change.changed_at, at(30 * 3600));
        assert_eq!(change.difference.counts.get(Figure::TimeToAnswerMs), 3_000);
        assert_eq!(change.difference.counts.get(Figure::Offered), 0);
        assert_eq!(change.difference.time_to_answer.within(5), Some(-1));
        assert_eq!(every_change(&*store, &empty).await.len(), 2);
        let day = |day| NaiveDate::from_ymd_opt(2024, 10, day).unwrap();
        let of_days = |from, to| ChangeQuery {
            days: Some(DayRange {
                from: day(from),
                to: day(to),
            }),
            ..ChangeQuery::all(10)
        };
        let within = store.changes_since(&empty, of_days(28, 29)).await.unwrap();
        assert_eq!(within.len(), 2);
        let elsewhere = store.changes_since(&empty, of_days(29, 31)).await.unwrap();
        assert!(elsewhere.is_empty());
    })
    .await;
}

/// A version for which nothing is under way that was so when this began: other cases share the server.
async fn version_after_everybody(store: &dyn CallStore) -> FiguresVersion {
    let part = |version: &FiguresVersion, place| -> u64 {
        let number = version.as_str().split(':').nth(place);
        number.map_or(0, |number| number.parse().unwrap())
    };
    let begun = store.figures_version().await.unwrap();
    loop {
        let version = store.figures_version().await.unwrap();
        if part(&version, 0) >= part(&begun, 1) {
            return version;
        }
    }
}

#[tokio::test]
async fn a_version_that_cannot_be_compared_with_is_refused_with_the_remedy() {
    on_every_store(|store| async move {
        let empty = store.figures_version().await.unwrap();
        tell(&*store, 0, 0, 5_000).await;
        let old = store.figures_version().await.unwrap();
        tell(&*store, 1, 10, 6_000).await;
        tell(&*store, 2, 20, 7_000).await;
        let kept = version_after_everybody(&*store).await;
        tell(&*store, 3, 30, 8_000).await;
        assert_eq!(store.forget_changes(at(0), 100).await.unwrap(), 0);
        assert_eq!(store.forget_changes(at(21 * 3600), 2).await.unwrap(), 2);
        assert_eq!(store.forget_changes(at(21 * 3600), 2).await.unwrap(), 1);
        assert_eq!(every_change(&*store, &kept).await.len(), 1);
        let said = async |version: FiguresVersion| {
            let refused = store.changes_since(&version, ChangeQuery::all(1)).await;
            match refused {
                Err(StoreError::UnknownVersion(said)) => said,
                other => panic!("{version}: {other:?}"),
            }
        };
        for too_old in [empty, old] {
            assert!(said(too_old).await.contains("changes_kept_days"));
        }
        for unreadable in ["", "gestern", "1:", "-1", "5:4:", "1:5:9", "0:1:"] {
            let said = said(FiguresVersion::new(unreadable)).await;
            assert!(said.contains("as a report printed it"), "{unreadable}: {said}");
        }
        let ahead = match kept.as_str().contains(':') {
            true => "999999999:999999999:",
            false => "999999999",
        };
        assert!(said(FiguresVersion::new(ahead)).await.contains("another store"));
    })
    .await;
}
