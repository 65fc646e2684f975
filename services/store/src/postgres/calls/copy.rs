//! Writing many rows at once.

use std::pin::Pin;

use deadpool_postgres::Transaction;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use crate::StoreError;

/// Takes the rows of a table. Without [`Rows::finish`] none of them is written.
pub(super) struct Rows(Pin<Box<BinaryCopyInWriter>>);

impl Rows {
    /// Begins to write rows with these columns.
    pub(super) async fn into_table(
        transaction: &Transaction<'_>,
        table: &str,
        columns: &[(&str, Type)],
    ) -> Result<Self, StoreError> {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let types: Vec<Type> = columns.iter().map(|(_, of)| of.clone()).collect();
        let copy = format!("COPY {table} ({}) FROM STDIN (FORMAT binary)", names.join(", "));
        let statement = transaction.prepare_cached(&copy).await?;
        let sink = transaction.copy_in(&statement).await?;
        Ok(Self(Box::pin(BinaryCopyInWriter::new(sink, &types))))
    }

    /// Writes a row: a value for each column.
    pub(super) async fn write(&mut self, values: &[&(dyn ToSql + Sync)]) -> Result<(), StoreError> {
        Ok(self.0.as_mut().write(values).await?)
    }

    /// Ends it.
    pub(super) async fn finish(mut self) -> Result<(), StoreError> {
        self.0.as_mut().finish().await?;
        Ok(())
    }
}
