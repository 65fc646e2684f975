//! The rows that a ledger would write for some batches, worked out beforehand: by a store of the product, whose
//! tables of counts are emptied after each batch, so that they hold what the batch alone adds.

use std::path::Path;

use anyhow::Context;
use rusqlite::Connection;
use rusqlite::types::Value;
use store::calls::{CallStore, LedgerBatch};
use store::sqlite::SqliteCalls;

/// The tables to which rows of a batch are added, with the columns by which a row is found.
pub(super) const SUMS: [(&str, usize); 4] = [
    ("interval_counts", 4),
    ("interval_histograms", 6),
    ("day_counts", 4),
    ("day_histograms", 6),
];

/// A row, column by column.
pub(super) type Row = Vec<Value>;

/// What one commit writes.
pub(super) struct Commit {
    pub(super) calls: Vec<Row>,
    pub(super) visits: Vec<Row>,
    /// Identity and row of each call.
    pub(super) identities: Vec<Row>,
    /// By table, in the order of [`SUMS`].
    pub(super) sums: [Vec<Row>; 4],
    /// What is told to the log of changes: revision, key, time, packed difference.
    pub(super) changes: Vec<Row>,
    /// Run, new calls, flagged calls.
    pub(super) runs: Vec<Row>,
    /// Topic, partition, position.
    pub(super) positions: Vec<Row>,
}

/// Everything that is to be written.
pub(super) struct Prepared {
    /// Columns of calls, visits and each table of sums.
    pub(super) columns: Columns,
    /// Names that the rows refer to, in the order of their numbers from 1.
    pub(super) sources: Vec<String>,
    pub(super) hotlines: Vec<String>,
    pub(super) runs: Vec<String>,
    pub(super) commits: Vec<Commit>,
}

/// Names of columns, in the order of the rows.
pub(super) struct Columns {
    pub(super) calls: Vec<String>,
    pub(super) visits: Vec<String>,
    pub(super) sums: [Vec<String>; 4],
}

/// Works the rows out.
pub(super) async fn prepare(folder: &Path, batches: Vec<LedgerBatch>) -> anyhow::Result<Prepared> {
    let file = folder.join("prepared.db");
    let store = SqliteCalls::open(&file)?;
    let connection = Connection::open(&file)?;
    let mut commits = Vec::with_capacity(batches.len());
    let mut last_call = 0;
    for batch in batches {
        store.apply(batch).await?;
        let calls = rows(
            &connection,
            &format!("SELECT * FROM calls WHERE call_row > {last_call} ORDER BY call_row"),
        )?;
        let visits = format!("SELECT * FROM visits WHERE call_row > {last_call} ORDER BY call_row, ordinal");
        let visits = rows(&connection, &visits)?;
        let identities = rows(
            &connection,
            &format!("SELECT identity, call_row FROM calls WHERE call_row > {last_call} ORDER BY call_row"),
        )?;
        last_call += i64::try_from(calls.len())?;
        let mut sums = [const { Vec::new() }; 4];
        for (place, (table, _)) in SUMS.into_iter().enumerate() {
            let columns = added(&connection, table)?.join(", ");
            sums[place] = rows(&connection, &format!("SELECT {columns} FROM {table}"))?;
        }
        let changes = rows(&connection, "SELECT * FROM count_changes")?;
        let runs = rows(&connection, "SELECT run, new_reports, flagged FROM import_runs")?;
        connection.execute_batch(
            "DELETE FROM interval_counts; DELETE FROM interval_histograms; DELETE FROM day_counts;
             DELETE FROM day_histograms; DELETE FROM count_changes; DELETE FROM import_runs",
        )?;
        commits.push(Commit {
            calls,
            visits,
            identities,
            sums,
            changes,
            runs,
            positions: rows(&connection, "SELECT topic_id, partition, position FROM positions")?,
        });
    }
    let columns = |table: &str| columns(&connection, table);
    Ok(Prepared {
        columns: Columns {
            calls: columns("calls")?,
            visits: columns("visits")?,
            sums: [
                added(&connection, SUMS[0].0)?,
                added(&connection, SUMS[1].0)?,
                added(&connection, SUMS[2].0)?,
                added(&connection, SUMS[3].0)?,
            ],
        },
        sources: names(&connection, "SELECT name FROM sources ORDER BY source_id")?,
        hotlines: names(
            &connection,
            "SELECT name FROM hotlines WHERE hotline_id > 0 ORDER BY hotline_id",
        )?,
        runs: names(&connection, "SELECT name FROM runs ORDER BY run_id")?,
        commits,
    })
}

fn rows(connection: &Connection, query: &str) -> anyhow::Result<Vec<Row>> {
    let mut statement = connection.prepare(query)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect())?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn names(connection: &Connection, query: &str) -> anyhow::Result<Vec<String>> {
    let mut statement = connection.prepare(query)?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The columns of a table of sums that a ledger writes: packed histograms come with settling.
fn added(connection: &Connection, table: &str) -> anyhow::Result<Vec<String>> {
    let mut columns = columns(connection, table)?;
    columns.retain(|column| column != "histograms");
    Ok(columns)
}

fn columns(connection: &Connection, table: &str) -> anyhow::Result<Vec<String>> {
    let statement = connection.prepare(&format!("SELECT * FROM {table}"));
    let statement = statement.with_context(|| table.to_owned())?;
    Ok(statement.column_names().map(str::to_owned).collect())
}
