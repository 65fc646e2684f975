//! What people do with a ticket, and what time does.

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

use super::{
    ADDED_CONCERNS_MAX, Action, Actor, AddedConcern, Change, Effect, Ticket, TicketState, Transition,
};
use crate::ids::{DepartmentId, Identity};
use crate::personal::Personal;
use crate::routing::RoutingTable;

/// Why nothing was done with a ticket, and what to do instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ActRefused {
    /// No answer is owed.
    #[error("ticket_id: no answer is owed on this ticket any more; nothing is left to do")]
    NothingOwed,
    /// It cannot be reopened: it never was settled.
    #[error("ticket_id: an answer is still owed on this ticket; add the concern to it instead (add_to)")]
    StillOwed,
    /// It cannot be reopened: it was settled too long ago.
    #[error("ticket_id: the ticket was settled too long ago to be reopened; log the concern as a new one")]
    TooLate,
    /// It is closed already.
    #[error("ticket_id: the ticket is closed already; nothing is left to do")]
    AlreadyClosed,
    /// It cannot be reopened: it has as many concerns as it may have.
    #[error("ticket_id: the ticket has as many concerns as it may have; log this one as a new one")]
    Full,
    /// Nothing of it is left.
    #[error("ticket_id: the ticket was erased; nothing about the citizen is left")]
    Erased,
    /// It is restricted: nobody works on it.
    #[error(
        "ticket_id: the ticket is restricted (Art. 18 GDPR); nothing is done with it until that is lifted"
    )]
    Restricted,
    /// It is not restricted.
    #[error("ticket_id: the ticket is not restricted; there is nothing to lift")]
    NotRestricted,
    /// There is no such department.
    #[error("department: there is no department with this id; name one of the rules in force")]
    UnknownDepartment,
    /// It is there already.
    #[error("department: the ticket is with this department already; name another one")]
    SameDepartment,
}

fn refuse_unless_owed(ticket: &Ticket) -> Result<(), ActRefused> {
    match ticket.state {
        TicketState::Erased => Err(ActRefused::Erased),
        _ if ticket.is_restricted() => Err(ActRefused::Restricted),
        state if state.is_pending() => Ok(()),
        _ => Err(ActRefused::NothingOwed),
    }
}

/// The citizen needs no answer any more, or has got it in another call.
///
/// # Errors
/// [`ActRefused`] unless an answer is owed.
pub fn withdraw(
    ticket: &Ticket,
    reason: Personal,
    actor: Actor,
    at: DateTime<Utc>,
) -> Result<Transition, ActRefused> {
    refuse_unless_owed(ticket)?;
    let mut change = Change::of(ticket.clone(), at);
    change.settle(TicketState::Withdrawn);
    change.enter(actor, Action::Withdrawn, Some(reason));
    Ok(change.seen_by_department())
}

/// Sends a ticket to another department, because people say so. They may do so as often as they like, and also send
/// it back to a department that has returned it.
///
/// # Errors
/// [`ActRefused`] unless an answer is owed, and the department another one that exists.
pub fn reroute(
    ticket: &Ticket,
    to: &DepartmentId,
    reason: Personal,
    actor: Actor,
    routing: &RoutingTable,
    at: DateTime<Utc>,
) -> Result<Transition, ActRefused> {
    refuse_unless_owed(ticket)?;
    if routing.department(to).is_none() {
        return Err(ActRefused::UnknownDepartment);
    }
    if *to == ticket.department {
        return Err(ActRefused::SameDepartment);
    }
    let mut change = Change::of(ticket.clone(), at);
    let note = format!("{to}: {}", reason.reveal());
    change.enter(actor, Action::Rerouted, Some(Personal::new(note)));
    let changed = change.ticket();
    changed.course.taken_from.push(ticket.department.clone());
    changed.returned_because = Some(reason);
    changed.because = format!("Von Hand von {} an {to} weitergeleitet.", ticket.department);
    Ok(change.move_to(to.clone()))
}

/// What a ticket is reopened with.
#[derive(Clone, Debug)]
pub struct Reopening {
    /// What the citizen wants now; the department sees it as an added concern.
    pub reason: Personal,
    /// The call in which he or she said so.
    pub call: Option<Identity>,
    /// Who reopens it.
    pub actor: Actor,
    /// How long after it was settled that is possible.
    pub within: TimeDelta,
    /// When the answer is due.
    pub due_at: DateTime<Utc>,
    /// Now.
    pub at: DateTime<Utc>,
}

