//! What clocks of their own end, and no run of retention has to: loops of the services, and whatever is gone the moment that
//! its purpose is.
//!
//! What they end is counted in the transaction that ends it, as [`BETWEEN_RUNS`]; the next run takes the counts over, so that
//! its proof tells of it too. Plans ask here how much of it is past.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::procedure::ProcedureId;

use crate::StoreError;
use crate::retention::{PastItems, RunId};
use crate::users::Open;

/// What was ended since the last run is counted under this number, which no run has.
pub(crate) const BETWEEN_RUNS: RunId = 0;

/// An import that replaces a period is finished, or given up, by then.
pub const CONFIRMED_KEPT: TimeDelta = TimeDelta::days(7);

/// What the ledger's loop counts reports of agents as.
pub const AGENT_STATES: &str = "agent_states";
/// What the ledger's loop counts calls as that imports confirmed.
pub const CONFIRMED_CALLS: &str = "confirmed_calls";
/// What entries are counted as that were ended, were undeliverable, or whose event is over; with their procedure.
pub const ENTRIES: &str = "entries";
/// What entries are counted as that were not confirmed in time; with their procedure.
pub const UNCONFIRMED: &str = "entries_unconfirmed";
/// What the access log's loop counts.
pub const ACCESSES: &str = "accesses";
/// What sessions are counted as that are over.
pub const SESSIONS: &str = "sessions";
/// What attempts to sign in are counted as that count no longer.
pub const FAILED_ATTEMPTS: &str = "failed_attempts";
/// What backups are counted as whose time is over.
pub const BACKUPS: &str = "backups";

/// What entries of a procedure are counted as.
pub fn of_procedure(what: &str, procedure: &str) -> String {
    format!("{what}/{procedure}")
}

/// Of calls.
#[async_trait]
pub trait CallClocks: Send + Sync + 'static {
    /// Reports of agents that were told, and received, before a time.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_agent_states(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError>;

    /// Calls that imports confirmed before a time.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_confirmed(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError>;
}

/// Of entries, beside tickets.
#[async_trait]
pub trait EntryClocks: Send + Sync + 'static {
    /// Entries of a procedure that were not confirmed until a time, by which they had to be; the oldest by its consent.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_unconfirmed(
        &self,
        procedure: &ProcedureId,
        at: DateTime<Utc>,
    ) -> Result<PastItems, StoreError>;
}

/// Of the access log, users and backups.
#[async_trait]
pub trait AccessClocks: Send + Sync + 'static {
    /// Accesses from before a time.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_accesses(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError>;

    /// Sessions that are not open any more at a moment; the oldest by its begin.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_sessions(&self, open: Open) -> Result<PastItems, StoreError>;

    /// Attempts to sign in the last of which was at a time or before.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_attempts(&self, until: DateTime<Utc>) -> Result<PastItems, StoreError>;

    /// Counts what is kept in no store and was ended: files.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn count_ended(&self, what: &'static str, items: u64) -> Result<(), StoreError>;
}
