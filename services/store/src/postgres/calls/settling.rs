//! Settling rows of counts beside transactions that move them.
//!
//! Writers hold the row of a shard before they touch its histograms, and the rows of shards before the settled one; so
//! does this, in the same order of keys. What is added to a shard that has no row any more, or not yet, makes one anew:
//! it is settled the next time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use deadpool_postgres::{Object, Transaction};
use domain::counts::{Figure, Tally};
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

use super::super::values;
use super::counts::{Keys, upsert};
use super::history::key;
use crate::StoreError;
use crate::history::{SumKey, add_counts, count_columns};
use crate::packed_tally;
use crate::periods::{self, SETTLED, Tables, numbers_before};

/// Held while settling: several instances need not do the same work. Any number, but always the same.
const LOCK: i64 = 0x6e72_7764_0002;

/// Sums of shards, by key.
type SettledSums = BTreeMap<SumKey, Tally>;

/// See [`crate::calls::CallStore::settle`].
pub(super) async fn settle(client: &mut Object, before: NaiveDate, most: usize) -> Result<usize, StoreError> {
    let mut settled = 0;
    for (tables, end) in numbers_before(before) {
        settled += settle_rows(client, tables, end, most.saturating_sub(settled)).await?;
    }
    Ok(settled)
}

async fn settle_rows(
    client: &mut Object,
    tables: Tables,
    end: i64,
    most: usize,
) -> Result<usize, StoreError> {
    let builder = client.build_transaction();
    let transaction = builder
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await?;
    let alone = transaction
        .query_one("SELECT pg_try_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    if !alone.get::<_, bool>(0) {
        return Ok(0);
    }
    let periods = unsettled(&transaction, tables, end, most).await?;
    if periods.is_empty() {
        return Ok(0);
    }
    let sums = take_shards(&transaction, tables, &periods).await?;
    add_to_settled(&transaction, tables, &sums).await?;
    transaction.commit().await?;
    Ok(sums.len())
}

/// Periods before `end` with rows that are not settled: those of the first `most` of these rows. They are settled as a
/// whole, so that the row of all hotlines together is settled whenever one of theirs is.
async fn unsettled(
    transaction: &Transaction<'_>,
    Tables { column, counts, .. }: Tables,
    end: i64,
    most: usize,
) -> Result<Vec<i64>, StoreError> {
    let find = format!(
        "SELECT {column} FROM {counts} WHERE {column} < $1 AND shard >= 0
         ORDER BY {column}, hotline_id, task_type LIMIT $2"
    );
    let find = transaction.prepare_cached(&find).await?;
    let rows = transaction.query(&find, &[&end, &values::limit(most)]).await?;
    let periods: BTreeSet<i64> = rows.iter().map(|row| row.get(0)).collect();
    Ok(periods.into_iter().collect())
}

/// Holds the rows of shards, reads and deletes them. Only what is held is read: others may appear meanwhile.
async fn take_shards(
    transaction: &Transaction<'_>,
    Tables {
        column,
        counts,
        histograms,
    }: Tables,
    periods: &[i64],
) -> Result<SettledSums, StoreError> {
    let hold = format!(
        "SELECT {column}, hotline_id, task_type, {}, shard FROM {counts}
         WHERE {column} = ANY($1) AND shard >= 0 ORDER BY {column}, hotline_id, task_type, shard FOR UPDATE",
        count_columns()
    );
    let hold = transaction.prepare_cached(&hold).await?;
    let mut sums = SettledSums::new();
    let mut held = Keys::default();
    for row in transaction.query(&hold, &[&periods]).await? {
        let key = key(&row)?;
        held.numbers.push(key.number);
        held.hotline_ids.push(row.try_get(1)?);
        held.task_types.push(key.task_type);
        held.shards.push(row.try_get("shard")?);
        add_counts(sums.entry(key).or_default(), &row)?;
    }
    let of_held = |table: &str| {
        format!(
            "DELETE FROM {table} c USING unnest($1::int8[], $2::int4[], $3::int2[], $4::int4[])
                 AS held (number, hotline_id, task_type, shard)
             WHERE c.{column} = held.number AND c.hotline_id = held.hotline_id AND c.task_type = held.task_type
               AND c.shard = held.shard"
        )
    };
    let take = format!(
        "{} RETURNING c.{column}, c.hotline_id, c.task_type, kind, bin, visits",
        of_held(histograms)
    );
    let take = transaction.prepare_cached(&take).await?;
    for row in transaction.query(&take, &held.columns()).await? {
        let (kind, bin) = periods::bin(row.try_get(3)?, row.try_get(4)?)?;
        let tally = sums.entry(key(&row)?).or_default();
        tally.histogram_mut(kind).add(bin, row.try_get(5)?);
    }
    let delete = transaction.prepare_cached(&of_held(counts)).await?;
    transaction.execute(&delete, &held.columns()).await?;
    Ok(sums)
}

