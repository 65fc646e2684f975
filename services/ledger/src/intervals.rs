//! Publishes the figures of quarter-hours for other systems.
//!
//! The log of changes is the outbox: what has moved since the state that was published up to is read as it stands now,
//! published, and only then the position moves. One instance does it at a time. Its lease and the position are one row
//! of the store, and it publishes under a name of the bus that taking over fences. Figures are read after the name was
//! taken, so whatever a former owner still sends lies before them; a crash before the position moved publishes the
//! same quarter-hours again, as they stand then.

mod desk;
mod message;
mod strangers;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, BusError};
use chrono::TimeDelta;
use store::StoreError;
use store::calls::CallStore;
use store::publications::{HeldPublication, PublicationLease};
use thiserror::Error;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::desk::Desk;
pub use self::message::{INTERVAL_TYPE, IntervalMessage, REMOVED_TYPE, TaskTypeFigures};
use crate::{Clock, metrics};

/// The publication's name in the store.
const NAME: &str = "intervals";
/// The name on the bus of whoever publishes intervals.
pub const PUBLISHER: &str = "nrwdirekt-intervals";
/// The first pause after a failure; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// How quarter-hours are published. The defaults suit any installation; tests shorten them.
#[derive(Clone, Debug)]
pub struct IntervalSettings {
    /// Names this instance among others: unique, and new at every start.
    pub instance: String,
    /// How long the lease holds without being renewed; renewed three times as often.
    pub lease: Duration,
    /// How often changes are looked for.
    pub poll: Duration,
    /// Changes read at once at most.
    pub changes: usize,
    /// Messages published together at most.
    pub batch: usize,
    /// Without changes the position moves this often, so that it does not become too old.
    pub quiet: Duration,
    /// The longest pause while bus or store are away.
    pub pause_max: Duration,
}

impl IntervalSettings {
    /// The defaults, for an instance of this name.
    pub fn of(instance: impl Into<String>) -> Self {
        Self {
            instance: instance.into(),
            lease: Duration::from_secs(15),
            poll: Duration::from_secs(2),
            changes: 2_000,
            batch: 500,
            quiet: Duration::from_secs(60),
            pause_max: Duration::from_secs(30),
        }
    }
}

/// Publishes quarter-hours whenever no other instance does.
#[derive(Clone)]
pub struct IntervalPublisher {
    /// Where they go.
    pub bus: Arc<dyn Bus>,
    /// Where figures, their changes and the position are.
    pub store: Arc<dyn CallStore>,
    /// Tells the time.
    pub clock: Clock,
    /// How it works.
    pub settings: IntervalSettings,
}

#[derive(Debug, Error)]
enum PublishingError {
    #[error(transparent)]
    Bus(#[from] BusError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl PublishingError {
    /// Whether another instance has taken over.
    fn is_fenced(&self) -> bool {
        matches!(
            self,
            Self::Bus(BusError::Fenced(_)) | Self::Store(StoreError::Conflict(_))
        )
    }

    fn is_forbidden(&self) -> bool {
        matches!(self, Self::Bus(BusError::Forbidden(_)))
    }
}

impl IntervalPublisher {
    /// Works until `shutdown`, then gives the lease back. What is cut is published again by whoever goes on.
    pub async fn run(self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.work()).await;
        let instance = &self.settings.instance;
        if let Err(error) = self.store.release_publication(NAME, instance).await {
            tracing::warn!(%error, "the lease of the intervals was not given back; it runs out");
        }
    }

    async fn work(&self) {
        loop {
            let asked_at = Instant::now();
            match self.hold().await {
                Ok(Some(held)) => tokio::select! {
                    () = self.publish(held) => {}
                    () = self.keep(asked_at) => tracing::warn!("the lease of the intervals is lost"),
                },
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "the lease of the intervals could not be asked for");
                    metrics::intervals_failed();
                }
            }
            tokio::time::sleep(self.settings.lease / 3).await;
        }
    }

    async fn hold(&self) -> Result<Option<HeldPublication>, StoreError> {
        let now = (self.clock)();
        let lease = PublicationLease {
            name: NAME.to_owned(),
            owner: self.settings.instance.clone(),
            now,
            until: now + TimeDelta::from_std(self.settings.lease).unwrap_or(TimeDelta::MAX),
        };
        self.store.hold_publication(lease).await
    }

    /// Renews the lease; returns once it is lost.
    async fn keep(&self, taken_at: Instant) {
        let mut ends = taken_at + self.settings.lease;
        while Instant::now() < ends {
            tokio::time::sleep(self.settings.lease / 3).await;
            let asked_at = Instant::now();
            match tokio::time::timeout_at(ends, self.hold()).await {
                Ok(Ok(Some(_))) => ends = asked_at + self.settings.lease,
                Ok(Ok(None)) | Err(_) => return,
                Ok(Err(error)) => tracing::warn!(%error, "the lease of the intervals could not be renewed"),
            }
        }
    }

    /// Publishes through every outage, until another instance has taken over.
    async fn publish(&self, held: HeldPublication) {
        let mut desk = Desk::new(self, held.place);
        let mut pause = FIRST_PAUSE;
        loop {
            match desk.step().await {
                Ok(more) => {
                    pause = FIRST_PAUSE;
                    if !more {
                        tokio::time::sleep(self.settings.poll).await;
                    }
                }
                Err(error) if error.is_fenced() => {
                    tracing::info!(%error, "another instance publishes the intervals");
                    return;
                }
                Err(error) => {
                    metrics::intervals_failed();
                    tracing::warn!(%error, pause_ms = pause.as_millis(), "intervals are published later");
                    if error.is_forbidden() {
                        desk.close();
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(self.settings.pause_max);
                }
            }
        }
    }
}
