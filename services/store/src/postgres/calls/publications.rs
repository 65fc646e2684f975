//! What is published of the figures.

use deadpool_postgres::Object;
use domain::counts::Interval;
use domain::ids::HotlineName;

use super::super::values::text;
use crate::StoreError;
use crate::publications::{HeldPublication, PublicationAdvance, PublicationLease, PublicationPlace};
use crate::tickets::credible_until;

/// See [`crate::calls::CallStore::hold_publication`].
pub(super) async fn hold(
    client: &Object,
    lease: &PublicationLease,
) -> Result<Option<HeldPublication>, StoreError> {
    let hold = client
        .prepare_cached(
            "INSERT INTO publications AS p (name, owner, until_ms) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, until_ms = excluded.until_ms
             WHERE p.owner = excluded.owner OR p.until_ms <= $4 OR p.until_ms > $5
             RETURNING topic_id, version, filling",
        )
        .await?;
    let held = client
        .query_opt(
            &hold,
            &[
                &text(&lease.name),
                &text(&lease.owner),
                &lease.until.timestamp_millis(),
                &lease.now.timestamp_millis(),
                &credible_until(lease.now, lease.until).timestamp_millis(),
            ],
        )
        .await?;
    Ok(held.map(|row| HeldPublication {
        place: PublicationPlace::read((row.get(0), row.get(1), row.get(2))),
    }))
}

/// See [`crate::calls::CallStore::advance_publication`].
pub(super) async fn advance(client: &Object, advance: &PublicationAdvance) -> Result<(), StoreError> {
    let update = client
        .prepare_cached(
            "UPDATE publications SET topic_id = $3, version = $4, filling = $5
             WHERE name = $1 AND owner = $2 AND topic_id IS NOT DISTINCT FROM $6
               AND version IS NOT DISTINCT FROM $7 AND filling IS NOT DISTINCT FROM $8",
        )
        .await?;
    let (topic_id, version, filling) = advance.expected_columns();
    let to = &advance.to;
    let moved = client
        .execute(
            &update,
            &[
                &text(&advance.name),
                &text(&advance.owner),
                &to.topic_id,
                &to.version.as_str(),
                &to.filling.map(|interval| interval.0),
                &topic_id,
                &version,
                &filling,
            ],
        )
        .await?;
    match moved {
        1 => Ok(()),
        _ => Err(advance.conflict()),
    }
}

/// See [`crate::calls::CallStore::release_publication`].
pub(super) async fn release(client: &Object, name: &str, owner: &str) -> Result<(), StoreError> {
    client
        .execute(
            "UPDATE publications SET until_ms = 0 WHERE name = $1 AND owner = $2",
            &[&text(name), &text(owner)],
        )
        .await?;
    Ok(())
}

/// See [`crate::calls::CallStore::next_counted`].
pub(super) async fn next_counted(client: &Object, from: Interval) -> Result<Option<Interval>, StoreError> {
    let next = client
        .prepare_cached("SELECT min(interval) FROM interval_counts WHERE interval >= $1")
        .await?;
    let next: Option<i64> = client.query_one(&next, &[&from.0]).await?.get(0);
    Ok(next.map(Interval))
}

/// See [`crate::calls::CallStore::counted`].
pub(super) async fn counted(
    client: &Object,
    from: Interval,
    to: Interval,
) -> Result<Vec<(Interval, HotlineName)>, StoreError> {
    let counted = client
        .prepare_cached(
            "SELECT DISTINCT interval, name FROM interval_counts JOIN hotlines ON id = hotline_id
             WHERE interval >= $1 AND interval < $2 AND hotline_id > 0",
        )
        .await?;
    let rows = client.query(&counted, &[&from.0, &to.0]).await?;
    let counted = rows
        .iter()
        .map(|row| (Interval(row.get(0)), HotlineName::new(row.get::<_, String>(1))));
    Ok(counted.collect())
}
