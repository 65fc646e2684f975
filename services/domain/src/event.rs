//! Life-cycle events: the same call as a finished record, told while it happens.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{AgentName, EventId, HotlineName};
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
    /// When it happened, by the source's clock.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
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
            Self::Ended { .. } => 15,
            Self::AfterCallWorkStarted { .. } => 16,
            Self::AfterCallWorkEnded { .. } => 17,
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
