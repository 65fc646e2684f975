//! The same citizen calls again: the new concern joins the ticket that is open, instead of becoming a second one.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Action, Actor, Change, Ticket, TicketVersion, Transition};
use crate::ids::Identity;
use crate::personal::Personal;
use crate::procedure::Fields;

/// Concerns that a ticket may be added, at most: with its own all of them fit into one message.
pub const ADDED_CONCERNS_MAX: usize = 20;

/// What a citizen said in a later call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedConcern {
    /// When.
    pub at: DateTime<Utc>,
    /// What the citizen wants, in words.
    pub concern: Personal,
    /// Another telephone number than that of the ticket.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<Personal>,
    /// Another e-mail address than that of the ticket.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<Personal>,
}

/// Why a concern was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AdditionRefused {
    /// No answer is owed: the ticket is to be reopened, or what is asked now is a ticket of its own.
    #[error(
        "no answer is owed on this ticket any more; reopen it (ticket reopen), or log the concern as a new one"
    )]
    NothingOwed,
    /// It has [`ADDED_CONCERNS_MAX`] already.
    #[error("the ticket has as many concerns as it may have; log this one as a new one")]
    Full,
}

/// Adds a concern to a ticket that is owed an answer. Department and due time stay; of the fields of the new request
/// only a number or an address that is not the ticket's is kept. The call, if there is one, belongs to the ticket.
///
/// # Errors
/// [`AdditionRefused`] with what to do instead.
pub fn add_concern(
    ticket: &Ticket,
    concern: Personal,
    fields: &Fields,
    call: Option<Identity>,
    actor: Actor,
    at: DateTime<Utc>,
) -> Result<Transition, AdditionRefused> {
    if !ticket.state.is_pending() || ticket.is_restricted() {
        return Err(AdditionRefused::NothingOwed);
    }
    if ticket.added.len() >= ADDED_CONCERNS_MAX {
        return Err(AdditionRefused::Full);
    }
    let known = ticket.request.fields();
    let new_phone = fields
        .get("phone")
        .filter(|_| fields.phone_key() != known.phone_key());
    let new_email = fields
        .get("email")
        .filter(|email| Some(*email) != known.get("email"));
    let mut change = Change::of(ticket.clone(), at);
    let added = AddedConcern {
        at: change.at,
        concern: concern.clone(),
        phone: new_phone.cloned(),
        email: new_email.cloned(),
    };
    let ticket = change.ticket();
    let next = TicketVersion(ticket.version.0 + 1);
    ticket.course.ask(next);
    ticket.add_call(call);
    ticket.added.push(added);
    change.enter(actor, Action::ConcernAdded, Some(concern));
    Ok(change.seen_by_department())
}
