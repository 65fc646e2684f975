//! Items that could not be counted.

use chrono::DateTime;
use domain::ids::{Identity, ImportRun, SourceName};
use domain::report::CallReport;
use rusqlite::types::ToSql;
use rusqlite::{Connection, Row, Transaction, params, params_from_iter};

use super::super::owed;
use crate::StoreError;
use crate::batch::repairs_a_row;
use crate::rejected::{Discard, PAST_RETENTION, ReadAgain, RejectedCount, RejectedItem, RejectedQuery};
use crate::scrub::Leftover;

const COLUMNS: &str =
    "id, source, run, received_at_ms, position, field, reason, payload, format, context, row_key,
    discarded_at_ms, discarded_by, discard_reason";

/// See [`crate::calls::CallStore::keep_rejected`].
pub(super) fn keep(connection: &mut Connection, items: &[RejectedItem]) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    insert(&transaction, items)?;
    transaction.commit()?;
    Ok(())
}

/// Keeps items in a transaction that does more.
pub(super) fn insert(transaction: &Transaction<'_>, items: &[RejectedItem]) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO rejected_items (id, source, run, received_at_ms, position, field, reason, payload, format,
             context, row_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (id) DO UPDATE SET run = excluded.run WHERE field = ?12",
    )?;
    for item in items {
        statement.execute(params![
            item.id.0,
            item.source.as_str(),
            item.run.as_str(),
            item.received_at.timestamp_millis(),
            item.position,
            item.field,
            item.reason,
            item.payload,
            item.again.format,
            item.again.context,
            item.again.row_bytes(),
            PAST_RETENTION,
        ])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> Result<RejectedItem, StoreError> {
    let time = |ms| DateTime::from_timestamp_millis(ms).unwrap_or_default();
    let row_key: Option<Vec<u8>> = row.get(10)?;
    let discard = match row.get::<_, Option<i64>>(11)? {
        None => None,
        Some(at) => Some(Discard {
            at: time(at),
            by: row.get(12)?,
            reason: row.get(13)?,
        }),
    };
    Ok(RejectedItem {
        id: Identity(row.get(0)?),
        source: SourceName::new(row.get::<_, String>(1)?),
        run: ImportRun::new(row.get::<_, String>(2)?),
        received_at: time(row.get(3)?),
        position: row.get(4)?,
        field: row.get(5)?,
        reason: row.get(6)?,
        payload: row.get(7)?,
        again: ReadAgain {
            format: row.get(8)?,
            context: row.get(9)?,
            row: row_key.as_deref().map(ReadAgain::row_of).transpose()?,
        },
        discard,
    })
}

/// See [`crate::calls::CallStore::rejected`].
pub(super) fn list(connection: &Connection, query: &RejectedQuery) -> Result<Vec<RejectedItem>, StoreError> {
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut value = |value: Box<dyn ToSql>| {
        values.push(value);
        format!("?{}", values.len())
    };
    let open = if query.discarded { "IS NOT NULL" } else { "IS NULL" };
    let mut conditions = vec![format!("discarded_at_ms {open}")];
    if let Some(source) = &query.source {
        conditions.push(format!(
            "source = {}",
            value(Box::new(source.as_str().to_owned()))
        ));
    }
    if let Some(text) = &query.reason {
        let text = value(Box::new(text.to_lowercase()));
        conditions.push(format!("instr(lower(reason || ' ' || field), {text}) > 0"));
    }
    if let Some(from) = query.from {
        conditions.push(format!(
            "received_at_ms >= {}",
            value(Box::new(from.timestamp_millis()))
        ));
    }
    if let Some(to) = query.to {
        conditions.push(format!(
            "received_at_ms < {}",
            value(Box::new(to.timestamp_millis()))
        ));
    }
    if let Some((received_at, id)) = query.after {
        let received_at = value(Box::new(received_at.timestamp_millis()));
        let id = value(Box::new(id.0));
        conditions.push(format!("(received_at_ms, id) < ({received_at}, {id})"));
    }
    let select = format!(
        "SELECT {COLUMNS} FROM rejected_items WHERE {} ORDER BY received_at_ms DESC, id DESC LIMIT {}",
        conditions.join(" AND "),
        value(Box::new(query.most as i64))
    );
    let mut statement = connection.prepare_cached(&select)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row)?);
    }
    Ok(items)
}

/// See [`crate::calls::CallStore::rejected_item`].
pub(super) fn item(connection: &Connection, id: Identity) -> Result<Option<RejectedItem>, StoreError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM rejected_items WHERE id = ?1"))?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(read).transpose()
}

/// See [`crate::calls::CallStore::rejected_counts`].
pub(super) fn counts(connection: &Connection) -> Result<Vec<RejectedCount>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT source, field, count(*) FROM rejected_items WHERE discarded_at_ms IS NULL
         GROUP BY source, field ORDER BY source, field",
    )?;
    let counts = statement.query_map([], |row| {
        Ok(RejectedCount {
            source: SourceName::new(row.get::<_, String>(0)?),
            field: row.get(1)?,
            items: row.get(2)?,
        })
    })?;
    Ok(counts.collect::<Result<_, _>>()?)
}

/// See [`crate::calls::CallStore::discard_rejected`].
pub(super) fn discard(
    connection: &mut Connection,
    ids: &[Identity],
    discard: &Discard,
) -> Result<usize, StoreError> {
    let transaction = connection.transaction()?;
    let mut discarded = 0;
    {
        let mut statement = transaction.prepare_cached(
            "UPDATE rejected_items SET payload = x'', context = x'', discarded_at_ms = ?2, discarded_by = ?3,
                 discard_reason = ?4
             WHERE id = ?1 AND discarded_at_ms IS NULL",
        )?;
        for id in ids {
            discarded += statement.execute(params![
                id.0,
                discard.at.timestamp_millis(),
                discard.by,
                discard.reason
            ])?;
        }
    }
    if discarded > 0 {
        owed::note(&transaction, Leftover::RejectedItems, discard.at)?;
    }
    transaction.commit()?;
    Ok(discarded)
}

/// Removes the items that reports repair, in the transaction that counts them.
pub(super) fn remove_repaired<'a>(
    transaction: &Transaction<'_>,
    reports: impl Iterator<Item = &'a CallReport>,
) -> Result<(), StoreError> {
    let mut rows = reports.filter(|report| repairs_a_row(report)).peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let any = transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM rejected_items)")?
        .query_row([], |row| row.get::<_, bool>(0))?;
    if !any {
        return Ok(());
    }
    let mut remove = transaction.prepare_cached("DELETE FROM rejected_items WHERE id = ?1")?;
    for report in rows {
        remove.execute([report.identity.0])?;
    }
    Ok(())
}
