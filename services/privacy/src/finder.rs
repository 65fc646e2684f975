//! Tickets, entries, calls and rejected items of a person: the one search behind finding, telling and erasing.
//!
//! An entry that names nobody, such as a subscription, is of whoever has its address: of a person whose address it is alone.
//! Where somebody else has it too, nobody knows whose it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::erasure::Suppression;
use domain::ids::{Identity, TicketId};
use domain::numbers::Number;
use domain::personal::Caller;
use domain::privacy::{
    MarkKind, Marks, Person, Traces, apart_by_contact, as_text, contact_keys, email_key, emails_of, persons,
    phones_of,
};
use domain::registration::{EMAIL, Entry, EntryState};
use domain::ticket::Ticket;
use store::StoreError;
use store::calls::{CallStore, StoredCall};
use store::persons::{
    CallsOfNumber, MarkedEntries, MarkedTickets, PersonCallPlace, PersonCalls, PersonEntries, PersonTickets,
    WaitingMail, WaitingMails,
};
use store::rejected::{RejectedItem, RejectedQuery};
use store::tickets::{ListPosition, TicketStore};

/// Tickets, and entries, that a search looks at, at most.
const TICKETS_MAX: usize = 2000;
/// Mails to a person that are looked at, at most: there is one for each form that was sent.
const MAILS_MAX: usize = 500;
/// Rejected items that a search gives, at most.
pub(crate) const REJECTED_MAX: usize = 500;
/// Tickets or items that are read at once.
const AT_ONCE: usize = 500;
/// A shorter id of a call may be anything in a line.
const TELLING_CALL_ID: usize = 6;

/// What the search reads.
#[derive(Clone)]
pub struct Finder {
    /// Tickets by their number.
    pub tickets: Arc<dyn TicketStore>,
    /// Tickets by marks.
    pub person_tickets: Arc<dyn PersonTickets>,
    /// Entries by marks.
    pub person_entries: Arc<dyn PersonEntries>,
    /// Rejected items.
    pub calls: Arc<dyn CallStore>,
    /// Calls by number.
    pub person_calls: Arc<dyn PersonCalls>,
    /// What was erased: a number that others had too stays one of several.
    pub suppression: Arc<dyn Fn() -> Arc<Suppression> + Send + Sync>,
}

/// What was found of tickets and entries.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// By person; those whose name is known come first.
    pub persons: Vec<Person>,
    /// Keys to look for calls by: of numbers, and of addresses, which a telephone system delivers in their place. Personal.
    pub caller_keys: Vec<String>,
    /// Those of them that several persons have, or somebody else than the one who was found; whether or not they were asked
    /// for. Personal.
    pub shared: BTreeSet<String>,
    /// Calls by these numbers that led to tickets of others.
    pub others_calls: BTreeSet<Identity>,
    /// Entries that name nobody, of an address that somebody else has too: nobody knows whose they are.
    pub entries_left: u32,
    /// There are more tickets, or entries.
    pub incomplete: bool,
}

impl Found {
    /// Whether a call is of the person at this place; without tickets of anybody, of whoever has the number.
    pub fn is_of(&self, person: Option<usize>, call: &StoredCall) -> bool {
        let (owner, shared) = self.owner(call);
        owner == person && (owner.is_some() || !shared)
    }

