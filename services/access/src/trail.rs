//! The way into the audit trail.

use std::sync::Arc;

use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject, NewAuditEntry};
use store::audit::AuditStore;
use tonic::Status;

use crate::Clock;

/// Notes what is done, before it is answered: what cannot be noted is not shown.
#[derive(Clone)]
pub struct AuditTrail {
    store: Arc<dyn AuditStore>,
    clock: Clock,
}

impl AuditTrail {
    /// A trail into a store.
    pub fn new(store: Arc<dyn AuditStore>, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// An entry to be noted, begun.
    pub fn entry(&self, principal: &Principal, action: AuditAction, subject: AuditSubject) -> NewAuditEntry {
        NewAuditEntry::of(principal, action, subject, (self.clock)())
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
        self.store.append(vec![entry]).await.map_err(|error| {
            tracing::error!(%error, "the audit trail cannot be written");
            Status::unavailable("the audit trail cannot be written, so nothing is shown; try again")
        })
    }

    /// Notes what was done already, in a transaction of its own.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the store cannot be written: the caller must not answer what was done, and whoever asked for it
    /// asks again. So the act must be one that can be repeated: the repetition notes it.
    pub async fn append_done(&self, entries: Vec<NewAuditEntry>) -> Result<(), Status> {
        self.store.append(entries).await.map_err(|error| {
            tracing::error!(%error, "something was done, but the audit trail cannot be written");
            Status::unavailable(
                "it was done, but the audit trail cannot be written; repeat the request, with the same idempotency \
                 key if it has one",
            )
        })
    }
}
