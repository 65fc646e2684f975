//! Backups as files: how they are written, encrypted, listed, and read again.
//!
//! Owns the format and its proof of wholeness. Knows no store: what is in a part is the business of whoever writes it. A file
//! is an [age](https://age-encryption.org/v1) file for one recipient, so that a node can write what it cannot read; in it is a
//! zstd stream of [parts](archive), and beside it a [label](folder::Label), from which it can be seen without the key
//! whether a byte has changed. Beside the backups lies what was [done since](acts) by right of persons.

pub mod acts;
pub mod archive;
mod error;
pub mod folder;
pub mod keys;
mod manifest;

pub use error::BackupError;
pub use keys::{Key, Recipient};
pub use manifest::{Head, Manifest, Part, StorageKind};

/// The version of the format that is written; older ones are read.
pub const FORMAT: u32 = 1;

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