    /// Whether several have a number or an address: a key may be another form of theirs.
    pub fn is_shared(&self, key: &str) -> bool {
        let forms = Number::read(key).search_keys();
        self.shared.contains(key) || forms.iter().any(|form| self.shared.contains(form))
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

fn email_marks(addresses: BTreeSet<String>) -> Vec<(MarkKind, String)> {
    addresses
        .into_iter()
        .map(|address| (MarkKind::Email, address))
        .collect()
}

/// Whether one of these mails tells of an entry: that which asks for its confirmation, or any other to the same address once
/// it holds.
pub(crate) fn mail_tells_of(mails: &[WaitingMail], entry: &Entry) -> bool {
    let address = email_key(entry.fields.text(EMAIL));
    mails.iter().any(|mail| {
        let is_to_it = mail
            .recipient
            .as_ref()
            .is_some_and(|to| email_key(to.reveal()) == address);
        let is_about_it = mail.registration.as_ref() == Some(&entry.registration);
        mail.procedure == entry.procedure && is_to_it && (is_about_it || entry.state == EntryState::Confirmed)
    })
}

/// The calls that led to a ticket.
pub fn calls_of_ticket(ticket: &Ticket) -> impl Iterator<Item = Identity> + '_ {
    ticket.call.into_iter().chain(ticket.course.calls.iter().copied())
}

/// Every key of the caller's number, and of the one that the house dialled; none without one. Personal.
pub(crate) fn number_keys(call: &StoredCall) -> Vec<String> {
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

/// Whether anything that was delivered says something.
fn says(item: &RejectedItem, holds: impl Fn(&[u8]) -> bool) -> bool {
    holds(&item.payload) || holds(&item.again.context)
}

/// Whether an item of the same feed names a call by its id, as a word of its own.
fn names(item: &RejectedItem, call: &StoredCall) -> bool {
    let Some(id) = call.call_id.as_ref().map(|id| id.as_str().as_bytes()) else {
        return false;
    };
    if item.source != call.source || id.len() < TELLING_CALL_ID {
        return false;
    }
    let is_in_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let stands_in = |bytes: &[u8]| {
        (0..bytes.len().saturating_sub(id.len() - 1)).any(|at| {
            bytes[at..].starts_with(id)
                && !is_in_word(at.checked_sub(1).and_then(|before| bytes.get(before)))
                && !is_in_word(bytes.get(at + id.len()))
        })
    };
    says(item, stands_in)
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

    /// The tickets and entries of whoever is known by the marks, by person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn find(&self, marks: &Marks) -> Result<Found, StoreError> {
        let (mut tickets, incomplete) = self.tickets_with(marks.ticket_keys()).await?;
        tickets.retain(|ticket| marks.fits(ticket.request.fields()));
        let (mut entries, more_entries) = self.entries_with(marks.ticket_keys()).await?;
        entries.retain(|entry| marks.fits_entry(&entry.fields));
        let mut persons = persons(tickets, entries);
        if marks.is_name_only() {
            persons = persons.iter().flat_map(apart_by_contact).collect();
        }
        let mut incomplete = incomplete || more_entries;
        if let [person] = persons.as_mut_slice() {
            incomplete |= self.follow(marks, person).await?;
        }
        let mut caller_keys = marks.phone_keys();
        caller_keys.extend(marks.email_key());
        // Of one person every number and address is known; of several nobody knows whose calls are meant.
        if let [person] = persons.as_slice() {
            caller_keys.extend(contact_keys(person).into_iter().map(|(_, key)| key));
        }
        caller_keys.sort_unstable();
        caller_keys.dedup();
        let mut found = Found {
            persons,
            caller_keys,
            incomplete,
            ..Found::default()
        };
        self.look_for_others(marks, &mut found).await?;
        self.leave_entries_of_others(marks, &mut found).await?;
        Ok(found)
    }

    /// Of one person every number and address is known: what else he or she has asked or registered for by one of these, until
    /// nothing new comes. Returns whether there is more than was looked at.
    async fn follow(&self, marks: &Marks, person: &mut Person) -> Result<bool, StoreError> {
        let mut asked: BTreeSet<(MarkKind, String)> = marks.ticket_keys().into_iter().collect();
        let mut incomplete = false;
        loop {
            let new: Vec<_> = contact_keys(person).difference(&asked).cloned().collect();
            if new.is_empty() || person.tickets.len() + person.entries.len() >= TICKETS_MAX {
                return Ok(incomplete || !new.is_empty());
            }
            asked.extend(new.iter().cloned());
            let (mut tickets, more_tickets) = self.tickets_with(new.clone()).await?;
            let (mut entries, more_entries) = self.entries_with(new).await?;
            incomplete |= more_tickets || more_entries;
            tickets.retain(|found| person.tickets.iter().all(|known| known.id != found.id));
            entries.retain(|found| person.entries.iter().all(|known| known.id != found.id));
            person.add_same(tickets, entries);
        }
    }

    /// Everybody who is known by any of these keys.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn holders(&self, keys: Vec<(MarkKind, String)>) -> Result<Vec<Person>, StoreError> {
        let is_by_name = keys.iter().all(|(kind, _)| *kind == MarkKind::Name);
        let (tickets, _) = self.tickets_with(keys.clone()).await?;
        let (entries, _) = self.entries_with(keys).await?;
        let holders = persons(tickets, entries);
        Ok(match is_by_name {
            true => holders.iter().flat_map(apart_by_contact).collect(),
            false => holders,
        })
    }

