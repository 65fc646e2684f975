//! Whether tickets were settled in time.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::counts::Interval;

use super::SqliteTickets;
use super::rows::collect;
use crate::StoreError;
use crate::answers::{self, AnswerStore, Answers};

#[async_trait]
impl AnswerStore for SqliteTickets {
    async fn answers(
        &self,
        from: Interval,
        to: Interval,
        now: DateTime<Utc>,
    ) -> Result<Vec<Answers>, StoreError> {
        let times = [from.start(), to.start(), now].map(|at| at.timestamp_millis());
        self.query(move |connection| {
            let mut statement = connection.prepare_cached(&answers::sql("?1", "?2", "?3"))?;
            collect(&mut statement, times, |row| {
                let hotline: String = row.get(1)?;
                let counts = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                Ok(answers::read(row.get(0)?, &hotline, counts))
            })
        })
        .await
    }
}
