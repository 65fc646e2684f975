//! Warnings before an answer is due, and escalation after: each once for a ticket and due time.
//!
//! What was raised is kept with the ticket and written in one transaction with its history entry. So it does not matter
//! who looks, how often, or whether the clock was set back or forward between two looks.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Action, Actor, Change, Effect, MailSubject, Raised, Ticket, Transition};
use crate::ids::DepartmentId;
use crate::named::named;
use crate::personal::Personal;
use crate::routing::RoutingTable;

named! {
    /// What is said about a due time, in this order.
    Alarm {
        /// It is near.
        DueSoon = "due_soon",
        /// It is past.
        Overdue = "overdue",
        /// It is past, and somebody else than the department is told.
        Escalated = "escalated",
    }
}

/// Minutes that a policy may name at most: 60 days.
pub const ALARM_MINUTES_MAX: u32 = 60 * 24 * 60;

/// When what is said about due times, as the rules write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EscalationPolicy {
    /// Minutes before the due time at which the department is warned; 0 for never.
    pub warn_before_minutes: u32,
    /// Minutes after the due time at which a ticket is escalated.
    pub escalate_after_minutes: u32,
    /// The department that is told of escalated tickets; absent: the clearing department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DepartmentId>,
}

impl Default for EscalationPolicy {
    fn default() -> Self {
        Self {
            warn_before_minutes: 120,
            escalate_after_minutes: 0,
            to: None,
        }
    }
}

impl EscalationPolicy {
    /// Tickets that are due before this have reached an alarm now.
    pub fn reached_before(&self, alarm: Alarm, now: DateTime<Utc>) -> DateTime<Utc> {
        let minutes = |minutes: u32| TimeDelta::minutes(minutes.into());
        match alarm {
            Alarm::DueSoon => now + minutes(self.warn_before_minutes),
            Alarm::Overdue => now,
            Alarm::Escalated => now - minutes(self.escalate_after_minutes),
        }
    }

    fn has_reached(&self, alarm: Alarm, ticket: &Ticket, now: DateTime<Utc>) -> bool {
        ticket.due_at <= self.reached_before(alarm, now)
    }
}

impl Ticket {
    /// The last alarm that was raised for its present due time.
    pub fn alarm(&self) -> Option<Alarm> {
        let raised = self.schedule.raised.filter(|raised| raised.due_at == self.due_at);
        raised
            .filter(|_| self.state.is_pending())
            .map(|raised| raised.alarm)
    }

    /// The alarm that comes next; `None` if nothing is owed, it is restricted, or all of them were raised.
    pub fn next_alarm(&self) -> Option<Alarm> {
        if !self.state.is_pending() || self.is_restricted() {
            return None;
        }
        match self.alarm() {
            None => Some(Alarm::DueSoon),
            Some(Alarm::DueSoon) => Some(Alarm::Overdue),
            Some(Alarm::Overdue) => Some(Alarm::Escalated),
            Some(Alarm::Escalated) => None,
        }
    }
}

/// Raises what a ticket has reached and was not raised yet; `None` if there is nothing. A warning that would come after
/// the due time is left out.
pub fn raise_alarms(ticket: &Ticket, routing: &RoutingTable, at: DateTime<Utc>) -> Option<Transition> {
    let policy = routing.escalation();
    let next = ticket.next_alarm()?;
    let reached = Alarm::ALL
        .iter()
        .copied()
        .filter(|alarm| *alarm >= next && policy.has_reached(*alarm, ticket, at));
    let mut reached: Vec<Alarm> = reached.collect();
    let last = *reached.last()?;
    if last > Alarm::DueSoon {
        reached.retain(|alarm| *alarm > Alarm::DueSoon);
    }
    let to = policy.to.as_ref().unwrap_or(&routing.clearing().id);
    let mut change = Change::of(ticket.clone(), at);
    change.ticket().schedule.raised = Some(Raised {
        alarm: last,
        due_at: ticket.due_at,
    });
    for alarm in reached {
        let (action, note) = match alarm {
            Alarm::DueSoon => (Action::DueSoon, None),
            Alarm::Overdue => (Action::Overdue, None),
            Alarm::Escalated => (Action::Escalated, Some(Personal::new(to.as_str()))),
        };
        change.enter(Actor::System, action, note);
    }
    if last == Alarm::Escalated {
        change.ticket().schedule.escalated_to = Some(to.clone());
    }
    let mut transition = change.seen_by_department().with_mails(routing);
    let takes_mail = routing.department(to).is_some_and(|it| it.mail.is_some());
    if last == Alarm::Escalated && takes_mail && *to != ticket.department {
        transition.effects.push(Effect::Mail {
            department: to.clone(),
            subject: MailSubject::Escalated,
        });
    }
    Some(transition)
}

#[cfg(test)]
mod tests;