async fn add_to_settled(
    transaction: &Transaction<'_>,
    tables: Tables,
    sums: &SettledSums,
) -> Result<(), StoreError> {
    let Tables { column, counts, .. } = tables;
    let mut keys = Keys::default();
    for key in sums.keys() {
        keys.numbers.push(key.number);
        let hotline_id = i32::try_from(key.hotline_id);
        keys.hotline_ids
            .push(hotline_id.map_err(|error| StoreError::Unusable(error.to_string()))?);
        keys.task_types.push(key.task_type);
        keys.shards.push(SETTLED);
    }
    let figure = |figure: &Figure| -> Vec<i64> {
        let counts = sums.values().map(|tally| tally.counts.get(*figure));
        counts.collect()
    };
    let figures: Vec<Vec<i64>> = Figure::ALL.iter().map(figure).collect();
    let to_answer: Vec<_> = sums
        .values()
        .map(|tally| tally.longest_time_to_answer_ms)
        .collect();
    let to_abandon: Vec<_> = sums
        .values()
        .map(|tally| tally.longest_time_to_abandon_ms)
        .collect();
    let mut values = keys.columns();
    values.extend(figures.iter().map(|figure| figure as &(dyn ToSql + Sync)));
    values.extend([&to_answer as &(dyn ToSql + Sync), &to_abandon]);
    let add = transaction.prepare_cached(&upsert(tables)).await?;
    transaction.execute(&add, &values).await?;

    // The rows are held from here on: nobody else changes their histograms.
    let place: [&(dyn ToSql + Sync); 3] = [&keys.numbers, &keys.hotline_ids, &keys.task_types];
    let of_keys = format!(
        "unnest($1::int8[], $2::int4[], $3::int2[]) AS k (number, hotline_id, task_type)
         JOIN {counts} c ON c.{column} = k.number AND c.hotline_id = k.hotline_id AND c.task_type = k.task_type
          AND c.shard = {SETTLED}"
    );
    let packed = format!("SELECT k.number, k.hotline_id, k.task_type, c.histograms FROM {of_keys}");
    let packed = transaction.prepare_cached(&packed).await?;
    let rows = transaction.query(&packed, &place).await?;
    let histograms = packed_sums(sums, &rows)?;
    let store = format!(
        "UPDATE {counts} c SET histograms = k.histograms
         FROM unnest($1::int8[], $2::int4[], $3::int2[], $4::bytea[]) AS k (number, hotline_id, task_type, histograms)
         WHERE c.{column} = k.number AND c.hotline_id = k.hotline_id AND c.task_type = k.task_type
           AND c.shard = {SETTLED}"
    );
    let store = transaction.prepare_cached(&store).await?;
    let [numbers, hotline_ids, task_types] = place;
    transaction
        .execute(&store, &[numbers, hotline_ids, task_types, &histograms])
        .await?;
    Ok(())
}

/// The histograms of settled rows with what is added to them, in the order of keys.
fn packed_sums(sums: &SettledSums, rows: &[Row]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
    let mut before: BTreeMap<SumKey, &[u8]> = BTreeMap::new();
    for row in rows {
        if let Some(packed) = row.try_get(3)? {
            before.insert(key(row)?, packed);
        }
    }
    let packed = sums
        .iter()
        .map(|(key, tally)| packed_tally::pack_together(tally, before.get(key).copied()));
    packed.collect()
}
