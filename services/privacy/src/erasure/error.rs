use bus::BusError;
use store::StoreError;
use thiserror::Error;

/// Why a step of an erasure was not done. It is done again.
#[derive(Debug, Error)]
pub enum ErasureError {
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of erasures.
    #[error("the file of erasures {path}: {why}")]
    Journal {
        /// Which.
        path: String,
        /// What the system says.
        why: std::io::Error,
    },
}
