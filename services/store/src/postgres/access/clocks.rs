//! What clocks of their own end of the access log, sessions and attempts.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::super::tallies;
use super::retention::TALLIES;
use super::{PostgresAccess, begin};
use crate::StoreError;
use crate::clocks::{AccessClocks, BETWEEN_RUNS};
use crate::retention::PastItems;
use crate::users::Open;

#[async_trait]
impl AccessClocks for PostgresAccess {
    async fn past_accesses(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let sql = "SELECT count(*), min(at_ms) FROM access_log WHERE at_ms < $1";
        tallies::past(&client, sql, &[&before.timestamp_millis()]).await
    }

    async fn past_sessions(&self, open: Open) -> Result<PastItems, StoreError> {
        let (now, seen_after) = open.columns();
        let client = self.database.client().await?;
        let sql =
            "SELECT count(*), min(created_at_ms) FROM sessions WHERE seen_at_ms <= $2 OR ends_at_ms <= $1";
        tallies::past(&client, sql, &[&now, &seen_after]).await
    }

    async fn past_attempts(&self, until: DateTime<Utc>) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let sql = "SELECT count(*), min(last_at_ms) FROM failed_attempts WHERE last_at_ms <= $1";
        tallies::past(&client, sql, &[&until.timestamp_millis()]).await
    }

    async fn count_ended(&self, what: &'static str, items: u64) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        tallies::add(&transaction, TALLIES, BETWEEN_RUNS, what, items).await?;
        Ok(transaction.commit().await?)
    }
}
