//! Counts of quarter-hours and local days, as reports read them: all of a query in one snapshot.

use std::collections::HashMap;
use std::fmt;

use domain::counts::{Counts, Figure, Interval, Tally};
use domain::ids::HotlineName;
use domain::record::TaskType;

use crate::StoreError;
use crate::calls::DayRange;
pub use crate::periods::PeriodStart;
use crate::periods::{self, Tables};

/// Which counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Of which periods.
    pub periods: Periods,
    /// Of which hotlines.
    pub hotlines: HotlineChoice,
}

/// Periods of one kind, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Periods {
    /// Quarters of an hour.
    Intervals {
        /// The first.
        from: Interval,
        /// The one after the last.
        to: Interval,
    },
    /// Local days of Europe/Berlin.
    Days(DayRange),
}

/// Whose counts, and how they are added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HotlineChoice {
    /// All hotlines as one sum.
    Together,
    /// Every hotline by itself.
    Each,
    /// These by themselves; names that nothing was counted for give no rows. The rows of others are not read.
    Named(Vec<HotlineName>),
}

/// The sums of a period, hotline and task type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodTally {
    /// The period.
    pub period: PeriodStart,
    /// The hotline; none if all are added up.
    pub hotline: Option<HotlineName>,
    /// The task type.
    pub task_type: TaskType,
    /// Its sums.
    pub tally: Tally,
}

/// What a [`HistoryQuery`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// In the order of periods, in no order within one; only those with anything in them.
    pub rows: Vec<PeriodTally>,
    /// Which state of the figures this is.
    pub version: FiguresVersion,
}

/// A state of the figures, printed with them: what has moved since can be asked for. Opaque.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FiguresVersion(String);

impl FiguresVersion {
    /// Wraps what was printed; it is looked at when it is used.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As it is printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FiguresVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Periods {
    /// The tables of their counts.
    pub(crate) fn tables(self) -> Tables {
        match self {
            Self::Intervals { .. } => Tables::INTERVALS,
            Self::Days(_) => Tables::DAYS,
        }
    }

    /// The number of the first in the tables, and of the one after the last.
    pub(crate) fn numbers(self) -> (i64, i64) {
        match self {
            Self::Intervals { from, to } => (from.0, to.0),
            Self::Days(DayRange { from, to }) => {
                (PeriodStart::Day(from).number(), PeriodStart::Day(to).number())
            }
        }
    }

    fn period(self, number: i64) -> Result<PeriodStart, StoreError> {
        match self {
            Self::Intervals { .. } => Ok(PeriodStart::Interval(Interval(number))),
            Self::Days(_) => PeriodStart::day(number),
        }
    }
}

/// Names the sums that are read together, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SumKey {
    pub(crate) number: i64,
    pub(crate) hotline_id: i64,
    pub(crate) task_type: i16,
}

/// Sums while rows are added to them. Rows come in the order of their keys: those of the counts, then those of the
/// histograms.
#[derive(Default)]
pub(crate) struct SumsRead {
    sums: Vec<(SumKey, Tally)>,
    /// Which sum the last bin was added to.
    place: usize,
}

impl SumsRead {
    /// The sums that a row of counts is added to.
    pub(crate) fn of_counts(&mut self, key: SumKey) -> &mut Tally {
        if self.sums.last().is_none_or(|(last, _)| *last != key) {
            self.sums.push((key, Tally::default()));
        }
        let last = self.sums.len() - 1;
        &mut self.sums[last].1
    }

    /// Adds a bin as it is stored.
    pub(crate) fn add_bin(
        &mut self,
        key: SumKey,
        (kind, bin): (i16, i16),
        visits: i64,
    ) -> Result<(), StoreError> {
        let (kind, bin) = periods::bin(kind, bin)?;
        while self.sums.get(self.place).is_some_and(|(at, _)| *at < key) {
            self.place += 1;
        }
        match self.sums.get_mut(self.place) {
            Some((at, tally)) if *at == key => tally.histogram_mut(kind).add(bin, visits),
            _ => return Err(StoreError::Unusable("a histogram without its counts".to_owned())),
        }
        Ok(())
    }

    /// Adds the sums of other keys.
    pub(crate) fn append(&mut self, mut others: Self) {
        self.sums.append(&mut others.sums);
    }

    /// What was read, with the names of hotlines.
    pub(crate) fn finish(
        mut self,
        periods: Periods,
        names: &HashMap<i64, HotlineName>,
    ) -> Result<Vec<PeriodTally>, StoreError> {
        self.sums.retain(|(_, tally)| !tally.counts.is_zero());
        self.sums.sort_by_key(|(key, _)| key.number);
        let rows = self.sums.into_iter().map(|(key, tally)| {
            Ok(PeriodTally {
                period: periods.period(key.number)?,
                hotline: names.get(&key.hotline_id).cloned(),
                task_type: periods::task_type(key.task_type)?,
                tally,
            })
        });
        rows.collect()
    }
}

/// The columns of a row of counts: figures, then the longest times.
pub(crate) fn count_columns() -> String {
    let names: Vec<&str> = Figure::ALL.iter().map(|figure| figure.name()).collect();
    format!(
        "{}, longest_time_to_answer_ms, longest_time_to_abandon_ms",
        names.join(", ")
    )
}

/// A row of counts: reads [`count_columns`] with `number` and `longest`, given the place of each.
pub(crate) fn add_counts<E>(
    tally: &mut Tally,
    number: impl Fn(usize) -> Result<i64, E>,
    longest: impl Fn(usize) -> Result<Option<i64>, E>,
) -> Result<(), E> {
    let mut counts = Counts::default();
    for (place, figure) in Figure::ALL.iter().enumerate() {
        counts.add(*figure, number(place)?);
    }
    tally.counts.add_all(&counts, 1);
    let place = Figure::ALL.len();
    tally.longest_time_to_answer_ms = tally.longest_time_to_answer_ms.max(longest(place)?);
    tally.longest_time_to_abandon_ms = tally.longest_time_to_abandon_ms.max(longest(place + 1)?);
    Ok(())
}
