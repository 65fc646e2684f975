//! Whether what is to be done for a case is about whom the case is about.
//!
//! A number is a household's, a name is many people's: whoever shares one of them with the person of a case is somebody else.
//! What a case and an act say decides it; where they do not say enough, only one person may come into question.

use std::collections::BTreeSet;

use domain::ids::{Identity, IdentityKey, TicketId};
use domain::numbers::Number;
use domain::personal::Personal;
use domain::privacy::{
    Case, Likeness, MarkKind, Marks, NameHashes, Person, contact_keys, email_key, marks_of_ticket,
};
use domain::procedure::{Fields, name_key};
use domain::registration::EMAIL;
use domain::ticket::Ticket;
use store::StoreError;
use store::calls::StoredCall;
use store::cases::KeptCase;
use tonic::Status;

use crate::finder::{Finder, calls_of_ticket, number_keys};
use crate::rights::{mark_hash, name_hashes, refused};

type Keys = BTreeSet<(MarkKind, String)>;

/// Something that an act is about, and what whoever it is of is known by. Personal.
#[derive(Default)]
pub(crate) struct About {
    tickets: Vec<TicketId>,
    call: Option<Identity>,
    /// Numbers and addresses.
    contacts: Keys,
    name: Option<String>,
    first_name: Option<String>,
}

/// How something stands to a case.
enum Standing {
    /// It is of the person of the case.
    Own,
    /// It is of somebody else, or nothing tells.
    Others,
    /// The case says nothing but a name, and it is of somebody with numbers or addresses.
    NameOnly,
    /// Several come into question.
    OneOfSeveral,
}

impl About {
    pub(crate) fn ticket(ticket: &Ticket) -> Self {
        Self {
            tickets: vec![ticket.id.clone()],
            contacts: contacts_of_ticket(ticket),
            ..Self::called(ticket.request.fields())
        }
    }

    pub(crate) fn entry(fields: &Fields) -> Self {
        let email = fields.get(EMAIL).map(|email| email_key(email.reveal()));
        let email = email.map(|key| (MarkKind::Email, key));
        let phone = fields.phone_key().map(|key| (MarkKind::Phone, key));
        Self {
            contacts: [email, phone].into_iter().flatten().collect(),
            ..Self::called(fields)
        }
    }

    /// A call that is kept, or a rejected item, of which nobody knows whose it is.
    pub(crate) fn call(identity: Identity, kept: Option<&StoredCall>) -> Self {
        let numbers = kept.map(number_keys).unwrap_or_default();
        Self {
            call: Some(identity),
            contacts: numbers.into_iter().map(caller_mark).collect(),
            ..Self::default()
        }
    }

    /// What is kept of a person; and for each mark that was asked by and is not known to be the person's, what it finds.
    pub(crate) fn person(marks: &Marks, person: Option<&Person>) -> Vec<Self> {
        let of_person = person.map(|person| Self {
            tickets: person.tickets.iter().map(|ticket| ticket.id.clone()).collect(),
            contacts: contact_keys(person),
            name: key_of(person.name.as_ref()),
            first_name: key_of(person.first_name.as_ref()),
            ..Self::default()
        });
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
        let is_unknown = |keys: &Keys| {
            let known = of_person.as_ref().map(|about| &about.contacts);
            !keys.is_empty() && known.is_none_or(|known| keys.is_disjoint(known))
        };
        let further: Vec<Self> = [phones, email]
            .into_iter()
            .filter(is_unknown)
            .map(|contacts| Self {
                contacts,
                name: marks.name_key(),
                first_name: marks.first_name_key(),
                ..Self::default()
            })
            .collect();
        of_person.into_iter().chain(further).collect()
    }

    fn called(fields: &Fields) -> Self {
        Self {
            name: fields.name_key(),
            first_name: key_of(fields.get("first_name")),
            ..Self::default()
        }
    }
}

fn key_of(name: Option<&Personal>) -> Option<String> {
    name.map(|name| name_key(name.reveal()))
}

fn contacts_of_ticket(ticket: &Ticket) -> Keys {
    let mut marks = marks_of_ticket(&ticket.request, &ticket.added);
    marks.retain(|(kind, _)| *kind != MarkKind::Name);
    marks
}

/// A telephone system may deliver an address in place of a number.
fn caller_mark(key: String) -> (MarkKind, String) {
    match key.contains('@') {
        true => (MarkKind::Email, key),
        false => (MarkKind::Phone, key),
    }
}

/// Every form that a mark is found under.
fn forms((kind, key): &(MarkKind, String)) -> Keys {
    let mut forms: Keys = [(*kind, key.clone())].into();
    if *kind == MarkKind::Phone {
        let further = Number::read(key).search_keys();
        forms.extend(further.into_iter().map(|key| (MarkKind::Phone, key)));
    }
    forms
}

