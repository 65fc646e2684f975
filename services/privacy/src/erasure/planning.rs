//! From a request to the tickets, calls and entries that it is about.

use std::collections::BTreeMap;

use domain::erasure::{ErasureOrder, Mark, MarkHash, MarkKey};
use domain::ids::{EntryId, Identity, TicketId};
use domain::privacy::{GivenMarks, Marks};
use domain::registration::Entry;
use domain::ticket::{TicketState, spoken_ticket_id};
use store::persons::PersonCallPlace;
use tonic::Status;
use wire::v1::privacy as proto;

use super::ErasureParts;
use super::service::store_status;
use crate::about::About;
use crate::calls_of_ticket;

/// Tickets and calls of one request at most.
const NAMED_MAX: usize = 1_000;
/// Calls of a person that are read at once.
const CALLS_A_PAGE: usize = 500;
/// Characters of a reason.
const REASON_LENGTH_MAX: usize = 500;

/// What a request says, checked.
pub(super) struct Asked {
    pub(super) tickets: Vec<TicketId>,
    pub(super) calls: Vec<Identity>,
    pub(super) entries: Vec<EntryId>,
    pub(super) person: Option<Marks>,
    /// The ticket whose person is meant.
    person_of: Option<TicketId>,
    /// As it was said, free of spelling: personal.
    said: Vec<String>,
    pub(super) reason: String,
    pub(super) case: Option<u64>,
    pub(super) key: String,
}

/// What is to be erased.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) tickets: Vec<TicketId>,
    pub(super) calls: Vec<Identity>,
    pub(super) entries: Vec<EntryId>,
    pub(super) rejected: Vec<Identity>,
    pub(super) marks: Vec<MarkHash>,
    /// Of numbers and addresses that others have too.
    pub(super) shared: Vec<MarkHash>,
    /// An entry that was named and is not there: erased by an order of before, or never known.
    pub(super) missing: Option<EntryId>,
    /// Whose all of it is.
    pub(super) about: Vec<About>,
}

impl Asked {
    pub(super) fn of(request: &proto::EraseRequest) -> Result<Self, Status> {
        let refuse = |why: &str| Err(Status::invalid_argument(why.to_owned()));
        let (person, mut said) = person(request)?;
        let person_of = match request.person_of_ticket.trim() {
            "" => None,
            number => match spoken_ticket_id(number) {
                Some(id) => Some(id),
                None => return refuse("person_of_ticket: a number such as T-7K3M-9QXW is expected"),
            },
        };
        if let Some(id) = &person_of {
            said = vec!["the person of".to_owned(), id.to_string()];
        }
        let count = request.ticket_ids.len() + request.call_ids.len() + request.entry_ids.len();
        match (count, &person, &person_of) {
            (0, None, None) => {
                return refuse(
                    "ticket_ids: say what is to be erased: a ticket, a call, an entry, or a person",
                );
            }
            (1.., Some(_), _) | (1.., _, Some(_)) => {
                return refuse("ticket_ids: give tickets, calls and entries, or a person, not both");
            }
            (_, Some(_), Some(_)) => {
                return refuse("person_of_ticket: give a ticket, or what the person is known by, not both");
            }
            _ => {}
        }
        if count > NAMED_MAX {
            return refuse(
                "ticket_ids, call_ids, entry_ids: 1000 together at most; order the others by a second request",
            );
        }
        let reason = request.reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > REASON_LENGTH_MAX {
            return refuse("reason: say why, in 1 to 500 characters and without personal data");
        }
        let mut tickets = Vec::with_capacity(request.ticket_ids.len());
        for said in &request.ticket_ids {
            match spoken_ticket_id(said) {
                Some(id) => tickets.push(id),
                None => return refuse("ticket_ids: a number such as T-7K3M-9QXW is expected"),
            }
        }
        let mut calls = Vec::with_capacity(request.call_ids.len());
        for said in &request.call_ids {
            match Identity::from_hex(said.trim()) {
                Some(identity) => calls.push(identity),
                None => {
                    return refuse("call_ids: the 32 hexadecimal digits of a call's identity are expected");
                }
            }
        }
        let mut entries = Vec::with_capacity(request.entry_ids.len());
        for said in &request.entry_ids {
            // The same 32 digits, of another kind.
            match Identity::from_hex(said.trim()) {
                Some(id) => entries.push(EntryId::new(id.to_hex())),
                None => {
                    return refuse(
                        "entry_ids: the 32 hexadecimal digits of an entry are expected: `privacy find` shows them",
                    );
                }
            }
        }
        entries.sort_unstable();
        entries.dedup();
        tickets.sort_unstable();
        tickets.dedup();
        calls.sort_unstable();
        calls.dedup();
        let key = request.idempotency_key.trim().to_owned();
        if key.chars().count() > 200 {
            return refuse("idempotency_key: 200 characters at most");
        }
        Ok(Self {
            tickets,
            calls,
            entries,
            person,
            person_of,
            said,
            reason,
            case: Some(request.case_number).filter(|case| *case > 0),
            key,
        })
    }

