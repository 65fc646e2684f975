//! What a department reports about a ticket, and what is made of it.
//!
//! Replies may come late or out of order; the rule is:
//! - What can only have happened after something else implies it: an attempt or an answer without `accepted` implies
//!   `accepted`, and any reply implies that the ticket was handed over.
//! - What comes late leads nowhere back. `accepted` after an attempt or an end is kept in the history alone; an attempt
//!   after an end is kept and counted, and the end stays; an answer still comes after `unreachable` and `withdrawn`.
//! - What tells nothing new is rejected: anything after `closed`, a second `accepted`, a second end.
//! - A reply that names the version it has seen is rejected as outdated when the department had to begin anew since, or
//!   when it would end the work and the citizen has asked for more since. An attempt is kept all the same.
//! - Only the department that has the ticket now may report. A department that never had it learns nothing, not even
//!   that the ticket exists. An erasure, a restriction and a rectification are confirmed by each department that had the
//!   ticket. Of a restricted ticket nothing else is reported.

use chrono::{DateTime, Utc};
use thiserror::Error;

use super::{
    Action, Actor, Change, REROUTES_MAX, Ticket, TicketState, TicketVersion, ToldOf, Transition, erasure,
    named, rectification, restriction,
};
use crate::ids::DepartmentId;
use crate::personal::Personal;
use crate::procedure::{Procedure, UNREACHABLE_AFTER};
use crate::routing::RoutingTable;
use crate::rulebook::Rulebook;

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
    /// The citizen cannot be reached; no further callback is attempted.
    Unreachable {
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
    /// It keeps nothing about the citizen of an erased ticket any more.
    ErasureConfirmed,
    /// It does nothing with a restricted ticket until that is lifted.
    RestrictionConfirmed,
    /// It has put right what it keeps of a ticket.
    RectificationConfirmed,
}

impl Reply {
    /// What it confirms, if it confirms something.
    pub fn confirms(&self) -> Option<ToldOf> {
        match self {
            Self::ErasureConfirmed => Some(ToldOf::Erased),
            Self::RestrictionConfirmed => Some(ToldOf::Restricted),
            Self::RectificationConfirmed => Some(ToldOf::Rectified),
            _ => None,
        }
    }

    /// Whether it would end the department's work.
    fn is_an_end(&self) -> bool {
        matches!(
            self,
            Self::Answered { .. } | Self::Unreachable { .. } | Self::Returned { .. }
        )
    }
}

/// Why a reply was not applied, in words that a department can act on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplyRejection {
    /// There is no such ticket, or it never was this department's.
    #[error("no ticket with this number is yours; check `ticket_id`")]
    UnknownTicket,
    /// It went to another department.
    #[error("the ticket is with another department now; nothing is left to do")]
    NotYours,
    /// The ticket was accepted before.
    #[error("the ticket was accepted before; nothing is left to do")]
    AlreadyAccepted,
    /// The ticket was answered before.
    #[error("the ticket was answered before; nothing more can be reported")]
    AlreadyAnswered,
    /// The ticket has ended as unreachable before.
    #[error("the citizen was reported as unreachable before; nothing is left to do")]
    AlreadyUnreachable,
    /// The citizen has withdrawn the concern.
    #[error("the citizen needs no answer any more; nothing is left to do")]
    AlreadyWithdrawn,
    /// The department decided on an earlier version.
    #[error(
        "the ticket has changed since the version that you saw; read its newest version, then reply again"
    )]
    Outdated,
    /// The ticket was erased.
    #[error("the ticket was erased: delete what you keep of it, and reply erasure_confirmed")]
    Erased,
    /// The ticket was not erased.
    #[error("the ticket was not erased; there is nothing to confirm")]
    NotErased,
    /// The ticket is restricted.
    #[error(
        "the ticket is restricted: do nothing with it until it comes again, and reply restriction_confirmed"
    )]
    Restricted,
    /// The ticket is not restricted.
    #[error("the ticket is not restricted; there is nothing to confirm")]
    NotRestricted,
    /// Nothing was put right in the ticket.
    #[error("nothing was put right in the ticket; there is nothing to confirm")]
    NotRectified,
    /// What the reply confirms was confirmed before.
    #[error("you have confirmed this before; nothing is left to do")]
    AlreadyConfirmed,
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
    #[error(
        "the kind of reply is unknown; use accepted, callback_attempted, answered, unreachable, returned, \
         erasure_confirmed, restriction_confirmed or rectification_confirmed"
    )]
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
            Self::AlreadyUnreachable => "already_unreachable",
            Self::AlreadyWithdrawn => "already_withdrawn",
            Self::Outdated => "outdated",
            Self::Erased => "erased",
            Self::NotErased => "not_erased",
            Self::Restricted => "restricted",
            Self::NotRestricted => "not_restricted",
            Self::NotRectified => "not_rectified",
            Self::AlreadyConfirmed => "already_confirmed",
            Self::AlreadyClosed => "already_closed",
            Self::ClearingMustDecide => "clearing_must_decide",
            Self::Unreadable(_) => "unreadable",
            Self::UnknownType => "unknown_type",
        }
    }
}

