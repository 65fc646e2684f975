//! How values are written for people: in German, in local time.

#![allow(dead_code, reason = "pages use what they need")]

use chrono::{DateTime, Utc};
use domain::local_time;

/// What stands where there is nothing to tell.
pub(crate) const NOTHING: &str = "–";

/// A count with dots between thousands: 8.948.
pub(crate) fn count(count: impl Into<i64>) -> String {
    let count: i64 = count.into();
    let digits = count.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    if count < 0 { format!("−{text}") } else { text }
}

/// A ratio between 0 and 1 in per cent with one place: 81,3 %.
pub(crate) fn percent(ratio: Option<f64>) -> String {
    ratio.map_or_else(
        || NOTHING.to_owned(),
        |ratio| format!("{:.1}\u{a0}%", (ratio * 1000.0).round() / 10.0).replace('.', ","),
    )
}

/// A duration as people read it on a clock: 0:07, 12:30, 1:02:05.
pub(crate) fn duration(milliseconds: impl Into<Option<i64>>) -> String {
    let Some(milliseconds) = milliseconds.into() else {
        return NOTHING.to_owned();
    };
    let seconds = milliseconds.max(0) / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

fn local(unix_ms: i64) -> Option<DateTime<chrono_tz::Tz>> {
    let time: DateTime<Utc> = wire::time(unix_ms)?;
    Some(time.with_timezone(&local_time::ZONE))
}

/// A local day and time: 27.11.2026 14:05.
pub(crate) fn day_and_time(unix_ms: i64) -> String {
    local(unix_ms).map_or_else(
        || NOTHING.to_owned(),
        |time| time.format("%d.%m.%Y %H:%M").to_string(),
    )
}

/// A local time with seconds: 14:05:12.
pub(crate) fn clock(unix_ms: i64) -> String {
    local(unix_ms).map_or_else(|| NOTHING.to_owned(), |time| time.format("%H:%M:%S").to_string())
}

/// A day as services write it, with the weekday: Fr 27.11.2026.
pub(crate) fn iso_day(day: &str) -> String {
    use chrono::Datelike as _;
    chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d").map_or_else(
        |_| day.to_owned(),
        |day| format!("{} {}", weekday(day.weekday()), day.format("%d.%m.%Y")),
    )
}

/// A local time without seconds: 14:05.
pub(crate) fn hour(unix_ms: i64) -> String {
    local(unix_ms).map_or_else(|| NOTHING.to_owned(), |time| time.format("%H:%M").to_string())
}

/// A local day with the weekday: Fr 27.11.2026.
pub(crate) fn day(unix_ms: i64) -> String {
    use chrono::Datelike as _;
    local(unix_ms).map_or_else(
        || NOTHING.to_owned(),
        |time| {
            let weekday = WEEKDAYS[time.weekday().num_days_from_monday() as usize];
            format!("{weekday} {}", time.format("%d.%m.%Y"))
        },
    )
}

const WEEKDAYS: [&str; 7] = ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"];

/// A weekday in two letters.
pub(crate) fn weekday(weekday: chrono::Weekday) -> &'static str {
    WEEKDAYS[weekday.num_days_from_monday() as usize]
}

/// A local day and time with the weekday: Fr 27.11. 14:05.
pub(crate) fn weekday_and_time(unix_ms: i64) -> String {
    use chrono::Datelike as _;
    local(unix_ms).map_or_else(
        || NOTHING.to_owned(),
        |time| {
            let weekday = WEEKDAYS[time.weekday().num_days_from_monday() as usize];
            format!("{weekday} {}", time.format("%d.%m. %H:%M"))
        },
    )
}

/// A time for machines, for `<time datetime>`.
pub(crate) fn machine(unix_ms: i64) -> String {
    local(unix_ms).map_or_else(String::new, |time| time.to_rfc3339())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_in_german() {
        assert_eq!(count(8948), "8.948");
        assert_eq!(count(-1_234_567), "−1.234.567");
        assert_eq!(count(7), "7");
        assert_eq!(percent(Some(0.8125)), "81,3\u{a0}%");
        assert_eq!(percent(None), "–");
        assert_eq!(duration(3_725_900), "1:02:05");
        assert_eq!(duration(67_000), "1:07");
        assert_eq!(duration(None), "–");
        assert_eq!(day_and_time(1_795_781_100_000), "27.11.2026 13:05");
        assert_eq!(weekday_and_time(1_795_781_100_000), "Fr 27.11. 13:05");
    }
}
