//! Slots that can be booked, and appointments that are moved.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};
use domain::booking::{Bookable, SlotFault, read_slots, slot_length};
use domain::ids::{AgentName, DepartmentId};
use domain::procedure::{FaultCode, FieldFault};
use domain::routing::RoutingTable;
use domain::ticket::{Actor, RebookingRefused, Ticket, rebook as decide, spoken_ticket_id};
use store::StoreError;
use tonic::{Code, Status};
use wire::v1::tickets as proto;

use super::additions::current;
use super::viewer::Viewer;
use super::{TicketingParts, named_refusal, refused};
use crate::requests::{invalid, page_size};
use crate::schedule::slot_fault;

/// Times that a move is decided anew because the ticket was changed meanwhile, at most.
const DECISIONS: usize = 8;

/// A slot of a service, in the order of lists.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place<'r> {
    at: DateTime<Utc>,
    service: &'r str,
}

/// A page of slots with their free seats.
pub(super) async fn list(
    parts: &TicketingParts,
    sent: proto::ListSlotsRequest,
) -> Result<proto::ListSlotsResponse, Status> {
    let rules = (parts.rules)();
    let (services, after) = asked(&rules.routing, &sent)?;
    let now = (parts.clock)().trunc_subsecs(3);
    let most = page_size(sent.page_size);
    let mut slots: BTreeMap<Place<'_>, proto::Slot> = BTreeMap::new();
    for bookable in services {
        let (first, end) = bookable.bookable_from(now);
        let from = sent
            .from_unix_ms
            .and_then(wire::time)
            .map_or(first, |from| from.max(first));
        let until = sent.to_unix_ms.and_then(wire::time).map_or(end, |to| to.min(end));
        let from = after.as_ref().map_or(from, |(at, _)| from.max(*at));
        let follows = |at: &DateTime<Utc>| {
            let place = (*at, bookable.service.as_str());
            after
                .as_ref()
                .is_none_or(|(last, service)| (*last, service.as_str()) < place)
        };
        let page: Vec<DateTime<Utc>> = bookable
            .slots(from, until)
            .filter(follows)
            .take(most + 1)
            .collect();
        slots.extend(with_seats(parts, bookable, page).await?);
    }
    let more = slots.len() > most;
    let slots: Vec<(Place<'_>, proto::Slot)> = slots.into_iter().take(most).collect();
    let token =
        |(place, _): &(Place<'_>, proto::Slot)| format!("{}.{}", place.at.timestamp_millis(), place.service);
    Ok(proto::ListSlotsResponse {
        next_page_token: slots.last().filter(|_| more).map(token).unwrap_or_default(),
        slots: slots.into_iter().map(|(_, slot)| slot).collect(),
    })
}

async fn with_seats<'r>(
    parts: &TicketingParts,
    bookable: &'r Bookable,
    page: Vec<DateTime<Utc>>,
) -> Result<Vec<(Place<'r>, proto::Slot)>, Status> {
    let (Some(first), Some(last)) = (page.first(), page.last()) else {
        return Ok(Vec::new());
    };
    let taken = parts.store.seats_taken(
        &bookable.department,
        &bookable.service,
        *first,
        *last + slot_length(),
    );
    let taken = taken.await.map_err(|error| refused(&error))?;
    let slot = |at: DateTime<Utc>| {
        let capacity = u32::from(bookable.capacity);
        let slot = proto::Slot {
            department: bookable.department.to_string(),
            service: bookable.service.clone(),
            starts_at_unix_ms: at.timestamp_millis(),
            ends_at_unix_ms: (at + slot_length()).timestamp_millis(),
            capacity,
            free: capacity.saturating_sub(taken.get(&at).copied().unwrap_or(0)),
        };
        let service = bookable.service.as_str();
        (Place { at, service }, slot)
    };
    Ok(page.into_iter().map(slot).collect())
}

/// The services that a caller asks for, and the last slot of the page before.
type Asked<'r> = (Vec<&'r Bookable>, Option<(DateTime<Utc>, String)>);

