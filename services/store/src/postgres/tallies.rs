//! What runs of retention have deleted, in every unit alike.

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::StoreError;
use crate::clocks::BETWEEN_RUNS;
use crate::retention::{PastItems, RunId};

/// Adds to what a run has deleted, in the table of a unit.
pub(super) async fn add(
    transaction: &Transaction<'_>,
    table: &str,
    run: RunId,
    what: &str,
    items: u64,
) -> Result<(), StoreError> {
    if items == 0 {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO {table} AS t (run_id, what, items) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT {table}_pkey DO UPDATE SET items = t.items + excluded.items"
    );
    let add = transaction.prepare_cached(&sql).await?;
    transaction.execute(&add, &[&run, &what, &signed(items)]).await?;
    Ok(())
}

/// What clocks of their own have ended since the run before becomes this run's.
pub(super) async fn take_over(client: &Object, table: &str, run: RunId) -> Result<(), StoreError> {
    let sql = format!(
        "WITH ended AS (DELETE FROM {table} WHERE run_id = $2 RETURNING what, items)
         INSERT INTO {table} AS t (run_id, what, items) SELECT $1, what, items FROM ended
         ON CONFLICT ON CONSTRAINT {table}_pkey DO UPDATE SET items = t.items + excluded.items"
    );
    client.execute(&sql, &[&run, &BETWEEN_RUNS]).await?;
    Ok(())
}

/// Reads how many would go, and the time of the oldest.
pub(super) async fn past(
    client: &Object,
    select: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> Result<PastItems, StoreError> {
    let row = client.query_one(select, parameters).await?;
    Ok(PastItems {
        items: row.get::<_, i64>(0).unsigned_abs(),
        oldest: row
            .get::<_, Option<i64>>(1)
            .and_then(chrono::DateTime::from_timestamp_millis),
    })
}

/// A number of items as it is stored.
pub(super) fn signed(items: u64) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}

/// Reads `what, items`.
pub(super) fn read(row: &Row) -> (String, u64) {
    (row.get(0), row.get::<_, i64>(1).unsigned_abs())
}
