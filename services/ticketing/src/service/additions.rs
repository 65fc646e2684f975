//! A concern that joins an open ticket.

use chrono::SubsecRound;
use domain::access::Sight;
use domain::ids::Identity;
use domain::procedure::{FaultCode, FieldFault, FieldId, Procedure, Register};
use domain::ticket::{AdditionRefused, Ticket, add_concern, spoken_ticket_id};
use store::StoreError;
use store::tickets::{Addition, Logged};
use tonic::{Code, Status};
use wire::v1::tickets as proto;

use super::viewer::Viewer;
use super::{TicketingParts, key_taken, named_refusal, refused};
use crate::metrics;
use crate::requests::{ReadRequest, invalid, ticket_procedure};

/// Times that an addition is decided anew because the ticket was changed meanwhile, at most.
pub(super) const DECISIONS: usize = 8;

/// Adds the concern to the ticket that the request names. Gives the ticket, and whether it had been added before.
pub(super) async fn add(
    viewer: &Viewer<'_>,
    sent: proto::LogCallbackRequest,
) -> Result<(Ticket, bool), Status> {
    let parts = viewer.parts;
    let id = spoken_ticket_id(&sent.add_to).ok_or_else(|| {
        let remedy = "give a number such as T-7K3M-9QXW";
        named_refusal(Code::InvalidArgument, "add_to", FaultCode::NoTicketNumber, remedy)
    })?;
    let missing = || {
        let remedy = format!("there is no ticket {id}");
        named_refusal(Code::NotFound, "add_to", FaultCode::NoTicket, &remedy)
    };
    let mut ticket = current(viewer, &id).await?.ok_or_else(missing)?;
    let rules = (parts.rules)();
    let request = read(parts, &rules.register, sent, &ticket).checked();
    let request = request.map_err(|faults| invalid(&faults))?.by(&viewer.principal);
    let before = parts
        .store
        .logged_before(&request.idempotency_key, request.content);
    if let Some(logged) = before.await.map_err(|error| refused(&error))? {
        return repeated(logged);
    }
    for _ in 0..DECISIONS {
        let at = (parts.clock)().trunc_subsecs(3);
        let fields = request.request.fields();
        let transition = add_concern(
            &ticket,
            request.concern(),
            fields,
            request.call,
            request.actor(),
            at,
        )
        .map_err(|refusal| {
            named_refusal(
                Code::FailedPrecondition,
                "add_to",
                refusal_code(refusal),
                &refusal.to_string(),
            )
        })?
        .with_mails(&rules.routing);
        let changed = transition.ticket.clone();
        let addition = Addition {
            notice_identity: call_notice(&ticket, &changed, &rules.register),
            transition,
            idempotency_key: request.idempotency_key.clone(),
            content: request.content,
        };
        match parts.store.add(addition).await {
            Ok(Logged::New) => {
                metrics::concern_added(&changed.department);
                tracing::info!(ticket = %changed.id, department = %changed.department, "concern added");
                parts.wake(&changed.department);
                return Ok((changed, false));
            }
            Ok(logged) => return repeated(logged),
            Err(StoreError::Conflict(_)) => ticket = current(viewer, &id).await?.ok_or_else(missing)?,
            Err(error) => return Err(refused(&error)),
        }
    }
    Err(refused(&StoreError::Conflict(format!("ticket {id}"))))
}

/// Reads a request whose concern joins a ticket.
pub(super) fn read<'r>(
    parts: &TicketingParts,
    register: &'r Register,
    mut sent: proto::LogCallbackRequest,
    ticket: &Ticket,
) -> ReadRequest<'r> {
    reach_as_before(&mut sent, ticket, register);
    let mut read = ReadRequest::of(sent, register, &parts.identity_key);
    if read.wished.is_some() {
        let remedy = "leave it out with add_to; department and due time of the ticket stay as they are";
        let fault = FieldFault::of("wished_from", FaultCode::WindowUnwanted, remedy);
        read.faults.push(fault);
    }
    read
}

/// Why a concern cannot join a ticket.
pub(super) fn refusal_code(refusal: AdditionRefused) -> FaultCode {
    match refusal {
        AdditionRefused::NothingOwed => FaultCode::NothingOwed,
        AdditionRefused::Full => FaultCode::Full,
    }
}

/// The ticket as it is now; what the viewer must not see is not there.
pub(super) async fn current(
    viewer: &Viewer<'_>,
    id: &domain::ids::TicketId,
) -> Result<Option<Ticket>, Status> {
    let found = viewer.parts.store.ticket(id).await;
    let found = found.map_err(|error| refused(&error))?.map(|found| found.ticket);
    Ok(found.filter(|ticket| viewer.sight(ticket) != Sight::Hidden))
}

/// The call that belongs to the ticket since the change, if the topic of calls has to hear of it.
pub(super) fn call_notice(before: &Ticket, after: &Ticket, register: &Register) -> Option<Identity> {
    let procedure = register.procedure(after.procedure.as_str());
    let rules = procedure.and_then(Procedure::ticket_rules)?;
    let new_calls = &after.course.calls[before.course.calls.len().min(after.course.calls.len())..];
    new_calls.last().copied().filter(|_| rules.counts_as_callback)
}

/// A citizen who gives no number and no address is reached as the ticket says.
fn reach_as_before(sent: &mut proto::LogCallbackRequest, ticket: &Ticket, register: &Register) {
    let procedure = ticket_procedure(register, &sent.procedure, &mut Vec::new());
    let Some(rules) = procedure.and_then(Procedure::ticket_rules) else {
        return;
    };
    let is_given = |way: &FieldId| {
        sent.fields
            .get(way.as_str())
            .is_some_and(|text| !text.trim().is_empty())
    };
    if rules.reachable_by.iter().any(is_given) {
        return;
    }
    for way in &rules.reachable_by {
        if let Some(known) = ticket.request.fields().get(way.as_str()) {
            sent.fields.insert(way.to_string(), known.reveal().to_owned());
        }
    }
}

/// What came of a request that was made before.
pub(super) fn repeated(logged: Logged) -> Result<(Ticket, bool), Status> {
    match logged {
        Logged::Repeated(ticket) => {
            metrics::repeated();
            Ok((*ticket, true))
        }
        _ => Err(key_taken()),
    }
}
