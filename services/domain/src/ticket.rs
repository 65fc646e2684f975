//! The life of a ticket, as a state machine.
//!
//! ```text
//! open → handed_over → accepted → callback_attempted (n times) → answered | unreachable → closed
//!   ↑         │            │               │
//!   └─────────┴── returned ┴───────────────┘   rerouted, twice at most, then to clearing
//! ```
//!
//! While an answer is owed, the citizen may withdraw the concern (`withdrawn`), and people may reroute or close the
//! ticket. A settled one may be reopened for a while: then it is `open` again. `erased` ends everything. A restricted ticket
//! keeps its state, and nothing is done with it until that is lifted.
//!
//! A command gives a [`Transition`]: the ticket as it is then, new entries of its history, and what has to follow
//! ([`Effect`]). The store writes all of it at once, or nothing. A ticket has two counters: its [`TicketVersion`]
//! goes up when what a department sees changes, and every change adds at least one entry to its history, so the
//! number of entries tells whether somebody else changed it meanwhile.

mod about;
mod acts;
mod addition;
mod alarm;
mod change;
mod course;
mod erasure;
mod id;
mod mail;
mod put_right;
mod recipients;
mod rectification;
mod redone;
mod reply;
mod restriction;
mod schedule;

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{AgentName, DepartmentId, HotlineName, Identity, TicketId};
use crate::named::named;
use crate::personal::Personal;
use crate::procedure::{CheckedRequest, ProcedureId};
use crate::routing::{RoutingDecision, RuleId};
use crate::rulebook::RulesVersion;
pub use about::{tickets_named, written_ticket_id};
pub use acts::{ActRefused, Reopening, close, close_by_hand, reopen, reroute, withdraw};
pub use addition::{ADDED_CONCERNS_MAX, AddedConcern, AdditionRefused, add_concern};
pub use alarm::{ALARM_MINUTES_MAX, Alarm, EscalationPolicy, raise_alarms};
use change::Change;
pub use course::{Course, Rectified};
pub use erasure::{ERASED_STAYS, erase};
pub use id::{spoken_ticket_id, ticket_id};
pub use mail::{MailSubject, mail_failed, mailed};
pub use put_right::{AddedField, AddedPart, Right, put_right};
pub use recipients::{ToldOf, confirm_by_hand};
pub use rectification::rectify;
pub use redone::redo;
pub use reply::{AttemptOutcome, NOTE_LENGTH_MAX, Reply, ReplyRejection, apply_reply};
pub use restriction::{lift, restrict};
pub use schedule::{Booking, Raised, RebookingRefused, Schedule, WISH_AHEAD_MAX, Window, WishFault, rebook};

/// A ticket may be returned this often and still go where the returning department says; then clearing decides.
pub const REROUTES_MAX: usize = 2;
/// The message that a ticket was withdrawn stays this long on the topic of the former department.
pub const WITHDRAWN_STAYS: TimeDelta = TimeDelta::days(7);

/// A closed ticket stays this long on the topic of its department.
pub const CLOSED_STAYS: TimeDelta = TimeDelta::days(30);

/// Counts the states of a ticket that departments can see, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TicketVersion(pub u32);

impl fmt::Display for TicketVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

named! {
    /// Where a ticket stands.
    TicketState {
        /// Not yet on the department's topic.
        Open = "open",
        /// On the department's topic.
        HandedOver = "handed_over",
        /// The department has said that it is responsible.
        Accepted = "accepted",
        /// The department has called back at least once.
        CallbackAttempted = "callback_attempted",
        /// The citizen has an answer.
        Answered = "answered",
        /// The citizen was called in vain, often enough; no answer is owed any more.
        Unreachable = "unreachable",
        /// The citizen needs no answer any more.
        Withdrawn = "withdrawn",
        /// Done; nothing can be reported any more.
        Closed = "closed",
        /// Nothing about the citizen is kept any more.
        Erased = "erased",
    }
}

impl TicketState {
    /// Whether an answer is still owed.
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            Self::Open | Self::HandedOver | Self::Accepted | Self::CallbackAttempted
        )
    }
}

