//! Rows of counts: adding movements to them, and reading sums.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::counts::{Figure, HistogramKind, Movement, Movements, Tally};
use tokio_postgres::types::ToSql;

use super::super::values::partition_column;
use super::names::Numbers;
use super::{changes, longest};
use crate::StoreError;
use crate::periods::{self, PeriodStart, RowMovement, TOGETHER, Tables};

/// A row of counts that moves. Rows are written in the order of their keys, so that transactions that move the same
/// rows wait, and do not block each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowKey {
    pub(super) period: PeriodStart,
    pub(super) hotline_id: i32,
    pub(super) task_type: i16,
    pub(super) shard: i32,
}

pub(super) type KeyedRows<'a> = BTreeMap<RowKey, Cow<'a, Movement>>;

/// Adds movements, by shard. The visits must have been written already.
pub(super) async fn write(
    transaction: &Transaction<'_>,
    hotlines: &Numbers,
    movements: &BTreeMap<u32, Movements>,
    changed_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut rows = KeyedRows::new();
    for (shard, movements) in movements {
        let shard = partition_column(*shard)?;
        for RowMovement {
            period,
            hotline,
            task_type,
            movement,
        } in periods::rows(movements)
        {
            let hotline_id = hotline.map(|hotline| hotlines.of(hotline.as_str())).transpose()?;
            let key = RowKey {
                period,
                hotline_id: hotline_id.unwrap_or(TOGETHER),
                task_type: task_type.code(),
                shard,
            };
            match rows.entry(key) {
                Entry::Vacant(row) => drop(row.insert(movement)),
                // Two names that PostgreSQL cannot tell apart.
                Entry::Occupied(mut row) => {
                    let row = row.get_mut().to_mut();
                    row.difference.merge(&movement.difference);
                    row.times_retracted |= movement.times_retracted;
                }
            }
        }
    }
    let first_day = rows.keys().find(|key| matches!(key.period, PeriodStart::Day(_)));
    let days = match first_day.copied() {
        Some(first_day) => rows.split_off(&first_day),
        None => KeyedRows::new(),
    };
    write_rows(transaction, Tables::INTERVALS, &rows).await?;
    write_rows(transaction, Tables::DAYS, &days).await?;
    changes::append(transaction, &rows, changed_at).await
}

/// The columns of keys, as arrays.
#[derive(Default)]
pub(super) struct Keys {
    pub(super) numbers: Vec<i64>,
    pub(super) hotline_ids: Vec<i32>,
    pub(super) task_types: Vec<i16>,
    pub(super) shards: Vec<i32>,
}

impl Keys {
    pub(super) fn of<'a>(keys: impl Iterator<Item = &'a RowKey>) -> Self {
        let mut columns = Self::default();
        for key in keys {
            columns.numbers.push(key.period.number());
            columns.hotline_ids.push(key.hotline_id);
            columns.task_types.push(key.task_type);
            columns.shards.push(key.shard);
        }
        columns
    }

    pub(super) fn columns(&self) -> Vec<&(dyn ToSql + Sync)> {
        vec![&self.numbers, &self.hotline_ids, &self.task_types, &self.shards]
    }
}

async fn write_rows(
    transaction: &Transaction<'_>,
    tables: Tables,
    rows: &KeyedRows<'_>,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let keys = Keys::of(rows.keys());
    let column = |figure: &Figure| -> Vec<i64> {
        rows.values()
            .map(|movement| movement.difference.counts.get(*figure))
            .collect()
    };
    let figures: Vec<Vec<i64>> = Figure::ALL.iter().map(column).collect();
    let longest = |of: fn(&Tally) -> Option<i64>| -> Vec<Option<i64>> {
        rows.values().map(|movement| of(&movement.difference)).collect()
    };
    let to_answer = longest(|tally| tally.longest_time_to_answer_ms);
    let to_abandon = longest(|tally| tally.longest_time_to_abandon_ms);
    let mut values = keys.columns();
    values.extend(figures.iter().map(|figure| figure as &(dyn ToSql + Sync)));
    values.push(&to_answer);
    values.push(&to_abandon);
    let upsert = transaction.prepare_cached(&upsert(tables)).await?;
    transaction.execute(&upsert, &values).await?;
    write_histograms(transaction, tables, rows).await?;
    longest::read_again(transaction, tables, rows).await
}

async fn write_histograms(
    transaction: &Transaction<'_>,
    Tables {
        column, histograms, ..
    }: Tables,
    rows: &KeyedRows<'_>,
) -> Result<(), StoreError> {
    let (mut keys, mut kinds, mut edges, mut visits) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (key, movement) in rows {
        for kind in HistogramKind::ALL {
            for (bin, count) in movement.difference.histogram(kind).bins() {
                keys.push(key);
                kinds.push(kind.code());
                edges.push(bin.edge_seconds());
                visits.push(count);
            }
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    let keys = Keys::of(keys.into_iter());
    let mut values = keys.columns();
    values.extend([&kinds as &(dyn ToSql + Sync), &edges, &visits]);
    let upsert = format!(
        "INSERT INTO {histograms} AS h ({column}, hotline_id, task_type, shard, kind, bin, visits)
         SELECT * FROM unnest($1::int8[], $2::int4[], $3::int2[], $4::int4[], $5::int2[], $6::int2[], $7::int8[])
         ON CONFLICT ({column}, hotline_id, task_type, kind, bin, shard)
         DO UPDATE SET visits = h.visits + excluded.visits"
    );
    let upsert = transaction.prepare_cached(&upsert).await?;
    transaction.execute(&upsert, &values).await?;
    Ok(())
}

/// Adds to rows of counts: columns of keys, figures and longest times.
pub(super) fn upsert(Tables { column, counts, .. }: Tables) -> String {
    let names: Vec<&str> = Figure::ALL.iter().map(|figure| figure.name()).collect();
    let longest = ["longest_time_to_answer_ms", "longest_time_to_abandon_ms"];
    let arrays: Vec<String> = (5..5 + names.len() + longest.len())
        .map(|place| format!("${place}::int8[]"))
        .collect();
    let sums = names
        .iter()
        .map(|name| format!("{name} = c.{name} + excluded.{name}"));
    let maxima = longest
        .iter()
        .map(|name| format!("{name} = greatest(c.{name}, excluded.{name})"));
    let updates: Vec<String> = sums.chain(maxima).collect();
    format!(
        "INSERT INTO {counts} AS c ({column}, hotline_id, task_type, shard, {}, {})
         SELECT * FROM unnest($1::int8[], $2::int4[], $3::int2[], $4::int4[], {})
         ON CONFLICT ({column}, hotline_id, task_type, shard) DO UPDATE SET {}",
        names.join(", "),
        longest.join(", "),
        arrays.join(", "),
        updates.join(", ")
    )
}

/// See [`crate::calls::CallStore::imbalance`].
pub(super) async fn imbalance(client: &Object) -> Result<i64, StoreError> {
    let row = client
        .query_one(
            "SELECT count(*) FROM (
                 SELECT 1 FROM day_counts GROUP BY day, hotline_id, task_type
                 HAVING sum(offered) <> sum(answered + abandoned + overflowed + diverted + unresolved + waiting)) rows",
            &[],
        )
        .await?;
    Ok(row.get(0))
}