fn asked<'r>(routing: &'r RoutingTable, sent: &proto::ListSlotsRequest) -> Result<Asked<'r>, Status> {
    let mut faults = Vec::new();
    let department = DepartmentId::new(sent.department.trim());
    if routing.department(&department).is_none() {
        let remedy = "name a department that exists, by its id";
        faults.push(FieldFault::new("department", remedy));
    }
    let service = sent.service.trim();
    let of_department = routing.bookings().iter().filter(|it| it.department == department);
    let services: Vec<&Bookable> = of_department
        .filter(|it| service.is_empty() || it.is_service(service))
        .collect();
    if faults.is_empty() && !service.is_empty() && services.is_empty() {
        let remedy = "the department offers no slots for it; leave it empty to see what it offers";
        faults.push(FieldFault::new("service", remedy));
    }
    for (field, given) in [
        ("from_unix_ms", sent.from_unix_ms),
        ("to_unix_ms", sent.to_unix_ms),
    ] {
        if given.is_some_and(|given| wire::time(given).is_none()) {
            faults.push(FieldFault::new(
                field,
                "give milliseconds since 1970, or leave it out",
            ));
        }
    }
    let after = match sent.page_token.as_str() {
        "" => None,
        token => {
            let position = read_token(token);
            if position.is_none() {
                let remedy = "repeat the next_page_token of the page before";
                faults.push(FieldFault::new("page_token", remedy));
            }
            position
        }
    };
    match faults.is_empty() {
        true => Ok((services, after)),
        false => Err(invalid(&faults)),
    }
}

fn read_token(token: &str) -> Option<(DateTime<Utc>, String)> {
    let (at_ms, service) = token.split_once('.')?;
    Some((wire::time(at_ms.parse().ok()?)?, service.to_owned()))
}

/// Moves an appointment; gives the ticket as it is then.
pub(super) async fn rebook(viewer: &Viewer<'_>, sent: proto::RebookTicketRequest) -> Result<Ticket, Status> {
    let parts = viewer.parts;
    let id = spoken_ticket_id(&sent.ticket_id)
        .ok_or_else(|| Status::invalid_argument("ticket_id: give a number such as T-7K3M-9QXW"))?;
    let fault = |fault: SlotFault| invalid(&[slot_fault(&fault)]);
    let slots = read_slots(&sent.slots.join("\n")).map_err(fault)?;
    let actor = match viewer.principal.acting_agent(&sent.agent).as_str() {
        "" => Actor::System,
        agent => Actor::Agent(AgentName::new(agent)),
    };
    for _ in 0..DECISIONS {
        let ticket = current(viewer, &id).await?;
        let ticket = ticket.ok_or_else(|| Status::not_found(format!("there is no ticket {id}")))?;
        let rules = (parts.rules)();
        let bookable = offered(&rules.routing, &ticket)?;
        let at = (parts.clock)().trunc_subsecs(3);
        let slots = bookable.appointment(slots.clone(), at);
        let slots = slots.map_err(fault)?;
        let transition = decide(&ticket, bookable, slots, actor.clone(), at)
            .map_err(|refusal| {
                let fault = match refusal {
                    RebookingRefused::NothingOwed => FaultCode::NothingOwed,
                    RebookingRefused::NoAppointment => FaultCode::NoAppointment,
                };
                named_refusal(Code::FailedPrecondition, "ticket_id", fault, &refusal.to_string())
            })?
            .with_mails(&rules.routing);
        let moved = transition.ticket.clone();
        match parts.store.record(transition).await {
            Ok(()) => {
                tracing::info!(ticket = %moved.id, department = %moved.department, "appointment moved");
                parts.wake(&moved.department);
                return Ok(moved);
            }
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(refused(&error)),
        }
    }
    Err(refused(&StoreError::Conflict(format!("ticket {id}"))))
}

/// The slots that an appointment can be moved to: of the same service, at the department that has it now.
fn offered<'r>(routing: &'r RoutingTable, ticket: &Ticket) -> Result<&'r Bookable, Status> {
    let booking = ticket.schedule.booking.as_ref().ok_or_else(|| {
        let remedy = "the ticket has no booked slots; log an appointment";
        named_refusal(
            Code::FailedPrecondition,
            "ticket_id",
            FaultCode::NoAppointment,
            remedy,
        )
    })?;
    routing
        .bookable(&ticket.department, &booking.service)
        .ok_or_else(|| {
            let remedy = format!(
                "{} offers no slots for this service now; log a new appointment",
                ticket.department
            );
            named_refusal(
                Code::FailedPrecondition,
                "ticket_id",
                FaultCode::NoService,
                &remedy,
            )
        })
}
