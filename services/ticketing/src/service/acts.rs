//! What people do with a ticket that is there.

use chrono::SubsecRound;
use domain::access::Sight;
use domain::ids::DepartmentId;
use domain::procedure::{FaultCode, FieldFault};
use domain::rulebook::Rulebook;
use domain::ticket::{ActRefused, Ticket};
use store::StoreError;
use store::tickets::{Addition, Logged};
use tonic::{Code, Request, Response, Status};
use wire::v1::tickets as proto;

use super::additions::{DECISIONS, call_notice, current, repeated};
use super::viewer::Viewer;
use super::{TicketingParts, refused};
use crate::acts::{Act, ActRequest, Moment};
use crate::metrics;

/// Does what needs no more than a reason.
pub(super) async fn plain(
    parts: &TicketingParts,
    act: Act,
    request: Request<proto::ActOnTicketRequest>,
) -> Result<Response<proto::ActOnTicketResponse>, Status> {
    let viewer = Viewer::of(parts, &request)?;
    let mut sent = request.into_inner();
    sent.agent = viewer.principal.acting_agent(&sent.agent);
    perform(&viewer, ActRequest::plain(act, &sent)?).await
}

/// Does what is asked for, once for each key; decided anew where somebody else changed the ticket meanwhile.
///
/// It is noted after the transaction, beside the reading of the history, so that nothing is noted that was not done. Where
/// it cannot be noted, the caller repeats it by its key, and the repetition notes it.
pub(super) async fn perform(
    viewer: &Viewer<'_>,
    request: ActRequest,
) -> Result<Response<proto::ActOnTicketResponse>, Status> {
    let parts = viewer.parts;
    let request = request.by(&viewer.principal);
    let (ticket, repeated) = act(viewer, &request).await?;
    let done = viewer.did(request.act.audit_action(), &ticket.id);
    let done = parts.audit.append_done(vec![done.because(request.act.name())]);
    let (found, noted) = tokio::join!(parts.store.ticket(&ticket.id), done);
    noted?;
    // It is done: an answer without the history is better than an error.
    let history = found
        .ok()
        .flatten()
        .map(|found| found.history)
        .unwrap_or_default();
    Ok(Response::new(proto::ActOnTicketResponse {
        ticket: viewer.acted_on(&ticket, &history),
        repeated,
    }))
}

async fn act(viewer: &Viewer<'_>, request: &ActRequest) -> Result<(Ticket, bool), Status> {
    let (parts, id) = (viewer.parts, &request.ticket);
    let before = parts
        .store
        .logged_before(&request.idempotency_key, request.content);
    let missing = || Status::not_found(format!("ticket_id: there is no ticket {id}"));
    if let Some(logged) = before.await.map_err(|error| refused(&error))? {
        let (ticket, repeated) = repeated(logged)?;
        return match viewer.sight(&ticket) {
            Sight::Hidden => Err(missing()),
            _ => Ok((ticket, repeated)),
        };
    }
    let rules = (parts.rules)();
    for _ in 0..DECISIONS {
        let ticket = current(viewer, id).await?.ok_or_else(missing)?;
        let addition = decided(parts, request, &ticket, &rules)?;
        let changed = addition.transition.ticket.clone();
        let concerned: Vec<DepartmentId> = addition.transition.departments().cloned().collect();
        match parts.store.add(addition).await {
            Ok(Logged::New) => {
                let act = request.act.name();
                metrics::acted(act);
                tracing::info!(ticket = %id, department = %changed.department, act, "ticket changed by people");
                concerned.iter().for_each(|department| parts.wake(department));
                return Ok((changed, false));
            }
            Ok(logged) => return repeated(logged),
            Err(StoreError::Conflict(_)) => {}
            Err(error) => return Err(refused(&error)),
        }
    }
    Err(refused(&StoreError::Conflict(format!("ticket {id}"))))
}

fn decided(
    parts: &TicketingParts,
    request: &ActRequest,
    ticket: &Ticket,
    rules: &Rulebook,
) -> Result<Addition, Status> {
    let at = (parts.clock)().trunc_subsecs(3);
    let moment = Moment {
        routing: &rules.routing,
        reopen_within: parts.reopen_within,
        due_at: rules
            .routing
            .calendar()
            .due(at, parts.due_policy)
            .trunc_subsecs(3),
        at,
    };
    let transition = request
        .decide(ticket, &moment)
        .map_err(|refusal| status(&refusal))?
        .with_mails(&rules.routing);
    Ok(Addition {
        notice_identity: call_notice(ticket, &transition.ticket, &rules.register),
        transition,
        idempotency_key: request.idempotency_key.clone(),
        content: request.content,
    })
}

fn status(refusal: &ActRefused) -> Status {
    let (code, field, fault) = match refusal {
        ActRefused::UnknownDepartment => (Code::InvalidArgument, "department", FaultCode::NoDepartment),
        ActRefused::SameDepartment => (Code::InvalidArgument, "department", FaultCode::SameDepartment),
        ActRefused::NothingOwed => (Code::FailedPrecondition, "ticket_id", FaultCode::NothingOwed),
        ActRefused::StillOwed => (Code::FailedPrecondition, "ticket_id", FaultCode::StillOwed),
        ActRefused::TooLate => (Code::FailedPrecondition, "ticket_id", FaultCode::SettledLongAgo),
        ActRefused::AlreadyClosed => (Code::FailedPrecondition, "ticket_id", FaultCode::AlreadyClosed),
        ActRefused::Full => (Code::FailedPrecondition, "ticket_id", FaultCode::Full),
        ActRefused::Restricted | ActRefused::NotRestricted => {
            (Code::FailedPrecondition, "ticket_id", FaultCode::Restricted)
        }
        ActRefused::Erased => (Code::FailedPrecondition, "ticket_id", FaultCode::Erased),
    };
    let fault = FieldFault::of(field, fault, refusal.to_string());
    wire::faults::refusal(code, refusal.to_string(), &[fault])
}