/// Applies the reply of a department to a ticket, of which it has seen the given version if it says so.
///
/// # Errors
/// [`ReplyRejection`] when it changes nothing; the department is told.
pub fn apply_reply(
    ticket: &Ticket,
    department: &DepartmentId,
    reply: &Reply,
    seen: Option<TicketVersion>,
    rules: &Rulebook,
    at: DateTime<Utc>,
) -> Result<Transition, ReplyRejection> {
    check_timeliness(ticket, department, reply, seen)?;
    let actor = Actor::Department(department.clone());
    let mut change = Change::of(ticket.clone(), at);
    match reply {
        Reply::ErasureConfirmed => return Ok(erasure::confirm(ticket, department, at)),
        Reply::RestrictionConfirmed => return Ok(restriction::confirm(ticket, department, at)),
        Reply::RectificationConfirmed => return Ok(rectification::confirm(ticket, department, at)),
        Reply::Accepted => {
            change.enter_implied(None);
            change.enter(actor, Action::Accepted, None);
            if change.ticket().state != TicketState::HandedOver {
                return Ok(change.transition);
            }
            change.state(TicketState::Accepted);
        }
        Reply::CallbackAttempted { outcome, note } => {
            let is_late = !ticket.state.is_pending() || has_not_seen(seen, ticket.course.begun);
            if !is_late {
                change.enter_implied(Some(&actor));
            }
            change.attempted(actor, *outcome, note.as_ref());
            if !is_late {
                change.count_attempt(*outcome, unreachable_after(ticket, rules));
            }
        }
        Reply::Answered { note } => {
            change.enter_implied(Some(&actor));
            change.settle(TicketState::Answered);
            change.enter(actor, Action::Answered, note.clone());
        }
        Reply::Unreachable { note } => {
            change.enter_implied(Some(&actor));
            change.settle(TicketState::Unreachable);
            change.enter(actor, Action::Unreachable, note.clone());
        }
        Reply::Returned {
            reason,
            suggested_department,
        } => {
            change.enter_implied(None);
            let suggested = suggested_department.as_ref();
            return returned(change, department, reason, suggested, &rules.routing);
        }
    }
    Ok(change.seen_by_department())
}

/// Callbacks in a row that reach nobody until no further one is owed.
fn unreachable_after(ticket: &Ticket, rules: &Rulebook) -> u32 {
    let procedure = rules.register.procedure(ticket.procedure.as_str());
    let rules = procedure.and_then(Procedure::ticket_rules);
    rules.map_or(UNREACHABLE_AFTER, |rules| rules.unreachable_after)
}

impl Change {
    /// What must have happened before the reply: the ticket was handed over, and accepted by the given department.
    fn enter_implied(&mut self, accepted_by: Option<&Actor>) {
        if self.ticket().state == TicketState::Open {
            self.hand_over();
        }
        if let Some(actor) = accepted_by
            && self.ticket().state == TicketState::HandedOver
        {
            self.enter(actor.clone(), Action::Accepted, None);
        }
    }

