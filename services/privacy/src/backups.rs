//! Backups: taken every so many hours, kept for so many days, and whenever somebody asks.

mod keeper;
mod service;

use std::path::PathBuf;
use std::sync::Arc;

use ::backup::BackupError;
use ::backup::folder::Listed;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;
use tokio::sync::mpsc;

pub use keeper::BackupKeeper;
pub use service::BackupService;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// When backups are taken, and how long they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSettings {
    /// Where they are.
    pub folder: PathBuf,
    /// Whether they are encrypted for anybody: without, none is taken.
    pub has_recipient: bool,
    /// The time between two.
    pub every: TimeDelta,
    /// How long each is kept.
    pub kept: TimeDelta,
}

/// How far a backup has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The file or table that is being copied.
    pub part: String,
    /// Bytes read so far.
    pub bytes: u64,
}

/// Why no backup was made.
#[derive(Debug, Error)]
pub enum NotMade {
    /// Nobody could read it.
    #[error(
        "backup.recipient: no backup is made that nobody could open. `nrwdirekt backup key` makes a key pair; set \
         backup.recipient to its public key"
    )]
    NoRecipient,
    /// There is one under way.
    #[error("a backup is being made already; ask again when it is done")]
    UnderWay,
    /// The file.
    #[error("the backup could not be written: {0}")]
    File(#[from] BackupError),
    /// What it is a copy of.
    #[error("the store could not be copied: {0}")]
    Store(#[from] store::StoreError),
    /// The process ends.
    #[error("the backup was cut short: {0}")]
    Cut(String),
}

/// Copies what the node keeps into a file. Knows what that is.
#[async_trait]
pub trait BackupMaker: Send + Sync {
    /// Makes a backup in the folder, of the state as it is now. Tells how far it has come to whoever listens.
    async fn make(&self, now: DateTime<Utc>, progress: mpsc::Sender<Progress>) -> Result<Listed, NotMade>;
}
