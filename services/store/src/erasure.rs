//! Orders to erase what is known about a person, and taking it out of calls and tickets.
//!
//! An order is written before it is answered; whatever follows is done by steps that may be repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::erasure::{ErasureOrder, MarkKey, Place};
use domain::ids::{DepartmentId, ErasureOrderId, Identity, TicketId};

use crate::StoreError;
use crate::rejected::Discard;

/// Orders, and how far they have come.
#[async_trait]
pub trait ErasureStore: Send + Sync + 'static {
    /// The secret that marks are hashed with; made when the store is new, and the same ever after.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn mark_key(&self) -> Result<MarkKey, StoreError>;

    /// Writes an order, unless it or one under the same key is there.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn enter_order(&self, new: NewOrder) -> Result<Entered, StoreError>;

    /// Orders that are not carried out at every place, behind a place in their sequence and in its order.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn open_orders(&self, after: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError>;

    /// Orders behind a place in their sequence, in its order; 0 for the first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn orders_since(&self, sequence: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError>;

    /// Orders before a place in their sequence, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn orders_before(&self, sequence: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError>;

    /// An order by its number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn order(&self, id: &ErasureOrderId) -> Result<Option<KeptOrder>, StoreError>;

    /// The newest order for the same request.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn order_of(&self, digest: [u8; 32]) -> Result<Option<KeptOrder>, StoreError>;

    /// Adds calls to an order that is not carried out yet; those that it has stay once.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn add_calls(&self, id: &ErasureOrderId, calls: &[Identity]) -> Result<(), StoreError>;

    /// Notes what was done for an order at a place; what was noted before stays.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn note_step(&self, id: &ErasureOrderId, place: Place, step: Step) -> Result<(), StoreError>;

    /// Every place is clean.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn close_order(&self, id: &ErasureOrderId, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Something came to a place after it was clean: what was done there is to be done again, and the order is open until
    /// then.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn reopen_order(
        &self,
        id: &ErasureOrderId,
        place: Place,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

/// Takes persons out of calls.
#[async_trait]
pub trait CallErasure: Send + Sync + 'static {
    /// Takes out of calls who called; they count as before. Those that are not known are passed over. Returns how many are
    /// known.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is changed.
    async fn erase_callers(&self, calls: Vec<Identity>, at: DateTime<Utc>) -> Result<usize, StoreError>;

    /// Takes out of open rejected items what was delivered; they do not come back. Returns how many were open.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is changed.
    async fn erase_rejected(&self, items: Vec<Identity>, discard: Discard) -> Result<usize, StoreError>;

    /// Of all numbers that calls are searched by, of callers and of whom the house called, those that are meant, each once:
    /// keyed hashes can be looked for in no other way. Reads two indexes from end to end.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn callers_that(&self, is_meant: MeantCaller) -> Result<BTreeSet<String>, StoreError>;
}

/// Tells of a number, free of spelling, whether it is meant. Personal.
pub type MeantCaller = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// What is left to do of tickets.
#[async_trait]
pub trait TicketErasure: Send + Sync + 'static {
    /// The departments that have yet to see the newest version of these tickets.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn unpublished(
        &self,
        tickets: &[TicketId],
    ) -> Result<BTreeMap<TicketId, Vec<DepartmentId>>, StoreError>;

    /// Replies that came when nothing of their ticket was kept any more, behind a place in their sequence and in its order:
    /// what they say is still on the bus.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn stray_replies(&self, after: i64, most: usize) -> Result<Vec<StrayReply>, StoreError>;

    /// These are looked for no longer. A further reply about the same ticket that came meanwhile still is.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn forget_stray_replies(&self, sequences: Vec<i64>) -> Result<(), StoreError>;
}

/// One or more replies of a department about a ticket of which nothing is kept any more, or that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayReply {
    /// The place of the newest of them in the sequence.
    pub sequence: i64,
    /// Who replied.
    pub department: DepartmentId,
    /// The ticket.
    pub ticket: TicketId,
}

/// An order to write.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// The order.
    pub order: ErasureOrder,
    /// Chosen by the client, one a request; `None` for an order of another store.
    pub idempotency_key: Option<String>,
    /// A keyed hash of what was asked for.
    pub digest: Option<[u8; 32]>,
}

/// What came of writing an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entered {
    /// It is there now.
    New,
    /// It was there, or another one under its key.
    Known(Box<KeptOrder>),
}

/// An order as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptOrder {
    /// Its place in the sequence of orders.
    pub sequence: i64,
    /// What was asked for.
    pub digest: Option<[u8; 32]>,
    /// The order.
    pub order: ErasureOrder,
    /// What was done, by place.
    pub steps: BTreeMap<Place, Step>,
    /// Since when it is open again, if something came late.
    pub reopened_at: Option<DateTime<Utc>>,
    /// Since when every place is clean.
    pub closed_at: Option<DateTime<Utc>>,
}

/// What was done at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub done_at: DateTime<Utc>,
    /// When the last bytes are gone from there.
    pub until: DateTime<Utc>,
}

impl KeptOrder {
    /// Whether the work at a place is still to be done.
    pub fn is_due(&self, place: Place) -> bool {
        place.concerns(&self.order) && !self.steps.contains_key(&place)
    }

    /// Since when it is to be carried out.
    pub fn open_since(&self) -> DateTime<Utc> {
        self.reopened_at.unwrap_or(self.order.at)
    }
}

pub(crate) fn written(order: &ErasureOrder) -> Result<String, StoreError> {
    serde_json::to_string(order).map_err(|error| StoreError::Unusable(error.to_string()))
}

pub(crate) fn read(content: &str) -> Result<ErasureOrder, StoreError> {
    serde_json::from_str(content)
        .map_err(|error| StoreError::Unusable(format!("an order to erase cannot be read: {error}")))
}

/// The order with further calls, as it is kept.
pub(crate) fn with_calls(content: &str, calls: &[Identity]) -> Result<String, StoreError> {
    let mut order = read(content)?;
    order.calls.extend(calls);
    order.calls.sort_unstable();
    order.calls.dedup();
    written(&order)
}

pub(crate) fn place(name: &str) -> Result<Place, StoreError> {
    Place::from_name(name)
        .ok_or_else(|| StoreError::Unusable(format!("a place of erasure that is not known: {name}")))
}

pub(crate) fn fresh_secret() -> Result<[u8; 32], StoreError> {
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh)
        .map_err(|error| StoreError::Unavailable(format!("no random bytes: {error}")))?;
    Ok(fresh)
}
