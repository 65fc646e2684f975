//! Cutting a range of local days into the intervals of a report: quarters of an hour to months, in any zone.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::counts::INTERVAL_SECONDS;
use crate::local_time;
use crate::named::named;

named! {
    /// Length of the intervals of a report.
    Step {
        /// 15 minutes.
        QuarterHour = "15m",
        /// 30 minutes.
        HalfHour = "30m",
        /// An hour.
        Hour = "1h",
        /// A local day, of 23, 24 or 25 hours.
        Day = "1d",
        /// A week from Monday on.
        Week = "1w",
        /// A calendar month.
        Month = "1M",
    }
}

/// A time that passes, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its beginning.
    pub start: DateTime<Utc>,
    /// Its end.
    pub end: DateTime<Utc>,
}

impl Span {
    /// Local days of a zone, half-open.
    pub fn of_days(from: NaiveDate, to: NaiveDate, zone: Tz) -> Self {
        Self {
            start: start_of(from, zone),
            end: start_of(to, zone),
        }
    }

    /// Whether quarter-hours of UTC tell it exactly. They do in every zone since 1973.
    pub fn is_whole_intervals(self) -> bool {
        [self.start, self.end]
            .iter()
            .all(|at| at.timestamp().rem_euclid(INTERVAL_SECONDS) == 0)
    }
}

impl Step {
    /// Its length, where that is always the same.
    fn length(self) -> Option<TimeDelta> {
        match self {
            Self::QuarterHour => Some(TimeDelta::minutes(15)),
            Self::HalfHour => Some(TimeDelta::minutes(30)),
            Self::Hour => Some(TimeDelta::hours(1)),
            Self::Day | Self::Week | Self::Month => None,
        }
    }

    /// Whether it consists of whole local days.
    pub fn is_days(self) -> bool {
        self.length().is_none()
    }

    /// Its length in minutes; of days the 1440 that most of them have.
    pub fn minutes(self) -> usize {
        let minutes = self.length().map_or(24 * 60, |length| length.num_minutes());
        usize::try_from(minutes).unwrap_or(usize::MAX)
    }

    /// At most so many intervals begin on a local day: 25 hours long at most.
    pub fn most_a_day(self) -> i64 {
        self.length().map_or(1, |length| 25 * 60 / length.num_minutes())
    }

    /// The day on which the interval after that of `day` begins.
    fn next_day(self, day: NaiveDate) -> NaiveDate {
        let following = |date: Option<NaiveDate>| date.unwrap_or_else(|| local_time::next(day));
        match self {
            Self::Week => {
                let days = 7 - i64::from(day.weekday().num_days_from_monday());
                following(day.checked_add_signed(TimeDelta::days(days)))
            }
            Self::Month => {
                let first = day
                    .with_day(1)
                    .and_then(|day| day.checked_add_months(chrono::Months::new(1)));
                following(first)
            }
            _ => local_time::next(day),
        }
    }
}

/// When a local day of a zone starts: at midnight, or when the clocks have skipped it.
pub fn start_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=26 * 4)
        .map(|quarters| midnight + TimeDelta::minutes(15 * quarters))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map_or_else(
            || Utc.from_utc_datetime(&midnight),
            |local| local.with_timezone(&Utc),
        )
}

/// The intervals of local days, `to` exclusive. Weeks and months are cut by the range; hours begin anew at midnight.
pub fn cut(step: Step, from: NaiveDate, to: NaiveDate, zone: Tz) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut day = from;
    while day < to {
        let next = step.next_day(day).min(to);
        let Span { mut start, end } = Span::of_days(day, next, zone);
        while start < end {
            let stop = step.length().map_or(end, |length| (start + length).min(end));
            spans.push(Span { start, end: stop });
            start = stop;
        }
        day = next;
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn count(step: Step, from: &str, to: &str, zone: Tz) -> usize {
        let spans = cut(step, date(from), date(to), zone);
        assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(
            spans
                .iter()
                .all(|span| span.is_whole_intervals() && span.start < span.end)
        );
        assert_eq!(
            spans.first().map(|span| span.start),
            Some(start_of(date(from), zone))
        );
        assert_eq!(spans.last().map(|span| span.end), Some(start_of(date(to), zone)));
        spans.len()
    }

    #[test]
    fn days_of_the_change_have_23_and_25_hours() {
        let berlin = local_time::ZONE;
        for (day, next, hours) in [
            ("2026-03-29", "2026-03-30", 23),
            ("2026-03-30", "2026-03-31", 24),
            ("2026-10-25", "2026-10-26", 25),
        ] {
            assert_eq!(count(Step::Hour, day, next, berlin), hours);
            assert_eq!(count(Step::HalfHour, day, next, berlin), 2 * hours);
            assert_eq!(count(Step::QuarterHour, day, next, berlin), 4 * hours);
            assert_eq!(count(Step::Day, day, next, berlin), 1);
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let berlin = local_time::ZONE;
        // Thursday to Tuesday: the rest of a week, a week, and its beginning.
        assert_eq!(count(Step::Week, "2026-10-01", "2026-10-13", berlin), 3);
        let weeks = cut(Step::Week, date("2026-10-01"), date("2026-10-13"), berlin);
        assert_eq!(weeks[1].start, start_of(date("2026-10-05"), berlin));
        assert_eq!(count(Step::Month, "2026-01-15", "2027-01-01", berlin), 12);
        assert_eq!(count(Step::Month, "2026-02-01", "2026-03-01", berlin), 1);
    }

    #[test]
    fn zones_of_half_and_quarter_hours_are_cut_from_quarter_hours() {
        for zone in [
            chrono_tz::Asia::Kolkata,
            chrono_tz::Asia::Kathmandu,
            chrono_tz::Australia::Lord_Howe,
        ] {
            for step in Step::ALL {
                count(*step, "2026-03-25", "2026-04-10", zone);
            }
        }
        assert_eq!(
            count(Step::Hour, "2026-03-02", "2026-03-03", chrono_tz::Asia::Kathmandu),
            24
        );
    }

    #[test]
    fn a_midnight_or_a_day_that_the_clocks_skip_does_no_harm() {
        let beirut = chrono_tz::Asia::Beirut;
        assert_eq!(count(Step::Hour, "2024-03-31", "2024-04-01", beirut), 23);
        assert_eq!(
            count(Step::Day, "2011-12-29", "2012-01-01", chrono_tz::Pacific::Apia),
            2
        );
    }
}
