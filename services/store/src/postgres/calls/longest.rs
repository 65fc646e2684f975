//! Longest times, read again where one of them was taken away.

use deadpool_postgres::Transaction;
use domain::visit::Outcome;
use tokio_postgres::types::ToSql;

use super::counts::{KeyedRows, Keys, RowKey};
use crate::StoreError;
use crate::periods::{SETTLED, TOGETHER, Tables};

/// Times were taken away, and they may have been the longest: the visits know, with what is kept of deleted ones, and of
/// all hotlines together the rows of each. The rows of the shards are read again, held since their counts were written, and the settled ones, which every
/// shard has a part in: they are held first. These statements, being later ones, see what whoever held the rows before
/// has written.
pub(super) async fn read_again(
    transaction: &Transaction<'_>,
    tables: Tables,
    rows: &KeyedRows<'_>,
) -> Result<(), StoreError> {
    let retracted = rows.iter().filter(|(_, movement)| movement.times_retracted);
    let (together, single): (Vec<&RowKey>, Vec<&RowKey>) = retracted
        .map(|(key, _)| key)
        .partition(|key| key.hotline_id == TOGETHER);
    if single.is_empty() {
        return Ok(());
    }
    hold_settled(transaction, tables, single.iter().chain(&together).copied()).await?;
    let of_visits = |(name, outcome): (&str, Outcome)| {
        format!(
            "greatest((SELECT max(wait_ms + coalesce(ring_ms, 0)) FROM visits v
              WHERE v.hotline_id = k.hotline_id AND v.offered_at_ms >= k.from_ms AND v.offered_at_ms < k.to_ms
                AND v.task_type = k.task_type AND (v.shard = c.shard OR c.shard = {SETTLED})
                AND v.counted AND v.outcome = {}),
             (SELECT max(p.{name}) FROM purged_longest p
              WHERE p.hotline_id = k.hotline_id AND p.interval >= k.from_ms / 900000
                AND p.interval < k.to_ms / 900000 AND p.task_type = k.task_type
                AND (p.shard = c.shard OR c.shard = {SETTLED})))",
            outcome.code()
        )
    };
    let longest = [
        ("longest_time_to_answer_ms", Outcome::Answered),
        ("longest_time_to_abandon_ms", Outcome::Abandoned),
    ];
    let longest = longest.map(of_visits);
    update(transaction, tables, &single, &longest).await?;
    let of_hotlines = |name: &str| {
        format!(
            "(SELECT max(h.{name}) FROM {counts} h
              WHERE h.{column} = c.{column} AND h.hotline_id > {TOGETHER} AND h.task_type = c.task_type
                AND (h.shard = c.shard OR c.shard = {SETTLED}))",
            counts = tables.counts,
            column = tables.column,
        )
    };
    let longest = ["longest_time_to_answer_ms", "longest_time_to_abandon_ms"].map(of_hotlines);
    update(transaction, tables, &together, &longest).await
}

/// Takes the locks of the settled rows beside these, in the order of their keys.
async fn hold_settled(
    transaction: &Transaction<'_>,
    Tables { column, counts, .. }: Tables,
    keys: impl Iterator<Item = &RowKey>,
) -> Result<(), StoreError> {
    let hold = format!(
        "SELECT FROM {counts} c
         WHERE shard = {SETTLED} AND ({column}, hotline_id, task_type) IN
             (SELECT * FROM unnest($1::int8[], $2::int4[], $3::int2[]))
         ORDER BY {column}, hotline_id, task_type FOR UPDATE OF c"
    );
    let hold = transaction.prepare_cached(&hold).await?;
    let keys = Keys::of(keys);
    let place: [&(dyn ToSql + Sync); 3] = [&keys.numbers, &keys.hotline_ids, &keys.task_types];
    transaction.query(&hold, &place).await?;
    Ok(())
}

async fn update(
    transaction: &Transaction<'_>,
    Tables { column, counts, .. }: Tables,
    keys: &[&RowKey],
    [to_answer, to_abandon]: &[String; 2],
) -> Result<(), StoreError> {
    // A settled row is there once for all shards of its key.
    let update = format!(
        "UPDATE {counts} c SET longest_time_to_answer_ms = {to_answer}, longest_time_to_abandon_ms = {to_abandon}
         FROM (SELECT number, hotline_id, task_type, shard, from_ms, to_ms
               FROM unnest($1::int8[], $2::int4[], $3::int2[], $4::int4[], $5::int8[], $6::int8[])
                   AS k (number, hotline_id, task_type, shard, from_ms, to_ms)
               UNION
               SELECT number, hotline_id, task_type, {SETTLED}, from_ms, to_ms
               FROM unnest($1::int8[], $2::int4[], $3::int2[], $4::int4[], $5::int8[], $6::int8[])
                   AS k (number, hotline_id, task_type, shard, from_ms, to_ms)) AS k
         WHERE c.{column} = k.number AND c.hotline_id = k.hotline_id AND c.task_type = k.task_type
           AND c.shard = k.shard"
    );
    let update = transaction.prepare_cached(&update).await?;
    let spans = keys.iter().map(|key| key.period.span_ms());
    let (from_ms, to_ms): (Vec<i64>, Vec<i64>) = spans.unzip();
    let keys = Keys::of(keys.iter().copied());
    let mut values = keys.columns();
    values.extend([&from_ms as &(dyn ToSql + Sync), &to_ms]);
    transaction.execute(&update, &values).await?;
    Ok(())
}
