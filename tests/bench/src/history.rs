//! `report_day` and `report_year`: what figures cost to ask for when a million calls are behind them, or ten thousand
//! behind as many rows. Beside DuckDB, which is asked the same over the raw records.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::counts::Interval;
use domain::ids::{HotlineName, IdentityKey};
use domain::local_time;
use domain::policy::ServiceLevelPolicy;
use domain::record::{ConnectionStatus, TaskType};
use domain::report::{CallReport, ReportBody};
use store::calls::{Advance, CallStore, DayRange, LedgerBatch};
use store::history::{HistoryQuery, HotlineChoice, Periods};
use store::sqlite::SqliteCalls;

use crate::figures::{Figure, median};
use crate::fixture::Calls;

const FEW: usize = 10_000;
const MANY: usize = 1_000_000;
const A_COMMIT: usize = 4096;
const ROUNDS: usize = 15;
/// A Python with DuckDB; set by `ops/bench`.
const DUCKDB: &str = "NRWDIREKT_BENCH_DUCKDB";
const BEHIND: &str = "the same rows with 10,000 calls behind them; less is better";
const RAW: &str = "DuckDB over the million records in Parquet; less is better";

/// Where the n-th call is booked: hotline and time. So chosen that 10,000 calls fill every row.
pub(crate) type Place = fn(usize) -> (usize, DateTime<Utc>);

/// One question: its name, and what DuckDB groups by.
struct Question {
    name: &'static str,
    query: HistoryQuery,
    raw: &'static str,
}

fn first_day() -> NaiveDate {
    NaiveDate::default() + Days::new(20_100)
}

/// 200 hotlines in the 50 quarter-hours after seven o'clock.
fn on_one_day(n: usize) -> (usize, DateTime<Utc>) {
    let quarter = n / 200 % 50;
    let at = local_time::start_of(first_day()) + TimeDelta::hours(7);
    (n % 200, at + TimeDelta::minutes(15 * quarter as i64))
}

/// 25 hotlines, on every day of a year.
fn in_one_year(n: usize) -> (usize, DateTime<Utc>) {
    let day = first_day() + Days::new((n % 365) as u64);
    (n / 365 % 25, local_time::start_of(day) + TimeDelta::hours(10))
}

/// A day by quarter-hours, of 200 hotlines.
pub(crate) async fn measure_day() -> anyhow::Result<Vec<Figure>> {
    let [from, to] = [0, 1].map(|day| local_time::start_of(first_day() + Days::new(day)));
    let question = Question {
        name: "report_day",
        query: HistoryQuery {
            periods: Periods::Intervals {
                from: Interval::containing(from),
                to: Interval::containing(to),
            },
            hotlines: HotlineChoice::Each,
        },
        raw: "hotline, started_at_ms // 900000",
    };
    measure(on_one_day, &[question]).await
}

/// A year by days, of one hotline and of all together.
pub(crate) async fn measure_year() -> anyhow::Result<Vec<Figure>> {
    let periods = Periods::Days(DayRange {
        from: first_day(),
        to: first_day() + Days::new(365),
    });
    let one = HotlineChoice::Named(vec![hotline(7)]);
    let questions = [
        ("report_year_one", one),
        ("report_year_all", HotlineChoice::Together),
    ];
    let questions = questions.map(|(name, hotlines)| Question {
        name,
        query: HistoryQuery { periods, hotlines },
        raw: match name {
            "report_year_one" => "hotline, started_at_ms // 86400000 HAVING hotline = 'hotline-007'",
            _ => "started_at_ms // 86400000",
        },
    });
    measure(in_one_year, &questions).await
}

