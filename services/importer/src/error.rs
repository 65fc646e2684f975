//! What stops an import.

use std::io;

use domain::record::Field;
use thiserror::Error;

/// Why a map or a whole file cannot be used. The texts go to users: what is wrong, and what to do.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The map is no TOML, or has a key that it cannot have.
    #[error("the map cannot be read: {0}")]
    Map(#[from] toml::de::Error),
    /// The map names something that does not exist.
    #[error("the map has \"{key}\" in [{table}], which is not known; write one of {known}")]
    UnknownMapKey {
        /// The table of the map.
        table: &'static str,
        /// What it names.
        key: String,
        /// What it may name.
        known: String,
    },
    /// One word has two meanings.
    #[error("the map has \"{word}\" twice in [{table}] with different meanings; remove one of them")]
    AmbiguousWord {
        /// The table of the map.
        table: &'static str,
        /// The word.
        word: String,
    },
    /// Nothing to read.
    #[error("the file is empty; export it again, with its heading line")]
    Empty,
    /// Not a text file in a known encoding.
    #[error("the file is {found}; {remedy}")]
    NotText {
        /// What it is.
        found: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// No heading was recognised.
    #[error(
        "line {line} holds none of the headings of the hotline's export (Zeitstempel, Task Typ, …); \
         export the file with its heading line, or name its headings in the map under [headings]"
    )]
    NoHeading {
        /// The line that should be the heading.
        line: u64,
    },
    /// A mandatory column is missing.
    #[error("the file has no column {}; add it to the export, or name its heading in the map under [headings]", columns(.0))]
    MissingColumns(Vec<Field>),
    /// Two columns for one field.
    #[error(
        "the file has two columns for {field}, \"{first}\" and \"{second}\"; remove one of them",
        field = column(*.field)
    )]
    DuplicateColumn {
        /// The field.
        field: Field,
        /// The heading of the first.
        first: String,
        /// The heading of the second.
        second: String,
    },
    /// The file cannot be read on.
    #[error(
        "the file could not be read after line {line}: {source}; import it again when it can: what was sent counts once"
    )]
    Read {
        /// The last line that was read.
        line: u64,
        /// What the system says.
        source: io::Error,
    },
}

/// A field as users know it: heading and name.
pub(crate) fn column(field: Field) -> String {
    format!("\"{}\" ({})", field.heading(), field.name())
}

fn columns(fields: &[Field]) -> String {
    fields
        .iter()
        .map(|field| column(*field))
        .collect::<Vec<_>>()
        .join(", ")
}
