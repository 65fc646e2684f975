//! When a ticket is to be answered beside its due time: the wished window, the booked slots, and what was said so far
//! about the due time.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Action, Actor, Alarm, Change, Effect, Ticket, TicketState, Transition};
use crate::booking::{Bookable, write_slots};
use crate::ids::DepartmentId;
use crate::personal::Personal;
use crate::procedure::{FieldId, SLOTS};
use crate::service_time::ServiceCalendar;

/// A callback may be wished this far ahead.
pub const WISH_AHEAD_MAX: TimeDelta = TimeDelta::days(60);

/// The times of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schedule {
    /// When the citizen wishes to be called back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wished: Option<Window>,
    /// The booked slots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking: Option<Booking>,
    /// The last alarm that was raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised: Option<Raised>,
    /// Who was told besides its department that it is overdue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escalated_to: Option<DepartmentId>,
}

/// An alarm, and the due time that it was raised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raised {
    /// Which; those before it are not raised any more.
    pub alarm: Alarm,
    /// The due time then: with another one the alarms begin anew.
    pub due_at: DateTime<Utc>,
}

/// From a moment until another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Window {
    /// Its begin.
    pub from: DateTime<Utc>,
    /// Its end.
    pub until: DateTime<Utc>,
}

/// Slots of a service of a department.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// Whose slots they are.
    pub department: DepartmentId,
    /// What they are for.
    pub service: String,
    /// When they begin, in order; at least one.
    pub slots: Vec<DateTime<Utc>>,
}

/// Why a wished window is refused, and what to do instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WishFault {
    /// The end is not after the begin.
    #[error("give an end after the begin")]
    Empty,
    /// Its end is past.
    #[error("the window is past; give one that ends in the future")]
    Past,
    /// It ends later than [`WISH_AHEAD_MAX`].
    #[error("give a window within the next {} days", WISH_AHEAD_MAX.num_days())]
    TooFar,
    /// Nobody works then.
    #[error("no service time lies within the window; give one that reaches into it")]
    Closed,
}

impl Window {
    /// Checks that somebody can call back then.
    ///
    /// # Errors
    /// [`WishFault`].
    pub fn checked(self, calendar: &ServiceCalendar, now: DateTime<Utc>) -> Result<Self, WishFault> {
        if self.until <= self.from {
            return Err(WishFault::Empty);
        }
        if self.until <= now {
            return Err(WishFault::Past);
        }
        if self.until > now + WISH_AHEAD_MAX {
            return Err(WishFault::TooFar);
        }
        match calendar.is_open_within(self.from.max(now), self.until) {
            true => Ok(self),
            false => Err(WishFault::Closed),
        }
    }
}

impl Schedule {
    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The due time by these times: the first slot, else the end of the wished window if that is later than the
    /// policy's due time.
    pub fn due(&self, by_policy: DateTime<Utc>) -> DateTime<Utc> {
        let first_slot = self.booking.as_ref().and_then(|booking| booking.slots.first());
        match (first_slot, self.wished) {
            (Some(slot), _) => *slot,
            (None, Some(wished)) => by_policy.max(wished.until),
            (None, None) => by_policy,
        }
    }

    /// Has the alarms begin anew, also for the same due time; for a ticket that is owed an answer again.
    pub fn begin_round(&mut self) {
        self.raised = None;
        self.escalated_to = None;
    }
}

impl Transition {
    /// With a note in the history, why it is so; erased with the ticket.
    #[must_use]
    pub fn with_note(mut self, note: Option<Personal>) -> Self {
        if let (Some(entry), Some(note)) = (self.entries.last_mut(), note) {
            entry.note = Some(note);
        }
        self
    }

    /// The new ticket with its times.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule, capacity: Option<u16>) -> Self {
        if let (Some(booking), Some(capacity)) = (&schedule.booking, capacity) {
            self.effects.push(Effect::Book {
                booking: booking.clone(),
                capacity,
            });
        }
        self.ticket.schedule = schedule;
        self
    }
}

impl Ticket {
    /// The slots that are taken for it now. Nobody else gets them, until it ends or goes to another department.
    pub fn held_slots(&self) -> Option<&Booking> {
        let booking = self.schedule.booking.as_ref();
        booking.filter(|booking| self.state.holds_slots() && booking.department == self.department)
    }

    /// Slots that were freed are somebody else's perhaps: coming back does not bring them back.
    pub(super) fn forget_freed_slots(&mut self) {
        if self.held_slots().is_none() {
            self.schedule.booking = None;
        }
    }
}

impl TicketState {
    /// Whether booked slots stay taken. Each state has to be decided here.
    fn holds_slots(self) -> bool {
        match self {
            Self::Open
            | Self::HandedOver
            | Self::Accepted
            | Self::CallbackAttempted
            | Self::Answered
            | Self::Unreachable => true,
            Self::Withdrawn | Self::Closed | Self::Erased => false,
        }
    }
}

/// Why an appointment was not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RebookingRefused {
    /// It is over.
    #[error("the ticket is answered or closed; log a new one")]
    NothingOwed,
    /// It never had slots.
    #[error("the ticket has no booked slots; log an appointment")]
    NoAppointment,
}

/// Moves an appointment to other slots, which [`Bookable::appointment`] has checked. The old ones are free once this is
/// written.
///
/// # Errors
/// [`RebookingRefused`] with what to do instead.
pub fn rebook(
    ticket: &Ticket,
    to: &Bookable,
    slots: Vec<DateTime<Utc>>,
    actor: Actor,
    at: DateTime<Utc>,
) -> Result<Transition, RebookingRefused> {
    if !ticket.state.is_pending() || ticket.is_restricted() {
        return Err(RebookingRefused::NothingOwed);
    }
    if ticket.schedule.booking.is_none() {
        return Err(RebookingRefused::NoAppointment);
    }
    let written = write_slots(&slots);
    let booking = Booking {
        department: to.department.clone(),
        service: to.service.clone(),
        slots,
    };
    let mut change = Change::of(ticket.clone(), at);
    let moved = change.ticket();
    moved.due_at = booking.slots.first().copied().unwrap_or(moved.due_at);
    moved.request.set(FieldId::new(SLOTS), Personal::new(&written));
    moved.schedule.booking = Some(booking.clone());
    change.enter(
        actor,
        Action::Rebooked,
        Some(Personal::new(written.replace('\n', ", "))),
    );
    let mut transition = change.seen_by_department();
    transition.effects.push(Effect::Book {
        booking,
        capacity: to.capacity,
    });
    Ok(transition)
}

#[cfg(test)]
mod tests;
