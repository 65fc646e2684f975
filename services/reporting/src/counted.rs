//! Counts of the store, added up by interval and group.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::counts::{Figure, Interval};
use domain::figures::FiguresRules;
use domain::ids::HotlineName;
use domain::local_time;
use domain::span::{Span, start_of};
use store::calls::{CallStore, DayRange};
use store::history::{FiguresVersion, HistoryQuery, HotlineChoice, PeriodStart, PeriodTally, Periods};
use tonic::Status;

use crate::scope::{Grouping, Scope, invalid};
use crate::service::status;
use crate::sum::Sum;
use crate::waiting;

/// Sums by group and interval that are told at most.
pub(crate) const CELLS_MAX: usize = 1_000_000;

/// The figures of a scope.
pub(crate) struct Counted {
    pub(crate) version: FiguresVersion,
    /// By interval.
    pub(crate) total: Row,
    /// By name.
    pub(crate) groups: BTreeMap<String, Row>,
}

/// Sums by interval; those of most nights are empty.
#[derive(Clone)]
pub(crate) struct Row(Vec<Option<Box<Sum>>>);

impl Row {
    fn of(intervals: usize) -> Self {
        Self(vec![None; intervals])
    }

    fn at(&mut self, interval: usize) -> &mut Sum {
        self.0[interval].get_or_insert_default()
    }

    /// The sums in the order of the intervals.
    pub(crate) fn sums(&self) -> impl Iterator<Item = &Sum> {
        static NOTHING: std::sync::LazyLock<Sum> = std::sync::LazyLock::new(Sum::default);
        self.0.iter().map(|sum| sum.as_deref().unwrap_or(&NOTHING))
    }

    /// All of them added.
    pub(crate) fn whole(&self) -> Sum {
        let mut whole = Sum::default();
        for sum in self.0.iter().flatten() {
            whole.merge(sum);
        }
        whole
    }
}

/// Which groups there are.
struct Groups<'a> {
    by: Grouping,
    rules: &'a FiguresRules,
}

impl Groups<'_> {
    fn name_of(&self, hotline: Option<&HotlineName>) -> Option<String> {
        let hotline = hotline?;
        match self.by {
            Grouping::None => None,
            Grouping::Hotline => Some(hotline.to_string()),
            Grouping::Group => {
                let group = self.rules.group_of(hotline);
                Some(group.map_or_else(|| hotline.to_string(), |group| group.name.clone()))
            }
        }
    }
}

/// Reads and adds up the counts of a scope. `known` hotlines have a group, even where nothing was counted.
pub(crate) async fn counted(
    store: &dyn CallStore,
    scope: &Scope,
    spans: &[Span],
    rules: &FiguresRules,
    known: &[HotlineName],
    now: DateTime<Utc>,
) -> Result<Counted, Status> {
    let groups = Groups { by: scope.by, rules };
    let periods = periods(scope, spans)?;
    // First those that wait: who is answered meanwhile is counted as answered, and never left out.
    let waiting = waiting::within_thresholds(store, scope, spans, now).await?;
    let hotlines = choice(scope);
    let history = store
        .history(HistoryQuery { periods, hotlines })
        .await
        .map_err(|error| status(&error))?;
    let mut counted = Counted {
        version: history.version,
        total: Row::of(spans.len()),
        groups: BTreeMap::new(),
    };
    for hotline in known.iter().chain(&scope.hotlines) {
        let is_asked = scope.hotlines.is_empty() || scope.hotlines.contains(hotline);
        if let Some(name) = groups.name_of(Some(hotline)).filter(|_| is_asked) {
            counted.group(name, spans.len())?;
        }
    }
    for row in &history.rows {
        let Some(interval) = interval_of(row.period, spans) else {
            continue;
        };
        add(counted.total.at(interval), row, scope);
        if let Some(name) = groups.name_of(row.hotline.as_ref()) {
            add(counted.group(name, spans.len())?.at(interval), row, scope);
        }
    }
    for waiting in waiting {
        let policy = scope.policy.of(Some(&waiting.hotline));
        let total = counted.total.at(waiting.interval);
        total.leave_out(waiting.visits, &policy);
        if let Some(name) = groups.name_of(Some(&waiting.hotline)) {
            let group = counted.group(name, spans.len())?;
            group.at(waiting.interval).leave_out(waiting.visits, &policy);
        }
    }
    Ok(counted)
}

impl Counted {
    fn group(&mut self, name: String, intervals: usize) -> Result<&mut Row, Status> {
        if (self.groups.len() + 2) * intervals > CELLS_MAX && !self.groups.contains_key(&name) {
            return Err(too_many());
        }
        Ok(self.groups.entry(name).or_insert_with(|| Row::of(intervals)))
    }
}

/// More figures than are told at once.
pub(crate) fn too_many() -> Status {
    invalid(format!(
        "interval: more than {CELLS_MAX} figures of intervals and groups; ask for fewer days or hotlines, or longer intervals"
    ))
}

/// Adds a row of counts: contacts of every task type, the rest of those asked for.
pub(crate) fn add(sum: &mut Sum, row: &PeriodTally, scope: &Scope) {
    sum.contacts += row.tally.counts.get(Figure::Contacts);
    if scope.task_types.contains(&row.task_type) {
        sum.count(&row.tally, &scope.policy.of(row.hotline.as_ref()));
    }
}

/// All together where no hotline has to be told from another one.
fn choice(scope: &Scope) -> HotlineChoice {
    if !scope.hotlines.is_empty() {
        HotlineChoice::Named(scope.hotlines.clone())
    } else if scope.by == Grouping::None && scope.policy.thresholds.is_empty() {
        HotlineChoice::Together
    } else {
        HotlineChoice::Each
    }
}

/// Local days where all intervals consist of those that are stored, else quarter-hours.
fn periods(scope: &Scope, spans: &[Span]) -> Result<Periods, Status> {
    let starts_a_day = |at: DateTime<Utc>| start_of(local_time::day_of(at), local_time::ZONE) == at;
    if spans
        .iter()
        .all(|span| starts_a_day(span.start) && starts_a_day(span.end))
    {
        let whole = scope.span();
        return Ok(Periods::Days(DayRange {
            from: local_time::day_of(whole.start),
            to: local_time::day_of(whole.end),
        }));
    }
    if !spans.iter().all(|span| span.is_whole_intervals()) {
        return Err(invalid(
            "zone: quarters of an hour do not tell its days; use another one",
        ));
    }
    let whole = scope.span();
    Ok(Periods::Intervals {
        from: Interval::containing(whole.start),
        to: Interval::containing(whole.end),
    })
}

fn interval_of(period: PeriodStart, spans: &[Span]) -> Option<usize> {
    let start = match period {
        PeriodStart::Interval(interval) => interval.start(),
        PeriodStart::Day(day) => local_time::start_of(day),
    };
    let after = spans.partition_point(|span| span.start <= start);
    let interval = after.checked_sub(1)?;
    (start < spans[interval].end).then_some(interval)
}
