//! Finding persons.

use std::collections::BTreeSet;

use domain::audit::{AuditAction, AuditSubject};
use domain::ids::Identity;
use domain::privacy::Person;
use domain::record::CallRecord;
use domain::registration::Entry;
use domain::rulebook::Rulebook;
use domain::ticket::Ticket;
use store::calls::StoredCall;
use store::persons::PersonCallPlace;
use store::rejected::RejectedItem;
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use super::{RightsService, acts, cases, refused};
use crate::finder::{Found, calls_of_ticket, mail_tells_of};
use crate::paging;
use crate::told::entries::OfferNames;

pub(super) async fn find_persons(
    service: &RightsService,
    request: Request<proto::FindPersonsRequest>,
) -> Result<Response<proto::FindPersonsResponse>, Status> {
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let after = place(&sent.page_token)?;
    let most = paging::size(sent.page_size);
    cases::exists(&service.parts, sent.case_number).await?;
    let reason = match sent.reason.trim() {
        "" => None,
        text => Some(acts::reason(text)?),
    };
    let marks = service.marks(sent.marks).await?;
    let finder = &service.parts.finder;
    let found = finder.find(&marks).await.map_err(|error| refused(&error))?;
    let calls = finder.calls_by(&found.caller_keys, after, most).await;
    let calls = calls.map_err(|error| refused(&error))?;
    let calls_total = finder
        .person_calls
        .count_calls_by(found.caller_keys.clone())
        .await;
    let calls_total = calls_total.map_err(|error| refused(&error))?;
    let rejected = finder.rejected(&marks, &found).await;
    let (rejected, more_rejected) = rejected.map_err(|error| refused(&error))?;
    let identities = calls.iter().map(|call| call.identity).collect();
    let restricted = finder.person_calls.restricted_among(identities).await;
    let restricted = restricted.map_err(|error| refused(&error))?;

    let rules = (service.parts.rules)();
    let mut persons = Vec::with_capacity(found.persons.len());
    for person in &found.persons {
        let mails = finder.mails_to(person).await.map_err(|error| refused(&error))?;
        let entries = person.entries.iter();
        persons.push(proto::FoundPerson {
            entries: entries
                .map(|entry| shown_entry(entry, &rules, mail_tells_of(&mails, entry)))
                .collect(),
            ..shown_person(person)
        });
    }
    let kept = |person: &Person| person.tickets.len() + person.entries.len();
    let kept: usize = found.persons.iter().map(kept).sum();
    let entry = |subject| {
        let audit = &service.parts.audit;
        audit
            .entry(&principal, AuditAction::PersonSearched, subject)
            .because(reason.as_ref().map_or("", |reason| reason.reveal()))
    };
    // Each ticket that is shown is one that was seen; the rest is counted.
    let tickets = found.persons.iter().flat_map(|person| &person.tickets);
    let mut seen: Vec<_> = tickets
        .map(|ticket| entry(AuditSubject::new("ticket", ticket.id.as_str())))
        .collect();
    let searched = match sent.case_number {
        0 => AuditSubject::none(),
        number => AuditSubject::new("case", number.to_string()),
    };
    seen.push(entry(searched).of_items(kept + calls.len() + rejected.len()));
    service.parts.audit.append_all(seen).await?;
    let last = calls.last().filter(|_| calls.len() == most);
    Ok(Response::new(proto::FindPersonsResponse {
        next_page_token: last.map(token).unwrap_or_default(),
        calls: calls
            .iter()
            .map(|call| shown_call(call, &found, &restricted))
            .collect(),
        persons,
        entries_left: found.entries_left,
        calls_total,
        rejected_items: rejected.iter().map(shown_item).collect(),
        incomplete: found.incomplete || more_rejected,
    }))
}

fn shown_person(person: &Person) -> proto::FoundPerson {
    let text = |name: &Option<domain::personal::Personal>| {
        name.as_ref()
            .map(|name| name.reveal().to_owned())
            .unwrap_or_default()
    };
    proto::FoundPerson {
        name: text(&person.name),
        first_name: text(&person.first_name),
        tickets: person.tickets.iter().map(shown_ticket).collect(),
        entries: Vec::new(),
    }
}

fn shown_entry(entry: &Entry, rules: &Rulebook, mail_waits: bool) -> proto::FoundEntry {
    let names = OfferNames::of(entry, rules);
    let fields = entry.fields.iter();
    proto::FoundEntry {
        entry_id: entry.id.to_string(),
        procedure: entry.procedure.to_string(),
        kind: names.kind.map(|kind| kind.name().to_owned()).unwrap_or_default(),
        offer: entry.offer.to_string(),
        title: names.title,
        department: names.department.map(|id| id.to_string()).unwrap_or_default(),
        state: entry.state.name().to_owned(),
        fields: fields
            .map(|(id, text)| (id.to_string(), text.reveal().to_owned()))
            .collect(),
        consented_at_unix_ms: entry.consented_at.timestamp_millis(),
        confirmed_at_unix_ms: entry.confirmed_at.map(|at| at.timestamp_millis()),
        mail_waits,
        restricted: entry.is_restricted(),
    }
}

fn shown_ticket(ticket: &Ticket) -> proto::FoundTicket {
    proto::FoundTicket {
        ticket_id: ticket.id.to_string(),
        procedure: ticket.procedure.to_string(),
        state: ticket.state.name().to_owned(),
        department: ticket.department.to_string(),
        created_at_unix_ms: ticket.created_at.timestamp_millis(),
        restricted: ticket.is_restricted(),
        calls: calls_of_ticket(ticket).map(Identity::to_hex).collect(),
    }
}

fn shown_call(call: &StoredCall, found: &Found, restricted: &BTreeSet<Identity>) -> proto::FoundCall {
    let (owner, shared) = found.owner(call);
    let record = call.state.assembled().record;
    proto::FoundCall {
        identity: call.identity.to_hex(),
        source: call.source.to_string(),
        started_at_unix_ms: record.as_ref().map(|record| record.started_at.timestamp_millis()),
        hotline: record
            .as_ref()
            .map(|record| record.hotline.to_string())
            .unwrap_or_default(),
        outbound: record.as_ref().is_some_and(CallRecord::is_outbound),
        status: record
            .map(|record| record.connection_status.name().to_owned())
            .unwrap_or_default(),
        restricted: restricted.contains(&call.identity),
        person: owner.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(0),
        shared,
    }
}

fn shown_item(item: &RejectedItem) -> proto::FoundRejectedItem {
    proto::FoundRejectedItem {
        id: item.id.to_hex(),
        source: item.source.to_string(),
        received_at_unix_ms: item.received_at.timestamp_millis(),
        field: item.field.clone(),
        reason: item.reason.clone(),
    }
}

fn token(last: &StoredCall) -> String {
    let place = PersonCallPlace::of(last);
    format!("{}_{}", place.started_at_ms, place.identity.to_hex())
}

/// Reads what [`token`] wrote.
fn place(token: &str) -> Result<Option<PersonCallPlace>, Status> {
    paging::begin(token, |token| {
        let (at, identity) = token.split_once('_')?;
        Some(PersonCallPlace {
            started_at_ms: at.parse().ok()?,
            identity: Identity::from_hex(identity)?,
        })
    })
}
