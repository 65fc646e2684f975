//! Calls for those who ask for them, and the search keys of calls from before there were any.

use std::collections::BTreeSet;

use chrono::DateTime;
use deadpool_postgres::Object;
use domain::ids::{CallId, HotlineName, Identity, ImportRun, SourceName};
use domain::numbers::Number;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::super::values::{self, key, text};
use super::rows::{self, CALL_SELECT};
use crate::StoreError;
use crate::calls::{CallQuery, StoredCall};
use crate::packing::{self, unknown};

/// Rows that are given their keys in one statement.
const ROWS_AT_ONCE: i64 = 2000;

/// The condition of calls that may be in a list.
pub(super) const UNRESTRICTED: &str =
    "NOT EXISTS (SELECT FROM restricted_calls r WHERE r.identity = c.identity)";

/// What is asked of calls.
pub(super) fn select() -> String {
    format!(
        "SELECT {CALL_SELECT}, month, s.name, r.name FROM calls c LEFT JOIN hotlines h ON h.id = hotline_id
         LEFT JOIN sources s ON s.id = source_id LEFT JOIN runs r ON r.id = run_id"
    )
}

/// Reads a row of [`select`].
pub(super) fn read(row: &Row) -> Result<StoredCall, StoreError> {
    const AT: usize = 36;
    let known = rows::known_call(row, row.get(AT))?;
    let time = |ms| DateTime::from_timestamp_millis(ms).ok_or_else(|| unknown("time"));
    Ok(StoredCall {
        identity: known.filing.identity,
        source: SourceName::new(row.get::<_, Option<&str>>(AT + 1).unwrap_or_default()),
        call_id: known.filing.call_id.map(CallId::new),
        run: row.get::<_, Option<&str>>(AT + 2).map(ImportRun::new),
        received_at: time(known.filing.received_at_ms)?,
        heard_at: time(known.filing.heard_at_ms)?,
        state: known.state,
    })
}

/// See [`crate::calls::CallStore::call`].
pub(super) async fn call(client: &mut Object, identity: Identity) -> Result<Option<StoredCall>, StoreError> {
    let transaction = client.build_transaction().read_only(true).start().await?;
    let places = rows::places_of(&transaction, &[identity]).await?;
    let Some((month, call_row)) = places.get(&identity) else {
        return Ok(None);
    };
    let find = format!(
        "{} WHERE month = $1 AND call_row = $2 AND {UNRESTRICTED}",
        select()
    );
    let find = transaction.prepare_cached(&find).await?;
    let row = transaction.query_opt(&find, &[month, call_row]).await?;
    row.as_ref().map(read).transpose()
}

/// See [`crate::calls::CallStore::calls`].
pub(super) async fn calls(client: &Object, query: &CallQuery) -> Result<Vec<StoredCall>, StoreError> {
    let (direction, beyond) = query.order.sql();
    let mut values: Vec<Box<dyn ToSql + Sync + Send>> = Vec::new();
    let mut value = |value: Box<dyn ToSql + Sync + Send>| {
        values.push(value);
        format!("${}", values.len())
    };
    let mut conditions = vec![
        format!(
            "started_at_ms >= {}",
            value(Box::new(query.from.timestamp_millis()))
        ),
        format!("started_at_ms < {}", value(Box::new(query.to.timestamp_millis()))),
    ];
    if let Some(hotline) = &query.hotline {
        let name = value(Box::new(text(hotline.as_str()).into_owned()));
        conditions.push(format!(
            "(h.name = {name} OR EXISTS (SELECT FROM visits v JOIN hotlines w ON w.id = v.hotline_id
                 WHERE v.month = c.month AND v.call_row = c.call_row AND w.name = {name}))"
        ));
    }
    if let Some(source) = &query.source {
        let name = value(Box::new(text(source.as_str()).into_owned()));
        conditions.push(format!("s.name = {name}"));
    }
    if let Some(status) = query.status {
        conditions.push(format!("connection_status = {}", value(Box::new(status.code()))));
    }
    if let Some(number) = &query.number {
        let keys = Number::read(&text(number.reveal())).search_keys();
        conditions.push(format!("caller_key = ANY({})", value(Box::new(keys))));
    }
    if let Some(agent) = &query.agent {
        let name = value(Box::new(text(agent.as_str()).into_owned()));
        conditions.push(format!(
            "EXISTS (SELECT FROM visits v WHERE v.month = c.month AND v.call_row = c.call_row AND v.agent = {name})"
        ));
    }
    if !query.with_restricted {
        conditions.push(UNRESTRICTED.to_owned());
    }
    if let Some(after) = query.after {
        let started_at = value(Box::new(after.started_at.timestamp_millis()));
        let identity = value(Box::new(key(after.identity)));
        conditions.push(format!(
            "(started_at_ms, identity) {beyond} ({started_at}, {identity})"
        ));
    }
    let most = value(Box::new(values::limit(query.most)));
    let select = format!(
        "{} WHERE {} ORDER BY started_at_ms {direction}, identity {direction} LIMIT {most}",
        select(),
        conditions.join(" AND ")
    );
    let select = client.prepare_cached(&select).await?;
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
    client.query(&select, &values).await?.iter().map(read).collect()
}

