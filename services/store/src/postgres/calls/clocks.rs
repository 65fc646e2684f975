//! What clocks of their own end beside calls.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::super::tallies;
use super::PostgresCalls;
use crate::StoreError;
use crate::clocks::CallClocks;
use crate::retention::PastItems;

#[async_trait]
impl CallClocks for PostgresCalls {
    async fn past_agent_states(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let sql = "SELECT count(*), min(at_ms) FROM agent_states WHERE at_ms < $1 AND received_at_ms < $1";
        tallies::past(&client, sql, &[&before.timestamp_millis()]).await
    }

    async fn past_confirmed(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        let client = self.database.client().await?;
        let sql = "SELECT count(*), min(at_ms) FROM confirmed_calls WHERE at_ms < $1";
        tallies::past(&client, sql, &[&before.timestamp_millis()]).await
    }
}
