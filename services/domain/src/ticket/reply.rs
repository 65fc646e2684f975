//! What a department reports about a ticket, and what is made of it.
//!
//! Replies may come late or out of order; the rule is:
//! - What can only have happened after something else implies it: an attempt or an answer without `accepted` implies
//!   `accepted`, and any reply implies that the ticket was handed over.
//! - What tells nothing new is rejected as late: `accepted` after an attempt, anything after an answer.
//! - Only the department that has the ticket now may report. A department that never had it learns nothing, not even
//!   that the ticket exists.

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{
    Action, Actor, Change, Effect, REROUTES_MAX, Ticket, TicketState, Transition, WITHDRAWN_STAYS, named,
};
use crate::ids::DepartmentId;
use crate::personal::Personal;
use crate::routing::RoutingTable;

/// Characters of a note or a reason at most.
pub const NOTE_LENGTH_MAX: usize = 2000;

named! {
    /// What came of a callback.
    AttemptOutcome {
        /// Somebody was spoken to.
        Reached = "reached",
        /// Nobody answered.
        NotReached = "not_reached",
        /// Engaged.
        Busy = "busy",
        /// A message was left.
        VoiceMessage = "voice_message",
        /// The number is not the citizen's.
        WrongNumber = "wrong_number",
    }
}

/// What a department reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// It is responsible and will call back.
    Accepted,
    /// It called back.
    CallbackAttempted {
        /// What came of it.
        outcome: AttemptOutcome,
        /// In words.
        note: Option<Personal>,
    },
    /// The citizen has an answer.
    Answered {
        /// In words.
        note: Option<Personal>,
    },
    /// It is not responsible.
    Returned {
        /// Why.
        reason: Personal,
        /// Who is, if known.
        suggested_department: Option<DepartmentId>,
    },
}

/// Why a reply was not applied, in words that a department can act on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplyRejection {
    /// There is no such ticket, or it never was this department's.
    #[error("no ticket with this number is yours; check `ticket_id`")]
    UnknownTicket,
    /// It was returned and went to another department.
    #[error("the ticket is with another department since you returned it; nothing is left to do")]
    NotYours,
    /// The ticket was accepted before.
    #[error("the ticket was accepted before; nothing is left to do")]
    AlreadyAccepted,
    /// The ticket was answered before.
    #[error("the ticket was answered before; nothing more can be reported")]
    AlreadyAnswered,
    /// The ticket is closed.
    #[error("the ticket is closed; nothing more can be reported")]
    AlreadyClosed,
    /// The clearing department cannot pass the decision on.
    #[error(
        "clearing decides: name a department that exists in `suggested_department`, another than your own"
    )]
    ClearingMustDecide,
    /// The content does not follow the schema.
    #[error("the reply cannot be read: {0}")]
    Unreadable(String),
    /// A kind of reply that this version does not know.
    #[error("the kind of reply is unknown; use accepted, callback_attempted, answered or returned")]
    UnknownType,
}

impl ReplyRejection {
    /// A name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownTicket => "unknown_ticket",
            Self::NotYours => "not_yours",
            Self::AlreadyAccepted => "already_accepted",
            Self::AlreadyAnswered => "already_answered",
            Self::AlreadyClosed => "already_closed",
            Self::ClearingMustDecide => "clearing_must_decide",
            Self::Unreadable(_) => "unreadable",
            Self::UnknownType => "unknown_type",
        }
    }
}

