//! Positions, and what is asked of the visits.

use chrono::{DateTime, Utc};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;
use domain::visit::Outcome;
use rusqlite::{Connection, Transaction, params};

use crate::StoreError;
use crate::calls::{Advance, DayRange};
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
