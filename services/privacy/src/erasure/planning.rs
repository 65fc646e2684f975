//! From a request to the tickets and calls that it is about.

use domain::erasure::{ErasureOrder, MarkHash, MarkKey};
use domain::ids::{Identity, TicketId};
use domain::ticket::spoken_ticket_id;
use tonic::Status;
use wire::v1::privacy as proto;

use super::ErasureParts;
use super::service::store_status;

/// Tickets and calls of one request at most.
const NAMED_MAX: usize = 1_000;
/// Characters of a reason.
const REASON_LENGTH_MAX: usize = 500;

/// What a request says, checked.
pub(super) struct Asked {
    pub(super) tickets: Vec<TicketId>,
    pub(super) calls: Vec<Identity>,
    pub(super) reason: String,
    pub(super) case: Option<u64>,
    pub(super) key: String,
}

/// What is to be erased.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) tickets: Vec<TicketId>,
    pub(super) calls: Vec<Identity>,
    pub(super) rejected: Vec<Identity>,
    pub(super) marks: Vec<MarkHash>,
}

impl Asked {
    pub(super) fn of(request: proto::EraseRequest) -> Result<Self, Status> {
        let refuse = |why: &str| Err(Status::invalid_argument(why.to_owned()));
        let person = [
            &request.phone,
            &request.email,
            &request.name,
            &request.first_name,
            &request.postal_code,
        ];
        if person.iter().any(|text| !text.trim().is_empty()) {
            return refuse(
                "phone, email, name: find the person's tickets and calls first, and give their numbers",
            );
        }
        let count = request.ticket_ids.len() + request.call_ids.len();
        if count == 0 {
            return refuse("ticket_ids: say what is to be erased, a ticket or a call");
        }
        if count > NAMED_MAX {
            return refuse(
                "ticket_ids, call_ids: 1000 together at most; order the others by a second request",
            );
        }
        let reason = request.reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > REASON_LENGTH_MAX {
            return refuse("reason: say why, in 1 to 500 characters and without personal data");
        }
        let mut tickets = Vec::with_capacity(request.ticket_ids.len());
        for said in &request.ticket_ids {
            match spoken_ticket_id(said) {
                Some(id) => tickets.push(id),
                None => return refuse("ticket_ids: a number such as T-7K3M-9QXW is expected"),
            }
        }
        let mut calls = Vec::with_capacity(request.call_ids.len());
        for said in &request.call_ids {
            match Identity::from_hex(said.trim()) {
                Some(identity) => calls.push(identity),
                None => {
                    return refuse("call_ids: the 32 hexadecimal digits of a call's identity are expected");
                }
            }
        }
        tickets.sort_unstable();
        tickets.dedup();
        calls.sort_unstable();
        calls.dedup();
        let key = request.idempotency_key.trim().to_owned();
        if key.chars().count() > 200 {
            return refuse("idempotency_key: 200 characters at most");
        }
        Ok(Self {
            tickets,
            calls,
            reason,
            case: Some(request.case_number).filter(|case| *case > 0),
            key,
        })
    }

    /// A keyed hash of what was asked for: the same for the same request.
    pub(super) fn digest(&self, key: &MarkKey) -> [u8; 32] {
        let tickets = self.tickets.iter().map(ToString::to_string);
        let calls = self.calls.iter().map(|call| call.to_hex());
        let parts: Vec<String> = tickets.chain(calls).collect();
        key.digest(&parts)
    }
}

/// Finds the calls that led to the tickets.
pub(super) async fn plan(parts: &ErasureParts, asked: &Asked) -> Result<Plan, Status> {
    let mut plan = Plan {
        calls: asked.calls.clone(),
        ..Plan::default()
    };
    for id in &asked.tickets {
        let found = parts
            .tickets
            .ticket(id)
            .await
            .map_err(|error| store_status(&error))?;
        let Some(found) = found else {
            return Err(Status::not_found(format!("ticket_ids: there is no ticket {id}")));
        };
        let ticket = found.ticket;
        plan.calls.extend(ticket.call.iter().chain(&ticket.course.calls));
        plan.tickets.push(ticket.id);
    }
    for call in &asked.calls {
        let known = parts
            .calls
            .call(*call)
            .await
            .map_err(|error| store_status(&error))?;
        let item = parts
            .calls
            .rejected_item(*call)
            .await
            .map_err(|error| store_status(&error))?;
        if known.is_none() && item.is_none() {
            return Err(Status::not_found(format!(
                "call_ids: there is no call {}",
                call.to_hex()
            )));
        }
    }
    plan.calls.sort_unstable();
    plan.calls.dedup();
    Ok(plan)
}

impl Plan {
    /// Whether an order of before covers all of it.
    pub(super) fn is_within(&self, order: &ErasureOrder) -> bool {
        self.tickets.iter().all(|ticket| order.tickets.contains(ticket))
            && self.calls.iter().all(|call| order.calls.contains(call))
            && self.rejected.iter().all(|item| order.rejected.contains(item))
            && self.marks.iter().all(|mark| order.marks.contains(mark))
    }
}
