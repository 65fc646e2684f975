//! What imports that replace a period of their source have brought.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::ids::{Identity, ImportRun};

use super::super::tallies;
use super::super::values::{self, key, text};
use super::retention::{TALLIES, begin};
use crate::StoreError;
use crate::batch;
use crate::calls::LedgerBatch;
use crate::clocks::{BETWEEN_RUNS, CONFIRMED_CALLS};

/// Notes the calls that a batch confirms.
pub(super) async fn confirm(transaction: &Transaction<'_>, batch: &LedgerBatch) -> Result<(), StoreError> {
    let (mut runs, mut identities, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for (run, identity, at) in batch::confirmed(batch) {
        runs.push(text(run.as_str()));
        identities.push(key(identity));
        times.push(at.timestamp_millis());
    }
    if runs.is_empty() {
        return Ok(());
    }
    let confirm = transaction
        .prepare_cached(
            "INSERT INTO confirmed_calls (run, identity, at_ms)
             SELECT * FROM unnest($1::text[], $2::uuid[], $3::int8[]) ON CONFLICT DO NOTHING",
        )
        .await?;
    transaction
        .execute(&confirm, &[&runs, &identities, &times])
        .await?;
    Ok(())
}

/// See [`crate::calls::CallStore::confirmed`].
pub(super) async fn confirmed(
    client: &Object,
    run: &ImportRun,
    identities: &[Identity],
) -> Result<BTreeSet<Identity>, StoreError> {
    let keys: Vec<_> = identities.iter().map(|identity| key(*identity)).collect();
    let find = client
        .prepare_cached("SELECT identity FROM confirmed_calls WHERE run = $1 AND identity = ANY($2)")
        .await?;
    let rows = client.query(&find, &[&text(run.as_str()), &keys]).await?;
    Ok(rows.iter().map(|row| values::identity(row.get(0))).collect())
}

/// See [`crate::calls::CallStore::forget_confirmed`].
pub(super) async fn forget(client: &mut Object, before: DateTime<Utc>) -> Result<u64, StoreError> {
    let before_ms = before.timestamp_millis();
    let transaction = begin(client).await?;
    let gone = transaction
        .execute("DELETE FROM confirmed_calls WHERE at_ms < $1", &[&before_ms])
        .await?;
    tallies::add(&transaction, TALLIES, BETWEEN_RUNS, CONFIRMED_CALLS, gone).await?;
    transaction.commit().await?;
    Ok(gone)
}
