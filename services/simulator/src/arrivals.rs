//! Who calls when: a non-homogeneous Poisson process over the quarters of an hour of a local day.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use domain::personal::Caller;

use crate::dice::{Dice, Stream};
use crate::people;
use crate::profile::{Profile, QUARTERS_OF_A_DAY};

const QUARTER_MS: i64 = 15 * 60 * 1000;

/// The bounds of a local day, in milliseconds since 1970 UTC. A day has 23, 24 or 25 hours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DayBounds {
    pub(crate) starts: i64,
    pub(crate) ends: i64,
    /// Opening and closing, on a day of service.
    pub(crate) service: Option<(i64, i64)>,
}

impl DayBounds {
    pub(crate) fn of(date: NaiveDate, profile: &Profile) -> Self {
        let starts = local_ms(profile.zone, date.and_time(NaiveTime::MIN));
        let next = date.succ_opt().unwrap_or(NaiveDate::MAX);
        let at = |time| local_ms(profile.zone, date.and_time(time));
        Self {
            starts,
            ends: local_ms(profile.zone, next.and_time(NaiveTime::MIN)),
            service: profile
                .is_open_on(date)
                .then(|| (at(profile.opens), at(profile.closes))),
        }
    }

    /// Whether the hotline is open at a time.
    pub(crate) fn is_open_at(&self, at: i64) -> bool {
        self.service
            .is_some_and(|(opens, closes)| (opens..closes).contains(&at))
    }
}

/// A local time in UTC: the earlier one where it happens twice, an hour later where it does not exist.
pub(crate) fn local_ms(zone: Tz, local: NaiveDateTime) -> i64 {
    let found = zone.from_local_datetime(&local).earliest();
    let found = found.or_else(|| {
        zone.from_local_datetime(&(local + TimeDelta::hours(1)))
            .earliest()
    });
    found.map_or_else(|| local.and_utc().timestamp_millis(), |at| at.timestamp_millis())
}

/// Back from milliseconds since 1970.
pub(crate) fn utc(at_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at_ms).unwrap_or_default()
}

/// A call that comes in, and what the citizen is like.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: i64,
    /// Position among the profile's hotlines.
    pub(crate) hotline: usize,
    pub(crate) caller: Caller,
    pub(crate) direct_topic_dial: bool,
    pub(crate) announcement_ms: i64,
    pub(crate) hangs_up_in_announcement: bool,
    pub(crate) fails: bool,
    pub(crate) patience_ms: i64,
    /// Whether he or she tries once more after giving up.
    pub(crate) redials: bool,
}

/// All calls of a day in order of time, redials apart.
pub(crate) fn of_day(seed: u64, date: NaiveDate, bounds: &DayBounds, profile: &Profile) -> Vec<Arrival> {
    let mut dice = Dice::of_day(seed, date, Stream::Arrivals);
    let expected = expected_calls(date, profile) * dice.lognormal(profile.day_sigma);
    let weight_sum: f64 = profile.quarter_hour_weights.iter().sum();
    let mut arrivals = Vec::with_capacity(expected as usize + 64);
    let mut quarter = bounds.starts;
    while quarter < bounds.ends {
        let local = utc(quarter).with_timezone(&profile.zone);
        let position = (local.hour() * 4 + local.minute() / 15) as usize % QUARTERS_OF_A_DAY;
        let calls = expected * profile.quarter_hour_weights[position] / weight_sum;
        for at in dice.moments(quarter, (quarter + QUARTER_MS).min(bounds.ends), calls) {
            arrivals.push(arrival(at, &mut dice, profile));
        }
        quarter += QUARTER_MS;
    }
    arrivals
}

/// Calls expected on a day, before its own luck.
fn expected_calls(date: NaiveDate, profile: &Profile) -> f64 {
    let weekday = if profile.closed_days.contains(&date) {
        6
    } else {
        date.weekday().num_days_from_monday() as usize
    };
    profile.calls_per_day * profile.weekday_factors[weekday] * profile.month_factors[date.month0() as usize]
}

fn arrival(at: i64, dice: &mut Dice, profile: &Profile) -> Arrival {
    let callers = &profile.callers;
    let direct_topic_dial = dice.chance(callers.direct_topic_share);
    let announcement_ms = dice.spread_ms(callers.announcement);
    let patience_ms = if dice.chance(callers.impatient_share) {
        dice.between_ms(1, 6000)
    } else {
        dice.spread_ms(callers.patience)
    };
    Arrival {
        at,
        hotline: dice.weighted(profile.hotlines.iter().map(|hotline| hotline.weight)),
        caller: people::caller(dice, callers.withheld_share),
        direct_topic_dial,
        // Who dials the topic directly hears the greeting, but no menu.
        announcement_ms: if direct_topic_dial {
            announcement_ms / 3 + 1
        } else {
            announcement_ms
        },
        hangs_up_in_announcement: dice.chance(callers.announcement_hang_up_share),
        fails: dice.chance(callers.failed_share),
        patience_ms,
        redials: dice.chance(callers.redial_share),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(date: NaiveDate) -> i64 {
        let bounds = DayBounds::of(date, &Profile::default());
        (bounds.ends - bounds.starts) / 3_600_000
    }

    #[test]
    fn the_days_of_the_clock_change_have_23_and_25_hours() {
        assert_eq!(hours(NaiveDate::from_ymd_opt(2024, 3, 31).unwrap()), 23);
        assert_eq!(hours(NaiveDate::from_ymd_opt(2024, 10, 27).unwrap()), 25);
        assert_eq!(hours(NaiveDate::from_ymd_opt(2024, 10, 28).unwrap()), 24);
    }

    #[test]
    fn calls_come_in_order_within_their_day() {
        let profile = Profile::default();
        let date = NaiveDate::from_ymd_opt(2024, 10, 28).unwrap();
        let bounds = DayBounds::of(date, &profile);
        let arrivals = of_day(7, date, &bounds, &profile);
        assert!(arrivals.len() > 2500, "{}", arrivals.len());
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at));
        assert!(
            arrivals
                .iter()
                .all(|arrival| (bounds.starts..bounds.ends).contains(&arrival.at))
        );
    }
}
