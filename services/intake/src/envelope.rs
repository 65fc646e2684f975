//! What surrounds a report on the topic of calls: CloudEvents in binary mode.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use bus::Outgoing;
use chrono::{DateTime, Utc};
use domain::agents::AcceptedAgentReport;
use domain::ids::{Identity, SourceName};
use domain::report::{CallReport, ReportBody};
use uuid::Uuid;

/// Makes the messages of one instance of intake.
pub(crate) struct Envelopes {
    /// Tells the ids of this instance from those of others, and of the same one after a restart.
    instance: String,
    made: AtomicU64,
}

/// What the headers of a message say.
struct About<'a> {
    /// Of the call or agent: its reports stay in order.
    identity: Identity,
    ce_type: &'static str,
    ce_source: &'a str,
    at: DateTime<Utc>,
}

impl Envelopes {
    pub(crate) fn new() -> Self {
        // Half of it is enough, and each message carries it.
        let mut instance = Uuid::new_v4().simple().to_string();
        instance.truncate(16);
        Self {
            instance,
            made: AtomicU64::new(0),
        }
    }

    /// The message of a report about a call.
    pub(crate) fn of_call(&self, report: &CallReport, ce_source: &str) -> Outgoing {
        let (ce_type, at) = match &report.body {
            ReportBody::Record(record) => ("nrwdirekt.call.record.v1", record.record.started_at),
            ReportBody::Event(event) => ("nrwdirekt.call.event.v1", event.at),
            ReportBody::Retracted => ("nrwdirekt.call.retracted.v1", report.received_at),
            ReportBody::CallbackLogged(callback) => ("nrwdirekt.call.callback.v1", callback.at),
        };
        let about = About {
            identity: report.identity,
            ce_type,
            ce_source,
            at,
        };
        self.message(&about, wire::calls::encode_report(report))
    }

    /// The message of a report about an agent.
    pub(crate) fn of_agent(&self, accepted: &AcceptedAgentReport, ce_source: &str) -> Outgoing {
        let about = About {
            identity: accepted.identity,
            ce_type: "nrwdirekt.agent.state.v1",
            ce_source,
            at: accepted.report.at,
        };
        self.message(&about, wire::calls::encode_agent(accepted))
    }

    fn message(&self, about: &About<'_>, payload: Vec<u8>) -> Outgoing {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let id = format!("{}-{number:x}", self.instance);
        let time = about.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let headers = vec![
            ("ce_specversion", Cow::Borrowed("1.0")),
            ("ce_type", Cow::Borrowed(about.ce_type)),
            ("ce_source", Cow::Owned(about.ce_source.to_owned())),
            ("ce_id", Cow::Owned(id)),
            ("ce_time", Cow::Owned(time)),
            ("content-type", Cow::Borrowed("application/protobuf")),
        ];
        Outgoing {
            key: about.identity.to_hex().into_bytes(),
            headers,
            payload: Some(payload),
        }
    }
}

/// The attribute `ce_source` of a feed.
pub(crate) fn ce_source(source: &SourceName) -> String {
    format!("/sources/{}", uri_part(source.as_str()))
}

/// A name as part of a URI: everything but letters, digits and `-._~` as %XX.
fn uri_part(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