    /// Takes out entries that name nobody and may be somebody else's.
    async fn leave_entries_of_others(&self, marks: &Marks, found: &mut Found) -> Result<(), StoreError> {
        // Where several persons were found such entries stand apart by themselves.
        let [person] = found.persons.as_mut_slice() else {
            return Ok(());
        };
        let names_nobody = |entry: &Entry| entry.fields.name_key().is_none();
        let unnamed = Person {
            entries: person
                .entries
                .iter()
                .filter(|it| names_nobody(it))
                .cloned()
                .collect(),
            ..Person::default()
        };
        if unnamed.entries.is_empty() {
            return Ok(());
        }
        let addresses = email_marks(emails_of(&unnamed));
        let (tickets, _) = self.tickets_with(addresses.clone()).await?;
        let (entries, _) = self.entries_with(addresses).await?;
        let holders = persons(tickets, entries);
        let others = holders
            .iter()
            .filter(|it| it.name.is_some() && !person.may_be(it));
        let shared: BTreeSet<String> = others.flat_map(emails_of).collect();
        // Nobody of this name is known to have the address: it may be anybody's.
        let is_nobodys = person.name.is_none() && marks.has_name();
        let before = person.entries.len();
        person.entries.retain(|entry| {
            let of_others = is_nobodys || shared.contains(&email_key(entry.fields.text(EMAIL)));
            !(names_nobody(entry) && of_others)
        });
        found.entries_left = u32::try_from(before - person.entries.len()).unwrap_or(u32::MAX);
        if person.tickets.is_empty() && person.entries.is_empty() {
            found.persons.clear();
        }
        Ok(())
    }

    /// Entries with any of these keys, and whether there are more of them.
    async fn entries_with(&self, keys: Vec<(MarkKind, String)>) -> Result<(Vec<Entry>, bool), StoreError> {
        let mut found: Vec<Entry> = Vec::new();
        let mut after = 0;
        if keys.is_empty() {
            return Ok((found, false));
        }
        loop {
            let search = MarkedEntries {
                keys: keys.clone(),
                after,
                most: AT_ONCE,
            };
            let page = self.person_entries.entries_with(search).await?;
            let is_last = page.len() < AT_ONCE;
            after = page.last().map_or(after, |last| last.number);
            found.extend(page.into_iter().map(|numbered| numbered.entry));
            if is_last || found.len() >= TICKETS_MAX {
                return Ok((found, !is_last));
            }
        }
    }

