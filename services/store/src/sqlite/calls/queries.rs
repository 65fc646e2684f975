//! Positions, rejected items, and what is asked of the visits.

use chrono::{DateTime, Utc};
use domain::ids::{HotlineName, Identity, ImportRun, SourceName};
use domain::local_time;
use domain::record::TaskType;
use domain::visit::Outcome;
use rusqlite::{Connection, Transaction, params};

use crate::StoreError;
use crate::calls::{Advance, DayRange, RejectedItem};
use crate::periods::group;

/// Moves reading positions, each from exactly where it is expected to be.
pub(super) fn advance(
    transaction: &Transaction<'_>,
    topic_id: &str,
    advances: &[Advance],
) -> Result<(), StoreError> {
    let mut begin = transaction.prepare_cached(
        "INSERT INTO positions (topic_id, partition, position) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING",
    )?;
    let mut advance = transaction.prepare_cached(
        "UPDATE positions SET position = ?4 WHERE topic_id = ?1 AND partition = ?2 AND position = ?3",
    )?;
    for Advance {
        partition,
        expected,
        next,
    } in advances
    {
        begin.execute(params![topic_id, partition])?;
        if advance.execute(params![topic_id, partition, expected, next])? != 1 {
            return Err(StoreError::Conflict(format!(
                "the reading position of partition {partition}"
            )));
        }
    }
    Ok(())
}

/// See [`crate::calls::CallStore::keep_rejected`].
pub(super) fn keep_rejected(connection: &mut Connection, items: &[RejectedItem]) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    {
        let mut statement = transaction.prepare_cached(
            "INSERT INTO rejected_items (id, source, run, received_at_ms, position, field, reason, payload)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
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
                item.payload
            ])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// See [`crate::calls::CallStore::rejected`].
pub(super) fn rejected(
    connection: &Connection,
    after: Option<Identity>,
    most: usize,
) -> Result<Vec<RejectedItem>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, source, run, received_at_ms, position, field, reason, payload FROM rejected_items
         WHERE ?1 IS NULL OR (received_at_ms, id) < (SELECT received_at_ms, id FROM rejected_items WHERE id = ?1)
         ORDER BY received_at_ms DESC, id DESC LIMIT ?2",
    )?;
    let rows = statement.query_map(params![after.map(|after| after.0), most as i64], |row| {
        Ok(RejectedItem {
            id: Identity(row.get(0)?),
            source: SourceName::new(row.get::<_, String>(1)?),
            run: ImportRun::new(row.get::<_, String>(2)?),
            received_at: DateTime::from_timestamp_millis(row.get(3)?).unwrap_or_default(),
            position: row.get(4)?,
            field: row.get(5)?,
            reason: row.get(6)?,
            payload: row.get(7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// See [`crate::calls::CallStore::waiting_since`].
pub(super) fn waiting_since(
    connection: &Connection,
    offered_since: DateTime<Utc>,
    days: DayRange,
) -> Result<Vec<(HotlineName, TaskType, i64)>, StoreError> {
    let from = local_time::start_of(days.from).max(offered_since);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT name, task_type, count(*) FROM visits JOIN hotlines USING (hotline_id)
         WHERE outcome = {} AND counted AND offered_at_ms >= ?1 AND offered_at_ms < ?2 GROUP BY hotline_id, task_type",
        Outcome::Waiting.code()
    ))?;
    let span = params![
        from.timestamp_millis(),
        local_time::start_of(days.to).timestamp_millis()
    ];
    let mut rows = statement.query(span)?;
    let mut waiting = Vec::new();
    while let Some(row) = rows.next()? {
        let (hotline, task_type) = group(row.get(0)?, row.get(1)?)?;
        waiting.push((hotline, task_type, row.get(2)?));
    }
    Ok(waiting)
}
