//! The months that calls and visits have partitions for.

use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use chrono::{DateTime, Datelike, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::ids::Identity;
use tokio_postgres::Client;

use super::super::values::key;
use crate::StoreError;

/// The tables that have a partition for each month.
const TABLES: [&str; 2] = ["calls", "visits"];
/// Held while months are added or dropped: any number, but always the same.
const LOCK: i64 = 0x6e72_7764_0002;

/// Columns of calls that hold personal data.
const PERSONAL: [&str; 6] = [
    "caller",
    "caller_key",
    "dialled_address",
    "dialled_key",
    "doubts",
    "more",
];

/// The month of a time, as a number like 202410. Times without a month of four digits go to the nearest.
pub(super) fn month_of(at: DateTime<Utc>) -> i32 {
    match at.year() {
        ..1970 => 197_001,
        10_000.. => 999_912,
        year => year * 100 + at.month() as i32,
    }
}

/// The months that this instance knows to be there.
#[derive(Default)]
pub(super) struct Months(RwLock<BTreeSet<i32>>);

impl Months {
    /// Sees to it that calls can be filed under these months. In transactions of its own, and by attaching complete
    /// tables: adding a month lets writers of other months go on.
    pub(super) async fn ensure(&self, client: &mut Object, months: BTreeSet<i32>) -> Result<(), StoreError> {
        let missing: Vec<i32> = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            months.difference(&known).copied().collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        for month in &missing {
            add(client, *month).await?;
        }
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(missing);
        Ok(())
    }

    /// Months may have been dropped.
    pub(super) fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Nobody else adds or drops months until the transaction ends.
pub(super) async fn alone(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    transaction
        .execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    Ok(())
}

/// The months of calls that have partitions.
pub(super) async fn months_of(client: &Object, calls: &[Identity]) -> Result<Vec<i32>, StoreError> {
    let keys: Vec<_> = calls.iter().map(|identity| key(*identity)).collect();
    let rows = client
        .query(
            "SELECT DISTINCT month FROM identities JOIN partitions USING (month) WHERE identity = ANY($1)",
            &[&keys],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn add(client: &mut Object, month: i32) -> Result<(), StoreError> {
    let is_there = "SELECT FROM partitions WHERE month = $1";
    if client.query_opt(is_there, &[&month]).await?.is_some() {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    alone(&transaction).await?;
    if transaction.query_opt(is_there, &[&month]).await?.is_some() {
        return Ok(());
    }
    for table in TABLES {
        transaction.batch_execute(&attachment(table, month)).await?;
    }
    transaction
        .execute("INSERT INTO partitions (month) VALUES ($1)", &[&month])
        .await?;
    Ok(transaction.commit().await?)
}

/// Adds a month to a table. Creating a table as a partition would stop all readers and writers of the parent; attaching one
/// does not. The planner takes no samples of what is personal; a table does not take that over from the one it is made after.
fn attachment(table: &str, month: i32) -> String {
    let unsampled = PERSONAL.map(|column| format!("ALTER COLUMN {column} SET STATISTICS 0"));
    let unsampled = match table {
        "calls" => format!("ALTER TABLE {table}_{month} {};", unsampled.join(", ")),
        _ => String::new(),
    };
    format!(
        "CREATE TABLE {table}_{month} (LIKE {table});
         ALTER TABLE {table} ATTACH PARTITION {table}_{month} FOR VALUES IN ({month}); {unsampled}"
    )
}

/// The table and the month that a partition is of.
pub(in super::super) fn of_partition(name: &str) -> Option<(&'static str, i32)> {
    TABLES.into_iter().find_map(|table| {
        let month = name.strip_prefix(table)?.strip_prefix('_')?;
        Some((table, month.parse().ok()?))
    })
}

/// Adds a month to a table of a database that is being restored.
pub(in super::super) async fn attach(client: &Client, table: &str, month: i32) -> Result<(), StoreError> {
    Ok(client.batch_execute(&attachment(table, month)).await?)
}
