//! Life-cycle events: the same call as a finished record, told while it happens.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{AgentName, EventId, HotlineName, VisitKey};
use crate::personal::Caller;
use crate::record::{ConnectionStatus, TaskType};

/// Something that happened to a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallEvent {
    /// The source's id of the event; without one the content identifies it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<EventId>,
    /// The source's position of the event within its call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The visit that it belongs to, where the source tells visits apart. Without, it belongs to the visit of its
    /// time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visit: Option<VisitKey>,
    /// Durations that the source measured itself.
    #[serde(default, skip_serializing_if = "Measured::is_empty")]
    pub measured: Measured,
    /// When it happened, by the source's clock.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
}

impl CallEvent {
    /// An event that nothing is known of but its time and kind.
    pub fn new(at: DateTime<Utc>, kind: EventKind) -> Self {
        Self {
            id: None,
            sequence: None,
            visit: None,
            measured: Measured::default(),
            at,
            kind,
        }
    }
}

/// Durations that a source measured itself, in milliseconds: they win over the differences of its time stamps, which
/// may be whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Measured {
    /// In the queue until the last ringing began, or until the exit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_ms: Option<i64>,
    /// The last ringing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ring_ms: Option<i64>,
    /// With an agent: talk and hold together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engaged_ms: Option<i64>,
}

impl Measured {
    /// Whether nothing was measured.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Who ended a call or a stay in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The citizen hung up.
    Citizen,
    /// The agent hung up.
    Agent,
    /// The telephone system: closing time, an announcement, a fault.
    System,
    /// Nobody: the agent handed the call on.
    Transfer,
}

impl EndedBy {
    /// The name in messages, in JSON and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::Citizen => "citizen",
            Self::Agent => "agent",
            Self::System => "system",
            Self::Transfer => "transfer",
        }
    }

    /// Reads what [`EndedBy::name`] gives.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Citizen, Self::Agent, Self::System, Self::Transfer]
            .into_iter()
            .find(|by| by.name() == name)
    }
}

/// How a stay with a hotline ended without an answer, as its source tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VisitEnd {
    /// The citizen hung up.
    Abandoned,
    /// Left for another hotline or network.
    Overflowed,
    /// Left for a voice message, an announcement or closing time.
    Diverted,
    /// The source lost the end, and will not tell it: what waits is unresolved at once, what was answered stays so.
    Lost,
}

/// How a call is handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferKind {
    /// Without talking to the receiver first.
    Blind,
    /// After a consultation.
    Attended,
}

/// Where a call overflowed to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverflowTarget {
    /// Another hotline of this house: the visit ends, another begins when the call is queued there.
    Hotline(HotlineName),
    /// Another site of the same hotline: the visit goes on.
    Site(String),
    /// Another network: the call leaves.
    Network(String),
}

/// What became of an attempt of the dialer or of an outbound call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboundOutcome {
    /// Somebody answered.
    Reached,
    /// The line was busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// The call could not be placed.
    Failed,
}

/// The kinds of events, each with what only it knows.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// The contact came in or was placed.
    Arrived {
        /// What kind of contact it is.
        task_type: TaskType,
        /// The hotline that it came in on.
        hotline: HotlineName,
        /// Who calls.
        caller: Option<Caller>,
        /// What was dialled.
        dialled_address: Option<String>,
        /// Reached the topic directly, without the menu.
        direct_topic_dial: Option<bool>,
        /// The other side is outside the house.
        external_contact: Option<bool>,
        /// Came in.
        inbound_contact: Option<bool>,
        /// Placed by the contact centre.
        out_cc_contact: Option<bool>,
    },
    /// The dialer placed the call.
    DialerAttempt,
    /// What became of the dialer's or an outbound attempt.
    OutboundResult {
        /// The outcome.
        outcome: OutboundOutcome,
    },
    /// Entered the queue of a hotline: offered.
    Queued {
        /// Whose queue.
        hotline: HotlineName,
    },
    /// Left for another hotline, site or network.
    Overflowed {
        /// Where to.
        to: OverflowTarget,
    },
    /// An agent's telephone rings.
    Ringing {
        /// Whose.
        agent: Option<AgentName>,
    },
    /// The telephone stopped ringing without an answer; the call waits on.
    RingUnanswered {
        /// Whose.
        agent: Option<AgentName>,
    },
    /// An agent answered.
    Answered {
        /// Who.
        agent: Option<AgentName>,
    },
    /// The citizen was put on hold.
    Held,
    /// The citizen was taken off hold.
    Resumed,
    /// The agent consults somebody.
    ConsultStarted,
    /// The consulted person answered.
    ConsultAnswered,
    /// The consultation ended.
    ConsultEnded,
    /// The agent handed the call on.
    Transferred {
        /// Blind or attended.
        transfer: TransferKind,
        /// Into another hotline, if so.
        hotline: Option<HotlineName>,
    },
    /// The citizen left a voice message.
    VoiceMessageRecorded,
    /// A stay with a hotline ended; the contact may go on.
    VisitEnded {
        /// How, if nobody answered. Without it, what was answered ends, and what waits was abandoned by the citizen or
        /// diverted by the system.
        outcome: Option<VisitEnd>,
        /// By whom.
        by: Option<EndedBy>,
    },
    /// The contact ended.
    Ended {
        /// By whom.
        by: Option<EndedBy>,
        /// The status that the telephone system gives, if it does.
        status: Option<ConnectionStatus>,
    },
    /// The agent began the after-call work.
    AfterCallWorkStarted {
        /// Who.
        agent: Option<AgentName>,
    },
    /// The agent finished the after-call work.
    AfterCallWorkEnded {
        /// Who.
        agent: Option<AgentName>,
    },
}

impl EventKind {
    /// Where the kind stands in the course of a call: decides between events of the same time without sequence.
    fn causal_rank(&self) -> u8 {
        match self {
            Self::Arrived { .. } => 0,
            Self::DialerAttempt => 1,
            Self::Queued { .. } => 2,
            Self::RingUnanswered { .. } => 3,
            Self::Ringing { .. } => 4,
            Self::OutboundResult { .. } => 5,
            Self::Answered { .. } => 6,
            Self::Held => 7,
            Self::ConsultStarted => 8,
            Self::ConsultAnswered => 9,
            Self::ConsultEnded => 10,
            Self::Resumed => 11,
            Self::Transferred { .. } => 12,
            Self::Overflowed { .. } => 13,
            Self::VoiceMessageRecorded => 14,
            Self::VisitEnded { .. } => 15,
            Self::Ended { .. } => 16,
            Self::AfterCallWorkStarted { .. } => 17,
            Self::AfterCallWorkEnded { .. } => 18,
        }
    }
}

/// Puts the events of one call in order: by the source's sequence if every event has one, else by time, else by
/// the causal rank of their kind; equal ones by content, so that the order of arrival never matters.
pub fn sort_events(events: &mut [CallEvent]) {
    let sequenced = events.iter().all(|event| event.sequence.is_some());
    events.sort_by(|left, right| {
        let by_sequence = if sequenced {
            left.sequence.cmp(&right.sequence)
        } else {
            Ordering::Equal
        };
        by_sequence
            .then(left.at.cmp(&right.at))
            .then(left.kind.causal_rank().cmp(&right.kind.causal_rank()))
            .then_with(|| crate::report::content_hash(left).cmp(&crate::report::content_hash(right)))
    });
}
