//! Hand-written SQL for SQLite: one statement a table, prepared once; one transaction a commit.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Statement, Transaction};
use store::sqlite::SqliteCalls;

use super::rows::{Commit, Prepared, Row, SUMS};

/// Writes everything to a new file with the tables and indexes of the product. Returns how long that took.
pub(super) fn write(file: &Path, prepared: &Prepared) -> anyhow::Result<Duration> {
    drop(SqliteCalls::open(file)?);
    let mut connection = Connection::open(file)?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON; PRAGMA cache_size = -64000;
         PRAGMA wal_autocheckpoint = 8000; PRAGMA temp_store = MEMORY",
    )?;
    let begun = Instant::now();
    for (table, names) in [
        ("sources", &prepared.sources),
        ("hotlines", &prepared.hotlines),
        ("runs", &prepared.runs),
    ] {
        for name in names {
            connection.execute(&format!("INSERT INTO {table} (name) VALUES (?1)"), [name])?;
        }
    }
    connection.set_prepared_statement_cache_capacity(16);
    for commit in &prepared.commits {
        let transaction = connection.transaction()?;
        write_commit(&transaction, prepared, commit)?;
        transaction.commit()?;
    }
    Ok(begun.elapsed())
}

fn write_commit(transaction: &Transaction<'_>, prepared: &Prepared, commit: &Commit) -> anyhow::Result<()> {
    let columns = &prepared.columns;
    insert(transaction, &insertion("calls", &columns.calls), &commit.calls)?;
    insert(transaction, &insertion("visits", &columns.visits), &commit.visits)?;
    insert(
        transaction,
        "INSERT INTO recent_identities (identity, call_row) VALUES (?1, ?2)",
        &commit.identities,
    )?;
    for (place, (table, key)) in SUMS.into_iter().enumerate() {
        let columns = &columns.sums[place];
        let updates: Vec<String> = columns.iter().skip(key).map(|column| updated(column)).collect();
        let upsert = format!(
            "{} ON CONFLICT DO UPDATE SET {}",
            insertion(table, columns),
            updates.join(", ")
        );
        insert(transaction, &upsert, &commit.sums[place])?;
    }
    insert(
        transaction,
        "INSERT INTO count_changes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        &commit.changes,
    )?;
    insert(
        transaction,
        "INSERT INTO import_runs (run, new_reports, flagged) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET
             new_reports = new_reports + excluded.new_reports, flagged = flagged + excluded.flagged",
        &commit.runs,
    )?;
    insert(
        transaction,
        "INSERT INTO positions (topic_id, partition, position) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET position = excluded.position",
        &commit.positions,
    )
}

fn insertion(table: &str, columns: &[String]) -> String {
    let places: Vec<String> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
    format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        columns.join(", "),
        places.join(", ")
    )
}

/// Sums add up, the longest is the longer.
fn updated(column: &str) -> String {
    if column.starts_with("longest") {
        format!("{column} = nullif(max(coalesce({column}, -1), coalesce(excluded.{column}, -1)), -1)")
    } else {
        format!("{column} = {column} + excluded.{column}")
    }
}

fn insert(transaction: &Transaction<'_>, sql: &str, rows: &[Row]) -> anyhow::Result<()> {
    let mut statement = transaction.prepare_cached(sql)?;
    let statement: &mut Statement<'_> = &mut statement;
    for row in rows {
        for (place, value) in row.iter().enumerate() {
            statement.raw_bind_parameter(place + 1, value)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}
