//! The callback request: ten fields, and no more than the concern needs.
//!
//! A callback needs a concern and a way to reach the citizen; everything else is optional. Checks look at form only
//! and name every faulty field at once. What they say never repeats what was entered.

use serde::{Deserialize, Serialize};

use crate::numbers::Number;
use crate::personal::Personal;
use crate::text::folded;

/// Digits that a telephone number has at least: short numbers such as 115.
const PHONE_DIGITS_MIN: usize = 3;
/// Digits that a telephone number has at most, with international and trunk prefixes.
const PHONE_DIGITS_MAX: usize = 20;

/// A field that cannot be accepted, and what to do about it. Holds nothing of what was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldFault {
    /// The name of the field.
    pub field: String,
    /// What to enter instead.
    pub remedy: String,
}

impl FieldFault {
    /// A fault of a field.
    pub fn new(field: &str, remedy: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            remedy: remedy.into(),
        }
    }
}

/// The ten fields as they were entered; what was not given is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CallbackFields {
    /// Anrede.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    pub salutation: Personal,
    /// Name.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    pub name: Personal,
    /// Vorname.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    pub first_name: Personal,
    /// E-Mail-Adresse.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    pub email: Personal,
    /// Straße.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    pub street: Personal,
    /// Hausnummer.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    pub house_number: Personal,
    /// Postleitzahl.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    pub postal_code: Personal,
    /// Ort.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    pub town: Personal,
    /// Telefonnummer.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    pub phone: Personal,
    /// Anliegen.
    #[serde(skip_serializing_if = "Personal::is_empty")]
    pub concern: Personal,
}

impl CallbackFields {
    /// The key under which the telephone number is found in any spelling; personal. `None` without one.
    pub fn phone_key(&self) -> Option<String> {
        (!self.phone.is_empty()).then(|| Number::read(self.phone.reveal()).key().to_owned())
    }

    /// The key under which the family name is found; personal. `None` without one.
    pub fn name_key(&self) -> Option<String> {
        (!self.name.is_empty()).then(|| name_key(self.name.reveal()))
    }
}

/// A family name free of capitals and of blanks around and between; personal.
pub fn name_key(name: &str) -> String {
    let words: Vec<&str> = name.split_whitespace().collect();
    folded(&words.join(" "))
}

/// A callback request that can be worked on: its fields have passed [`CallbackRequest::checked`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallbackRequest(CallbackFields);

impl CallbackRequest {
    /// Checks the fields.
    ///
    /// # Errors
    /// Every faulty field, in the order of the form.
    pub fn checked(fields: CallbackFields) -> Result<Self, Vec<FieldFault>> {
        let mut faults = Vec::new();
        check_texts(&fields, &mut faults);
        if !fields.email.is_empty() && !is_email(fields.email.reveal()) {
            faults.push(FieldFault::new(
                "email",
                "enter an address such as name@example.org, or leave it empty",
            ));
        }
        if !fields.postal_code.is_empty() && !is_postal_code(fields.postal_code.reveal()) {
            faults.push(FieldFault::new(
                "postal_code",
                "enter the five digits of a German postal code, or leave it empty",
            ));
        }
        if !fields.phone.is_empty() && !is_phone(fields.phone.reveal()) {
            faults.push(FieldFault::new(
                "phone",
                format!(
                    "enter {PHONE_DIGITS_MIN} to {PHONE_DIGITS_MAX} digits; +, (, ), -, / and blanks may stand between them"
                ),
            ));
        }
        if fields.phone.is_empty() && fields.email.is_empty() {
            faults.push(FieldFault::new(
                "phone",
                "enter a telephone number, or an e-mail address in `email`: the citizen must be reachable",
            ));
        }
        if fields.concern.is_empty() {
            faults.push(FieldFault::new(
                "concern",
                "say in a sentence what the citizen wants to know",
            ));
        }
        if faults.is_empty() {
            Ok(Self(fields))
        } else {
            Err(faults)
        }
    }

    /// The fields.
    pub fn fields(&self) -> &CallbackFields {
        &self.0
    }
}

/// Lengths, and characters that no form field holds.
fn check_texts(fields: &CallbackFields, faults: &mut Vec<FieldFault>) {
    let lines: [(&str, &Personal, usize); 9] = [
        ("salutation", &fields.salutation, 30),
        ("name", &fields.name, 100),
        ("first_name", &fields.first_name, 100),
        ("email", &fields.email, 254),
        ("street", &fields.street, 100),
        ("house_number", &fields.house_number, 20),
        ("postal_code", &fields.postal_code, 10),
        ("town", &fields.town, 100),
        ("phone", &fields.phone, 40),
    ];
    for (field, text, most) in lines {
        check_line(field, text.reveal(), most, faults);
    }
    check_text("concern", fields.concern.reveal(), 4000, faults);
}

