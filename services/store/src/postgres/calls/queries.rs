//! Positions, import runs, and what is asked of the visits.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::ids::{HotlineName, ImportRun};
use domain::local_time;
use domain::record::TaskType;
use domain::visit::Outcome;
use tokio_postgres::Row;

use super::super::values::{self, partition_column, text};
use crate::StoreError;
use crate::calls::{Advance, DayRange, RunCounts};
use crate::periods::group;
use crate::rejected::PAST_RETENTION;

/// A secret of the installation: made once, the same ever after.
pub(super) async fn secret(client: &Object, name: &str) -> Result<[u8; 32], StoreError> {
    let find = "SELECT secret FROM secrets WHERE name = $1";
    if client.query_opt(find, &[&name]).await?.is_none() {
        let mut fresh = [0; 32];
        getrandom::fill(&mut fresh)
            .map_err(|error| StoreError::Unavailable(format!("no random bytes: {error}")))?;
        client
            .execute(
                "INSERT INTO secrets (name, secret) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                &[&name, &fresh.as_slice()],
            )
            .await?;
    }
    let row = client.query_one(find, &[&name]).await?;
    row.get::<_, Vec<u8>>(0)
        .try_into()
        .map_err(|_| StoreError::Unusable(format!("the secret {name} has not 32 bytes")))
}

/// See [`crate::calls::CallStore::positions`].
pub(super) async fn positions(client: &Object, topic_id: &str) -> Result<BTreeMap<u32, i64>, StoreError> {
    let find = client
        .prepare_cached("SELECT partition, position FROM positions WHERE topic_id = $1")
        .await?;
    let rows = client.query(&find, &[&text(topic_id)]).await?;
    let position = |row: &Row| Ok((values::partition(row.get(0))?, row.get(1)));
    rows.iter().map(position).collect()
}

/// Moves reading positions, each from exactly where it is expected to be. Until the transaction ends, nobody else
/// moves them: this is the fence between instances.
pub(super) async fn advance(
    transaction: &Transaction<'_>,
    topic_id: &str,
    advances: &[Advance],
) -> Result<(), StoreError> {
    let mut advances = advances.to_vec();
    advances.sort_unstable_by_key(|advance| advance.partition);
    let partitions = advances.iter().map(|advance| partition_column(advance.partition));
    let partitions: Vec<i32> = partitions.collect::<Result<_, _>>()?;
    let expected: Vec<i64> = advances.iter().map(|advance| advance.expected).collect();
    let next: Vec<i64> = advances.iter().map(|advance| advance.next).collect();
    let topic_id = text(topic_id);
    let update = transaction
        .prepare_cached(
            "UPDATE positions p SET position = a.next
             FROM unnest($2::int4[], $3::int8[], $4::int8[]) AS a (partition, expected, next)
             WHERE p.topic_id = $1 AND p.partition = a.partition AND p.position = a.expected
             RETURNING p.partition",
        )
        .await?;
    let moved = transaction
        .query(&update, &[&topic_id, &partitions, &expected, &next])
        .await?;
    let mut moved: Vec<i32> = moved.iter().map(|row| row.get(0)).collect();
    if moved.len() < advances.len() {
        // The first time that a partition is read.
        let begin = transaction
            .prepare_cached(
                "INSERT INTO positions (topic_id, partition, position)
                 SELECT $1, a.partition, a.next
                 FROM unnest($2::int4[], $3::int8[], $4::int8[]) AS a (partition, expected, next)
                 WHERE a.expected = 0 AND a.partition <> ALL($5)
                 ON CONFLICT DO NOTHING RETURNING partition",
            )
            .await?;
        let begun = transaction
            .query(&begin, &[&topic_id, &partitions, &expected, &next, &moved])
            .await?;
        moved.extend(begun.iter().map(|row| row.get::<_, i32>(0)));
    }
    match partitions.iter().find(|partition| !moved.contains(partition)) {
        Some(partition) => Err(StoreError::Conflict(format!(
            "the reading position of partition {partition}"
        ))),
        None => Ok(()),
    }
}

/// Adds to what was counted under imports.
pub(super) async fn add_to_runs(
    transaction: &Transaction<'_>,
    runs: &BTreeMap<(ImportRun, u32), RunCounts>,
) -> Result<(), StoreError> {
    if runs.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = runs.keys().map(|(run, _)| text(run.as_str())).collect();
    let shards = runs.keys().map(|(_, shard)| partition_column(*shard));
    let shards: Vec<i32> = shards.collect::<Result<_, _>>()?;
    let new_reports: Vec<i64> = runs.values().map(|counts| counts.new_reports).collect();
    let flagged: Vec<i64> = runs.values().map(|counts| counts.flagged).collect();
    let add = transaction
        .prepare_cached(
            "INSERT INTO import_runs AS r (run, shard, new_reports, flagged)
             SELECT * FROM unnest($1::text[], $2::int4[], $3::int8[], $4::int8[])
             ON CONFLICT (run, shard) DO UPDATE SET new_reports = r.new_reports + excluded.new_reports,
                 flagged = r.flagged + excluded.flagged",
        )
        .await?;
    transaction
        .execute(&add, &[&names, &shards, &new_reports, &flagged])
        .await?;
    Ok(())
}

/// See [`crate::calls::CallStore::import_run`].
pub(super) async fn import_run(client: &Object, run: &ImportRun) -> Result<RunCounts, StoreError> {
    let row = client
        .query_one(
            "SELECT coalesce(sum(new_reports), 0)::int8, coalesce(sum(flagged), 0)::int8,
                 (SELECT count(*) FROM rejected_items WHERE run = $1 AND field = $2)
             FROM import_runs WHERE run = $1",
            &[&text(run.as_str()), &PAST_RETENTION],
        )
        .await?;
    Ok(RunCounts {
        new_reports: row.get(0),
        flagged: row.get(1),
        past_retention: row.get(2),
    })
}

/// See [`crate::calls::CallStore::waiting_since`].
pub(super) async fn waiting_since(
    client: &Object,
    offered_since: DateTime<Utc>,
    days: DayRange,
) -> Result<Vec<(HotlineName, TaskType, i64)>, StoreError> {
    let from = local_time::start_of(days.from)
        .max(offered_since)
        .timestamp_millis();
    let to = local_time::start_of(days.to).timestamp_millis();
    let count = client
        .prepare_cached(&format!(
            "SELECT name, task_type, count(*) FROM visits JOIN hotlines ON id = hotline_id
             WHERE outcome = {} AND counted AND offered_at_ms >= $1 AND offered_at_ms < $2 GROUP BY name, task_type",
            Outcome::Waiting.code()
        ))
        .await?;
    let mut waiting = Vec::new();
    for row in client.query(&count, &[&from, &to]).await? {
        let (hotline, task_type) = group(row.get(0), row.get(1))?;
        waiting.push((hotline, task_type, row.get(2)));
    }
    Ok(waiting)
}
