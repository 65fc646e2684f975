//! The log of what moved the counts. A snapshot tells exactly which transactions it contains, so nothing that was under
//! way when figures were read is lost or told twice.

use chrono::{DateTime, Utc};
use deadpool_postgres::{GenericClient, Object, Transaction};
use domain::counts::Interval;
use tokio_postgres::IsolationLevel;
use tokio_postgres::types::ToSql;

use super::super::values;
use super::counts::{KeyedRows, Keys};
use crate::StoreError;
use crate::changes::{Change, ChangePlace, ChangeQuery, moves};
use crate::history::FiguresVersion;
use crate::packed_tally;
use crate::periods::{TOGETHER, group};

/// Adds to the log how rows of quarter-hours move.
pub(super) async fn append(
    transaction: &Transaction<'_>,
    rows: &KeyedRows<'_>,
    changed_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let moved = || {
        let of_hotlines = rows.iter().filter(|(key, _)| key.hotline_id != TOGETHER);
        of_hotlines.filter(|(_, movement)| moves(movement))
    };
    let differences: Vec<Vec<u8>> = moved()
        .map(|(_, movement)| packed_tally::pack(&movement.difference))
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    let append = transaction
        .prepare_cached(
            "INSERT INTO count_changes (revision, interval, hotline_id, task_type, shard, changed_at_ms, difference)
             SELECT pg_current_xact_id(), rows.number, rows.hotline_id, rows.task_type, rows.shard, $6, rows.difference
             FROM unnest($1::int8[], $2::int4[], $3::int2[], $4::int4[], $5::bytea[])
                 AS rows (number, hotline_id, task_type, shard, difference)",
        )
        .await?;
    let keys = Keys::of(moved().map(|(key, _)| key));
    let changed_at_ms = changed_at.timestamp_millis();
    let mut values = keys.columns();
    values.extend([&differences as &(dyn ToSql + Sync), &changed_at_ms]);
    transaction.execute(&append, &values).await?;
    Ok(())
}

/// See [`crate::calls::CallStore::figures_version`].
pub(super) async fn version(client: &impl GenericClient) -> Result<FiguresVersion, StoreError> {
    let statement = client
        .prepare_cached("SELECT pg_current_snapshot()::text")
        .await?;
    let row = client.query_one(&statement, &[]).await?;
    Ok(FiguresVersion::new(row.get::<_, String>(0)))
}

/// A snapshot as PostgreSQL writes it: the oldest transaction under way, the first one that had not begun, and those
/// under way in between.
fn snapshot(version: &FiguresVersion) -> Result<&str, StoreError> {
    let numbers = |text: &str| -> Option<Vec<u64>> {
        let texts = text.split(',').filter(|text| !text.is_empty());
        texts.map(|number| number.parse().ok()).collect()
    };
    let parts: Vec<&str> = version.as_str().split(':').collect();
    let [oldest, next, under_way] = parts.as_slice() else {
        return Err(version.is_unreadable());
    };
    let is_snapshot = || {
        let (oldest, next): (u64, u64) = (oldest.parse().ok()?, next.parse().ok()?);
        let under_way = numbers(under_way)?;
        let lie_between = under_way.iter().all(|number| (oldest..next).contains(number));
        Some(oldest > 0 && oldest <= next && under_way.is_sorted() && lie_between)
    };
    match is_snapshot() {
        Some(true) => Ok(version.as_str()),
        _ => Err(version.is_unreadable()),
    }
}

/// Refuses a version if what has changed since is not known.
async fn check(transaction: &Transaction<'_>, version: &FiguresVersion) -> Result<(), StoreError> {
    let statement = transaction
        .prepare_cached(
            "SELECT pruned >= pg_snapshot_xmin(given),
                 pg_snapshot_xmax(given) > pg_snapshot_xmax(pg_current_snapshot())
             FROM figures, (SELECT $1::text::pg_snapshot) AS version (given)",
        )
        .await?;
    let row = transaction.query_one(&statement, &[&snapshot(version)?]).await?;
    match (row.get(0), row.get(1)) {
        (true, _) => Err(version.is_too_old()),
        (_, true) => Err(version.is_too_new()),
        _ => Ok(()),
    }
}

