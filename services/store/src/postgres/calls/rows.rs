//! A call as a row, its visits as rows, and back.

use std::collections::{BTreeMap, HashMap};

use chrono::DateTime;
use deadpool_postgres::Transaction;
use domain::assembly::{Assembled, CallState};
use domain::event::EndedBy;
use domain::ids::{AgentName, HotlineName, Identity};
use domain::record::{CallRecord, ConnectionStatus, TaskType};
use domain::report::RevisedRecord;
use domain::visit::Visit;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::super::values::{self, key, partition_column, text};
use super::copy::Rows;
use super::names::Numbers;
use crate::StoreError;
use crate::packing::{self, unknown};

/// What a call's row says beside the call itself.
#[derive(Clone)]
pub(super) struct Filing {
    pub(super) identity: Identity,
    pub(super) month: i32,
    pub(super) call_row: i64,
    pub(super) source_id: i32,
    pub(super) call_id: Option<String>,
    pub(super) run_id: Option<i32>,
    pub(super) shard: u32,
    pub(super) received_at_ms: i64,
    pub(super) heard_at_ms: i64,
}

/// A call that is there already.
pub(super) struct KnownCall {
    pub(super) filing: Filing,
    pub(super) state: CallState,
}

/// A call to be written: a new row, or over the one it has.
pub(super) struct Writing {
    pub(super) filing: Filing,
    pub(super) state: CallState,
    pub(super) call: Assembled,
    /// Whether it has a row already.
    pub(super) known: bool,
    /// Whether its visits are to be written.
    pub(super) visits_changed: bool,
}

/// Where calls are, by identity.
pub(super) type Places = HashMap<Identity, (i32, i64)>;

/// Locks the calls that are known of these, each until the end of the transaction.
pub(super) async fn lock(
    transaction: &Transaction<'_>,
    identities: &[Identity],
) -> Result<Places, StoreError> {
    places(transaction, identities, "FOR UPDATE").await
}

/// As [`lock`], but passes over calls that somebody else is writing.
pub(super) async fn lock_idle(
    transaction: &Transaction<'_>,
    identities: &[Identity],
) -> Result<Places, StoreError> {
    places(transaction, identities, "FOR UPDATE SKIP LOCKED").await
}

/// Where the calls are that are known of these.
pub(super) async fn places_of(
    transaction: &Transaction<'_>,
    identities: &[Identity],
) -> Result<Places, StoreError> {
    places(transaction, identities, "").await
}

async fn places(
    transaction: &Transaction<'_>,
    identities: &[Identity],
    lock: &str,
) -> Result<Places, StoreError> {
    let keys: Vec<_> = identities.iter().map(|identity| key(*identity)).collect();
    let find = format!(
        "SELECT identity, month, call_row FROM identities WHERE identity = ANY($1) ORDER BY identity {lock}"
    );
    let find = transaction.prepare_cached(&find).await?;
    let rows = transaction.query(&find, &[&keys]).await?;
    let place = |row: &Row| (values::identity(row.get(0)), (row.get(1), row.get(2)));
    Ok(rows.iter().map(place).collect())
}

/// Gives new calls their rows. Fewer than asked for: somebody else has just filed one of them.
pub(super) async fn file(
    transaction: &Transaction<'_>,
    mut new: Vec<(Identity, i32)>,
) -> Result<HashMap<Identity, i64>, StoreError> {
    // In the order of their keys: so transactions that file the same calls wait, and do not block each other.
    new.sort_unstable();
    let keys: Vec<_> = new.iter().map(|(identity, _)| key(*identity)).collect();
    let months: Vec<i32> = new.iter().map(|(_, month)| *month).collect();
    let add = transaction
        .prepare_cached(
            "INSERT INTO identities (identity, month) SELECT * FROM unnest($1::uuid[], $2::int4[])
             ON CONFLICT DO NOTHING RETURNING identity, call_row",
        )
        .await?;
    let rows = transaction.query(&add, &[&keys, &months]).await?;
    Ok(rows
        .iter()
        .map(|row| (values::identity(row.get(0)), row.get(1)))
        .collect())
}

