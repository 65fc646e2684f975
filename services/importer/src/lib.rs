//! File adapters: what telephone systems write into files, read as call records.
//!
//! Owns the parsers of the file formats, one module a format, and the maps that say what a format's headings and
//! words mean. Pure and streaming: a parser takes anything that can be read and gives rows one by one; memory does
//! not grow with the file, but for the few bytes a row that telling equal rows apart needs.
//!
//! Must not open files or connections, ask for the time, or decide what counts: the command line opens the file and
//! sends the rows to intake, and intake and ledger judge them. No row is dropped: what cannot be read comes out as
//! an item with the reason and what was written.
//!
//! - [`hotline_export`]: the hotline's export with its 24 German headings.
//! - [`queue_log`], [`cdr`], [`cel`]: what an Asterisk writes about its queues, calls and channels.
//! - [`jsonl`]: the program's own form of records, events and agent states, a JSON object a line.
//!
//! The last four take lines through [`Adapter`], so that files that still grow can be followed.
//!
//! [`again`] reads a single row or line that was rejected once more.
//!
//! What the formats share: bounded lines (`lines`), separated and quoted cells (`delimited`), the encoding of a file
//! (`encoding`), numbers (`numbers`), local time (`local_time`), words regardless of spelling (`words`), and the
//! counting of equal rows (`occurrences`).

mod adapter;
pub mod again;
pub mod cdr;
pub mod cel;
mod csv_line;
mod delimited;
mod encoding;
mod error;
mod feed_map;
pub mod fuzzing;
pub mod hotline_export;
pub mod jsonl;
mod lines;
mod local_time;
mod numbers;
mod occurrences;
pub mod queue_log;
mod words;

pub use adapter::{
    Adapter, CallBody, CallItem, Item, LONGEST_LINE, LineCutter, Notes, Place, UnreadableLine, WrittenLine,
};
pub use encoding::TextEncoding;
pub use error::ImportError;
pub use hotline_export::RawRow;
pub use local_time::{DoubleHour, LocalTimeReport};
