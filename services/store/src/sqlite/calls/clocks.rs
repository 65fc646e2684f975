//! What clocks of their own end beside calls.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteCalls;
use crate::StoreError;
use crate::clocks::CallClocks;
use crate::retention::PastItems;
use crate::sqlite::tallies;

#[async_trait]
impl CallClocks for SqliteCalls {
    async fn past_agent_states(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.file
            .read(move |connection| {
                let sql =
                    "SELECT count(*), min(at_ms) FROM agent_states WHERE at_ms < ?1 AND received_at_ms < ?1";
                tallies::past(connection, sql, [before.timestamp_millis()])
            })
            .await
    }

    async fn past_confirmed(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.file
            .read(move |connection| {
                let sql = "SELECT count(*), min(at_ms) FROM confirmed_calls WHERE at_ms < ?1";
                tallies::past(connection, sql, [before.timestamp_millis()])
            })
            .await
    }
}