/// Applies the reply of a department to a ticket.
///
/// # Errors
/// [`ReplyRejection`] when it changes nothing; the department is told.
pub fn apply_reply(
    ticket: &Ticket,
    department: &DepartmentId,
    reply: &Reply,
    routing: &RoutingTable,
    at: DateTime<Utc>,
) -> Result<Transition, ReplyRejection> {
    check_timeliness(ticket, department, reply)?;
    let actor = Actor::Department(department.clone());
    let mut change = Change::of(ticket.clone(), at);
    if ticket.state == TicketState::Open {
        change.hand_over();
    }
    let implies_accepted = matches!(reply, Reply::CallbackAttempted { .. } | Reply::Answered { .. });
    if implies_accepted && change.ticket().state == TicketState::HandedOver {
        change.enter(actor.clone(), Action::Accepted, None);
    }
    match reply {
        Reply::Accepted => {
            change.state(TicketState::Accepted);
            change.enter(actor, Action::Accepted, None);
        }
        Reply::CallbackAttempted { outcome, note } => {
            change.state(TicketState::CallbackAttempted);
            change.ticket().attempts += 1;
            let note = match note {
                Some(note) => Personal::new(format!("{}: {}", outcome.name(), note.reveal())),
                None => Personal::new(outcome.name()),
            };
            change.enter(actor, Action::CallbackAttempted, Some(note));
        }
        Reply::Answered { note } => {
            change.state(TicketState::Answered);
            change.enter(actor, Action::Answered, note.clone());
        }
        Reply::Returned {
            reason,
            suggested_department,
        } => {
            return returned(change, department, reason, suggested_department.as_ref(), routing);
        }
    }
    Ok(change.seen_by_department())
}

fn check_timeliness(ticket: &Ticket, department: &DepartmentId, reply: &Reply) -> Result<(), ReplyRejection> {
    if ticket.department != *department {
        return Err(if ticket.returned_by.contains(department) {
            ReplyRejection::NotYours
        } else {
            ReplyRejection::UnknownTicket
        });
    }
    match ticket.state {
        TicketState::Closed => Err(ReplyRejection::AlreadyClosed),
        TicketState::Answered => Err(ReplyRejection::AlreadyAnswered),
        TicketState::Accepted | TicketState::CallbackAttempted if *reply == Reply::Accepted => {
            Err(ReplyRejection::AlreadyAccepted)
        }
        _ => Ok(()),
    }
}

/// Reroutes: to the suggested department if it is known and has not returned the ticket itself, else to clearing;
/// from clearing only to the suggested one.
fn returned(
    mut change: Change,
    from: &DepartmentId,
    reason: &Personal,
    suggested: Option<&DepartmentId>,
    routing: &RoutingTable,
) -> Result<Transition, ReplyRejection> {
    let clearing = &routing.clearing().id;
    let suggested = suggested.filter(|id| routing.department(id).is_some() && *id != from);
    let returned_before = &change.transition.ticket.returned_by;
    let (to, because) = if from == clearing {
        let to = suggested.ok_or(ReplyRejection::ClearingMustDecide)?;
        (to, format!("Die Klärungsstelle ({from}) hat {to} bestimmt."))
    } else if returned_before.len() >= REROUTES_MAX {
        let times = returned_before.len() + 1;
        (
            clearing,
            format!("Zum {times}. Mal zurückgegeben, zuletzt von {from}; die Klärungsstelle entscheidet."),
        )
    } else {
        match suggested.filter(|id| !returned_before.contains(id)) {
            Some(to) => (
                to,
                format!("Zurückgegeben von {from}; dort wurde {to} als zuständig genannt."),
            ),
            None => (
                clearing,
                format!("Zurückgegeben von {from}, ohne dass eine andere zuständige Stelle feststeht."),
            ),
        }
    };
    let to = to.clone();
    change.enter(
        Actor::Department(from.clone()),
        Action::Returned,
        Some(reason.clone()),
    );
    change.enter(Actor::System, Action::Rerouted, Some(Personal::new(to.as_str())));
    change.state(TicketState::Open);
    let tombstone_at = change.at + WITHDRAWN_STAYS;
    let ticket = change.ticket();
    ticket.returned_by.push(from.clone());
    ticket.returned_because = Some(reason.clone());
    ticket.because = because;
    ticket.rule = None;
    ticket.department = to;
    let mut transition = change.seen_by_department();
    transition.effects.push(Effect::Withdraw {
        department: from.clone(),
        tombstone_at,
    });
    Ok(transition)
}
