//! The form of what was entered, by kind of field. What is said about it never repeats it.

use std::net::IpAddr;

use chrono::{DateTime, NaiveDate};
use iban::Iban;

use super::{FaultCode, FieldFault, FieldKind};

/// Digits that a telephone number has at least: short numbers such as 115.
const PHONE_DIGITS_MIN: usize = 3;
/// Digits that a telephone number has at most, with international and trunk prefixes.
const PHONE_DIGITS_MAX: usize = 20;

/// Checks what was entered into a field of a kind.
pub(super) fn check(field: &str, kind: &FieldKind, text: &str, faults: &mut Vec<FieldFault>) {
    let before = faults.len();
    match kind {
        FieldKind::Text(longest) => check_text(field, text, *longest, faults),
        FieldKind::Choice(_) => {}
        _ => check_line(field, text, kind.longest(), faults),
    }
    if faults.len() == before
        && let Some((code, remedy)) = remedy(kind, text)
    {
        faults.push(FieldFault::of(field, code, remedy));
    }
}

/// What is wrong and what to enter instead, if the text is not of the kind.
fn remedy(kind: &FieldKind, text: &str) -> Option<(FaultCode, String)> {
    let (fits, code, remedy) = match kind {
        FieldKind::Line(_) | FieldKind::Text(_) => return None,
        FieldKind::Choice(options) => {
            let fits = options.iter().any(|option| option == text);
            return (!fits).then(|| (FaultCode::NoOption, format!("choose from {}", options.join(", "))));
        }
        FieldKind::Phone => {
            return (!is_phone(text)).then(|| {
                let remedy = format!(
                    "enter {PHONE_DIGITS_MIN} to {PHONE_DIGITS_MAX} digits; +, (, ), -, / and blanks may stand between them"
                );
                (FaultCode::NoPhone, remedy)
            });
        }
        FieldKind::Email => (
            is_email(text),
            FaultCode::NoEmail,
            "enter an address such as name@example.org, or leave it empty",
        ),
        FieldKind::PostalCode => (
            is_postal_code(text),
            FaultCode::NoPostalCode,
            "enter the five digits of a German postal code, or leave it empty",
        ),
        FieldKind::Iban => (
            is_iban(text),
            FaultCode::NoIban,
            "enter the IBAN as it stands on the bank card: a digit is missing, too many or wrong",
        ),
        FieldKind::Bic => (
            is_bic(text),
            FaultCode::NoBic,
            "enter the 8 or 11 capital letters and digits of a BIC",
        ),
        FieldKind::Boolean => (
            matches!(text, "true" | "false"),
            FaultCode::NoBoolean,
            "enter true or false",
        ),
        FieldKind::Number => (
            text.bytes().all(|byte| byte.is_ascii_digit()),
            FaultCode::NoNumber,
            "enter a whole number, digits only",
        ),
        FieldKind::Date => (is_date(text), FaultCode::NoDate, "enter a day such as 2026-12-23"),
        FieldKind::Timestamp => (
            DateTime::parse_from_rfc3339(text).is_ok(),
            FaultCode::NoTimestamp,
            "enter a time with its offset, such as 2026-12-23T16:30:00+01:00",
        ),
        FieldKind::IpAddress => (
            text.parse::<IpAddr>().is_ok(),
            FaultCode::NoIpAddress,
            "enter an IP address of version 4 or 6",
        ),
    };
    (!fits).then(|| (code, remedy.to_owned()))
}

/// Checks a field of one line: its length in characters, and that it holds no control characters.
pub fn check_line(field: &str, text: &str, most: usize, faults: &mut Vec<FieldFault>) {
    if text.chars().any(char::is_control) {
        faults.push(FieldFault::of(
            field,
            FaultCode::ControlCharacters,
            "enter one line without control characters",
        ));
    }
    check_length(field, text, most, faults);
}

/// Checks a field of several lines: its length in characters, and that it holds no other control characters.
fn check_text(field: &str, text: &str, most: usize, faults: &mut Vec<FieldFault>) {
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        faults.push(FieldFault::of(
            field,
            FaultCode::ControlCharacters,
            "enter text without control characters",
        ));
    }
    check_length(field, text, most, faults);
}

fn check_length(field: &str, text: &str, most: usize, faults: &mut Vec<FieldFault>) {
    if text.chars().count() > most {
        faults.push(FieldFault::of(
            field,
            FaultCode::TooLong,
            format!("shorten it to {most} characters"),
        ));
    }
}

/// One `@`, something before it, a domain of at least two labels behind it. Only a message tells more.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let labels: Vec<&str> = domain.split('.').collect();
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    !local.is_empty()
        && local.chars().count() <= 64
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && !local
            .chars()
            .any(|c| c.is_whitespace() || "<>()[],;:\\\"".contains(c))
        && labels.len() >= 2
        && labels.into_iter().all(label)
}

fn is_postal_code(text: &str) -> bool {
    text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits with the usual signs between them, a plus only before the first digit.
fn is_phone(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let allowed = text.chars().all(|c| c.is_ascii_digit() || "+()-/ ".contains(c));
    let plus_leads = text
        .rfind('+')
        .is_none_or(|at| !text[..at].contains(|c: char| c.is_ascii_digit() || c == '+'));
    allowed && plus_leads && (PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&digits)
}

/// Length and form of its country, and the check digits (ISO 13616); blanks and capitals aside.
fn is_iban(text: &str) -> bool {
    let electronic: String = text.split_whitespace().collect::<String>().to_uppercase();
    electronic.parse::<Iban>().is_ok()
}

/// ISO 9362: institution, country, location and, if given, branch.
fn is_bic(text: &str) -> bool {
    let letters = |part: &[u8]| part.iter().all(u8::is_ascii_uppercase);
    let known = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    matches!(bytes.len(), 8 | 11) && letters(&bytes[..6]) && bytes.iter().all(known)
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}
