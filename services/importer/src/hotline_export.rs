//! The hotline's export: finished call records in the 24 fields, a row each.
//!
//! Any column order; Windows-1252 or UTF-8, with or without byte order mark; `;`, `,` or tab; LF or CRLF; quoted
//! cells; durations as `h:mm:ss` or seconds, with decimal comma or point; local times. What the words mean is said by
//! [`ExportMap`], from `schemas/imports/hotline-export.toml`.
//!
//! The way of a row: `reader` takes it from the file and gives it its number among equal ones, `values` reads its
//! cells and makes its digest, `record` turns them into a call record by the map. `writer` is the way back.

mod heading;
mod item;
pub(crate) mod map;
mod reader;
mod record;
mod values;
mod writer;

pub use heading::{Columns, RecognisedColumn};
pub use item::{ExportItem, RawRow, Row, UnreadableRow};
pub use map::ExportMap;
pub use reader::ExportReader;
pub use writer::{ExportError, ExportWriter};
