//! What the reader gives for a row of the file.

use std::fmt;

use domain::ids::RowDigest;
use domain::record::{CallRecord, Field};

use crate::error::column;

/// A row, read or not. Blank rows give none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every item is a row; boxing each would cost more than it saves"
)]
pub enum ExportItem {
    /// A call record.
    Row(Row),
    /// A row to be rejected with its reason, and kept.
    Unreadable(UnreadableRow),
}

/// A row that holds a call record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The record; not yet [`CallRecord::examined`].
    pub record: CallRecord,
    /// What the row says, free of how it is written; see [`RowDigest`].
    pub digest: RowDigest,
    /// 1 for the first row of the file with this digest, 2 for the second, …
    pub occurrence: u32,
}

/// A row that holds no call record, or none that can be read. `Display` says where and why, without personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableRow {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The field that cannot be read, if it is one.
    pub field: Option<Field>,
    /// Why, and what to do; without personal data.
    pub reason: String,
    /// What was written.
    pub raw: RawRow,
    /// The digest that the row will have once the map knows its words, or one of what was written.
    pub digest: RowDigest,
    /// 1 for the first row of the file with this digest, 2 for the second, …
    pub occurrence: u32,
}

impl fmt::Display for UnreadableRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(field) = self.field {
            write!(f, ", {}", column(field))?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// A row as written: in UTF-8, but for one that is invalid UTF-8, whose bytes are kept as they are. `Debug` shows
/// only how long it is, for it holds personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct RawRow(Vec<u8>);

impl RawRow {
    /// Wraps the bytes of a row.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes, for keeping them or showing them to those who may see them.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for RawRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<personal, {} bytes>", self.0.len())
    }
}
