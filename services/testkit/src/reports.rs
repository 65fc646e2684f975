//! Reports about calls, as a telephone system would send them.

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use domain::event::{CallEvent, EventKind};
use domain::ids::HotlineName;
use domain::record::{CallRecord, ConnectionStatus, TaskType};
use uuid::Uuid;
use wire::v1::calls::call_report::Key;
use wire::v1::calls::{BatchReceipt, CallReport, ReportBatch};
use wire::v1::reporting::Position;

/// The day of [`at`], and the one after it.
pub const DAY: (&str, &str) = ("2024-10-28", "2024-10-29");

/// Seconds after nine o'clock, UTC, of a Monday long past.
///
/// # Panics
/// Never: the time exists.
pub fn at(seconds: i64) -> DateTime<Utc> {
    let nine = Utc.with_ymd_and_hms(2024, 10, 28, 9, 0, 0);
    nine.single().expect("a time that exists") + TimeDelta::seconds(seconds)
}

/// An answered call: `wait_ms` in the queue, a minute of talk.
pub fn answered(seconds: i64, hotline: &str, wait_ms: i64) -> CallRecord {
    let mut record = finished(seconds, hotline, ConnectionStatus::Answered);
    record.wait_ms = Some(wait_ms);
    record.talk_ms = Some(60_000);
    record
}

/// A finished inbound call with nothing but its end.
pub fn finished(seconds: i64, hotline: &str, status: ConnectionStatus) -> CallRecord {
    CallRecord::new(
        at(seconds),
        TaskType::InboundCall,
        HotlineName::new(hotline),
        status,
    )
}

/// The report of a finished record.
pub fn record(call_id: &str, record: &CallRecord) -> CallReport {
    wire::calls::record_report(Key::CallId(call_id.to_owned()), record)
}

/// The report of an event.
pub fn event(call_id: &str, seconds: i64, kind: EventKind) -> CallReport {
    let event = CallEvent::new(at(seconds), kind);
    wire::calls::event_report(Key::CallId(call_id.to_owned()), &event)
}

/// So many answered calls, the first with number `first`; each waits for a time that its number gives.
pub fn calls(first: u32, count: u32) -> Vec<CallReport> {
    let call = |number: u32| {
        let wait_ms = i64::from(number % 97) * 500;
        record(
            &format!("call-{number}"),
            &answered(i64::from(number % 28_800), "Bürgertelefon", wait_ms),
        )
    };
    (first..first + count).map(call).collect()
}

/// A batch of source `test`, in an import of its own.
pub fn batch(number: u64, reports: Vec<CallReport>) -> ReportBatch {
    ReportBatch {
        batch: number,
        source: "test".to_owned(),
        import_run: Uuid::new_v4().to_string(),
        reports,
        unreadable: Vec::new(),
        agents: Vec::new(),
        replaces: false,
    }
}

/// Where the ledger must stand to have counted what the receipts confirm.
pub fn positions<'a>(receipts: impl IntoIterator<Item = &'a BatchReceipt>) -> Vec<Position> {
    let positions = receipts.into_iter().flat_map(|receipt| &receipt.positions);
    positions
        .map(|position| Position {
            partition: position.partition,
            next_offset: position.next_offset,
        })
        .collect()
}
