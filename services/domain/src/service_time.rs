//! Service time: when the hotline is open, and when an answer is due.
//!
//! Local time is Europe/Berlin; days have 23, 24 or 25 hours, and every hour here is an hour that passes.
//! A *closed day* is one without any service time: by its weekday, or because it is a public holiday.

mod closed_days;
mod opening_hours;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::holidays;
pub use closed_days::{CLOSED_DAYS_MAX, ClosedDay, ServiceTime};
pub use opening_hours::{OpeningHours, OpeningHoursFault, ServicePeriod};

/// The zone of the hotline: it chooses days, labels and opening times.
pub const ZONE: Tz = chrono_tz::Europe::Berlin;

/// How the time by which a concern must be answered is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)]
pub enum DuePolicy {
    /// So many hours later. Hours of closed days do not count, and a start outside service time counts from the
    /// next opening; the nights of open days do count.
    Elapsed {
        /// Hours until due.
        hours: u16,
    },
    /// So many hours of service time later.
    ServiceHours {
        /// Hours of service time until due.
        hours: u16,
    },
}

impl DuePolicy {
    /// Hours that the service promise gives: a forwarded concern is answered within 24 hours.
    pub const PROMISED_HOURS: u16 = 24;

    /// The policy of this name (`elapsed`, `service_hours`) with the promised hours.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "elapsed" => Some(Self::Elapsed {
                hours: Self::PROMISED_HOURS,
            }),
            "service_hours" => Some(Self::ServiceHours {
                hours: Self::PROMISED_HOURS,
            }),
            _ => None,
        }
    }

    /// The name of the policy, as configuration and command line write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elapsed { .. } => "elapsed",
            Self::ServiceHours { .. } => "service_hours",
        }
    }
}

impl Default for DuePolicy {
    fn default() -> Self {
        Self::Elapsed {
            hours: Self::PROMISED_HOURS,
        }
    }
}

/// When the hotline is open: opening hours by weekday, closed on the public holidays of North Rhine-Westphalia and on
/// further days that the rules name.
#[derive(Clone, Debug, Default)]
pub struct ServiceCalendar {
    hours: OpeningHours,
    closed: Vec<ClosedDay>,
}

impl ServiceCalendar {
    /// A calendar with these hours, once they are checked.
    pub fn new(hours: OpeningHours) -> Result<Self, OpeningHoursFault> {
        hours.check()?;
        Ok(Self {
            hours,
            closed: Vec::new(),
        })
    }

    /// Closed on these days, too.
    #[must_use]
    pub fn closed_on(mut self, days: &[ClosedDay]) -> Self {
        self.closed.extend_from_slice(days);
        self
    }

    /// Whether a day has any service time.
    pub fn is_service_day(&self, date: NaiveDate) -> bool {
        !self.hours.of(date).is_empty() && !self.is_closed(date)
    }

    /// Whether no weekday's hours hold on a day.
    fn is_closed(&self, date: NaiveDate) -> bool {
        holidays::is_holiday(date) || self.closed.iter().any(|day| day.is(date))
    }

