//! Calls for those who ask for them, and the search keys of calls from before there were any.

use std::collections::BTreeSet;

use chrono::DateTime;
use domain::ids::{CallId, HotlineName, Identity, ImportRun, SourceName};
use domain::numbers::Number;
use rusqlite::types::ToSql;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::rows::{self, RECORD_COLUMNS};
use crate::StoreError;
use crate::calls::{CallQuery, StoredCall};
use crate::packing::{self, unknown};

pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Rows that are given their keys in one transaction.
const ROWS_AT_ONCE: usize = 2000;

/// The condition of calls that may be in a list.
pub(super) const UNRESTRICTED: &str =
    "NOT EXISTS (SELECT 1 FROM restricted_calls r WHERE r.identity = c.identity)";

/// What is asked of calls: the columns of [`rows::read_known`], and six more.
pub(super) fn select() -> String {
    format!(
        "SELECT call_row, given_up, more, heard_at_ms, shard, h.name, {RECORD_COLUMNS}, identity, s.name, call_id,
             r.name, received_at_ms
         FROM calls c LEFT JOIN hotlines h USING (hotline_id) LEFT JOIN sources s USING (source_id)
             LEFT JOIN runs r USING (run_id)"
    )
}

/// Reads a row of [`select`].
pub(super) fn read(row: &Row<'_>) -> Result<StoredCall, StoreError> {
    const AT: usize = 32;
    let known = rows::read_known(row)?;
    let time = |ms| DateTime::from_timestamp_millis(ms).ok_or_else(|| unknown("time"));
    Ok(StoredCall {
        identity: Identity(row.get(AT)?),
        source: SourceName::new(row.get::<_, Option<String>>(AT + 1)?.unwrap_or_default()),
        call_id: row.get::<_, Option<String>>(AT + 2)?.map(CallId::new),
        run: row.get::<_, Option<String>>(AT + 3)?.map(ImportRun::new),
        received_at: time(row.get(AT + 4)?)?,
        heard_at: time(known.heard_at_ms)?,
        state: known.state,
    })
}

/// See [`crate::calls::CallStore::call`].
pub(super) fn call(connection: &Connection, identity: Identity) -> Result<Option<StoredCall>, StoreError> {
    let mut statement = connection.prepare_cached(&format!(
        "{} WHERE call_row = (SELECT call_row FROM identities WHERE identity = ?1) AND {UNRESTRICTED}",
        select()
    ))?;
    let mut rows = statement.query([identity.0])?;
    rows.next()?.map(read).transpose()
}

/// See [`crate::calls::CallStore::calls`].
pub(super) fn calls(connection: &Connection, query: &CallQuery) -> Result<Vec<StoredCall>, StoreError> {
    let (direction, beyond) = query.order.sql();
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut value = |value: Box<dyn ToSql>| {
        values.push(value);
        format!("?{}", values.len())
    };
    let mut conditions = vec![
        format!(
            "started_at_ms >= {}",
            value(Box::new(query.from.timestamp_millis()))
        ),
        format!("started_at_ms < {}", value(Box::new(query.to.timestamp_millis()))),
    ];
    if let Some(hotline) = &query.hotline {
        let name = value(Box::new(hotline.as_str().to_owned()));
        conditions.push(format!(
            "(h.name = {name} OR EXISTS (SELECT 1 FROM visits v JOIN hotlines w ON w.hotline_id = v.hotline_id
                 WHERE v.call_row = c.call_row AND w.name = {name}))"
        ));
    }
    if let Some(source) = &query.source {
        let name = value(Box::new(source.as_str().to_owned()));
        conditions.push(format!("s.name = {name}"));
    }
    if let Some(status) = query.status {
        conditions.push(format!("connection_status = {}", value(Box::new(status.code()))));
    }
    if let Some(number) = &query.number {
        let keys = Number::read(number.reveal()).search_keys();
        let keys: Vec<String> = keys.into_iter().map(|key| value(Box::new(key))).collect();
        conditions.push(format!("caller_key IN ({})", keys.join(", ")));
        // The index of numbers begins with the day.
        let first = value(Box::new(query.from.timestamp_millis().div_euclid(DAY_MS)));
        let last = value(Box::new(query.to.timestamp_millis().div_euclid(DAY_MS)));
        conditions.push(format!(
            "started_at_ms / {DAY_MS} IN (WITH RECURSIVE days (day) AS
                 (SELECT {first} UNION ALL SELECT day + 1 FROM days WHERE day < {last}) SELECT day FROM days)"
        ));
    }
    if let Some(agent) = &query.agent {
        let name = value(Box::new(agent.as_str().to_owned()));
        conditions.push(format!(
            "EXISTS (SELECT 1 FROM visits v WHERE v.call_row = c.call_row AND v.agent = {name})"
        ));
    }
    if !query.with_restricted {
        conditions.push(UNRESTRICTED.to_owned());
    }
    if let Some(after) = query.after {
        let started_at = value(Box::new(after.started_at.timestamp_millis()));
        let identity = value(Box::new(after.identity.0));
        conditions.push(format!(
            "(started_at_ms, identity) {beyond} ({started_at}, {identity})"
        ));
    }
    let most = value(Box::new(query.most as i64));
    let select = format!(
        "{} WHERE {} ORDER BY started_at_ms {direction}, identity {direction} LIMIT {most}",
        select(),
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare_cached(&select)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        calls.push(read(row)?);
    }
    Ok(calls)
}

