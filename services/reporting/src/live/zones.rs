//! Running days of other zones than the one that days are counted in. They are added up from quarter-hours, of which
//! only those that have moved are read again.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::counts::{Interval, Tally};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;
use domain::span::Span;
use store::history::{FiguresVersion, PeriodStart, PeriodTally};
use store::live::{QuarterQuery, Quarters};

/// The local day that a time lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunningDay {
    pub(super) day: NaiveDate,
    span: Span,
}

/// The first quarter-hour of a day, and the one after its last.
pub(super) type Quarter = (Interval, Interval);

/// Figures of days by hotline and task type.
pub(super) type Days = BTreeMap<Quarter, Arc<Vec<PeriodTally>>>;

/// How many watch in which zone.
#[derive(Default)]
pub(super) struct Zones(Mutex<HashMap<Tz, usize>>);

/// Somebody watches in a zone, until it is dropped.
pub(super) struct Watching {
    zones: Arc<Zones>,
    zone: Tz,
}

/// What was read of quarter-hours.
#[derive(Default)]
pub(super) struct QuarterHours {
    /// Which of them, and in which state of the figures.
    read: Option<(Quarter, FiguresVersion)>,
    rows: BTreeMap<Interval, Vec<PeriodTally>>,
    sums: Days,
}

impl RunningDay {
    pub(super) fn of(zone: Tz, at: DateTime<Utc>) -> Self {
        let day = at.with_timezone(&zone).date_naive();
        Self {
            day,
            span: Span::of_days(day, local_time::next(day), zone),
        }
    }

    pub(super) fn has(self, at: DateTime<Utc>) -> bool {
        (self.span.start..self.span.end).contains(&at)
    }

    /// The quarter-hours that it is made of; none of a day that is counted as one.
    pub(super) fn quarters(self) -> Option<Quarter> {
        let counted = Self::of(local_time::ZONE, self.span.start);
        let ends = [self.span.start, self.span.end].map(Interval::containing);
        (self.span != counted.span).then_some(ends.into())
    }
}

impl Zones {
    /// Notes that somebody watches.
    pub(super) fn watch(self: &Arc<Self>, zone: Tz) -> Watching {
        *self.lock().entry(zone).or_default() += 1;
        Watching {
            zones: Arc::clone(self),
            zone,
        }
    }

    /// The running days that somebody watches and that are not counted as one.
    pub(super) fn days(&self, at: DateTime<Utc>) -> Vec<Quarter> {
        let zones = self.lock();
        let days = zones.keys().map(|zone| RunningDay::of(*zone, at));
        days.filter_map(RunningDay::quarters).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Tz, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut zones = self.zones.lock();
        if let Some(watching) = zones.get_mut(&self.zone) {
            *watching -= 1;
            if *watching == 0 {
                zones.remove(&self.zone);
            }
        }
    }
}

impl QuarterHours {
    /// What is to be read for some days; forgets what nobody watches.
    pub(super) fn query(&mut self, days: &[Quarter]) -> Option<QuarterQuery> {
        let from = days.iter().map(|(from, _)| *from).min();
        let to = days.iter().map(|(_, to)| *to).max();
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

    /// The figures of the days, after what was read for them.
    pub(super) fn days(&mut self, query: &QuarterQuery, read: Quarters, days: &[Quarter]) -> Days {
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
        self.sums.retain(|day, _| days.contains(day));
        for day in days {
            if !self.sums.contains_key(day) {
                let sum = self.sum(*day);
                self.sums.insert(*day, Arc::new(sum));
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

    #[test]
    fn a_day_of_the_same_hours_is_counted_as_one() {
        let [berlin, paris, london] = [
            local_time::ZONE,
            chrono_tz::Europe::Paris,
            chrono_tz::Europe::London,
        ]
        .map(|zone| RunningDay::of(zone, at(12)));
        assert_eq!((berlin.quarters(), paris.quarters()), (None, None));
        let (from, to) = london.quarters().unwrap();
        assert_eq!(
            (from.start(), to.0 - from.0),
            (at(0) - chrono::TimeDelta::minutes(5), 96)
        );
    }

    #[test]
    fn what_has_moved_takes_the_place_of_what_was_there() {
        let zones = Arc::new(Zones::default());
        let mut hours = QuarterHours::default();
        assert_eq!(hours.query(&zones.days(at(12))), None);
        let watching = zones.watch(chrono_tz::UTC);
        let also = zones.watch(chrono_tz::UTC);
        drop(also);
        let days = zones.days(at(12));
        let query = hours.query(&days).unwrap();
        assert_eq!(query.since, None);
        let (first, end) = days[0];
        let quarters = |version: &str, moved, rows| Quarters {
            version: FiguresVersion::new(version),
            moved,
            rows,
        };
        let offered = |days: &Days, day: &Quarter| -> Vec<i64> {
            let rows = days[day].iter();
            rows.map(|row| row.tally.counts.get(Figure::Offered)).collect()
        };
        let all = vec![
            row(first, "Umwelt", 1),
            row(first.next(), "Umwelt", 2),
            row(first.next(), "Schule", 4),
        ];
        let told = hours.days(&query, quarters("1", None, all), &days);
        assert_eq!(offered(&told, &days[0]), [4, 3]);
        let query = hours.query(&days).unwrap();
        assert_eq!(query.since, Some(FiguresVersion::new("1")));
        let moved = vec![first.next(), first];
        let told = hours.days(
            &query,
            quarters("2", Some(moved), vec![row(first, "Umwelt", 9)]),
            &days,
        );
        assert_eq!(offered(&told, &days[0]), [9]);
        let again = hours.days(&query, quarters("3", Some(Vec::new()), Vec::new()), &days);
        assert!(Arc::ptr_eq(&told[&days[0]], &again[&days[0]]));
        // Another zone needs others.
        let elsewhere = (Interval(first.0 - 8), end);
        assert_eq!(hours.query(&[elsewhere]).unwrap().since, None);
        drop(watching);
        assert_eq!(hours.query(&zones.days(at(12))), None);
        assert!(hours.rows.is_empty());
    }
}
