//! What a person is known by: telephone number, e-mail address, name.

use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

use crate::named::named;
use crate::numbers::Number;
use crate::personal::Personal;
use crate::procedure::{CheckedRequest, Fields, name_key};
use crate::text::words;
use crate::ticket::AddedConcern;

/// Fields of requests that hold a telephone number of the citizen.
pub(super) const PHONES: [&str; 3] = ["phone", "mobile", "fax"];
/// Characters of a mark at most.
const LENGTH_MAX: usize = 200;

named! {
    /// A way in which a person is known.
    MarkKind {
        /// By a telephone number.
        Phone = "phone",
        /// By an e-mail address.
        Email = "email",
        /// By the family name.
        Name = "name",
    }
}

/// What somebody says that a person is known by; what was not given is empty. Personal.
#[derive(Clone, Default)]
pub struct GivenMarks {
    /// A telephone number, in any spelling.
    pub phone: String,
    /// An e-mail address.
    pub email: String,
    /// The family name.
    pub name: String,
    /// The first name.
    pub first_name: String,
    /// The postal code of the home.
    pub postal_code: String,
}

/// Why a person cannot be searched for, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MarkFault {
    /// Nothing was given.
    #[error("phone: say by what the person is known: give phone, email or name, or ticket_id")]
    Nothing,
    /// A first name or a postal code alone fits too many.
    #[error("name: with first_name or postal_code, give the family name too")]
    NoFamilyName,
    /// It has no digit.
    #[error("phone: this is no telephone number; give its digits, in any spelling")]
    NoNumber,
    /// It has no `@`.
    #[error("email: this is no e-mail address; give one such as name@example.org")]
    NoAddress,
    /// It is longer than anything that is known.
    #[error("{0}: shorten it to 200 characters")]
    TooLong(&'static str),
}

/// What a person is known by: a number or an address, or both; the name narrows them down, or stands alone. Personal:
/// not for logs.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Marks {
    phone: Option<Personal>,
    email: Option<Personal>,
    name: Option<Personal>,
    first_name: Option<Personal>,
    postal_code: Option<Personal>,
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = [
            ("phone", &self.phone),
            ("email", &self.email),
            ("name", &self.name),
            ("first_name", &self.first_name),
            ("postal_code", &self.postal_code),
        ];
        let names = given.iter().filter(|(_, mark)| mark.is_some());
        let names: Vec<&str> = names.map(|(name, _)| *name).collect();
        write!(f, "<personal, {}>", names.join(", "))
    }
}

/// The key under which an e-mail address is found: personal.
pub fn email_key(address: &str) -> String {
    address.trim().to_lowercase()
}

impl Marks {
    /// Checks what was given.
    ///
    /// # Errors
    /// [`MarkFault`] that names the field and the remedy.
    pub fn checked(given: &GivenMarks) -> Result<Self, MarkFault> {
        let mark = |field: &'static str, text: &str| match text.chars().count() > LENGTH_MAX {
            true => Err(MarkFault::TooLong(field)),
            false => Ok(Some(Personal::new(text)).filter(|text| !text.is_empty())),
        };
        let marks = Self {
            phone: mark("phone", &given.phone)?,
            email: mark("email", &given.email)?,
            name: mark("name", &given.name)?,
            first_name: mark("first_name", &given.first_name)?,
            postal_code: mark("postal_code", &given.postal_code)?,
        };
        if let Some(phone) = &marks.phone
            && matches!(Number::read(phone.reveal()), Number::NotANumber(_))
        {
            return Err(MarkFault::NoNumber);
        }
        if marks
            .email
            .as_ref()
            .is_some_and(|email| !email.reveal().contains('@'))
        {
            return Err(MarkFault::NoAddress);
        }
        if marks.name.is_none() && (marks.first_name.is_some() || marks.postal_code.is_some()) {
            return Err(MarkFault::NoFamilyName);
        }
        match marks.is_empty() {
            true => Err(MarkFault::Nothing),
            false => Ok(marks),
        }
    }

    /// What a request says about the citizen.
    pub fn of_request(request: &CheckedRequest) -> Self {
        let fields = request.fields();
        let name = fields.get("name").cloned();
        Self {
            phone: PHONES.iter().find_map(|field| fields.get(field)).cloned(),
            email: fields.get("email").cloned(),
            first_name: fields.get("first_name").filter(|_| name.is_some()).cloned(),
            postal_code: None,
            name,
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.phone.is_none() && self.email.is_none() && self.name.is_none()
    }

    /// Whether a name says which of several persons is meant.
    pub fn has_name(&self) -> bool {
        self.name.is_some()
    }

    /// Whether nothing but the name is known, which many have.
    pub fn is_name_only(&self) -> bool {
        self.phone.is_none() && self.email.is_none()
    }

    /// Every key that the number is found under, in any spelling; none without a number.
    pub fn phone_keys(&self) -> Vec<String> {
        let keys = |phone: &Personal| Number::read(phone.reveal()).search_keys();
        self.phone.as_ref().map(keys).unwrap_or_default()
    }

    /// The key that the address is found under.
    pub fn email_key(&self) -> Option<String> {
        self.email.as_ref().map(|email| email_key(email.reveal()))
    }

    /// The key that the family name is found under.
    pub fn name_key(&self) -> Option<String> {
        self.name.as_ref().map(|name| name_key(name.reveal()))
    }

    /// The key of the first name.
    pub fn first_name_key(&self) -> Option<String> {
        self.first_name.as_ref().map(|name| name_key(name.reveal()))
    }

    /// What tickets are looked for by: a number or an address where one is given, else the name.
    pub fn ticket_keys(&self) -> Vec<(MarkKind, String)> {
        let mut keys: Vec<(MarkKind, String)> = Vec::new();
        keys.extend(self.phone_keys().into_iter().map(|key| (MarkKind::Phone, key)));
        keys.extend(self.email_key().map(|key| (MarkKind::Email, key)));
        if keys.is_empty() {
            keys.extend(self.name_key().map(|key| (MarkKind::Name, key)));
        }
        keys
    }

    /// Whether a ticket that was found by one of the keys is of somebody with this name; without a name, of anybody.
    pub fn fits(&self, fields: &Fields) -> bool {
        let same = |wanted: &Option<Personal>, field: &str| match wanted {
            None => true,
            Some(wanted) => name_key(wanted.reveal()) == name_key(fields.text(field)),
        };
        // Where the ticket does not say, it may be the one.
        let same_if_said =
            |wanted: &Option<Personal>, field: &str| fields.get(field).is_none() || same(wanted, field);
        same(&self.name, "name")
            && same_if_said(&self.first_name, "first_name")
            && same_if_said(&self.postal_code, "postal_code")
    }

    /// Whether an entry that was found by one of the keys is of somebody with this name. What names nobody, such as a
    /// subscription to a newsletter, is of whoever has the address.
    pub fn fits_entry(&self, fields: &Fields) -> bool {
        fields.get("name").is_none() || self.fits(fields)
    }

    /// Whether a text has the name in it, as far as it is known.
    pub fn is_named_in(&self, text: &str) -> bool {
        let named = [&self.name, &self.first_name, &self.postal_code];
        let text = words(text);
        self.name.is_some()
            && named
                .into_iter()
                .flatten()
                .all(|mark| words_are_in(&words(mark.reveal()), &text))
    }

    /// The same with the family name of whoever was found, where none is known.
    #[must_use]
    pub fn or_named(&self, name: Option<&Personal>) -> Self {
        Self {
            name: self.name.clone().or_else(|| name.cloned()),
            ..self.clone()
        }
    }
}

