//! Tickets in PostgreSQL.
//!
//! Several instances write at once. The row of a ticket is the lock of all that belongs to it and is taken first;
//! whoever decided on a ticket that has changed since is told so.

mod acts_of_right;
mod answers;
mod changes;
mod citizen_mails;
pub(super) mod citizens;
mod entries;
pub(super) mod entry_marks;
mod hand_overs;
mod leases;
mod mails;
pub(super) mod marks;
mod queries;
mod recipients;
mod replies;
pub(super) mod restores;
mod retention;
mod rows;
mod rules;
mod slots;
mod stray_replies;
mod ticket_rows;
mod waiting_mails;

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use deadpool_postgres::{Object, Transaction};
use domain::ids::{DepartmentId, ReplyId, TicketId};
use domain::ticket::{Ticket, Transition};
use tokio_postgres::IsolationLevel;

use super::database::Database;
use super::{owed, schema};
use crate::StoreError;
use crate::erasure::{StrayReply, TicketErasure};
use crate::scrub::{OWED_OF_TICKETS, Scrub, Scrubbed, Touched};
use crate::tickets::{
    Acquaintance, AcquaintanceSearch, Addition, CallNotice, CitizenSearch, HandOverKey, LeaseName, Logged,
    NewTicket, Pending, ReplyAdvance, ReplyOutcome, SetAside, Settled, Settlement, TicketFilter, TicketStore,
    TicketWithHistory,
};

/// The tickets in PostgreSQL.
pub struct PostgresTickets {
    database: Database,
}

impl PostgresTickets {
    /// Connects, and checks that the tables are there and fit.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with the remedy when tables are missing, older or newer than this program;
    /// [`StoreError::Unavailable`] when the database cannot be reached.
    pub async fn connect(database: &Database) -> Result<Self, StoreError> {
        database.check(&schema::TICKETS).await?;
        Ok(Self::of_restore(database))
    }

    /// In a database that is being restored, which no node takes yet.
    pub fn of_restore(database: &Database) -> Self {
        Self {
            database: database.clone(),
        }
    }
}

/// A unit of work. Statements see what was committed before each of them, so that a ticket is read as it is once its
/// lock is held. Without a commit nothing of it is written.
async fn begin(client: &mut Object) -> Result<Transaction<'_>, StoreError> {
    let builder = client.build_transaction();
    Ok(builder
        .isolation_level(IsolationLevel::ReadCommitted)
        .start()
        .await?)
}

/// Queries that all see the same moment.
async fn moment(client: &mut Object) -> Result<Transaction<'_>, StoreError> {
    let builder = client.build_transaction().read_only(true);
    Ok(builder
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .await?)
}