named! {
    /// What was done to a ticket.
    Action {
        /// An agent logged the request.
        Logged = "logged",
        /// The citizen called again, with more to it.
        ConcernAdded = "concern_added",
        /// It reached the department's topic.
        HandedOver = "handed_over",
        /// The department is responsible.
        Accepted = "accepted",
        /// The department called back.
        CallbackAttempted = "callback_attempted",
        /// The department answered.
        Answered = "answered",
        /// The citizen was called in vain, often enough.
        Unreachable = "unreachable",
        /// The citizen needs no answer any more.
        Withdrawn = "withdrawn",
        /// The department is not responsible.
        Returned = "returned",
        /// It goes to another department.
        Rerouted = "rerouted",
        /// Nothing is owed any more.
        Closed = "closed",
        /// Its appointment was moved to other slots.
        Rebooked = "rebooked",
        /// The answer is due soon.
        DueSoon = "due_soon",
        /// The answer is overdue.
        Overdue = "overdue",
        /// The answer is overdue, and another department was told.
        Escalated = "escalated",
        /// An answer is owed again.
        Reopened = "reopened",
        /// What was known about the citizen is gone.
        Erased = "erased",
        /// A department keeps nothing about the citizen any more.
        ErasureConfirmed = "erasure_confirmed",
        /// What it says about the citizen was put right.
        Rectified = "rectified",
        /// It is kept, but nobody works on it until that is lifted.
        Restricted = "restricted",
        /// It is worked on again.
        RestrictionLifted = "restriction_lifted",
        /// A department has put right what it keeps.
        RectificationConfirmed = "rectification_confirmed",
        /// A department works on it no more until the restriction is lifted.
        RestrictionConfirmed = "restriction_confirmed",
        /// The mail server of its department has taken a mail about it.
        Mailed = "mailed",
        /// A mail about it was refused for good, or came back.
        MailFailed = "mail_failed",
    }
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// An agent of the service centre.
    Agent(AgentName),
    /// A department.
    Department(DepartmentId),
    /// The software itself.
    System,
}

/// One line of a ticket's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// From 1, without gaps.
    pub number: u32,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// What.
    pub action: Action,
    /// Details. Departments write about citizens here, so it is personal.
    pub note: Option<Personal>,
}

/// A concern handed to a department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its number.
    pub id: TicketId,
    /// See [`TicketVersion`].
    pub version: TicketVersion,
    /// Where it stands.
    pub state: TicketState,
    /// Who is responsible.
    pub department: DepartmentId,
    /// What kind of concern it is.
    pub procedure: ProcedureId,
    /// The hotline that the citizen called; `None` if it did not come by phone.
    pub hotline: Option<HotlineName>,
    /// What it is about, as the agent chose it.
    pub category: Option<String>,
    /// What the citizen wants, and how to reach him or her.
    pub request: CheckedRequest,
    /// What the citizen wants besides, said in later calls; oldest first.
    pub added: Vec<AddedConcern>,
    /// The call it came from.
    pub call: Option<Identity>,
    /// When it was logged.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// When the answer is due.
    pub due_at: DateTime<Utc>,
    /// Its other times.
    pub schedule: Schedule,
    /// Why this department, in words.
    pub because: String,
    /// The routing rule that decided, unless the clearing department was taken.
    pub rule: Option<RuleId>,
    /// The version of the rules that it was routed by; absent for tickets from before there were versions.
    pub rules: Option<RulesVersion>,
    /// Callbacks attempted so far.
    pub attempts: u32,
    /// Who returned it so far, in order.
    pub returned_by: Vec<DepartmentId>,
    /// Why it was last returned, or rerouted by people.
    pub returned_because: Option<Personal>,
    /// Entries in its history.
    pub history_length: u32,
    /// What the rules of its life need to know besides.
    pub course: Course,
}

impl Ticket {
    /// Departments that had it before its present one; one that had it twice comes twice.
    pub fn former_departments(&self) -> impl Iterator<Item = &DepartmentId> {
        let former = self.returned_by.iter().chain(&self.course.taken_from);
        former.filter(|id| **id != self.department)
    }

    /// Whether it is kept, and worked on by nobody (Art. 18 GDPR).
    pub fn is_restricted(&self) -> bool {
        self.course.restricted_since.is_some()
    }

    /// Since when no answer is owed; `None` while one is, and once it is erased.
    pub fn settled_at(&self) -> Option<DateTime<Utc>> {
        let is_settled = !self.state.is_pending() && self.state != TicketState::Erased;
        is_settled.then(|| self.course.settled_at.unwrap_or(self.changed_at))
    }
}

