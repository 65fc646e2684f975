//! Reading counts by period.

use chrono::{NaiveDate, TimeDelta};
use domain::counts::{Figure, Interval, Tally};
use domain::record::{CallRecord, TaskType};
use domain::report::CallReport;
use store::calls::{Advance, CallStore, DayRange, LedgerBatch};
use store::history::{HistoryQuery, HotlineChoice, PeriodStart, PeriodTally, Periods};
use store::postgres::{Database, PostgresCalls};

use crate::calls::{TOPIC, answered, apply, at, finished, hotline, on_every_store, report};
use crate::figures::{Dice, figures};
use crate::postgres::{execute, on_an_empty_database};

fn date(month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, month, day).unwrap()
}

/// Two weeks around the day of [`at`].
pub(crate) fn days() -> Periods {
    Periods::Days(every_day())
}

/// The same.
pub(crate) fn every_day() -> DayRange {
    DayRange {
        from: date(10, 21),
        to: date(11, 4),
    }
}

/// The quarter-hours of the same two weeks.
pub(crate) fn intervals() -> Periods {
    Periods::Intervals {
        from: Interval::containing(at(-7 * 86_400)),
        to: Interval::containing(at(7 * 86_400)),
    }
}

fn call(name: &str, seconds: i64, wait_ms: i64) -> CallRecord {
    let mut record = answered(wait_ms);
    record.started_at = at(seconds);
    record.hotline = hotline(name);
    record
}

async fn rows(store: &dyn CallStore, periods: Periods, hotlines: HotlineChoice) -> Vec<PeriodTally> {
    let query = HistoryQuery { periods, hotlines };
    let mut rows = store.history(query).await.unwrap().rows;
    assert!(rows.is_sorted_by_key(|row| row.period));
    rows.sort_by_key(|row| (row.period, row.hotline.clone(), row.task_type));
    rows
}

/// Period, hotline, visits, visits within 10 s, longest time to answer.
type Shown<'a> = (PeriodStart, &'a str, i64, Option<i64>, Option<i64>);

fn shown(rows: &[PeriodTally]) -> Vec<Shown<'_>> {
    let show = |row: &'_ PeriodTally| {
        let Tally {
            counts,
            time_to_answer,
            longest_time_to_answer_ms,
            ..
        } = &row.tally;
        (
            counts.get(Figure::Offered),
            time_to_answer.within(10),
            *longest_time_to_answer_ms,
        )
    };
    let shown = rows.iter().map(|row| {
        let (offered, within, longest_ms) = show(row);
        let name = row.hotline.as_ref().map_or("", |name| name.as_str());
        (row.period, name, offered, within, longest_ms)
    });
    shown.collect()
}

fn three_calls() -> Vec<CallReport> {
    vec![
        report(1, finished(0, call("Umwelt", 0, 20_000))),
        report(2, finished(0, call("Umwelt", 900, 5_000))),
        report(3, finished(0, call("Schule", 10, 8_000))),
    ]
}

#[tokio::test]
async fn history_gives_the_sums_of_periods_by_hotline_or_together() {
    on_every_store(|store| async move {
        apply(&*store, 0, three_calls()).await.unwrap();
        let later = call("Umwelt", 3 * 86_400, 1_000);
        apply(&*store, 3, vec![report(4, finished(0, later))])
            .await
            .unwrap();
        let [first, last] = [date(10, 28), date(10, 31)].map(PeriodStart::Day);
        let each = rows(&*store, days(), HotlineChoice::Each).await;
        assert_eq!(
            shown(&each),
            [
                (first, "Schule", 1, Some(1), Some(8_000)),
                (first, "Umwelt", 2, Some(1), Some(20_000)),
                (last, "Umwelt", 1, Some(1), Some(1_000)),
            ]
        );
        let together = rows(&*store, days(), HotlineChoice::Together).await;
        assert_eq!(
            shown(&together),
            [
                (first, "", 3, Some(2), Some(20_000)),
                (last, "", 1, Some(1), Some(1_000))
            ]
        );
        let named = vec![hotline("Schule"), hotline("gibt es nicht")];
        let named = rows(&*store, intervals(), HotlineChoice::Named(named)).await;
        let quarter = Interval::containing(at(0));
        let expected = (PeriodStart::Interval(quarter), "Schule", 1, Some(1), Some(8_000));
        assert_eq!(shown(&named), [expected]);
        assert!(named.iter().all(|row| row.task_type == TaskType::InboundCall));
        let together = rows(&*store, intervals(), HotlineChoice::Together).await;
        assert_eq!(shown(&together)[0].2, 2);
        assert_eq!(
            shown(&together)[1].0,
            PeriodStart::Interval(Interval(quarter.0 + 1))
        );
    })
    .await;
}

#[tokio::test]
async fn what_was_taken_back_leaves_no_row() {
    on_every_store(|store| async move {
        apply(&*store, 0, three_calls()).await.unwrap();
        let mut moved = call("Schule", 10, 8_000);
        moved.started_at += TimeDelta::days(1);
        apply(&*store, 3, vec![report(3, finished(1, moved))])
            .await
            .unwrap();
        let schule = HotlineChoice::Named(vec![hotline("Schule")]);
        let rows = rows(&*store, days(), schule).await;
        assert_eq!(
            shown(&rows),
            [(PeriodStart::Day(date(10, 29)), "Schule", 1, Some(1), Some(8_000))]
        );
    })
    .await;
}

/// What a migration does with the rows that are there before it.
fn backfill(migration: &'static str) -> String {
    let filling = migration.split_once("INSERT INTO interval_counts").unwrap().1;
    let filling = filling.split_once("-- Days that are over").unwrap().0;
    format!(
        "DELETE FROM interval_counts WHERE hotline_id = 0; DELETE FROM interval_histograms WHERE hotline_id = 0;
         DELETE FROM day_counts WHERE hotline_id = 0; DELETE FROM day_histograms WHERE hotline_id = 0;
         INSERT INTO interval_counts{filling}"
    )
}

/// Calls of several shards.
async fn count_some(store: &dyn CallStore) {
    for partition in 0..3_u32 {
        let call = |call| Dice(u64::from(call)).report(call, 0);
        let reports: Vec<_> = (0..20)
            .map(|n| (partition, call(20 * partition as u8 + n)))
            .collect();
        let batch = LedgerBatch {
            topic_id: TOPIC.to_owned(),
            advances: vec![Advance {
                partition,
                expected: 0,
                next: 20,
            }],
            reports,
            ..LedgerBatch::default()
        };
        store.apply(batch).await.unwrap();
    }
}

#[tokio::test]
async fn counts_from_before_there_were_sums_of_all_hotlines_are_added_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calls.db");
    let store = store::sqlite::SqliteCalls::open(&file).unwrap();
    count_some(&store).await;
    let before = figures(&store).await;
    let fill = backfill(include_str!(
        "../../../../schemas/migrations/sqlite/calls/V7__history.sql"
    ));
    rusqlite::Connection::open(&file)
        .unwrap()
        .execute_batch(&fill)
        .unwrap();
    assert_eq!(figures(&store).await, before);

    on_an_empty_database(|url| async move {
        let database = Database::new(&url).unwrap();
        database.migrate().await.unwrap();
        let store = PostgresCalls::connect(&database).await.unwrap();
        count_some(&store).await;
        let before = figures(&store).await;
        let fill = backfill(include_str!(
            "../../../../schemas/migrations/postgres/calls/V6__history.sql"
        ));
        execute(&url, &fill).await;
        assert_eq!(figures(&store).await, before);
    })
    .await;
}
