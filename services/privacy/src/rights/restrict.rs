//! Art. 18: what is kept of a person stays, and nobody works with it.

use std::collections::BTreeSet;

use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject, NewAuditEntry};
use domain::ids::{EntryId, Identity, TicketId};
use domain::report::content_hash;
use domain::ticket::{Ticket, TicketState, lift, restrict};
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use super::acts::{self, Change};
use super::{RightsParts, RightsService, cases, rectify, refused};
use crate::about::About;
use crate::finder::calls_of_ticket;

/// Calls, or entries, that are looked at, or restricted, at once.
const CALLS_AT_ONCE: usize = 500;
/// Tickets that one request may name.
const TICKETS_MAX: usize = 100;

/// To restrict, or to lift that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Restrict,
    Lift,
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Restrict => "restricted",
            Self::Lift => "restriction lifted",
        }
    }
}

/// What an act is about.
#[derive(Default)]
struct Scope {
    about: Vec<About>,
    tickets: Vec<TicketId>,
    calls: BTreeSet<Identity>,
    calls_left: u32,
    entries: Vec<EntryId>,
    entries_left: u32,
    /// Rejected items: of a row it is the identity that its call will have.
    items: Vec<Identity>,
}

impl Scope {
    /// Nobody is to believe that something was done where nothing was found.
    fn or_nothing_done(self) -> Result<Self, Status> {
        if !(self.tickets.is_empty()
            && self.calls.is_empty()
            && self.entries.is_empty()
            && self.items.is_empty())
        {
            return Ok(self);
        }
        Err(Status::not_found(match (self.calls_left, self.entries_left) {
            (0, 0) => {
                "marks: nothing is kept of such a person, so nothing was done; see privacy find".to_owned()
            }
            (calls, entries) => format!(
                "marks: nothing was done: {calls} calls and {entries} entries are of a number or an address that several \
                 persons have, and nobody knows whose they are; say which person is meant by further marks, or by ticket \
                 (see privacy find)"
            ),
        }))
    }
}

pub(super) async fn act(
    service: &RightsService,
    way: Way,
    request: Request<proto::RestrictRequest>,
) -> Result<Response<proto::RestrictResponse>, Status> {
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let parts = &*service.parts;
    let reason = acts::reason(&sent.reason)?;
    let key = acts::key(&principal, &sent.idempotency_key)?;
    let case = cases::for_act(parts, sent.case_number, &key).await?;
    let scope = scope(service, &sent).await?;
    cases::refuse_if_other(parts, case.as_ref(), &key, &scope.about).await?;
    let actor = acts::actor(&principal);
    let mut answer = proto::RestrictResponse {
        calls_left: scope.calls_left,
        entries_left: scope.entries_left,
        ..proto::RestrictResponse::default()
    };
    let mut entries: Vec<NewAuditEntry> = Vec::new();
    let mut departments = BTreeSet::new();
    for id in &scope.tickets {
        let found = parts.finder.tickets.ticket(id).await;
        let found = found.map_err(|error| refused(&error))?;
        let ticket = found.ok_or_else(|| acts::no_ticket(id))?.ticket;
        let change = Change {
            ticket: id,
            key: format!("{key}/{id}"),
            content: content_hash(&(way.name(), id, reason.reveal(), sent.case_number)),
        };
        if sent.ticket_ids.is_empty() && !is_due(way, &ticket) {
            // Of a person whatever can be; what is so already is left alone.
            if !acts::was_performed(parts, &change).await? {
                continue;
            }
        }
        let done = acts::perform(parts, &change, |ticket, rules, at| {
            let (reason, actor) = (reason.clone(), actor.clone());
            let promise = (rules.routing.calendar(), parts.due_policy);
            let done = match way {
                Way::Restrict => restrict(ticket, reason, actor, at),
                Way::Lift => lift(ticket, reason, actor, at, promise),
            };
            done.map_err(acts::not_done)
        });
        let (ticket, _) = done.await?;
        departments.extend(rectify::departments(&ticket));
        answer.ticket_ids.push(id.to_string());
        entries.push(noted(
            parts,
            &principal,
            way,
            AuditSubject::new("ticket", id.as_str()),
        ));
    }
    answer.calls = calls(parts, way, scope.calls.into_iter().collect()).await?;
    answer.rejected_items = calls(parts, way, scope.items).await?;
    if answer.rejected_items > 0 {
        let entry = noted(parts, &principal, way, AuditSubject::new("rejected_item", ""));
        entries.push(entry.of_items(answer.rejected_items as usize));
    }
    if answer.calls > 0 {
        let entry = noted(parts, &principal, way, AuditSubject::new("call", ""));
        entries.push(entry.of_items(answer.calls as usize));
    }
    answer.entries = registrations(parts, way, scope.entries).await?;
    if answer.entries > 0 {
        let entry = noted(parts, &principal, way, AuditSubject::new("entry", ""));
        entries.push(entry.of_items(answer.entries as usize));
    }
    parts.audit.append_done(entries).await?;
    answer.departments = departments.into_iter().collect();
    let said = format!(
        "{}: {} tickets, {} calls, {} entries, {} rejected items",
        way.name(),
        answer.ticket_ids.len(),
        answer.calls,
        answer.entries,
        answer.rejected_items
    );
    cases::note_act(parts, &principal, case.as_ref(), &key, (&said, None)).await?;
    Ok(Response::new(answer))
}

