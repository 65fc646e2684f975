//! What waits in the inboxes that somebody has open: one look at the store a department, for all who watch it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, TicketId};
use domain::ticket::TicketState;
use store::StoreError;
use store::tickets::{TicketFilter, TicketStore};
use tokio::sync::{mpsc, watch};
use tonic::Status;
use wire::v1::tickets as proto;

use crate::supervisor::Clock;

/// Between two looks while somebody watches.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);
/// Up to how many tickets are counted.
const COUNTED_UP_TO: usize = 500;

/// Up to how many waiting tickets are known by number. Of a department that leaves more lying, new ones may go unnoticed.
const KNOWN_UP_TO: usize = 5000;

/// What a look saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    owed: u32,
    waiting: u32,
    overdue: u32,
    /// Since looking began; whoever comes later subtracts what was there.
    arrived: u32,
}

/// The inboxes that are watched.
pub(crate) struct Inboxes {
    store: Arc<dyn TicketStore>,
    clock: Clock,
    watched: Mutex<BTreeMap<DepartmentId, watch::Sender<Option<Seen>>>>,
}

impl Inboxes {
    pub(crate) fn new(store: Arc<dyn TicketStore>, clock: Clock) -> Self {
        Self {
            store,
            clock,
            watched: Mutex::new(BTreeMap::new()),
        }
    }

    /// Tells what waits for a department, now and on every change, until nobody listens.
    pub(crate) async fn watch(
        self: Arc<Self>,
        department: DepartmentId,
        moments: mpsc::Sender<Result<proto::InboxMoment, Status>>,
    ) {
        let mut seen = self.subscribe(&department);
        let mut arrived_before = None;
        loop {
            let now = *seen.borrow_and_update();
            if let Some(now) = now {
                let before = *arrived_before.get_or_insert(now.arrived);
                let moment = proto::InboxMoment {
                    owed: now.owed,
                    waiting: now.waiting,
                    overdue: now.overdue,
                    arrived: now.arrived.saturating_sub(before),
                };
                if moments.send(Ok(moment)).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                changed = seen.changed() => if changed.is_err() { return },
                () = moments.closed() => return,
            }
        }
    }

    fn subscribe(self: &Arc<Self>, department: &DepartmentId) -> watch::Receiver<Option<Seen>> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = watched.get(department) {
            return sender.subscribe();
        }
        let (sender, receiver) = watch::channel(None);
        watched.insert(department.clone(), sender.clone());
        tokio::spawn(Arc::clone(self).look_again_and_again(department.clone(), sender));
        receiver
    }

    async fn look_again_and_again(
        self: Arc<Self>,
        department: DepartmentId,
        sender: watch::Sender<Option<Seen>>,
    ) {
        let mut known = None;
        let mut arrived = 0;
        while !self.forgotten(&department, &sender) {
            match self.look(&department).await {
                Ok((mut seen, waiting)) => {
                    let new = |known: &BTreeSet<TicketId>| waiting.difference(known).count() as u32;
                    arrived += known.as_ref().map_or(0, new);
                    known = Some(waiting);
                    seen.arrived = arrived;
                    sender.send_if_modified(|last| {
                        let differs = *last != Some(seen);
                        *last = Some(seen);
                        differs
                    });
                }
                // Whoever watches keeps what was seen last.
                Err(error) => tracing::debug!(%error, %department, "no look at an inbox at the moment"),
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Whether nobody watches any more; then the next who comes begins anew.
    fn forgotten(&self, department: &DepartmentId, sender: &watch::Sender<Option<Seen>>) -> bool {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let is_forgotten = sender.receiver_count() == 0;
        if is_forgotten {
            watched.remove(department);
        }
        is_forgotten
    }

    /// Counts, and which tickets wait to be accepted.
    async fn look(&self, department: &DepartmentId) -> Result<(Seen, BTreeSet<TicketId>), StoreError> {
        let owed = TicketFilter {
            department: Some(department.clone()),
            due_before: Some(DateTime::<Utc>::MAX_UTC),
            most: COUNTED_UP_TO,
            ..TicketFilter::default()
        };
        let overdue = TicketFilter {
            due_before: Some((self.clock)()),
            ..owed.clone()
        };
        let waiting = TicketFilter {
            states: vec![TicketState::Open, TicketState::HandedOver],
            due_before: None,
            most: KNOWN_UP_TO,
            ..owed.clone()
        };
        let waiting = self.store.listed(waiting).await?;
        let seen = Seen {
            owed: self.store.listed(owed).await?.len() as u32,
            waiting: waiting.len().min(COUNTED_UP_TO) as u32,
            overdue: self.store.listed(overdue).await?.len() as u32,
            arrived: 0,
        };
        Ok((seen, waiting.into_iter().collect()))
    }
}
