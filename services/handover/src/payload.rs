//! What the messages say, as `schemas/topics/` publishes it.

mod rights;
mod times;

use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, HotlineName, ReplyId, TicketId};
use domain::personal::Personal;
use domain::procedure::{Fields, ProcedureId};
use domain::ticket::{AddedConcern, Ticket, TicketState, TicketVersion};
pub use rights::{PutRight, RectifiedMessage, RestrictedMessage};
use serde::{Deserialize, Serialize};
use store::tickets::{HandOverKey, PendingResult, Verdict};
pub use times::{Appointment, Times};

/// A ticket as its department sees it: the whole state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketMessage {
    /// Its number.
    pub ticket_id: TicketId,
    /// Counts its states, from 1.
    pub version: TicketVersion,
    /// Where it stands.
    pub state: TicketState,
    /// Who is responsible.
    pub department: DepartmentId,
    /// What kind of concern it is, by the register. Messages from before there were several are callback requests.
    #[serde(default = "ProcedureId::callback")]
    pub procedure: ProcedureId,
    /// The hotline that the citizen called; absent if the concern did not come by phone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hotline: Option<HotlineName>,
    /// What it is about, as the agent chose it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<String>,
    /// When it was logged.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub changed_at: DateTime<Utc>,
    /// When the answer is due.
    pub due_at: DateTime<Utc>,
    /// Why this department, in words.
    pub because: String,
    /// Callbacks attempted so far.
    pub attempts: u32,
    /// Why another department returned it, or why people sent it here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub returned_because: Option<Personal>,
    /// What the citizen wants, and how to reach him or her.
    pub request: Fields,
    /// What the citizen wants besides, said in later calls; oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub added: Vec<AddedConcern>,
    /// What was put right, and is to be confirmed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rectified: Option<PutRight>,
    /// Its other times.
    #[serde(flatten)]
    pub times: Times,
}

impl TicketMessage {
    /// The message of a ticket. Who reads it has the ticket, so an open one reads as handed over.
    pub fn of(ticket: &Ticket) -> Self {
        let state = match ticket.state {
            TicketState::Open => TicketState::HandedOver,
            state => state,
        };
        Self {
            ticket_id: ticket.id.clone(),
            version: ticket.version,
            state,
            department: ticket.department.clone(),
            procedure: ticket.procedure.clone(),
            hotline: ticket.hotline.clone(),
            category: ticket.category.clone(),
            created_at: ticket.created_at,
            changed_at: ticket.changed_at,
            due_at: ticket.due_at,
            because: ticket.because.clone(),
            attempts: ticket.attempts,
            returned_because: ticket.returned_because.clone(),
            request: ticket.request.fields().clone(),
            added: ticket.added.clone(),
            rectified: ticket.course.rectified.as_ref().map(PutRight::of),
            times: Times::of(ticket),
        }
    }
}

/// A department has a ticket no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawnMessage {
    /// Its number.
    pub ticket_id: TicketId,
    /// The version with which it left.
    pub version: TicketVersion,
    /// `withdrawn`.
    pub state: Withdrawn,
    /// The former department.
    pub department: DepartmentId,
    /// Since when.
    pub withdrawn_at: DateTime<Utc>,
}

/// The only state of a [`WithdrawnMessage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withdrawn {
    /// With another department now.
    Withdrawn,
}

impl WithdrawnMessage {
    /// The message that a ticket left a department.
    pub fn of(key: &HandOverKey, withdrawn_at: DateTime<Utc>) -> Self {
        Self {
            ticket_id: key.ticket.clone(),
            version: key.version,
            state: Withdrawn::Withdrawn,
            department: key.department.clone(),
            withdrawn_at,
        }
    }
}

/// Nothing about the citizen of a ticket may be kept. No personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedMessage {
    /// Its number.
    pub ticket_id: TicketId,
    /// The version with which it was erased.
    pub version: TicketVersion,
    /// `erased`.
    pub state: Erased,
    /// Who has, or had, the ticket.
    pub department: DepartmentId,
    /// Since when.
    pub erased_at: DateTime<Utc>,
}

/// The only state of an [`ErasedMessage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Erased {
    /// Nothing is left of it.
    Erased,
}

impl ErasedMessage {
    /// The message that a ticket was erased.
    pub fn of(key: &HandOverKey, erased_at: DateTime<Utc>) -> Self {
        Self {
            ticket_id: key.ticket.clone(),
            version: key.version,
            state: Erased::Erased,
            department: key.department.clone(),
            erased_at,
        }
    }
}

/// What became of a reply. No personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyResultMessage {
    /// The `ce_id` of the reply.
    pub reply_id: ReplyId,
    /// The ticket that it named; absent if it could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticket_id: Option<TicketId>,
    /// Applied, or why not.
    #[serde(flatten)]
    pub result: ReplyResult,
    /// When it was settled.
    pub settled_at: DateTime<Utc>,
}

/// Whether a reply was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ReplyResult {
    /// It changed the ticket.
    Applied {
        /// The state after it.
        state: TicketState,
        /// The version after it.
        version: TicketVersion,
    },
    /// It changed nothing.
    Rejected {
        /// The reason for programs.
        code: String,
        /// The reason in words, and what to do.
        reason: String,
    },
}

impl ReplyResultMessage {
    /// The message of a result.
    pub fn of(result: &PendingResult) -> Self {
        let ticket = &result.outcome.ticket;
        Self {
            reply_id: result.reply.clone(),
            ticket_id: (!ticket.as_str().is_empty()).then(|| ticket.clone()),
            result: match &result.outcome.verdict {
                Verdict::Applied { state, version } => ReplyResult::Applied {
                    state: *state,
                    version: *version,
                },
                Verdict::Rejected { code, reason } => ReplyResult::Rejected {
                    code: code.clone(),
                    reason: reason.clone(),
                },
            },
            settled_at: result.outcome.at,
        }
    }
}

/// Lets a quiet topic be compacted; says nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeartbeatMessage {
    /// Whose topic it is.
    pub department: DepartmentId,
    /// When it was sent.
    pub at: DateTime<Utc>,
}