/// Checks a field of one line: its length in characters, and that it holds no control characters.
pub fn check_line(field: &str, text: &str, most: usize, faults: &mut Vec<FieldFault>) {
    if text.chars().any(char::is_control) {
        faults.push(FieldFault::new(
            field,
            "enter one line without control characters",
        ));
    }
    check_length(field, text, most, faults);
}

/// Checks a field of several lines: its length in characters, and that it holds no other control characters.
pub fn check_text(field: &str, text: &str, most: usize, faults: &mut Vec<FieldFault>) {
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        faults.push(FieldFault::new(field, "enter text without control characters"));
    }
    check_length(field, text, most, faults);
}

fn check_length(field: &str, text: &str, most: usize, faults: &mut Vec<FieldFault>) {
    if text.chars().count() > most {
        faults.push(FieldFault::new(field, format!("shorten it to {most} characters")));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(changes: impl FnOnce(&mut CallbackFields)) -> CallbackFields {
        let mut fields = CallbackFields {
            phone: Personal::new("0221 1234567"),
            concern: Personal::new("Frage zum Bescheid"),
            ..CallbackFields::default()
        };
        changes(&mut fields);
        fields
    }

    fn faulty(fields: CallbackFields) -> Vec<String> {
        match CallbackRequest::checked(fields) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().map(|fault| fault.field).collect(),
        }
    }

    #[test]
    fn a_concern_and_a_way_to_answer_are_enough() {
        assert_eq!(faulty(fields(|_| {})), [""; 0]);
        assert_eq!(
            faulty(fields(|f| {
                f.phone = Personal::default();
                f.email = Personal::new("erika@example.org");
            })),
            [""; 0]
        );
    }

    #[test]
    fn every_fault_is_named_at_once() {
        let faults = faulty(fields(|f| {
            f.email = Personal::new("erika");
            f.postal_code = Personal::new("5066");
            f.phone = Personal::new("zwei");
            f.concern = Personal::new("  ");
            f.name = Personal::new("x".repeat(101));
        }));
        assert_eq!(faults, ["name", "email", "postal_code", "phone", "concern"]);
    }

    #[test]
    fn without_a_way_to_answer_the_phone_is_asked_for() {
        assert_eq!(faulty(fields(|f| f.phone = Personal::default())), ["phone"]);
    }

    #[test]
    fn phones_as_people_write_them() {
        for good in [
            "115",
            "0221 1234567",
            "+49 (0)221 / 123-45 67",
            "(+49) 221 1",
            "0049221123456",
        ] {
            assert_eq!(
                faulty(fields(|f| f.phone = Personal::new(good))),
                [""; 0],
                "{good}"
            );
        }
        for bad in [
            "11",
            "0221+12345",
            "++49 221 123",
            "0221 x 12345",
            "123456789012345678901",
            "()-/",
        ] {
            assert_eq!(
                faulty(fields(|f| f.phone = Personal::new(bad))),
                ["phone"],
                "{bad}"
            );
        }
    }

    #[test]
    fn email_addresses_by_their_shape() {
        for good in ["a@b.de", "vor.nach+x@sub.example.org", "info@köln.de"] {
            assert_eq!(
                faulty(fields(|f| f.email = Personal::new(good))),
                [""; 0],
                "{good}"
            );
        }
        for bad in [
            "a@b",
            "@b.de",
            "a b@c.de",
            "a@b..de",
            "a@@b.de",
            "a@-b.de",
            ".a@b.de",
            "a<b>@c.de",
        ] {
            assert_eq!(
                faulty(fields(|f| f.email = Personal::new(bad))),
                ["email"],
                "{bad}"
            );
        }
    }

    #[test]
    fn control_characters_are_refused_but_lines_of_a_concern_are_not() {
        assert_eq!(
            faulty(fields(|f| f.concern = Personal::new("eins\nzwei"))),
            [""; 0]
        );
        assert_eq!(faulty(fields(|f| f.concern = Personal::new("a\0b"))), ["concern"]);
        assert_eq!(
            faulty(fields(|f| f.town = Personal::new("Köln\nDeutz"))),
            ["town"]
        );
    }

    #[test]
    fn a_fault_repeats_nothing_of_what_was_entered() {
        let faults = CallbackRequest::checked(fields(|f| f.email = Personal::new("Geheim"))).unwrap_err();
        assert!(!format!("{faults:?}").contains("Geheim"));
    }
}
