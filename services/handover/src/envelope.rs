//! Messages as CloudEvents in binary mode.

use std::borrow::Cow;

use bus::Outgoing;
use chrono::{DateTime, SecondsFormat, Utc};
use domain::ids::{DepartmentId, ReplyId, TicketId};
use domain::ids::{ImportRun, SourceName};
use domain::report::{CallReport, CallbackLogged, ReportBody};
use domain::ticket::TicketVersion;
use serde::Serialize;
use store::tickets::{CallNotice, HandOver, HandOverContent, HandOverKey, PendingResult};

use crate::payload::{
    ErasedMessage, HeartbeatMessage, RectifiedMessage, ReplyResultMessage, RestrictedMessage, TicketMessage,
    WithdrawnMessage,
};

/// The state of a ticket.
pub const TICKET_TYPE: &str = "nrwdirekt.ticket.v1";
/// The department has the ticket no longer.
pub const WITHDRAWN_TYPE: &str = "nrwdirekt.ticket.withdrawn.v1";
/// Nothing about the citizen of a ticket may be kept.
pub const ERASED_TYPE: &str = "nrwdirekt.ticket.erased.v1";
/// A ticket is restricted: nobody works on it.
pub const RESTRICTED_TYPE: &str = "nrwdirekt.ticket.restricted.v1";
/// What was put right in a ticket that the department had.
pub const RECTIFIED_TYPE: &str = "nrwdirekt.ticket.rectified.v1";
/// The tombstone of a ticket.
pub const REMOVED_TYPE: &str = "nrwdirekt.ticket.removed.v1";
/// A reply of a department.
pub const REPLY_TYPE: &str = "nrwdirekt.ticket-reply.v1";
/// What became of a reply.
pub const REPLY_RESULT_TYPE: &str = "nrwdirekt.ticket-reply-result.v1";
/// Lets a quiet topic be compacted.
pub const HEARTBEAT_TYPE: &str = "nrwdirekt.heartbeat.v1";

/// The feed that notices of callbacks come from.
const CALLBACKS: &str = "callbacks";

/// The attributes of a message.
struct Event<'a> {
    id: String,
    kind: &'static str,
    source: String,
    time: DateTime<Utc>,
    subject: Option<&'a TicketId>,
    version: Option<TicketVersion>,
}

impl Event<'_> {
    fn headers(&self, content_type: Option<&'static str>) -> Vec<(&'static str, Cow<'static, str>)> {
        let time = self.time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut headers = vec![
            ("ce_specversion", Cow::Borrowed("1.0")),
            ("ce_id", Cow::Owned(self.id.clone())),
            ("ce_type", Cow::Borrowed(self.kind)),
            ("ce_source", Cow::Owned(self.source.clone())),
            ("ce_time", Cow::Owned(time)),
        ];
        if let Some(subject) = self.subject {
            headers.push(("ce_subject", Cow::Owned(subject.to_string())));
        }
        if let Some(version) = self.version {
            headers.push(("ce_ticketversion", Cow::Owned(version.to_string())));
        }
        if let Some(content_type) = content_type {
            headers.push(("content-type", Cow::Borrowed(content_type)));
        }
        headers
    }

    fn json(self, key: &str, content: &impl Serialize) -> Outgoing {
        Outgoing {
            key: key.as_bytes().to_vec(),
            headers: self.headers(Some("application/json")),
            payload: Some(serde_json::to_vec(content).expect("messages have text keys only")),
        }
    }
}

fn source(department: &DepartmentId) -> String {
    format!("/nrwdirekt/handover/{department}")
}

