//! Reading rows of counts, as sums of periods.

use std::collections::HashMap;

use deadpool_postgres::{Object, Transaction};
use domain::ids::HotlineName;
use futures::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

use super::super::values::text;
use crate::StoreError;
use crate::history::{
    FiguresVersion, History, HistoryQuery, HotlineChoice, Periods, SumKey, SumsRead, add_counts,
    count_columns,
};
use crate::periods::Tables;

/// Which rows.
enum Scope {
    /// Of all hotlines, as one.
    Together,
    /// Of every hotline.
    Each,
    /// Of these: a seek for each period and hotline, past the rows of the others.
    These(Vec<i32>),
}

/// See [`crate::calls::CallStore::history`].
pub(super) async fn read(client: &mut Object, query: &HistoryQuery) -> Result<History, StoreError> {
    let snapshot = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let (scope, names) = scope(&snapshot, &query.hotlines).await?;
    let sums = read_scope(&snapshot, query.periods, &scope).await?;
    Ok(History {
        rows: sums.finish(query.periods, &names)?,
        version: FiguresVersion::default(),
    })
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
        HotlineChoice::Together => Ok((Scope::Together, HashMap::new())),
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
) -> Result<SumsRead, StoreError> {
    let Tables {
        counts, histograms, ..
    } = periods.tables();
    let (from, to) = periods.numbers();
    let none = Vec::new();
    let these = match scope {
        Scope::These(ids) => ids,
        Scope::Together | Scope::Each => &none,
    };
    let values: [&(dyn ToSql + Sync); 3] = [&from, &to, these];
    let mut sums = SumsRead::default();
    let select_counts = select(periods.tables(), counts, &count_columns(), scope);
    let statement = snapshot.prepare_cached(&select_counts).await?;
    let rows = snapshot.query_raw(&statement, values).await?;
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await? {
        let tally = sums.of_counts(key(&row)?);
        add_counts(
            tally,
            |place| row.try_get(3 + place),
            |place| row.try_get(3 + place),
        )?;
    }
    let select_bins = select(periods.tables(), histograms, "kind, bin, visits", scope);
    let statement = snapshot.prepare_cached(&select_bins).await?;
    let rows = snapshot.query_raw(&statement, values).await?;
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await? {
        sums.add_bin(key(&row)?, (row.try_get(3)?, row.try_get(4)?), row.try_get(5)?)?;
    }
    Ok(sums)
}

fn key(row: &Row) -> Result<SumKey, StoreError> {
    Ok(SumKey {
        number: row.try_get(0)?,
        hotline_id: row.try_get::<_, i32>(1)?.into(),
        task_type: row.try_get(2)?,
    })
}

/// Rows in the order of period, hotline and task type; $1 and $2 are the periods, $3 are the hotlines if some are named.
fn select(Tables { column, .. }: Tables, table: &str, columns: &str, scope: &Scope) -> String {
    let all = "AND cardinality($3::int4[]) = 0 ORDER BY 1, 2, 3";
    match scope {
        Scope::Together => format!(
            "SELECT {column}, 0::int4, task_type, {columns} FROM {table}
             WHERE {column} >= $1 AND {column} < $2 {all}"
        ),
        Scope::Each => format!(
            "SELECT {column}, hotline_id, task_type, {columns} FROM {table}
             WHERE {column} >= $1 AND {column} < $2 {all}"
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