/// See [`crate::calls::CallStore::hotlines`].
pub(super) fn hotlines(connection: &Connection) -> Result<BTreeSet<HotlineName>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT name FROM hotlines WHERE hotline_id > 0")?;
    let names = statement.query_map([], |row| Ok(HotlineName::new(row.get::<_, String>(0)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// See [`crate::calls::CallStore::sources`].
pub(super) fn sources(connection: &Connection) -> Result<Vec<SourceName>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT name FROM sources ORDER BY name")?;
    let names = statement.query_map([], |row| Ok(SourceName::new(row.get::<_, String>(0)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Gives search keys to calls that were written before there were any. What was begun goes on at the next start.
pub(super) fn fill_caller_keys(connection: &mut Connection) -> Result<(), StoreError> {
    fill_keys(connection, "caller_key", "caller", "caller IS NOT NULL")
}

/// The same for the numbers that the house dialled.
pub(super) fn fill_dialled_keys(connection: &mut Connection) -> Result<(), StoreError> {
    fill_keys(
        connection,
        "dialled_key",
        "dialled_address",
        &packing::outbound_sql(),
    )
}

/// Fills a column with the keys of a number, in steps of a transaction each.
fn fill_keys(
    connection: &mut Connection,
    column: &str,
    number: &str,
    condition: &str,
) -> Result<(), StoreError> {
    let is_due = |connection: &Connection| {
        connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM backfills WHERE name = ?1)",
            [column],
            |row| row.get::<_, bool>(0),
        )
    };
    let find = format!(
        "SELECT call_row, {number} FROM calls WHERE call_row > ?1 AND {condition} ORDER BY call_row LIMIT ?2"
    );
    let fill = format!("UPDATE calls SET {column} = ?2 WHERE call_row = ?1");
    let mut after = i64::MIN;
    while is_due(connection)? {
        let transaction = connection.transaction()?;
        let numbers: Vec<(i64, String)> = transaction
            .prepare_cached(&find)?
            .query_map(params![after, ROWS_AT_ONCE as i64], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<Result<_, _>>()?;
        match numbers.last() {
            Some((last, _)) => after = *last,
            None => drop(transaction.execute("DELETE FROM backfills WHERE name = ?1", [column])?),
        }
        {
            let mut fill = transaction.prepare_cached(&fill)?;
            for (call_row, number) in &numbers {
                if let Some(key) = packing::key_of(number) {
                    fill.execute(params![call_row, key])?;
                }
            }
        }
        transaction.commit()?;
    }
    Ok(())
}
