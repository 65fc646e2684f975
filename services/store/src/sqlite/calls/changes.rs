//! The log of what moved the counts.

use chrono::{DateTime, Utc};
use domain::counts::{Interval, Movement};
use domain::record::TaskType;
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::StoreError;
use crate::changes::{Change, ChangePlace, ChangeQuery, moves};
use crate::history::FiguresVersion;
use crate::packed_tally;
use crate::periods::group;

/// What one transaction adds to the log.
pub(super) struct ChangeLog<'a> {
    transaction: &'a Transaction<'a>,
    changed_at_ms: i64,
    revision: Option<i64>,
}

impl<'a> ChangeLog<'a> {
    pub(super) fn begin(transaction: &'a Transaction<'_>, changed_at: DateTime<Utc>) -> Self {
        Self {
            transaction,
            changed_at_ms: changed_at.timestamp_millis(),
            revision: None,
        }
    }

    /// Adds how a row moved, if it did.
    pub(super) fn add(
        &mut self,
        interval: Interval,
        hotline_id: i64,
        task_type: TaskType,
        shard: u32,
        movement: &Movement,
    ) -> Result<(), StoreError> {
        if !moves(movement) {
            return Ok(());
        }
        let revision = match self.revision {
            Some(revision) => revision,
            None => *self.revision.insert(next_revision(self.transaction)?),
        };
        self.transaction
            .prepare_cached(
                "INSERT INTO count_changes (revision, interval, hotline_id, task_type, shard, changed_at_ms, difference)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                revision,
                interval.0,
                hotline_id,
                task_type.code(),
                shard,
                self.changed_at_ms,
                packed_tally::pack(&movement.difference)
            ])?;
        Ok(())
    }
}

fn next_revision(transaction: &Transaction<'_>) -> Result<i64, StoreError> {
    Ok(transaction
        .prepare_cached("UPDATE figures SET revision = revision + 1 RETURNING revision")?
        .query_row([], |row| row.get(0))?)
}

/// See [`crate::calls::CallStore::figures_version`].
pub(super) fn version(connection: &Connection) -> Result<FiguresVersion, StoreError> {
    let revision: i64 = connection
        .prepare_cached("SELECT revision FROM figures")?
        .query_row([], |row| row.get(0))?;
    Ok(FiguresVersion::new(revision.to_string()))
}

/// The revision that a version names, unless what has changed since is not known.
fn revision(connection: &Connection, version: &FiguresVersion) -> Result<i64, StoreError> {
    let revision: u64 = version.as_str().parse().map_err(|_| version.is_unreadable())?;
    let revision = i64::try_from(revision).map_err(|_| version.is_too_new())?;
    let (now, pruned): (i64, i64) = connection
        .prepare_cached("SELECT revision, pruned FROM figures")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    match revision {
        old if old < pruned => Err(version.is_too_old()),
        new if new > now => Err(version.is_too_new()),
        _ => Ok(revision),
    }
}

/// See [`crate::calls::CallStore::changes_since`].
pub(super) fn since(
    connection: &Connection,
    since: &FiguresVersion,
    query: &ChangeQuery,
) -> Result<Vec<Change>, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let since = revision(&snapshot, since)?;
    let until = match &query.until {
        Some(until) => revision(&snapshot, until)?,
        None => i64::MAX,
    };
    let (from, to) = query.intervals();
    let after = query.after.unwrap_or_default();
    let mut statement = snapshot.prepare_cached(
        "SELECT revision, interval, hotline_id, c.task_type, shard, name, changed_at_ms, difference
         FROM count_changes c JOIN hotlines USING (hotline_id)
         WHERE revision > ?1 AND revision <= ?2 AND interval >= ?3 AND interval < ?4
           AND (revision, interval, hotline_id, c.task_type, shard) > (?5, ?6, ?7, ?8, ?9)
         ORDER BY revision, interval, hotline_id, c.task_type, shard LIMIT ?10",
    )?;
    let mut rows = statement.query(params![
        since,
        until,
        from,
        to,
        after.revision.cast_signed(),
        after.interval,
        after.hotline_id,
        after.task_type,
        after.shard,
        query.most as i64
    ])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let place = ChangePlace {
            revision: row.get::<_, i64>(0)?.cast_unsigned(),
            interval: row.get(1)?,
            hotline_id: row.get(2)?,
            task_type: row.get(3)?,
            shard: row.get(4)?,
        };
        let (hotline, task_type) = group(row.get(5)?, place.task_type)?;
        let difference: Vec<u8> = row.get(7)?;
        changes.push(Change::read(place, hotline, task_type, row.get(6)?, &difference)?);
    }
    Ok(changes)
}

/// The quarter-hours that have moved since a version; none if that is not known.
pub(super) fn moved_since(
    snapshot: &Transaction<'_>,
    since: &FiguresVersion,
    from: Interval,
    to: Interval,
) -> Result<Option<Vec<Interval>>, StoreError> {
    let since = match revision(snapshot, since) {
        Err(StoreError::UnknownVersion(_)) => return Ok(None),
        known => known?,
    };
    let mut statement = snapshot.prepare_cached(
        "SELECT DISTINCT interval FROM count_changes WHERE revision > ?1 AND interval >= ?2 AND interval < ?3",
    )?;
    let moved = statement.query_map([since, from.0, to.0], |row| Ok(Interval(row.get(0)?)))?;
    Ok(Some(moved.collect::<Result<_, _>>()?))
}

/// See [`crate::calls::CallStore::forget_changes`].
pub(super) fn forget(
    connection: &mut Connection,
    before: DateTime<Utc>,
    most: usize,
) -> Result<usize, StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let last: Option<i64> = transaction
        .query_row(
            "SELECT max(revision) FROM (SELECT revision, changed_at_ms FROM count_changes ORDER BY revision LIMIT ?2)
             WHERE changed_at_ms < ?1",
            params![before.timestamp_millis(), most as i64],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    let Some(last) = last else {
        return Ok(0);
    };
    let forgotten = transaction.execute("DELETE FROM count_changes WHERE revision <= ?1", [last])?;
    transaction.execute("UPDATE figures SET pruned = max(pruned, ?1)", [last])?;
    transaction.commit()?;
    Ok(forgotten)
}
