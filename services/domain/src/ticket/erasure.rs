//! The end of everything that is known about the citizen.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    ActRefused, Action, Actor, Change, Course, Effect, Schedule, Ticket, TicketState, ToldOf, Transition,
};
use crate::ids::DepartmentId;
use crate::personal::Personal;
use crate::procedure::CheckedRequest;

/// The message that a ticket was erased stays this long on the topic of a department that does not confirm.
pub const ERASED_STAYS: TimeDelta = TimeDelta::days(30);

/// Erases what a ticket says about the citizen. What is left: its number, department, procedure, times, and its
/// history without notes. Every department that has or had it is told. The reason is kept, so it must not be personal.
///
/// # Errors
/// [`ActRefused::Erased`] if that was done before.
pub fn erase(
    ticket: &Ticket,
    reason: Personal,
    actor: Actor,
    at: DateTime<Utc>,
) -> Result<Transition, ActRefused> {
    if ticket.state == TicketState::Erased {
        return Err(ActRefused::Erased);
    }
    let mut change = Change::of(without_citizen(ticket), at);
    change.ticket().version.0 += 1;
    change.enter(actor, Action::Erased, Some(reason));
    let tombstone_at = change.at + ERASED_STAYS;
    let mut transition = change.transition;
    for department in ticket.all_departments() {
        transition.effects.push(Effect::Erase {
            department: department.clone(),
            tombstone_at,
        });
        transition.effects.push(Effect::Tell {
            department: department.clone(),
            of: ToldOf::Erased,
        });
    }
    // Where nothing may be kept, nothing is to be put right or left alone.
    transition.effects.push(Effect::Untell(ToldOf::Rectified));
    transition.effects.push(Effect::Untell(ToldOf::Restricted));
    transition.effects.push(Effect::Forget {
        entries: ticket.history_length,
    });
    Ok(transition)
}

fn without_citizen(ticket: &Ticket) -> Ticket {
    Ticket {
        state: TicketState::Erased,
        hotline: None,
        category: None,
        request: CheckedRequest::erased(),
        added: Vec::new(),
        call: None,
        because: String::new(),
        rule: None,
        returned_because: None,
        schedule: Schedule::default(),
        course: Course {
            taken_from: ticket.course.taken_from.clone(),
            ..Course::default()
        },
        ..ticket.clone()
    }
}

/// A department has erased what it kept: its topic need not say so any longer.
pub(super) fn confirm(ticket: &Ticket, department: &DepartmentId, at: DateTime<Utc>) -> Transition {
    let mut change = Change::of(ticket.clone(), at);
    let confirmed = &mut change.ticket().course.erasure_confirmed_by;
    confirmed.push(department.clone());
    let actor = Actor::Department(department.clone());
    change.enter(actor, Action::ErasureConfirmed, None);
    let at = change.at;
    let mut transition = change.transition;
    transition.effects.push(Effect::Tombstone {
        department: department.clone(),
        at,
    });
    transition.effects.push(Effect::Confirm {
        department: department.clone(),
        of: ToldOf::Erased,
        by_hand: false,
    });
    transition
}
