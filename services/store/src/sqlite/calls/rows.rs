//! A call as a row, its visits as rows, and back.

use std::sync::LazyLock;

use chrono::DateTime;
use domain::assembly::{Assembled, CallState};
use domain::event::EndedBy;
use domain::ids::{HotlineName, Identity};
use domain::record::{CallRecord, ConnectionStatus, TaskType};
use domain::report::RevisedRecord;
use domain::visit::Visit;
use rusqlite::types::ToSql;
use rusqlite::{Connection, Row, params};

use super::identities;
use super::names::Names;
use crate::StoreError;
use crate::packing::{self, unknown};

/// A call that is there already.
pub(super) struct KnownCall {
    pub(super) call_row: i64,
    pub(super) state: CallState,
    pub(super) heard_at_ms: i64,
    pub(super) shard: u32,
}

/// What a call's row says beside the call itself.
pub(super) struct Filing<'a> {
    pub(super) identity: Identity,
    pub(super) source_id: i64,
    pub(super) call_id: Option<&'a str>,
    pub(super) run_id: Option<i64>,
    pub(super) shard: u32,
    pub(super) received_at_ms: i64,
    pub(super) heard_at_ms: i64,
}

pub(super) const RECORD_COLUMNS: &str = "revision, started_at_ms, task_type, caller, dialled_address, hotline_id,
    connection_status, customer_record_count, customer_connection_count, billable_ms, ring_ms, talk_ms, hold_ms,
    wait_ms, consult_count, consult_connection_count, consult_talk_ms, after_call_work_ms, direct_topic_dial,
    external_contact, inbound_contact, out_cc_contact, dialer_contact, voice_message_recorded,
    network_overflow_count, doubts";

/// The call with this identity.
pub(super) fn known_call(
    connection: &Connection,
    identity: Identity,
) -> Result<Option<KnownCall>, StoreError> {
    static FIND: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT call_row, given_up, more, heard_at_ms, shard, h.name, {RECORD_COLUMNS}
             FROM calls LEFT JOIN hotlines h USING (hotline_id)
             WHERE call_row = (SELECT call_row FROM identities WHERE identity = ?1)"
        )
    });
    let mut statement = connection.prepare_cached(&FIND)?;
    let mut rows = statement.query([identity.0])?;
    rows.next()?.map(read_known).transpose()
}

/// Reads a row that begins with `call_row, given_up, more, heard_at_ms, shard`, the hotline's name and
/// [`RECORD_COLUMNS`]: 32 columns.
pub(super) fn read_known(row: &Row<'_>) -> Result<KnownCall, StoreError> {
    let more: Option<Vec<u8>> = row.get(2)?;
    let state = packing::unpack_state(read_record(row, 5)?, more.as_deref(), row.get(1)?)?;
    Ok(KnownCall {
        call_row: row.get(0)?,
        state,
        heard_at_ms: row.get(3)?,
        shard: row.get(4)?,
    })
}

