//! The way into the audit trail.

use std::sync::{Arc, Mutex, PoisonError};

use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject, NewAuditEntry};
use store::audit::AuditStore;
use tokio::sync::oneshot;
use tonic::Status;

use crate::Clock;

/// Entries that share one transaction at most.
const TOGETHER: usize = 500;

/// Notes what is done, before it is answered: what cannot be noted is not shown.
///
/// What comes while entries are being written shares the next transaction.
#[derive(Clone)]
pub struct AuditTrail {
    inner: Arc<Inner>,
    clock: Clock,
}

struct Inner {
    store: Arc<dyn AuditStore>,
    waiting: Mutex<Vec<Waiting>>,
    /// Held while entries are written.
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct Waiting {
    entry: NewAuditEntry,
    told: oneshot::Sender<bool>,
}

impl AuditTrail {
    /// A trail into a store.
    pub fn new(store: Arc<dyn AuditStore>, clock: Clock) -> Self {
        let inner = Inner {
            store,
            waiting: Mutex::default(),
            turn: Arc::default(),
        };
        Self {
            inner: Arc::new(inner),
            clock,
        }
    }

    /// An entry to be noted, begun.
    pub fn entry(&self, principal: &Principal, action: AuditAction, subject: AuditSubject) -> NewAuditEntry {
        NewAuditEntry::of(principal, action, subject, (self.clock)())
    }

    /// An entry about now, of what nobody who signed in did: by a link in a mail, or by a rule.
    pub fn entry_by(&self, what: &str, action: AuditAction, subject: AuditSubject) -> NewAuditEntry {
        let by = Principal {
            name: what.to_owned(),
            shown_name: what.to_owned(),
            roles: std::collections::BTreeSet::new(),
            ..Principal::operator()
        };
        self.entry(&by, action, subject)
    }

    /// Notes that somebody did something.
    ///
    /// # Errors
    /// As for [`AuditTrail::append`].
    pub async fn note(
        &self,
        principal: &Principal,
        action: AuditAction,
        subject: AuditSubject,
    ) -> Result<(), Status> {
        self.append(self.entry(principal, action, subject)).await
    }

    /// Notes an entry; it is durable then.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the store cannot be written: the caller must not answer what it was asked for.
    pub async fn append(&self, entry: NewAuditEntry) -> Result<(), Status> {
        self.append_all(vec![entry]).await
    }

    /// Notes entries; all of them are durable then.
    ///
    /// # Errors
    /// As for [`AuditTrail::append`].
    pub async fn append_all(&self, entries: Vec<NewAuditEntry>) -> Result<(), Status> {
        if self.inner.noted(entries).await {
            Ok(())
        } else {
            Err(Status::unavailable(
                "the audit trail cannot be written, so nothing is shown; try again",
            ))
        }
    }

    /// Notes what was done already.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the store cannot be written: the caller must not answer what was done, and whoever asked for it
    /// asks again. So the act must be one that can be repeated: the repetition notes it.
    pub async fn append_done(&self, entries: Vec<NewAuditEntry>) -> Result<(), Status> {
        if self.inner.noted(entries).await {
            Ok(())
        } else {
            tracing::error!("something was done, but the audit trail cannot be written");
            Err(Status::unavailable(
                "it was done, but the audit trail cannot be written; repeat the request, with the same idempotency \
                 key if it has one",
            ))
        }
    }
}

impl Inner {
    /// Whether entries are durable: together with those of others who wait at the same time.
    async fn noted(self: &Arc<Self>, entries: Vec<NewAuditEntry>) -> bool {
        let mut outcomes = Vec::with_capacity(entries.len());
        {
            let mut waiting = self.waiting();
            for entry in entries {
                let (told, outcome) = oneshot::channel();
                waiting.push(Waiting { entry, told });
                outcomes.push(outcome);
            }
        }
        let Some(mut last) = outcomes.pop() else {
            return true;
        };
        let mut written = tokio::select! {
            biased;
            written = &mut last => written.unwrap_or(false),
            turn = Arc::clone(&self.turn).lock_owned() => {
                // Whoever no longer waits for an answer does not cut short what others wait for.
                let inner = Arc::clone(self);
                tokio::spawn(async move {
                    inner.write().await;
                    drop(turn);
                });
                last.await.unwrap_or(false)
            }
        };
        // They stood before the last one, so they are written or not by now.
        for outcome in outcomes {
            written &= outcome.await.unwrap_or(false);
        }
        written
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, oldest first.
    async fn write(&self) {
        loop {
            let (entries, told): (Vec<_>, Vec<_>) = {
                let mut waiting = self.waiting();
                let together = waiting.len().min(TOGETHER);
                let together = waiting.drain(..together);
                together.map(|waiting| (waiting.entry, waiting.told)).unzip()
            };
            if entries.is_empty() {
                return;
            }
            let written = self.store.append(entries).await;
            if let Err(error) = &written {
                tracing::error!(%error, "the audit trail cannot be written");
            }
            for told in told {
                // Whoever asked may be gone.
                let _ = told.send(written.is_ok());
            }
        }
    }
}

#[cfg(test)]
mod tests;
