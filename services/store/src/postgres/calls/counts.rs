//! Rows of counts: adding movements to them, and reading sums.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use deadpool_postgres::{Object, Transaction};
use domain::counts::{Counts, Figure, HistogramKind, Movement, Movements, Tally};
use domain::ids::HotlineName;
use domain::local_time;
use domain::record::TaskType;
use domain::visit::Outcome;
use tokio_postgres::IsolationLevel;
use tokio_postgres::types::ToSql;

use super::super::values::partition_column;
use super::names::Numbers;
use crate::StoreError;
use crate::calls::{DayRange, GroupTally};
use crate::periods::{self, PeriodStart, RowMovement, Tables, group};

/// A row of counts that moves. Rows are written in the order of their keys, so that transactions that move the same
/// rows wait, and do not block each other.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct RowKey {
    period: PeriodStart,
    hotline_id: i32,
    task_type: i16,
    shard: i32,
}

type KeyedRows<'a> = BTreeMap<RowKey, std::borrow::Cow<'a, Movement>>;

/// Adds movements, by shard. The visits must have been written already.
pub(super) async fn write(
    transaction: &Transaction<'_>,
    hotlines: &Numbers,
    movements: &BTreeMap<u32, Movements>,
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
            let key = RowKey {
                period,
                hotline_id: hotlines.of(hotline.as_str())?,
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
    let first_day = |key: &RowKey| matches!(key.period, PeriodStart::Day(_));
    let at = rows
        .keys()
        .find(|key| first_day(key))
        .map(|key| RowKey { ..*key });
    let days = at.map(|at| rows.split_off(&at)).unwrap_or_default();
    write_rows(transaction, Tables::INTERVALS, &rows).await?;
    write_rows(transaction, Tables::DAYS, &days).await
}

/// The columns of keys, as arrays.
struct Keys {
    numbers: Vec<i64>,
    hotline_ids: Vec<i32>,
    task_types: Vec<i16>,
    shards: Vec<i32>,
}

impl Keys {
    fn of<'a>(keys: impl Iterator<Item = &'a RowKey>) -> Self {
        let mut columns = Self {
            numbers: Vec::new(),
            hotline_ids: Vec::new(),
            task_types: Vec::new(),
            shards: Vec::new(),
        };
        for key in keys {
            columns.numbers.push(key.period.number());
            columns.hotline_ids.push(key.hotline_id);
            columns.task_types.push(key.task_type);
            columns.shards.push(key.shard);
        }
        columns
    }

    fn columns(&self) -> Vec<&(dyn ToSql + Sync)> {
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
    read_longest_again(transaction, tables, rows).await
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

/// Times were taken away, and they may have been the longest: the visits know. The rows are held since their counts
/// were written; this statement, being a later one, sees the visits of whoever held them before.
async fn read_longest_again(
    transaction: &Transaction<'_>,
    Tables { column, counts, .. }: Tables,
    rows: &KeyedRows<'_>,
) -> Result<(), StoreError> {
    let retracted = || rows.iter().filter(|(_, movement)| movement.times_retracted);
    if retracted().next().is_none() {
        return Ok(());
    }
    let keys = Keys::of(retracted().map(|(key, _)| key));
    let spans = retracted().map(|(key, _)| key.period.span_ms());
    let (from_ms, to_ms): (Vec<i64>, Vec<i64>) = spans.unzip();
    let longest = |outcome: Outcome| {
        format!(
            "(SELECT max(wait_ms + coalesce(ring_ms, 0)) FROM visits v
              WHERE v.hotline_id = k.hotline_id AND v.offered_at_ms >= k.from_ms AND v.offered_at_ms < k.to_ms
                AND v.task_type = k.task_type AND v.shard = k.shard AND v.counted AND v.outcome = {})",
            outcome.code()
        )
    };
    let update = format!(
        "UPDATE {counts} c SET longest_time_to_answer_ms = {}, longest_time_to_abandon_ms = {}
         FROM unnest($1::int8[], $2::int4[], $3::int2[], $4::int4[], $5::int8[], $6::int8[])
             AS k (number, hotline_id, task_type, shard, from_ms, to_ms)
         WHERE c.{column} = k.number AND c.hotline_id = k.hotline_id AND c.task_type = k.task_type
           AND c.shard = k.shard",
        longest(Outcome::Answered),
        longest(Outcome::Abandoned)
    );
    let update = transaction.prepare_cached(&update).await?;
    let mut values = keys.columns();
    values.extend([&from_ms as &(dyn ToSql + Sync), &to_ms]);
    transaction.execute(&update, &values).await?;
    Ok(())
}

fn upsert(Tables { column, counts, .. }: Tables) -> String {
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

/// See [`crate::calls::CallStore::day_totals`].
pub(super) async fn day_totals(client: &mut Object, days: DayRange) -> Result<Vec<GroupTally>, StoreError> {
    let (from, to) = (local_time::day_number(days.from), local_time::day_number(days.to));
    let sums: Vec<String> = Figure::ALL
        .iter()
        .map(|figure| format!("sum({})::int8", figure.name()))
        .collect();
    // One snapshot for counts and histograms.
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let statement = transaction
        .prepare_cached(&format!(
            "SELECT name, task_type, max(longest_time_to_answer_ms), max(longest_time_to_abandon_ms), {}
             FROM day_counts JOIN hotlines ON id = hotline_id WHERE day >= $1 AND day < $2 GROUP BY name, task_type",
            sums.join(", ")
        ))
        .await?;
    let mut groups: BTreeMap<(HotlineName, TaskType), Tally> = BTreeMap::new();
    for row in transaction.query(&statement, &[&from, &to]).await? {
        let mut tally = Tally {
            counts: Counts::default(),
            longest_time_to_answer_ms: row.get(2),
            longest_time_to_abandon_ms: row.get(3),
            ..Tally::default()
        };
        for (place, figure) in Figure::ALL.iter().enumerate() {
            tally.counts.add(*figure, row.get(4 + place));
        }
        groups.insert(group(row.get(0), row.get(1))?, tally);
    }
    let statement = transaction
        .prepare_cached(
            "SELECT name, task_type, kind, bin, sum(visits)::int8 FROM day_histograms JOIN hotlines ON id = hotline_id
             WHERE day >= $1 AND day < $2 GROUP BY name, task_type, kind, bin",
        )
        .await?;
    for row in transaction.query(&statement, &[&from, &to]).await? {
        let (kind, bin) = periods::bin(row.get(2), row.get(3))?;
        let tally = groups.entry(group(row.get(0), row.get(1))?).or_default();
        tally.histogram_mut(kind).add(bin, row.get(4));
    }
    let groups = groups.into_iter().filter(|(_, tally)| !tally.counts.is_zero());
    Ok(groups
        .map(|((hotline, task_type), tally)| GroupTally {
            hotline,
            task_type,
            tally,
        })
        .collect())
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
