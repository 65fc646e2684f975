//! Call reports: from the wire to the domain and back.

mod agent;
mod event;
mod record;

use chrono::{DateTime, Utc};
use domain::agents::AcceptedAgentReport;
use domain::event::CallEvent;
use domain::ids::{
    CallId, EventId, HotlineName, Identity, ImportRun, RowDigest, SourceKey, SourceName, TicketId,
};
use domain::record::RecordRejection;
use domain::report::{CallReport, CallbackLogged, ReportBody};
use prost::Message;
use thiserror::Error;

use crate::v1::calls as wire;

pub use agent::{agent_from_wire, agent_to_wire, checked_agent, encode_agent};
pub use event::{event_from_wire, event_to_wire};
pub use record::{record_from_wire, record_to_wire};

/// Longest id or name that a client may send, in characters.
pub const LONGEST_NAME: usize = 200;

/// The format of a rejected item that is a report, encoded as protobuf.
pub const REPORT_FORMAT: &str = "call-report";

/// A reason of a client without what may be a number or an address: addresses, and five digits or more in a row.
pub fn without_personal_data(reason: &str) -> String {
    let mut shown = String::with_capacity(reason.len());
    for word in reason.split_inclusive(char::is_whitespace) {
        let mut digits = 0;
        let longest = word.chars().fold(0, |longest: usize, letter| {
            digits = if letter.is_numeric() { digits + 1 } else { 0 };
            longest.max(digits)
        });
        let hidden = word.contains('@') || longest >= 5;
        shown.extend(
            word.chars()
                .map(|letter| match hidden && !letter.is_whitespace() {
                    true => '•',
                    false => letter,
                }),
        );
    }
    shown
}

/// A report that can never be counted. The texts go to users: they name the field and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReportRejection {
    /// Something required is missing.
    #[error("{field} is missing; send it with every report")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A value that this version does not know.
    #[error("{field} has a value that is not known; map it to one that is in calls.proto")]
    Unknown {
        /// The field.
        field: &'static str,
    },
    /// A value with the wrong form.
    #[error("{field} is malformed: {remedy}")]
    Malformed {
        /// The field.
        field: &'static str,
        /// What it should be.
        remedy: &'static str,
    },
    /// The record itself.
    #[error(transparent)]
    Record(#[from] RecordRejection),
}

impl ReportRejection {
    /// The field that is at fault.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Missing { field } | Self::Unknown { field } | Self::Malformed { field, .. } => field,
            Self::Record(RecordRejection::EndsBeforeStart) => "ended_at",
            Self::Record(RecordRejection::NoHotline) => "hotline",
            Self::Record(RecordRejection::TooLong(field)) => field.name(),
            Self::Record(RecordRejection::TooOld | RecordRejection::InTheFuture) => "started_at",
        }
    }
}

/// What a report says to tell its call apart.
///
/// # Errors
/// [`ReportRejection`] when it says nothing, or something of another form.
pub fn source_key(key: Option<&wire::call_report::Key>) -> Result<SourceKey, ReportRejection> {
    match key {
        None => Err(ReportRejection::Missing { field: "call_id" }),
        Some(wire::call_report::Key::CallId(id)) => {
            let id = CallId::new(id);
            match id.as_str().chars().count() {
                0 => Err(ReportRejection::Missing { field: "call_id" }),
                1..=LONGEST_NAME => Ok(SourceKey::Call(id)),
                _ => Err(ReportRejection::Malformed {
                    field: "call_id",
                    remedy: "at most 200 characters",
                }),
            }
        }
        Some(wire::call_report::Key::Row(row)) => row_key(row),
    }
}

/// The key of a row without an id.
///
/// # Errors
/// [`ReportRejection::Malformed`] when the digest has not 32 bytes.
pub fn row_key(row: &wire::RowKey) -> Result<SourceKey, ReportRejection> {
    let digest = row
        .digest
        .as_slice()
        .try_into()
        .map_err(|_| ReportRejection::Malformed {
            field: "row.digest",
            remedy: "the 32 bytes of a SHA-256",
        })?;
    Ok(SourceKey::Row {
        digest: RowDigest(digest),
        occurrence: row.occurrence.max(1),
    })
}

/// Checks the body of a report, as seen from `now`.
///
/// # Errors
/// [`ReportRejection`] for what can never be counted.
pub fn checked_body(
    body: Option<&wire::call_report::Body>,
    now: DateTime<Utc>,
) -> Result<ReportBody, ReportRejection> {
    match body {
        None => Err(ReportRejection::Missing { field: "record" }),
        Some(wire::call_report::Body::Record(record)) => {
            let ended_at = record.ended_at_unix_ms;
            let mut revised = record_from_wire(record)?;
            if ended_at.is_some_and(|ended_at| ended_at < revised.record.started_at.timestamp_millis()) {
                return Err(RecordRejection::EndsBeforeStart.into());
            }
            revised.record = revised.record.examined(now)?;
            Ok(ReportBody::Record(revised))
        }
        Some(wire::call_report::Body::Event(event)) => {
            event::check_lengths(event)?;
            let event: CallEvent = event_from_wire(event)?;
            domain::record::plausible_time(event.at, now).map_err(event_time)?;
            Ok(ReportBody::Event(event))
        }
    }
}

/// The time of an event follows the rules of a record's, and is another field.
fn event_time(rejection: RecordRejection) -> ReportRejection {
    let remedy = match rejection {
        RecordRejection::TooOld => "it lies before 1990; correct the time stamp and send the event again",
        RecordRejection::InTheFuture => {
            "it lies more than a day in the future; correct the time stamp or the clock of the source"
        }
        other => return other.into(),
    };
    ReportRejection::Malformed { field: "at", remedy }
}

