//! Takes backups when they are due, and removes those whose time is over.

use std::sync::Arc;
use std::time::Duration;

use ::backup::BackupError;
use ::backup::folder::{self, Listed};
use chrono::{DateTime, TimeDelta, Utc};
use store::clocks::{AccessClocks, BACKUPS};
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{BackupMaker, BackupSettings, Clock, NotMade, Progress};
use crate::metrics;

/// The time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// After a failure it is tried again so much later at the earliest.
const PAUSE: TimeDelta = TimeDelta::minutes(10);

/// Keeps the backups of a node. One is made at a time.
#[derive(Clone)]
pub struct BackupKeeper {
    maker: Arc<dyn BackupMaker>,
    settings: Arc<BackupSettings>,
    /// Counts those that it removes.
    ended: Arc<dyn AccessClocks>,
    clock: Clock,
    turn: Arc<Mutex<()>>,
}

impl BackupKeeper {
    /// A keeper of a folder.
    pub fn new(
        maker: Arc<dyn BackupMaker>,
        settings: BackupSettings,
        ended: Arc<dyn AccessClocks>,
        clock: Clock,
    ) -> Self {
        Self {
            maker,
            settings: Arc::new(settings),
            ended,
            clock,
            turn: Arc::default(),
        }
    }

    /// How it works.
    pub(crate) fn settings(&self) -> &BackupSettings {
        &self.settings
    }

    /// Makes a backup now.
    ///
    /// # Errors
    /// [`NotMade`]; then the folder is as it was.
    pub async fn make(&self, progress: mpsc::Sender<Progress>) -> Result<Listed, NotMade> {
        if !self.settings.has_recipient {
            return Err(NotMade::NoRecipient);
        }
        let Ok(_turn) = self.turn.try_lock() else {
            return Err(NotMade::UnderWay);
        };
        let Some(_folder) = folder::take(&self.settings.folder)? else {
            return Err(NotMade::UnderWay);
        };
        let began = Instant::now();
        // Nothing else is under way: what is unfinished was left by a kill.
        folder::remove_unfinished(&self.settings.folder)?;
        let made = self.maker.make((self.clock)(), progress).await;
        match &made {
            Ok(made) => {
                metrics::made(began.elapsed());
                metrics::newest((self.clock)() - made.label.created_at, Some(made.label.bytes));
                tracing::info!(
                    backup = made.label.id,
                    bytes = made.label.bytes,
                    took_ms = began.elapsed().as_millis(),
                    "a backup was made"
                );
            }
            Err(error) => {
                metrics::failed();
                tracing::error!(%error, "no backup was made");
            }
        }
        made
    }

    /// The backups of the folder, newest first.
    ///
    /// # Errors
    /// [`BackupError::Io`] when it cannot be read.
    pub async fn list(&self) -> Result<Vec<Listed>, BackupError> {
        let folder = self.settings.folder.clone();
        let listing = tokio::task::spawn_blocking(move || folder::list(&folder)).await;
        listing.unwrap_or_else(|error| Err(BackupError::Io(std::io::Error::other(error))))
    }

    /// Looks every minute, until stopped.
    pub async fn run(self, stopping: CancellationToken) {
        let since = (self.clock)();
        let mut failed_at: Option<DateTime<Utc>> = None;
        loop {
            if let Err(error) = self.look(since, &mut failed_at, &stopping).await {
                tracing::warn!(%error, "the folder of backups cannot be used");
            }
            let rest = tokio::time::sleep(LOOK_EVERY);
            if stopping.run_until_cancelled(rest).await.is_none() {
                return;
            }
        }
    }

    async fn look(
        &self,
        since: DateTime<Utc>,
        failed_at: &mut Option<DateTime<Utc>>,
        stopping: &CancellationToken,
    ) -> Result<(), BackupError> {
        let now = (self.clock)();
        let (folder, before) = (self.settings.folder.clone(), now - self.settings.kept);
        let removing = tokio::task::spawn_blocking(move || folder::remove_before(&folder, before)).await;
        let removed = removing.unwrap_or_else(|error| Err(BackupError::Io(std::io::Error::other(error))))?;
        for name in &removed {
            tracing::info!(name, "a backup was removed: its time is over");
        }
        // They are gone, whether that is counted or not.
        if !removed.is_empty()
            && let Err(error) = self.ended.count_ended(BACKUPS, removed.len() as u64).await
        {
            tracing::warn!(%error, "removed backups could not be counted");
        }
        if !self.settings.has_recipient {
            return Ok(());
        }
        let newest = self.list().await?.into_iter().next();
        let taken_at = newest.as_ref().map(|newest| newest.label.created_at);
        metrics::newest(
            now - taken_at.unwrap_or(since),
            newest.map(|newest| newest.label.bytes),
        );
        let is_due = taken_at.is_none_or(|at| now - at >= self.settings.every);
        let rests = failed_at.is_some_and(|at| (now - at).abs() < PAUSE);
        if is_due && !rests {
            let (progress, _) = mpsc::channel(1);
            // A stopped node does not wait for it: what is unfinished is removed.
            let made = stopping.run_until_cancelled(self.make(progress)).await;
            *failed_at = made.is_some_and(|made| made.is_err()).then_some(now);
        }
        Ok(())
    }
}
