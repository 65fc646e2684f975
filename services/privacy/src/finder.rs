//! Tickets, calls and rejected items of a person: the one search behind finding, telling and erasing. Entries of newsletters
//! and events are not among them; `Registrations.FindEntries` finds those.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::ids::{Identity, TicketId};
use domain::numbers::Number;
use domain::personal::Caller;
use domain::privacy::{MarkKind, Marks, Person, persons, phones_of};
use domain::ticket::Ticket;
use store::StoreError;
use store::calls::{CallStore, StoredCall};
use store::persons::{CallsOfNumber, MarkedTickets, PersonCallPlace, PersonCalls, PersonTickets};
use store::rejected::{RejectedItem, RejectedQuery};
use store::tickets::{ListPosition, TicketStore};

/// Tickets that a search looks at, at most.
const TICKETS_MAX: usize = 2000;
/// Rejected items that a search gives, at most.
const REJECTED_MAX: usize = 500;
/// Tickets or items that are read at once.
const AT_ONCE: usize = 500;

/// What the search reads.
#[derive(Clone)]
pub struct Finder {
    /// Tickets by their number.
    pub tickets: Arc<dyn TicketStore>,
    /// Tickets by marks.
    pub person_tickets: Arc<dyn PersonTickets>,
    /// Rejected items.
    pub calls: Arc<dyn CallStore>,
    /// Calls by number.
    pub person_calls: Arc<dyn PersonCalls>,
}

/// What was found of tickets.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// By person; those whose name is known come first.
    pub persons: Vec<Person>,
    /// Keys of numbers to look for calls by. Personal.
    pub phone_keys: Vec<String>,
    /// Those of them that several persons have, or somebody else than the one who was found; whether or not they were asked
    /// for. Personal.
    pub shared: BTreeSet<String>,
    /// Calls by these numbers that led to tickets of others.
    pub others_calls: BTreeSet<Identity>,
    /// There are more tickets.
    pub incomplete: bool,
}

impl Found {
    /// Whether a call is of the person at this place; without tickets of anybody, of whoever has the number.
    pub fn is_of(&self, person: Option<usize>, call: &StoredCall) -> bool {
        let (owner, shared) = self.owner(call);
        owner == person && (owner.is_some() || !shared)
    }

    /// Whose a call is: the place of the person, from 0, and whether several have the number.
    pub fn owner(&self, call: &StoredCall) -> (Option<usize>, bool) {
        if self.others_calls.contains(&call.identity) {
            return (None, true);
        }
        // The telephone system may have delivered another form of the number.
        let is_shared = |key: &String| self.shared.contains(key);
        let shared = number_keys(call).iter().any(is_shared);
        let led_to = |person: &Person| {
            let of = |ticket: &Ticket| calls_of_ticket(ticket).any(|it| it == call.identity);
            person.tickets.iter().any(of)
        };
        let owner = self.persons.iter().position(led_to);
        match owner {
            None if !shared && self.persons.len() == 1 => (Some(0), false),
            owner => (owner, shared),
        }
    }
}

/// The calls that led to a ticket.
pub fn calls_of_ticket(ticket: &Ticket) -> impl Iterator<Item = Identity> + '_ {
    ticket.call.into_iter().chain(ticket.course.calls.iter().copied())
}

/// Every key of the caller's number, and of the one that the house dialled; none without one. Personal.
fn number_keys(call: &StoredCall) -> Vec<String> {
    let Some(record) = call.state.assembled().record else {
        return Vec::new();
    };
    let caller = match &record.caller {
        Some(Caller::Given(text)) => Some(text.reveal()),
        Some(Caller::Withheld) | None => None,
    };
    let dialled = record.dialled_address.as_deref().filter(|_| record.is_outbound());
    let numbers = caller.into_iter().chain(dialled);
    numbers
        .flat_map(|number| Number::read(number).search_keys())
        .collect()
}

