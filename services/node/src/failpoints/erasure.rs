//! What an erasure writes, behind a failpoint: orders, calls, rejected items, and the files of the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::erasure::{MarkKey, Place};
use domain::ids::{DepartmentId, ErasureOrderId, Identity, TicketId};
use store::StoreError;
use store::erasure::{
    CallErasure, Entered, ErasureStore, KeptOrder, MeantCaller, NewOrder, Step, StrayReply, TicketErasure,
};
use store::rejected::Discard;
use store::scrub::{Scrub, Scrubbed, Touched};

use super::{Cut, Point};

pub(super) struct CutOrders {
    pub(super) store: Arc<dyn ErasureStore>,
    pub(super) cut: Arc<Cut>,
}

#[async_trait]
impl ErasureStore for CutOrders {
    async fn mark_key(&self) -> Result<MarkKey, StoreError> {
        self.store.mark_key().await
    }

    async fn enter_order(&self, new: NewOrder) -> Result<Entered, StoreError> {
        let work = self.store.enter_order(new);
        self.cut.around(Point::EnterOrder, work).await
    }

    async fn open_orders(&self, after: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError> {
        self.store.open_orders(after, most).await
    }

    async fn orders_since(&self, sequence: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError> {
        self.store.orders_since(sequence, most).await
    }

    async fn orders_before(&self, sequence: i64, most: usize) -> Result<Vec<KeptOrder>, StoreError> {
        self.store.orders_before(sequence, most).await
    }

    async fn order(&self, id: &ErasureOrderId) -> Result<Option<KeptOrder>, StoreError> {
        self.store.order(id).await
    }

    async fn order_of(&self, digest: [u8; 32]) -> Result<Option<KeptOrder>, StoreError> {
        self.store.order_of(digest).await
    }

    async fn add_calls(&self, id: &ErasureOrderId, calls: &[Identity]) -> Result<(), StoreError> {
        let work = self.store.add_calls(id, calls);
        self.cut.around(Point::AddCalls, work).await
    }

    async fn note_step(&self, id: &ErasureOrderId, place: Place, step: Step) -> Result<(), StoreError> {
        let work = self.store.note_step(id, place, step);
        self.cut.around(Point::NoteStep, work).await
    }

    async fn close_order(&self, id: &ErasureOrderId, at: DateTime<Utc>) -> Result<(), StoreError> {
        let work = self.store.close_order(id, at);
        self.cut.around(Point::CloseOrder, work).await
    }

    async fn reopen_order(
        &self,
        id: &ErasureOrderId,
        place: Place,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let work = self.store.reopen_order(id, place, at);
        self.cut.around(Point::ReopenOrder, work).await
    }
}

pub(super) struct CutTicketErasure {
    pub(super) store: Arc<dyn TicketErasure>,
    pub(super) cut: Arc<Cut>,
}

#[async_trait]
impl TicketErasure for CutTicketErasure {
    async fn unpublished(
        &self,
        tickets: &[TicketId],
    ) -> Result<BTreeMap<TicketId, Vec<DepartmentId>>, StoreError> {
        self.store.unpublished(tickets).await
    }

    async fn stray_replies(&self, after: i64, most: usize) -> Result<Vec<StrayReply>, StoreError> {
        let work = self.store.stray_replies(after, most);
        self.cut.around(Point::StrayReplies, work).await
    }

    async fn forget_stray_replies(&self, sequences: Vec<i64>) -> Result<(), StoreError> {
        let work = self.store.forget_stray_replies(sequences);
        self.cut.around(Point::ForgetStrayReplies, work).await
    }
}

pub(super) struct CutCallers {
    pub(super) store: Arc<dyn CallErasure>,
    pub(super) cut: Arc<Cut>,
}

#[async_trait]
impl CallErasure for CutCallers {
    async fn erase_callers(&self, calls: Vec<Identity>, at: DateTime<Utc>) -> Result<usize, StoreError> {
        let work = self.store.erase_callers(calls, at);
        self.cut.around(Point::EraseCallers, work).await
    }

    async fn erase_rejected(&self, items: Vec<Identity>, discard: Discard) -> Result<usize, StoreError> {
        let work = self.store.erase_rejected(items, discard);
        self.cut.around(Point::EraseRejected, work).await
    }

    async fn callers_that(&self, is_meant: MeantCaller) -> Result<BTreeSet<String>, StoreError> {
        let work = self.store.callers_that(is_meant);
        self.cut.around(Point::CallersThat, work).await
    }
}

pub(super) struct CutScrub {
    pub(super) unit: Arc<dyn Scrub>,
    pub(super) cut: Arc<Cut>,
}

#[async_trait]
impl Scrub for CutScrub {
    async fn scrub(&self, touched: &Touched) -> Result<Scrubbed, StoreError> {
        let work = self.unit.scrub(touched);
        self.cut.around(Point::ScrubStore, work).await
    }

    async fn owed_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.unit.owed_since().await
    }

    async fn scrub_owed(&self) -> Result<Scrubbed, StoreError> {
        self.cut.around(Point::ScrubOwed, self.unit.scrub_owed()).await
    }
}
