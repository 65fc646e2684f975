//! What PostgreSQL adds to the contract of calls: several instances, months, and starting at once.

use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use domain::counts::Figure;
use domain::ids::Identity;
use domain::report::CallReport;
use futures::future::join_all;
use store::StoreError;
use store::calls::{Advance, Applied, CallStore, DayRange, LedgerBatch};
use store::postgres::{Database, PostgresCalls};

use crate::calls::{TOPIC, answered, at, finished, group, hotline, report};
use crate::postgres::{execute, on_a_database, on_an_empty_database};

fn batch(partition: u32, expected: i64, reports: Vec<CallReport>) -> LedgerBatch {
    LedgerBatch {
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

async fn two_instances(database: &Database) -> [Arc<PostgresCalls>; 2] {
    let connect = || async { Arc::new(PostgresCalls::connect(database).await.unwrap()) };
    [connect().await, connect().await]
}

#[tokio::test]
async fn instances_on_different_partitions_count_the_same_hotline_at_once() {
    on_a_database(|database| async move {
        let instances = two_instances(&database).await;
        let feeds = instances.iter().enumerate().map(|(partition, store)| {
            let store = Arc::clone(store);
            async move {
                for n in 0..20_u8 {
                    let call = 100 * partition as u8 + n;
                    let reports = vec![report(call, finished(0, answered(i64::from(n) * 1000)))];
                    let batch = batch(partition as u32, i64::from(n), reports);
                    store.apply(batch).await.unwrap();
                }
            }
        });
        join_all(feeds).await;
        let tally = group(&*instances[0], "Bürgertelefon").await.tally;
        assert_eq!(tally.counts.get(Figure::Answered), 40);
        assert_eq!(tally.longest_time_to_answer_ms, Some(19_000));
        assert_eq!(tally.time_to_answer.within(9), Some(20));
        assert_eq!(instances[1].imbalance().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn of_two_instances_on_a_partition_one_writes_and_the_other_writes_nothing() {
    on_a_database(|database| async move {
        let instances = two_instances(&database).await;
        for round in 0..10_u8 {
            let race = instances.iter().enumerate().map(|(instance, store)| {
                let call = 2 * round + instance as u8;
                store.apply(batch(
                    0,
                    round.into(),
                    vec![report(call, finished(0, answered(5_000)))],
                ))
            });
            let outcomes = join_all(race).await;
            let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
            let lost =
                |outcome: &&Result<Applied, StoreError>| matches!(outcome, Err(StoreError::Conflict(_)));
            assert_eq!(
                (won, outcomes.iter().filter(lost).count()),
                (1, 1),
                "{outcomes:?}"
            );
        }
        let tally = group(&*instances[0], "Bürgertelefon").await.tally;
        assert_eq!(tally.counts.get(Figure::Answered), 10);
        assert_eq!(instances[0].position(TOPIC, 0).await.unwrap(), 10);
    })
    .await;
}

#[tokio::test]
async fn a_call_told_to_two_instances_at_once_is_counted_once() {
    on_a_database(|database| async move {
        let instances = two_instances(&database).await;
        for round in 0..10_u8 {
            let race = instances.iter().enumerate().map(|(partition, store)| async move {
                let told = || vec![report(round, finished(0, answered(5_000)))];
                // Who is later than the other may be asked to try again.
                while let Err(error) = store.apply(batch(partition as u32, round.into(), told())).await {
                    assert!(error.is_temporary(), "{error}");
                }
            });
            join_all(race).await;
        }
        let tally = group(&*instances[0], "Bürgertelefon").await.tally;
        assert_eq!(tally.counts.get(Figure::Contacts), 10);
        assert_eq!(tally.counts.get(Figure::Answered), 10);
    })
    .await;
}

#[tokio::test]
async fn calls_of_many_months_are_filed_corrected_and_counted() {
    on_a_database(|database| async move {
        let [store, other] = two_instances(&database).await;
        let record = |n: u8, wait_ms| {
            let mut record = answered(wait_ms);
            record.started_at = at(0) + TimeDelta::days(20 * i64::from(n));
            record
        };
        let first: Vec<_> = (0..30)
            .map(|n| report(n, finished(0, record(n, 9_000))))
            .collect();
        let applied = store.apply(batch(0, 0, first.clone())).await.unwrap();
        assert_eq!(applied.new_calls, 30);
        // A correction into another month stays where the call was filed, and moves the figures.
        let mut moved = record(3, 2_000);
        moved.started_at += TimeDelta::days(365);
        let second = vec![
            report(3, finished(1, moved.clone())),
            report(4, finished(1, record(4, 2_000))),
        ];
        assert_eq!(other.apply(batch(0, 30, second)).await.unwrap().changed_calls, 2);
        let again = store.apply(batch(0, 32, first)).await.unwrap();
        assert_eq!(again.repeated, 30);

        let days = DayRange {
            from: NaiveDate::from_ymd_opt(2024, 1, 1).unwrap(),
            to: NaiveDate::from_ymd_opt(2028, 1, 1).unwrap(),
        };
        let groups = store.day_totals(days).await.unwrap();
        assert_eq!(groups[0].tally.counts.get(Figure::Answered), 30);
        assert_eq!(
            groups[0].tally.counts.get(Figure::TimeToAnswerMs),
            28 * 9_000 + 2 * 2_000
        );
        assert_eq!(groups[0].tally.longest_time_to_answer_ms, Some(9_000));
        let call = other.call(Identity([3; 16])).await.unwrap().unwrap();
        assert_eq!(call.state.record.unwrap().record, moved);
    })
    .await;
}

#[tokio::test]
async fn a_call_whose_month_was_dropped_does_not_count_again() {
    on_an_empty_database(|url| async move {
        let database = Database::new(&url).unwrap();
        database.migrate().await.unwrap();
        let store = PostgresCalls::connect(&database).await.unwrap();
        let told = || vec![report(1, finished(0, answered(5_000)))];
        store.apply(batch(0, 0, told())).await.unwrap();
        execute(
            &url,
            "DROP TABLE calls_202410, visits_202410; DELETE FROM partitions WHERE month = 202410",
        )
        .await;
        assert_eq!(store.apply(batch(0, 1, told())).await.unwrap().repeated, 1);
        // A new call of that month: this instance learns that the month is gone, and makes it again.
        let new = || batch(0, 2, vec![report(2, finished(0, answered(5_000)))]);
        let refused = store.apply(new()).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
        store.apply(new()).await.unwrap();
        let tally = group(&store, "Bürgertelefon").await.tally;
        assert_eq!(tally.counts.get(Figure::Contacts), 2);
    })
    .await;
}

#[tokio::test]
async fn giving_up_passes_over_calls_that_are_being_written() {
    on_a_database(|database| async move {
        use domain::event::{CallEvent, EndedBy, EventKind};
        use domain::report::ReportBody;
        let instances = two_instances(&database).await;
        let event = |call, seconds, kind| {
            let event = CallEvent::new(at(seconds), kind);
            report(call, ReportBody::Event(event))
        };
        let hotline = hotline("Umwelt");
        let queued = (0..50).map(|call| {
            event(
                call,
                0,
                EventKind::Queued {
                    hotline: hotline.clone(),
                },
            )
        });
        instances[0].apply(batch(0, 0, queued.collect())).await.unwrap();
        let ended = EventKind::Ended {
            by: Some(EndedBy::Citizen),
            status: None,
        };
        let ended = (0..50).map(|call| event(call, 9, ended.clone()));
        let ends = instances[0].apply(batch(0, 50, ended.collect()));
        let given_up = instances[1].give_up(at(20_000), at(30_000), 1000);
        let (ends, given_up) = futures::join!(ends, given_up);
        ends.unwrap();
        given_up.unwrap();
        let tally = group(&*instances[0], "Umwelt").await.tally;
        assert_eq!(
            tally.counts.get(Figure::Abandoned),
            50,
            "the truth corrects what was given up"
        );
        assert_eq!(tally.counts.get(Figure::Offered), 50);
        assert_eq!(instances[0].imbalance().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn texts_with_a_nul_are_kept_without_it_and_once() {
    on_a_database(|database| async move {
        let store = PostgresCalls::connect(&database).await.unwrap();
        let told = || {
            let mut record = answered(5_000);
            record.hotline = hotline("Bürger\0telefon");
            record.dialled_address = Some("11\x005".to_owned());
            vec![report(1, finished(0, record))]
        };
        store.apply(batch(0, 0, told())).await.unwrap();
        assert_eq!(store.apply(batch(0, 1, told())).await.unwrap().repeated, 1);
        assert_eq!(
            group(&store, "Bürger\u{fffd}telefon")
                .await
                .tally
                .counts
                .get(Figure::Contacts),
            1
        );
    })
    .await;
}

#[tokio::test]
async fn several_nodes_may_start_on_an_empty_database_at_once() {
    on_an_empty_database(|url| async move {
        let start = |url: String| async move {
            let database = Database::new(&url).unwrap();
            database.migrate().await.unwrap();
            PostgresCalls::connect(&database).await.unwrap()
        };
        let nodes = join_all((0..4).map(|_| tokio::spawn(start(url.clone())))).await;
        let mut keys = Vec::new();
        for node in nodes {
            let key = node.unwrap().identity_key().await.unwrap();
            keys.push(key.keyed(&[b"x"]));
        }
        keys.dedup();
        assert_eq!(keys.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn tables_that_do_not_fit_are_refused_with_the_remedy() {
    on_an_empty_database(|url| async move {
        let database = Database::new(&url).unwrap();
        let said = |refused: Result<PostgresCalls, StoreError>| match refused {
            Err(StoreError::Unusable(said)) => said,
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("it connected"),
        };
        let missing = said(PostgresCalls::connect(&database).await);
        assert!(missing.contains("nrwdirekt up"), "{missing}");
        database.migrate().await.unwrap();
        execute(&url, "INSERT INTO schema_history_calls SELECT 99, 'later', applied_on, checksum FROM schema_history_calls LIMIT 1").await;
        let newer = said(PostgresCalls::connect(&database).await);
        assert!(newer.contains("version 99"), "{newer}");
        assert!(matches!(database.migrate().await, Err(StoreError::Unusable(_))));
    })
    .await;
}

#[tokio::test]
async fn a_batch_cut_off_anywhere_counts_once_when_it_is_read_again() {
    on_an_empty_database(|url| async move {
        let database = Database::new(&url).unwrap();
        database.migrate().await.unwrap();
        let store = Arc::new(PostgresCalls::connect(&database).await.unwrap());
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()";
        for round in 0..10_u8 {
            let reports = || {
                (0..20)
                    .map(|n| report(20 * round + n, finished(0, answered(5_000))))
                    .collect()
            };
            let from = 20 * i64::from(round);
            let writing = {
                let (store, batch) = (Arc::clone(&store), batch(0, from, reports()));
                tokio::spawn(async move { store.apply(batch).await })
            };
            execute(&url, cut).await;
            let mut outcome = writing.await.unwrap();
            // As the ledger does: the outcome is unknown until the position tells.
            while let Err(error) = outcome {
                assert!(error.is_temporary(), "{error}");
                outcome = match store.position(TOPIC, 0).await {
                    Ok(position) if position == from => store.apply(batch(0, from, reports())).await,
                    Ok(_) => break,
                    Err(error) => Err(error),
                };
            }
        }
        // That the last cut ended its connections may show with the next question.
        while store.position(TOPIC, 0).await.is_err() {}
        let tally = group(&*store, "Bürgertelefon").await.tally;
        assert_eq!(tally.counts.get(Figure::Answered), 200);
        assert_eq!(store.position(TOPIC, 0).await.unwrap(), 200);
    })
    .await;
}

#[tokio::test]
async fn what_the_server_refuses_is_told_apart_and_works_again_later() {
    on_an_empty_database(|url| async move {
        let database = Database::new(&url).unwrap();
        database.migrate().await.unwrap();
        let store = PostgresCalls::connect(&database).await.unwrap();
        let told = || batch(0, 0, vec![report(1, finished(0, answered(5_000)))]);
        let refuse = |code: &str| {
            format!(
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}', DETAIL = '0221 4710123'; END $$;
                 CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON import_runs EXECUTE FUNCTION refuse()"
            )
        };
        let cases = [
            ("53100", "NoRoom"),
            ("40001", "Unavailable"),
            ("40P01", "Unavailable"),
            ("25006", "Unavailable"),
            ("57P01", "Unavailable"),
            ("57014", "Unavailable"),
            ("55P03", "Unavailable"),
            ("23505", "Unusable"),
            ("42703", "Unusable"),
        ];
        for (code, kind) in cases {
            execute(&url, &refuse(code)).await;
            let refused = format!("{:?}", store.apply(told()).await.unwrap_err());
            assert!(refused.starts_with(kind), "{code}: {refused}");
            assert!(!refused.contains("4710123"), "personal data in {refused}");
            assert_eq!(store.position(TOPIC, 0).await.unwrap(), 0);
        }
        execute(&url, "DROP TRIGGER refuse ON import_runs").await;
        assert_eq!(store.apply(told()).await.unwrap().new_calls, 1);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let database = Database::new("postgres://nobody@127.0.0.1:1/nothing").unwrap();
    let refused = database.migrate().await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
}