/// Reads [`RECORD_COLUMNS`] that stand after the hotline's name at `at`; none without a revision.
fn read_record(row: &Row<'_>, at: usize) -> Result<Option<RevisedRecord>, StoreError> {
    let Some(revision) = row.get::<_, Option<u32>>(at + 1)? else {
        return Ok(None);
    };
    let started_at = DateTime::from_timestamp_millis(row.get(at + 2)?).ok_or_else(|| unknown("time"))?;
    let task_type = TaskType::from_code(row.get(at + 3)?).ok_or_else(|| unknown("task type"))?;
    let status = ConnectionStatus::from_code(row.get(at + 7)?).ok_or_else(|| unknown("connection status"))?;
    let hotline: String = row.get(at)?;
    let mut record = CallRecord::new(started_at, task_type, HotlineName::new(hotline), status);
    record.caller = row
        .get::<_, Option<String>>(at + 4)?
        .map(|text| packing::caller(&text));
    record.dialled_address = row.get(at + 5)?;
    record.customer_record_count = row.get(at + 8)?;
    record.customer_connection_count = row.get(at + 9)?;
    record.billable_ms = row.get(at + 10)?;
    record.ring_ms = row.get(at + 11)?;
    record.talk_ms = row.get(at + 12)?;
    record.hold_ms = row.get(at + 13)?;
    record.wait_ms = row.get(at + 14)?;
    record.consult_count = row.get(at + 15)?;
    record.consult_connection_count = row.get(at + 16)?;
    record.consult_talk_ms = row.get(at + 17)?;
    record.after_call_work_ms = row.get(at + 18)?;
    record.direct_topic_dial = row.get(at + 19)?;
    record.external_contact = row.get(at + 20)?;
    record.inbound_contact = row.get(at + 21)?;
    record.out_cc_contact = row.get(at + 22)?;
    record.dialer_contact = row.get(at + 23)?;
    record.voice_message_recorded = row.get(at + 24)?;
    record.network_overflow_count = row.get(at + 25)?;
    if let Some(doubts) = row.get::<_, Option<String>>(at + 26)? {
        record.doubts = packing::doubts(&doubts)?;
    }
    Ok(Some(RevisedRecord { revision, record }))
}

/// Writes a call: a new row, or over the one it has. Returns its row.
pub(super) fn write_call(
    connection: &Connection,
    names: &mut Names,
    call_row: Option<i64>,
    filing: &Filing<'_>,
    state: &CallState,
    call: &Assembled,
) -> Result<i64, StoreError> {
    let record = call.record.as_ref();
    let hotline_id = record
        .map(|record| names.hotline(connection, &record.hotline))
        .transpose()?;
    let flags = packing::flags_text(call);
    let caller = record.and_then(packing::caller_text);
    let caller_key = record.and_then(packing::caller_key);
    let dialled_key = record.and_then(packing::dialled_key);
    let doubts = record.map(packing::doubts_text).transpose()?.flatten();
    let more = packing::pack_more(state)?;
    macro_rules! field {
        ($($field:ident).+) => { record.and_then(|record| record.$($field).+) };
    }
    let values: [&dyn ToSql; 41] = [
        &call_row,
        &filing.identity.0,
        &filing.source_id,
        &filing.call_id,
        &filing.shard,
        &filing.received_at_ms,
        &filing.heard_at_ms,
        &call.open,
        &state.given_up,
        &flags,
        &state.record.as_ref().map(|revised| revised.revision),
        &record.map(|record| record.started_at.timestamp_millis()),
        &record.map(|record| record.task_type.code()),
        &caller,
        &record.and_then(|record| record.dialled_address.as_deref()),
        &hotline_id,
        &record.map(|record| record.connection_status.code()),
        &field!(customer_record_count),
        &field!(customer_connection_count),
        &field!(billable_ms),
        &field!(ring_ms),
        &field!(talk_ms),
        &field!(hold_ms),
        &field!(wait_ms),
        &field!(consult_count),
        &field!(consult_connection_count),
        &field!(consult_talk_ms),
        &field!(after_call_work_ms),
        &field!(direct_topic_dial),
        &field!(external_contact),
        &field!(inbound_contact),
        &field!(out_cc_contact),
        &field!(dialer_contact),
        &field!(voice_message_recorded),
        &field!(network_overflow_count),
        &doubts,
        &more,
        &caller_key,
        &filing.run_id,
        &dialled_key,
        &state.names_agents(),
    ];
    static WRITE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "INSERT INTO calls (call_row, identity, source_id, call_id, shard, received_at_ms, heard_at_ms, open, given_up,
             flags, {RECORD_COLUMNS}, more, caller_key, run_id, dialled_key, names_agents)
         VALUES (coalesce(?1, {NEXT_ROW}), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
             ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39,
             ?40, ?41)
         ON CONFLICT (call_row) DO UPDATE SET ({UPDATED}) = ({EXCLUDED})"
        )
    });
    let mut statement = connection.prepare_cached(&WRITE)?;
    statement.execute(values.as_slice())?;
    Ok(match call_row {
        Some(call_row) => call_row,
        None => identities::add(connection, filing.identity, connection.last_insert_rowid())?,
    })
}

