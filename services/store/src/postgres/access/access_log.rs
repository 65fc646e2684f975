//! The access log.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::values::{limit, text};
use super::super::{scrub, tallies};
use super::retention::TALLIES;
use super::{PostgresAccess, begin};
use crate::StoreError;
use crate::access_log::{
    Access, AccessCount, AccessFilter, AccessLogStore, GOOD, NetworkCount, NotedAccess, counted, day,
};
use crate::clocks::{ACCESSES, BETWEEN_RUNS};
use crate::users::time;

#[async_trait]
impl AccessLogStore for PostgresAccess {
    async fn note_accesses(&self, accesses: Vec<Access>) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let insert = transaction
            .prepare_cached(
                "INSERT INTO access_log (at_ms, resource, action, outcome, bytes, address, network, client)
                 SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[],
                                      $7::text[], $8::text[])",
            )
            .await?;
        let column = |of: fn(&Access) -> &String| -> Vec<String> {
            accesses
                .iter()
                .map(|access| text(of(access)).into_owned())
                .collect()
        };
        let times: Vec<i64> = accesses
            .iter()
            .map(|access| access.at.timestamp_millis())
            .collect();
        let bytes: Vec<i64> = accesses.iter().map(|access| access.bytes).collect();
        transaction
            .execute(
                &insert,
                &[
                    &times,
                    &column(|access| &access.resource),
                    &column(|access| &access.action),
                    &column(|access| &access.outcome),
                    &bytes,
                    &column(|access| &access.address),
                    &column(|access| &access.network),
                    &column(|access| &access.client),
                ],
            )
            .await?;
        // In the order of the key, so that two nodes never wait for each other in turn.
        let count = transaction
            .prepare_cached(
                "INSERT INTO access_counts AS known (day, resource, action, outcome, accesses, bytes)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (day, resource, action, outcome)
                 DO UPDATE SET accesses = known.accesses + excluded.accesses, bytes = known.bytes + excluded.bytes",
            )
            .await?;
        for ((day, resource, action, outcome), (number, bytes)) in counted(&accesses) {
            let values: [&(dyn ToSql + Sync); 6] = [&day, &resource, &action, &outcome, &number, &bytes];
            transaction.execute(&count, &values).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn accesses(&self, filter: AccessFilter) -> Result<Vec<NotedAccess>, StoreError> {
        let mut values: Vec<Box<dyn ToSql + Sync + Send>> = vec![Box::new(filter.from.timestamp_millis())];
        let mut conditions = vec!["at_ms >= $1".to_owned()];
        let mut add = |condition: &str, value: Option<Box<dyn ToSql + Sync + Send>>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(format!("{condition} ${}", values.len()));
            }
        };
        let said = |said: &Option<String>| {
            let said = said.as_ref()?;
            Some(Box::new(text(said).into_owned()) as _)
        };
        add(
            "at_ms <",
            filter.to.map(|to| Box::new(to.timestamp_millis()) as _),
        );
        add("resource =", said(&filter.resource));
        add("outcome =", said(&filter.outcome));
        add("number <", filter.before.map(|before| Box::new(before) as _));
        values.push(Box::new(limit(filter.most)));
        let list = format!(
            "SELECT number, at_ms, resource, action, outcome, bytes, address, network, client FROM access_log
             WHERE {} ORDER BY number DESC LIMIT ${}",
            conditions.join(" AND "),
            values.len()
        );
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| &**value as _).collect();
        let client = self.database.client().await?;
        let list = client.prepare_cached(&list).await?;
        Ok(client.query(&list, &values).await?.iter().map(read).collect())
    }

    async fn access_counts(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        most: usize,
    ) -> Result<Vec<AccessCount>, StoreError> {
        let client = self.database.client().await?;
        let list = client
            .prepare_cached(
                "SELECT day, resource, action, outcome, accesses, bytes FROM access_counts
                 WHERE day >= $1 AND day < $2
                 ORDER BY day, resource COLLATE \"C\", action COLLATE \"C\", outcome COLLATE \"C\" LIMIT $3",
            )
            .await?;
        let rows = client
            .query(&list, &[&from.to_string(), &to.to_string(), &limit(most)])
            .await?;
        let read = |row: &Row| {
            Ok(AccessCount {
                day: day(row.get(0))?,
                resource: row.get(1),
                action: row.get(2),
                outcome: row.get(3),
                accesses: row.get(4),
                bytes: row.get(5),
            })
        };
        rows.iter().map(read).collect()
    }

    async fn access_networks(
        &self,
        from: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<NetworkCount>, StoreError> {
        let client = self.database.client().await?;
        let list = format!(
            "SELECT network, count(*), count(*) FILTER (WHERE outcome NOT IN ({GOOD})) FROM access_log
             WHERE at_ms >= $1 GROUP BY network ORDER BY count(*) DESC, network LIMIT $2"
        );
        let list = client.prepare_cached(&list).await?;
        let rows = client
            .query(&list, &[&from.timestamp_millis(), &limit(most)])
            .await?;
        let read = |row: &Row| NetworkCount {
            network: row.get(0),
            accesses: row.get(1),
            refused: row.get(2),
        };
        Ok(rows.iter().map(read).collect())
    }

    async fn forget_accesses(&self, before: DateTime<Utc>, most: usize) -> Result<u64, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        // Several nodes sweep: whoever is second takes what the first one left.
        let delete = transaction
            .prepare_cached(
                "DELETE FROM access_log WHERE number IN
                 (SELECT number FROM access_log WHERE at_ms < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
            )
            .await?;
        let gone = transaction
            .execute(&delete, &[&before.timestamp_millis(), &limit(most)])
            .await?;
        tallies::add(&transaction, TALLIES, BETWEEN_RUNS, ACCESSES, gone).await?;
        transaction.commit().await?;
        Ok(gone)
    }

    async fn wipe_accesses(&self) -> Result<(), StoreError> {
        scrub::rewrite(&self.database, &["access_log".to_owned()]).await?;
        Ok(())
    }
}

fn read(row: &Row) -> NotedAccess {
    NotedAccess {
        number: row.get(0),
        access: Access {
            at: time(row.get(1)),
            resource: row.get(2),
            action: row.get(3),
            outcome: row.get(4),
            bytes: row.get(5),
            address: row.get(6),
            network: row.get(7),
            client: row.get(8),
        },
    }
}
