//! Removing what the policies of the topics no longer keep, a little at a time, so that appends go on in between.

use rusqlite::{Connection, OptionalExtension, params};

use super::topics::Topic;
use crate::{BusError, Cleanup};

/// Messages removed in one transaction at most.
pub(super) const MESSAGES_A_STEP: usize = 2_000;
/// Free pages given back to the disk in one go.
const PAGES_A_TIME: u32 = 5_000;

/// Removes some messages of a partition; returns how many. Fewer than [`MESSAGES_A_STEP`]: that was all.
pub(super) fn step(
    connection: &mut Connection,
    topic: &Topic,
    partition: u32,
    floor: i64,
) -> Result<usize, BusError> {
    let now_ms = chrono::Utc::now().timestamp_millis();
    let before =
        |age: std::time::Duration| now_ms.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    match topic.cleanup() {
        Cleanup::Delete { retention } => delete(connection, topic, partition, floor, before(retention)),
        Cleanup::Compact { tombstones, .. } => {
            let superseded = remove_superseded(connection, topic.id, partition)?;
            if superseded == MESSAGES_A_STEP {
                return Ok(superseded);
            }
            // Several steps never count as the last one, so the sum may not reach the limit by accident.
            let tombstones = remove_tombstones(connection, topic.id, partition, floor, before(tombstones))?;
            Ok(if tombstones == MESSAGES_A_STEP {
                MESSAGES_A_STEP
            } else {
                (superseded + tombstones).min(MESSAGES_A_STEP - 1)
            })
        }
    }
}

/// Removes the beginning of a partition: what is older than the cutoff and before the floor.
fn delete(
    connection: &mut Connection,
    topic: &Topic,
    partition: u32,
    floor: i64,
    cutoff_ms: i64,
) -> Result<usize, BusError> {
    let transaction = connection.transaction()?;
    let at = |sql: &str, value: i64| -> Result<Option<i64>, BusError> {
        let mut statement = transaction.prepare_cached(sql)?;
        Ok(statement
            .query_row(params![topic.id, partition, value], |row| row.get(0))
            .optional()?)
    };
    let range = topic
        .ranges
        .borrow()
        .get(partition as usize)
        .copied()
        .unwrap_or_default();
    let kept = at(
        "SELECT offset FROM messages WHERE topic_id = ?1 AND partition = ?2 AND appended_at_ms > ?3
         ORDER BY offset LIMIT 1",
        cutoff_ms,
    )?;
    let step = at(
        "SELECT offset FROM messages WHERE topic_id = ?1 AND partition = ?2 ORDER BY offset LIMIT 1 OFFSET ?3",
        MESSAGES_A_STEP as i64,
    )?;
    let first = kept
        .unwrap_or(range.next)
        .min(step.unwrap_or(range.next))
        .min(floor);
    if first <= range.first {
        return Ok(0);
    }
    let removed = transaction.execute(
        "DELETE FROM messages WHERE topic_id = ?1 AND partition = ?2 AND offset < ?3",
        params![topic.id, partition, first],
    )?;
    transaction.execute(
        "UPDATE ranges SET first_offset = ?3 WHERE topic_id = ?1 AND partition = ?2",
        params![topic.id, partition, first],
    )?;
    transaction.commit()?;
    topic.update(partition, |range| range.first = first);
    Ok(removed)
}

fn remove_superseded(connection: &mut Connection, topic_id: i64, partition: u32) -> Result<usize, BusError> {
    let transaction = connection.transaction()?;
    let listed =
        "SELECT offset FROM superseded WHERE topic_id = ?1 AND partition = ?2 ORDER BY offset LIMIT ?3";
    let some = params![topic_id, partition, MESSAGES_A_STEP as i64];
    let removed = transaction.execute(
        &format!("DELETE FROM messages WHERE topic_id = ?1 AND partition = ?2 AND offset IN ({listed})"),
        some,
    )?;
    transaction.execute(
        &format!("DELETE FROM superseded WHERE topic_id = ?1 AND partition = ?2 AND offset IN ({listed})"),
        some,
    )?;
    transaction.commit()?;
    Ok(removed)
}

/// Tombstones stay until they have been read: whoever reads behind would keep what they removed.
fn remove_tombstones(
    connection: &mut Connection,
    topic_id: i64,
    partition: u32,
    floor: i64,
    cutoff_ms: i64,
) -> Result<usize, BusError> {
    let transaction = connection.transaction()?;
    let some = "SELECT offset FROM messages WHERE topic_id = ?1 AND partition = ?2 AND payload IS NULL
                AND appended_at_ms <= ?3 AND offset < ?4 ORDER BY offset LIMIT ?5";
    let values = params![topic_id, partition, cutoff_ms, floor, MESSAGES_A_STEP as i64];
    transaction.execute(
        &format!(
            "DELETE FROM latest WHERE topic_id = ?1 AND partition = ?2 AND (key, offset) IN
                 (SELECT key, offset FROM messages WHERE topic_id = ?1 AND partition = ?2 AND offset IN ({some}))"
        ),
        values,
    )?;
    let removed = transaction.execute(
        &format!("DELETE FROM messages WHERE topic_id = ?1 AND partition = ?2 AND offset IN ({some})"),
        values,
    )?;
    transaction.commit()?;
    Ok(removed)
}

/// Gives free pages back and empties the log, where what was deleted would stay readable.
pub(super) fn finish(connection: &Connection) -> Result<(), BusError> {
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES_A_TIME})"))?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    let busy: bool = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy {
        return Err(BusError::Unavailable(
            "the log of the bus could not be emptied while it was read; clean again".to_owned(),
        ));
    }
    Ok(())
}
