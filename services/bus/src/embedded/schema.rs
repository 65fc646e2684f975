//! The file of the embedded bus.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::{BusError, Cleanup};

/// Opens the file with the settings that make a commit durable, and creates the tables.
pub(super) fn open(file: &Path) -> Result<Connection, BusError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(super::BUSY_TIMEOUT)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA secure_delete = ON;
         CREATE TABLE IF NOT EXISTS topics (
             id          INTEGER PRIMARY KEY,
             name        TEXT NOT NULL UNIQUE,
             partitions  INTEGER NOT NULL,
             cleanup     TEXT NOT NULL,
             incarnation TEXT NOT NULL
         );
         CREATE TABLE IF NOT EXISTS ends (
             topic_id    INTEGER NOT NULL,
             partition   INTEGER NOT NULL,
             next_offset INTEGER NOT NULL,
             PRIMARY KEY (topic_id, partition)
         ) WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS messages (
             topic_id       INTEGER NOT NULL,
             partition      INTEGER NOT NULL,
             offset         INTEGER NOT NULL,
             key            BLOB NOT NULL,
             headers        TEXT NOT NULL,
             payload        BLOB,
             appended_at_ms INTEGER NOT NULL,
             PRIMARY KEY (topic_id, partition, offset)
         ) WITHOUT ROWID;",
    )?;
    Ok(connection)
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
