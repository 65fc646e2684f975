//! What a department without Kafka is told by mail, and what became of it.

use chrono::{DateTime, Utc};

use super::{Action, Actor, Effect, HistoryEntry, Ticket, ToldOf, Transition};
use crate::ids::DepartmentId;
use crate::personal::Personal;
use crate::procedure::VIDEO_LINK;
use crate::registration::EMAIL;
use crate::routing::RoutingTable;

/// What a mail to a department is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailSubject {
    /// The department has the ticket, or there is news of it.
    Ticket,
    /// The department has it no longer.
    Withdrawn,
    /// Another department's ticket is overdue.
    Escalated,
    /// The department must erase what it keeps of it.
    Erased,
    /// The department must do nothing with it until the restriction is lifted.
    Restricted,
    /// The department must put right what it keeps of it.
    Rectified,
}

impl Transition {
    /// Adds the mails that the change calls for, to departments that take mail: of a new ticket, an added concern, a
    /// ticket that goes to another department, is due soon or overdue, and whatever people do. What a department itself
    /// reports is no news to it. And to a citizen with an address, of an appointment by video that is booked, moved or
    /// cancelled.
    #[must_use]
    pub fn with_mails(mut self, routing: &RoutingTable) -> Self {
        if self.changes_video_appointment() {
            self.effects.push(Effect::TellCitizen);
        }
        let news = [
            Action::Logged,
            Action::ConcernAdded,
            Action::Rerouted,
            Action::Rebooked,
            Action::DueSoon,
            Action::Overdue,
            Action::Withdrawn,
            Action::Reopened,
            Action::Closed,
            Action::Erased,
            Action::Rectified,
            Action::Restricted,
            Action::RestrictionLifted,
        ];
        if !self.entries.iter().any(|entry| news.contains(&entry.action)) {
            return self;
        }
        let takes_mail = |id: &DepartmentId| routing.department(id).is_some_and(|it| it.mail.is_some());
        // A department that has the ticket is told of what was put right with all that it says now.
        let handed_over = match self.tells(ToldOf::Rectified) {
            true => MailSubject::Rectified,
            false => MailSubject::Ticket,
        };
        let mails = self.effects.iter().filter_map(|effect| match effect {
            Effect::HandOver(department) => Some((department, handed_over)),
            Effect::Withdraw { department, .. } => Some((department, MailSubject::Withdrawn)),
            Effect::Erase { department, .. } => Some((department, MailSubject::Erased)),
            Effect::Restrict { department, .. } => Some((department, MailSubject::Restricted)),
            Effect::Rectify { department, .. } => Some((department, MailSubject::Rectified)),
            Effect::Tombstone { .. }
            | Effect::Forget { .. }
            | Effect::Mail { .. }
            | Effect::TellCitizen
            | Effect::Book { .. }
            | Effect::Tell { .. }
            | Effect::Confirm { .. }
            | Effect::Restate { .. }
            | Effect::Untell(_) => None,
        });
        let mails: Vec<Effect> = mails
            .filter(|(department, _)| takes_mail(department))
            .map(|(department, subject)| Effect::Mail {
                department: department.clone(),
                subject,
            })
            .collect();
        self.effects.extend(mails);
        self
    }
}

impl Transition {
    /// Whether a citizen with an address has to know of it: where and when to meet, or that it does not take place.
    fn changes_video_appointment(&self) -> bool {
        let news = [
            Action::Logged,
            Action::Rebooked,
            Action::Rerouted,
            Action::Returned,
            Action::Withdrawn,
            Action::Closed,
        ];
        let fields = self.ticket.request.fields();
        let is_by_video = fields.get(VIDEO_LINK).is_some() && fields.get(EMAIL).is_some();
        is_by_video && self.entries.iter().any(|entry| news.contains(&entry.action))
    }

    /// Whether departments are told of something that they have to confirm.
    fn tells(&self, what: ToldOf) -> bool {
        let told = |effect: &Effect| matches!(effect, Effect::Tell { of, .. } if *of == what);
        self.effects.iter().any(told)
    }
}

/// The mail server of a department has taken a mail. What the department sees stays as it was.
pub fn mailed(ticket: &Ticket, department: &DepartmentId, at: DateTime<Utc>) -> Transition {
    entered(ticket, Action::Mailed, department.to_string(), at)
}

/// A mail to a department was refused for good, or came back. The reason holds no personal data.
pub fn mail_failed(
    ticket: &Ticket,
    department: &DepartmentId,
    reason: &str,
    at: DateTime<Utc>,
) -> Transition {
    entered(ticket, Action::MailFailed, format!("{department}: {reason}"), at)
}

fn entered(ticket: &Ticket, action: Action, note: String, at: DateTime<Utc>) -> Transition {
    let number = ticket.history_length + 1;
    Transition {
        history_before: ticket.history_length,
        ticket: Ticket {
            history_length: number,
            ..ticket.clone()
        },
        entries: vec![HistoryEntry {
            number,
            at: at.max(ticket.changed_at),
            actor: Actor::System,
            action,
            note: Some(Personal::new(note)),
        }],
        effects: Vec::new(),
    }
}
