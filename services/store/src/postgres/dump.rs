//! A copy of all tables as they stood at one moment, while others write: one `REPEATABLE READ` transaction.

use std::collections::{BTreeMap, BTreeSet};

use deadpool_postgres::Transaction;
use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio_postgres::IsolationLevel;

use super::database::Database;
use super::schema;
use crate::StoreError;
use crate::backups::{FIGURES, SUMMED};

/// What comes of a copy, in this order: a beginning, tables with their data, an end.
#[derive(Debug)]
pub enum Piece {
    /// What is known at the moment of the copy.
    Begin {
        /// By unit, the version of its tables.
        schemas: BTreeMap<String, i32>,
        /// By sequence, where it goes on.
        sequences: BTreeMap<String, i64>,
        /// How many tables will come.
        tables: usize,
    },
    /// A table begins.
    Table {
        /// Its name; partitions of their own.
        name: String,
        /// Its columns, in the order of the data.
        columns: Vec<String>,
    },
    /// Data of the table, in PostgreSQL's binary format of `COPY`.
    Data(Vec<u8>),
    /// The table ends.
    TableEnd {
        /// How many rows it has.
        rows: i64,
    },
    /// That was all.
    End {
        /// Sums of the counts of days.
        figures: BTreeMap<String, i64>,
    },
}

impl Database {
    /// Gives a copy of all tables, those with foreign keys behind what they point to. Ends early, and well, when nobody takes
    /// the pieces any more.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the connection is lost: then the copy has no end.
    pub async fn dump(&self, pieces: &mpsc::Sender<Piece>) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let builder = client.build_transaction();
        let transaction = builder
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await?;
        // Whole tables are read, however long that takes.
        transaction
            .batch_execute(
                "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '2min'; SET LOCAL idle_in_transaction_session_timeout = 0;
                 SET LOCAL enable_seqscan = on",
            )
            .await?;
        let schemas = schema::versions(&transaction).await?;
        let tables = in_order(&transaction).await?;
        lock(&transaction, &tables).await?;
        let begin = Piece::Begin {
            schemas,
            sequences: sequences(&transaction).await?,
            tables: tables.len(),
        };
        if pieces.send(begin).await.is_err() {
            return Ok(());
        }
        for (name, columns) in tables {
            if !table(&transaction, name, columns, pieces).await? {
                return Ok(());
            }
        }
        let figures = figures(&*transaction).await?;
        // Nobody there: it is not needed any more.
        let _ = pieces.send(Piece::End { figures }).await;
        Ok(())
    }
}

/// Keeps tables from being dropped, emptied or rewritten before they are read: a snapshot does not. Reading and writing go on.
async fn lock(transaction: &Transaction<'_>, tables: &[(String, Vec<String>)]) -> Result<(), StoreError> {
    let names: Vec<String> = tables.iter().map(|(name, _)| name.clone()).collect();
    let lock = format!("LOCK TABLE {} IN ACCESS SHARE MODE", quoted_list(&names));
    Ok(transaction.batch_execute(&lock).await?)
}

/// Whether somebody still takes the pieces.
async fn table(
    transaction: &Transaction<'_>,
    name: String,
    columns: Vec<String>,
    pieces: &mpsc::Sender<Piece>,
) -> Result<bool, StoreError> {
    let (table, list) = (quoted(&name), quoted_list(&columns));
    let rows = transaction
        .query_one(&format!("SELECT count(*) FROM {table}"), &[])
        .await?
        .get(0);
    if pieces.send(Piece::Table { name, columns }).await.is_err() {
        return Ok(false);
    }
    let copy = format!("COPY {table} ({list}) TO STDOUT (FORMAT binary)");
    let mut data = Box::pin(transaction.copy_out(&copy).await?);
    while let Some(bytes) = data.next().await {
        if pieces.send(Piece::Data(bytes?.to_vec())).await.is_err() {
            return Ok(false);
        }
    }
    Ok(pieces.send(Piece::TableEnd { rows }).await.is_ok())
}

/// All tables with rows, and their columns.
async fn in_order(transaction: &Transaction<'_>) -> Result<Vec<(String, Vec<String>)>, StoreError> {
    let rows = transaction
        .query(
            "SELECT relname::text, array_agg(attname::text ORDER BY attnum)
             FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
             WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
                 AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
             GROUP BY relname ORDER BY relname",
            &[],
        )
        .await?;
    let is_data = |name: &String| !schema::is_bookkeeping(name);
    let mut left: BTreeMap<String, Vec<String>> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .filter(|(name, _)| is_data(name))
        .collect();
    let rows = transaction
        .query(
            "SELECT DISTINCT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
             WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND conrelid <> confrelid",
            &[],
        )
        .await?;
    let points: BTreeSet<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let mut ordered = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_free = |name: &String| {
            !points
                .iter()
                .any(|(from, to)| from == name && left.contains_key(to))
        };
        let free: Vec<String> = left.keys().filter(|name| is_free(name)).cloned().collect();
        if free.is_empty() {
            return Err(StoreError::Unusable(
                "tables point to each other in a circle".to_owned(),
            ));
        }
        ordered.extend(free.iter().filter_map(|name| left.remove_entry(name)));
    }
    Ok(ordered)
}

async fn sequences(transaction: &Transaction<'_>) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows = transaction
        .query(
            "SELECT sequencename::text, last_value FROM pg_sequences
             WHERE schemaname = current_schema() AND last_value IS NOT NULL",
            &[],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Sums of the counts of days.
pub(super) async fn figures(
    client: &impl tokio_postgres::GenericClient,
) -> Result<BTreeMap<String, i64>, StoreError> {
    // Sums of bigint are numeric.
    let select = FIGURES.replace(", 0)", ", 0)::bigint");
    let row = client.query_one(&select, &[]).await?;
    let sum = |(place, name): (usize, &&str)| ((*name).to_owned(), row.get(place));
    Ok(SUMMED.iter().enumerate().map(sum).collect())
}

pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn quoted_list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    names.join(", ")
}
