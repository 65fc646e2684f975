use std::io;

use thiserror::Error;

/// Why a backup could not be written or read.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The disk or the file system.
    #[error("{0}")]
    Io(#[source] io::Error),
    /// No room on the disk.
    #[error("there is no room on the disk; make some, or choose another folder")]
    NoRoom,
    /// Something else than a backup.
    #[error("this is no backup of nrwdirekt: {0}")]
    NotABackup(String),
    /// Encrypted for somebody else.
    #[error(
        "the key does not open this backup: it was made for another recipient. Use the key file whose public key is in the \
         label beside the backup"
    )]
    WrongKey,
    /// Not as it was written.
    #[error("the backup is damaged: {0}. Use another copy or an older backup")]
    Damaged(String),
    /// Written by a newer program.
    #[error("the backup has format {0}, which is newer than this program; use the nrwdirekt that wrote it")]
    Newer(u32),
    /// One of several files cannot be used.
    #[error("{file}: {error}")]
    InFile {
        /// Which.
        file: String,
        /// Why.
        error: Box<BackupError>,
    },
    /// A key that cannot be read.
    #[error("{0}")]
    Key(String),
}

impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoRoom
            }
            // What age and zstd say of bytes that are not theirs.
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Damaged(error.to_string()),
            _ => Self::Io(error),
        }
    }
}