/// The message for the topic of calls.
pub fn encode_report(report: &CallReport) -> Vec<u8> {
    let call_id = report.call_id.as_ref().map(|id| id.as_str().to_owned());
    let body = match &report.body {
        ReportBody::Record(record) => wire::stored_report::Body::Record(record_to_wire(record)),
        ReportBody::Event(event) => wire::stored_report::Body::Event(event_to_wire(event)),
        ReportBody::Retracted => wire::stored_report::Body::Retracted(wire::Retracted {}),
        ReportBody::CallbackLogged(callback) => {
            wire::stored_report::Body::CallbackLogged(wire::CallbackLogged {
                ticket_id: callback.ticket.to_string(),
                hotline: callback.hotline.to_string(),
                at_unix_ms: callback.at.timestamp_millis(),
            })
        }
    };
    let stored = wire::StoredReport {
        identity: report.identity.0.to_vec(),
        source: report.source.as_str().to_owned(),
        call_id,
        import_run: report.run.as_str().to_owned(),
        received_at_unix_ms: report.received_at.timestamp_millis(),
        confirms: report.confirms,
        body: Some(body),
    };
    stored.encode_to_vec()
}

/// A message of the topic of calls that this version cannot read: it was not written by intake.
#[derive(Debug, Error)]
pub enum UnreadableReport {
    /// Not the protobuf message.
    #[error("not a StoredReport: {0}")]
    Decode(#[from] prost::DecodeError),
    /// A part is missing or has the wrong form.
    #[error("a StoredReport without a readable {0}")]
    Part(&'static str),
    /// The body is not one that intake lets through.
    #[error("a StoredReport whose body was refused: {0}")]
    Body(#[from] ReportRejection),
}

/// A message of the topic of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every message is of the large kind"
)]
pub enum Stored {
    /// About a call.
    Call(CallReport),
    /// About an agent.
    Agent(AcceptedAgentReport),
}

/// Reads what [`encode_report`] or [`encode_agent`] wrote.
///
/// # Errors
/// [`UnreadableReport`] when the message was not written by intake or ticketing.
pub fn decode_stored(message: &[u8]) -> Result<Stored, UnreadableReport> {
    let stored = wire::StoredReport::decode(message)?;
    match &stored.body {
        Some(wire::stored_report::Body::Agent(report)) => agent::stored(&stored, report).map(Stored::Agent),
        _ => call_report(stored).map(Stored::Call),
    }
}

fn call_report(stored: wire::StoredReport) -> Result<CallReport, UnreadableReport> {
    let identity = stored
        .identity
        .as_slice()
        .try_into()
        .map_err(|_| UnreadableReport::Part("identity"))?;
    let body = match stored.body.ok_or(UnreadableReport::Part("body"))? {
        wire::stored_report::Body::Record(record) => ReportBody::Record(record_from_wire(&record)?),
        wire::stored_report::Body::Event(event) => ReportBody::Event(event_from_wire(&event)?),
        wire::stored_report::Body::Retracted(_) => ReportBody::Retracted,
        wire::stored_report::Body::CallbackLogged(callback) => ReportBody::CallbackLogged(CallbackLogged {
            ticket: TicketId::new(callback.ticket_id),
            hotline: HotlineName::new(callback.hotline),
            at: crate::time(callback.at_unix_ms).ok_or(UnreadableReport::Part("at"))?,
        }),
        wire::stored_report::Body::Agent(_) => return Err(UnreadableReport::Part("body")),
    };
    Ok(CallReport {
        identity: Identity(identity),
        source: SourceName::new(stored.source),
        call_id: stored.call_id.map(CallId::new),
        run: ImportRun::new(stored.import_run),
        received_at: crate::time(stored.received_at_unix_ms).ok_or(UnreadableReport::Part("received_at"))?,
        confirms: stored.confirms,
        body,
    })
}

/// A client's report about a finished record.
pub fn record_report(key: wire::call_report::Key, record: &domain::record::CallRecord) -> wire::CallReport {
    let record = record_to_wire(&domain::report::RevisedRecord {
        revision: 0,
        record: record.clone(),
    });
    wire::CallReport {
        key: Some(key),
        body: Some(wire::call_report::Body::Record(record)),
    }
}

/// A client's report about a revision of a finished record.
pub fn revised_record_report(
    key: wire::call_report::Key,
    record: &domain::report::RevisedRecord,
    ended_at: Option<DateTime<Utc>>,
) -> wire::CallReport {
    let mut record = record_to_wire(record);
    record.ended_at_unix_ms = ended_at.map(|at| at.timestamp_millis());
    wire::CallReport {
        key: Some(key),
        body: Some(wire::call_report::Body::Record(record)),
    }
}

/// A client's report about an event.
pub fn event_report(key: wire::call_report::Key, event: &CallEvent) -> wire::CallReport {
    wire::CallReport {
        key: Some(key),
        body: Some(wire::call_report::Body::Event(event_to_wire(event))),
    }
}

fn event_id(id: Option<&str>) -> Option<EventId> {
    id.map(EventId::new).filter(|id| !id.as_str().is_empty())
}

#[cfg(test)]
mod tests {
    use super::without_personal_data;

    #[test]
    fn a_reason_keeps_its_words_and_loses_numbers_and_addresses() {
        for (said, shown) in [
            (
                "line 612: 31.02.2024 does not exist",
                "line 612: 31.02.2024 does not exist",
            ),
            ("no number: 02214710123!", "no number: ••••••••••••"),
            ("from erika@example.org  twice", "from •••••••••••••••••  twice"),
            ("", ""),
        ] {
            assert_eq!(without_personal_data(said), shown);
        }
    }
}
