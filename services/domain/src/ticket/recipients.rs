//! Whoever was told of a rectification, a restriction or an erasure, and what became of it (Art. 19 GDPR).

use chrono::{DateTime, Utc};

use super::{Action, Actor, Change, Effect, Ticket, TicketState, Transition, named};
use crate::ids::DepartmentId;
use crate::personal::Personal;

named! {
    /// What a department was told of.
    ToldOf {
        /// What the ticket says was put right.
        Rectified = "rectified",
        /// The ticket is restricted.
        Restricted = "restricted",
        /// The ticket was erased.
        Erased = "erased",
    }
}

impl ToldOf {
    /// The entry of the history that says that it was confirmed.
    pub fn confirmed(self) -> Action {
        match self {
            Self::Rectified => Action::RectificationConfirmed,
            Self::Restricted => Action::RestrictionConfirmed,
            Self::Erased => Action::ErasureConfirmed,
        }
    }
}

impl Ticket {
    /// Whether a department has confirmed what it was told of; `None` if it was not told.
    pub fn has_confirmed(&self, department: &DepartmentId, of: ToldOf) -> Option<bool> {
        if !self.all_departments().contains(&department) {
            return None;
        }
        match of {
            ToldOf::Erased => (self.state == TicketState::Erased)
                .then(|| self.course.erasure_confirmed_by.contains(department)),
            ToldOf::Restricted => self
                .is_restricted()
                .then(|| self.course.restriction_confirmed_by.contains(department)),
            ToldOf::Rectified => {
                let rectified = self.course.rectified.as_ref()?;
                // A department that got the ticket later got it right.
                Some(rectified.confirmed_by.contains(department))
            }
        }
    }
}

/// Notes that a department has confirmed in another way, such as by a letter. `None` if there is nothing to confirm.
pub fn confirm_by_hand(
    ticket: &Ticket,
    department: &DepartmentId,
    of: ToldOf,
    reason: &Personal,
    actor: Actor,
    at: DateTime<Utc>,
) -> Option<Transition> {
    if ticket.has_confirmed(department, of)? {
        return None;
    }
    let mut change = Change::of(ticket.clone(), at);
    let course = &mut change.ticket().course;
    match of {
        ToldOf::Erased => course.erasure_confirmed_by.push(department.clone()),
        ToldOf::Restricted => course.restriction_confirmed_by.push(department.clone()),
        ToldOf::Rectified => course
            .rectified
            .iter_mut()
            .for_each(|rectified| rectified.confirmed_by.push(department.clone())),
    }
    let note = format!("{department}: {}", reason.reveal());
    change.enter(actor, of.confirmed(), Some(Personal::new(note)));
    let at = change.at;
    let mut transition = change.transition;
    transition.effects.push(Effect::Confirm {
        department: department.clone(),
        of,
        by_hand: true,
    });
    if of == ToldOf::Erased {
        transition.effects.push(Effect::Tombstone {
            department: department.clone(),
            at,
        });
    }
    Some(transition)
}