/// What has to follow a change, written with it in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The department must see the ticket as it is now; a tombstone planned there is cancelled.
    HandOver(DepartmentId),
    /// The department must see that it has the ticket no longer, and at the given time forget it.
    Withdraw {
        /// The former department.
        department: DepartmentId,
        /// When its topic loses the ticket.
        tombstone_at: DateTime<Utc>,
    },
    /// The department's topic loses the ticket at the given time.
    Tombstone {
        /// The department.
        department: DepartmentId,
        /// When.
        at: DateTime<Utc>,
    },
    /// The department must see that nothing about the citizen may be kept; at the given time its topic loses the ticket,
    /// unless it has confirmed before.
    Erase {
        /// Who has, or had, the ticket.
        department: DepartmentId,
        /// When its topic loses the ticket.
        tombstone_at: DateTime<Utc>,
    },
    /// The department must see that the ticket is restricted; at the given time its topic loses it, if it has it no longer.
    Restrict {
        /// Who has, or had, the ticket.
        department: DepartmentId,
        /// When its topic loses the ticket.
        tombstone_at: Option<DateTime<Utc>>,
    },
    /// A former department must see what was put right; at the given time its topic loses the ticket.
    Rectify {
        /// Who had the ticket.
        department: DepartmentId,
        /// When its topic loses the ticket.
        tombstone_at: DateTime<Utc>,
    },
    /// The department is told of something that it has to confirm; an earlier confirmation of the same counts no longer.
    Tell {
        /// Who has, or had, the ticket.
        department: DepartmentId,
        /// What of.
        of: ToldOf,
    },
    /// The department has confirmed what it was told of.
    Confirm {
        /// Who.
        department: DepartmentId,
        /// What.
        of: ToldOf,
        /// Whether people noted it, and the department did not reply.
        by_hand: bool,
    },
    /// Nobody needs to confirm this any more.
    Untell(ToldOf),
    /// The store must lose what it keeps about the citizen beside the ticket: what it is found by, the digests of what
    /// was requested, and the notes of the history.
    Forget {
        /// How many entries of the history lose their notes, from the first.
        entries: u32,
    },
    /// The entry of the history that says what was added must say what is right instead.
    Restate {
        /// When it was added.
        at: DateTime<Utc>,
        /// What it says so far.
        was: Personal,
        /// What it says now.
        concern: Personal,
    },
    /// The department, which takes mail, must be told by mail.
    Mail {
        /// The department.
        department: DepartmentId,
        /// What of.
        subject: MailSubject,
    },
    /// The citizen must be told by mail of an appointment by video as it is now.
    TellCitizen,
    /// These slots are taken for the ticket instead of those that it had, unless one has no seat left.
    Book {
        /// The slots.
        booking: Booking,
        /// Seats of each.
        capacity: u16,
    },
}

/// A change of a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// Entries that the history had when the change was decided; 0 for a new ticket. If it has others when the
    /// change is written, somebody else was first, and it has to be decided anew.
    pub history_before: u32,
    /// The ticket after the change.
    pub ticket: Ticket,
    /// New entries of the history.
    pub entries: Vec<HistoryEntry>,
    /// What has to follow.
    pub effects: Vec<Effect>,
}

impl Transition {
    /// The departments for which there is something to do now.
    pub fn departments(&self) -> impl Iterator<Item = &DepartmentId> {
        self.effects.iter().filter_map(|effect| match effect {
            Effect::HandOver(department)
            | Effect::Withdraw { department, .. }
            | Effect::Restrict { department, .. }
            | Effect::Rectify { department, .. }
            | Effect::Erase { department, .. } => Some(department),
            _ => None,
        })
    }
}

/// What a new ticket is made of.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its number.
    pub id: TicketId,
    /// What kind of concern it is.
    pub procedure: ProcedureId,
    /// The checked request.
    pub request: CheckedRequest,
    /// The hotline that the citizen called; `None` if it did not come by phone.
    pub hotline: Option<HotlineName>,
    /// What it is about, as the agent chose it.
    pub category: Option<String>,
    /// The call it came from.
    pub call: Option<Identity>,
    /// Who logs it; a person where known.
    pub actor: Actor,
    /// Where it goes, and why.
    pub decision: RoutingDecision,
    /// The version of the rules that decided.
    pub rules: Option<RulesVersion>,
    /// Now.
    pub at: DateTime<Utc>,
    /// When the answer is due.
    pub due_at: DateTime<Utc>,
}

/// Makes a ticket.
pub fn open(opening: Opening) -> Transition {
    let ticket = Ticket {
        id: opening.id,
        version: TicketVersion(0),
        state: TicketState::Open,
        department: opening.decision.department.clone(),
        procedure: opening.procedure,
        hotline: opening.hotline,
        category: opening.category,
        request: opening.request,
        added: Vec::new(),
        call: opening.call,
        created_at: opening.at,
        changed_at: opening.at,
        due_at: opening.due_at,
        schedule: Schedule::default(),
        because: opening.decision.because,
        rule: opening.decision.rule,
        rules: opening.rules,
        attempts: 0,
        returned_by: Vec::new(),
        returned_because: None,
        history_length: 0,
        course: Course::default(),
    };
    let mut change = Change::of(ticket, opening.at);
    change.enter(opening.actor, Action::Logged, None);
    change.seen_by_department()
}

/// The ticket is on its department's topic. `None` if that was known.
///
/// What the department reads already says `handed_over`, so the version stays.
pub fn handed_over(ticket: &Ticket, at: DateTime<Utc>) -> Option<Transition> {
    (ticket.state == TicketState::Open && !ticket.is_restricted()).then(|| {
        let mut change = Change::of(ticket.clone(), at);
        change.hand_over();
        change.transition
    })
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_life_cycle;
#[cfg(test)]
mod tests_rights;