/// The message of a hand-over.
pub(crate) fn hand_over(hand_over: &HandOver) -> Outgoing {
    let key = &hand_over.key;
    let event = |kind, time| Event {
        id: format!("{}-v{}", key.ticket, key.version),
        kind,
        source: source(&key.department),
        time,
        subject: Some(&key.ticket),
        version: Some(key.version),
    };
    match &hand_over.content {
        HandOverContent::Current(ticket) => {
            event(TICKET_TYPE, ticket.changed_at).json(key.ticket.as_str(), &TicketMessage::of(ticket))
        }
        HandOverContent::Withdrawn(at) => {
            event(WITHDRAWN_TYPE, *at).json(key.ticket.as_str(), &WithdrawnMessage::of(key, *at))
        }
        HandOverContent::Erased(at) => {
            event(ERASED_TYPE, *at).json(key.ticket.as_str(), &ErasedMessage::of(key, *at))
        }
        HandOverContent::Restricted(at) => {
            event(RESTRICTED_TYPE, *at).json(key.ticket.as_str(), &RestrictedMessage::of(key, *at))
        }
        HandOverContent::Rectified(ticket) => {
            let message = RectifiedMessage::of(key, ticket);
            event(RECTIFIED_TYPE, message.rectified_at).json(key.ticket.as_str(), &message)
        }
    }
}

/// The tombstone of a ticket. It says in its headers what it buries.
pub(crate) fn tombstone(key: &HandOverKey, at: DateTime<Utc>) -> Outgoing {
    let event = Event {
        id: format!("{}-v{}-removed", key.ticket, key.version),
        kind: REMOVED_TYPE,
        source: source(&key.department),
        time: at,
        subject: Some(&key.ticket),
        version: Some(key.version),
    };
    Outgoing {
        key: key.ticket.as_str().as_bytes().to_vec(),
        headers: event.headers(None),
        payload: None,
    }
}

/// The result of a reply. Repeated results of a reply have the same id.
pub(crate) fn reply_result(department: &DepartmentId, result: &PendingResult) -> Outgoing {
    let outcome = &result.outcome;
    let event = Event {
        id: format!("{}-result", result.reply),
        kind: REPLY_RESULT_TYPE,
        source: source(department),
        time: outcome.at,
        subject: Some(&outcome.ticket).filter(|ticket| !ticket.as_str().is_empty()),
        version: None,
    };
    event.json(outcome.ticket.as_str(), &ReplyResultMessage::of(result))
}

/// A heartbeat for the topic of a department.
pub(crate) fn heartbeat(department: &DepartmentId, at: DateTime<Utc>) -> Outgoing {
    let event = Event {
        id: format!("heartbeat-{}", at.timestamp_millis()),
        kind: HEARTBEAT_TYPE,
        source: source(department),
        time: at,
        subject: None,
        version: None,
    };
    event.json(
        bus::topics::HEARTBEAT_KEY,
        &HeartbeatMessage {
            department: department.clone(),
            at,
        },
    )
}

/// A reply that came in over gRPC, on its way to the topic where all replies are.
pub(crate) fn reply(
    department: &DepartmentId,
    id: &ReplyId,
    ticket: &str,
    payload: Vec<u8>,
    at: DateTime<Utc>,
) -> Outgoing {
    let event = Event {
        id: id.to_string(),
        kind: REPLY_TYPE,
        source: format!("/departments/{department}"),
        time: at,
        subject: None,
        version: None,
    };
    Outgoing {
        key: ticket.as_bytes().to_vec(),
        headers: event.headers(Some("application/json")),
        payload: Some(payload),
    }
}

/// The notice of a callback for the topic of calls.
pub(crate) fn call_notice(notice: &CallNotice, at: DateTime<Utc>) -> Outgoing {
    let identity = notice.identity.to_hex();
    let event = Event {
        id: format!("{identity}-{}", notice.ticket),
        kind: "nrwdirekt.call.callback.v1",
        source: format!("/sources/{CALLBACKS}"),
        time: notice.at,
        subject: None,
        version: None,
    };
    let report = CallReport {
        identity: notice.identity,
        source: SourceName::new(CALLBACKS),
        call_id: None,
        run: ImportRun::new(CALLBACKS),
        received_at: at,
        body: ReportBody::CallbackLogged(CallbackLogged {
            ticket: notice.ticket.clone(),
            hotline: notice.hotline.clone(),
            at: notice.at,
        }),
        confirms: false,
    };
    Outgoing {
        key: identity.into_bytes(),
        headers: event.headers(Some("application/protobuf")),
        payload: Some(wire::calls::encode_report(&report)),
    }
}
