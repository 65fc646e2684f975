//! Running days and intervals: of the zone that is asked for, and as long as they are asked for. Those that are not counted
//! as one are added up from quarter-hours, of which only those that have moved are read again.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::counts::{Interval, Tally};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;
use domain::span::{Span, Step, cut};
use store::history::{FiguresVersion, PeriodStart, PeriodTally};
use store::live::{Moment, QuarterQuery, Quarters};

/// How time is cut for somebody who watches: by the days of a zone, and by intervals of a day at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Clock {
    pub(super) zone: Tz,
    pub(super) step: Step,
}

/// The day and the interval that a time lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Running {
    pub(super) date: NaiveDate,
    pub(super) day: Span,
    pub(super) interval: Span,
    at: DateTime<Utc>,
}

/// A first quarter-hour, and the one after the last.
pub(super) type Quarter = (Interval, Interval);

/// Figures by hotline and task type.
pub(super) type Sums = BTreeMap<Quarter, Arc<Vec<PeriodTally>>>;

/// How many watch by which clock.
#[derive(Default)]
pub(super) struct Clocks(Mutex<HashMap<Clock, usize>>);

/// Somebody watches by a clock, until it is dropped.
pub(super) struct Watching {
    clocks: Arc<Clocks>,
    clock: Clock,
}

/// What was read of quarter-hours.
#[derive(Default)]
pub(super) struct QuarterHours {
    /// Which of them, and in which state of the figures.
    read: Option<(Quarter, FiguresVersion)>,
    rows: BTreeMap<Interval, Vec<PeriodTally>>,
    sums: Sums,
}

/// Whether a time lies in a span.
pub(super) fn has(span: Span, at: DateTime<Utc>) -> bool {
    (span.start..span.end).contains(&at)
}

impl Running {
    pub(super) fn of(Clock { zone, step }: Clock, at: DateTime<Utc>) -> Self {
        let date = at.with_timezone(&zone).date_naive();
        let next = local_time::next(date);
        let day = Span::of_days(date, next, zone);
        let mut intervals = cut(step, date, next, zone).into_iter();
        Self {
            date,
            day,
            interval: intervals.find(|span| has(*span, at)).unwrap_or(day),
            at,
        }
    }

    /// The figures of the running day or interval; none of a look that was not told to have them.
    pub(super) fn figures<'a>(
        self,
        span: Span,
        moment: &'a Moment,
        sums: &'a Sums,
    ) -> Option<&'a [PeriodTally]> {
        if span == counted_interval(self.at) {
            Some(&moment.interval)
        } else if span == counted_day(self.at) {
            Some(&moment.day)
        } else {
            sums.get(&quarters(span)).map(|rows| rows.as_slice())
        }
    }
}

fn counted_interval(at: DateTime<Utc>) -> Span {
    let interval = Interval::containing(at);
    Span {
        start: interval.start(),
        end: interval.next().start(),
    }
}

fn counted_day(at: DateTime<Utc>) -> Span {
    let date = local_time::day_of(at);
    Span::of_days(date, local_time::next(date), local_time::ZONE)
}

fn quarters(span: Span) -> Quarter {
    [span.start, span.end].map(Interval::containing).into()
}

impl Clocks {
    /// Notes that somebody watches.
    pub(super) fn watch(self: &Arc<Self>, clock: Clock) -> Watching {
        *self.lock().entry(clock).or_default() += 1;
        Watching {
            clocks: Arc::clone(self),
            clock,
        }
    }

    /// The running days and intervals that somebody watches and that are not counted as one.
    pub(super) fn spans(&self, at: DateTime<Utc>) -> BTreeSet<Quarter> {
        let counted = [counted_interval(at), counted_day(at)];
        let clocks = self.lock();
        let running = clocks.keys().map(|clock| Running::of(*clock, at));
        let spans = running.flat_map(|running| [running.day, running.interval]);
        spans
            .filter(|span| !counted.contains(span))
            .map(quarters)
            .collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Clock, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut clocks = self.clocks.lock();
        if let Some(watching) = clocks.get_mut(&self.clock) {
            *watching -= 1;
            if *watching == 0 {
                clocks.remove(&self.clock);
            }
        }
    }
}

impl QuarterHours {
    /// What is to be read for some spans; forgets what nobody watches.
    pub(super) fn query(&mut self, spans: &BTreeSet<Quarter>) -> Option<QuarterQuery> {
        let from = spans.iter().map(|(from, _)| *from).min();
        let to = spans.iter().map(|(_, to)| *to).max();
        let Some((from, to)) = from.zip(to) else {
            *self = Self::default();
            return None;
        };
        let known = self.read.as_ref().filter(|(read, _)| *read == (from, to));
        Some(QuarterQuery {
            from,
            to,
            since: known.map(|(_, version)| version.clone()),
        })
    }

