//! What is put right in a ticket: the fields of its request, and what the citizen said in later calls.

use super::{AddedConcern, NOTE_LENGTH_MAX, Ticket};
use crate::ids::FieldId;
use crate::personal::Personal;
use crate::procedure::{CheckedRequest, FaultCode, FieldFault, Procedure};

/// The begin of the name of such a field.
const ADDED: &str = "added";

/// What to enter instead of a name that is none of such a field.
const NO_SUCH_ADDED: &str = "leave it out: of what was said in later calls there are added.N.concern, added.N.phone and \
                             added.N.email, the first one being added.1";

/// Whether somebody meant such a field: the name can be told then, it is not what else was typed there.
fn is_like_added(name: &str) -> bool {
    let is_short_word = |part: &str| {
        part.len() <= 20
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let rest = name.strip_prefix(ADDED).and_then(|rest| rest.strip_prefix('.'));
    rest.is_some_and(|rest| rest.len() <= 40 && rest.split('.').all(is_short_word))
}

/// A part of a concern that was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddedPart {
    /// What the citizen wants.
    Concern,
    /// Another telephone number.
    Phone,
    /// Another e-mail address.
    Email,
}

/// A field of a concern that was added: `added.2.phone` is the number of the second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddedField {
    /// Its place, from 0.
    pub place: usize,
    /// Which part.
    pub part: AddedPart,
}

impl AddedPart {
    /// The field of the request that it is like.
    fn name(self) -> &'static str {
        match self {
            Self::Concern => "concern",
            Self::Phone => "phone",
            Self::Email => "email",
        }
    }
}

impl AddedField {
    /// Reads the name of a field; `None` if it is none of an added concern.
    pub fn named(name: &str) -> Option<Self> {
        let mut parts = name.split('.');
        if parts.next() != Some(ADDED) {
            return None;
        }
        let number: usize = parts.next()?.parse().ok()?;
        let part = match parts.next()? {
            "concern" => AddedPart::Concern,
            "phone" => AddedPart::Phone,
            "email" => AddedPart::Email,
            _ => return None,
        };
        let place = number.checked_sub(1)?;
        let is_whole = parts.next().is_none();
        is_whole.then_some(Self { place, part })
    }

    /// What it says.
    pub fn of(self, added: &[AddedConcern]) -> Option<&Personal> {
        let concern = added.get(self.place)?;
        match self.part {
            AddedPart::Concern => Some(&concern.concern),
            AddedPart::Phone => concern.phone.as_ref(),
            AddedPart::Email => concern.email.as_ref(),
        }
    }
}

/// What a ticket says once it is put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// Its request.
    pub request: CheckedRequest,
    /// What was said in later calls.
    pub added: Vec<AddedConcern>,
    /// Fields that say something else than before.
    pub fields: Vec<FieldId>,
}

impl Right {
    /// Sets a field without asking the rules; an empty text takes it away. What an older state does not have is left out.
    pub(super) fn set(&mut self, field: FieldId, text: Personal) {
        let Some(AddedField { place, part }) = AddedField::named(field.as_str()) else {
            self.request.set(field, text);
            return;
        };
        let Some(concern) = self.added.get_mut(place) else {
            return;
        };
        let given = (!text.is_empty()).then_some(text);
        match (part, given) {
            (AddedPart::Concern, Some(text)) => concern.concern = text,
            (AddedPart::Concern, None) => {}
            (AddedPart::Phone, given) => concern.phone = given,
            (AddedPart::Email, given) => concern.email = given,
        }
    }
}