    /// Whether a person is meant, whatever is kept of him or her.
    pub(super) fn is_of_person(&self) -> bool {
        self.person.is_some() || self.person_of.is_some()
    }

    /// A keyed hash of what was asked for: the same for the same request.
    pub(super) fn digest(&self, key: &MarkKey) -> [u8; 32] {
        let tickets = self.tickets.iter().map(ToString::to_string);
        let calls = self.calls.iter().map(|call| call.to_hex());
        let entries = self.entries.iter().map(|entry| format!("entry {entry}"));
        let parts: Vec<String> = tickets
            .chain(calls)
            .chain(entries)
            .chain(self.said.iter().cloned())
            .collect();
        key.digest(&parts)
    }
}

/// The person of a request, if it names one, and what was said, free of spelling.
fn person(request: &proto::EraseRequest) -> Result<(Option<Marks>, Vec<String>), Status> {
    let given = GivenMarks {
        phone: request.phone.clone(),
        email: request.email.clone(),
        name: request.name.clone(),
        first_name: request.first_name.clone(),
        postal_code: request.postal_code.clone(),
    };
    let texts = [
        &given.phone,
        &given.email,
        &given.name,
        &given.first_name,
        &given.postal_code,
    ];
    if texts.iter().all(|text| text.trim().is_empty()) {
        return Ok((None, Vec::new()));
    }
    let marks = Marks::checked(&given).map_err(|fault| Status::invalid_argument(fault.to_string()))?;
    let said = vec![
        marks.phone_keys().join(" "),
        marks.email_key().unwrap_or_default(),
        marks.name_key().unwrap_or_default(),
        given.first_name.trim().to_lowercase(),
        given.postal_code.trim().to_owned(),
    ];
    Ok((Some(marks), said))
}

/// Finds what is to be erased.
pub(super) async fn plan(parts: &ErasureParts, asked: &Asked, key: &MarkKey) -> Result<Plan, Status> {
    match (&asked.person, &asked.person_of) {
        (Some(marks), _) => of_person(parts, marks, key).await,
        (None, Some(id)) => of_person_of(parts, id, key).await,
        (None, None) => of_numbers(parts, asked).await,
    }
}

/// Everything of whoever a ticket is of; of an erased one nobody knows who that was.
async fn of_person_of(parts: &ErasureParts, id: &TicketId, key: &MarkKey) -> Result<Plan, Status> {
    let finder = &parts.finder;
    let marks = finder.marks_of_ticket(id).await;
    if let Some(marks) = marks.map_err(|error| store_status(&error))? {
        return of_person(parts, &marks, key).await;
    }
    let found = parts.tickets.ticket(id).await;
    match found.map_err(|error| store_status(&error))? {
        Some(_) => Ok(Plan::default()),
        None => Err(Status::not_found(format!(
            "person_of_ticket: there is no ticket {id}"
        ))),
    }
}