    /// The figures of the spans, after what was read for them.
    pub(super) fn sums(&mut self, query: &QuarterQuery, read: Quarters, spans: &BTreeSet<Quarter>) -> Sums {
        if read.moved.as_ref().is_none_or(|moved| !moved.is_empty()) {
            self.sums.clear();
        }
        match read.moved {
            None => self.rows.clear(),
            Some(moved) => moved.iter().for_each(|interval| {
                self.rows.remove(interval);
            }),
        }
        for row in read.rows {
            if let PeriodStart::Interval(interval) = row.period {
                self.rows.entry(interval).or_default().push(row);
            }
        }
        self.read = Some(((query.from, query.to), read.version));
        self.sums.retain(|span, _| spans.contains(span));
        for span in spans {
            if !self.sums.contains_key(span) {
                let sum = self.sum(*span);
                self.sums.insert(*span, Arc::new(sum));
            }
        }
        self.sums.clone()
    }

    fn sum(&self, (from, to): Quarter) -> Vec<PeriodTally> {
        let mut sums: BTreeMap<(&HotlineName, TaskType), Tally> = BTreeMap::new();
        for row in self.rows.range(from..to).flat_map(|(_, rows)| rows) {
            if let Some(hotline) = &row.hotline {
                sums.entry((hotline, row.task_type))
                    .or_default()
                    .merge(&row.tally);
            }
        }
        let rows = sums.into_iter().map(|((hotline, task_type), tally)| PeriodTally {
            period: PeriodStart::Interval(from),
            hotline: Some(hotline.clone()),
            task_type,
            tally,
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use domain::counts::Figure;

    use super::*;

    fn at(hour: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, 27, hour, 5, 0).unwrap()
    }

    fn row(interval: Interval, hotline: &str, offered: i64) -> PeriodTally {
        let mut tally = Tally::default();
        tally.counts.add(Figure::Offered, offered);
        PeriodTally {
            period: PeriodStart::Interval(interval),
            hotline: Some(HotlineName::new(hotline)),
            task_type: TaskType::InboundCall,
            tally,
        }
    }

    fn clock(zone: Tz, step: Step) -> Clock {
        Clock { zone, step }
    }

    #[test]
    fn what_is_counted_as_one_is_not_read_by_quarter_hours() {
        use chrono_tz::Europe::{Berlin, London, Paris};
        let spans = |zone, step| {
            let clocks = Arc::new(Clocks::default());
            let _watching = clocks.watch(clock(zone, step));
            let spans = clocks.spans(at(12)).into_iter();
            spans
                .map(|(from, to)| (from.start(), to.0 - from.0))
                .collect::<Vec<_>>()
        };
        let midnight = at(0) - chrono::TimeDelta::minutes(5);
        let noon = at(12) - chrono::TimeDelta::minutes(5);
        assert_eq!(spans(Berlin, Step::QuarterHour), []);
        assert_eq!(spans(Paris, Step::Day), []);
        assert_eq!(spans(Berlin, Step::HalfHour), [(noon, 2)]);
        assert_eq!(spans(London, Step::QuarterHour), [(midnight, 96)]);
        assert_eq!(spans(London, Step::Hour), [(midnight, 96), (noon, 4)]);
        let kathmandu = Running::of(clock(chrono_tz::Asia::Kathmandu, Step::Hour), at(12));
        let start = kathmandu.interval.start;
        assert_eq!(start, noon - chrono::TimeDelta::minutes(45), "17:00 in Kathmandu");
    }

    #[test]
    fn what_has_moved_takes_the_place_of_what_was_there() {
        let clocks = Arc::new(Clocks::default());
        let mut hours = QuarterHours::default();
        assert_eq!(hours.query(&clocks.spans(at(12))), None);
        let utc = clock(chrono_tz::UTC, Step::QuarterHour);
        let watching = clocks.watch(utc);
        drop(clocks.watch(utc));
        let spans = clocks.spans(at(12));
        let query = hours.query(&spans).unwrap();
        assert_eq!(query.since, None);
        let day @ (first, end) = *spans.first().unwrap();
        let quarters = |version: &str, moved, rows| Quarters {
            version: FiguresVersion::new(version),
            moved,
            rows,
        };
        let offered = |sums: &Sums| -> Vec<i64> {
            let rows = sums[&day].iter();
            rows.map(|row| row.tally.counts.get(Figure::Offered)).collect()
        };
        let all = vec![
            row(first, "Umwelt", 1),
            row(first.next(), "Umwelt", 2),
            row(first.next(), "Schule", 4),
        ];
        let told = hours.sums(&query, quarters("1", None, all), &spans);
        assert_eq!(offered(&told), [4, 3]);
        let query = hours.query(&spans).unwrap();
        assert_eq!(query.since, Some(FiguresVersion::new("1")));
        let moved = vec![first.next(), first];
        let told = hours.sums(
            &query,
            quarters("2", Some(moved), vec![row(first, "Umwelt", 9)]),
            &spans,
        );
        assert_eq!(offered(&told), [9]);
        let again = hours.sums(&query, quarters("3", Some(Vec::new()), Vec::new()), &spans);
        assert!(Arc::ptr_eq(&told[&day], &again[&day]));
        // Another zone needs others.
        let elsewhere = BTreeSet::from([(Interval(first.0 - 8), end)]);
        assert_eq!(hours.query(&elsewhere).unwrap().since, None);
        drop(watching);
        assert_eq!(hours.query(&clocks.spans(at(12))), None);
        assert!(hours.rows.is_empty());
    }
}
