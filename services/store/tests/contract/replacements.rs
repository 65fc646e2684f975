//! What every [`CallStore`] does with calls that do not count: retracted ones, and those of a feed beside the one that
//! counts.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::counting::CountingSources;
use domain::counts::Figure;
use domain::ids::{Identity, ImportRun, SourceName};
use domain::report::{CallReport, ReportBody};
use store::calls::{Advance, CallStore, LedgerBatch};

use crate::calls::{TOPIC, answered, at, finished, group, hotline, on_every_store, report};

async fn apply(store: &dyn CallStore, expected: i64, reports: Vec<CallReport>, counting: CountingSources) {
    let advance = Advance {
        partition: 0,
        expected,
        next: expected + 1,
    };
    let batch = LedgerBatch {
        topic_id: TOPIC.to_owned(),
        advances: vec![advance],
        reports: reports.into_iter().map(|report| (0, report)).collect(),
        counting: Arc::new(counting),
        ..LedgerBatch::default()
    };
    store.apply(batch).await.unwrap();
}

async fn figures(store: &dyn CallStore) -> (i64, i64, i64, Option<i64>) {
    let tally = group(store, "Bürgertelefon").await.tally;
    (
        tally.counts.get(Figure::Contacts),
        tally.counts.get(Figure::Answered),
        tally.counts.get(Figure::TimeToAnswerMs),
        tally.longest_time_to_answer_ms,
    )
}

#[tokio::test]
async fn a_retracted_call_adds_nothing_until_it_is_reported_again() {
    on_every_store(|store| async move {
        let calls = || {
            vec![
                report(1, finished(0, answered(90_000))),
                report(2, finished(0, answered(20_000))),
            ]
        };
        apply(&*store, 0, calls(), CountingSources::default()).await;
        assert_eq!(figures(&*store).await, (2, 2, 110_000, Some(90_000)));
        for again in 1..3 {
            apply(
                &*store,
                again,
                vec![report(1, ReportBody::Retracted)],
                CountingSources::default(),
            )
            .await;
            assert_eq!(figures(&*store).await, (1, 1, 20_000, Some(20_000)));
        }
        let kept = store.call(Identity([1; 16])).await.unwrap().unwrap();
        assert!(kept.state.retracted && kept.state.record.is_some());
        apply(&*store, 3, calls(), CountingSources::default()).await;
        assert_eq!(figures(&*store).await, (2, 2, 110_000, Some(90_000)));
        assert_eq!(store.imbalance().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn one_feed_counts_for_a_hotline_and_the_other_can_be_looked_up() {
    on_every_store(|store| async move {
        let live = CountingSources::new([(hotline("Bürgertelefon"), SourceName::new("live"))]);
        let from = |source: &str, call| CallReport {
            source: SourceName::new(source),
            ..report(call, finished(0, answered(10_000)))
        };
        apply(
            &*store,
            0,
            vec![from("live", 1), from("nightly", 2)],
            live.clone(),
        )
        .await;
        assert_eq!(figures(&*store).await, (1, 1, 10_000, Some(10_000)));
        let nightly = store.call(Identity([2; 16])).await.unwrap().unwrap();
        assert!(!nightly.state.counts_for(&hotline("Bürgertelefon")));
        // A correction counts as the configuration has it by then.
        let corrected = CallReport {
            source: SourceName::new("nightly"),
            ..report(2, finished(1, answered(30_000)))
        };
        apply(&*store, 1, vec![corrected], CountingSources::default()).await;
        assert_eq!(figures(&*store).await, (2, 2, 40_000, Some(30_000)));
        assert_eq!(store.imbalance().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_an_import_confirms_is_known_until_it_is_forgotten() {
    on_every_store(|store| async move {
        let confirming = |call| CallReport {
            confirms: true,
            ..report(call, finished(0, answered(10_000)))
        };
        apply(
            &*store,
            0,
            vec![report(1, finished(0, answered(10_000)))],
            CountingSources::default(),
        )
        .await;
        // Told before or not: it is in the import.
        apply(
            &*store,
            1,
            vec![confirming(1), confirming(2), confirming(1)],
            CountingSources::default(),
        )
        .await;
        let all: Vec<_> = (1..=3).map(|call| Identity([call; 16])).collect();
        let run = ImportRun::new("run-1");
        let confirmed = store.confirmed(&run, all.clone()).await.unwrap();
        assert_eq!(confirmed, BTreeSet::from([all[0], all[1]]));
        assert!(
            store
                .confirmed(&ImportRun::new("run-2"), all)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(store.forget_confirmed(at(10_000)).await.unwrap(), 0);
        assert_eq!(store.forget_confirmed(at(10_001)).await.unwrap(), 2);
    })
    .await;
}
