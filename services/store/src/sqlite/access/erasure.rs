//! Orders to erase.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::erasure::{MarkKey, Place};
use domain::ids::{ErasureOrderId, Identity};
use rusqlite::types::ToSql;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteAccess;
use crate::StoreError;
use crate::erasure::{
    Entered, ErasureStore, KeptOrder, NewOrder, Step, fresh_secret, place, read, with_calls, written,
};
use crate::scrub::{Scrub, Scrubbed, Touched};
use crate::users::time;

const COLUMNS: &str = "sequence, digest, content, closed_at_ms, reopened_at_ms";

/// One that has not been through yet is open since it was given.
const REOPEN: &str = "UPDATE erasure_orders SET closed_at_ms = NULL, reopened_at_ms = ?2
     WHERE order_id = ?1 AND coalesce(closed_at_ms, reopened_at_ms) IS NOT NULL";

#[async_trait]
impl ErasureStore for SqliteAccess {
    async fn mark_key(&self) -> Result<MarkKey, StoreError> {
        let fresh = fresh_secret()?;
        self.unit(move |transaction| {
            transaction.execute(
                "INSERT INTO privacy_secrets (name, secret) VALUES ('marks', ?1) ON CONFLICT DO NOTHING",
                [fresh],
            )?;
            let secret = transaction.query_row(
                "SELECT secret FROM privacy_secrets WHERE name = 'marks'",
                [],
                |row| row.get(0),
            )?;
            Ok(MarkKey::new(secret))
        })
        .await
    }

    async fn enter_order(&self, new: NewOrder) -> Result<Entered, StoreError> {
        self.unit(move |transaction| {
            let known = one(
                transaction,
                "order_id = ?1 OR idempotency_key = ?2",
                &[&new.order.id.as_str(), &new.idempotency_key],
            )?;
            if let Some(known) = known {
                return Ok(Entered::Known(Box::new(known)));
            }
            transaction.execute(
                "INSERT INTO erasure_orders (order_id, idempotency_key, digest, content) VALUES (?1, ?2, ?3, ?4)",
                params![
                    new.order.id.as_str(),
                    new.idempotency_key,
                    new.digest,
                    written(&new.order)?
                ],
            )?;
            Ok(Entered::New)
        })
        .await
    }

    async fn open_orders(&self, after: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError> {
        self.query(move |connection| {
            list(
                connection,
                "closed_at_ms IS NULL AND sequence > ?1 ORDER BY sequence LIMIT ?2",
                &[&after, &(most as i64)],
            )
        })
        .await
    }

    async fn orders_since(&self, sequence: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError> {
        self.query(move |connection| {
            list(
                connection,
                "sequence > ?1 ORDER BY sequence LIMIT ?2",
                &[&sequence, &(most as i64)],
            )
        })
        .await
    }

    async fn orders_before(&self, sequence: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError> {
        self.query(move |connection| {
            list(
                connection,
                "sequence < ?1 ORDER BY sequence DESC LIMIT ?2",
                &[&sequence, &(most as i64)],
            )
        })
        .await
    }

    async fn order(&self, id: &ErasureOrderId) -> Result<Option<KeptOrder>, StoreError> {
        let id = id.clone();
        self.query(move |connection| one(connection, "order_id = ?1", &[&id.as_str()]))
            .await
    }

    async fn order_of(&self, digest: [u8; 32]) -> Result<Option<KeptOrder>, StoreError> {
        self.query(move |connection| one(connection, "digest = ?1 ORDER BY sequence DESC", &[&digest]))
            .await
    }

    async fn add_calls(&self, id: &ErasureOrderId, calls: &[Identity]) -> Result<(), StoreError> {
        let (id, calls) = (id.clone(), calls.to_vec());
        self.unit(move |transaction| {
            let find = "SELECT content FROM erasure_orders WHERE order_id = ?1 AND closed_at_ms IS NULL";
            let content: Option<String> = transaction
                .query_row(find, [id.as_str()], |row| row.get(0))
                .optional()?;
            if let Some(content) = content {
                transaction.execute(
                    "UPDATE erasure_orders SET content = ?2 WHERE order_id = ?1",
                    params![id.as_str(), with_calls(&content, &calls)?],
                )?;
            }
            Ok(())
        })
        .await
    }

    async fn note_step(&self, id: &ErasureOrderId, place: Place, step: Step) -> Result<(), StoreError> {
        let id = id.clone();
        self.unit(move |transaction| {
            transaction.execute(
                "INSERT INTO erasure_steps (order_id, place, done_at_ms, until_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
                params![
                    id.as_str(),
                    place.name(),
                    step.done_at.timestamp_millis(),
                    step.until.timestamp_millis()
                ],
            )?;
            Ok(())
        })
        .await
    }

    async fn close_order(&self, id: &ErasureOrderId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let id = id.clone();
        self.unit(move |transaction| {
            transaction.execute(
                "UPDATE erasure_orders SET closed_at_ms = ?2 WHERE order_id = ?1 AND closed_at_ms IS NULL",
                params![id.as_str(), at.timestamp_millis()],
            )?;
            Ok(())
        })
        .await
    }

    async fn reopen_order(
        &self,
        id: &ErasureOrderId,
        place: Place,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let id = id.clone();
        self.unit(move |transaction| {
            transaction.execute(REOPEN, params![id.as_str(), at.timestamp_millis()])?;
            transaction.execute(
                "DELETE FROM erasure_steps WHERE order_id = ?1 AND place = ?2",
                params![id.as_str(), place.name()],
            )?;
            Ok(())
        })
        .await
    }
}

#[async_trait]
impl Scrub for SqliteAccess {
    async fn scrub(&self, _touched: &Touched) -> Result<Scrubbed, StoreError> {
        self.file.scrub().await
    }
}

fn one(
    connection: &Connection,
    condition: &str,
    values: &[&dyn ToSql],
) -> Result<Option<KeptOrder>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM erasure_orders WHERE {condition} LIMIT 1");
    let mut statement = connection.prepare_cached(&select)?;
    let found = statement.query_row(values, kept).optional()?;
    found.map(|found| with_steps(connection, found)).transpose()
}

fn list(
    connection: &Connection,
    condition: &str,
    values: &[&dyn ToSql],
) -> Result<Vec<KeptOrder>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM erasure_orders WHERE {condition}");
    let mut statement = connection.prepare_cached(&select)?;
    let found: Vec<Found> = statement.query_map(values, kept)?.collect::<Result<_, _>>()?;
    found
        .into_iter()
        .map(|found| with_steps(connection, found))
        .collect()
}

/// A row of [`COLUMNS`].
type Found = (i64, Option<[u8; 32]>, String, Option<i64>, Option<i64>);

fn kept(row: &Row<'_>) -> rusqlite::Result<Found> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

fn with_steps(connection: &Connection, found: Found) -> Result<KeptOrder, StoreError> {
    let (sequence, digest, content, closed_at_ms, reopened_at_ms) = found;
    let order = read(&content)?;
    let mut statement = connection
        .prepare_cached("SELECT place, done_at_ms, until_ms FROM erasure_steps WHERE order_id = ?1")?;
    let mut rows = statement.query([order.id.as_str()])?;
    let mut steps = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let step = Step {
            done_at: time(row.get(1)?),
            until: time(row.get(2)?),
        };
        steps.insert(place(&row.get::<_, String>(0)?)?, step);
    }
    Ok(KeptOrder {
        sequence,
        digest,
        order,
        steps,
        closed_at: closed_at_ms.map(time),
        reopened_at: reopened_at_ms.map(time),
    })
}