/// A row that no call has, nor had: the identities of deleted calls lead to theirs.
const NEXT_ROW: &str = "1 + max(coalesce((SELECT max(call_row) FROM calls), 0),
    coalesce((SELECT max(call_row) FROM purged_calls), 0))";

/// What a later report may change; identity, source, import and first reception stay.
const UPDATED: &str = "heard_at_ms, open, given_up, flags, revision, started_at_ms, task_type, caller,
    dialled_address, hotline_id, connection_status, customer_record_count, customer_connection_count, billable_ms,
    ring_ms, talk_ms, hold_ms, wait_ms, consult_count, consult_connection_count, consult_talk_ms, after_call_work_ms,
    direct_topic_dial, external_contact, inbound_contact, out_cc_contact, dialer_contact, voice_message_recorded,
    network_overflow_count, doubts, more, caller_key, dialled_key, names_agents";
const EXCLUDED: &str = "excluded.heard_at_ms, excluded.open, excluded.given_up, excluded.flags, excluded.revision,
    excluded.started_at_ms, excluded.task_type, excluded.caller, excluded.dialled_address, excluded.hotline_id,
    excluded.connection_status, excluded.customer_record_count, excluded.customer_connection_count,
    excluded.billable_ms, excluded.ring_ms, excluded.talk_ms, excluded.hold_ms, excluded.wait_ms,
    excluded.consult_count, excluded.consult_connection_count, excluded.consult_talk_ms, excluded.after_call_work_ms,
    excluded.direct_topic_dial, excluded.external_contact, excluded.inbound_contact, excluded.out_cc_contact,
    excluded.dialer_contact, excluded.voice_message_recorded, excluded.network_overflow_count, excluded.doubts,
    excluded.more, excluded.caller_key, excluded.dialled_key, excluded.names_agents";

/// Writes the visits of a call over those it had.
pub(super) fn write_visits(
    connection: &Connection,
    names: &mut Names,
    call_row: i64,
    shard: u32,
    had: usize,
    state: &CallState,
    visits: &[Visit],
) -> Result<(), StoreError> {
    if had > 0 {
        connection
            .prepare_cached("DELETE FROM visits WHERE call_row = ?1")?
            .execute([call_row])?;
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO visits (call_row, ordinal, hotline_id, task_type, shard, offered_at_ms, outcome, wait_ms, ring_ms,
             talk_ms, hold_ms, after_call_work_ms, consult_count, consult_connection_count, consult_talk_ms,
             transfer_count, agent, ended_by, overflowed_in, network_overflow_count, voice_message, counted, phase,
             phase_since_ms, phase_agent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
             ?22, ?23, ?24, ?25)",
    )?;
    for visit in visits {
        let live = visit.live.as_ref();
        statement.execute(params![
            call_row,
            visit.ordinal,
            names.hotline(connection, &visit.hotline)?,
            visit.task_type.code(),
            shard,
            visit.offered_at.timestamp_millis(),
            visit.outcome.code(),
            visit.wait_ms,
            visit.ring_ms,
            visit.talk_ms,
            visit.hold_ms,
            visit.after_call_work_ms,
            visit.consult_count,
            visit.consult_connection_count,
            visit.consult_talk_ms,
            visit.transfer_count,
            visit.agent.as_ref().map(domain::ids::AgentName::as_str),
            visit.ended_by.map(EndedBy::name),
            visit.overflowed_in,
            visit.network_overflow_count,
            visit.voice_message,
            state.counts_for(&visit.hotline),
            live.map(|live| live.phase.code()),
            live.map(|live| live.since.timestamp_millis()),
            live.and_then(|live| live.agent.as_ref())
                .map(domain::ids::AgentName::as_str),
        ])?;
    }
    Ok(())
}
