//! The two periods that counts are kept for, in every store alike.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use domain::counts::{Bin, HistogramKind, INTERVAL_SECONDS, Interval, Movement, Movements};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;

use crate::StoreError;

/// A period that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeriodStart {
    /// A quarter of an hour.
    Interval(Interval),
    /// A local day of Europe/Berlin.
    Day(NaiveDate),
}

/// The number that stands for all hotlines together.
pub(crate) const TOGETHER: i32 = 0;

/// The shard that settled rows have.
pub(crate) const SETTLED: i32 = -1;

/// What the rows of a kind of period are called.
#[derive(Clone, Copy)]
pub(crate) struct Tables {
    pub(crate) column: &'static str,
    pub(crate) counts: &'static str,
    pub(crate) histograms: &'static str,
}

impl Tables {
    pub(crate) const INTERVALS: Self = Self {
        column: "interval",
        counts: "interval_counts",
        histograms: "interval_histograms",
    };
    pub(crate) const DAYS: Self = Self {
        column: "day",
        counts: "day_counts",
        histograms: "day_histograms",
    };
}

impl PeriodStart {
    /// The day of a number in the tables.
    pub(crate) fn day(number: i64) -> Result<Self, StoreError> {
        let day = local_time::day_at(number);
        day.map(Self::Day)
            .ok_or_else(|| StoreError::Unusable(format!("day {number} is in no calendar")))
    }

    /// Its tables.
    pub(crate) fn tables(self) -> Tables {
        match self {
            Self::Interval(_) => Tables::INTERVALS,
            Self::Day(_) => Tables::DAYS,
        }
    }

    /// Its number in them.
    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Interval(interval) => interval.0,
            Self::Day(day) => local_time::day_number(day),
        }
    }

    /// Start and end in milliseconds since 1970.
    pub(crate) fn span_ms(self) -> (i64, i64) {
        match self {
            Self::Interval(interval) => {
                let start_ms = interval.0 * INTERVAL_SECONDS * 1000;
                (start_ms, start_ms + INTERVAL_SECONDS * 1000)
            }
            Self::Day(day) => {
                let end = local_time::start_of(local_time::next(day));
                (
                    local_time::start_of(day).timestamp_millis(),
                    end.timestamp_millis(),
                )
            }
        }
    }
}

/// The tables, each with the number of the first period that does not lie before a local day.
pub(crate) fn numbers_before(day: NaiveDate) -> [(Tables, i64); 2] {
    [
        PeriodStart::Interval(Interval::containing(local_time::start_of(day))),
        PeriodStart::Day(day),
    ]
    .map(|period| (period.tables(), period.number()))
}

/// How a row of counts moves.
pub(crate) struct RowMovement<'a> {
    pub(crate) period: PeriodStart,
    /// None: all hotlines together.
    pub(crate) hotline: Option<&'a HotlineName>,
    pub(crate) task_type: TaskType,
    pub(crate) movement: Cow<'a, Movement>,
}

/// The rows that move: intervals, then local days; of each, those of hotlines before those of all together.
pub(crate) fn rows(movements: &Movements) -> Vec<RowMovement<'_>> {
    let mut rows = Vec::with_capacity(2 * movements.0.len() + 8);
    let mut days: BTreeMap<(NaiveDate, &HotlineName, TaskType), Movement> = BTreeMap::new();
    for (key, movement) in &movements.0 {
        if movement.is_nothing() {
            continue;
        }
        rows.push(RowMovement {
            period: PeriodStart::Interval(key.interval),
            hotline: Some(&key.hotline),
            task_type: key.task_type,
            movement: Cow::Borrowed(movement),
        });
        let day = local_time::day_of(key.interval.start());
        add(
            days.entry((day, &key.hotline, key.task_type)).or_default(),
            movement,
        );
    }
    add_together(&mut rows, 0);
    let first_day = rows.len();
    rows.extend(
        days.into_iter()
            .map(|((day, hotline, task_type), movement)| RowMovement {
                period: PeriodStart::Day(day),
                hotline: Some(hotline),
                task_type,
                movement: Cow::Owned(movement),
            }),
    );
    add_together(&mut rows, first_day);
    rows
}

/// Adds the rows of all hotlines together to those that begin at `first`.
fn add_together(rows: &mut Vec<RowMovement<'_>>, first: usize) {
    let mut sums: BTreeMap<(PeriodStart, TaskType), Movement> = BTreeMap::new();
    for row in &rows[first..] {
        add(
            sums.entry((row.period, row.task_type)).or_default(),
            &row.movement,
        );
    }
    let sums = sums
        .into_iter()
        .map(|((period, task_type), movement)| RowMovement {
            period,
            hotline: None,
            task_type,
            movement: Cow::Owned(movement),
        });
    rows.extend(sums);
}

fn add(sum: &mut Movement, movement: &Movement) {
    sum.difference.merge(&movement.difference);
    sum.times_retracted |= movement.times_retracted;
}

/// A hotline and task type as they are stored.
pub(crate) fn group(hotline: String, task_type: i16) -> Result<(HotlineName, TaskType), StoreError> {
    Ok((HotlineName::new(hotline), self::task_type(task_type)?))
}

/// A task type as it is stored.
pub(crate) fn task_type(code: i16) -> Result<TaskType, StoreError> {
    TaskType::from_code(code).ok_or_else(|| StoreError::Unusable("counts of an unknown task type".to_owned()))
}

/// Kind and bin of a histogram as they are stored.
pub(crate) fn bin(kind: i16, bin: i16) -> Result<(HistogramKind, Bin), StoreError> {
    HistogramKind::from_code(kind)
        .zip(Bin::from_edge(bin))
        .ok_or_else(|| StoreError::Unusable("a histogram with an unknown bin".to_owned()))
}