/// The citizen calls again about a settled ticket: it keeps its number and history, is due anew, and is handed over
/// again. It goes to the clearing department if its own exists no longer.
///
/// # Errors
/// [`ActRefused`] unless it was settled within the given time, and has room for one more concern.
pub fn reopen(
    ticket: &Ticket,
    reopening: Reopening,
    routing: &RoutingTable,
) -> Result<Transition, ActRefused> {
    if ticket.state == TicketState::Erased {
        return Err(ActRefused::Erased);
    }
    if ticket.is_restricted() {
        return Err(ActRefused::Restricted);
    }
    let settled_at = ticket.settled_at().ok_or(ActRefused::StillOwed)?;
    if reopening.at - settled_at > reopening.within {
        return Err(ActRefused::TooLate);
    }
    if ticket.added.len() >= ADDED_CONCERNS_MAX {
        return Err(ActRefused::Full);
    }
    let mut change = Change::of(ticket.clone(), reopening.at);
    change.ticket().forget_freed_slots();
    change.begin_anew();
    let changed = change.ticket();
    // What the citizen wished was for the callback of then; an appointment that still is to come stays due.
    changed.schedule.wished = None;
    changed.schedule.begin_round();
    let appointment = changed.held_slots().and_then(|booking| booking.slots.first());
    changed.due_at = appointment
        .filter(|slot| **slot > reopening.at)
        .map_or(reopening.due_at, |slot| *slot);
    changed.add_call(reopening.call);
    changed.added.push(AddedConcern {
        at: changed.changed_at,
        concern: reopening.reason.clone(),
        phone: None,
        email: None,
    });
    if routing.department(&ticket.department).is_none() {
        let from = &ticket.department;
        changed.because = format!("{from} gibt es nicht mehr; die Klärungsstelle entscheidet.");
        changed.rule = None;
        changed.course.taken_from.push(from.clone());
        changed.department = routing.clearing().id.clone();
    }
    change.enter(reopening.actor, Action::Reopened, Some(reopening.reason));
    Ok(change.seen_by_department())
}

/// Ends a ticket by hand, whether an answer is owed or not; it leaves its department's topic after `stays`.
///
/// # Errors
/// [`ActRefused`] if it has ended before.
pub fn close_by_hand(
    ticket: &Ticket,
    reason: Personal,
    actor: Actor,
    at: DateTime<Utc>,
    stays: TimeDelta,
) -> Result<Transition, ActRefused> {
    match ticket.state {
        TicketState::Erased => Err(ActRefused::Erased),
        _ if ticket.is_restricted() => Err(ActRefused::Restricted),
        TicketState::Closed => Err(ActRefused::AlreadyClosed),
        _ => Ok(closed(ticket, actor, Some(reason), at, stays)),
    }
}

/// Time has passed: an answered, unreachable or withdrawn ticket is closed, and leaves its department's topic after
/// `stays`. `None` in any other state.
pub fn close(ticket: &Ticket, at: DateTime<Utc>, stays: TimeDelta) -> Option<Transition> {
    let is_due = matches!(
        ticket.state,
        TicketState::Answered | TicketState::Unreachable | TicketState::Withdrawn
    );
    (is_due && !ticket.is_restricted()).then(|| closed(ticket, Actor::System, None, at, stays))
}

fn closed(
    ticket: &Ticket,
    actor: Actor,
    reason: Option<Personal>,
    at: DateTime<Utc>,
    stays: TimeDelta,
) -> Transition {
    let mut change = Change::of(ticket.clone(), at);
    match ticket.settled_at() {
        // A ticket can be reopened for a time that begins when it was settled, not when it was closed.
        Some(settled_at) => {
            change.state(TicketState::Closed);
            change.ticket().course.settled_at = Some(settled_at);
        }
        None => change.settle(TicketState::Closed),
    }
    change.enter(actor, Action::Closed, reason);
    let tombstone_at = change.at + stays;
    let mut transition = change.seen_by_department();
    transition.effects.push(Effect::Tombstone {
        department: ticket.department.clone(),
        at: tombstone_at,
    });
    transition
}

impl Ticket {
    /// A later call of the citizen belongs to it. Whether it is a new one.
    pub(super) fn add_call(&mut self, call: Option<Identity>) -> bool {
        let Some(call) = call else { return false };
        let is_new = self.call != Some(call) && !self.course.calls.contains(&call);
        if is_new {
            self.course.calls.push(call);
        }
        is_new
    }
}
