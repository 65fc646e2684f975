//! Replies about tickets of which nothing is kept any more: what they say is not to stay on the bus.

use bus::Received;
use domain::ids::TicketId;
use domain::ticket::{TicketState, tickets_named, written_ticket_id};

use crate::error::HandoverError;
use crate::reply::Incoming;
use crate::supervisor::HandoverParts;

/// So many tickets of one message are looked for at most.
const TICKETS_MAX: usize = 100;

/// The tickets that a reply is about, by its content or its key, and that were erased or are not known: whether one that is
/// not known was erased is told by the orders. A confirmation says nothing about anybody, and may stay.
pub(crate) async fn tickets(
    parts: &HandoverParts,
    message: &Received,
    incoming: &Incoming,
) -> Result<Vec<TicketId>, HandoverError> {
    if matches!(&incoming.reply, Ok(reply) if reply.confirms().is_some()) {
        return Ok(Vec::new());
    }
    let mut named = tickets_named(message.payload.as_deref().unwrap_or_default());
    let key = std::str::from_utf8(&message.key).ok();
    named.extend(key.and_then(written_ticket_id));
    let mut gone = Vec::new();
    for ticket in named.into_iter().take(TICKETS_MAX) {
        match parts.store.ticket(&ticket).await? {
            Some(found) if found.ticket.state != TicketState::Erased => {}
            _ => gone.push(ticket),
        }
    }
    Ok(gone)
}
