use bus::BusError;
use store::StoreError;
use thiserror::Error;

use crate::journal::JournalError;

/// Why a step of an erasure was not done. It is done again.
#[derive(Debug, Error)]
pub enum ErasureError {
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was done since backups, beside them.
    #[error("what was done by right of persons, beside the backups: {0}")]
    Acts(#[from] JournalError),
    /// The file of erasures.
    #[error("the file of erasures {path}: {why}")]
    Journal {
        /// Which.
        path: String,
        /// What the system says.
        why: std::io::Error,
    },
}
