//! The last copies of what was deleted: free pages, old versions of rows, the write-ahead log.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::Identity;
use domain::ticket::{Action, Transition};

use crate::StoreError;

/// Rewrites what may still hold bytes of deleted rows.
#[async_trait]
pub trait Scrub: Send + Sync + 'static {
    /// Rewrites the tables that were touched, and empties the log of writes. Takes as long as writing them; writers wait.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while something else reads or writes: do it again.
    async fn scrub(&self, touched: &Touched) -> Result<Scrubbed, StoreError>;

    /// Since when something is to be rewritten that was deleted beside orders to erase and runs of retention; `None`: nothing
    /// is, as in a unit that has nothing about citizens.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn owed_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        Ok(None)
    }

    /// Rewrites that alone. [`Self::scrub`] does it as well.
    ///
    /// # Errors
    /// As [`Self::scrub`].
    async fn scrub_owed(&self) -> Result<Scrubbed, StoreError> {
        Ok(Scrubbed::default())
    }
}

/// What was changed since the last time.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    /// Calls. Only their months are rewritten where calls are kept by month; none: no month is.
    pub calls: Vec<Identity>,
}

/// What is left after rewriting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// How long the store's server itself still keeps bytes.
    pub stays: TimeDelta,
    /// Copies that the server keeps beyond that by its settings, each with what to do.
    pub kept: Vec<String>,
}

impl Scrubbed {
    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.stays = self.stays.max(other.stays);
        for kept in other.kept {
            if !self.kept.contains(&kept) {
                self.kept.push(kept);
            }
        }
        self
    }
}

/// What is deleted, or put right, beside orders and runs. Whatever does so notes it in its transaction, so that a crash forgets
/// nothing; the note goes once all of it is rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// Entries that were ended, replaced, or not confirmed in time, and mails about them. A mail that was sent says nothing that
    /// its entry does not say, and goes to the last byte with it.
    Entries,
    /// What tickets said before they were put right.
    Tickets,
    /// The content of rejected items that were discarded.
    RejectedItems,
}

impl Leftover {
    /// All of them.
    const ALL: [Self; 3] = [Self::Entries, Self::Tickets, Self::RejectedItems];

    /// As it is stored.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Tickets => "tickets",
            Self::RejectedItems => "rejected_items",
        }
    }

    /// From its stored name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.name() == name)
    }

    /// The table of its note: each unit of storage has one of its own.
    pub(crate) fn noted_in(self) -> &'static str {
        match self {
            Self::Entries | Self::Tickets => OWED_OF_TICKETS,
            Self::RejectedItems => OWED_OF_CALLS,
        }
    }
}

/// Where the units of storage note what is owed.
pub(crate) const OWED_OF_TICKETS: &str = "ticket_scrubs_owed";
pub(crate) const OWED_OF_CALLS: &str = "call_scrubs_owed";

/// A note that something is owed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owed {
    pub(crate) what: Leftover,
    pub(crate) since_ms: i64,
    pub(crate) last_ms: i64,
    /// Tells it from later deletions.
    pub(crate) edition: i64,
}

/// When a change puts right what a ticket says: what was wrong is kept nowhere.
pub(crate) fn put_right_at(transition: &Transition) -> Option<DateTime<Utc>> {
    let mut entries = transition.entries.iter();
    let right = entries.find(|entry| entry.action == Action::Rectified);
    right.map(|entry| entry.at)
}
