//! The form of a line, exactly as the schema describes it.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::agents::AgentState;
use domain::event::{EndedBy, OutboundOutcome, TransferKind, VisitEnd};
use domain::record::{ConnectionStatus, TaskType};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// A line: a record or an event of a call, or the state of an agent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    #[serde(default)]
    pub(super) call_id: Option<String>,
    #[serde(default)]
    pub(super) record: Option<Record>,
    #[serde(default)]
    pub(super) event: Option<Event>,
    #[serde(default)]
    pub(super) agent: Option<Agent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Agent {
    pub(super) agent: String,
    #[serde(default)]
    pub(super) hotline: Option<String>,
    pub(super) at: Time,
    pub(super) state: AgentState,
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// The 24 fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    #[serde(default)]
    pub(super) revision: u32,
    #[serde(default)]
    pub(super) ended_at: Option<Time>,
    pub(super) started_at: Time,
    pub(super) task_type: TaskType,
    #[serde(default)]
    pub(super) caller: Option<String>,
    #[serde(default)]
    pub(super) caller_withheld: bool,
    #[serde(default)]
    pub(super) dialled_address: Option<String>,
    pub(super) hotline: String,
    pub(super) connection_status: ConnectionStatus,
    #[serde(default)]
    pub(super) customer_record_count: Option<u32>,
    #[serde(default)]
    pub(super) customer_connection_count: Option<u32>,
    #[serde(default)]
    pub(super) billable_ms: Option<i64>,
    #[serde(default)]
    pub(super) ring_ms: Option<i64>,
    #[serde(default)]
    pub(super) talk_ms: Option<i64>,
    #[serde(default)]
    pub(super) hold_ms: Option<i64>,
    #[serde(default)]
    pub(super) wait_ms: Option<i64>,
    #[serde(default)]
    pub(super) consult_count: Option<u32>,
    #[serde(default)]
    pub(super) consult_connection_count: Option<u32>,
    #[serde(default)]
    pub(super) consult_talk_ms: Option<i64>,
    #[serde(default)]
    pub(super) after_call_work_ms: Option<i64>,
    #[serde(default)]
    pub(super) direct_topic_dial: Option<bool>,
    #[serde(default)]
    pub(super) external_contact: Option<bool>,
    #[serde(default)]
    pub(super) inbound_contact: Option<bool>,
    #[serde(default)]
    pub(super) out_cc_contact: Option<bool>,
    #[serde(default)]
    pub(super) dialer_contact: Option<bool>,
    #[serde(default)]
    pub(super) voice_message_recorded: Option<bool>,
    #[serde(default)]
    pub(super) network_overflow_count: Option<u32>,
}

/// An event: when, of which visit, what was measured, and exactly one of the kinds.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Event {
    pub(super) at: Option<Time>,
    pub(super) id: Option<String>,
    pub(super) sequence: Option<u64>,
    pub(super) visit: Option<String>,
    pub(super) measured: Measured,
    pub(super) arrived: Option<Arrived>,
    pub(super) dialer_attempt: Option<Nothing>,
    pub(super) outbound_result: Option<OutboundResult>,
    pub(super) queued: Option<Queued>,
    pub(super) overflowed: Option<Overflowed>,
    pub(super) ringing: Option<ByAgent>,
    pub(super) ring_unanswered: Option<ByAgent>,
    pub(super) answered: Option<ByAgent>,
    pub(super) held: Option<Nothing>,
    pub(super) resumed: Option<Nothing>,
    pub(super) consult_started: Option<Nothing>,
    pub(super) consult_answered: Option<Nothing>,
    pub(super) consult_ended: Option<Nothing>,
    pub(super) transferred: Option<Transferred>,
    pub(super) voice_message_recorded: Option<Nothing>,
    pub(super) visit_ended: Option<VisitEnded>,
    pub(super) ended: Option<Ended>,
    pub(super) after_call_work_started: Option<ByAgent>,
    pub(super) after_call_work_ended: Option<ByAgent>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Measured {
    pub(super) wait_ms: Option<i64>,
    pub(super) ring_ms: Option<i64>,
    pub(super) engaged_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByAgent {
    #[serde(default)]
    pub(super) agent: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Arrived {
    pub(super) task_type: TaskType,
    pub(super) hotline: String,
    #[serde(default)]
    pub(super) caller: Option<String>,
    #[serde(default)]
    pub(super) caller_withheld: bool,
    #[serde(default)]
    pub(super) dialled_address: Option<String>,
    #[serde(default)]
    pub(super) direct_topic_dial: Option<bool>,
    #[serde(default)]
    pub(super) external_contact: Option<bool>,
    #[serde(default)]
    pub(super) inbound_contact: Option<bool>,
    #[serde(default)]
    pub(super) out_cc_contact: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutboundResult {
    pub(super) outcome: OutboundOutcome,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Queued {
    pub(super) hotline: String,
}

/// To a hotline, a site or a network.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Overflowed {
    #[serde(default)]
    pub(super) hotline: Option<String>,
    #[serde(default)]
    pub(super) site: Option<String>,
    #[serde(default)]
    pub(super) network: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Transferred {
    pub(super) transfer: TransferKind,
    #[serde(default)]
    pub(super) hotline: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VisitEnded {
    #[serde(default)]
    pub(super) outcome: Option<VisitEnd>,
    #[serde(default)]
    pub(super) by: Option<EndedBy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ended {
    #[serde(default)]
    pub(super) by: Option<EndedBy>,
    #[serde(default)]
    pub(super) status: Option<ConnectionStatus>,
}

/// RFC 3339 with an offset, or milliseconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Time(pub(super) DateTime<Utc>);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time")
    }

    fn visit_i64<E: de::Error>(self, unix_ms: i64) -> Result<Time, E> {
        DateTime::from_timestamp_millis(unix_ms)
            .map(Time)
            .ok_or_else(|| E::custom("no such time"))
    }

    fn visit_u64<E: de::Error>(self, unix_ms: u64) -> Result<Time, E> {
        self.visit_i64(i64::try_from(unix_ms).map_err(|_| E::custom("no such time"))?)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| E::custom("no such time"))?;
        // Reports carry milliseconds: what is finer is cut off here, so that the same line is the same event.
        self.visit_i64(time.timestamp_millis())
    }
}