    fn attempted(&mut self, actor: Actor, outcome: AttemptOutcome, note: Option<&Personal>) {
        self.ticket().attempts += 1;
        let note = match note {
            Some(note) => Personal::new(format!("{}: {}", outcome.name(), note.reveal())),
            None => Personal::new(outcome.name()),
        };
        self.enter(actor, Action::CallbackAttempted, Some(note));
    }

    fn count_attempt(&mut self, outcome: AttemptOutcome, unreachable_after: u32) {
        self.state(TicketState::CallbackAttempted);
        let failed = &mut self.ticket().course.failed_attempts;
        *failed = match outcome {
            AttemptOutcome::Reached => 0,
            _ => *failed + 1,
        };
        let failed = *failed;
        if failed >= unreachable_after {
            self.settle(TicketState::Unreachable);
            let note = Personal::new(format!("{failed} vergebliche Versuche"));
            self.enter(Actor::System, Action::Unreachable, Some(note));
        }
    }
}

fn has_not_seen(seen: Option<TicketVersion>, version: TicketVersion) -> bool {
    seen.is_some_and(|seen| seen < version)
}

fn check_timeliness(
    ticket: &Ticket,
    department: &DepartmentId,
    reply: &Reply,
    seen: Option<TicketVersion>,
) -> Result<(), ReplyRejection> {
    let is_with_it = ticket.department == *department;
    if !is_with_it && ticket.former_departments().all(|former| former != department) {
        return Err(ReplyRejection::UnknownTicket);
    }
    if let Some(of) = reply.confirms() {
        return check_confirmation(ticket, department, of);
    }
    if ticket.state == TicketState::Erased {
        return Err(ReplyRejection::Erased);
    }
    if ticket.is_restricted() {
        return Err(ReplyRejection::Restricted);
    }
    if !is_with_it {
        return Err(ReplyRejection::NotYours);
    }
    check_order(ticket.state, reply)?;
    let is_outdated = match reply {
        Reply::CallbackAttempted { .. } => false,
        reply if reply.is_an_end() => has_not_seen(seen, ticket.course.asked),
        _ => has_not_seen(seen, ticket.course.begun),
    };
    match is_outdated {
        true => Err(ReplyRejection::Outdated),
        false => Ok(()),
    }
}

/// Whether a department that has or had the ticket was told of what it confirms.
fn check_confirmation(ticket: &Ticket, department: &DepartmentId, of: ToldOf) -> Result<(), ReplyRejection> {
    match (ticket.has_confirmed(department, of), of) {
        (Some(false), _) => Ok(()),
        (Some(true), _) => Err(ReplyRejection::AlreadyConfirmed),
        (None, ToldOf::Erased) => Err(ReplyRejection::NotErased),
        (None, _) if ticket.state == TicketState::Erased => Err(ReplyRejection::Erased),
        (None, ToldOf::Restricted) => Err(ReplyRejection::NotRestricted),
        (None, ToldOf::Rectified) => Err(ReplyRejection::NotRectified),
    }
}

/// Whether a reply says something in this state, of a ticket that is the department's.
fn check_order(state: TicketState, reply: &Reply) -> Result<(), ReplyRejection> {
    use TicketState::{Accepted, Answered, Closed, Erased, Unreachable, Withdrawn};
    match (state, reply) {
        (Closed, _) => Err(ReplyRejection::AlreadyClosed),
        (Erased, _) => Err(ReplyRejection::Erased),
        (Accepted, Reply::Accepted) => Err(ReplyRejection::AlreadyAccepted),
        (Answered | Unreachable, Reply::Accepted)
        | (Unreachable | Withdrawn, Reply::Answered { .. })
        | (_, Reply::CallbackAttempted { .. }) => Ok(()),
        (Answered, _) => Err(ReplyRejection::AlreadyAnswered),
        (Unreachable, _) => Err(ReplyRejection::AlreadyUnreachable),
        (Withdrawn, _) => Err(ReplyRejection::AlreadyWithdrawn),
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
    let ticket = change.ticket();
    ticket.returned_by.push(from.clone());
    ticket.returned_because = Some(reason.clone());
    ticket.because = because;
    Ok(change.move_to(to))
}
