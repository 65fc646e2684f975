//! What a person is told of what is kept of him or her: the same content as a document to be read (Art. 15 GDPR) and as data
//! to be used elsewhere (Art. 20), `schemas/privacy/portability.v1.schema.json`.
//!
//! What departments and agents noted about the person belongs to it; who the agents were does not, and nothing about
//! another person.

pub(crate) mod entries;
pub(crate) mod html;
pub(crate) mod tickets;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::assembly::Assembled;
use domain::personal::Caller;
use domain::procedure::Procedure;
use domain::record::CallRecord;
use domain::visit::Visit;
use serde::Serialize;
use store::audit::AuditEntry;
use store::calls::StoredCall;

/// The name of the form in which the data is written.
pub(crate) const SCHEMA: &str = "urn:nrwdirekt:privacy:portability:v1";

/// What is kept of a person: tickets, entries, calls and rejected items.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    pub(crate) schema: &'static str,
    pub(crate) created_at: DateTime<Utc>,
    /// Who is responsible, and whom the person turns to: name, address, how to reach them.
    pub(crate) controller: String,
    pub(crate) data_protection_officer: String,
    pub(crate) person: ToldPerson,
    /// What it is kept for, by which law, who receives it, how long.
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) tickets: Vec<tickets::ToldTicket>,
    pub(crate) entries: Vec<entries::ToldEntry>,
    /// Entries that name nobody, of an address that somebody else has too: nobody knows whose they are.
    pub(crate) entries_left_out: u32,
    pub(crate) calls: Vec<ToldCall>,
    /// Calls of a number that several persons have: nobody knows whose they are.
    pub(crate) calls_left_out: u32,
    /// Rows and lines that could not be read, and hold the number or the address.
    pub(crate) rejected_items: Vec<ToldItem>,
}

impl Told {
    /// Whether nothing is kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.tickets.is_empty()
            && self.entries.is_empty()
            && self.calls.is_empty()
            && self.rejected_items.is_empty()
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct ToldPerson {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) first_name: String,
}

/// A procedure of the register.
#[derive(Debug, Serialize)]
pub(crate) struct Purpose {
    pub(crate) procedure: String,
    pub(crate) title: String,
    pub(crate) purpose: String,
    pub(crate) legal_basis: Vec<String>,
    pub(crate) recipients: Vec<String>,
    pub(crate) processors: Vec<String>,
    pub(crate) retention: String,
}

impl Purpose {
    pub(crate) fn of(procedure: &Procedure) -> Self {
        Self {
            procedure: procedure.id.to_string(),
            title: procedure.title.clone(),
            purpose: procedure.purpose.clone(),
            legal_basis: procedure.legal_basis.clone(),
            recipients: procedure.recipients.clone(),
            processors: procedure.processors.clone(),
            retention: procedure.retention.text.clone(),
        }
    }
}

/// Who has looked, or done something: what somebody was, never who.
#[derive(Debug, Serialize)]
pub(crate) struct Look {
    pub(crate) at: DateTime<Utc>,
    pub(crate) roles: Vec<String>,
    pub(crate) action: String,
}

impl Look {
    pub(crate) fn of(entry: &AuditEntry) -> Self {
        let roles = entry.roles.split(',').filter(|role| !role.is_empty());
        Self {
            at: entry.at,
            roles: roles.map(str::to_owned).collect(),
            action: entry.action.clone(),
        }
    }
}

/// A call with its visits.
#[derive(Debug, Serialize)]
pub(crate) struct ToldCall {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) restricted: bool,
    /// The record of the telephone system: the fields that are known.
    pub(crate) record: BTreeMap<&'static str, serde_json::Value>,
    pub(crate) visits: Vec<ToldVisit>,
    pub(crate) seen: Vec<Look>,
}

impl ToldCall {
    pub(crate) fn of(call: &StoredCall, restricted: bool, seen: Vec<Look>) -> Self {
        let Assembled { record, visits, .. } = call.state.assembled();
        Self {
            id: call.identity.to_hex(),
            source: call.source.to_string(),
            received_at: call.received_at,
            restricted,
            record: record.as_ref().map(fields).unwrap_or_default(),
            visits: visits.iter().map(ToldVisit::of).collect(),
            seen,
        }
    }
}

/// The fields of a record that are known, by name.
fn fields(record: &CallRecord) -> BTreeMap<&'static str, serde_json::Value> {
    use serde_json::json;
    let caller = record.caller.as_ref().map(|caller| match caller {
        Caller::Given(text) => json!(text.reveal()),
        Caller::Withheld => json!("withheld"),
    });
    let all = [
        ("started_at", Some(json!(record.started_at))),
        ("task_type", Some(json!(record.task_type.name()))),
        ("caller", caller),
        (
            "dialled_address",
            record.dialled_address.as_ref().map(|it| json!(it)),
        ),
        ("hotline", Some(json!(record.hotline.as_str()))),
        ("connection_status", Some(json!(record.connection_status.name()))),
        (
            "customer_record_count",
            record.customer_record_count.map(|it| json!(it)),
        ),
        (
            "customer_connection_count",
            record.customer_connection_count.map(|it| json!(it)),
        ),
        ("billable_ms", record.billable_ms.map(|it| json!(it))),
        ("ring_ms", record.ring_ms.map(|it| json!(it))),
        ("talk_ms", record.talk_ms.map(|it| json!(it))),
        ("hold_ms", record.hold_ms.map(|it| json!(it))),
        ("wait_ms", record.wait_ms.map(|it| json!(it))),
        ("consult_count", record.consult_count.map(|it| json!(it))),
        (
            "consult_connection_count",
            record.consult_connection_count.map(|it| json!(it)),
        ),
        ("consult_talk_ms", record.consult_talk_ms.map(|it| json!(it))),
        (
            "after_call_work_ms",
            record.after_call_work_ms.map(|it| json!(it)),
        ),
        ("direct_topic_dial", record.direct_topic_dial.map(|it| json!(it))),
        ("external_contact", record.external_contact.map(|it| json!(it))),
        ("inbound_contact", record.inbound_contact.map(|it| json!(it))),
        ("out_cc_contact", record.out_cc_contact.map(|it| json!(it))),
        ("dialer_contact", record.dialer_contact.map(|it| json!(it))),
        (
            "voice_message_recorded",
            record.voice_message_recorded.map(|it| json!(it)),
        ),
        (
            "network_overflow_count",
            record.network_overflow_count.map(|it| json!(it)),
        ),
    ];
    all.into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// A stay with one hotline.
#[derive(Debug, Serialize)]
pub(crate) struct ToldVisit {
    pub(crate) hotline: String,
    pub(crate) offered_at: DateTime<Utc>,
    pub(crate) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) wait_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ring_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) talk_ms: Option<i64>,
}

impl ToldVisit {
    fn of(visit: &Visit) -> Self {
        Self {
            hotline: visit.hotline.to_string(),
            offered_at: visit.offered_at,
            outcome: visit.outcome.name(),
            wait_ms: visit.wait_ms,
            ring_ms: visit.ring_ms,
            talk_ms: visit.talk_ms,
        }
    }
}

/// A row or line that could not be read. What stands beside the number in it is not told: nobody knows whose it is.
#[derive(Debug, Serialize)]
pub(crate) struct ToldItem {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) received_at: DateTime<Utc>,
    pub(crate) reason: String,
}
