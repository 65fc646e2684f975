//! Orders to erase.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::GenericClient;
use domain::erasure::{MarkKey, Place};
use domain::ids::{ErasureOrderId, Identity};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::super::scrub;
use super::super::values::{limit, text};
use super::{PostgresAccess, begin};
use crate::StoreError;
use crate::erasure::{
    Entered, ErasureStore, KeptOrder, NewOrder, Step, fresh_secret, place, read, with_calls, written,
};
use crate::scrub::{Scrub, Scrubbed, Touched};
use crate::ticket_columns::unreadable;
use crate::users::time;

const COLUMNS: &str = "sequence, digest, content, closed_at_ms, reopened_at_ms";

/// One that has not been through yet is open since it was given.
const REOPEN: &str = "UPDATE erasure_orders SET closed_at_ms = NULL, reopened_at_ms = $2
     WHERE order_id = $1 AND coalesce(closed_at_ms, reopened_at_ms) IS NOT NULL";

#[async_trait]
impl ErasureStore for PostgresAccess {
    async fn mark_key(&self) -> Result<MarkKey, StoreError> {
        let client = self.database.client().await?;
        let find = "SELECT secret FROM privacy_secrets WHERE name = 'marks'";
        if client.query_opt(find, &[]).await?.is_none() {
            client
                .execute(
                    "INSERT INTO privacy_secrets (name, secret) VALUES ('marks', $1) ON CONFLICT DO NOTHING",
                    &[&fresh_secret()?.as_slice()],
                )
                .await?;
        }
        let row = client.query_one(find, &[]).await?;
        let secret: Result<[u8; 32], _> = row.get::<_, &[u8]>(0).try_into();
        secret
            .map(MarkKey::new)
            .map_err(|_| unreadable("the key of marks"))
    }

    async fn enter_order(&self, new: NewOrder) -> Result<Entered, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let key = new.idempotency_key.as_deref().map(text);
        let digest = new.digest.as_ref().map(<[u8; 32]>::as_slice);
        let entered = transaction
            .execute(
                "INSERT INTO erasure_orders (order_id, idempotency_key, digest, content) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
                &[
                    &text(new.order.id.as_str()),
                    &key,
                    &digest,
                    &text(&written(&new.order)?),
                ],
            )
            .await?;
        if entered == 1 {
            transaction.commit().await?;
            return Ok(Entered::New);
        }
        let known = list(
            &transaction,
            "order_id = $1 OR idempotency_key = $2 LIMIT 1",
            &[&text(new.order.id.as_str()), &key],
        )
        .await?;
        let known = known.into_iter().next();
        known
            .map(|known| Entered::Known(Box::new(known)))
            .ok_or_else(|| StoreError::Unavailable("an order was removed meanwhile".to_owned()))
    }

    async fn open_orders(&self, after: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError> {
        let client = self.database.client().await?;
        let condition = "closed_at_ms IS NULL AND sequence > $1 ORDER BY sequence LIMIT $2";
        list(&client, condition, &[&after, &limit(most)]).await
    }

    async fn orders_since(&self, sequence: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError> {
        let client = self.database.client().await?;
        let condition = "sequence > $1 ORDER BY sequence LIMIT $2";
        list(&client, condition, &[&sequence, &limit(most)]).await
    }

    async fn orders_before(&self, sequence: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError> {
        let client = self.database.client().await?;
        let condition = "sequence < $1 ORDER BY sequence DESC LIMIT $2";
        list(&client, condition, &[&sequence, &limit(most)]).await
    }

    async fn order(&self, id: &ErasureOrderId) -> Result<Option<KeptOrder>, StoreError> {
        let client = self.database.client().await?;
        let found = list(&client, "order_id = $1", &[&text(id.as_str())]).await?;
        Ok(found.into_iter().next())
    }

    async fn order_of(&self, digest: [u8; 32]) -> Result<Option<KeptOrder>, StoreError> {
        let client = self.database.client().await?;
        let condition = "digest = $1 ORDER BY sequence DESC LIMIT 1";
        let found = list(&client, condition, &[&digest.as_slice()]).await?;
        Ok(found.into_iter().next())
    }

    async fn add_calls(&self, id: &ErasureOrderId, calls: &[Identity]) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let id = text(id.as_str());
        let find =
            "SELECT content FROM erasure_orders WHERE order_id = $1 AND closed_at_ms IS NULL FOR UPDATE";
        if let Some(row) = transaction.query_opt(find, &[&id]).await? {
            let content = with_calls(row.get(0), calls)?;
            let write = "UPDATE erasure_orders SET content = $2 WHERE order_id = $1";
            transaction.execute(write, &[&id, &text(&content)]).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn note_step(&self, id: &ErasureOrderId, place: Place, step: Step) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        client
            .execute(
                "INSERT INTO erasure_steps (order_id, place, done_at_ms, until_ms) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
                &[
                    &text(id.as_str()),
                    &place.name(),
                    &step.done_at.timestamp_millis(),
                    &step.until.timestamp_millis(),
                ],
            )
            .await?;
        Ok(())
    }

    async fn close_order(&self, id: &ErasureOrderId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        client
            .execute(
                "UPDATE erasure_orders SET closed_at_ms = $2 WHERE order_id = $1 AND closed_at_ms IS NULL",
                &[&text(id.as_str()), &at.timestamp_millis()],
            )
            .await?;
        Ok(())
    }

    async fn reopen_order(
        &self,
        id: &ErasureOrderId,
        place: Place,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let id = text(id.as_str());
        transaction
            .execute(REOPEN, &[&id, &at.timestamp_millis()])
            .await?;
        transaction
            .execute(
                "DELETE FROM erasure_steps WHERE order_id = $1 AND place = $2",
                &[&id, &place.name()],
            )
            .await?;
        Ok(transaction.commit().await?)
    }
}

/// What people did is kept here, and nothing about citizens: nothing to rewrite but the log that all tables share.
#[async_trait]
impl Scrub for PostgresAccess {
    async fn scrub(&self, _touched: &Touched) -> Result<Scrubbed, StoreError> {
        scrub::rewrite(&self.database, &[]).await
    }
}

async fn list(
    client: &impl GenericClient,
    condition: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<KeptOrder>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM erasure_orders WHERE {condition}");
    let rows = client.query(&select, values).await?;
    let mut orders = rows.iter().map(kept).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<&str> = orders.iter().map(|kept| kept.order.id.as_str()).collect();
    let steps = client
        .query(
            "SELECT order_id, place, done_at_ms, until_ms FROM erasure_steps WHERE order_id = ANY($1)",
            &[&ids],
        )
        .await?;
    for row in &steps {
        let step = Step {
            done_at: time(row.get(2)),
            until: time(row.get(3)),
        };
        let of = orders
            .iter_mut()
            .find(|kept| kept.order.id.as_str() == row.get::<_, &str>(0));
        if let Some(kept) = of {
            kept.steps.insert(place(row.get(1))?, step);
        }
    }
    Ok(orders)
}

fn kept(row: &Row) -> Result<KeptOrder, StoreError> {
    let digest = row.get::<_, Option<&[u8]>>(1).map(<[u8; 32]>::try_from);
    Ok(KeptOrder {
        sequence: row.get(0),
        digest: digest
            .transpose()
            .map_err(|_| unreadable("the digest of an order to erase"))?,
        order: read(row.get(2))?,
        steps: BTreeMap::new(),
        closed_at: row.get::<_, Option<i64>>(3).map(time),
        reopened_at: row.get::<_, Option<i64>>(4).map(time),
    })
}
