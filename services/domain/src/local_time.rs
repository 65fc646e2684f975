//! Local days of the hotline. A day has 23, 24 or 25 hours.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use thiserror::Error;

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

/// Reads a local day, which stands for its start, or a time with its offset. Years without a hotline are none.
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    let at = day
        .map(start_of)
        .or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()));
    at.filter(|at| (1989..=2200).contains(&chrono::Datelike::year(at)))
}

/// Days since 1970, as days are stored.
pub fn day_number(day: NaiveDate) -> i64 {
    day.signed_duration_since(NaiveDate::default()).num_days()
}

/// Reads what [`day_number`] gave; none beyond the calendar.
pub fn day_at(number: i64) -> Option<NaiveDate> {
    NaiveDate::default().checked_add_signed(TimeDelta::try_days(number)?)
}

/// The day after.
pub fn next(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

/// Why a text is no local time: what to write instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LocalTimeFault {
    /// It has another form.
    #[error("write a local time such as 2026-12-23T16:30")]
    Form,
    /// The clocks skip it in spring.
    #[error("the clocks skip this hour in spring; give one before or after it")]
    Skipped,
}

/// Reads a local time without an offset, or a time with one. In the hour that happens twice, a time without offset is
/// the first.
///
/// # Errors
/// [`LocalTimeFault`].
pub fn read(text: &str) -> Result<DateTime<Utc>, LocalTimeFault> {
    let text = text.trim().replacen(' ', "T", 1);
    if let Ok(at) = DateTime::parse_from_rfc3339(&text) {
        return Ok(at.to_utc());
    }
    let local = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(&text, form).ok())
        .ok_or(LocalTimeFault::Form)?;
    let at = ZONE.from_local_datetime(&local).earliest();
    at.map(|at| at.to_utc()).ok_or(LocalTimeFault::Skipped)
}

/// Writes what [`read`] reads: a local time, with its offset in the hour that happens twice.
pub fn write(at: DateTime<Utc>) -> String {
    let local = at.with_timezone(&ZONE);
    match ZONE.from_local_datetime(&local.naive_local()) {
        LocalResult::Ambiguous(..) => local.to_rfc3339(),
        _ => local.format("%Y-%m-%dT%H:%M").to_string(),
    }
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
    fn a_local_time_is_read_as_it_is_written() {
        for (text, utc) in [
            ("2026-12-23T16:30", "2026-12-23T15:30:00Z"),
            ("2026-07-01 16:30", "2026-07-01T14:30:00Z"),
            ("2026-10-25T02:30", "2026-10-25T00:30:00Z"),
            ("2026-10-25T02:30:00+01:00", "2026-10-25T01:30:00Z"),
        ] {
            let at = read(text).expect(text);
            assert_eq!(at, utc.parse::<DateTime<Utc>>().expect(utc));
            assert_eq!(read(&write(at)), Ok(at));
        }
        assert_eq!(read("2026-03-29T02:30"), Err(LocalTimeFault::Skipped));
        assert_eq!(read("morgen früh"), Err(LocalTimeFault::Form));
    }

    #[test]
    fn an_evening_in_utc_belongs_to_the_next_local_day() {
        let at = Utc.with_ymd_and_hms(2024, 7, 1, 22, 0, 0).unwrap();
        assert_eq!(day_of(at), NaiveDate::from_ymd_opt(2024, 7, 2).expect("a date"));
        assert_eq!(
            day_number(NaiveDate::from_ymd_opt(1970, 1, 2).expect("a date")),
            1
        );
        assert_eq!(day_at(1), NaiveDate::from_ymd_opt(1970, 1, 2));
    }
}