/// What [`known_call`] reads: 36 columns.
pub(super) const CALL_SELECT: &str = "identity, call_row, source_id, call_id, shard, received_at_ms, heard_at_ms,
    given_up, more, revision, started_at_ms, task_type, caller, dialled_address, h.name,
    connection_status, customer_record_count, customer_connection_count, billable_ms, ring_ms, talk_ms, hold_ms,
    wait_ms, consult_count, consult_connection_count, consult_talk_ms, after_call_work_ms, direct_topic_dial,
    external_contact, inbound_contact, out_cc_contact, dialer_contact, voice_message_recorded,
    network_overflow_count, doubts, run_id";
const RECORD_AT: usize = 9;
const RUN_AT: usize = 35;

/// The calls at these places. A call whose month was dropped is missing.
pub(super) async fn known_calls(
    transaction: &Transaction<'_>,
    places: &Places,
) -> Result<HashMap<Identity, KnownCall>, StoreError> {
    let mut months: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for (month, call_row) in places.values() {
        months.entry(*month).or_default().push(*call_row);
    }
    let find = transaction
        .prepare_cached(&format!(
            "SELECT {CALL_SELECT} FROM calls LEFT JOIN hotlines h ON h.id = hotline_id
             WHERE month = $1 AND call_row = ANY($2)"
        ))
        .await?;
    let mut calls = HashMap::with_capacity(places.len());
    for (month, call_rows) in months {
        for row in transaction.query(&find, &[&month, &call_rows]).await? {
            let call = known_call(&row, month)?;
            calls.insert(call.filing.identity, call);
        }
    }
    Ok(calls)
}

/// Reads [`CALL_SELECT`].
pub(super) fn known_call(row: &Row, month: i32) -> Result<KnownCall, StoreError> {
    let filing = Filing {
        identity: values::identity(row.get(0)),
        month,
        call_row: row.get(1),
        source_id: row.get(2),
        call_id: row.get(3),
        run_id: row.get(RUN_AT),
        shard: values::partition(row.get(4))?,
        received_at_ms: row.get(5),
        heard_at_ms: row.get(6),
    };
    let state = packing::unpack_state(read_record(row, RECORD_AT)?, row.get(8), row.get(7))?;
    Ok(KnownCall { filing, state })
}

/// Reads the columns of the record from `at`; none without a revision.
fn read_record(row: &Row, at: usize) -> Result<Option<RevisedRecord>, StoreError> {
    let Some(revision) = row.get::<_, Option<i64>>(at) else {
        return Ok(None);
    };
    let revision = values::count(revision)?;
    let started_at = DateTime::from_timestamp_millis(row.get(at + 1)).ok_or_else(|| unknown("time"))?;
    let task_type = TaskType::from_code(row.get(at + 2)).ok_or_else(|| unknown("task type"))?;
    let status = ConnectionStatus::from_code(row.get(at + 6)).ok_or_else(|| unknown("connection status"))?;
    let hotline = HotlineName::new(row.get::<_, &str>(at + 5));
    let count = |place: usize| -> Result<Option<u32>, StoreError> {
        let stored: Option<i64> = row.get(at + place);
        stored.map(values::count).transpose()
    };
    let mut record = CallRecord::new(started_at, task_type, hotline, status);
    record.caller = row.get::<_, Option<&str>>(at + 3).map(packing::caller);
    record.dialled_address = row.get(at + 4);
    record.customer_record_count = count(7)?;
    record.customer_connection_count = count(8)?;
    record.billable_ms = row.get(at + 9);
    record.ring_ms = row.get(at + 10);
    record.talk_ms = row.get(at + 11);
    record.hold_ms = row.get(at + 12);
    record.wait_ms = row.get(at + 13);
    record.consult_count = count(14)?;
    record.consult_connection_count = count(15)?;
    record.consult_talk_ms = row.get(at + 16);
    record.after_call_work_ms = row.get(at + 17);
    record.direct_topic_dial = row.get(at + 18);
    record.external_contact = row.get(at + 19);
    record.inbound_contact = row.get(at + 20);
    record.out_cc_contact = row.get(at + 21);
    record.dialer_contact = row.get(at + 22);
    record.voice_message_recorded = row.get(at + 23);
    record.network_overflow_count = count(24)?;
    if let Some(doubts) = row.get::<_, Option<&str>>(at + 25) {
        record.doubts = packing::doubts(doubts)?;
    }
    Ok(Some(RevisedRecord { revision, record }))
}