#[async_trait]
impl TicketStore for PostgresTickets {
    async fn log(&self, new: NewTicket) -> Result<Logged, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let logged = changes::log(&transaction, &new).await?;
        match logged {
            Logged::New => transaction.commit().await?,
            _ => transaction.rollback().await?,
        }
        Ok(logged)
    }

    async fn logged_before(&self, key: &str, content: [u8; 32]) -> Result<Option<Logged>, StoreError> {
        let mut client = self.database.client().await?;
        changes::logged_before(&moment(&mut client).await?, key, content).await
    }

    async fn add(&self, addition: Addition) -> Result<Logged, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let logged = changes::add(&transaction, &addition).await?;
        match logged {
            Logged::New => transaction.commit().await?,
            _ => transaction.rollback().await?,
        }
        Ok(logged)
    }

    async fn find(&self, search: CitizenSearch) -> Result<Vec<Ticket>, StoreError> {
        citizens::find(&self.database.client().await?, &search).await
    }

    async fn acquaintance(&self, search: AcquaintanceSearch) -> Result<Acquaintance, StoreError> {
        citizens::acquaintance(&self.database.client().await?, &search).await
    }

    async fn ticket(&self, id: &TicketId) -> Result<Option<TicketWithHistory>, StoreError> {
        let mut client = self.database.client().await?;
        queries::with_history(&moment(&mut client).await?, id).await
    }

    async fn list(&self, filter: TicketFilter) -> Result<Vec<Ticket>, StoreError> {
        queries::list(&self.database.client().await?, &filter).await
    }

    async fn listed(&self, filter: TicketFilter) -> Result<Vec<TicketId>, StoreError> {
        queries::listed(&self.database.client().await?, &filter).await
    }

    async fn record(&self, transition: Transition) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        changes::apply(&transaction, &transition).await?;
        Ok(transaction.commit().await?)
    }

    async fn pending(
        &self,
        department: &DepartmentId,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Pending, StoreError> {
        let mut client = self.database.client().await?;
        hand_overs::pending(&moment(&mut client).await?, department, now, most).await
    }

    async fn mark_published(&self, published: Vec<HandOverKey>, at: DateTime<Utc>) -> Result<(), StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        hand_overs::mark_published(&transaction, &published, at).await?;
        Ok(transaction.commit().await?)
    }

    async fn set_aside(&self, refused: HandOverKey, aside: SetAside) -> Result<(), StoreError> {
        hand_overs::set_aside(&self.database.client().await?, &refused, &aside).await
    }

    async fn mark_tombstoned(&self, gone: Vec<HandOverKey>) -> Result<(), StoreError> {
        hand_overs::mark_tombstoned(&self.database.client().await?, &gone).await
    }

    async fn mark_results_published(&self, sequences: Vec<i64>) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        client
            .execute(
                "DELETE FROM pending_results WHERE sequence = ANY($1)",
                &[&sequences],
            )
            .await?;
        Ok(())
    }

    async fn call_notices(&self, most: usize) -> Result<Vec<CallNotice>, StoreError> {
        hand_overs::call_notices(&self.database.client().await?, most).await
    }

    async fn mark_notices_published(&self, sequences: Vec<i64>) -> Result<(), StoreError> {
        let client = self.database.client().await?;
        client
            .execute("DELETE FROM call_notices WHERE sequence = ANY($1)", &[&sequences])
            .await?;
        Ok(())
    }

    async fn reply_positions(&self, topic_id: &str) -> Result<BTreeMap<u32, i64>, StoreError> {
        replies::positions(&self.database.client().await?, topic_id).await
    }

    async fn reply_outcome(
        &self,
        department: &DepartmentId,
        reply: &ReplyId,
    ) -> Result<Option<ReplyOutcome>, StoreError> {
        replies::outcome(&self.database.client().await?, department, reply).await
    }

    async fn settle_reply(&self, settlement: Settlement) -> Result<Settled, StoreError> {
        let mut client = self.database.client().await?;
        let transaction = begin(&mut client).await?;
        let settled = replies::settle(&transaction, &settlement).await?;
        transaction.commit().await?;
        Ok(settled)
    }

    async fn skip_replies(&self, advance: ReplyAdvance) -> Result<(), StoreError> {
        replies::advance(&self.database.client().await?, &advance).await
    }

    async fn take_leases(
        &self,
        wanted: &[LeaseName],
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<LeaseName>, StoreError> {
        leases::take(&self.database.client().await?, wanted, owner, now, until).await
    }

    async fn release_leases(&self, owner: &str) -> Result<(), StoreError> {
        leases::release(&self.database.client().await?, owner).await
    }

    async fn ended_before(
        &self,
        department: &DepartmentId,
        before: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<Ticket>, StoreError> {
        queries::ended_before(&self.database.client().await?, department, before, most).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.database.probe().await
    }
}

#[async_trait]
impl TicketErasure for PostgresTickets {
    async fn unpublished(
        &self,
        tickets: &[TicketId],
    ) -> Result<BTreeMap<TicketId, Vec<DepartmentId>>, StoreError> {
        hand_overs::unpublished(&self.database.client().await?, tickets).await
    }

    async fn stray_replies(&self, after: i64, most: usize) -> Result<Vec<StrayReply>, StoreError> {
        stray_replies::list(&self.database.client().await?, after, most).await
    }

    async fn forget_stray_replies(&self, sequences: Vec<i64>) -> Result<(), StoreError> {
        stray_replies::forget(&self.database.client().await?, &sequences).await
    }
}

#[async_trait]
impl Scrub for PostgresTickets {
    async fn scrub(&self, _touched: &Touched) -> Result<Scrubbed, StoreError> {
        let tables = [
            "tickets",
            "ticket_history",
            "ticket_marks",
            "idempotency_keys",
            "pending_mails",
            "entries",
            "entry_mails",
        ];
        owed::rewrite(&self.database, OWED_OF_TICKETS, &tables.map(str::to_owned)).await
    }

    async fn owed_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        owed::since(&self.database, OWED_OF_TICKETS).await
    }

    async fn scrub_owed(&self) -> Result<Scrubbed, StoreError> {
        owed::rewrite_owed(&self.database, OWED_OF_TICKETS).await
    }
}