impl Finder {
    /// What somebody is known by whose ticket this is; `None` if there is no such ticket, or nothing is left in it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn marks_of_ticket(&self, id: &TicketId) -> Result<Option<Marks>, StoreError> {
        let found = self.tickets.ticket(id).await?;
        let marks = found.map(|found| Marks::of_request(&found.ticket.request));
        Ok(marks.filter(|marks| !marks.is_empty()))
    }

    /// The tickets of whoever is known by the marks, by person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, marks: &Marks) -> Result<Found, StoreError> {
        let (mut tickets, incomplete) = self.tickets_with(marks.ticket_keys()).await?;
        tickets.retain(|ticket| marks.fits(ticket.request.fields()));
        let persons = persons(tickets);
        let mut phone_keys = marks.phone_keys();
        // Of one person every number is known; of several nobody knows whose calls are meant.
        if let [person] = persons.as_slice() {
            phone_keys.extend(person.tickets.iter().flat_map(phones_of));
        }
        phone_keys.sort_unstable();
        phone_keys.dedup();
        let mut found = Found {
            persons,
            phone_keys,
            incomplete,
            ..Found::default()
        };
        self.look_for_others(marks, &mut found).await?;
        Ok(found)
    }

    /// Finds out who else has the numbers.
    async fn look_for_others(&self, marks: &Marks, found: &mut Found) -> Result<(), StoreError> {
        let keys = found.phone_keys.iter().map(|key| (MarkKind::Phone, key.clone()));
        let (tickets, _) = self.tickets_with(keys.collect()).await?;
        let own: BTreeSet<&TicketId> = found
            .persons
            .iter()
            .flat_map(|person| person.tickets.iter().map(|ticket| &ticket.id))
            .collect();
        let others = tickets.iter().filter(|ticket| !own.contains(&ticket.id));
        found.others_calls = others.flat_map(calls_of_ticket).collect();
        let mut holders: BTreeMap<String, usize> = BTreeMap::new();
        // Who names nobody may be anybody: that alone makes a number no shared one.
        for holder in persons(tickets).iter().filter(|person| person.name.is_some()) {
            let is_meant = match found.persons.as_slice() {
                [person] => person.may_be(holder),
                _ => true,
            };
            let numbers: BTreeSet<String> = holder.tickets.iter().flat_map(phones_of).collect();
            for number in numbers {
                // Somebody else is enough to make it another's.
                *holders.entry(number).or_default() += if is_meant { 1 } else { 2 };
            }
        }
        let several = holders.into_iter().filter(|(_, holders)| *holders > 1);
        found.shared = several.map(|(key, _)| key).collect();
        if found.persons.is_empty() && marks.has_name() {
            // Nobody of this name is known to have the number: it may be anybody's.
            found.shared.extend(found.phone_keys.iter().cloned());
        }
        Ok(())
    }

    /// Tickets with any of these keys, and whether there are more of them.
    async fn tickets_with(&self, keys: Vec<(MarkKind, String)>) -> Result<(Vec<Ticket>, bool), StoreError> {
        let mut found: Vec<Ticket> = Vec::new();
        loop {
            let after = found.last().map(|last| ListPosition {
                at: last.created_at,
                id: last.id.clone(),
            });
            let search = MarkedTickets {
                keys: keys.clone(),
                after,
                most: AT_ONCE,
            };
            let page = self.person_tickets.tickets_with(search).await?;
            let is_last = page.len() < AT_ONCE;
            found.extend(page);
            if is_last || found.len() >= TICKETS_MAX {
                return Ok((found, !is_last));
            }
        }
    }

    /// A page of calls by numbers.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn calls_by(
        &self,
        keys: &[String],
        after: Option<PersonCallPlace>,
        most: usize,
    ) -> Result<Vec<StoredCall>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let search = CallsOfNumber {
            keys: keys.to_vec(),
            after,
            most,
        };
        self.person_calls.calls_by(search).await
    }

    /// Open rejected items that hold the marks, and whether there are more of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rejected(&self, marks: &Marks) -> Result<(Vec<RejectedItem>, bool), StoreError> {
        let mut found = Vec::new();
        let mut query = RejectedQuery {
            most: AT_ONCE,
            ..RejectedQuery::default()
        };
        loop {
            let page = self.calls.rejected(query.clone()).await?;
            let is_last = page.len() < AT_ONCE;
            query.after = page.last().map(|last| (last.received_at, last.id));
            let holds = |item: &RejectedItem| {
                marks.are_in_bytes(&item.payload) || marks.are_in_bytes(&item.again.context)
            };
            found.extend(page.into_iter().filter(holds));
            if found.len() > REJECTED_MAX {
                found.truncate(REJECTED_MAX);
                return Ok((found, true));
            }
            if is_last {
                return Ok((found, false));
            }
        }
    }
}
