//! What an instance has to itself for a time. The times are those of the callers: keep the clocks of the machines
//! together, or make leases longer than their difference.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use deadpool_postgres::Object;

use super::super::values::text;
use crate::StoreError;
use crate::tickets::{LeaseName, credible_until};

pub(super) async fn take(
    client: &Object,
    wanted: &[LeaseName],
    owner: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Vec<LeaseName>, StoreError> {
    // In the order of their names, each once: so instances that want the same ones wait, and do not block each other.
    let names: BTreeSet<&str> = wanted.iter().map(LeaseName::as_str).collect();
    let names: Vec<&str> = names.into_iter().collect();
    let take = client
        .prepare_cached(
            "INSERT INTO leases AS l (name, owner, until_ms) SELECT name, $2, $3 FROM unnest($1::text[]) AS name
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
             WHERE l.owner = excluded.owner OR l.until_ms <= $4 OR l.until_ms > $5 RETURNING name",
        )
        .await?;
    let taken = client
        .query(
            &take,
            &[
                &names,
                &text(owner),
                &until.timestamp_millis(),
                &now.timestamp_millis(),
                &credible_until(now, until).timestamp_millis(),
            ],
        )
        .await?;
    let taken: BTreeSet<&str> = taken.iter().map(|row| row.get(0)).collect();
    let held = wanted.iter().filter(|name| taken.contains(name.as_str()));
    Ok(held.cloned().collect())
}

pub(super) async fn release(client: &Object, owner: &str) -> Result<(), StoreError> {
    client
        .execute("DELETE FROM leases WHERE owner = $1", &[&text(owner)])
        .await?;
    Ok(())
}