async fn measure(place: Place, questions: &[Question]) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let few = filled(&folder.path().join("few.db"), FEW, place).await?;
    let many = filled(&folder.path().join("many.db"), MANY, place).await?;
    let records = folder.path().join("records.csv");
    write_records(&records, place)?;
    let mut figures = Vec::new();
    for question in questions {
        let (mut with_few, mut with_many) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (few_ms, few_rows) = ask(&few, &question.query).await?;
            let (many_ms, many_rows) = ask(&many, &question.query).await?;
            ensure!(few_rows == many_rows, "{few_rows} rows, and {many_rows}");
            with_few.push(few_ms);
            with_many.push(many_ms);
        }
        let many_ms = median(with_many);
        let figure = Figure::new(question.name, many_ms, "ms");
        figures.push(figure.beside(BEHIND, median(with_few)).at_most(1.5));
        let raw = Figure::new(&format!("{}_raw", question.name), many_ms, "ms");
        figures.push(raw.beside(RAW, duckdb_ms(&records, question.raw)?));
    }
    Ok(figures)
}

/// A store with so many calls, settled as the ledger's sweep would have it.
pub(crate) async fn filled(file: &Path, count: usize, place: Place) -> anyhow::Result<SqliteCalls> {
    let store = SqliteCalls::open(file)?;
    let key = IdentityKey::new([7; 32]);
    let calls = Calls::new()?;
    for from in (0..count).step_by(A_COMMIT) {
        let reports = calls.accepted(&key, from, A_COMMIT.min(count - from));
        let reports: Vec<_> = (from..)
            .zip(reports)
            .map(|(n, report)| (0, placed(report, n, place)))
            .collect();
        let advance = Advance {
            partition: 0,
            expected: i64::try_from(from)?,
            next: i64::try_from(from + reports.len())?,
        };
        let batch = LedgerBatch {
            topic_id: "bench".to_owned(),
            advances: vec![advance],
            reports,
            ..LedgerBatch::default()
        };
        store.apply(batch).await?;
    }
    while store.settle(first_day() + Days::new(4000), 500).await? > 0 {}
    Ok(store)
}

fn hotline(number: usize) -> HotlineName {
    HotlineName::new(format!("hotline-{number:03}"))
}

fn placed(mut report: CallReport, n: usize, place: Place) -> CallReport {
    if let ReportBody::Record(revised) = &mut report.body {
        let (number, at) = place(n);
        revised.record.started_at = at;
        revised.record.task_type = TaskType::InboundCall;
        revised.record.hotline = hotline(number);
    }
    report
}

/// Asks, and computes the service level of each row, as a report does. Returns milliseconds and the number of rows.
async fn ask(store: &SqliteCalls, query: &HistoryQuery) -> anyhow::Result<(f64, usize)> {
    let policy = ServiceLevelPolicy::default();
    let begun = Instant::now();
    let rows = store.history(query.clone()).await?.rows;
    let levels = rows.iter().filter_map(|row| policy.service_level(&row.tally, 0));
    std::hint::black_box(levels.sum::<f64>());
    Ok((begun.elapsed().as_secs_f64() * 1000.0, rows.len()))
}

/// The records as a table of what the figures need.
fn write_records(file: &Path, place: Place) -> anyhow::Result<()> {
    let calls = Calls::new()?;
    let mut table = String::from("hotline,started_at_ms,answered,time_ms,talk_ms\n");
    for n in 0..MANY {
        let (_, record) = calls.call(n);
        let (number, at) = place(n);
        let answered = record.connection_status == ConnectionStatus::Answered;
        let time_ms = record.wait_ms.unwrap_or(0) + record.ring_ms.unwrap_or(0);
        writeln!(
            table,
            "{},{},{answered},{time_ms},{}",
            hotline(number),
            at.timestamp_millis(),
            record.talk_ms.unwrap_or(0)
        )?;
    }
    Ok(std::fs::write(file, table)?)
}

/// What DuckDB takes for counts, sums, the longest time and the service level by these groups, in milliseconds.
fn duckdb_ms(records: &Path, groups: &str) -> anyhow::Result<f64> {
    let python =
        std::env::var(DUCKDB).with_context(|| format!("{DUCKDB} is not set; start this with ops/bench"))?;
    let output = std::process::Command::new(python)
        .arg("tests/bench/duckdb_report.py")
        .arg(records)
        .arg(groups)
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}
