//! Users, sessions and the audit trail in PostgreSQL.
//!
//! Several instances write at once. Whoever changes users locks their table, which is rare; whoever appends to the audit
//! trail locks its head, and does so last.

mod access_log;
mod audit;
mod cases;
mod clocks;
mod erasure;
mod retention;
mod sessions;
mod users;

use deadpool_postgres::{Object, Transaction};
use tokio_postgres::IsolationLevel;

use super::database::Database;
use super::schema;
use crate::StoreError;

/// Users, sessions and the audit trail in PostgreSQL.
pub struct PostgresAccess {
    database: Database,
}

impl PostgresAccess {
    /// Connects, and checks that the tables are there and fit.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with the remedy when tables are missing, older or newer than this program;
    /// [`StoreError::Unavailable`] when the database cannot be reached.
    pub async fn connect(database: &Database) -> Result<Self, StoreError> {
        database.check(&schema::ACCESS).await?;
        Ok(Self {
            database: database.clone(),
        })
    }

    /// Of a database that is being restored, which no node takes yet.
    pub fn of_restore(database: &Database) -> Self {
        Self {
            database: database.clone(),
        }
    }
}

/// A unit of work. Statements see what was committed before each of them; without a commit nothing of it is written.
async fn begin(client: &mut Object) -> Result<Transaction<'_>, StoreError> {
    let builder = client.build_transaction();
    Ok(builder
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await?)
}