/// A case, and what it takes to find out who comes into question.
struct Looking<'a> {
    finder: &'a Finder,
    key: &'a IdentityKey,
    case: &'a Case,
    /// Those that led to its tickets.
    calls: BTreeSet<Identity>,
}

impl Looking<'_> {
    fn is_marked(&self, (kind, text): &(MarkKind, String)) -> bool {
        self.case.marks.contains(&mark_hash(self.key, *kind, text))
    }

    async fn standing(&self, about: &About) -> Result<Standing, StoreError> {
        let is_named = about.tickets.iter().any(|id| self.case.tickets.contains(id))
            || about.call.is_some_and(|call| self.calls.contains(&call));
        if is_named {
            return Ok(Standing::Own);
        }
        let names = name_hashes(self.key, about.name.as_deref(), about.first_name.as_deref());
        let likeness = names.likeness(&self.case.names());
        if likeness == Likeness::Other {
            return Ok(Standing::Others);
        }
        let contacts: Vec<_> = about
            .contacts
            .iter()
            .filter(|mark| self.is_marked(mark))
            .collect();
        if !contacts.is_empty() && likeness == Likeness::Same {
            return Ok(Standing::Own);
        }
        if !contacts.is_empty() {
            return self.among(contacts.into_iter().flat_map(forms), &names).await;
        }
        let name = about.name.clone().map(|name| (MarkKind::Name, name));
        match name.filter(|mark| self.is_marked(mark)) {
            None => Ok(Standing::Others),
            Some(_) if !about.contacts.is_empty() => Ok(Standing::NameOnly),
            Some(mark) => self.among([mark], &names).await,
        }
    }

    /// Who may be meant of those that are found by a mark.
    async fn among(
        &self,
        marks: impl IntoIterator<Item = (MarkKind, String)>,
        names: &NameHashes,
    ) -> Result<Standing, StoreError> {
        let holders = self.finder.holders(marks.into_iter().collect()).await?;
        let of_case = self.case.names();
        let mut called: Vec<NameHashes> = holders
            .iter()
            .filter(|holder| holder.name.is_some())
            .map(|holder| {
                let first = key_of(holder.first_name.as_ref());
                name_hashes(
                    self.key,
                    key_of(holder.name.as_ref()).as_deref(),
                    first.as_deref(),
                )
            })
            .collect();
        // What names nobody may be of everybody there.
        if names.family.is_some() {
            called.retain(|holder| holder.likeness(&of_case) != Likeness::Other);
        }
        Ok(match called.as_slice() {
            [] => Standing::Own,
            [one] => {
                let is_another = |names: &NameHashes| one.likeness(names) == Likeness::Other;
                match is_another(names) || is_another(&of_case) {
                    true => Standing::Others,
                    false => Standing::Own,
                }
            }
            _ => Standing::OneOfSeveral,
        })
    }
}

/// Refuses what is not what a case is about. A case that says nothing about whom it is may be about anybody.
///
/// # Errors
/// `FAILED_PRECONDITION` with the remedy.
pub(crate) async fn refuse_if_other(
    finder: &Finder,
    key: &IdentityKey,
    kept: &KeptCase,
    about: &[About],
) -> Result<(), Status> {
    let (number, case) = (kept.number, &kept.case);
    if !case.has_subject() {
        return Ok(());
    }
    let mut looking = Looking {
        finder,
        key,
        case,
        calls: BTreeSet::new(),
    };
    for id in &case.tickets {
        let found = finder.tickets.ticket(id).await;
        if let Some(found) = found.map_err(|error| refused(&error))? {
            looking.calls.extend(calls_of_ticket(&found.ticket));
        }
    }
    for about in about {
        let standing = looking.standing(about).await;
        let why = match standing.map_err(|error| refused(&error))? {
            Standing::Own => continue,
            Standing::Others => {
                "is about somebody else: name the case of this person, or open one that says by what the person is known, \
                 or which tickets are meant (privacy case open --ticket, --about, or --phone with --name and --first-name)"
            }
            Standing::NameOnly => {
                "says nothing but a name, which others may have too: open one that names a ticket of the person, or a \
                 number or an address with the name (privacy case open --ticket, or --phone with --name and --first-name)"
            }
            Standing::OneOfSeveral => {
                "does not say which of several persons it is about: open one that names a ticket of the person, or the \
                 name too (privacy case open --ticket, or --phone with --name and --first-name)"
            }
        };
        return Err(Status::failed_precondition(format!(
            "case_number: case {number} {why}"
        )));
    }
    Ok(())
}