/// See [`crate::calls::CallStore::sources`].
pub(super) async fn sources(client: &Object) -> Result<Vec<SourceName>, StoreError> {
    let rows = client
        .query("SELECT name FROM sources ORDER BY name", &[])
        .await?;
    Ok(rows
        .iter()
        .map(|row| SourceName::new(row.get::<_, &str>(0)))
        .collect())
}

/// See [`crate::calls::CallStore::hotlines`].
pub(super) async fn hotlines(client: &Object) -> Result<BTreeSet<HotlineName>, StoreError> {
    let rows = client
        .query("SELECT name FROM hotlines WHERE id > 0", &[])
        .await?;
    Ok(rows
        .iter()
        .map(|row| HotlineName::new(row.get::<_, &str>(0)))
        .collect())
}

/// Gives search keys to calls that were written before there were any. What was begun goes on at the next start.
pub(in super::super) async fn fill_caller_keys(client: &Client) -> Result<(), StoreError> {
    fill_keys(client, "caller_key", "caller", "caller IS NOT NULL").await
}

/// The same for the numbers that the house dialled.
pub(in super::super) async fn fill_dialled_keys(client: &Client) -> Result<(), StoreError> {
    fill_keys(client, "dialled_key", "dialled_address", &packing::outbound_sql()).await
}

/// Fills a column with the keys of a number, in steps.
async fn fill_keys(client: &Client, column: &str, number: &str, condition: &str) -> Result<(), StoreError> {
    let due = "SELECT FROM backfills WHERE name = $1";
    if client.query_opt(due, &[&column]).await?.is_none() {
        return Ok(());
    }
    let find = format!(
        "SELECT month, call_row, {number} FROM calls WHERE (month, call_row) > ($1, $2) AND {condition}
         ORDER BY month, call_row LIMIT $3"
    );
    let fill = format!(
        "UPDATE calls c SET {column} = k.key FROM unnest($1::int4[], $2::int8[], $3::text[]) AS k
             (month, call_row, key)
         WHERE c.month = k.month AND c.call_row = k.call_row AND c.{column} IS NULL"
    );
    let mut after = (0_i32, 0_i64);
    loop {
        let rows = client
            .query(find.as_str(), &[&after.0, &after.1, &ROWS_AT_ONCE])
            .await?;
        let Some(last) = rows.last() else { break };
        after = (last.get(0), last.get(1));
        let (mut months, mut call_rows, mut keys) = (Vec::<i32>::new(), Vec::<i64>::new(), Vec::new());
        for row in &rows {
            if let Some(key) = packing::key_of(row.get(2)) {
                months.push(row.get(0));
                call_rows.push(row.get(1));
                keys.push(key);
            }
        }
        client
            .execute(fill.as_str(), &[&months, &call_rows, &keys])
            .await?;
    }
    client
        .execute("DELETE FROM backfills WHERE name = $1", &[&column])
        .await?;
    Ok(())
}
