//! Durations and counts, read digit by digit: no float, no rounding error.

/// The most digits before the decimal sign: more cannot be seconds, and milliseconds of fewer fit.
const MOST_DIGITS: usize = 12;

/// A duration in milliseconds: `h:mm:ss` with any number of hours, or seconds; both with decimals after a comma or
/// a point, and with a sign. Decimals beyond the third are rounded half up, away from zero in a negative duration.
///
/// A point is a decimal sign, never one between thousands: `1.234` is 1234 ms, `1.234,5` is no duration.
pub(crate) fn duration_ms(text: &str) -> Option<i64> {
    let (negative, text) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, decimals) = match text.bytes().position(|byte| matches!(byte, b',' | b'.')) {
        Some(sign) => (&text[..sign], milliseconds(&text[sign + 1..])?),
        None => (text, 0),
    };
    let seconds = match whole.split_once(':') {
        Some((hours, rest)) => {
            let (minutes, seconds) = rest.split_once(':')?;
            digits(hours)? * 3600 + sexagesimal(minutes)? * 60 + sexagesimal(seconds)?
        }
        None => digits(whole)?,
    };
    let duration_ms = seconds * 1000 + decimals;
    Some(if negative { -duration_ms } else { duration_ms })
}

/// A number of things.
pub(crate) fn count(text: &str) -> Option<u32> {
    u32::try_from(digits(text)?).ok()
}

/// Decimals of a second as milliseconds, rounded half up.
pub(crate) fn milliseconds(decimals: &str) -> Option<i64> {
    if decimals.is_empty() || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digit = |index: usize| {
        decimals
            .as_bytes()
            .get(index)
            .map_or(0, |byte| i64::from(byte - b'0'))
    };
    Some(digit(0) * 100 + digit(1) * 10 + digit(2) + i64::from(digit(3) >= 5))
}

fn sexagesimal(text: &str) -> Option<i64> {
    digits(text).filter(|value| text.len() == 2 && *value < 60)
}

fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > MOST_DIGITS {
        return None;
    }
    let mut value = 0;
    for byte in text.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_duration_is_read_in_every_style() {
        for (text, expected_ms) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("25,954", Some(25_954)),
            ("25.9", Some(25_900)),
            ("-5", Some(-5_000)),
            ("−5", Some(-5_000)),
            ("0:00:05", Some(5_000)),
            ("-00:00:05", Some(-5_000)),
            ("00:01:22,5", Some(82_500)),
            ("123:59:59.999", Some(446_399_999)),
            ("0,0004", Some(0)),
            ("0,0005", Some(1)),
            ("-0,0005", Some(-1)),
            ("1,99949999", Some(1_999)),
            ("59,9999", Some(60_000)),
            ("999999999999", Some(999_999_999_999_000)),
            ("9999999999999", None),
            ("1:22", None),
            ("00:1:22", None),
            ("00:60:00", None),
            ("1:2:3:4", None),
            ("1.234,5", None),
            ("5,", None),
            (",5", None),
            ("1e3", None),
            ("- 5", None),
            ("--5", None),
            ("٥", None),
            ("", None),
        ] {
            assert_eq!(duration_ms(text), expected_ms, "{text}");
        }
    }

    #[test]
    fn a_count_is_digits_only() {
        assert_eq!(count("0012"), Some(12));
        assert_eq!(count("4294967295"), Some(u32::MAX));
        for text in ["4294967296", "-1", "1,0", "1.000", "", "eins"] {
            assert_eq!(count(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn milliseconds_survive_every_style(duration_ms_in in 0..i64::from(u32::MAX), negative: bool) {
            let (seconds, rest) = (duration_ms_in / 1000, duration_ms_in % 1000);
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let (sign, expected) = if negative { ("-", -duration_ms_in) } else { ("", duration_ms_in) };
            for text in [
                format!("{sign}{seconds},{rest:03}"),
                format!("{sign}{seconds}.{rest:03}000"),
                format!("{sign}{hours}:{minutes:02}:{:02},{rest:03}", seconds % 60),
            ] {
                prop_assert_eq!(duration_ms(&text), Some(expected));
            }
        }

        #[test]
        fn any_text_is_a_duration_or_none(text in "[-+0-9:,.−]{0,20}") {
            let _ = duration_ms(&text);
            let _ = count(&text);
        }
    }
}