    /// Mails about entries that wait to be sent to somebody.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn mails_to(&self, person: &Person) -> Result<Vec<WaitingMail>, StoreError> {
        if person.entries.is_empty() {
            return Ok(Vec::new());
        }
        let search = WaitingMails {
            to: Some(emails_of(person).into_iter().collect()),
            after: 0,
            most: MAILS_MAX,
        };
        self.person_entries.waiting_entry_mails(search).await
    }

    /// Finds out who else has the numbers.
    async fn look_for_others(&self, marks: &Marks, found: &mut Found) -> Result<(), StoreError> {
        let keys = found.caller_keys.iter().map(|key| match key.contains('@') {
            true => (MarkKind::Email, key.clone()),
            false => (MarkKind::Phone, key.clone()),
        });
        let keys: Vec<_> = keys.collect();
        let (tickets, _) = self.tickets_with(keys.clone()).await?;
        let (entries, _) = self.entries_with(keys).await?;
        let own: BTreeSet<&TicketId> = found
            .persons
            .iter()
            .flat_map(|person| person.tickets.iter().map(|ticket| &ticket.id))
            .collect();
        let others = tickets.iter().filter(|ticket| !own.contains(&ticket.id));
        found.others_calls = others.flat_map(calls_of_ticket).collect();
        let mut holders: BTreeMap<String, usize> = BTreeMap::new();
        // Who names nobody may be anybody: that alone makes a number no shared one.
        for holder in persons(tickets, entries)
            .iter()
            .filter(|person| person.name.is_some())
        {
            let is_meant = match found.persons.as_slice() {
                [person] => person.may_be(holder),
                _ => true,
            };
            let of_entries = holder.entries.iter().filter_map(|entry| entry.fields.phone_key());
            let numbers: BTreeSet<String> = holder
                .tickets
                .iter()
                .flat_map(phones_of)
                .chain(of_entries)
                .chain(emails_of(holder))
                .collect();
            for number in numbers {
                // Somebody else is enough to make it another's.
                *holders.entry(number).or_default() += if is_meant { 1 } else { 2 };
            }
        }
        let several = holders.into_iter().filter(|(_, holders)| *holders > 1);
        found.shared = several.map(|(key, _)| key).collect();
        // Others who had it were erased: that leaves its calls to nobody.
        let list = (self.suppression)();
        let was_shared = found.caller_keys.iter().filter(|key| list.was_shared(key));
        found.shared.extend(was_shared.cloned());
        if found.persons.is_empty() && marks.has_name() {
            // Nobody of this name is known to have the number: it may be anybody's.
            found.shared.extend(found.caller_keys.iter().cloned());
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

    /// Open rejected items that hold the marks, or another number or address of the person that was found, and whether there are
    /// more of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rejected(
        &self,
        marks: &Marks,
        found: &Found,
    ) -> Result<(Vec<RejectedItem>, bool), StoreError> {
        let traces = Traces::of(found.caller_keys.iter().map(String::as_str));
        let holds = |bytes: &[u8]| {
            let text = as_text(bytes);
            !traces.in_text(&text).is_empty() || (marks.is_name_only() && marks.is_named_in(&text))
        };
        self.rejected_where(|item| says(item, holds), REJECTED_MAX).await
    }

    /// Open rejected items of a person, at most so many, and whether there are more of them: those that hold a number or an
    /// address of the person, or the name where nothing else was given, and those that name a call which led to one of the
    /// person's tickets. Where others have the number too, or nobody of this name is known to have it, the number is not enough:
    /// the name has to stand beside it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rejected_of(
        &self,
        marks: &Marks,
        found: &Found,
        person: Option<&Person>,
        most: usize,
    ) -> Result<(Vec<RejectedItem>, bool), StoreError> {
        let tickets = person.map(|person| person.tickets.as_slice()).unwrap_or_default();
        let is_unknown = tickets.is_empty() && marks.has_name();
        if is_unknown && marks.is_name_only() {
            return Ok((Vec::new(), false));
        }
        let calls = tickets.iter().flat_map(calls_of_ticket).collect();
        let calls = self.person_calls.calls_of(calls).await?;
        let traces = Traces::of(found.caller_keys.iter().map(String::as_str));
        let named = marks.or_named(person.and_then(|person| person.name.as_ref()));
        let holds = |bytes: &[u8]| {
            let text = as_text(bytes);
            let keys = traces.in_text(&text);
            if keys.iter().any(|key| !is_unknown && !found.is_shared(key)) {
                return true;
            }
            let is_sought_by_name = marks.is_name_only() && found.shared.is_empty();
            (!keys.is_empty() || is_sought_by_name) && named.is_named_in(&text)
        };
        let is_of = |item: &RejectedItem| says(item, holds) || calls.iter().any(|call| names(item, call));
        self.rejected_where(is_of, most).await
    }

    async fn rejected_where(
        &self,
        is_meant: impl Fn(&RejectedItem) -> bool,
        most: usize,
    ) -> Result<(Vec<RejectedItem>, bool), StoreError> {
        let mut found = Vec::new();
        let mut query = RejectedQuery {
            most: AT_ONCE,
            ..RejectedQuery::default()
        };
        loop {
            let page = self.calls.rejected(query.clone()).await?;
            let is_last = page.len() < AT_ONCE;
            query.after = page.last().map(|last| (last.received_at, last.id));
            found.extend(page.into_iter().filter(|item| is_meant(item)));
            if found.len() > most {
                found.truncate(most);
                return Ok((found, true));
            }
            if is_last {
                return Ok((found, false));
            }
        }
    }
}
