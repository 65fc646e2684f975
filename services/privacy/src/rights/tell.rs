//! Art. 15 and 20: everything that is kept of one person.

use std::collections::BTreeSet;
use std::pin::Pin;

use chrono::SubsecRound as _;
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::Identity;
use domain::personal::Personal;
use domain::privacy::{Marks, Person};
use domain::rulebook::Rulebook;
use store::audit::{AuditEntry, AuditFilter};
use store::calls::StoredCall;
use store::persons::PersonCallPlace;
use store::recipients::RecipientQuery;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use super::{RightsParts, RightsService, cases, refused};
use crate::about::About;
use crate::finder::{Found, REJECTED_MAX, calls_of_ticket, mail_tells_of};
use crate::told::entries::ToldEntry;
use crate::told::tickets::ToldTicket;
use crate::told::{Look, Purpose, SCHEMA, Told, ToldCall, ToldItem, ToldPerson, html};

/// Bytes of a piece of the answer.
const PIECE: usize = 256 * 1024;
/// Calls that are read at once.
const CALLS_AT_ONCE: usize = 500;
/// Entries of the audit trail, and recipients, that are told of one ticket or call.
const LOOKS_MAX: usize = 1000;
/// Acts that show whoever has registered for an offer.
const LISTS: [Option<AuditAction>; 2] = [
    Some(AuditAction::EntriesListed),
    Some(AuditAction::EntriesExported),
];
/// The entry of the register that the records of calls are kept by.
const CALL_RECORDS: &str = "call-records";

/// The answer in pieces.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = Result<proto::TellPersonPart, Status>> + Send>>;

pub(super) async fn tell_person(
    service: &RightsService,
    request: Request<proto::TellPersonRequest>,
) -> Result<Response<Pieces>, Status> {
    let principal = principal(&request)?;
    let sent = request.into_inner();
    let parts = &*service.parts;
    // Each telling is one of its own: it has no key.
    let case = cases::for_act(parts, sent.case_number, "").await?;
    let marks = service.marks(sent.marks).await?;
    let (found, person) = service.one_person(&marks).await?;
    let about = About::person(&marks, person.and_then(|at| found.persons.get(at)));
    cases::refuse_if_other(parts, case.as_ref(), "", &about).await?;
    let told = told(parts, &marks, &found, person).await?;
    // Each ticket that is told is one that was seen; the calls are counted.
    let told_of = |ticket: &ToldTicket| {
        let subject = AuditSubject::new("ticket", &ticket.ticket_id);
        parts.audit.entry(&principal, AuditAction::PersonTold, subject)
    };
    let mut entries: Vec<_> = told.tickets.iter().map(told_of).collect();
    entries.extend(told.entries.iter().map(|entry| {
        let subject = AuditSubject::new("entry", &entry.id);
        parts.audit.entry(&principal, AuditAction::PersonTold, subject)
    }));
    let calls = parts
        .audit
        .entry(&principal, AuditAction::PersonTold, AuditSubject::none());
    entries.push(calls.of_items(told.calls.len()));
    parts.audit.append_all(entries).await?;
    let form = if sent.as_data { "data" } else { "document" };
    let said = format!(
        "told as {form}: {} tickets, {} calls, {} entries",
        told.tickets.len(),
        told.calls.len(),
        told.entries.len()
    );
    let key = format!("{form} {}", told.created_at.timestamp_millis());
    cases::note_act(parts, &principal, case.as_ref(), &key, (&said, None)).await?;
    let content = match sent.as_data {
        true => {
            serde_json::to_vec_pretty(&told).map_err(|_| Status::internal("the data cannot be written"))?
        }
        false => html::document(&told).into_bytes(),
    };
    let pieces: Vec<_> = content
        .chunks(PIECE)
        .map(|piece| {
            Ok(proto::TellPersonPart {
                content: piece.to_vec(),
            })
        })
        .collect();
    Ok(Response::new(Box::pin(tokio_stream::iter(pieces))))
}