fn noted(parts: &RightsParts, principal: &Principal, way: Way, subject: AuditSubject) -> NewAuditEntry {
    let action = match way {
        Way::Restrict => AuditAction::PersonRestricted,
        Way::Lift => AuditAction::RestrictionLifted,
    };
    parts.audit.entry(principal, action, subject)
}

fn is_due(way: Way, ticket: &Ticket) -> bool {
    match way {
        Way::Restrict => ticket.state != TicketState::Erased && !ticket.is_restricted(),
        Way::Lift => ticket.is_restricted(),
    }
}

async fn scope(service: &RightsService, sent: &proto::RestrictRequest) -> Result<Scope, Status> {
    let finder = &service.parts.finder;
    if sent.ticket_ids.is_empty() {
        let marks = service.marks(sent.marks.clone()).await?;
        let (found, person) = service.one_person(&marks).await?;
        let mut scope = Scope {
            entries_left: found.entries_left,
            about: About::person(&marks, person.and_then(|at| found.persons.get(at))),
            ..Scope::default()
        };
        if let Some(person) = person.and_then(|at| found.persons.get(at)) {
            scope.tickets = person.tickets.iter().map(|ticket| ticket.id.clone()).collect();
            scope.entries = person.entries.iter().map(|entry| entry.id.clone()).collect();
            scope
                .calls
                .extend(person.tickets.iter().flat_map(calls_of_ticket));
        }
        let person_of = person.and_then(|at| found.persons.get(at));
        let items = finder.rejected_of(&marks, &found, person_of, usize::MAX).await;
        let (items, _) = items.map_err(|error| refused(&error))?;
        scope.items = items.iter().map(|item| item.id).collect();
        let mut after = None;
        loop {
            let page = finder.calls_by(&found.caller_keys, after, CALLS_AT_ONCE).await;
            let page = page.map_err(|error| refused(&error))?;
            for call in &page {
                match found.is_of(person, call) {
                    true => drop(scope.calls.insert(call.identity)),
                    false => scope.calls_left += 1,
                }
            }
            after = page.last().map(store::persons::PersonCallPlace::of);
            if page.len() < CALLS_AT_ONCE {
                return scope.or_nothing_done();
            }
        }
    }
    if sent.marks.is_some() {
        return Err(Status::invalid_argument(
            "ticket_ids: give either tickets, or what the person is known by",
        ));
    }
    if sent.ticket_ids.len() > TICKETS_MAX {
        return Err(Status::invalid_argument(format!(
            "ticket_ids: give {TICKETS_MAX} at most, or what the person is known by"
        )));
    }
    let mut scope = Scope::default();
    for id in &sent.ticket_ids {
        let id = acts::ticket_id(id)?;
        let found = finder
            .tickets
            .ticket(&id)
            .await
            .map_err(|error| refused(&error))?;
        let found = found.ok_or_else(|| acts::no_ticket(&id))?;
        scope.calls.extend(calls_of_ticket(&found.ticket));
        // Nothing is left in an erased one that would say whose it was.
        if found.ticket.state != TicketState::Erased {
            scope.about.push(About::ticket(&found.ticket));
        }
        scope.tickets.push(id);
    }
    Ok(scope)
}

/// Restricts calls, or lifts that, in steps. Returns how many were not so before.
async fn calls(parts: &RightsParts, way: Way, calls: Vec<Identity>) -> Result<u32, Status> {
    let store = &parts.finder.person_calls;
    let mut changed = 0;
    for step in calls.chunks(CALLS_AT_ONCE) {
        let done = match way {
            Way::Restrict => store.restrict_calls(step.to_vec(), (parts.clock)()).await,
            Way::Lift => store.lift_calls(step.to_vec()).await,
        };
        changed += done.map_err(|error| refused(&error))?;
    }
    if let Some(journal) = &parts.journal {
        journal.note_calls().await;
    }
    Ok(u32::try_from(changed).unwrap_or(u32::MAX))
}

/// The same for entries of registrations.
async fn registrations(parts: &RightsParts, way: Way, entries: Vec<EntryId>) -> Result<u32, Status> {
    let store = &parts.finder.person_entries;
    let mut changed = 0;
    for step in entries.chunks(CALLS_AT_ONCE) {
        let done = match way {
            Way::Restrict => store.restrict_entries(step.to_vec(), (parts.clock)()).await,
            Way::Lift => store.lift_entries(step.to_vec()).await,
        };
        changed += done.map_err(|error| refused(&error))?;
    }
    if let Some(journal) = &parts.journal {
        journal.note_entries().await;
    }
    Ok(u32::try_from(changed).unwrap_or(u32::MAX))
}
