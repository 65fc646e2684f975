//! Counts of quarter-hours and local days, as reports read them: all of a query in one snapshot.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use domain::counts::{Figure, Interval, Tally};
use domain::ids::HotlineName;
use domain::record::TaskType;

use crate::calls::{DayRange, GroupTally};
pub use crate::periods::PeriodStart;
use crate::periods::{self, Tables};
use crate::{StoreError, packed_tally};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SumKey {
    pub(crate) number: i64,
    pub(crate) hotline_id: i64,
    pub(crate) task_type: i16,
}

/// Sums that stored rows are added to. Rows come in the order of their keys: those of the counts, then those of the
/// histograms.
pub(crate) trait Sums {
    /// The sums that a row of counts is added to.
    fn of_counts(&mut self, key: SumKey) -> &mut Tally;

    /// The sums that a row of a histogram is added to; none without counts.
    fn of_histograms(&mut self, key: SumKey) -> Option<&mut Tally>;

    /// Adds a row of a histogram.
    fn add_bin(&mut self, key: SumKey, (kind, bin): (i16, i16), visits: i64) -> Result<(), StoreError> {
        let (kind, bin) = periods::bin(kind, bin)?;
        let without = || StoreError::Unusable("a histogram without its counts".to_owned());
        let tally = self.of_histograms(key).ok_or_else(without)?;
        tally.histogram_mut(kind).add(bin, visits);
        Ok(())
    }
}

/// Sums of each period.
#[derive(Default)]
pub(crate) struct PeriodSums {
    sums: Vec<(SumKey, Tally)>,
    /// Which sum the last bin was added to.
    place: usize,
}

impl Sums for PeriodSums {
    fn of_counts(&mut self, key: SumKey) -> &mut Tally {
        if self.sums.last().is_none_or(|(last, _)| *last != key) {
            self.sums.push((key, Tally::default()));
        }
        let last = self.sums.len() - 1;
        &mut self.sums[last].1
    }

    fn of_histograms(&mut self, key: SumKey) -> Option<&mut Tally> {
        while self.sums.get(self.place).is_some_and(|(at, _)| *at < key) {
            self.place += 1;
        }
        let (at, tally) = self.sums.get_mut(self.place)?;
        (*at == key).then_some(tally)
    }
}

impl PeriodSums {
    /// Adds the sums of other keys.
    pub(crate) fn append(&mut self, mut others: Self) {
        self.sums.append(&mut others.sums);
    }

    /// The sums as they were read.
    pub(crate) fn into_sums(self) -> Vec<(SumKey, Tally)> {
        self.sums
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

/// Sums of all periods.
#[derive(Default)]
pub(crate) struct GroupSums(BTreeMap<(i64, i16), Tally>);

impl Sums for GroupSums {
    fn of_counts(&mut self, key: SumKey) -> &mut Tally {
        self.0.entry((key.hotline_id, key.task_type)).or_default()
    }

    fn of_histograms(&mut self, key: SumKey) -> Option<&mut Tally> {
        self.0.get_mut(&(key.hotline_id, key.task_type))
    }
}

impl GroupSums {
    /// What was read, in the order of names.
    pub(crate) fn finish(self, names: &HashMap<i64, HotlineName>) -> Result<Vec<GroupTally>, StoreError> {
        let counted = self.0.into_iter().filter(|(_, tally)| !tally.counts.is_zero());
        let groups = counted.map(|((hotline_id, task_type), tally)| {
            let unnamed = || StoreError::Unusable("counts of a hotline without a name".to_owned());
            Ok(GroupTally {
                hotline: names.get(&hotline_id).cloned().ok_or_else(unnamed)?,
                task_type: periods::task_type(task_type)?,
                tally,
            })
        });
        let mut groups: Vec<GroupTally> = groups.collect::<Result<_, StoreError>>()?;
        groups.sort_by(|one, other| (&one.hotline, one.task_type).cmp(&(&other.hotline, other.task_type)));
        Ok(groups)
    }
}

/// The columns of a row of counts: figures, longest times, and the histograms of a settled row.
pub(crate) fn count_columns() -> String {
    let names: Vec<&str> = Figure::ALL.iter().map(|figure| figure.name()).collect();
    format!(
        "{}, longest_time_to_answer_ms, longest_time_to_abandon_ms, histograms",
        names.join(", ")
    )
}

/// A column of a row of counts, by its place in [`count_columns`].
pub(crate) trait CountRow {
    fn figure(&self, place: usize) -> Result<i64, StoreError>;
    fn longest_ms(&self, place: usize) -> Result<Option<i64>, StoreError>;
    fn histograms(&self, place: usize) -> Result<Option<&[u8]>, StoreError>;
}

/// Adds a row of counts.
pub(crate) fn add_counts(tally: &mut Tally, row: &impl CountRow) -> Result<(), StoreError> {
    for (place, figure) in Figure::ALL.iter().enumerate() {
        tally.counts.add(*figure, row.figure(place)?);
    }
    let place = Figure::ALL.len();
    tally.longest_time_to_answer_ms = tally.longest_time_to_answer_ms.max(row.longest_ms(place)?);
    tally.longest_time_to_abandon_ms = tally.longest_time_to_abandon_ms.max(row.longest_ms(place + 1)?);
    match row.histograms(place + 2)? {
        Some(packed) => packed_tally::add_histograms(tally, packed),
        None => Ok(()),
    }
}