    /// Whether it is service time. The moment of opening is, the moment of closing is not.
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        self.service_time_of(local_date(at))
            .any(|(opens, closes)| opens <= at && at < closes)
    }

    /// The given moment if it is service time, else the next opening.
    pub fn next_service_time(&self, from: DateTime<Utc>) -> DateTime<Utc> {
        days_from(local_date(from))
            .flat_map(|date| self.service_time_of(date))
            .find(|(_, closes)| from < *closes)
            .map_or(DateTime::<Utc>::MAX_UTC, |(opens, _)| opens.max(from))
    }

    /// Whether any service time lies between two moments.
    pub fn is_open_within(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        self.next_service_time(from) < until
    }

    /// The time by which a concern that came in at `from` must be answered.
    pub fn due(&self, from: DateTime<Utc>, policy: DuePolicy) -> DateTime<Utc> {
        match policy {
            DuePolicy::Elapsed { hours } => {
                let start = self.next_service_time(from);
                after_counted(start, full_hours(hours), self.counted_from(start, policy))
            }
            DuePolicy::ServiceHours { hours } => {
                after_counted(from, full_hours(hours), self.counted_from(from, policy))
            }
        }
    }

    /// The due time of what nobody was allowed to work on from a moment until another: as much of the time that counts is
    /// left as there was. What was overdue then stays so.
    pub fn due_after_pause(
        &self,
        due_at: DateTime<Utc>,
        (from, until): Span,
        policy: DuePolicy,
    ) -> DateTime<Utc> {
        if due_at <= from || until <= from {
            return due_at;
        }
        let spans = self
            .counted_from(from, policy)
            .take_while(|(begins, _)| *begins < due_at);
        let left = spans.map(|(begins, ends)| (ends.min(due_at) - begins.max(from)).max(TimeDelta::zero()));
        let left = left.sum();
        after_counted(until, left, self.counted_from(until, policy))
    }

    /// The time that counts by a policy, in order, from the day of a moment on.
    fn counted_from(&self, from: DateTime<Utc>, policy: DuePolicy) -> Box<dyn Iterator<Item = Span> + '_> {
        let days = days_from(local_date(from));
        match policy {
            DuePolicy::Elapsed { .. } => {
                Box::new(days.filter(|date| self.is_service_day(*date)).map(whole_day))
            }
            DuePolicy::ServiceHours { .. } => Box::new(days.flat_map(|date| self.service_time_of(date))),
        }
    }

    /// Service time of a local day, in order: from a moment until before another.
    pub fn service_time_of(&self, date: NaiveDate) -> impl Iterator<Item = Span> + use<'_> {
        let periods = if self.is_closed(date) {
            &[]
        } else {
            self.hours.of(date)
        };
        periods
            .iter()
            .map(move |period| (moment(date, period.opens(), Fold::First), closing(date, *period)))
            .filter(|(opens, closes)| opens < closes)
    }
}

/// From a moment until before another.
pub type Span = (DateTime<Utc>, DateTime<Utc>);

fn full_hours(hours: u16) -> TimeDelta {
    TimeDelta::hours(i64::from(hours))
}

/// The moment at which so much time has passed since `start`, where only time within the ordered `spans` counts.
fn after_counted(
    start: DateTime<Utc>,
    mut remaining: TimeDelta,
    spans: impl Iterator<Item = Span>,
) -> DateTime<Utc> {
    for (begins, ends) in spans.filter(|(_, ends)| start < *ends) {
        let begins = begins.max(start);
        let available = ends - begins;
        if remaining <= available {
            return begins + remaining;
        }
        remaining -= available;
    }
    DateTime::<Utc>::MAX_UTC
}

fn days_from(first: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    first.iter_days()
}

fn local_date(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

fn whole_day(date: NaiveDate) -> Span {
    (moment(date, 0, Fold::First), end_of_day(date))
}

fn closing(date: NaiveDate, period: ServicePeriod) -> DateTime<Utc> {
    if period.closes() == opening_hours::MINUTES_OF_DAY {
        end_of_day(date)
    } else {
        moment(date, period.closes(), Fold::Second)
    }
}

fn end_of_day(date: NaiveDate) -> DateTime<Utc> {
    date.checked_add_days(Days::new(1))
        .map_or(DateTime::<Utc>::MAX_UTC, |next| moment(next, 0, Fold::First))
}

/// Which of the two passes of an hour that happens twice is meant.
#[derive(Clone, Copy)]
enum Fold {
    First,
    Second,
}

/// The moment of a local time. A time that is skipped in spring means the moment of the change.
fn moment(date: NaiveDate, minute_of_day: u16, fold: Fold) -> DateTime<Utc> {
    let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute_of_day) * 60, 0)
        .expect("a minute of the day is below 24 hours");
    let local = date.and_time(time);
    let found = ZONE.from_local_datetime(&local);
    let chosen = match fold {
        Fold::First => found.earliest(),
        Fold::Second => found.latest(),
    };
    let at = chosen.or_else(|| {
        // The clocks of the zone skip whole hours, from one full hour to another.
        let full_hour = local - TimeDelta::minutes(i64::from(local.minute()));
        ZONE.from_local_datetime(&(full_hour + TimeDelta::hours(1)))
            .earliest()
    });
    at.map_or_else(|| local.and_utc(), |at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests;
