//! The visit: one stay of a contact with one hotline, the unit that is counted.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::EndedBy;
use crate::ids::{AgentName, HotlineName};
use crate::live::Live;
use crate::record::{CallRecord, ConnectionStatus, TaskType, named_enum};

named_enum! {
    /// What became of a visit. Every offered visit has exactly one.
    Outcome {
        /// Still in the queue.
        Waiting 1 "waiting",
        /// Ended by an agent's answer.
        Answered 2 "answered",
        /// Ended by the citizen's hang-up while queued or ringing.
        Abandoned 3 "abandoned",
        /// Left for another hotline or network, after having queued.
        Overflowed 4 "overflowed",
        /// Left for a voice message, an announcement or closing time, after having queued.
        Diverted 5 "diverted",
        /// The end never arrived.
        Unresolved 6 "unresolved",
    }
}

named_enum! {
    /// Why a contact was never offered to a queue.
    NotOffered {
        /// Hung up in the announcement or menu.
        AbandonedBeforeQueue 1 "abandoned_before_queue",
        /// Busy.
        Busy 2 "busy",
        /// Outside the service time.
        OutOfHours 3 "out_of_hours",
        /// No answer.
        NoAnswer 4 "no_answer",
        /// A fault.
        Failed 5 "failed",
    }
}

/// One stay of a contact with one hotline. Durations are in milliseconds; absent is not zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Position within the call, from 1.
    pub ordinal: u16,
    /// Whose queue.
    pub hotline: HotlineName,
    /// What kind of contact it was.
    pub task_type: TaskType,
    /// When it entered the queue: decides the interval it is booked to.
    pub offered_at: DateTime<Utc>,
    /// What became of it.
    pub outcome: Outcome,
    /// From entering the queue until the last ringing started, or until hang-up or exit.
    pub wait_ms: Option<i64>,
    /// The last ringing, until answer or hang-up.
    pub ring_ms: Option<i64>,
    /// Conversation, without hold.
    pub talk_ms: Option<i64>,
    /// Hold.
    pub hold_ms: Option<i64>,
    /// After-call work.
    pub after_call_work_ms: Option<i64>,
    /// Consultations that the agent started.
    pub consult_count: u32,
    /// Consultations that were answered.
    pub consult_connection_count: u32,
    /// Time in consultations.
    pub consult_talk_ms: i64,
    /// Times that the call was handed on out of this visit.
    pub transfer_count: u32,
    /// The agent who answered first.
    pub agent: Option<AgentName>,
    /// Who ended it.
    pub ended_by: Option<EndedBy>,
    /// Whether the visit came in by overflow from another hotline.
    pub overflowed_in: bool,
    /// Times that it overflowed to another network or site.
    pub network_overflow_count: u32,
    /// Whether a voice message was left.
    pub voice_message: bool,
    /// Where it stands, while it is not over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
}

impl Visit {
    /// A visit that has just entered the queue.
    pub fn waiting(
        ordinal: u16,
        hotline: HotlineName,
        task_type: TaskType,
        offered_at: DateTime<Utc>,
    ) -> Self {
        Self {
            ordinal,
            hotline,
            task_type,
            offered_at,
            outcome: Outcome::Waiting,
            wait_ms: None,
            ring_ms: None,
            talk_ms: None,
            hold_ms: None,
            after_call_work_ms: None,
            consult_count: 0,
            consult_connection_count: 0,
            consult_talk_ms: 0,
            transfer_count: 0,
            agent: None,
            ended_by: None,
            overflowed_in: false,
            network_overflow_count: 0,
            voice_message: false,
            live: None,
        }
    }

    /// The one visit of a finished record, or why it has none. The connection status alone decides.
    pub fn of_record(record: &CallRecord) -> Result<Self, NotOffered> {
        let outcome = match placement(record.connection_status) {
            Placement::Offered(outcome) => outcome,
            Placement::NotOffered(reason) => return Err(reason),
        };
        let mut visit = Self::waiting(1, record.hotline.clone(), record.task_type, record.started_at);
        visit.outcome = outcome;
        visit.wait_ms = record.wait_ms;
        visit.ring_ms = record.ring_ms;
        visit.talk_ms = record.talk_ms;
        visit.hold_ms = record.hold_ms;
        visit.after_call_work_ms = record.after_call_work_ms;
        visit.consult_count = record.consult_count.unwrap_or(0);
        visit.consult_connection_count = record.consult_connection_count.unwrap_or(0);
        visit.consult_talk_ms = record.consult_talk_ms.unwrap_or(0);
        visit.network_overflow_count = record.network_overflow_count.unwrap_or(0);
        visit.voice_message = record.voice_message_recorded == Some(true);
        Ok(visit)
    }

    /// Wait and ring together: what thresholds, longest values and percentiles go by. Absent without a known wait.
    pub fn time_in_queue_ms(&self) -> Option<i64> {
        self.wait_ms.map(|wait_ms| wait_ms + self.ring_ms.unwrap_or(0))
    }
}

/// What a connection status says about the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The contact was offered, and left the queue like this.
    Offered(Outcome),
    /// The contact never reached the queue.
    NotOffered(NotOffered),
}

/// The table of the connection statuses (GLOSSARY).
pub fn placement(status: ConnectionStatus) -> Placement {
    use ConnectionStatus as Status;
    match status {
        Status::Answered => Placement::Offered(Outcome::Answered),
        Status::AbandonedQueued | Status::AbandonedRinging => Placement::Offered(Outcome::Abandoned),
        Status::Overflowed => Placement::Offered(Outcome::Overflowed),
        Status::VoiceMessage | Status::ClosedWhileQueued => Placement::Offered(Outcome::Diverted),
        Status::AbandonedBeforeQueue => Placement::NotOffered(NotOffered::AbandonedBeforeQueue),
        Status::Busy => Placement::NotOffered(NotOffered::Busy),
        Status::OutOfHours => Placement::NotOffered(NotOffered::OutOfHours),
        Status::NoAnswer => Placement::NotOffered(NotOffered::NoAnswer),
        Status::Failed => Placement::NotOffered(NotOffered::Failed),
    }
}
