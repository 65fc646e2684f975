//! What runs of retention have deleted, in every file alike.

use rusqlite::{Connection, Params, Transaction, params};

use crate::StoreError;
use crate::clocks::BETWEEN_RUNS;
use crate::retention::{PastItems, RunId, Tally};

/// Adds to what a run has deleted.
pub(super) fn add(
    transaction: &Transaction<'_>,
    run: RunId,
    what: &str,
    items: usize,
) -> Result<(), StoreError> {
    if items > 0 {
        transaction
            .prepare_cached(
                "INSERT INTO retention_tallies (run_id, what, items) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET items = items + excluded.items",
            )?
            .execute(params![run, what, items as i64])?;
    }
    Ok(())
}

/// What clocks of their own have ended since the run before becomes this run's.
pub(super) fn take_over(transaction: &Transaction<'_>, run: RunId) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO retention_tallies (run_id, what, items)
             SELECT ?1, what, items FROM retention_tallies WHERE run_id = ?2
         ON CONFLICT DO UPDATE SET items = items + excluded.items",
        [run, BETWEEN_RUNS],
    )?;
    transaction.execute("DELETE FROM retention_tallies WHERE run_id = ?1", [BETWEEN_RUNS])?;
    Ok(())
}

/// What a run has deleted.
pub(super) fn of(connection: &Connection, run: RunId) -> Result<Vec<Tally>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT what, items FROM retention_tallies WHERE run_id = ?1 ORDER BY what")?;
    let tallies = statement.query_map([run], |row| {
        Ok(Tally {
            what: row.get(0)?,
            part: String::new(),
            items: row.get::<_, i64>(1)?.unsigned_abs(),
        })
    })?;
    Ok(tallies.collect::<Result<_, _>>()?)
}

/// Reads how many would go, and the time of the oldest.
pub(super) fn past(
    connection: &Connection,
    select: &str,
    parameters: impl Params,
) -> Result<PastItems, StoreError> {
    let (items, oldest): (i64, Option<i64>) = connection
        .prepare_cached(select)?
        .query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(PastItems {
        items: items.unsigned_abs(),
        oldest: oldest.and_then(chrono::DateTime::from_timestamp_millis),
    })
}

/// Copies what is in the write-ahead log into the file, where deleted content is overwritten, and empties the log. Where
/// somebody still reads an earlier state, the rest goes with the next time.
pub(super) fn empty_log(connection: &Connection) -> Result<(), StoreError> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}
