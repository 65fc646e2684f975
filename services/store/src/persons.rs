//! Tickets and calls of a person, whatever their state: for the rights of data subjects alone.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::Identity;
use domain::privacy::MarkKind;
use domain::ticket::Ticket;

use crate::StoreError;
use crate::calls::StoredCall;
use crate::tickets::ListPosition;

/// Finds tickets by what a person is known by.
#[async_trait]
pub trait PersonTickets: Send + Sync + 'static {
    /// Tickets that have any of the marks, newest first, of every state and restricted or not. Erased ones have none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn tickets_with(&self, search: MarkedTickets) -> Result<Vec<Ticket>, StoreError>;
}

/// Finds calls by who called, or was called by the house.
#[async_trait]
pub trait PersonCalls: Send + Sync + 'static {
    /// Calls by a number, and calls that the house made to it, the latest first; those without a known start come last.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn calls_by(&self, search: CallsOfNumber) -> Result<Vec<StoredCall>, StoreError>;

    /// How many calls there are by a number, and to it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn count_calls_by(&self, keys: Vec<String>) -> Result<i64, StoreError>;

    /// Calls by their identities, restricted or not, in no order. Those that are not there are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn calls_of(&self, identities: Vec<Identity>) -> Result<Vec<StoredCall>, StoreError>;

    /// Restricts calls: they are kept and counted, and in no list, until that is lifted. Returns how many were not
    /// restricted before.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is restricted.
    async fn restrict_calls(&self, identities: Vec<Identity>, at: DateTime<Utc>)
    -> Result<usize, StoreError>;

    /// Lifts the restriction of calls. Returns how many were restricted.
    ///
    /// # Errors
    /// [`StoreError`]: all of them stay restricted.
    async fn lift_calls(&self, identities: Vec<Identity>) -> Result<usize, StoreError>;

    /// Which of these calls are restricted.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn restricted_among(&self, identities: Vec<Identity>) -> Result<BTreeSet<Identity>, StoreError>;
}

/// Which tickets to find. Personal.
#[derive(Clone, PartialEq, Eq)]
pub struct MarkedTickets {
    /// Keys, as [`domain::privacy::marks_of_ticket`] makes them; any is enough.
    pub keys: Vec<(MarkKind, String)>,
    /// Only those after this one in the list.
    pub after: Option<ListPosition>,
    /// At most so many.
    pub most: usize,
}

/// Which calls to find. Personal.
#[derive(Clone, PartialEq, Eq)]
pub struct CallsOfNumber {
    /// Keys of a number, as [`domain::numbers::Number::search_keys`] gives them; any is enough.
    pub keys: Vec<String>,
    /// Only those after this one in the list.
    pub after: Option<PersonCallPlace>,
    /// At most so many.
    pub most: usize,
}

/// A place in a list of calls of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonCallPlace {
    /// Its start in milliseconds since 1970; -1 without a known one.
    pub started_at_ms: i64,
    /// Its identity.
    pub identity: Identity,
}

impl PersonCallPlace {
    /// Where a call stands.
    pub fn of(call: &StoredCall) -> Self {
        Self {
            started_at_ms: call
                .place()
                .map_or(-1, |place| place.started_at.timestamp_millis()),
            identity: call.identity,
        }
    }
}

impl std::fmt::Debug for MarkedTickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<personal, {} marks>", self.keys.len())
    }
}

impl std::fmt::Debug for CallsOfNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<personal, a number>")
    }
}
