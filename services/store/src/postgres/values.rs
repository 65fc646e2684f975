//! Values as PostgreSQL's types hold them.

use std::borrow::Cow;

use domain::ids::Identity;
use uuid::Uuid;

use crate::StoreError;

/// An identity as it is stored.
pub(super) fn key(identity: Identity) -> Uuid {
    Uuid::from_bytes(identity.0)
}

/// Reads what [`key`] gave.
pub(super) fn identity(stored: Uuid) -> Identity {
    Identity(stored.into_bytes())
}

/// A partition of a topic as it is stored.
pub(super) fn partition_column(partition: u32) -> Result<i32, StoreError> {
    i32::try_from(partition)
        .map_err(|_| StoreError::Unusable(format!("partition {partition} is no partition of a topic")))
}

/// Reads what [`partition_column`] gave.
pub(super) fn partition(stored: i32) -> Result<u32, StoreError> {
    u32::try_from(stored).map_err(|_| StoreError::Unusable(format!("{stored} is no partition of a topic")))
}

/// A count, revision or version: PostgreSQL has no unsigned numbers.
pub(super) fn count(stored: i64) -> Result<u32, StoreError> {
    u32::try_from(stored).map_err(|_| StoreError::Unusable(format!("{stored} is not a count")))
}

/// How many rows to read at most.
pub(super) fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// A text without the character NUL, which PostgreSQL's texts cannot hold.
pub(super) fn text(given: &str) -> Cow<'_, str> {
    match given.contains('\0') {
        true => given.replace('\0', "\u{fffd}").into(),
        false => given.into(),
    }
}