/// See [`crate::calls::CallStore::changes_since`].
pub(super) async fn since(
    client: &mut Object,
    since: &FiguresVersion,
    query: &ChangeQuery,
) -> Result<Vec<Change>, StoreError> {
    let builder = client.build_transaction();
    let transaction = builder
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let now = version(&transaction).await?;
    let until = query.until.as_ref().unwrap_or(&now);
    for version in [since, until] {
        check(&transaction, version).await?;
    }
    let (from, to) = query.intervals();
    let after = query.after.unwrap_or_default();
    let hotline_id = i32::try_from(after.hotline_id).unwrap_or(i32::MAX);
    let select = transaction
        .prepare_cached(
            "SELECT revision::text, interval, hotline_id, task_type, shard, name, changed_at_ms, difference
             FROM count_changes JOIN hotlines ON id = hotline_id
             WHERE revision >= pg_snapshot_xmin($1::text::pg_snapshot)
               AND NOT pg_visible_in_snapshot(revision, $1::text::pg_snapshot)
               AND pg_visible_in_snapshot(revision, $2::text::pg_snapshot)
               AND interval >= $3 AND interval < $4
               AND (revision, interval, hotline_id, task_type, shard) > ($5::text::xid8, $6, $7, $8, $9)
             ORDER BY revision, interval, hotline_id, task_type, shard LIMIT $10",
        )
        .await?;
    let values: [&(dyn ToSql + Sync); 10] = [
        &since.as_str(),
        &until.as_str(),
        &from,
        &to,
        &after.revision.to_string(),
        &after.interval,
        &hotline_id,
        &after.task_type,
        &after.shard,
        &values::limit(query.most),
    ];
    let mut changes = Vec::new();
    for row in transaction.query(&select, &values).await? {
        let revision: &str = row.get(0);
        let place = ChangePlace {
            revision: revision
                .parse()
                .map_err(|_| StoreError::Unusable(format!("revision {revision}")))?,
            interval: row.get(1),
            hotline_id: row.get::<_, i32>(2).into(),
            task_type: row.get(3),
            shard: row.get(4),
        };
        let (hotline, task_type) = group(row.get(5), place.task_type)?;
        changes.push(Change::read(place, hotline, task_type, row.get(6), row.get(7))?);
    }
    Ok(changes)
}

/// The quarter-hours that have moved since a version; none if that is not known.
pub(super) async fn moved_since(
    snapshot: &Transaction<'_>,
    since: &FiguresVersion,
    from: Interval,
    to: Interval,
) -> Result<Option<Vec<Interval>>, StoreError> {
    match check(snapshot, since).await {
        Err(StoreError::UnknownVersion(_)) => return Ok(None),
        known => known?,
    }
    let select = snapshot
        .prepare_cached(
            "SELECT DISTINCT interval FROM count_changes
             WHERE revision >= pg_snapshot_xmin($1::text::pg_snapshot)
               AND NOT pg_visible_in_snapshot(revision, $1::text::pg_snapshot)
               AND interval >= $2 AND interval < $3",
        )
        .await?;
    let rows = snapshot
        .query(&select, &[&since.as_str(), &from.0, &to.0])
        .await?;
    Ok(Some(rows.iter().map(|row| Interval(row.get(0))).collect()))
}

/// See [`crate::calls::CallStore::forget_changes`].
pub(super) async fn forget(
    client: &mut Object,
    before: DateTime<Utc>,
    most: usize,
) -> Result<usize, StoreError> {
    let transaction = client.transaction().await?;
    let forget = transaction
        .prepare_cached(
            "WITH old AS (SELECT revision, interval, hotline_id, task_type, shard FROM count_changes
                          WHERE changed_at_ms < $1 ORDER BY changed_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED)
             DELETE FROM count_changes c USING old
             WHERE c.revision = old.revision AND c.interval = old.interval AND c.hotline_id = old.hotline_id
               AND c.task_type = old.task_type AND c.shard = old.shard
             RETURNING c.revision::text",
        )
        .await?;
    let rows = transaction
        .query(&forget, &[&before.timestamp_millis(), &values::limit(most)])
        .await?;
    let revisions = rows
        .iter()
        .filter_map(|row| row.get::<_, &str>(0).parse::<u64>().ok());
    if let Some(last) = revisions.max() {
        let update = "UPDATE figures SET pruned = greatest(pruned, $1::text::xid8)";
        transaction.execute(update, &[&last.to_string()]).await?;
    }
    transaction.commit().await?;
    Ok(rows.len())
}
