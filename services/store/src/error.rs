use chrono::{DateTime, Utc};
use thiserror::Error;

/// Why the store did not do what it was asked for. Nothing of the unit of work was written.
#[derive(Debug, Error)]
pub enum StoreError {
    /// May succeed later.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// No room on the disk; may succeed when there is some.
    #[error("the store has no room on its disk")]
    NoRoom,
    /// Somebody else changed the same thing first: read again and decide anew.
    #[error("{0} was changed by somebody else meanwhile")]
    Conflict(String),
    /// A slot has no seat left: choose another one.
    #[error("the slot of {0} has no seat left")]
    SlotTaken(DateTime<Utc>),
    /// What has moved since a state of the figures cannot be told.
    #[error("as_of: {0}")]
    UnknownVersion(String),
    /// What is stored cannot be read, or its schema is newer than this program.
    #[error("the store cannot be used: {0}")]
    Unusable(String),
}

impl StoreError {
    /// Whether trying again later may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::NoRoom)
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::NoRoom,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::SystemIoFailure) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Unusable(error.to_string()),
        }
    }
}
