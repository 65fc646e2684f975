//! The file of the embedded bus.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::{BusError, Cleanup};

/// Marks a SQLite file as an embedded bus: "nrwB".
const APPLICATION_ID: i32 = 0x6e72_7742;
/// The layout of the tables below.
const VERSION: i32 = 1;
/// How long a connection waits for another one of this process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Pages in the log after which a commit brings them into the file.
pub(super) const AUTOCHECKPOINT: &str = "PRAGMA wal_autocheckpoint = 4000";

const TABLES: &str = "
    CREATE TABLE topics (
        id          INTEGER PRIMARY KEY,
        name        TEXT NOT NULL UNIQUE,
        partitions  INTEGER NOT NULL,
        cleanup     TEXT NOT NULL,
        incarnation TEXT NOT NULL
    );
    -- What a partition holds: from the first offset that was not deleted to before the next one.
    CREATE TABLE ranges (
        topic_id     INTEGER NOT NULL,
        partition    INTEGER NOT NULL,
        first_offset INTEGER NOT NULL,
        next_offset  INTEGER NOT NULL,
        PRIMARY KEY (topic_id, partition)
    ) WITHOUT ROWID;
    CREATE TABLE messages (
        topic_id       INTEGER NOT NULL,
        partition      INTEGER NOT NULL,
        offset         INTEGER NOT NULL,
        key            BLOB NOT NULL,
        headers        TEXT NOT NULL,
        payload        BLOB,
        appended_at_ms INTEGER NOT NULL,
        PRIMARY KEY (topic_id, partition, offset)
    ) WITHOUT ROWID;
    CREATE INDEX tombstones ON messages (topic_id, partition, offset) WHERE payload IS NULL;
    -- Of compacted topics: the last message of each key, and those that it made superfluous.
    CREATE TABLE latest (
        topic_id  INTEGER NOT NULL,
        partition INTEGER NOT NULL,
        key       BLOB NOT NULL,
        offset    INTEGER NOT NULL,
        PRIMARY KEY (topic_id, partition, key)
    ) WITHOUT ROWID;
    CREATE TABLE superseded (
        topic_id  INTEGER NOT NULL,
        partition INTEGER NOT NULL,
        offset    INTEGER NOT NULL,
        PRIMARY KEY (topic_id, partition, offset)
    ) WITHOUT ROWID;";

/// Opens the file for the one writer, with the settings that make a commit durable; creates the tables in a new one.
pub(super) fn open(file: &Path) -> Result<Connection, BusError> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;",
    )?;
    connection.execute_batch(AUTOCHECKPOINT)?;
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i32>(0));
    let version = number("PRAGMA user_version")?;
    let application_id = number("PRAGMA application_id")?;
    let empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    let name = file.display();
    if !empty && application_id != APPLICATION_ID {
        return Err(BusError::Refused(format!("{name} is not a file of the bus")));
    }
    if version > VERSION {
        return Err(BusError::Refused(format!(
            "{name} was written by a newer version of nrwdirekt (layout {version}, this one knows {VERSION})"
        )));
    }
    if empty {
        let transaction = connection.transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
    }
    Ok(connection)
}

/// Opens the file once more, for reading.
pub(super) fn open_for_reading(file: &Path) -> Result<Connection, BusError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch("PRAGMA query_only = ON;")?;
    Ok(connection)
}

/// Lets the file grow to this size at most; beyond it the bus has no room.
pub(super) fn limit(connection: &Connection, bytes_max: u64) -> Result<(), BusError> {
    let page_bytes: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    let pages = i64::try_from(bytes_max).unwrap_or(i64::MAX) / page_bytes.max(1);
    connection.query_row(&format!("PRAGMA max_page_count = {}", pages.max(1)), [], |_| {
        Ok(())
    })?;
    Ok(())
}

/// The policy as it is kept beside a topic.
pub(super) fn write_cleanup(cleanup: Cleanup) -> String {
    match cleanup {
        Cleanup::Delete { retention } => format!("delete {}", retention.as_secs()),
        Cleanup::Compact {
            tombstones,
            longest_lag,
        } => {
            format!("compact {} {}", tombstones.as_secs(), longest_lag.as_secs())
        }
    }
}

/// Reads what [`write_cleanup`] wrote.
pub(super) fn read_cleanup(text: &str) -> Result<Cleanup, BusError> {
    let mut words = text.split(' ');
    let kind = words.next();
    let mut seconds = || {
        words
            .next()
            .and_then(|word| word.parse().ok())
            .map(Duration::from_secs)
    };
    let cleanup = match kind {
        Some("delete") => seconds().map(|retention| Cleanup::Delete { retention }),
        Some("compact") => seconds()
            .zip(seconds())
            .map(|(tombstones, longest_lag)| Cleanup::Compact {
                tombstones,
                longest_lag,
            }),
        _ => None,
    };
    cleanup.ok_or_else(|| BusError::Corrupt(format!("the policy {text:?} of a topic")))
}