/// Checks what is right by the rules of the procedure; an empty text takes a field away.
///
/// # Errors
/// Every faulty field; also if nothing would be another.
pub fn put_right(
    ticket: &Ticket,
    procedure: &Procedure,
    changes: &[(FieldId, Personal)],
) -> Result<Right, Vec<FieldFault>> {
    let is_added = |id: &FieldId| AddedField::named(id.as_str()).is_some();
    let (of_added, others): (Vec<_>, Vec<_>) = changes.iter().cloned().partition(|(id, _)| is_added(id));
    let (astray, of_request): (Vec<_>, Vec<_>) =
        others.into_iter().partition(|(id, _)| is_like_added(id.as_str()));
    let mut right = Right {
        request: ticket.request.clone(),
        added: ticket.added.clone(),
        fields: Vec::new(),
    };
    let mut faults: Vec<FieldFault> = astray
        .iter()
        .map(|(id, _)| FieldFault::of(id.as_str(), FaultCode::Undeclared, NO_SUCH_ADDED))
        .collect();
    if !of_request.is_empty() {
        match procedure.rectified(&ticket.request, &of_request) {
            Ok((request, fields)) => (right.request, right.fields) = (request, fields),
            Err(faulty) => faults.extend(faulty),
        }
    }
    for (id, text) in &of_added {
        let Some(field) = AddedField::named(id.as_str()) else {
            continue;
        };
        match field.put(&mut right.added, text, &ticket.request, procedure) {
            Ok(()) if field.of(&ticket.added) != field.of(&right.added) => right.fields.push(id.clone()),
            Ok(()) => {}
            Err((code, remedy)) => faults.push(FieldFault::of(id.as_str(), code, remedy)),
        }
    }
    if faults.is_empty() && right.fields.is_empty() {
        faults.push(FieldFault::of(
            "fields",
            FaultCode::Required,
            "give what is right: the ticket says all of that already",
        ));
    }
    match faults.is_empty() {
        true => Ok(right),
        false => Err(faults),
    }
}

/// What is wrong with a text, and what to enter instead.
type Wrong = (FaultCode, String);

impl AddedField {
    /// Puts it right, or says what is wrong with the text.
    fn put(
        self,
        added: &mut [AddedConcern],
        text: &Personal,
        request: &CheckedRequest,
        procedure: &Procedure,
    ) -> Result<(), Wrong> {
        let count = added.len();
        let concern = added.get_mut(self.place).ok_or_else(|| {
            let remedy = format!("there are {count} added concerns; the first one is added.1");
            (FaultCode::Undeclared, remedy)
        })?;
        let text = Personal::new(text.reveal().trim());
        let given = (!text.reveal().is_empty()).then(|| text.clone());
        if given.is_some() {
            self.check(&text, request, procedure)?;
        }
        match self.part {
            AddedPart::Concern if given.is_none() => {
                return Err((FaultCode::Required, "say what the citizen wants".to_owned()));
            }
            AddedPart::Concern => concern.concern = text,
            AddedPart::Phone => concern.phone = given,
            AddedPart::Email => concern.email = given,
        }
        Ok(())
    }

    /// What was said later follows the rules of what was said first.
    fn check(self, text: &Personal, request: &CheckedRequest, procedure: &Procedure) -> Result<(), Wrong> {
        let name = self.part.name();
        if procedure.field(name).is_none() {
            return match (self.part, text.reveal().chars().count() <= NOTE_LENGTH_MAX) {
                (AddedPart::Concern, true) => Ok(()),
                (AddedPart::Concern, false) => Err((
                    FaultCode::TooLong,
                    format!("{NOTE_LENGTH_MAX} characters at most"),
                )),
                _ => Err((
                    FaultCode::Undeclared,
                    "leave it out: the procedure has no such field".to_owned(),
                )),
            };
        }
        let alike = [(FieldId::new(name), text.clone())];
        let faults = procedure.rectified(request, &alike).err().unwrap_or_default();
        match faults.into_iter().find(|fault| fault.field == name) {
            Some(fault) => Err((fault.code, fault.remedy)),
            None => Ok(()),
        }
    }
}

impl Ticket {
    /// What a field of the request or of an added concern says; `None` where there is nothing.
    pub fn says(&self, field: &FieldId) -> Option<&Personal> {
        match AddedField::named(field.as_str()) {
            Some(field) => field.of(&self.added),
            None => self.request.fields().get(field.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_an_added_concern_is_named_by_its_number() {
        let second = AddedField {
            place: 1,
            part: AddedPart::Phone,
        };
        assert_eq!(AddedField::named("added.2.phone"), Some(second));
        for other in [
            "concern",
            "added",
            "added.0.phone",
            "added.x.phone",
            "added.1",
            "added.1.name",
            "added.1.phone.x",
        ] {
            assert_eq!(AddedField::named(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_that_is_nearly_one_of_an_added_concern_is_told() {
        for name in ["added.0.concern", "added.1.name", "added.1", "added.x.phone"] {
            assert!(is_like_added(name), "{name}");
        }
        let long = format!("added.{}", "a.".repeat(30));
        for other in ["added", "added_1", "concern", "added.Erika Groß", long.as_str()] {
            assert!(!is_like_added(other), "{other}");
        }
    }
}
