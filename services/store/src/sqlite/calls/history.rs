//! Reading rows of counts, as sums of periods.

use std::collections::HashMap;

use domain::ids::HotlineName;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::StoreError;
use crate::history::{
    FiguresVersion, History, HistoryQuery, HotlineChoice, Periods, SumKey, SumsRead, add_counts,
    count_columns,
};
use crate::periods::Tables;

/// Rows that one statement reads.
#[derive(Clone, Copy)]
enum Scope {
    /// Of all hotlines, as one.
    Together,
    /// Of every hotline.
    Each,
    /// Of one hotline: a seek for each period, past the rows of the others.
    One(i64),
}

/// See [`crate::calls::CallStore::history`].
pub(super) fn read(connection: &Connection, query: &HistoryQuery) -> Result<History, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let (scopes, names) = scopes(&snapshot, &query.hotlines)?;
    let mut sums = SumsRead::default();
    for scope in scopes {
        sums.append(read_scope(&snapshot, query.periods, scope)?);
    }
    Ok(History {
        rows: sums.finish(query.periods, &names)?,
        version: FiguresVersion::default(),
    })
}

/// What to read, and the names of the hotlines in it.
fn scopes(
    snapshot: &Transaction<'_>,
    hotlines: &HotlineChoice,
) -> Result<(Vec<Scope>, HashMap<i64, HotlineName>), StoreError> {
    match hotlines {
        HotlineChoice::Together => Ok((vec![Scope::Together], HashMap::new())),
        HotlineChoice::Each => {
            let mut statement = snapshot.prepare_cached("SELECT hotline_id, name FROM hotlines")?;
            let names = statement.query_map([], |row| {
                Ok((row.get(0)?, HotlineName::new(row.get::<_, String>(1)?)))
            })?;
            Ok((vec![Scope::Each], names.collect::<Result<_, _>>()?))
        }
        HotlineChoice::Named(wanted) => {
            let mut names = HashMap::new();
            let mut find = snapshot.prepare_cached("SELECT hotline_id FROM hotlines WHERE name = ?1")?;
            for name in wanted {
                if let Some(id) = find.query_row([name.as_str()], |row| row.get(0)).optional()? {
                    names.insert(id, name.clone());
                }
            }
            Ok((names.keys().copied().map(Scope::One).collect(), names))
        }
    }
}

fn read_scope(snapshot: &Transaction<'_>, periods: Periods, scope: Scope) -> Result<SumsRead, StoreError> {
    let Tables {
        counts, histograms, ..
    } = periods.tables();
    let mut sums = SumsRead::default();
    let mut statement =
        snapshot.prepare_cached(&select(periods.tables(), counts, &count_columns(), scope))?;
    let (from, to) = periods.numbers();
    let one = match scope {
        Scope::One(hotline_id) => hotline_id,
        Scope::Together | Scope::Each => 0,
    };
    let mut rows = statement.query(params![from, to, one])?;
    while let Some(row) = rows.next()? {
        let tally = sums.of_counts(key(row)?);
        add_counts(tally, |place| row.get(3 + place), |place| row.get(3 + place))?;
    }
    let mut statement =
        snapshot.prepare_cached(&select(periods.tables(), histograms, "kind, bin, visits", scope))?;
    let mut rows = statement.query(params![from, to, one])?;
    while let Some(row) = rows.next()? {
        sums.add_bin(key(row)?, (row.get(3)?, row.get(4)?), row.get(5)?)?;
    }
    Ok(sums)
}

fn key(row: &Row<'_>) -> Result<SumKey, StoreError> {
    Ok(SumKey {
        number: row.get(0)?,
        hotline_id: row.get(1)?,
        task_type: row.get(2)?,
    })
}

/// Rows in the order of period, hotline and task type; ?1 and ?2 are the periods, ?3 is the hotline of one.
fn select(Tables { column, .. }: Tables, table: &str, columns: &str, scope: Scope) -> String {
    let all = "AND ?3 = 0 ORDER BY 1, 2, 3";
    match scope {
        Scope::Together => format!(
            "SELECT {column}, 0, task_type, {columns} FROM {table} WHERE {column} >= ?1 AND {column} < ?2 {all}"
        ),
        Scope::Each => format!(
            "SELECT {column}, hotline_id, task_type, {columns} FROM {table}
             WHERE {column} >= ?1 AND {column} < ?2 {all}"
        ),
        Scope::One(_) => format!(
            "WITH RECURSIVE periods (number) AS
                 (SELECT ?1 WHERE ?1 < ?2 UNION ALL SELECT number + 1 FROM periods WHERE number + 1 < ?2)
             SELECT {column}, hotline_id, task_type, {columns}
             FROM periods CROSS JOIN {table} ON {column} = number AND hotline_id = ?3 ORDER BY 1, 2, 3"
        ),
    }
}
