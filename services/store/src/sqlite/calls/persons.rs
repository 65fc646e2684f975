//! Calls of a person: by number whenever they were, and which of them are restricted.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::Identity;
use rusqlite::types::ToSql;
use rusqlite::{Connection, params, params_from_iter};

use super::SqliteCalls;
use super::records::{self, DAY_MS};
use crate::StoreError;
use crate::calls::StoredCall;
use crate::packing::unknown;
use crate::persons::{CallsOfNumber, PersonCalls};
use crate::ticket_columns::time;

#[async_trait]
impl PersonCalls for SqliteCalls {
    async fn calls_by(&self, search: CallsOfNumber) -> Result<Vec<StoredCall>, StoreError> {
        self.file
            .read(move |connection| calls_by(connection, &search))
            .await
    }

    async fn count_calls_by(&self, keys: Vec<String>) -> Result<i64, StoreError> {
        self.file
            .read(move |connection| {
                let (rows, keys) = rows_of(keys);
                let count = format!("SELECT count(*) FROM ({rows})");
                let mut statement = connection.prepare_cached(&count)?;
                Ok(statement.query_row(params_from_iter(keys), |row| row.get(0))?)
            })
            .await
    }

    async fn calls_of(&self, identities: Vec<Identity>) -> Result<Vec<StoredCall>, StoreError> {
        self.file
            .read(move |connection| {
                let find = format!(
                    "{} WHERE call_row = (SELECT call_row FROM identities WHERE identity = ?1)",
                    records::select()
                );
                let mut statement = connection.prepare_cached(&find)?;
                let mut calls = Vec::new();
                for identity in identities {
                    let mut rows = statement.query([identity.0])?;
                    calls.extend(rows.next()?.map(records::read).transpose()?);
                }
                Ok(calls)
            })
            .await
    }

    async fn restrict_calls(
        &self,
        identities: Vec<Identity>,
        at: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        self.each(
            identities,
            "INSERT INTO restricted_calls (identity, since_ms) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            Some(at.timestamp_millis()),
        )
        .await
    }

    async fn lift_calls(&self, identities: Vec<Identity>) -> Result<usize, StoreError> {
        let lift = "DELETE FROM restricted_calls WHERE identity = ?1";
        self.each(identities, lift, None).await
    }

    async fn restricted(
        &self,
        after: Option<Identity>,
        most: usize,
    ) -> Result<Vec<(Identity, DateTime<Utc>)>, StoreError> {
        self.file
            .read(move |connection| {
                let mut find = connection.prepare_cached(
                    "SELECT identity, since_ms FROM restricted_calls WHERE identity > ?1 ORDER BY identity LIMIT ?2",
                )?;
                let after = after.map(|identity| identity.0.to_vec()).unwrap_or_default();
                let mut rows = find.query(params![after, most as i64])?;
                let mut found = Vec::new();
                while let Some(row) = rows.next()? {
                    found.push((Identity(row.get(0)?), time(row.get(1)?)?));
                }
                Ok(found)
            })
            .await
    }

    async fn restricted_among(&self, identities: Vec<Identity>) -> Result<BTreeSet<Identity>, StoreError> {
        self.file
            .read(move |connection| {
                let mut find = connection
                    .prepare_cached("SELECT EXISTS (SELECT 1 FROM restricted_calls WHERE identity = ?1)")?;
                let mut restricted = BTreeSet::new();
                for identity in identities {
                    if find.query_row([identity.0], |row| row.get::<_, bool>(0))? {
                        restricted.insert(identity);
                    }
                }
                Ok(restricted)
            })
            .await
    }
}

impl SqliteCalls {
    /// Runs a statement for each identity, all or none. Returns how many rows it touched.
    async fn each(
        &self,
        identities: Vec<Identity>,
        sql: &'static str,
        further: Option<i64>,
    ) -> Result<usize, StoreError> {
        self.file
            .write(move |connection| {
                let transaction = connection.transaction()?;
                let mut touched = 0;
                {
                    let mut statement = transaction.prepare_cached(sql)?;
                    for identity in &identities {
                        let mut values: Vec<&dyn ToSql> = vec![&identity.0];
                        values.extend(further.as_ref().map(|value| value as &dyn ToSql));
                        touched += statement.execute(values.as_slice())?;
                    }
                }
                transaction.commit()?;
                Ok(touched)
            })
            .await
    }
}

