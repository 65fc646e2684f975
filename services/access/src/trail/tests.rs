use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use store::StoreError;
use store::audit::{AuditEntry, AuditFilter};
use tokio::sync::Semaphore;

use super::*;

/// Appends when it is let.
struct Slow {
    permits: Semaphore,
    fails: bool,
    transactions: AtomicUsize,
    entries: Mutex<Vec<NewAuditEntry>>,
}

impl Slow {
    fn new(fails: bool) -> Arc<Self> {
        Arc::new(Self {
            permits: Semaphore::new(0),
            fails,
            transactions: AtomicUsize::new(0),
            entries: Mutex::default(),
        })
    }
}

#[tonic::async_trait]
impl AuditStore for Slow {
    async fn append(&self, entries: Vec<NewAuditEntry>) -> Result<(), StoreError> {
        self.permits.acquire().await.unwrap().forget();
        self.transactions.fetch_add(1, Ordering::Relaxed);
        if self.fails {
            return Err(StoreError::NoRoom);
        }
        self.entries.lock().unwrap().extend(entries);
        Ok(())
    }

    async fn entries(&self, _: AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        unreachable!()
    }

    async fn chain(&self, _: i64, _: usize) -> Result<Vec<AuditEntry>, StoreError> {
        unreachable!()
    }

    async fn anchor(&self) -> Result<Option<store::retention::Anchor>, StoreError> {
        unreachable!()
    }

    async fn cut_parts(&self, _: i64, _: usize) -> Result<Vec<store::audit::CutPart>, StoreError> {
        unreachable!()
    }
}

fn trail(store: &Arc<Slow>) -> AuditTrail {
    let clock = Arc::new(|| DateTime::<Utc>::UNIX_EPOCH);
    AuditTrail::new(Arc::clone(store) as _, clock)
}

fn begin(trail: &AuditTrail, number: usize) -> tokio::task::JoinHandle<Result<(), Status>> {
    let trail = trail.clone();
    let subject = AuditSubject::new("ticket", number.to_string());
    tokio::spawn(async move {
        trail
            .note(&Principal::operator(), AuditAction::TicketRead, subject)
            .await
    })
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_comes_while_an_append_is_under_way_shares_the_next() {
    let store = Slow::new(false);
    let trail = trail(&store);
    let first = begin(&trail, 0);
    until(|| trail.inner.turn.try_lock().is_err() && trail.inner.waiting().is_empty()).await;
    let others: Vec<_> = (1..50).map(|number| begin(&trail, number)).collect();
    until(|| trail.inner.waiting().len() == 49).await;
    assert!(others.iter().all(|other| !other.is_finished()), "not durable yet");
    store.permits.add_permits(2);
    first.await.unwrap().unwrap();
    for other in others {
        other.await.unwrap().unwrap();
    }
    assert_eq!(store.transactions.load(Ordering::Relaxed), 2);
    assert_eq!(store.entries.lock().unwrap().len(), 50);
}

#[tokio::test]
async fn whoever_no_longer_waits_holds_nobody_up() {
    let store = Slow::new(false);
    let trail = trail(&store);
    let first = begin(&trail, 0);
    until(|| trail.inner.turn.try_lock().is_err() && trail.inner.waiting().is_empty()).await;
    let second = begin(&trail, 1);
    until(|| trail.inner.waiting().len() == 1).await;
    first.abort();
    store.permits.add_permits(2);
    second.await.unwrap().unwrap();
    assert_eq!(store.entries.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_noted_is_told() {
    let store = Slow::new(true);
    store.permits.add_permits(1);
    let refused = begin(&trail(&store), 0).await.unwrap().unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unavailable);
}
