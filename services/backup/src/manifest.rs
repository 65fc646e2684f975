//! What a backup says of itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the parts are copies of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StorageKind {
    /// Files of SQLite: each part is a whole file.
    Files,
    /// Tables of PostgreSQL: each part is a table, as `COPY … (FORMAT binary)` gives it.
    Tables,
}

/// What stands first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The version of the format.
    pub format: u32,
    /// Which backup it is.
    pub id: String,
    /// When the state was taken.
    pub created_at: DateTime<Utc>,
    /// The version of the program.
    pub program: String,
    /// What the parts are.
    pub storage: StorageKind,
    /// By unit, the version of its tables.
    pub schemas: BTreeMap<String, i32>,
    /// By sequence, where it goes on (tables alone).
    #[serde(default)]
    pub sequences: BTreeMap<String, i64>,
}

/// A part, once it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The file or the table.
    pub name: String,
    /// The columns of a table, in their order.
    #[serde(default)]
    pub columns: Vec<String>,
    /// By table, how many rows there are.
    pub rows: BTreeMap<String, i64>,
    /// How long it is.
    pub bytes: u64,
    /// The SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// What stands last: all that was written, and what it adds up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The head once more.
    pub head: Head,
    /// The parts in their order.
    pub parts: Vec<Part>,
    /// Sums over all days and hotlines, to compare with after a restore.
    pub figures: BTreeMap<String, i64>,
}

impl Manifest {
    /// How many rows all tables have.
    pub fn rows(&self) -> i64 {
        self.parts.iter().flat_map(|part| part.rows.values()).sum()
    }

    /// How long all parts are.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }
}
