//! What was delivered, read again.

use std::path::PathBuf;

use domain::ids::{CallId, RowDigest};
use domain::record::CallRecord;
pub(super) use importer::again::IN_ITS_FILE;
use importer::again::{self, AgainFault};
use importer::{DoubleHour, Item};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Value, json};
use wire::calls::REPORT_FORMAT;
use wire::v1::calls as proto;
use wire::v1::reporting::RejectedPayload;

use crate::commands::import;

/// How an item is read again.
pub(super) struct Again {
    pub(super) map: Option<PathBuf>,
    pub(super) double_hour: DoubleHour,
}

/// What an item is, read again.
pub(super) enum Repaired {
    /// A row: the ledger knows which item it repairs.
    Row(proto::CallReport),
    /// A report that says which call it is about, not which item it repairs.
    Call(proto::CallReport),
    /// A line whose call may have others, so that its report may be less than what is known.
    PartOfCall(CallId, proto::CallReport),
    /// A report about an agent.
    Agent(proto::AgentReport),
}

/// Why an item cannot be read, in words for its owner.
pub(super) type Fault = String;

impl Again {
    /// What an item is, with `payload` in place of what was delivered.
    ///
    /// # Errors
    /// A map that cannot be used. What is wrong with the item itself is the fault within.
    pub(super) fn read(
        &self,
        item: &RejectedPayload,
        payload: &[u8],
    ) -> anyhow::Result<Result<Repaired, Fault>> {
        let format = item.item.as_ref().map_or("", |item| item.format.as_str());
        if format == REPORT_FORMAT {
            return Ok(report(payload).map(Repaired::Call));
        }
        let map = import::own_map(self.map.as_deref())?;
        let delivered = again::Delivered {
            format,
            context: &item.context,
            payload,
            map: map.as_deref(),
            double_hour: self.double_hour,
        };
        match again::read(&delivered) {
            Ok(again) => Ok(Ok(repaired(again, item))),
            Err(AgainFault::Map(error)) if self.map.is_some() => {
                Err(import::wrong_map(self.map.as_deref(), &error))
            }
            Err(fault) => Ok(Err(fault.to_string())),
        }
    }
}

fn repaired(again: again::Again, item: &RejectedPayload) -> Repaired {
    match again {
        again::Again::Row(record, digest) => Repaired::Row(row(item, &record, digest)),
        again::Again::PartOfCall(item) => match *item {
            Item::Call(call) => {
                let report = import::call_report(&call);
                Repaired::PartOfCall(call.call, report)
            }
            other => line(other),
        },
        again::Again::Line(item) => line(*item),
    }
}

/// The report of a row. It keeps the key under which it was rejected, so that it repairs that item.
fn row(item: &RejectedPayload, record: &CallRecord, digest: RowDigest) -> proto::CallReport {
    let digest = RowDigest(item.row_digest.as_slice().try_into().unwrap_or(digest.0));
    let key = proto::RowKey {
        digest: digest.0.to_vec(),
        occurrence: item.row_occurrence.max(1),
    };
    wire::calls::record_report(proto::call_report::Key::Row(key), record)
}

fn line(item: Item) -> Repaired {
    match item {
        Item::Call(call) => Repaired::Call(import::call_report(&call)),
        Item::Agent(report) => Repaired::Agent(wire::calls::agent_to_wire(&report)),
        Item::Unreadable(_) => unreachable!("what cannot be read is a fault"),
    }
}

/// A report as protobuf, or as the JSON that [`readable`] gives.
fn report(payload: &[u8]) -> Result<proto::CallReport, Fault> {
    let encoded = match payload.trim_ascii_start().first() {
        Some(b'{') => from_json(payload)?,
        _ => payload.to_vec(),
    };
    proto::CallReport::decode(&encoded[..]).map_err(|error| format!("it is no report: {error}"))
}

fn from_json(payload: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut json = serde_json::Deserializer::from_slice(payload);
    let descriptor = descriptor().ok_or("this program does not know its own reports")?;
    let message = DynamicMessage::deserialize(descriptor, &mut json)
        .map_err(|error| format!("it is no report in the form of `rejected show --reveal`: {error}"))?;
    json.end()
        .map_err(|error| format!("something follows the report: {error}"))?;
    Ok(message.encode_to_vec())
}

fn descriptor() -> Option<prost_reflect::MessageDescriptor> {
    let pool = DescriptorPool::decode(wire::DESCRIPTORS).ok()?;
    pool.get_message_by_name("nrwdirekt.calls.v1.CallReport")
}

/// What was delivered, for a reader: a text, a report as JSON, or nothing where there is nothing to be shown.
pub(super) fn readable(format: &str, payload: &[u8]) -> Value {
    if payload.is_empty() {
        return Value::Null;
    }
    let report = || {
        let message = DynamicMessage::decode(descriptor()?, payload).ok()?;
        let options = SerializeOptions::new().use_proto_field_name(true);
        message
            .serialize_with_options(serde_json::value::Serializer, &options)
            .ok()
    };
    match format {
        REPORT_FORMAT => report().unwrap_or(Value::Null),
        _ => json!(String::from_utf8_lossy(payload)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_being_read_and_corrected_as_json() {
        let sent = proto::CallReport {
            key: Some(proto::call_report::Key::CallId("call-1".to_owned())),
            body: Some(proto::call_report::Body::Record(proto::FinishedRecord {
                started_at_unix_ms: 1,
                task_type: proto::TaskType::InboundCall as i32,
                hotline: "Bürgertelefon".to_owned(),
                ..proto::FinishedRecord::default()
            })),
        };
        let shown = readable(REPORT_FORMAT, &sent.encode_to_vec());
        assert_eq!(shown["record"]["task_type"], "TASK_TYPE_INBOUND_CALL");
        assert_eq!(report(shown.to_string().as_bytes()), Ok(sent.clone()));
        assert_eq!(report(&sent.encode_to_vec()), Ok(sent));
    }

    #[test]
    fn what_is_no_report_is_refused_in_words() {
        let refused = report(b"{\"records\": 1}").expect_err("no such field");
        assert!(refused.contains("rejected show --reveal"), "{refused}");
    }
}
