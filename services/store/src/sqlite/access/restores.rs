//! After a restore.

use super::SqliteAccess;
use crate::StoreError;
use crate::backups::SETTLE_ACCESS;

impl SqliteAccess {
    /// Ends the sessions that were open when the copy was made.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], [`StoreError::Unavailable`].
    pub async fn settle_restore(&self) -> Result<(), StoreError> {
        self.unit(|transaction| Ok(transaction.execute_batch(SETTLE_ACCESS)?))
            .await
    }
}
