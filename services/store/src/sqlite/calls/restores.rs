//! After a restore.

use super::SqliteCalls;
use crate::StoreError;

impl SqliteCalls {
    /// What moved since a state of the figures cannot be told across a restore: later states had the same numbers.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], [`StoreError::Unavailable`].
    pub async fn settle_restore(&self) -> Result<(), StoreError> {
        const AHEAD: i64 = 1_000_000_000;
        self.file
            .write(|connection| {
                let transaction = connection.transaction()?;
                transaction.execute_batch("DELETE FROM count_changes; DELETE FROM publications;")?;
                transaction.execute(
                    "UPDATE figures SET revision = revision + ?1, pruned = revision + ?1",
                    [AHEAD],
                )?;
                Ok(transaction.commit()?)
            })
            .await
    }
}
