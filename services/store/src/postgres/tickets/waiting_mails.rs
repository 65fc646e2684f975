//! Mails that wait in a table of their own, one row a subject: number and edition, how often they were put off, and until when.

use super::super::values::text;
use super::PostgresTickets;
use crate::StoreError;
use crate::entries::EntryMailKey;
use crate::tickets::SetAside;

impl PostgresTickets {
    /// Removes a mail from a table, unless there are newer news.
    pub(super) async fn mail_done(&self, table: &'static str, key: EntryMailKey) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        client
            .execute(
                &format!("DELETE FROM {table} WHERE number = $1 AND edition = $2"),
                &[&key.number, &i64::from(key.edition)],
            )
            .await?;
        Ok(())
    }

    /// Puts a mail of a table off.
    pub(super) async fn postpone(
        &self,
        table: &'static str,
        key: EntryMailKey,
        aside: SetAside,
    ) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        client
            .execute(
                &format!(
                    "UPDATE {table} SET not_before_ms = $3, attempts = attempts + 1, error = $4
                     WHERE number = $1 AND edition = $2"
                ),
                &[
                    &key.number,
                    &i64::from(key.edition),
                    &aside.retry_at.timestamp_millis(),
                    &text(&aside.error),
                ],
            )
            .await?;
        Ok(())
    }
}