/// Writes calls and visits over those that were there.
pub(super) async fn write(
    transaction: &Transaction<'_>,
    hotlines: &Numbers,
    calls: &[Writing],
) -> Result<(), StoreError> {
    remove(transaction, "calls", calls.iter().filter(|writing| writing.known)).await?;
    let moved = |writing: &&Writing| writing.known && writing.visits_changed;
    remove(transaction, "visits", calls.iter().filter(moved)).await?;
    if calls.is_empty() {
        return Ok(());
    }
    let mut rows = Rows::into_table(transaction, "calls", CALL_COLUMNS).await?;
    for writing in calls {
        write_call(&mut rows, hotlines, writing).await?;
    }
    rows.finish().await?;
    let mut rows = Rows::into_table(transaction, "visits", VISIT_COLUMNS).await?;
    for writing in calls.iter().filter(|writing| writing.visits_changed) {
        for visit in &writing.call.visits {
            write_visit(&mut rows, hotlines, writing, visit).await?;
        }
    }
    rows.finish().await
}

async fn remove(
    transaction: &Transaction<'_>,
    table: &str,
    calls: impl Iterator<Item = &Writing>,
) -> Result<(), StoreError> {
    let mut months: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for Writing { filing, .. } in calls {
        months.entry(filing.month).or_default().push(filing.call_row);
    }
    if months.is_empty() {
        return Ok(());
    }
    let delete = format!("DELETE FROM {table} WHERE month = $1 AND call_row = ANY($2)");
    let delete = transaction.prepare_cached(&delete).await?;
    for (month, call_rows) in months {
        transaction.execute(&delete, &[&month, &call_rows]).await?;
    }
    Ok(())
}

const CALL_COLUMNS: &[(&str, Type)] = &[
    ("month", Type::INT4),
    ("call_row", Type::INT8),
    ("identity", Type::UUID),
    ("source_id", Type::INT4),
    ("call_id", Type::TEXT),
    ("shard", Type::INT4),
    ("received_at_ms", Type::INT8),
    ("heard_at_ms", Type::INT8),
    ("open", Type::BOOL),
    ("given_up", Type::BOOL),
    ("flags", Type::TEXT),
    ("revision", Type::INT8),
    ("started_at_ms", Type::INT8),
    ("task_type", Type::INT2),
    ("caller", Type::TEXT),
    ("dialled_address", Type::TEXT),
    ("hotline_id", Type::INT4),
    ("connection_status", Type::INT2),
    ("customer_record_count", Type::INT8),
    ("customer_connection_count", Type::INT8),
    ("billable_ms", Type::INT8),
    ("ring_ms", Type::INT8),
    ("talk_ms", Type::INT8),
    ("hold_ms", Type::INT8),
    ("wait_ms", Type::INT8),
    ("consult_count", Type::INT8),
    ("consult_connection_count", Type::INT8),
    ("consult_talk_ms", Type::INT8),
    ("after_call_work_ms", Type::INT8),
    ("direct_topic_dial", Type::BOOL),
    ("external_contact", Type::BOOL),
    ("inbound_contact", Type::BOOL),
    ("out_cc_contact", Type::BOOL),
    ("dialer_contact", Type::BOOL),
    ("voice_message_recorded", Type::BOOL),
    ("network_overflow_count", Type::INT8),
    ("doubts", Type::TEXT),
    ("more", Type::BYTEA),
    ("run_id", Type::INT4),
    ("caller_key", Type::TEXT),
    ("dialled_key", Type::TEXT),
    ("names_agents", Type::BOOL),
];