/// Everything of one person. Whatever may be another person's stays: tickets under another name, and calls of a number that
/// several have, unless they led to one of the tickets.
async fn of_person(parts: &ErasureParts, marks: &Marks, key: &MarkKey) -> Result<Plan, Status> {
    let finder = &parts.finder;
    let found = finder.find(marks).await.map_err(|error| store_status(&error))?;
    if found.incomplete {
        return Err(Status::failed_precondition(
            "name: there are more tickets than one order takes; narrow it down by name or postal code",
        ));
    }
    let (tickets, entries) = match found.persons.as_slice() {
        [] => (Vec::new(), Vec::new()),
        [person] => (
            person.tickets.clone(),
            person.entries.iter().map(|entry| entry.id.clone()).collect(),
        ),
        several => {
            return Err(Status::failed_precondition(format!(
                "name: {} persons are known by this; say which by name and, where that is not enough, postal_code \
                 (`privacy find` shows them), or give the numbers of the tickets",
                several.len()
            )));
        }
    };
    let of_several = found.caller_keys.iter().filter(|key| found.is_shared(key));
    let shared = of_several.flat_map(|key_of| key.hashes(Mark::Number(key_of)));
    let mut plan = Plan {
        calls: tickets.iter().flat_map(calls_of_ticket).collect(),
        tickets: tickets
            .iter()
            .filter(|ticket| ticket.state != TicketState::Erased)
            .map(|ticket| ticket.id.clone())
            .collect(),
        entries,
        shared: shared.collect(),
        about: About::person(marks, found.persons.first()),
        ..Plan::default()
    };
    // A number under which nobody has this name may be somebody else's.
    let numbers: Vec<String> = match tickets.is_empty() && marks.has_name() {
        true => Vec::new(),
        false => found
            .caller_keys
            .iter()
            .filter(|key| !found.is_shared(key))
            .cloned()
            .collect(),
    };
    plan.calls.extend(calls_of_numbers(parts, &numbers).await?);
    for number in &numbers {
        plan.marks.extend(key.hashes(Mark::Number(number)));
    }
    let items = finder
        .rejected_of(marks, &found, found.persons.first(), usize::MAX)
        .await;
    let (items, _) = items.map_err(|error| store_status(&error))?;
    plan.rejected = items.iter().map(|item| item.id).collect();
    plan.tickets.sort_unstable();
    plan.entries.sort_unstable();
    for list in [&mut plan.calls, &mut plan.rejected] {
        list.sort_unstable();
        list.dedup();
    }
    Ok(plan)
}

async fn calls_of_numbers(parts: &ErasureParts, numbers: &[String]) -> Result<Vec<Identity>, Status> {
    let mut calls = Vec::new();
    let mut after = None;
    loop {
        let page = parts.finder.calls_by(numbers, after, CALLS_A_PAGE).await;
        let page = page.map_err(|error| store_status(&error))?;
        calls.extend(page.iter().map(|call| call.identity));
        match page.last() {
            Some(last) if page.len() == CALLS_A_PAGE => after = Some(PersonCallPlace::of(last)),
            _ => return Ok(calls),
        }
    }
}

/// The tickets, calls and entries that were named, and the calls that led to the tickets. What the same person has registered
/// for stays, unless it was named: it is another matter, and a consent of its own.
async fn of_numbers(parts: &ErasureParts, asked: &Asked) -> Result<Plan, Status> {
    let mut plan = Plan::default();
    for id in &asked.tickets {
        let found = parts
            .tickets
            .ticket(id)
            .await
            .map_err(|error| store_status(&error))?;
        let Some(found) = found else {
            return Err(Status::not_found(format!("ticket_ids: there is no ticket {id}")));
        };
        let ticket = found.ticket;
        plan.calls.extend(calls_of_ticket(&ticket));
        // Nothing is left in an erased one that would say whose it was.
        if ticket.state != TicketState::Erased {
            plan.about.push(About::ticket(&ticket));
        }
        plan.tickets.push(ticket.id);
    }
    for call in &asked.calls {
        let known = parts
            .calls
            .call(*call)
            .await
            .map_err(|error| store_status(&error))?;
        let item = parts
            .calls
            .rejected_item(*call)
            .await
            .map_err(|error| store_status(&error))?;
        if known.is_none() && item.is_none() {
            return Err(Status::not_found(format!(
                "call_ids: there is no call {}",
                call.to_hex()
            )));
        }
        if !plan.calls.contains(call) {
            plan.about.push(About::call(*call, known.as_ref()));
        }
    }
    plan.calls.extend(&asked.calls);
    let known = parts.entries.entries_among(asked.entries.clone()).await;
    let known = known.map_err(|error| store_status(&error))?;
    let known: BTreeMap<EntryId, Entry> = known.into_iter().map(|it| (it.id.clone(), it)).collect();
    plan.missing = asked.entries.iter().find(|id| !known.contains_key(*id)).cloned();
    plan.about
        .extend(known.values().map(|entry| About::entry(&entry.fields)));
    plan.entries = known.into_keys().collect();
    plan.calls.sort_unstable();
    plan.calls.dedup();
    Ok(plan)
}

impl Plan {
    /// Whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.tickets.is_empty()
            && self.calls.is_empty()
            && self.entries.is_empty()
            && self.rejected.is_empty()
    }

    /// Whether an order of before covers all of it.
    pub(super) fn is_within(&self, order: &ErasureOrder) -> bool {
        self.tickets.iter().all(|ticket| order.tickets.contains(ticket))
            && self.calls.iter().all(|call| order.calls.contains(call))
            && self.entries.iter().all(|entry| order.entries.contains(entry))
            && self.rejected.iter().all(|item| order.rejected.contains(item))
            && self.marks.iter().all(|mark| order.marks.contains(mark))
    }
}
