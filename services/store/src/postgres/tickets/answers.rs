//! Whether tickets were settled in time.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::counts::Interval;

use super::PostgresTickets;
use crate::StoreError;
use crate::answers::{self, AnswerStore, Answers};

#[async_trait]
impl AnswerStore for PostgresTickets {
    async fn answers(
        &self,
        from: Interval,
        to: Interval,
        now: DateTime<Utc>,
    ) -> Result<Vec<Answers>, StoreError> {
        let [from, to, now] = [from.start(), to.start(), now].map(|at| at.timestamp_millis());
        let client = self.database.client().await?;
        let statement = client.prepare_cached(&answers::sql("$1", "$2", "$3")).await?;
        let rows = client.query(&statement, &[&from, &to, &now]).await?;
        let read = |row: &tokio_postgres::Row| {
            let counts = [row.get(2), row.get(3), row.get(4), row.get(5)];
            answers::read(row.get(0), row.get(1), counts)
        };
        Ok(rows.iter().map(read).collect())
    }
}