async fn write_call(rows: &mut Rows, hotlines: &Numbers, writing: &Writing) -> Result<(), StoreError> {
    let Writing {
        filing, state, call, ..
    } = writing;
    let record = call.record.as_ref();
    macro_rules! field {
        ($field:ident) => {
            record.and_then(|record| record.$field)
        };
        (count $field:ident) => {
            field!($field).map(i64::from)
        };
    }
    let hotline_id = record
        .map(|record| hotlines.of(record.hotline.as_str()))
        .transpose()?;
    rows.write(&[
        &filing.month,
        &filing.call_row,
        &key(filing.identity),
        &filing.source_id,
        &filing.call_id.as_deref().map(text),
        &partition_column(filing.shard)?,
        &filing.received_at_ms,
        &filing.heard_at_ms,
        &call.open,
        &state.given_up,
        &packing::flags_text(call),
        &state.record.as_ref().map(|revised| i64::from(revised.revision)),
        &record.map(|record| record.started_at.timestamp_millis()),
        &record.map(|record| record.task_type.code()),
        &record.and_then(packing::caller_text).map(text),
        &record
            .and_then(|record| record.dialled_address.as_deref())
            .map(text),
        &hotline_id,
        &record.map(|record| record.connection_status.code()),
        &field!(count customer_record_count),
        &field!(count customer_connection_count),
        &field!(billable_ms),
        &field!(ring_ms),
        &field!(talk_ms),
        &field!(hold_ms),
        &field!(wait_ms),
        &field!(count consult_count),
        &field!(count consult_connection_count),
        &field!(consult_talk_ms),
        &field!(after_call_work_ms),
        &field!(direct_topic_dial),
        &field!(external_contact),
        &field!(inbound_contact),
        &field!(out_cc_contact),
        &field!(dialer_contact),
        &field!(voice_message_recorded),
        &field!(count network_overflow_count),
        &record.map(packing::doubts_text).transpose()?.flatten(),
        &packing::pack_more(state)?,
        &filing.run_id,
        &record.and_then(packing::caller_key).as_deref().map(text),
        &record.and_then(packing::dialled_key).as_deref().map(text),
        &state.names_agents(),
    ])
    .await
}

const VISIT_COLUMNS: &[(&str, Type)] = &[
    ("month", Type::INT4),
    ("call_row", Type::INT8),
    ("ordinal", Type::INT4),
    ("hotline_id", Type::INT4),
    ("task_type", Type::INT2),
    ("shard", Type::INT4),
    ("offered_at_ms", Type::INT8),
    ("outcome", Type::INT2),
    ("wait_ms", Type::INT8),
    ("ring_ms", Type::INT8),
    ("talk_ms", Type::INT8),
    ("hold_ms", Type::INT8),
    ("after_call_work_ms", Type::INT8),
    ("consult_count", Type::INT8),
    ("consult_connection_count", Type::INT8),
    ("consult_talk_ms", Type::INT8),
    ("transfer_count", Type::INT8),
    ("agent", Type::TEXT),
    ("ended_by", Type::TEXT),
    ("overflowed_in", Type::BOOL),
    ("network_overflow_count", Type::INT8),
    ("voice_message", Type::BOOL),
    ("counted", Type::BOOL),
    ("phase", Type::INT2),
    ("phase_since_ms", Type::INT8),
    ("phase_agent", Type::TEXT),
];

async fn write_visit(
    rows: &mut Rows,
    hotlines: &Numbers,
    Writing { filing, state, .. }: &Writing,
    visit: &Visit,
) -> Result<(), StoreError> {
    let live = visit.live.as_ref();
    rows.write(&[
        &filing.month,
        &filing.call_row,
        &i32::from(visit.ordinal),
        &hotlines.of(visit.hotline.as_str())?,
        &visit.task_type.code(),
        &partition_column(filing.shard)?,
        &visit.offered_at.timestamp_millis(),
        &visit.outcome.code(),
        &visit.wait_ms,
        &visit.ring_ms,
        &visit.talk_ms,
        &visit.hold_ms,
        &visit.after_call_work_ms,
        &i64::from(visit.consult_count),
        &i64::from(visit.consult_connection_count),
        &visit.consult_talk_ms,
        &i64::from(visit.transfer_count),
        &visit.agent.as_ref().map(AgentName::as_str).map(text),
        &visit.ended_by.map(EndedBy::name),
        &visit.overflowed_in,
        &i64::from(visit.network_overflow_count),
        &visit.voice_message,
        &state.counts_for(&visit.hotline),
        &live.map(|live| live.phase.code()),
        &live.map(|live| live.since.timestamp_millis()),
        &live
            .and_then(|live| live.agent.as_ref())
            .map(AgentName::as_str)
            .map(text),
    ])
    .await
}
