//! How a change of a ticket is put together.

use chrono::{DateTime, Utc};

use super::{
    Action, Actor, Effect, HistoryEntry, Ticket, TicketState, TicketVersion, Transition, WITHDRAWN_STAYS,
};
use crate::ids::DepartmentId;
use crate::personal::Personal;

/// A change under way.
pub(super) struct Change {
    pub(super) transition: Transition,
    /// Now, and not before the ticket last changed.
    pub(super) at: DateTime<Utc>,
}

impl Change {
    pub(super) fn of(ticket: Ticket, at: DateTime<Utc>) -> Self {
        // A clock that was set back must not make a ticket older than it was.
        let at = at.max(ticket.changed_at);
        let transition = Transition {
            history_before: ticket.history_length,
            ticket: Ticket {
                changed_at: at,
                ..ticket
            },
            entries: Vec::new(),
            effects: Vec::new(),
        };
        Self { transition, at }
    }

    pub(super) fn ticket(&mut self) -> &mut Ticket {
        &mut self.transition.ticket
    }

    pub(super) fn state(&mut self, state: TicketState) {
        self.ticket().state = state;
    }

    /// No answer is owed any more.
    pub(super) fn settle(&mut self, state: TicketState) {
        self.state(state);
        self.ticket().course.settled_at = Some(self.at);
    }

    /// Its department has to begin anew: what it reported of earlier versions does not count any more.
    pub(super) fn begin_anew(&mut self) {
        self.state(TicketState::Open);
        let ticket = self.ticket();
        let next = TicketVersion(ticket.version.0 + 1);
        ticket.course.begin(next);
    }

    /// The ticket goes to another department; the present one sees that it has it no longer.
    pub(super) fn move_to(mut self, to: DepartmentId) -> Transition {
        let ticket = self.ticket();
        if ticket
            .schedule
            .booking
            .as_ref()
            .is_some_and(|booking| booking.department == to)
        {
            ticket.forget_freed_slots();
        }
        self.begin_anew();
        let tombstone_at = self.at + WITHDRAWN_STAYS;
        let ticket = self.ticket();
        ticket.rule = None;
        let from = std::mem::replace(&mut ticket.department, to);
        let mut transition = self.seen_by_department();
        transition.effects.push(Effect::Withdraw {
            department: from,
            tombstone_at,
        });
        transition
    }

    pub(super) fn enter(&mut self, actor: Actor, action: Action, note: Option<Personal>) {
        let at = self.at;
        let ticket = self.ticket();
        ticket.history_length += 1;
        let number = ticket.history_length;
        self.transition.entries.push(HistoryEntry {
            number,
            at,
            actor,
            action,
            note,
        });
    }

    pub(super) fn hand_over(&mut self) {
        self.state(TicketState::HandedOver);
        let department = self.ticket().department.clone();
        self.enter(
            Actor::System,
            Action::HandedOver,
            Some(Personal::new(department.as_str())),
        );
    }

    /// Ends a change that the department must see.
    pub(super) fn seen_by_department(mut self) -> Transition {
        let ticket = self.ticket();
        ticket.version.0 += 1;
        let department = ticket.department.clone();
        self.transition.effects.push(Effect::HandOver(department));
        self.transition
    }
}
