//! Reading rows of counts, as sums of periods.

use std::collections::HashMap;

use deadpool_postgres::{Object, Transaction};
use domain::ids::HotlineName;
use futures::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

use super::super::values::text;
use super::changes;
use crate::StoreError;
use crate::calls::{DayRange, GroupTally};
use crate::history::{
    CountRow, GroupSums, History, HistoryQuery, HotlineChoice, PeriodSums, Periods, SumKey, Sums, add_counts,
    count_columns,
};
use crate::periods::{TOGETHER, Tables};

/// Which rows.
enum Scope {
    /// Of every hotline.
    Each,
    /// Of these: a seek for each period and hotline, past the rows of the others.
    These(Vec<i32>),
}

/// See [`crate::calls::CallStore::history`].
pub(super) async fn read(client: &mut Object, query: &HistoryQuery) -> Result<History, StoreError> {
    read_in(&begin(client).await?, query).await
}

/// The same within a transaction of one snapshot.
pub(super) async fn read_in(snapshot: &Transaction<'_>, query: &HistoryQuery) -> Result<History, StoreError> {
    let (scope, names) = scope(snapshot, &query.hotlines).await?;
    let mut sums = PeriodSums::default();
    read_scope(snapshot, query.periods, &scope, &mut sums).await?;
    Ok(History {
        rows: sums.finish(query.periods, &names)?,
        version: changes::version(snapshot).await?,
    })
}

/// See [`crate::calls::CallStore::day_totals`].
pub(super) async fn day_totals(client: &mut Object, days: DayRange) -> Result<Vec<GroupTally>, StoreError> {
    let snapshot = begin(client).await?;
    let (scope, names) = scope(&snapshot, &HotlineChoice::Each).await?;
    let mut sums = GroupSums::default();
    read_scope(&snapshot, Periods::Days(days), &scope, &mut sums).await?;
    sums.finish(&names)
}

/// Everything is read in one snapshot.
async fn begin(client: &mut Object) -> Result<Transaction<'_>, StoreError> {
    let builder = client.build_transaction();
    let builder = builder.isolation_level(IsolationLevel::RepeatableRead);
    Ok(builder.read_only(true).start().await?)
}

/// What to read, and the names of the hotlines in it.
async fn scope(
    snapshot: &Transaction<'_>,
    hotlines: &HotlineChoice,
) -> Result<(Scope, HashMap<i64, HotlineName>), StoreError> {
    let numbered = |row: &Row| {
        (
            i64::from(row.get::<_, i32>(0)),
            HotlineName::new(row.get::<_, &str>(1)),
        )
    };
    match hotlines {
        HotlineChoice::Together => Ok((Scope::These(vec![TOGETHER]), HashMap::new())),
        HotlineChoice::Each => {
            let all = snapshot.prepare_cached("SELECT id, name FROM hotlines").await?;
            let names = snapshot.query(&all, &[]).await?;
            Ok((Scope::Each, names.iter().map(numbered).collect()))
        }
        HotlineChoice::Named(wanted) => {
            let wanted: Vec<_> = wanted.iter().map(|name| text(name.as_str())).collect();
            let find = snapshot
                .prepare_cached("SELECT id, name FROM hotlines WHERE name = ANY($1)")
                .await?;
            let names = snapshot.query(&find, &[&wanted]).await?;
            let ids = names.iter().map(|row| row.get(0)).collect();
            Ok((Scope::These(ids), names.iter().map(numbered).collect()))
        }
    }
}

async fn read_scope(
    snapshot: &Transaction<'_>,
    periods: Periods,
    scope: &Scope,
    sums: &mut impl Sums,
) -> Result<(), StoreError> {
    let tables = periods.tables();
    let (from, to) = periods.numbers();
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![&from, &to];
    if let Scope::These(ids) = scope {
        values.push(ids);
    }
    let statement = select(tables, tables.counts, &count_columns(), scope);
    let statement = snapshot.prepare_cached(&statement).await?;
    let mut rows = Box::pin(snapshot.query_raw(&statement, values.iter().copied()).await?);
    while let Some(row) = rows.try_next().await? {
        add_counts(sums.of_counts(key(&row)?), &row)?;
    }
    let statement = select(tables, tables.histograms, "kind, bin, visits", scope);
    let statement = snapshot.prepare_cached(&statement).await?;
    let mut rows = Box::pin(snapshot.query_raw(&statement, values.iter().copied()).await?);
    while let Some(row) = rows.try_next().await? {
        sums.add_bin(key(&row)?, (row.try_get(3)?, row.try_get(4)?), row.try_get(5)?)?;
    }
    Ok(())
}

/// Period, hotline and task type: the first columns of a row.
pub(super) fn key(row: &Row) -> Result<SumKey, StoreError> {
    Ok(SumKey {
        number: row.try_get(0)?,
        hotline_id: row.try_get::<_, i32>(1)?.into(),
        task_type: row.try_get(2)?,
    })
}

/// Counts stand after the key.
const KEY: usize = 3;

impl CountRow for Row {
    fn figure(&self, place: usize) -> Result<i64, StoreError> {
        Ok(self.try_get(KEY + place)?)
    }

    fn longest_ms(&self, place: usize) -> Result<Option<i64>, StoreError> {
        Ok(self.try_get(KEY + place)?)
    }

    fn histograms(&self, place: usize) -> Result<Option<&[u8]>, StoreError> {
        Ok(self.try_get(KEY + place)?)
    }
}

/// Rows in the order of period, hotline and task type; $1 and $2 are the periods, $3 the hotlines if some are named.
fn select(Tables { column, .. }: Tables, table: &str, columns: &str, scope: &Scope) -> String {
    match scope {
        Scope::Each => format!(
            "SELECT {column}, hotline_id, task_type, {columns} FROM {table}
             WHERE {column} >= $1 AND {column} < $2 AND hotline_id > {TOGETHER}
             ORDER BY {column}, hotline_id, task_type"
        ),
        // Without OFFSET the planner may read every row between the first period and the last.
        Scope::These(_) => format!(
            "SELECT rows.* FROM generate_series($1::int8, $2::int8 - 1) AS period (number)
             CROSS JOIN unnest($3::int4[]) AS named (id)
             CROSS JOIN LATERAL (SELECT {column}, hotline_id, task_type, {columns} FROM {table}
                                 WHERE {column} = number AND hotline_id = id OFFSET 0) AS rows
             ORDER BY 1, 2, 3"
        ),
    }
}
