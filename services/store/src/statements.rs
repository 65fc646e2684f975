//! Statements: figures of local days as they stood when somebody sealed them. They never change, whatever comes late.

use std::collections::BTreeMap;
use std::fmt::Display;

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use domain::counts::{Bin, Figure, Histogram, Tally};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::calls::DayRange;
use crate::history::{FiguresVersion, HistoryQuery, HotlineChoice, PeriodStart, PeriodTally, Periods};

/// What is sealed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Which days; none of them may be sealed already.
    pub days: DayRange,
    /// When.
    pub sealed_at: DateTime<Utc>,
    /// Who says so.
    pub sealed_by: String,
    /// Why.
    pub reason: String,
    /// The version of the rules that was in force, if there was one.
    pub rules_version: Option<i64>,
    /// The policies that ratios are computed by, as reporting writes them.
    pub policies: String,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementHead {
    /// Its number, from 1.
    pub id: i64,
    /// What was sealed.
    pub seal: Seal,
    /// The state of the figures that it holds.
    pub as_of: FiguresVersion,
}

/// Sealed figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What it is about.
    pub head: StatementHead,
    /// The sums of each day by hotline and task type, in the order of days.
    pub rows: Vec<PeriodTally>,
}

impl Seal {
    /// The figures that it is about.
    pub(crate) fn query(&self) -> HistoryQuery {
        HistoryQuery {
            periods: Periods::Days(self.days),
            hotlines: HotlineChoice::Each,
        }
    }

    /// The first day, and the one after the last, as they are stored.
    pub(crate) fn numbers(&self) -> (i64, i64) {
        (
            local_time::day_number(self.days.from),
            local_time::day_number(self.days.to),
        )
    }

    /// Some of the days are sealed.
    pub(crate) fn conflict(&self) -> StoreError {
        StoreError::Conflict(format!("the statement of {} to {}", self.days.from, self.days.to))
    }
}

/// The days, and when they were sealed, as they are stored.
pub(crate) fn times(from: i64, to: i64, sealed_at_ms: i64) -> Result<(DayRange, DateTime<Utc>), StoreError> {
    let day = |number| local_time::day_at(number).ok_or_else(|| unreadable(&"its days"));
    let sealed_at = Utc.timestamp_millis_opt(sealed_at_ms).single();
    let days = DayRange {
        from: day(from)?,
        to: day(to)?,
    };
    Ok((days, sealed_at.ok_or_else(|| unreadable(&"its time"))?))
}

/// Sums of a day as they are written: by names, so that they can be read for as long as they are kept.
#[derive(Serialize, Deserialize)]
struct Row {
    day: String,
    hotline: String,
    task_type: String,
    counts: BTreeMap<String, i64>,
    /// Upper edges of bins in seconds, and visits.
    time_to_answer: Vec<(i16, i64)>,
    time_to_abandon: Vec<(i16, i64)>,
    longest_time_to_answer_ms: Option<i64>,
    longest_time_to_abandon_ms: Option<i64>,
}

/// Sums of days as one value: zstd of JSON.
pub(crate) fn pack(rows: &[PeriodTally]) -> Result<Vec<u8>, StoreError> {
    let written: Vec<Row> = rows.iter().filter_map(Row::of).collect();
    let json = serde_json::to_vec(&written).map_err(|error| unreadable(&error))?;
    zstd::bulk::compress(&json, 3).map_err(|error| unreadable(&error))
}

/// Reads what [`pack`] gave.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<PeriodTally>, StoreError> {
    let json = zstd::stream::decode_all(packed).map_err(|error| unreadable(&error))?;
    let rows: Vec<Row> = serde_json::from_slice(&json).map_err(|error| unreadable(&error))?;
    let read = |row: Row| row.read().ok_or_else(|| unreadable(&"a row of it"));
    rows.into_iter().map(read).collect()
}

fn unreadable(why: &dyn Display) -> StoreError {
    StoreError::Unusable(format!("a statement that cannot be read: {why}"))
}

impl Row {
    fn of(row: &PeriodTally) -> Option<Self> {
        let (PeriodStart::Day(day), Some(hotline)) = (row.period, &row.hotline) else {
            return None;
        };
        let counts = Figure::ALL
            .iter()
            .map(|figure| (figure.name().to_owned(), row.tally.counts.get(*figure)));
        let bins = |histogram: &Histogram| {
            let bins = histogram.bins();
            bins.map(|(bin, visits)| (bin.edge_seconds(), visits)).collect()
        };
        Some(Self {
            day: day.to_string(),
            hotline: hotline.as_str().to_owned(),
            task_type: row.task_type.name().to_owned(),
            counts: counts.filter(|(_, count)| *count != 0).collect(),
            time_to_answer: bins(&row.tally.time_to_answer),
            time_to_abandon: bins(&row.tally.time_to_abandon),
            longest_time_to_answer_ms: row.tally.longest_time_to_answer_ms,
            longest_time_to_abandon_ms: row.tally.longest_time_to_abandon_ms,
        })
    }

    fn read(self) -> Option<PeriodTally> {
        let mut tally = Tally {
            longest_time_to_answer_ms: self.longest_time_to_answer_ms,
            longest_time_to_abandon_ms: self.longest_time_to_abandon_ms,
            ..Tally::default()
        };
        for (name, count) in self.counts {
            let figure = Figure::ALL.iter().find(|figure| figure.name() == name)?;
            tally.counts.add(*figure, count);
        }
        for (histogram, bins) in [
            (&mut tally.time_to_answer, self.time_to_answer),
            (&mut tally.time_to_abandon, self.time_to_abandon),
        ] {
            for (edge, visits) in bins {
                histogram.add(Bin::from_edge(edge)?, visits);
            }
        }
        Some(PeriodTally {
            period: PeriodStart::Day(self.day.parse::<NaiveDate>().ok()?),
            hotline: Some(HotlineName::new(self.hotline)),
            task_type: TaskType::from_name(&self.task_type)?,
            tally,
        })
    }
}
