//! Local days of the hotline. A day has 23, 24 or 25 hours.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// The zone that chooses labels and days. Intervals are cut in UTC.
pub const ZONE: Tz = chrono_tz::Europe::Berlin;

/// The local day of a time.
pub fn day_of(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&ZONE).date_naive()
}

/// When a local day starts.
pub fn start_of(day: NaiveDate) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    let local = ZONE.from_local_datetime(&midnight).earliest();
    // Europe/Berlin has no day without a midnight; a zone that has begins such a day an hour later.
    local.map_or_else(
        || Utc.from_utc_datetime(&midnight),
        |local| local.with_timezone(&Utc),
    )
}

/// Days since 1970, as days are stored.
pub fn day_number(day: NaiveDate) -> i64 {
    day.signed_duration_since(NaiveDate::default()).num_days()
}

/// The day after.
pub fn next(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_of_the_change_have_23_and_25_hours() {
        let length = |year, month, day| {
            let date = NaiveDate::from_ymd_opt(year, month, day).expect("a date");
            (start_of(next(date)) - start_of(date)).num_hours()
        };
        assert_eq!(
            [length(2024, 3, 31), length(2024, 10, 26), length(2024, 10, 27)],
            [23, 24, 25]
        );
    }

    #[test]
    fn an_evening_in_utc_belongs_to_the_next_local_day() {
        let at = Utc.with_ymd_and_hms(2024, 7, 1, 22, 0, 0).unwrap();
        assert_eq!(day_of(at), NaiveDate::from_ymd_opt(2024, 7, 2).expect("a date"));
        assert_eq!(
            day_number(NaiveDate::from_ymd_opt(1970, 1, 2).expect("a date")),
            1
        );
    }
}