fn words_are_in(wanted: &[String], text: &[String]) -> bool {
    !wanted.is_empty() && text.windows(wanted.len()).any(|window| window == wanted)
}

/// What a ticket is found by: every number and address in it, and the name. Personal.
pub fn marks_of_ticket(request: &CheckedRequest, added: &[AddedConcern]) -> BTreeSet<(MarkKind, String)> {
    let fields = request.fields();
    let phones = PHONES
        .iter()
        .filter_map(|field| fields.get(field))
        .chain(added.iter().filter_map(|added| added.phone.as_ref()));
    let emails = fields
        .get("email")
        .into_iter()
        .chain(added.iter().filter_map(|added| added.email.as_ref()));
    let mut marks: BTreeSet<(MarkKind, String)> = phones
        .map(|phone| (MarkKind::Phone, Number::read(phone.reveal()).key().to_owned()))
        .collect();
    marks.extend(emails.map(|email| (MarkKind::Email, email_key(email.reveal()))));
    marks.extend(fields.name_key().map(|key| (MarkKind::Name, key)));
    marks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::as_text;

    fn marks(phone: &str, email: &str, name: &str) -> Marks {
        Marks::checked(&GivenMarks {
            phone: phone.to_owned(),
            email: email.to_owned(),
            name: name.to_owned(),
            ..GivenMarks::default()
        })
        .unwrap()
    }

    #[test]
    fn what_is_missing_or_no_mark_is_named() {
        let fault = |given: GivenMarks| Marks::checked(&given).unwrap_err();
        assert_eq!(fault(GivenMarks::default()), MarkFault::Nothing);
        let first_name = GivenMarks {
            first_name: "Erika".to_owned(),
            ..GivenMarks::default()
        };
        assert_eq!(fault(first_name), MarkFault::NoFamilyName);
        let phone = GivenMarks {
            phone: "Erika".to_owned(),
            ..GivenMarks::default()
        };
        assert_eq!(fault(phone), MarkFault::NoNumber);
        let email = GivenMarks {
            email: "Erika".to_owned(),
            ..GivenMarks::default()
        };
        assert_eq!(fault(email), MarkFault::NoAddress);
    }

    #[test]
    fn debug_shows_what_kinds_are_given_and_none_of_it() {
        let shown = format!("{:?}", marks("0221 4710123", "e@example.org", "Groß"));
        assert_eq!(shown, "<personal, phone, email, name>");
    }

    #[test]
    fn a_name_narrows_a_number_down_and_is_looked_for_alone() {
        let kinds = |marks: &Marks| -> BTreeSet<MarkKind> {
            marks.ticket_keys().into_iter().map(|(kind, _)| kind).collect()
        };
        assert_eq!(
            kinds(&marks("0221 4710123", "", "Groß")),
            [MarkKind::Phone].into()
        );
        assert_eq!(kinds(&marks("", "", "Groß")), [MarkKind::Name].into());
        let wanted = marks("0221 4710123", "", "GROSS");
        assert!(wanted.fits(&Fields::of([("name", "Groß")])));
        assert!(!wanted.fits(&Fields::of([("name", "Klein")])));
        assert!(!wanted.fits(&Fields::of([("concern", "ohne Namen")])));
    }

    #[test]
    fn names_are_seen_within_lines_of_any_encoding() {
        let groß = marks("", "", "Groß");
        assert!(groß.is_named_in(&as_text(b"Frau Gro\xdf;K\xf6ln")));
        assert!(!groß.is_named_in("Großmann"));
    }
}
