//! Reading rows of counts, as sums of periods.

use std::collections::HashMap;

use domain::ids::HotlineName;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::changes;
use crate::StoreError;
use crate::calls::{DayRange, GroupTally};
use crate::history::{
    CountRow, GroupSums, History, HistoryQuery, HotlineChoice, PeriodSums, Periods, SumKey, Sums, add_counts,
    count_columns,
};
use crate::periods::{TOGETHER, Tables};

/// Rows that one statement reads.
#[derive(Clone, Copy)]
enum Scope {
    /// Of every hotline.
    Each,
    /// Of one hotline: a seek for each period, past the rows of the others.
    One(i64),
}

/// See [`crate::calls::CallStore::history`].
pub(super) fn read(connection: &Connection, query: &HistoryQuery) -> Result<History, StoreError> {
    read_in(&connection.unchecked_transaction()?, query)
}

/// The same within a transaction.
pub(super) fn read_in(snapshot: &Transaction<'_>, query: &HistoryQuery) -> Result<History, StoreError> {
    let (scopes, names) = scopes(snapshot, &query.hotlines)?;
    let mut sums = PeriodSums::default();
    for scope in scopes {
        let mut read = PeriodSums::default();
        read_scope(snapshot, query.periods, scope, &mut read)?;
        sums.append(read);
    }
    Ok(History {
        rows: sums.finish(query.periods, &names)?,
        version: changes::version(snapshot)?,
    })
}

/// See [`crate::calls::CallStore::day_totals`].
pub(super) fn day_totals(connection: &Connection, days: DayRange) -> Result<Vec<GroupTally>, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let (_, names) = scopes(&snapshot, &HotlineChoice::Each)?;
    let mut sums = GroupSums::default();
    read_scope(&snapshot, Periods::Days(days), Scope::Each, &mut sums)?;
    sums.finish(&names)
}

/// What to read, and the names of the hotlines in it.
fn scopes(
    snapshot: &Transaction<'_>,
    hotlines: &HotlineChoice,
) -> Result<(Vec<Scope>, HashMap<i64, HotlineName>), StoreError> {
    match hotlines {
        HotlineChoice::Together => Ok((vec![Scope::One(TOGETHER.into())], HashMap::new())),
        HotlineChoice::Each => {
            let mut statement =
                snapshot.prepare_cached("SELECT hotline_id, name FROM hotlines WHERE hotline_id > 0")?;
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

fn read_scope(
    snapshot: &Transaction<'_>,
    periods: Periods,
    scope: Scope,
    sums: &mut impl Sums,
) -> Result<(), StoreError> {
    let tables = periods.tables();
    let (from, to) = periods.numbers();
    let least_id = match scope {
        Scope::One(hotline_id) => hotline_id,
        Scope::Each => 1,
    };
    let mut statement = snapshot.prepare_cached(&select(tables, tables.counts, &count_columns(), scope))?;
    let mut rows = statement.query(params![from, to, least_id])?;
    while let Some(row) = rows.next()? {
        add_counts(sums.of_counts(key(row)?), row)?;
    }
    let mut statement =
        snapshot.prepare_cached(&select(tables, tables.histograms, "kind, bin, visits", scope))?;
    let mut rows = statement.query(params![from, to, least_id])?;
    while let Some(row) = rows.next()? {
        sums.add_bin(key(row)?, (row.get(3)?, row.get(4)?), row.get(5)?)?;
    }
    Ok(())
}

/// Period, hotline and task type: the first columns of a row.
pub(super) fn key(row: &Row<'_>) -> Result<SumKey, StoreError> {
    Ok(SumKey {
        number: row.get(0)?,
        hotline_id: row.get(1)?,
        task_type: row.get(2)?,
    })
}

/// Counts stand after the key.
const KEY: usize = 3;

impl CountRow for Row<'_> {
    fn figure(&self, place: usize) -> Result<i64, StoreError> {
        Ok(self.get(KEY + place)?)
    }

    fn longest_ms(&self, place: usize) -> Result<Option<i64>, StoreError> {
        Ok(self.get(KEY + place)?)
    }

    fn histograms(&self, place: usize) -> Result<Option<&[u8]>, StoreError> {
        let value = self.get_ref(KEY + place)?.as_blob_or_null();
        value.map_err(|error| StoreError::Unusable(error.to_string()))
    }
}

/// Rows in the order of period, hotline and task type; ?1 and ?2 are the periods, ?3 is the hotline, or the least one.
fn select(Tables { column, .. }: Tables, table: &str, columns: &str, scope: Scope) -> String {
    match scope {
        Scope::Each => format!(
            "SELECT {column}, hotline_id, task_type, {columns} FROM {table}
             WHERE {column} >= ?1 AND {column} < ?2 AND hotline_id >= ?3
             ORDER BY {column}, hotline_id, task_type"
        ),
        Scope::One(_) => format!(
            "WITH RECURSIVE periods (number) AS
                 (SELECT ?1 WHERE ?1 < ?2 UNION ALL SELECT number + 1 FROM periods WHERE number + 1 < ?2)
             SELECT {column}, hotline_id, task_type, {columns}
             FROM periods CROSS JOIN {table} ON {column} = number AND hotline_id = ?3"
        ),
    }
}
