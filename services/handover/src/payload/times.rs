//! Times of a ticket beside its due time, as its department sees them. What there is none of is absent.

use chrono::{DateTime, Utc};
use domain::ticket::{Alarm, Ticket, Window};
use serde::{Deserialize, Serialize};

/// The times of a ticket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Times {
    /// When the citizen wishes to be called back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wished: Option<Window>,
    /// The booked slots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appointment: Option<Appointment>,
    /// The answer is due soon.
    #[serde(skip_serializing_if = "is_false")]
    pub due_soon: bool,
    /// The answer is overdue.
    #[serde(skip_serializing_if = "is_false")]
    pub overdue: bool,
    /// It is overdue, and another department was told.
    #[serde(skip_serializing_if = "is_false")]
    pub escalated: bool,
}

/// Booked slots of a department.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// What they are for.
    pub service: String,
    /// When they begin, in order, each for 15 minutes.
    pub slots: Vec<DateTime<Utc>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Times {
    /// The times of a ticket as they are now. Slots that are no longer held are not shown.
    pub(super) fn of(ticket: &Ticket) -> Self {
        let appointment = ticket.held_slots().map(|booking| Appointment {
            service: booking.service.clone(),
            slots: booking.slots.clone(),
        });
        let alarm = ticket.alarm();
        Self {
            wished: ticket.schedule.wished,
            appointment,
            due_soon: alarm == Some(Alarm::DueSoon),
            overdue: alarm >= Some(Alarm::Overdue),
            escalated: alarm == Some(Alarm::Escalated),
        }
    }
}
