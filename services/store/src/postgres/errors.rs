//! What PostgreSQL's errors mean for a unit of work.
//!
//! A connection that breaks while it commits leaves the outcome unknown. That too is [`StoreError::Unavailable`]: the
//! ledger reads its position again, and finds the batch either applied or not.

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use crate::StoreError;

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        meaning(&error)
    }
}

/// See the module.
pub(super) fn meaning(error: &tokio_postgres::Error) -> StoreError {
    let Some(reply) = error.as_db_error() else {
        return without_reply(error);
    };
    // The message alone: details and hints may repeat values of rows.
    let said = format!("{} (SQLSTATE {})", reply.message(), reply.code().code());
    if *reply.code() == SqlState::DISK_FULL {
        return StoreError::NoRoom;
    }
    match is_temporary(reply.code()) {
        true => StoreError::Unavailable(said),
        false => StoreError::Unusable(said),
    }
}

/// Whether the same statement may succeed later: the server stops, starts, is overloaded, is a standby for the time
/// being, or another transaction was in the way.
fn is_temporary(code: &SqlState) -> bool {
    const STATES: [&SqlState; 5] = [
        &SqlState::LOCK_NOT_AVAILABLE,
        &SqlState::READ_ONLY_SQL_TRANSACTION,
        &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        &SqlState::OBJECT_IN_USE,
        // A month was dropped between the look at the partitions and the write; the next try makes it again.
        &SqlState::CHECK_VIOLATION,
    ];
    // Connections, roll-backs (serialization, deadlock), resources, operator's intervention, the system's own.
    const CLASSES: [&str; 5] = ["08", "40", "53", "57", "58"];
    STATES.contains(&code) || CLASSES.contains(&&code.code()[..2])
}

/// The server said nothing: either it cannot be reached, or program and schema do not fit.
fn without_reply(error: &tokio_postgres::Error) -> StoreError {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    let mut of_values = false;
    while let Some(deeper) = cause {
        of_values |=
            deeper.is::<tokio_postgres::types::WrongType>() || deeper.is::<tokio_postgres::types::WasNull>();
        said = format!("{said}: {deeper}");
        cause = deeper.source();
    }
    match of_values {
        true => StoreError::Unusable(said),
        false => StoreError::Unavailable(said),
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_) => {
                Self::Unavailable("no connection to the database came free in time".to_owned())
            }
            other => Self::Unavailable(other.to_string()),
        }
    }
}