async fn told(
    parts: &RightsParts,
    marks: &Marks,
    found: &Found,
    person: Option<usize>,
) -> Result<Told, Status> {
    let rules = (parts.rules)();
    let person_tickets = person.and_then(|at| found.persons.get(at));
    let mut tickets = Vec::new();
    let mut procedures: BTreeSet<String> = BTreeSet::new();
    for ticket in person_tickets.iter().flat_map(|person| &person.tickets) {
        let kept = parts.finder.tickets.ticket(&ticket.id).await;
        let Some(kept) = kept.map_err(|error| refused(&error))? else {
            continue;
        };
        procedures.insert(kept.ticket.procedure.to_string());
        let query = RecipientQuery {
            ticket: Some(ticket.id.clone()),
            most: LOOKS_MAX,
            ..RecipientQuery::default()
        };
        let recipients = parts.recipients.recipients(query).await;
        let recipients = recipients.map_err(|error| refused(&error))?;
        let seen = looks(parts, ticket.id.as_str()).await?;
        tickets.push(ToldTicket::of(&kept, &rules, &recipients, seen));
    }
    let entries = match person_tickets {
        Some(person) => entries(parts, person, &rules).await?,
        None => Vec::new(),
    };
    procedures.extend(entries.iter().map(|entry| entry.procedure.clone()));
    let (calls, calls_left_out) = calls(parts, found, person).await?;
    if !calls.is_empty() {
        procedures.insert(CALL_RECORDS.to_owned());
    }
    let whose = person.and_then(|at| found.persons.get(at));
    let rejected = parts.finder.rejected_of(marks, found, whose, REJECTED_MAX).await;
    let (rejected, _) = rejected.map_err(|error| refused(&error))?;
    let text = |name: Option<&Option<Personal>>| {
        name.and_then(Option::as_ref)
            .map(|name| name.reveal().to_owned())
            .unwrap_or_default()
    };
    let purposes = procedures.iter().filter_map(|id| rules.register.procedure(id));
    Ok(Told {
        schema: SCHEMA,
        created_at: (parts.clock)().trunc_subsecs(3),
        controller: rules.register.head().controller.to_string(),
        data_protection_officer: rules.register.head().data_protection_officer.to_string(),
        person: ToldPerson {
            name: text(person_tickets.map(|person| &person.name)),
            first_name: text(person_tickets.map(|person| &person.first_name)),
        },
        purposes: purposes.map(Purpose::of).collect(),
        tickets,
        entries,
        entries_left_out: found.entries_left,
        calls,
        calls_left_out,
        rejected_items: rejected
            .iter()
            .map(|item| ToldItem {
                id: item.id.to_hex(),
                source: item.source.to_string(),
                received_at: item.received_at,
                reason: item.reason.clone(),
            })
            .collect(),
    })
}

/// What the person has registered for.
async fn entries(parts: &RightsParts, person: &Person, rules: &Rulebook) -> Result<Vec<ToldEntry>, Status> {
    let mails = parts.finder.mails_to(person).await;
    let mails = mails.map_err(|error| refused(&error))?;
    let mut told = Vec::with_capacity(person.entries.len());
    for entry in &person.entries {
        let mut seen = looks(parts, entry.id.as_str()).await?;
        let listed = parts.looks.entries(looks_at(entry.offer.as_str())).await;
        let listed = listed.map_err(|error| refused(&error))?;
        // Whoever lists an offer sees whoever is in it then.
        let is_of = |look: &&AuditEntry| {
            let is_list = LISTS.contains(&AuditAction::from_name(&look.action));
            is_list && look.at >= entry.consented_at
        };
        seen.extend(listed.iter().filter(is_of).map(Look::of));
        seen.sort_by_key(|look| look.at);
        told.push(ToldEntry::of(entry, rules, mail_tells_of(&mails, entry), seen));
    }
    Ok(told)
}

/// The calls of the person, and how many are of a number that several persons have.
async fn calls(
    parts: &RightsParts,
    found: &Found,
    person: Option<usize>,
) -> Result<(Vec<ToldCall>, u32), Status> {
    let finder = &parts.finder;
    let mut told = Vec::new();
    let mut left_out = 0;
    let mut after = None;
    loop {
        let page = finder.calls_by(&found.caller_keys, after, CALLS_AT_ONCE).await;
        let page = page.map_err(|error| refused(&error))?;
        let (own, others): (Vec<&StoredCall>, Vec<&StoredCall>) =
            page.iter().partition(|call| found.is_of(person, call));
        left_out += u32::try_from(others.len()).unwrap_or(u32::MAX);
        tell_calls(parts, &own, &mut told).await?;
        after = page.last().map(PersonCallPlace::of);
        if page.len() < CALLS_AT_ONCE {
            break;
        }
    }
    // Calls that led to tickets and came from elsewhere, such as from a withheld number.
    let known: BTreeSet<String> = told.iter().map(|call| call.id.clone()).collect();
    let tickets = person.and_then(|at| found.persons.get(at));
    let further: Vec<Identity> = tickets
        .iter()
        .flat_map(|person| person.tickets.iter().flat_map(calls_of_ticket))
        .filter(|identity| !known.contains(&identity.to_hex()))
        .collect();
    let further = finder
        .person_calls
        .calls_of(further)
        .await
        .map_err(|error| refused(&error))?;
    tell_calls(parts, &further.iter().collect::<Vec<_>>(), &mut told).await?;
    Ok((told, left_out))
}

async fn tell_calls(
    parts: &RightsParts,
    calls: &[&StoredCall],
    told: &mut Vec<ToldCall>,
) -> Result<(), Status> {
    let identities = calls.iter().map(|call| call.identity).collect();
    let restricted = parts.finder.person_calls.restricted_among(identities).await;
    let restricted = restricted.map_err(|error| refused(&error))?;
    for call in calls {
        let seen = looks(parts, &call.identity.to_hex()).await?;
        told.push(ToldCall::of(call, restricted.contains(&call.identity), seen));
    }
    Ok(())
}

/// Who has looked at a ticket or a call, oldest first.
async fn looks(parts: &RightsParts, subject: &str) -> Result<Vec<Look>, Status> {
    let entries = parts.looks.entries(looks_at(subject)).await;
    let entries = entries.map_err(|error| refused(&error))?;
    Ok(entries.iter().rev().map(Look::of).collect())
}

fn looks_at(subject: &str) -> AuditFilter {
    AuditFilter {
        actor: None,
        subject: Some(subject.to_owned()),
        action: None,
        from: None,
        to: None,
        before: None,
        most: LOOKS_MAX,
    }
}
