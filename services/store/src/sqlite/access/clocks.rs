//! What clocks of their own end of the access log, sessions and attempts.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::params;

use super::SqliteAccess;
use crate::StoreError;
use crate::clocks::{AccessClocks, BETWEEN_RUNS};
use crate::retention::PastItems;
use crate::sqlite::tallies;
use crate::users::Open;

#[async_trait]
impl AccessClocks for SqliteAccess {
    async fn past_accesses(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.query(move |connection| {
            let sql = "SELECT count(*), min(at_ms) FROM access_log WHERE at_ms < ?1";
            tallies::past(connection, sql, [before.timestamp_millis()])
        })
        .await
    }

    async fn past_sessions(&self, open: Open) -> Result<PastItems, StoreError> {
        self.query(move |connection| {
            let (now, seen_after) = open.columns();
            let sql =
                "SELECT count(*), min(created_at_ms) FROM sessions WHERE seen_at_ms <= ?2 OR ends_at_ms <= ?1";
            tallies::past(connection, sql, params![now, seen_after])
        })
        .await
    }

    async fn past_attempts(&self, until: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.query(move |connection| {
            let sql = "SELECT count(*), min(last_at_ms) FROM failed_attempts WHERE last_at_ms <= ?1";
            tallies::past(connection, sql, [until.timestamp_millis()])
        })
        .await
    }

    async fn count_ended(&self, what: &'static str, items: u64) -> Result<(), StoreError> {
        let items = usize::try_from(items).unwrap_or(usize::MAX);
        self.unit(move |transaction| tallies::add(transaction, BETWEEN_RUNS, what, items))
            .await
    }
}