/// Numbers of calls, by day, and those that the house dialled.
const NUMBERS: [&str; 2] = [
    "SELECT caller_key FROM calls INDEXED BY calls_by_caller WHERE caller_key IS NOT NULL",
    "SELECT dialled_key FROM calls INDEXED BY calls_by_dialled WHERE dialled_key IS NOT NULL",
];

/// A select of the rows of a number's calls, made or dialled, each once, and its values. The index of numbers begins with the day, so each day that
/// there are calls of is looked at.
fn rows_of(keys: Vec<String>) -> (String, Vec<Box<dyn ToSql>>) {
    let places: Vec<String> = (1..=keys.len()).map(|place| format!("?{place}")).collect();
    let keys_sql = places.join(", ");
    let rows = format!(
        "SELECT call_row FROM calls WHERE caller_key IN ({keys_sql}) AND started_at_ms / {DAY_MS} IN
             (WITH RECURSIVE days (day) AS
                  (SELECT (SELECT min(started_at_ms) FROM calls) / {DAY_MS}
                   UNION ALL SELECT day + 1 FROM days
                       WHERE day < (SELECT max(started_at_ms) FROM calls) / {DAY_MS})
              SELECT day FROM days)
         UNION ALL
         SELECT call_row FROM calls WHERE caller_key IN ({keys_sql}) AND started_at_ms / {DAY_MS} IS NULL
         UNION
         SELECT call_row FROM calls WHERE dialled_key IN ({keys_sql})"
    );
    let values = keys.into_iter().map(|key| Box::new(key) as Box<dyn ToSql>);
    (rows, values.collect())
}

/// See [`crate::erasure::CallErasure::callers_that`].
pub(super) fn callers_that(
    connection: &Connection,
    is_meant: &(dyn Fn(&str) -> bool + Send + Sync),
) -> Result<BTreeSet<String>, StoreError> {
    let mut meant = BTreeSet::new();
    for numbers in NUMBERS {
        let mut statement = connection.prepare_cached(numbers)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let key = row.get_ref(0)?.as_str().map_err(|_| unknown("number"))?;
            if is_meant(key) {
                meant.insert(key.to_owned());
            }
        }
    }
    Ok(meant)
}

fn calls_by(connection: &Connection, search: &CallsOfNumber) -> Result<Vec<StoredCall>, StoreError> {
    let (rows, mut values) = rows_of(search.keys.clone());
    let mut condition = format!("c.call_row IN ({rows})");
    if let Some(after) = search.after {
        values.push(Box::new(after.started_at_ms));
        values.push(Box::new(after.identity.0));
        let last = values.len();
        condition.push_str(&format!(
            " AND (coalesce(started_at_ms, -1), identity) < (?{}, ?{last})",
            last - 1
        ));
    }
    values.push(Box::new(search.most as i64));
    let find = format!(
        "{} WHERE {condition} ORDER BY coalesce(started_at_ms, -1) DESC, identity DESC LIMIT ?{}",
        records::select(),
        values.len()
    );
    let mut statement = connection.prepare_cached(&find)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut calls = Vec::new();
    while let Some(row) = rows.next()? {
        calls.push(records::read(row)?);
    }
    Ok(calls)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_the_index_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.db");
        drop(SqliteCalls::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        for (numbers, index) in NUMBERS.into_iter().zip(["calls_by_caller", "calls_by_dialled"]) {
            let plan: String = connection
                .query_row(&format!("EXPLAIN QUERY PLAN {numbers}"), [], |row| row.get(3))
                .unwrap();
            assert!(plan.contains(&format!("COVERING INDEX {index}")), "{plan}");
        }
    }

    #[test]
    fn calls_of_a_number_are_found_by_index_whenever_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls.db");
        drop(SqliteCalls::open(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        let (rows, _) = rows_of(vec!["1".to_owned(), "2".to_owned()]);
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {rows}")).unwrap();
        let steps = statement
            .query_map(["1", "2"], |row| row.get::<_, String>(3))
            .unwrap();
        let plan = steps.map(Result::unwrap).collect::<Vec<_>>().join("; ");
        assert!(plan.contains("calls_by_caller"), "{plan}");
        assert!(plan.contains("calls_by_dialled"), "{plan}");
        assert!(
            !plan.contains("SCAN calls;") && !plan.ends_with("SCAN calls"),
            "{plan}"
        );
    }
}
