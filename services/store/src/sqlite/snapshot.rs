//! One point in time over several files, taken while others write.
//!
//! Writers of all files are held up for as long as it takes to begin a reading transaction on each: milliseconds. Then they go
//! on, and each file is copied as it stood at that moment. As long as a snapshot is there, the write-ahead log of its file
//! cannot be emptied.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::StoreError;
use crate::backups::{FIGURES, SUMMED};

/// How long a unit of work of somebody else may hold this one up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pages copied at a time.
const PAGES: i32 = 2_000;

/// A file as it stood at one moment.
pub struct Snapshot {
    name: String,
    connection: Connection,
}

/// Takes a snapshot of each file, all of one moment. Files that are not there are left out.
///
/// # Errors
/// [`StoreError::Unavailable`] when a file is written for longer than half a minute.
pub fn take(folder: &Path, names: &[&str]) -> Result<Vec<Snapshot>, StoreError> {
    let there = |name: &&str| folder.join(name).exists();
    let files: Vec<(String, PathBuf)> = names
        .iter()
        .copied()
        .filter(there)
        .map(|name| (name.to_owned(), folder.join(name)))
        .collect();
    let mut barred = Vec::with_capacity(files.len());
    for (_, path) in &files {
        let writer = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        writer.execute_batch("BEGIN IMMEDIATE")?;
        barred.push(writer);
    }
    let mut snapshots = Vec::with_capacity(files.len());
    for (name, path) in files {
        let connection = open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        // The snapshot begins with the first reading.
        connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")?;
        snapshots.push(Snapshot { name, connection });
    }
    for writer in barred {
        writer.execute_batch("ROLLBACK")?;
    }
    Ok(snapshots)
}

impl Snapshot {
    /// The name of the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Copies the file, page by page, to one that is empty or not there. The copy is not durable.
    ///
    /// # Errors
    /// [`StoreError::NoRoom`], [`StoreError::Unavailable`].
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let mut copy = Connection::open(path)?;
        copy.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
        let backup = Backup::new(&self.connection, &mut copy)?;
        loop {
            match backup.step(PAGES)? {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// How many rows each table has.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the file cannot be read.
    pub fn rows(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        rows(&self.connection)
    }

    /// The version of its tables.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the file cannot be read.
    pub fn schema_version(&self) -> Result<i32, StoreError> {
        schema_version(&self.connection)
    }

    /// Sums of the counts of days, if the file has any.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the file cannot be read.
    pub fn figures(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        figures(&self.connection)
    }
}

/// What a copy holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many rows each table has.
    pub rows: BTreeMap<String, i64>,
    /// Sums of the counts of days, if the file has any.
    pub figures: BTreeMap<String, i64>,
}

/// Reads a whole copy: whether it is in itself in order, and what it holds.
///
/// # Errors
/// [`StoreError::Unusable`] when it is not in order.
pub fn check(path: &Path) -> Result<Checked, StoreError> {
    let connection = Connection::open(path)?;
    let said: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if said != "ok" {
        return Err(StoreError::Unusable(said));
    }
    Ok(Checked {
        rows: rows(&connection)?,
        figures: figures(&connection)?,
    })
}

fn open(path: &Path, mode: OpenFlags) -> Result<Connection, StoreError> {
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

fn tables(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn rows(connection: &Connection) -> Result<BTreeMap<String, i64>, StoreError> {
    let mut rows = BTreeMap::new();
    for table in tables(connection)? {
        let count =
            connection.query_row(&format!("SELECT count(*) FROM \"{table}\""), [], |row| row.get(0))?;
        rows.insert(table, count);
    }
    Ok(rows)
}

fn schema_version(connection: &Connection) -> Result<i32, StoreError> {
    let has_history = tables(connection)?
        .iter()
        .any(|table| table == "refinery_schema_history");
    let version = match has_history {
        true => connection
            .query_row("SELECT max(version) FROM refinery_schema_history", [], |row| {
                row.get(0)
            })
            .optional()?
            .flatten(),
        false => connection.query_row("PRAGMA user_version", [], |row| row.get(0))?,
    };
    Ok(version.unwrap_or(0))
}

fn figures(connection: &Connection) -> Result<BTreeMap<String, i64>, StoreError> {
    if !tables(connection)?.iter().any(|table| table == "day_counts") {
        return Ok(BTreeMap::new());
    }
    connection
        .query_row(FIGURES, [], |row| {
            let sum = |(place, name): (usize, &&str)| Ok(((*name).to_owned(), row.get(place)?));
            SUMMED.iter().enumerate().map(sum).collect()
        })
        .map_err(StoreError::from)
}

#[cfg(test)]
mod tests;
