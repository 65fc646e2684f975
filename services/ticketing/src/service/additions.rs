//! A concern that joins an open ticket.

use chrono::SubsecRound;
use domain::personal::Personal;
use domain::ticket::{Ticket, add_concern, spoken_ticket_id};
use store::StoreError;
use store::tickets::{Addition, Logged};
use tonic::Status;
use wire::v1::tickets as proto;

use super::{TicketingParts, key_taken, refused};
use crate::metrics;
use crate::requests::LogRequest;

/// Times that an addition is decided anew because the ticket was changed meanwhile, at most.
const DECISIONS: usize = 8;

/// Adds the concern to the ticket that the request names. Gives the ticket, and whether it had been added before.
pub(super) async fn add(
    parts: &TicketingParts,
    mut sent: proto::LogCallbackRequest,
) -> Result<(Ticket, bool), Status> {
    let id = spoken_ticket_id(&sent.add_to)
        .ok_or_else(|| Status::invalid_argument("add_to: give a number such as T-7K3M-9QXW"))?;
    let missing = || Status::not_found(format!("add_to: there is no ticket {id}"));
    let mut ticket = current(parts, &id).await?.ok_or_else(missing)?;
    reach_as_before(&mut sent, &ticket);
    let request = LogRequest::checked(sent, &parts.identity_key)?;
    let before = parts
        .store
        .logged_before(&request.idempotency_key, request.content);
    if let Some(logged) = before.await.map_err(|error| refused(&error))? {
        return repeated(logged);
    }
    for _ in 0..DECISIONS {
        let at = (parts.clock)().trunc_subsecs(3);
        let transition = add_concern(&ticket, request.request.fields(), request.actor(), at)
            .map_err(|refusal| Status::failed_precondition(format!("add_to: {refusal}")))?
            .with_mails(&(parts.routing)());
        let changed = transition.ticket.clone();
        let addition = Addition {
            transition,
            idempotency_key: request.idempotency_key.clone(),
            content: request.content,
        };
        match parts.store.add(addition).await {
            Ok(Logged::New) => {
                metrics::concern_added(&changed.department);
                tracing::info!(ticket = %changed.id, department = %changed.department, "concern added");
                parts.wake();
                return Ok((changed, false));
            }
            Ok(logged) => return repeated(logged),
            Err(StoreError::Conflict(_)) => ticket = current(parts, &id).await?.ok_or_else(missing)?,
            Err(error) => return Err(refused(&error)),
        }
    }
    Err(refused(&StoreError::Conflict(format!("ticket {id}"))))
}

async fn current(parts: &TicketingParts, id: &domain::ids::TicketId) -> Result<Option<Ticket>, Status> {
    let found = parts.store.ticket(id).await.map_err(|error| refused(&error))?;
    Ok(found.map(|found| found.ticket))
}

/// A citizen who gives no number and no address is reached as the ticket says.
fn reach_as_before(sent: &mut proto::LogCallbackRequest, ticket: &Ticket) {
    let fields = sent.fields.get_or_insert_default();
    if fields.phone.trim().is_empty() && fields.email.trim().is_empty() {
        let known = ticket.request.fields();
        let text = |field: &Personal| field.reveal().to_owned();
        (fields.phone, fields.email) = (text(&known.phone), text(&known.email));
    }
}

fn repeated(logged: Logged) -> Result<(Ticket, bool), Status> {
    match logged {
        Logged::Repeated(ticket) => {
            metrics::repeated();
            Ok((*ticket, true))
        }
        _ => Err(key_taken()),
    }
}
