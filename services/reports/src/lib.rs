//! Reports as people and programs take them away: rows and columns under German headings, CSV, workbooks, stable JSON.
//!
//! Owns the headings, the order of columns and the forms. Pure: it is given what a service answered, and gives bytes. The
//! command line and the console write the same files because both use it. Must not ask a service, compute a figure or
//! know where the bytes go.

pub mod changes;
pub mod columns;
pub mod compare;
mod csv;
pub mod entries;
pub mod figures;
pub mod forecast;
mod form;
pub mod intervals;
pub mod percentiles;
pub mod profile;
pub mod promise;
pub mod register;
pub mod sheet;
pub mod statements;
pub mod totals;
mod xlsx;

pub use form::Report;
use thiserror::Error;

/// How CSV is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// For programs.
    Utf8,
    /// For spreadsheets, which know it by its first bytes.
    Utf8Bom,
    /// For old programs.
    Windows1252,
}

/// Why a report cannot be written in a form.
#[derive(Debug, Error)]
pub enum Fault {
    /// A workbook has not so many rows.
    #[error("more than {0} rows")]
    TooManyRows(usize),
    /// Windows-1252 lacks letters of a name.
    #[error("a name has letters that the encoding does not have")]
    NotInEncoding,
    /// Something that should be impossible.
    #[error("the report cannot be written")]
    Unwritten(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Fault {
    fn unwritten(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Unwritten(Box::new(error))
    }
}
