//! What an instance has to itself for a time.

use chrono::{DateTime, Utc};
use rusqlite::{Transaction, params};

use crate::StoreError;
use crate::tickets::{LeaseName, credible_until};

pub(super) fn take(
    transaction: &Transaction<'_>,
    wanted: Vec<LeaseName>,
    owner: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<LeaseName>, StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO leases (name, owner, until_ms) VALUES (?1, ?2, ?3)
         ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
         WHERE leases.owner = excluded.owner OR leases.until_ms <= ?4 OR leases.until_ms > ?5",
    )?;
    let credible = credible_until(now, until);
    let mut held = Vec::new();
    for name in wanted {
        let taken = statement.execute(params![
            name.as_str(),
            owner,
            until.timestamp_millis(),
            now.timestamp_millis(),
            credible.timestamp_millis()
        ])?;
        if taken == 1 {
            held.push(name);
        }
    }
    Ok(held)
}

pub(super) fn release(transaction: &Transaction<'_>, owner: &str) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM leases WHERE owner = ?1", [owner])?;
    Ok(())
}
