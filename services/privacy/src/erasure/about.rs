//! Whether what is to be erased for a case is what the case is about.

use std::collections::BTreeSet;

use domain::ids::{Identity, IdentityKey, TicketId};
use domain::privacy::{Case, MarkKind, Marks, Person, email_key, marks_of_ticket};
use domain::procedure::Fields;
use domain::registration::EMAIL;
use domain::ticket::Ticket;
use store::calls::StoredCall;
use tonic::Status;

use super::ErasureParts;
use super::service::store_status;
use crate::calls_of_ticket;
use crate::finder::number_keys;
use crate::rights::mark_hash;

type Keys = BTreeSet<(MarkKind, String)>;

/// Something that is to be erased, and what whoever it is of is known by. Personal.
#[derive(Default)]
pub(super) struct About {
    tickets: Vec<TicketId>,
    call: Option<Identity>,
    keys: Keys,
}

impl About {
    pub(super) fn ticket(ticket: &Ticket) -> Self {
        Self {
            tickets: vec![ticket.id.clone()],
            keys: marks_of_ticket(&ticket.request, &ticket.added),
            ..Self::default()
        }
    }

    pub(super) fn entry(fields: &Fields) -> Self {
        Self {
            keys: keys_of_entry(fields).collect(),
            ..Self::default()
        }
    }

    /// A call that is kept, or a rejected item, of which nobody knows whose it is.
    pub(super) fn call(identity: Identity, kept: Option<&StoredCall>) -> Self {
        let numbers = kept.map(number_keys).unwrap_or_default();
        Self {
            call: Some(identity),
            keys: numbers.into_iter().map(caller_mark).collect(),
            tickets: Vec::new(),
        }
    }

    /// What is kept of a person; and for each mark that was asked by and is not known to be the person's, what it finds.
    pub(super) fn person(marks: &Marks, person: Option<&Person>) -> Vec<Self> {
        let of_person = person.map(|person| {
            let of_tickets = person
                .tickets
                .iter()
                .flat_map(|ticket| marks_of_ticket(&ticket.request, &ticket.added));
            let of_entries = person
                .entries
                .iter()
                .flat_map(|entry| keys_of_entry(&entry.fields));
            Self {
                tickets: person.tickets.iter().map(|ticket| ticket.id.clone()).collect(),
                keys: of_tickets.chain(of_entries).collect(),
                ..Self::default()
            }
        });
        let known = of_person
            .as_ref()
            .map(|about| about.keys.clone())
            .unwrap_or_default();
        let phones: Keys = marks
            .phone_keys()
            .into_iter()
            .map(|key| (MarkKind::Phone, key))
            .collect();
        let email: Keys = marks
            .email_key()
            .map(|key| (MarkKind::Email, key))
            .into_iter()
            .collect();
        let further = [phones, email]
            .into_iter()
            .filter(|keys| !keys.is_empty() && keys.is_disjoint(&known))
            .map(|mut keys| {
                keys.extend(marks.name_key().map(|key| (MarkKind::Name, key)));
                Self {
                    keys,
                    ..Self::default()
                }
            });
        of_person.into_iter().chain(further).collect()
    }

    /// Whether a case that has these calls is about it.
    fn is_of(&self, case: &Case, calls: &BTreeSet<Identity>, key: &IdentityKey) -> bool {
        let is_named = self.tickets.iter().any(|id| case.tickets.contains(id))
            || self.call.is_some_and(|call| calls.contains(&call));
        let hashes = |(kind, text): &(MarkKind, String)| (*kind, mark_hash(key, *kind, text));
        let hashes: Vec<(MarkKind, String)> = self.keys.iter().map(hashes).collect();
        let mut names = hashes
            .iter()
            .filter(|(kind, _)| *kind == MarkKind::Name)
            .peekable();
        // Several may have a number: where both say a name, it has to be the same.
        let may_be = match &case.name {
            Some(name) => names.peek().is_none() || names.any(|(_, hash)| hash == name),
            None => true,
        };
        is_named || (may_be && hashes.iter().any(|(_, hash)| case.marks.contains(hash)))
    }
}

/// A telephone system may deliver an address in place of a number.
fn caller_mark(key: String) -> (MarkKind, String) {
    match key.contains('@') {
        true => (MarkKind::Email, key),
        false => (MarkKind::Phone, key),
    }
}

fn keys_of_entry(fields: &Fields) -> impl Iterator<Item = (MarkKind, String)> {
    let email = fields.get(EMAIL).map(|email| email_key(email.reveal()));
    let email = email.map(|key| (MarkKind::Email, key));
    let phone = fields.phone_key().map(|key| (MarkKind::Phone, key));
    let name = fields.name_key().map(|key| (MarkKind::Name, key));
    [email, phone, name].into_iter().flatten()
}

/// Refuses what is not what the case of an order is about.
///
/// # Errors
/// `FAILED_PRECONDITION` with the remedy.
pub(super) async fn refuse_if_other(
    parts: &ErasureParts,
    number: Option<u64>,
    about: &[About],
) -> Result<(), Status> {
    let Some(kept) = parts.gate.case(number).await? else {
        return Ok(());
    };
    let (number, case) = (kept.number, &kept.case);
    if case.marks.is_empty() && case.tickets.is_empty() {
        return match parts.gate.two_persons {
            false => Ok(()),
            true => Err(Status::failed_precondition(format!(
                "case_number: case {number} does not say about whom it is: open one that says by what the person is known, \
                 or which tickets are meant (privacy case open --phone, --ticket, --about)"
            ))),
        };
    }
    let key = parts.calls.identity_key().await;
    let key = key.map_err(|error| store_status(&error))?;
    let mut calls = BTreeSet::new();
    for id in &case.tickets {
        let found = parts.tickets.ticket(id).await;
        if let Some(found) = found.map_err(|error| store_status(&error))? {
            calls.extend(calls_of_ticket(&found.ticket));
        }
    }
    match about.iter().all(|about| about.is_of(case, &calls, &key)) {
        true => Ok(()),
        false => Err(Status::failed_precondition(format!(
            "case_number: case {number} is about somebody else: name the case of this person, or open one that says by \
             what the person is known, or which tickets are meant (privacy case open --phone, --ticket, --about)"
        ))),
    }
}
