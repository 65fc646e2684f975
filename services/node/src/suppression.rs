//! The suppression list of a node: what was erased and must not come back.

use std::sync::Arc;
use std::time::Duration;

use domain::erasure::Suppression;
use store::StoreError;
use store::erasure::ErasureStore;
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

/// How often the store is asked for orders of other nodes.
const EVERY: Duration = Duration::from_secs(2);
/// Orders that are read together.
const ORDERS_AT_ONCE: usize = 500;
/// Transactions may be through in another order than they took their numbers in.
const OVERLAP: i64 = 50;

/// [`EVERY`]; a test of nodes that do not know an order yet says otherwise, in builds with debug assertions.
fn every() -> Duration {
    let said = std::env::var("NRWDIREKT_TEST_LIST_EVERY_S")
        .ok()
        .filter(|_| cfg!(debug_assertions));
    let seconds = said.and_then(|seconds| seconds.parse().ok());
    seconds.map_or(EVERY, Duration::from_secs)
}

/// Keeps the list at hand.
pub(crate) struct SuppressionList {
    store: Arc<dyn ErasureStore>,
    current: watch::Sender<Arc<Suppression>>,
    /// The last order that was read.
    reached: Mutex<i64>,
    /// Raised when an order was entered through this node.
    entered: Notify,
}

impl SuppressionList {
    /// Reads all orders of the store.
    pub(crate) async fn open(store: Arc<dyn ErasureStore>) -> Result<Arc<Self>, StoreError> {
        let empty = Suppression::new(store.mark_key().await?);
        let (current, _) = watch::channel(Arc::new(empty));
        let list = Self {
            store,
            current,
            reached: Mutex::new(0),
            entered: Notify::new(),
        };
        list.take_up().await?;
        Ok(Arc::new(list))
    }

    /// What gives the list as it is now.
    pub(crate) fn current(&self) -> impl Fn() -> Arc<Suppression> + Send + Sync + Clone + use<> {
        let current = self.current.subscribe();
        move || Arc::clone(&current.borrow())
    }

    /// An order was entered through this node.
    pub(crate) fn entered(&self) {
        self.entered.notify_one();
    }

    /// Takes newer orders up until `stopping`.
    pub(crate) async fn follow(self: Arc<Self>, stopping: CancellationToken) {
        let mut failing = false;
        let every = every();
        loop {
            let waited = stopping.run_until_cancelled(async {
                tokio::select! {
                    () = tokio::time::sleep(every) => {}
                    () = self.entered.notified() => {}
                }
            });
            if waited.await.is_none() {
                return;
            }
            match self.take_up().await {
                Ok(()) => failing = false,
                // One warning an outage.
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "the suppression list could not be read; trying on");
                    }
                }
            }
        }
    }

    async fn take_up(&self) -> Result<(), StoreError> {
        let mut reached = self.reached.lock().await;
        let mut after = (*reached - OVERLAP).max(0);
        loop {
            let orders = self.store.orders_since(after, ORDERS_AT_ONCE).await?;
            let Some(last) = orders.last().map(|kept| kept.sequence) else {
                return Ok(());
            };
            if last > *reached {
                let mut list = Suppression::clone(&self.current.borrow());
                orders.iter().for_each(|kept| list.add(&kept.order));
                self.current.send_replace(Arc::new(list));
                *reached = last;
            }
            if orders.len() < ORDERS_AT_ONCE {
                return Ok(());
            }
            after = last;
        }
    }
}
