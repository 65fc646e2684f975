//! What was delivered, read again.

use std::convert::Infallible;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::ValueEnum as _;
use domain::ids::{CallId, RowDigest};
use importer::hotline_export::{ExportItem, ExportMap, ExportReader};
use importer::{Adapter, DoubleHour, Item, LineCutter, Place, WrittenLine};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Value, json};
use wire::calls::REPORT_FORMAT;
use wire::v1::calls as proto;
use wire::v1::reporting::RejectedPayload;

use crate::cli::ImportFormat;
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
        let name = item.item.as_ref().map_or("", |item| item.format.as_str());
        if name == REPORT_FORMAT {
            return Ok(report(payload).map(Repaired::Call));
        }
        Ok(match ImportFormat::from_str(name, false) {
            Ok(ImportFormat::HotlineExport) => {
                let map = import::map_with(self.map.as_deref())?;
                self.row(map, item, payload).map(Repaired::Row)
            }
            Ok(format @ (ImportFormat::Cdr | ImportFormat::Jsonl)) => {
                let adapter = import::adapter_with(format, self.map.as_deref(), self.double_hour)?;
                let adapter = adapter.context("a format of lines has an adapter")?;
                line(format, adapter, &item.context, payload)
            }
            Ok(ImportFormat::QueueLog | ImportFormat::Cel) => Err(format!(
                "a line of {name} alone does not tell enough; {IN_ITS_FILE}"
            )),
            Err(_) => Err("it cannot be read again; correct it at its source, or discard it".to_owned()),
        })
    }

    /// A row under its heading line. It keeps the key under which it was rejected, so that it repairs that item.
    fn row(
        &self,
        map: ExportMap,
        item: &RejectedPayload,
        payload: &[u8],
    ) -> Result<proto::CallReport, Fault> {
        let file = [b"\xef\xbb\xbf", &item.context[..], b"\n", payload, b"\n"].concat();
        let rows = ExportReader::open(&file[..], map, self.double_hour);
        let rows: Result<Vec<_>, _> = rows.map_err(|error| error.to_string())?.collect();
        let mut rows = rows.map_err(|error| error.to_string())?;
        let (Some(row), true) = (rows.pop(), rows.is_empty()) else {
            return Err("give exactly one row, without the heading line".to_owned());
        };
        let row = match row {
            ExportItem::Row(row) => row,
            ExportItem::Unreadable(row) => {
                let field = row
                    .field
                    .map_or(String::new(), |field| format!("{}: ", field.heading()));
                return Err(format!("{field}{}", row.reason));
            }
        };
        let digest = RowDigest(item.row_digest.as_slice().try_into().unwrap_or(row.digest.0));
        let key = proto::RowKey {
            digest: digest.0.to_vec(),
            occurrence: item.row_occurrence.max(1),
        };
        let key = proto::call_report::Key::Row(key);
        Ok(wire::calls::record_report(key, &row.record))
    }
}

/// How a line is repaired that cannot be read alone.
pub(super) const IN_ITS_FILE: &str = "correct it in its file, import the file again (lines that are known change nothing), \
     and discard this item";

/// A line under the names of its columns, where they were told.
fn line(
    format: ImportFormat,
    mut adapter: Box<dyn Adapter>,
    context: &[u8],
    payload: &[u8],
) -> Result<Repaired, Fault> {
    let payload = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
    let mut items = Vec::new();
    let mut cutter = LineCutter::new(Place {
        file: 0,
        offset: 0,
        line: 1,
    });
    let mut each = |line: WrittenLine<'_>| -> Result<(), Infallible> {
        adapter.read(line.bytes, line.too_long, line.place, &mut items);
        Ok(())
    };
    let Ok(()) = cutter.push(&[context, b"\n", payload].concat(), &mut each);
    let Ok(()) = cutter.finish(&mut each);
    adapter.settle(&mut items);
    if adapter.notes().lines != 1 {
        return Err("give exactly one line, without a heading".to_owned());
    }
    match items.pop() {
        Some(Item::Call(call)) if format == ImportFormat::Cdr => {
            let report = import::call_report(&call);
            Ok(Repaired::PartOfCall(call.call, report))
        }
        Some(Item::Call(call)) => Ok(Repaired::Call(import::call_report(&call))),
        Some(Item::Agent(report)) => Ok(Repaired::Agent(wire::calls::agent_to_wire(&report))),
        Some(Item::Unreadable(line)) => {
            let field = line.field.map_or(String::new(), |field| format!("{field}: "));
            Err(format!("{field}{}", line.reason))
        }
        None => Err("it tells of nothing that is counted; discard it".to_owned()),
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
