use bus::BusError;
use store::StoreError;
use thiserror::Error;

/// Why a step of handover was not done. Every step can be done again.
#[derive(Debug, Error)]
pub(crate) enum HandoverError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error("the mail server cannot be used: {0}")]
    MailServer(String),
}

impl HandoverError {
    /// Whether another instance publishes for the department now.
    pub(crate) fn is_fenced(&self) -> bool {
        matches!(self, Self::Bus(BusError::Fenced(_)))
    }

    /// Whether the node lacks a right that others can give it.
    pub(crate) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Bus(BusError::Forbidden(_)))
    }

    /// Whether somebody else changed the same thing first.
    pub(crate) fn is_conflict(&self) -> bool {
        matches!(self, Self::Store(StoreError::Conflict(_)))
    }
}
