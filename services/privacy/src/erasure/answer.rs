//! What is told of an order: where nothing is left, where something is and until when, and what stays.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::erasure::{ErasureOrder, Place};
use domain::ids::DepartmentId;
use store::erasure::KeptOrder;
use wire::v1::privacy as proto;

use super::runner::ErasureRunner;
use super::steps::{self, delta};
use super::{ErasureError, ErasureParts};

/// What a step in the store takes at most, and the looks of several instances.
const IN_STORE: Duration = Duration::from_secs(15);
/// Tickets of an order whose departments are told one by one.
const TICKETS_TOLD_MAX: usize = 200;

/// What stays, or lies beyond this software, and why.
const KEPT: &[(&str, &str)] = &[
    (
        "the ticket without its content, the order and the audit trail",
        "that something was erased has to be proven (Art. 5(2) GDPR): number, department, times, who ordered it; nothing \
         about the person",
    ),
    ("figures", "counts name nobody"),
    (
        "drafts in browsers of agents",
        "they go when the request is sent, at sign-out, or after 12 hours",
    ),
    (
        "mails and files that departments or users received",
        "they have left this software; departments are told to erase what they keep",
    ),
    (
        "backups",
        "they go after their own time; restoring one erases again what was erased since",
    ),
];

/// What stays as well where a ticket or a call was named, and no person.
const KEPT_OF_WHO_WAS_NOT_NAMED: (&str, &str) = (
    "what somebody has registered for, where a ticket or a call was named and no person",
    "it is another matter, and a consent of its own: name the person, or the entries",
);

/// The state of an order.
pub(super) async fn state(
    runner: &ErasureRunner,
    kept: &KeptOrder,
) -> Result<proto::ErasureState, ErasureError> {
    let now = (runner.parts.clock)();
    let mut erased = Vec::new();
    let mut pending = Vec::new();
    for place in Place::ALL.iter().filter(|place| place.concerns(&kept.order)) {
        let until = match kept.steps.get(place) {
            Some(step) => step.until,
            None => estimate(runner, kept, *place, now).await,
        };
        match kept.steps.contains_key(place) && until <= now {
            true => erased.push(place.name().to_owned()),
            // Told in whole seconds: never too early.
            false => pending.push(proto::PendingPlace {
                place: place.name().to_owned(),
                until_unix_ms: (until.timestamp_millis() + 999) / 1000 * 1000,
            }),
        }
    }
    let order = &kept.order;
    Ok(proto::ErasureState {
        order_id: order.id.to_string(),
        ordered_at_unix_ms: order.at.timestamp_millis(),
        ordered_by: order.by.clone(),
        reason: order.reason.clone(),
        case_number: order.case.unwrap_or(0),
        ticket_ids: order.tickets.iter().map(ToString::to_string).collect(),
        calls: count(order.calls.len()),
        rejected_items: count(order.rejected.len()),
        entries: count(order.entries.len()),
        erased,
        pending,
        recipients: recipients(&runner.parts, kept).await?,
        kept: kept_data(runner, order),
        closed_at_unix_ms: kept.closed_at.map(|at| at.timestamp_millis()),
    })
}

/// Until when at most, of what is still to be done.
async fn estimate(
    runner: &ErasureRunner,
    kept: &KeptOrder,
    place: Place,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let parts = &runner.parts;
    let time = match place {
        Place::Tickets | Place::Entries | Place::Calls | Place::RejectedItems => IN_STORE,
        Place::StoreFiles => {
            let next = runner.told().next_scrub;
            let wait = next.map_or(Duration::ZERO, |next| {
                next.saturating_duration_since(Instant::now())
            });
            IN_STORE + wait + parts.bound / 4
        }
        Place::BusCalls | Place::BusTickets | Place::BusReplies => {
            let mut longest = Duration::ZERO;
            let topics = steps::topics_of(parts, &kept.order, place)
                .await
                .unwrap_or_default();
            for topic in topics {
                longest = longest.max(parts.bus.stays(&topic).await.unwrap_or(parts.bound));
            }
            let next = runner.told().next_bus_scrub.filter(|_| longest.is_zero());
            let wait = next.map_or(Duration::ZERO, |next| {
                next.saturating_duration_since(Instant::now())
            });
            IN_STORE + longest + wait
        }
    };
    now + delta(time)
}

async fn recipients(
    parts: &ErasureParts,
    kept: &KeptOrder,
) -> Result<Vec<proto::ErasureRecipient>, ErasureError> {
    let tickets = &kept.order.tickets[..kept.order.tickets.len().min(TICKETS_TOLD_MAX)];
    let unpublished = parts.of_tickets.unpublished(tickets).await?;
    let mut recipients: BTreeMap<DepartmentId, (bool, bool)> = BTreeMap::new();
    for id in tickets {
        let Some(found) = parts.tickets.ticket(id).await? else {
            continue;
        };
        let ticket = found.ticket;
        for department in ticket.former_departments().chain([&ticket.department]) {
            let is_told = unpublished.get(id).is_none_or(|them| !them.contains(department));
            let is_confirmed = ticket.course.erasure_confirmed_by.contains(department);
            let (told, confirmed) = recipients.entry(department.clone()).or_insert((true, true));
            *told &= is_told && !kept.is_due(Place::Tickets);
            *confirmed &= is_confirmed;
        }
    }
    let recipient = |(department, (told, confirmed)): (DepartmentId, (bool, bool))| proto::ErasureRecipient {
        department: department.to_string(),
        told,
        confirmed,
    };
    Ok(recipients.into_iter().map(recipient).collect())
}

fn kept_data(runner: &ErasureRunner, order: &ErasureOrder) -> Vec<proto::KeptData> {
    let kept = |what: &str, why: &str| proto::KeptData {
        what: what.to_owned(),
        why: why.to_owned(),
    };
    let by_server = runner.told().kept.clone();
    let by_server = by_server
        .iter()
        .map(|what| kept(what, "a setting of the database server"));
    let names_items = !order.tickets.is_empty() || !order.calls.is_empty();
    let registrations = (names_items && !order.of_person).then_some(&KEPT_OF_WHO_WAS_NOT_NAMED);
    KEPT.iter()
        .chain(registrations)
        .map(|(what, why)| kept(what, why))
        .chain(by_server)
        .collect()
}

fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
