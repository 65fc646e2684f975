//! Calls of a person: by number whenever they were, and which of them are restricted.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::Client;
use domain::ids::Identity;

use super::super::values::{self, key, limit};
use super::{PostgresCalls, records};
use crate::StoreError;
use crate::calls::StoredCall;
use crate::persons::{CallsOfNumber, PersonCalls};
use crate::ticket_columns::time;

/// Numbers that are read at once.
const CALLERS_AT_ONCE: usize = 20_000;

/// See [`crate::erasure::CallErasure::callers_that`].
pub(super) async fn callers_that(
    client: &Client,
    is_meant: &(dyn Fn(&str) -> bool + Send + Sync),
) -> Result<BTreeSet<String>, StoreError> {
    let mut meant = BTreeSet::new();
    for column in ["caller_key", "dialled_key"] {
        let find = format!(
            "SELECT DISTINCT {column} FROM calls WHERE {column} IS NOT NULL AND {column} > $1
             ORDER BY {column} LIMIT $2"
        );
        let find = client.prepare_cached(&find).await?;
        let mut after = String::new();
        loop {
            let rows = client.query(&find, &[&after, &limit(CALLERS_AT_ONCE)]).await?;
            let keys = rows.iter().map(|row| row.get::<_, &str>(0));
            meant.extend(keys.filter(|key| is_meant(key)).map(str::to_owned));
            match rows.last() {
                Some(last) if rows.len() == CALLERS_AT_ONCE => after = last.get(0),
                _ => break,
            }
        }
    }
    Ok(meant)
}

#[async_trait]
impl PersonCalls for PostgresCalls {
    async fn calls_by(&self, search: CallsOfNumber) -> Result<Vec<StoredCall>, StoreError> {
        let client = self.database.client().await?;
        let (after_ms, after) = match search.after {
            Some(after) => (after.started_at_ms, key(after.identity)),
            None => (i64::MAX, uuid::Uuid::max()),
        };
        let find = format!(
            "{} WHERE (caller_key = ANY($1) OR dialled_key = ANY($1)) AND (coalesce(started_at_ms, -1), identity) < ($2, $3)
             ORDER BY coalesce(started_at_ms, -1) DESC, identity DESC LIMIT $4",
            records::select()
        );
        let find = client.prepare_cached(&find).await?;
        let calls = client
            .query(&find, &[&search.keys, &after_ms, &after, &limit(search.most)])
            .await?;
        calls.iter().map(records::read).collect()
    }

    async fn count_calls_by(&self, keys: Vec<String>) -> Result<i64, StoreError> {
        let client = self.database.client().await?;
        let count = "SELECT count(*) FROM calls WHERE caller_key = ANY($1) OR dialled_key = ANY($1)";
        Ok(client.query_one(count, &[&keys]).await?.get(0))
    }

    async fn calls_of(&self, identities: Vec<Identity>) -> Result<Vec<StoredCall>, StoreError> {
        let client = self.database.client().await?;
        let mut calls = Vec::new();
        let keys: Vec<uuid::Uuid> = identities.into_iter().map(key).collect();
        let places = client
            .query(
                "SELECT month, call_row FROM identities WHERE identity = ANY($1)",
                &[&keys],
            )
            .await?;
        let find = format!("{} WHERE month = $1 AND call_row = $2", records::select());
        let find = client.prepare_cached(&find).await?;
        for place in &places {
            let (month, call_row): (Option<i32>, Option<i64>) = (place.get(0), place.get(1));
            let row = client.query_opt(&find, &[&month, &call_row]).await?;
            calls.extend(row.as_ref().map(records::read).transpose()?);
        }
        Ok(calls)
    }

    async fn restrict_calls(
        &self,
        identities: Vec<Identity>,
        at: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        let client = self.database.client().await?;
        let keys: Vec<uuid::Uuid> = identities.into_iter().map(key).collect();
        let restrict = "INSERT INTO restricted_calls (identity, since_ms)
             SELECT DISTINCT identity, $2::int8 FROM unnest($1::uuid[]) AS wanted (identity) ON CONFLICT DO NOTHING";
        let restricted = client.execute(restrict, &[&keys, &at.timestamp_millis()]).await?;
        Ok(usize::try_from(restricted).unwrap_or(usize::MAX))
    }

    async fn lift_calls(&self, identities: Vec<Identity>) -> Result<usize, StoreError> {
        let client = self.database.client().await?;
        let keys: Vec<uuid::Uuid> = identities.into_iter().map(key).collect();
        let lift = "DELETE FROM restricted_calls WHERE identity = ANY($1)";
        let lifted = client.execute(lift, &[&keys]).await?;
        Ok(usize::try_from(lifted).unwrap_or(usize::MAX))
    }

    async fn restricted(
        &self,
        after: Option<Identity>,
        most: usize,
    ) -> Result<Vec<(Identity, DateTime<Utc>)>, StoreError> {
        let client = self.database.client().await?;
        let after = after.map(key);
        let find = "SELECT identity, since_ms FROM restricted_calls WHERE $1::uuid IS NULL OR identity > $1
             ORDER BY identity LIMIT $2";
        let rows = client.query(find, &[&after, &limit(most)]).await?;
        let read = |row: &tokio_postgres::Row| Ok((values::identity(row.get(0)), time(row.get(1))?));
        rows.iter().map(read).collect()
    }

    async fn restricted_among(&self, identities: Vec<Identity>) -> Result<BTreeSet<Identity>, StoreError> {
        let client = self.database.client().await?;
        let keys: Vec<uuid::Uuid> = identities.into_iter().map(key).collect();
        let find = "SELECT identity FROM restricted_calls WHERE identity = ANY($1)";
        let rows = client.query(find, &[&keys]).await?;
        Ok(rows.iter().map(|row| values::identity(row.get(0))).collect())
    }
}
