//! Loading a copy of all tables into an empty database.
//!
//! A table `restore_under_way` is made first and dropped last: while it is there, no node takes the database. What was cut is
//! begun anew. All data comes in one transaction.

use std::collections::BTreeMap;
use std::pin::Pin;

use deadpool_postgres::ClientWrapper;
use futures::SinkExt as _;
use tokio_postgres::CopyInSink;

use super::database::Database;
use super::dump::{figures, quoted, quoted_list};
use super::{calls, schema, tickets};
use crate::StoreError;
use crate::backups::{Restored, SETTLE_ACCESS};

/// Rows on their way into a table.
type Rows = Pin<Box<CopyInSink<std::io::Cursor<Vec<u8>>>>>;

/// A database that is being restored. Given up, it holds nothing, and is no use to a node.
pub struct Restoring {
    client: ClientWrapper,
    open: Option<Rows>,
}

impl Restoring {
    /// Begins: makes the tables as they were when the copy was made.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the database holds something already, or the copy is of a newer program.
    pub async fn begin(database: &Database, schemas: &BTreeMap<String, i32>) -> Result<Self, StoreError> {
        let client = database.client().await?;
        let mut client = deadpool_postgres::Object::take(client);
        client
            .batch_execute(
                "SET lock_timeout = '5min'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
                 SET enable_seqscan = on",
            )
            .await?;
        schema::begin_restore(&mut client, schemas).await?;
        client.batch_execute("BEGIN").await?;
        for table in schema::data_tables(&client).await? {
            client
                .batch_execute(&format!("TRUNCATE {} CASCADE", quoted(&table)))
                .await?;
        }
        Ok(Self { client, open: None })
    }

    /// A table begins.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when there is no such table.
    pub async fn begin_table(&mut self, name: &str, columns: &[String]) -> Result<(), StoreError> {
        if let Some((table, month)) = calls::partitions::of_partition(name) {
            calls::partitions::attach(&self.client, table, month).await?;
        }
        let copy = format!(
            "COPY {} ({}) FROM STDIN (FORMAT binary)",
            quoted(name),
            quoted_list(columns)
        );
        self.open = Some(Box::pin(self.client.copy_in(&copy).await?));
        Ok(())
    }

    /// Data of the table.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::NoRoom`], [`StoreError::Unusable`].
    pub async fn data(&mut self, bytes: Vec<u8>) -> Result<(), StoreError> {
        if let Some(table) = &mut self.open {
            table.send(std::io::Cursor::new(bytes)).await?;
        }
        Ok(())
    }

    /// The table ends. Gives how many rows came in.
    ///
    /// # Errors
    /// As for [`Restoring::data`].
    pub async fn end_table(&mut self) -> Result<i64, StoreError> {
        match self.open.take() {
            None => Ok(0),
            Some(mut table) => {
                let rows = table.as_mut().finish().await?;
                Ok(i64::try_from(rows).unwrap_or(i64::MAX))
            }
        }
    }

    /// Sums of the counts of days, as they came in.
    ///
    /// # Errors
    /// As for [`Restoring::data`].
    pub async fn figures(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        figures(&*self.client).await
    }

    /// All data is there: sequences go on behind it, tables are brought up to date, and what must not be as it was is set.
    /// The database is not yet given to nodes.
    ///
    /// # Errors
    /// As for [`Restoring::data`].
    pub async fn settle(
        &mut self,
        sequences: &BTreeMap<String, i64>,
        restored: &Restored,
    ) -> Result<(), StoreError> {
        for (sequence, value) in sequences {
            self.client
                .execute(
                    "SELECT setval(($1::text)::regclass, $2)",
                    &[&quoted(sequence), value],
                )
                .await?;
        }
        self.client.batch_execute("COMMIT").await?;
        schema::finish_migrations(&mut self.client).await?;
        self.client.batch_execute("BEGIN").await?;
        tickets::restores::settle(&*self.client, restored).await?;
        self.client.batch_execute(SETTLE_ACCESS).await?;
        // Transactions of another database, or of another time: what moved since a state of the figures cannot be told
        // across them.
        self.client
            .batch_execute(
                "TRUNCATE count_changes; DELETE FROM publications;
                 UPDATE figures SET pruned = pg_current_xact_id()",
            )
            .await?;
        self.client.batch_execute("COMMIT; ANALYZE").await?;
        Ok(())
    }

    /// All is in it. What is cut from here on, [`Restoring::finish_cut`] ends.
    ///
    /// # Errors
    /// As for [`Restoring::data`].
    pub async fn seal(&self) -> Result<(), StoreError> {
        schema::settle_restore(&self.client).await
    }

    /// Gives a database to nodes whose restore was cut after [`Restoring::seal`]; whether it was one.
    ///
    /// # Errors
    /// As for [`Restoring::data`].
    pub async fn finish_cut(database: &Database) -> Result<bool, StoreError> {
        let client = database.client().await?;
        let is_settled = schema::is_settled(&client).await?;
        if is_settled {
            schema::finish_restore(&client).await?;
        }
        Ok(is_settled)
    }

    /// Gives it up: the database is empty again.
    ///
    /// # Errors
    /// As for [`Restoring::data`]. No node takes it then, and another restore begins anew.
    pub async fn give_up(self) -> Result<(), StoreError> {
        // Rows that are on their way go with their table.
        drop(self.open);
        self.client.batch_execute("ROLLBACK").await?;
        schema::give_up_restore(&self.client).await
    }

    /// Gives the database to nodes.
    ///
    /// # Errors
    /// As for [`Restoring::data`].
    pub async fn finish(self) -> Result<(), StoreError> {
        schema::finish_restore(&self.client).await
    }
}
