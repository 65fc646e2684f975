//! The store of tickets behind a failpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::counts::Interval;
use domain::ids::{DepartmentId, ReplyId, TicketId};
use domain::ticket::{Alarm, Ticket, Transition};
use store::StoreError;
use store::answers::{AnswerStore, Answers};
use store::schedule::ScheduleStore;
use store::tickets::{
    Acquaintance, AcquaintanceSearch, Addition, CallNotice, CitizenSearch, HandOverKey, LeaseName, Logged,
    NewTicket, Pending, ReplyAdvance, ReplyOutcome, SetAside, Settled, Settlement, TicketFilter, TicketStore,
    TicketWithHistory,
};

use super::{Cut, Point};

pub(super) struct CutTickets {
    pub(super) store: Arc<dyn TicketStore>,
    pub(super) cut: Arc<Cut>,
}

#[async_trait]
impl TicketStore for CutTickets {
    async fn log(&self, new: NewTicket) -> Result<Logged, StoreError> {
        let work = self.store.log(new);
        self.cut.around(Point::Log, work).await
    }

    async fn logged_before(&self, key: &str, content: [u8; 32]) -> Result<Option<Logged>, StoreError> {
        let work = self.store.logged_before(key, content);
        self.cut.around(Point::LoggedBefore, work).await
    }

    async fn add(&self, addition: Addition) -> Result<Logged, StoreError> {
        let work = self.store.add(addition);
        self.cut.around(Point::Add, work).await
    }

    async fn ticket(&self, id: &TicketId) -> Result<Option<TicketWithHistory>, StoreError> {
        let work = self.store.ticket(id);
        self.cut.around(Point::Ticket, work).await
    }

    async fn list(&self, filter: TicketFilter) -> Result<Vec<Ticket>, StoreError> {
        let work = self.store.list(filter);
        self.cut.around(Point::List, work).await
    }

    async fn listed(&self, filter: TicketFilter) -> Result<Vec<TicketId>, StoreError> {
        let work = self.store.listed(filter);
        self.cut.around(Point::List, work).await
    }

    async fn find(&self, search: CitizenSearch) -> Result<Vec<Ticket>, StoreError> {
        let work = self.store.find(search);
        self.cut.around(Point::Find, work).await
    }

    async fn acquaintance(&self, search: AcquaintanceSearch) -> Result<Acquaintance, StoreError> {
        let work = self.store.acquaintance(search);
        self.cut.around(Point::Acquaintance, work).await
    }

    async fn record(&self, transition: Transition) -> Result<(), StoreError> {
        let work = self.store.record(transition);
        self.cut.around(Point::Record, work).await
    }

    async fn pending(
        &self,
        department: &DepartmentId,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Pending, StoreError> {
        let work = self.store.pending(department, now, most);
        self.cut.around(Point::Pending, work).await
    }

    async fn mark_published(&self, published: Vec<HandOverKey>, at: DateTime<Utc>) -> Result<(), StoreError> {
        let work = self.store.mark_published(published, at);
        self.cut.around(Point::MarkPublished, work).await
    }

    async fn set_aside(&self, refused: HandOverKey, aside: SetAside) -> Result<(), StoreError> {
        let work = self.store.set_aside(refused, aside);
        self.cut.around(Point::SetAside, work).await
    }

    async fn mark_tombstoned(&self, gone: Vec<HandOverKey>) -> Result<(), StoreError> {
        let work = self.store.mark_tombstoned(gone);
        self.cut.around(Point::MarkTombstoned, work).await
    }

    async fn mark_results_published(&self, sequences: Vec<i64>) -> Result<(), StoreError> {
        let work = self.store.mark_results_published(sequences);
        self.cut.around(Point::MarkResultsPublished, work).await
    }

    async fn call_notices(&self, most: usize) -> Result<Vec<CallNotice>, StoreError> {
        let work = self.store.call_notices(most);
        self.cut.around(Point::CallNotices, work).await
    }

    async fn mark_notices_published(&self, sequences: Vec<i64>) -> Result<(), StoreError> {
        let work = self.store.mark_notices_published(sequences);
        self.cut.around(Point::MarkNoticesPublished, work).await
    }

    async fn reply_positions(&self, topic_id: &str) -> Result<BTreeMap<u32, i64>, StoreError> {
        let work = self.store.reply_positions(topic_id);
        self.cut.around(Point::ReplyPositions, work).await
    }

    async fn reply_outcome(
        &self,
        department: &DepartmentId,
        reply: &ReplyId,
    ) -> Result<Option<ReplyOutcome>, StoreError> {
        let work = self.store.reply_outcome(department, reply);
        self.cut.around(Point::ReplyOutcome, work).await
    }

    async fn settle_reply(&self, settlement: Settlement) -> Result<Settled, StoreError> {
        let work = self.store.settle_reply(settlement);
        self.cut.around(Point::SettleReply, work).await
    }

    async fn skip_replies(&self, advance: ReplyAdvance) -> Result<(), StoreError> {
        let work = self.store.skip_replies(advance);
        self.cut.around(Point::SkipReplies, work).await
    }

    async fn take_leases(
        &self,
        wanted: &[LeaseName],
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<LeaseName>, StoreError> {
        let work = self.store.take_leases(wanted, owner, now, until);
        self.cut.around(Point::TakeLeases, work).await
    }

    async fn release_leases(&self, owner: &str) -> Result<(), StoreError> {
        let work = self.store.release_leases(owner);
        self.cut.around(Point::ReleaseLeases, work).await
    }

    async fn ended_before(
        &self,
        department: &DepartmentId,
        before: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<Ticket>, StoreError> {
        let work = self.store.ended_before(department, before, most);
        self.cut.around(Point::EndedBefore, work).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let work = self.store.probe();
        self.cut.around(Point::ProbeTickets, work).await
    }
}

/// Reports are no step of a ticket's way.
#[async_trait]
impl AnswerStore for CutTickets {
    async fn answers(
        &self,
        from: Interval,
        to: Interval,
        now: DateTime<Utc>,
    ) -> Result<Vec<Answers>, StoreError> {
        self.store.answers(from, to, now).await
    }
}

#[async_trait]
impl ScheduleStore for CutTickets {
    async fn seats_taken(
        &self,
        department: &DepartmentId,
        service: &str,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<BTreeMap<DateTime<Utc>, u32>, StoreError> {
        let work = self.store.seats_taken(department, service, from, until);
        self.cut.around(Point::SeatsTaken, work).await
    }

    async fn alarming(
        &self,
        next: Alarm,
        due_by: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<Ticket>, StoreError> {
        let work = self.store.alarming(next, due_by, most);
        self.cut.around(Point::Alarming, work).await
    }

    async fn overdue(&self, before: DateTime<Utc>) -> Result<BTreeMap<DepartmentId, u32>, StoreError> {
        let work = self.store.overdue(before);
        self.cut.around(Point::Overdue, work).await
    }
}
