//! The access log.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::types::Value;
use rusqlite::{Row, params, params_from_iter};

use super::SqliteAccess;
use crate::StoreError;
use crate::access_log::{
    Access, AccessCount, AccessFilter, AccessLogStore, GOOD, NetworkCount, NotedAccess, counted, day,
};
use crate::clocks::{ACCESSES, BETWEEN_RUNS};
use crate::sqlite::tallies;
use crate::users::time;

#[async_trait]
impl AccessLogStore for SqliteAccess {
    async fn note_accesses(&self, accesses: Vec<Access>) -> Result<(), StoreError> {
        self.unit(move |transaction| {
            let mut insert = transaction.prepare_cached(
                "INSERT INTO access_log (at_ms, resource, action, outcome, bytes, address, network, client)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?;
            for access in &accesses {
                insert.execute(params![
                    access.at.timestamp_millis(),
                    access.resource,
                    access.action,
                    access.outcome,
                    access.bytes,
                    access.address,
                    access.network,
                    access.client,
                ])?;
            }
            let mut count = transaction.prepare_cached(
                "INSERT INTO access_counts (day, resource, action, outcome, accesses, bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (day, resource, action, outcome)
                 DO UPDATE SET accesses = accesses + excluded.accesses, bytes = bytes + excluded.bytes",
            )?;
            for ((day, resource, action, outcome), (number, bytes)) in counted(&accesses) {
                count.execute(params![day, resource, action, outcome, number, bytes])?;
            }
            Ok(())
        })
        .await
    }

    async fn accesses(&self, filter: AccessFilter) -> Result<Vec<NotedAccess>, StoreError> {
        self.query(move |connection| {
            let mut values: Vec<Value> = vec![filter.from.timestamp_millis().into()];
            let mut conditions = vec!["at_ms >= ?1".to_owned()];
            let mut add = |condition: &str, value: Option<Value>| {
                if let Some(value) = value {
                    values.push(value);
                    conditions.push(format!("{condition} ?{}", values.len()));
                }
            };
            add("at_ms <", filter.to.map(|to| to.timestamp_millis().into()));
            add("resource =", filter.resource.map(Into::into));
            add("outcome =", filter.outcome.map(Into::into));
            add("number <", filter.before.map(Into::into));
            values.push((filter.most as i64).into());
            let sql = format!(
                "SELECT number, at_ms, resource, action, outcome, bytes, address, network, client FROM access_log
                 WHERE {} ORDER BY number DESC LIMIT ?{}",
                conditions.join(" AND "),
                values.len()
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let accesses = statement.query_map(params_from_iter(values), read)?;
            Ok(accesses.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn access_counts(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        most: usize,
    ) -> Result<Vec<AccessCount>, StoreError> {
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT day, resource, action, outcome, accesses, bytes FROM access_counts
                 WHERE day >= ?1 AND day < ?2 ORDER BY day, resource, action, outcome LIMIT ?3",
            )?;
            let mut rows = statement.query(params![from.to_string(), to.to_string(), most as i64])?;
            let mut counts = Vec::new();
            while let Some(row) = rows.next()? {
                counts.push(AccessCount {
                    day: day(&row.get::<_, String>(0)?)?,
                    resource: row.get(1)?,
                    action: row.get(2)?,
                    outcome: row.get(3)?,
                    accesses: row.get(4)?,
                    bytes: row.get(5)?,
                });
            }
            Ok(counts)
        })
        .await
    }

    async fn access_networks(
        &self,
        from: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<NetworkCount>, StoreError> {
        self.query(move |connection| {
            let sql = format!(
                "SELECT network, count(*), count(*) FILTER (WHERE outcome NOT IN ({GOOD})) FROM access_log
                 WHERE at_ms >= ?1 GROUP BY network ORDER BY count(*) DESC, network LIMIT ?2"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let counts = statement.query_map(params![from.timestamp_millis(), most as i64], |row| {
                Ok(NetworkCount {
                    network: row.get(0)?,
                    accesses: row.get(1)?,
                    refused: row.get(2)?,
                })
            })?;
            Ok(counts.collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn forget_accesses(&self, before: DateTime<Utc>, most: usize) -> Result<u64, StoreError> {
        self.unit(move |transaction| {
            let mut delete = transaction.prepare_cached(
                "DELETE FROM access_log WHERE number IN
                 (SELECT number FROM access_log WHERE at_ms < ?1 LIMIT ?2)",
            )?;
            let gone = delete.execute(params![before.timestamp_millis(), most as i64])?;
            tallies::add(transaction, BETWEEN_RUNS, ACCESSES, gone)?;
            Ok(gone as u64)
        })
        .await
    }

    async fn wipe_accesses(&self) -> Result<(), StoreError> {
        self.file.write(|connection| tallies::empty_log(connection)).await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<NotedAccess> {
    Ok(NotedAccess {
        number: row.get(0)?,
        access: Access {
            at: time(row.get(1)?),
            resource: row.get(2)?,
            action: row.get(3)?,
            outcome: row.get(4)?,
            bytes: row.get(5)?,
            address: row.get(6)?,
            network: row.get(7)?,
            client: row.get(8)?,
        },
    })
}
