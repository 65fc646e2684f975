//! Settling changes no figure, whatever comes before it, after it and meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{NaiveDate, TimeDelta};
use futures::future::join_all;
use store::calls::{Advance, CallStore, LedgerBatch};
use store::postgres::PostgresCalls;
use store::sqlite::SqliteCalls;

use crate::calls::{TOPIC, answered, apply, at, finished, group, on_every_store, report};
use crate::figures::{Dice, Sums, changed, every_change, figures, sums};
use crate::postgres::on_a_database;

/// The day after the last of [`Dice::report`].
fn afterwards() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 10, 29).unwrap()
}

fn batch(partition: u32, expected: i64, reports: Vec<domain::report::CallReport>) -> LedgerBatch {
    LedgerBatch {
        at: at(20_000),
        topic_id: TOPIC.to_owned(),
        advances: vec![Advance {
            partition,
            expected,
            next: expected + reports.len() as i64,
        }],
        reports: reports.into_iter().map(|report| (partition, report)).collect(),
        ..LedgerBatch::default()
    }
}

#[tokio::test]
async fn figures_are_the_same_before_and_after_settling_and_late_data_is_added() {
    on_every_store(|store| async move {
        let reports = (0..40).map(|call| Dice(u64::from(call)).report(call, 0));
        apply(&*store, 0, reports.collect()).await.unwrap();
        let before = figures(&*store).await;
        let mut settled = 0;
        loop {
            match store.settle(afterwards(), 10).await.unwrap() {
                0 => break,
                sums => settled += sums,
            }
            assert_eq!(figures(&*store).await, before);
        }
        assert!(settled > 40, "{settled}");
        assert_eq!(store.settle(afterwards(), 10).await.unwrap(), 0);

        let late = report(100, finished(0, answered(700_000)));
        apply(&*store, 40, vec![late]).await.unwrap();
        let with_late = figures(&*store).await;
        assert_eq!(
            group(&*store, "Bürgertelefon")
                .await
                .tally
                .longest_time_to_answer_ms,
            Some(700_000)
        );
        assert!(store.settle(afterwards(), 100).await.unwrap() > 0);
        assert_eq!(figures(&*store).await, with_late);
        assert_eq!(store.imbalance().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn days_that_are_not_over_are_not_settled() {
    on_every_store(|store| async move {
        apply(&*store, 0, vec![report(1, finished(0, answered(5_000)))])
            .await
            .unwrap();
        let today = at(0).date_naive();
        assert_eq!(store.settle(today, 100).await.unwrap(), 0);
        // The day and the quarter-hour, of the hotline and of all together.
        assert_eq!(store.settle(today.succ_opt().unwrap(), 100).await.unwrap(), 4);
    })
    .await;
}

#[tokio::test]
async fn the_longest_time_is_exact_when_it_is_taken_back_after_settling() {
    on_every_store(|store| async move {
        let waits = [90_000, 20_000, 40_000];
        let first = (1..)
            .zip(waits)
            .map(|(call, wait_ms)| report(call, finished(0, answered(wait_ms))));
        apply(&*store, 0, first.collect()).await.unwrap();
        store.settle(afterwards(), 100).await.unwrap();
        apply(&*store, 3, vec![report(1, finished(1, answered(10_000)))])
            .await
            .unwrap();
        let tally = group(&*store, "Bürgertelefon").await.tally;
        assert_eq!(tally.longest_time_to_answer_ms, Some(40_000));
        store.settle(afterwards(), 100).await.unwrap();
        apply(&*store, 4, vec![report(3, finished(1, answered(15_000)))])
            .await
            .unwrap();
        figures(&*store).await;
        let tally = group(&*store, "Bürgertelefon").await.tally;
        assert_eq!(tally.longest_time_to_answer_ms, Some(20_000));
    })
    .await;
}

#[tokio::test]
async fn whatever_comes_settled_figures_are_those_of_a_store_that_never_settles() {
    on_every_store(|store| async move {
        let folder = tempfile::tempdir().unwrap();
        let never = SqliteCalls::open(&folder.path().join("calls.db")).unwrap();
        for seed in 0..6 {
            let mut dice = Dice(seed);
            let mut position = store.position(TOPIC, 0).await.unwrap();
            let mut read: Vec<_> = vec![sums(&*store).await];
            for step in 0..12_u32 {
                let revision = 100 * seed as u32 + step;
                let reports = (0..dice.below(6))
                    .map(|_| dice.below(30) as u8)
                    .collect::<Vec<_>>();
                let reports: Vec<_> = reports
                    .into_iter()
                    .map(|call| dice.report(call, revision))
                    .collect();
                let next = position + reports.len() as i64;
                store.apply(batch(0, position, reports.clone())).await.unwrap();
                never.apply(batch(0, position, reports)).await.unwrap();
                position = next;
                if dice.below(3) == 0 {
                    let until = afterwards() - TimeDelta::days(dice.below(4) as i64);
                    store.settle(until, 1 + dice.below(20) as usize).await.unwrap();
                }
                let told = figures(&*store).await;
                assert_eq!(told, figures(&never).await, "seed {seed}, step {step}");
                read.push(sums(&*store).await);
            }
            let (now, _) = sums(&*store).await;
            for (then, version) in read {
                let changes = every_change(&*store, &version).await;
                assert_eq!(changed(then, changes), now, "seed {seed}, since {version}");
            }
        }
    })
    .await;
}

/// One instance: feeds its partition at random. Calls of one partition are told nowhere else.
async fn feed(store: Arc<PostgresCalls>, partition: u32) -> Vec<LedgerBatch> {
    let mut dice = Dice(u64::from(partition));
    let mut position = 0;
    let mut batches = Vec::new();
    for revision in 0..20 {
        let calls: Vec<u8> = (0..1 + dice.below(4))
            .map(|_| 60 * partition as u8 + dice.below(25) as u8)
            .collect();
        let reports: Vec<_> = calls
            .into_iter()
            .map(|call| dice.report(call, revision))
            .collect();
        let batch = batch(partition, position, reports);
        position = batch.advances[0].next;
        batches.push(batch.clone());
        store.apply(batch).await.unwrap();
    }
    batches
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settling_and_reading_beside_instances_that_write_is_exact_at_every_moment() {
    on_a_database(|database| async move {
        let connect = || async { Arc::new(PostgresCalls::connect(&database).await.unwrap()) };
        let is_over = Arc::new(AtomicBool::new(false));
        let settlers = join_all((0..2).map(|_| connect()))
            .await
            .into_iter()
            .map(|store| {
                let is_over = Arc::clone(&is_over);
                tokio::spawn(async move {
                    let mut settled = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        settled += store.settle(afterwards(), 15).await.unwrap();
                    }
                    settled
                })
            });
        let settlers: Vec<_> = settlers.collect();
        let reader = {
            let (store, is_over) = (connect().await, Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut read: Vec<(Sums, _)> = Vec::new();
                while !is_over.load(Ordering::Relaxed) {
                    assert_eq!(store.imbalance().await.unwrap(), 0);
                    read.push(sums(&*store).await);
                }
                read
            })
        };
        let writers = join_all((0..4).map(|_| connect())).await.into_iter();
        let writers = writers
            .zip(0..)
            .map(|(store, partition)| tokio::spawn(feed(store, partition)));
        let fed = join_all(writers.collect::<Vec<_>>()).await;
        is_over.store(true, Ordering::Relaxed);
        let settled: usize = join_all(settlers).await.into_iter().map(Result::unwrap).sum();
        let read = reader.await.unwrap();

        let store = connect().await;
        let folder = tempfile::tempdir().unwrap();
        let orderly = SqliteCalls::open(&folder.path().join("calls.db")).unwrap();
        for batch in fed.into_iter().flat_map(Result::unwrap) {
            orderly.apply(batch).await.unwrap();
        }
        assert_eq!(figures(&*store).await, figures(&orderly).await);
        assert!(settled > 0, "nothing was settled meanwhile");
        assert!(read.len() > 1, "nothing was read meanwhile");
        let (now, _) = sums(&*store).await;
        for (then, version) in read {
            let changes = every_change(&*store, &version).await;
            assert_eq!(changed(then, changes), now, "since {version}");
        }
    })
    .await;
}
