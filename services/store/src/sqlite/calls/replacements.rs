//! What imports that replace a period of their source have brought.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::ids::{Identity, ImportRun};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::StoreError;
use crate::batch;
use crate::calls::LedgerBatch;
use crate::clocks::{BETWEEN_RUNS, CONFIRMED_CALLS};
use crate::sqlite::tallies;

/// Notes the calls that a batch confirms.
pub(super) fn confirm(transaction: &Transaction<'_>, batch: &LedgerBatch) -> Result<(), StoreError> {
    let mut confirm = transaction.prepare_cached(
        "INSERT INTO confirmed_calls (run, identity, at_ms) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    for (run, identity, at) in batch::confirmed(batch) {
        confirm.execute(params![run.as_str(), identity.0, at.timestamp_millis()])?;
    }
    Ok(())
}

/// See [`crate::calls::CallStore::confirmed`].
pub(super) fn confirmed(
    connection: &Connection,
    run: &ImportRun,
    identities: &[Identity],
) -> Result<BTreeSet<Identity>, StoreError> {
    let mut is_confirmed =
        connection.prepare_cached("SELECT 1 FROM confirmed_calls WHERE run = ?1 AND identity = ?2")?;
    let mut confirmed = BTreeSet::new();
    for identity in identities {
        if is_confirmed.exists(params![run.as_str(), identity.0])? {
            confirmed.insert(*identity);
        }
    }
    Ok(confirmed)
}

/// See [`crate::calls::CallStore::forget_confirmed`].
pub(super) fn forget(connection: &mut Connection, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let gone = transaction.execute(
        "DELETE FROM confirmed_calls WHERE at_ms < ?1",
        [before.timestamp_millis()],
    )?;
    tallies::add(&transaction, BETWEEN_RUNS, CONFIRMED_CALLS, gone)?;
    transaction.commit()?;
    Ok(gone as u64)
}
