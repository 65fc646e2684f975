//! `access.db`.

mod access_log;
mod audit;
mod cases;
mod clocks;
mod erasure;
mod restores;
mod retention;
mod sessions;
mod users;

use std::path::Path;

use rusqlite::{Connection, Transaction};

use super::file::File;
use crate::StoreError;

mod migrations {
    refinery::embed_migrations!("../../schemas/migrations/sqlite/access");
}

pub(super) fn migrations() -> refinery::Runner {
    migrations::migrations::runner()
}

/// Users, sessions and the audit trail in SQLite.
pub struct SqliteAccess {
    file: File,
}

impl SqliteAccess {
    /// Opens the file, creating it when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the file was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path, |connection| {
            migrations::migrations::runner()
                .run(connection)
                .map_err(|error| StoreError::Unusable(format!("{}: {error}", path.display())))?;
            Ok(())
        })?;
        Ok(Self { file })
    }

    /// As [`File::unit`].
    async fn unit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.file.unit(work).await
    }

    async fn query<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.file.read(work).await
    }
}
