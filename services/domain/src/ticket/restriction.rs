//! A ticket is kept, and nobody works on it, until that is lifted (Art. 18 GDPR).
//!
//! Departments that have or had it see that it is restricted, without anything about the citizen. Nothing is done with it
//! meanwhile but what the rights of the citizen call for: it may be put right, and erased.

use chrono::{DateTime, Utc};

use super::{
    ActRefused, Action, Actor, CLOSED_STAYS, Change, ERASED_STAYS, Effect, Ticket, TicketState, ToldOf,
    Transition, WITHDRAWN_STAYS, rectification,
};
use crate::ids::DepartmentId;
use crate::personal::Personal;
use crate::service_time::{DuePolicy, ServiceCalendar};

impl Ticket {
    /// Departments that have or had it, each once; the present one comes last.
    pub(super) fn all_departments(&self) -> Vec<&DepartmentId> {
        let mut departments: Vec<&DepartmentId> = Vec::new();
        for department in self.former_departments().chain([&self.department]) {
            if !departments.contains(&department) {
                departments.push(department);
            }
        }
        departments
    }

    /// Whether it is due when the citizen wants it, by a slot or the end of a wished window, and that is still to come.
    fn is_due_at_a_time_to_come(&self, now: DateTime<Utc>) -> bool {
        let slot = self
            .held_slots()
            .and_then(|booking| booking.slots.first().copied());
        let wanted = slot.or(self.schedule.wished.map(|wished| wished.until));
        wanted.is_some_and(|wanted| wanted == self.due_at && wanted > now)
    }
}

/// Restricts a ticket. Every department that has or had it is told, and asked to confirm.
///
/// # Errors
/// [`ActRefused`] if it was erased, or is restricted already.
pub fn restrict(
    ticket: &Ticket,
    reason: Personal,
    actor: Actor,
    at: DateTime<Utc>,
) -> Result<Transition, ActRefused> {
    if ticket.state == TicketState::Erased {
        return Err(ActRefused::Erased);
    }
    if ticket.is_restricted() {
        return Err(ActRefused::Restricted);
    }
    let mut change = Change::of(ticket.clone(), at);
    let at = change.at;
    let changed = change.ticket();
    changed.version.0 += 1;
    changed.course.restricted_since = Some(at);
    changed.course.restriction_confirmed_by.clear();
    change.enter(actor, Action::Restricted, Some(reason));
    let mut transition = change.transition;
    for department in ticket.all_departments() {
        // A former department need not hear of it for ever.
        let tombstone_at = (*department != ticket.department).then_some(at + ERASED_STAYS);
        transition.effects.push(Effect::Restrict {
            department: department.clone(),
            tombstone_at,
        });
        transition.effects.push(Effect::Tell {
            department: department.clone(),
            of: ToldOf::Restricted,
        });
    }
    Ok(transition)
}

/// Lifts the restriction: the department sees the ticket as it is now, and goes on. While it was restricted nobody was allowed
/// to answer, so as much time is left until the answer is due as there was.
///
/// # Errors
/// [`ActRefused`] unless it is restricted.
pub fn lift(
    ticket: &Ticket,
    reason: Personal,
    actor: Actor,
    at: DateTime<Utc>,
    (calendar, policy): (&ServiceCalendar, DuePolicy),
) -> Result<Transition, ActRefused> {
    let Some(since) = ticket.course.restricted_since else {
        return Err(ActRefused::NotRestricted);
    };
    let mut change = Change::of(ticket.clone(), at);
    if ticket.state.is_pending() && !ticket.is_due_at_a_time_to_come(change.at) {
        change.ticket().due_at = calendar.due_after_pause(ticket.due_at, (since, change.at), policy);
    }
    change.ticket().course.restricted_since = None;
    change.ticket().course.restriction_confirmed_by.clear();
    change.enter(actor, Action::RestrictionLifted, Some(reason));
    let at = change.at;
    let mut transition = change.seen_by_department();
    transition.effects.push(Effect::Untell(ToldOf::Restricted));
    if ticket.state == TicketState::Closed {
        transition.effects.push(Effect::Tombstone {
            department: ticket.department.clone(),
            at: at + CLOSED_STAYS,
        });
    }
    let former = ticket.all_departments();
    let former = former.into_iter().filter(|it| **it != ticket.department);
    transition
        .effects
        .extend(former.map(|department| Effect::Withdraw {
            department: department.clone(),
            tombstone_at: at + WITHDRAWN_STAYS,
        }));
    // What was put right meanwhile is told now; and what was on its way, the restriction has taken its place.
    rectification::tell(&mut transition);
    transition.ticket.course.lifted_in = Some(transition.ticket.version);
    Ok(transition)
}

/// A department works on it no more until the restriction is lifted.
pub(super) fn confirm(ticket: &Ticket, department: &DepartmentId, at: DateTime<Utc>) -> Transition {
    let mut change = Change::of(ticket.clone(), at);
    let confirmed = &mut change.ticket().course.restriction_confirmed_by;
    confirmed.push(department.clone());
    let actor = Actor::Department(department.clone());
    change.enter(actor, Action::RestrictionConfirmed, None);
    let mut transition = change.transition;
    transition.effects.push(Effect::Confirm {
        department: department.clone(),
        of: ToldOf::Restricted,
        by_hand: false,
    });
    transition
}
