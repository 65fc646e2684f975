//! The last copies of what was deleted: free pages, old versions of rows, the write-ahead log.

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::ids::Identity;

use crate::StoreError;

/// Rewrites what may still hold bytes of deleted rows.
#[async_trait]
pub trait Scrub: Send + Sync + 'static {
    /// Rewrites the tables that were touched, and empties the log of writes. Takes as long as writing them; writers wait.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while something else reads or writes: do it again.
    async fn scrub(&self, touched: &Touched) -> Result<Scrubbed, StoreError>;
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
