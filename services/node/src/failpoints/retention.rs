//! What deletes from the stores, behind a failpoint.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{Identity, TicketId};
use domain::procedure::ProcedureId;
use store::StoreError;
use store::retention::{
    AgedQuery, AgedTicket, AuditCut, CallPurge, CallRetention, CallsPurged, DroppedPart, Gone, PartPurge,
    PastItems, PlannedCut, Rewritten, Run, RunId, RunLine, RunStore, Step, Tally, TicketPurge,
    TicketRetention,
};

use super::{Cut, Point};

pub(super) struct CutCallRetention {
    pub(super) store: Arc<dyn CallRetention>,
    pub(super) cut: Arc<Cut>,
}

#[async_trait]
impl CallRetention for CutCallRetention {
    async fn past_calls(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.store.past_calls(before).await
    }

    async fn drop_past_part(&self, purge: PartPurge) -> Result<Option<DroppedPart>, StoreError> {
        let work = self.store.drop_past_part(purge);
        self.cut.around(Point::DropPastPart, work).await
    }

    async fn purge_calls(&self, purge: CallPurge) -> Result<CallsPurged, StoreError> {
        let work = self.store.purge_calls(purge);
        self.cut.around(Point::PurgeCalls, work).await
    }

    async fn past_identities(&self, purged_before: NaiveDate) -> Result<PastItems, StoreError> {
        self.store.past_identities(purged_before).await
    }

    async fn forget_identities(
        &self,
        run: RunId,
        purged_before: NaiveDate,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let work = self.store.forget_identities(run, purged_before, step);
        self.cut.around(Point::ForgetIdentities, work).await
    }

    async fn past_agents(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.store.past_agents(before).await
    }

    async fn take_out_agents(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        at: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let work = self.store.take_out_agents(run, before, at, step);
        self.cut.around(Point::TakeOutAgents, work).await
    }

    async fn past_rejected(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.store.past_rejected(before).await
    }

    async fn purge_rejected(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let work = self.store.purge_rejected(run, before, step);
        self.cut.around(Point::PurgeRejected, work).await
    }

    async fn take_over_calls(&self, run: RunId) -> Result<(), StoreError> {
        let work = self.store.take_over_calls(run);
        self.cut.around(Point::TakeOverCalls, work).await
    }

    async fn call_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError> {
        self.store.call_tallies(run).await
    }

    async fn touched_since(&self, day: NaiveDate) -> Result<Vec<Identity>, StoreError> {
        self.store.touched_since(day).await
    }

    async fn empty_call_log(&self) -> Result<(), StoreError> {
        let work = self.store.empty_call_log();
        self.cut.around(Point::EmptyCallLog, work).await
    }
}

pub(super) struct CutTicketRetention {
    pub(super) store: Arc<dyn TicketRetention>,
    pub(super) cut: Arc<Cut>,
}

#[async_trait]
impl TicketRetention for CutTicketRetention {
    async fn procedures_kept(&self) -> Result<Vec<ProcedureId>, StoreError> {
        self.store.procedures_kept().await
    }

    async fn aged_tickets(&self, query: AgedQuery) -> Result<Vec<AgedTicket>, StoreError> {
        self.store.aged_tickets(query).await
    }

    async fn hasten_ends(&self, tickets: &[TicketId], at: DateTime<Utc>) -> Result<(), StoreError> {
        let work = self.store.hasten_ends(tickets, at);
        self.cut.around(Point::HastenEnds, work).await
    }

    async fn purge_tickets(&self, purge: TicketPurge) -> Result<Gone, StoreError> {
        let work = self.store.purge_tickets(purge);
        self.cut.around(Point::PurgeTickets, work).await
    }

    async fn past_rejected_replies(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.store.past_rejected_replies(before).await
    }

    async fn purge_rejected_replies(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError> {
        let work = self.store.purge_rejected_replies(run, before, step);
        self.cut.around(Point::PurgeRejectedReplies, work).await
    }

    async fn take_over_tickets(&self, run: RunId) -> Result<(), StoreError> {
        let work = self.store.take_over_tickets(run);
        self.cut.around(Point::TakeOverTickets, work).await
    }

    async fn ticket_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError> {
        self.store.ticket_tallies(run).await
    }

    async fn empty_ticket_log(&self) -> Result<(), StoreError> {
        let work = self.store.empty_ticket_log();
        self.cut.around(Point::EmptyTicketLog, work).await
    }
}

pub(super) struct CutRuns {
    pub(super) store: Arc<dyn RunStore>,
    pub(super) cut: Arc<Cut>,
}

#[async_trait]
impl RunStore for CutRuns {
    async fn unfinished_run(&self) -> Result<Option<Run>, StoreError> {
        self.store.unfinished_run().await
    }

    async fn begin_run(&self, started_at: DateTime<Utc>, started_by: &str) -> Result<Run, StoreError> {
        let work = self.store.begin_run(started_at, started_by);
        self.cut.around(Point::BeginRun, work).await
    }

    async fn finish_run(
        &self,
        run: RunId,
        finished_at: DateTime<Utc>,
        outcome: Vec<RunLine>,
        rewritten: Vec<Rewritten>,
    ) -> Result<(), StoreError> {
        let work = self.store.finish_run(run, finished_at, outcome, rewritten);
        self.cut.around(Point::FinishRun, work).await
    }

    async fn runs(&self, before: Option<RunId>, most: usize) -> Result<Vec<Run>, StoreError> {
        self.store.runs(before, most).await
    }

    async fn past_audit(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.store.past_audit(before).await
    }

    async fn audit_cut(&self, before: DateTime<Utc>) -> Result<Option<PlannedCut>, StoreError> {
        self.store.audit_cut(before).await
    }

    async fn cut_audit(&self, cut: AuditCut) -> Result<Gone, StoreError> {
        let work = self.store.cut_audit(cut);
        self.cut.around(Point::CutAudit, work).await
    }

    async fn past_cases(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError> {
        self.store.past_cases(before).await
    }

    async fn purge_cases(&self, run: RunId, before: DateTime<Utc>, step: Step) -> Result<Gone, StoreError> {
        let work = self.store.purge_cases(run, before, step);
        self.cut.around(Point::PurgeCases, work).await
    }

    async fn take_over_access(&self, run: RunId) -> Result<(), StoreError> {
        let work = self.store.take_over_access(run);
        self.cut.around(Point::TakeOverAccess, work).await
    }

    async fn access_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError> {
        self.store.access_tallies(run).await
    }

    async fn empty_access_log(&self) -> Result<(), StoreError> {
        let work = self.store.empty_access_log();
        self.cut.around(Point::EmptyAccessLog, work).await
    }
}
