//! `tickets.db`.

mod acts_of_right;
mod answers;
mod changes;
mod citizen_mails;
mod citizens;
mod entries;
mod entry_marks;
mod hand_overs;
mod leases;
mod mails;
mod marks;
mod queries;
mod recipients;
mod replies;
mod restores;
mod retention;
mod rows;
mod rules;
mod slots;
mod stray_replies;
mod waiting_mails;

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, ReplyId, TicketId};
use domain::ticket::{Ticket, Transition};
use rusqlite::{Connection, Transaction};

use super::file::File;
use super::owed;
use crate::StoreError;
use crate::erasure::{StrayReply, TicketErasure};
use crate::scrub::{OWED_OF_TICKETS, Scrub, Scrubbed, Touched};
use crate::tickets::{
    Acquaintance, AcquaintanceSearch, Addition, CallNotice, CitizenSearch, HandOverKey, LeaseName, Logged,
    NewTicket, Pending, ReplyAdvance, ReplyOutcome, SetAside, Settled, Settlement, TicketFilter, TicketStore,
    TicketWithHistory,
};

mod migrations {
    refinery::embed_migrations!("../../schemas/migrations/sqlite/tickets");
}

pub(super) fn migrations() -> refinery::Runner {
    migrations::migrations::runner()
}

/// The tickets in SQLite.
pub struct SqliteTickets {
    file: File,
}

impl SqliteTickets {
    /// Opens the file, creating it when it is not there, and brings its schema up to date. The file has one process
    /// at a time: leases that are found belong to one that is gone, and are given up.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the file was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path, |connection| {
            migrations::migrations::runner()
                .run(connection)
                .map_err(|error| StoreError::Unusable(format!("{}: {error}", path.display())))?;
            citizens::fill_columns(connection)?;
            marks::fill(connection)?;
            entry_marks::fill(connection)?;
            connection.execute("DELETE FROM leases", [])?;
            Ok(())
        })?;
        Ok(Self { file })
    }

    /// As [`File::unit`].
    async fn unit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.file.unit(work).await
    }

    async fn query<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.file.read(work).await
    }
}

#[async_trait]
impl TicketStore for SqliteTickets {
    async fn log(&self, new: NewTicket) -> Result<Logged, StoreError> {
        self.unit(move |transaction| changes::log(transaction, &new))
            .await
    }

    async fn logged_before(&self, key: &str, content: [u8; 32]) -> Result<Option<Logged>, StoreError> {
        let key = key.to_owned();
        self.query(move |connection| changes::logged_before(connection, &key, content))
            .await
    }

    async fn add(&self, addition: Addition) -> Result<Logged, StoreError> {
        self.unit(move |transaction| changes::add(transaction, &addition))
            .await
    }

    async fn find(&self, search: CitizenSearch) -> Result<Vec<Ticket>, StoreError> {
        self.query(move |connection| citizens::find(connection, &search))
            .await
    }

    async fn acquaintance(&self, search: AcquaintanceSearch) -> Result<Acquaintance, StoreError> {
        self.query(move |connection| citizens::acquaintance(connection, search))
            .await
    }

    async fn ticket(&self, id: &TicketId) -> Result<Option<TicketWithHistory>, StoreError> {
        let id = id.clone();
        self.query(move |connection| queries::with_history(connection, &id))
            .await
    }

    async fn list(&self, filter: TicketFilter) -> Result<Vec<Ticket>, StoreError> {
        self.query(move |connection| queries::list(connection, &filter))
            .await
    }

    async fn listed(&self, filter: TicketFilter) -> Result<Vec<TicketId>, StoreError> {
        self.query(move |connection| queries::listed(connection, &filter))
            .await
    }

    async fn record(&self, transition: Transition) -> Result<(), StoreError> {
        self.unit(move |transaction| changes::apply(transaction, &transition))
            .await
    }

    async fn pending(
        &self,
        department: &DepartmentId,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Pending, StoreError> {
        let department = department.clone();
        self.query(move |connection| hand_overs::pending(connection, &department, now, most))
            .await
    }

    async fn mark_published(&self, published: Vec<HandOverKey>, at: DateTime<Utc>) -> Result<(), StoreError> {
        self.unit(move |transaction| {
            published
                .iter()
                .try_for_each(|key| hand_overs::mark_published(transaction, key, at))
        })
        .await
    }

    async fn set_aside(&self, refused: HandOverKey, aside: SetAside) -> Result<(), StoreError> {
        self.unit(move |transaction| hand_overs::set_aside(transaction, &refused, &aside))
            .await
    }

    async fn mark_tombstoned(&self, gone: Vec<HandOverKey>) -> Result<(), StoreError> {
        self.unit(move |transaction| {
            gone.iter()
                .try_for_each(|key| hand_overs::mark_tombstoned(transaction, key))
        })
        .await
    }

    async fn mark_results_published(&self, sequences: Vec<i64>) -> Result<(), StoreError> {
        self.unit(move |transaction| replies::mark_published(transaction, &sequences))
            .await
    }

    async fn call_notices(&self, most: usize) -> Result<Vec<CallNotice>, StoreError> {
        self.query(move |connection| hand_overs::call_notices(connection, most))
            .await
    }

    async fn mark_notices_published(&self, sequences: Vec<i64>) -> Result<(), StoreError> {
        self.unit(move |transaction| hand_overs::mark_notices_published(transaction, &sequences))
            .await
    }

    async fn reply_positions(&self, topic_id: &str) -> Result<BTreeMap<u32, i64>, StoreError> {
        let topic_id = topic_id.to_owned();
        self.query(move |connection| replies::positions(connection, &topic_id))
            .await
    }

    async fn reply_outcome(
        &self,
        department: &DepartmentId,
        reply: &ReplyId,
    ) -> Result<Option<ReplyOutcome>, StoreError> {
        let (department, reply) = (department.clone(), reply.clone());
        self.query(move |connection| replies::outcome(connection, &department, &reply))
            .await
    }

    async fn settle_reply(&self, settlement: Settlement) -> Result<Settled, StoreError> {
        self.unit(move |transaction| replies::settle(transaction, &settlement))
            .await
    }

    async fn skip_replies(&self, advance: ReplyAdvance) -> Result<(), StoreError> {
        self.unit(move |transaction| replies::advance(transaction, &advance))
            .await
    }

    async fn take_leases(
        &self,
        wanted: &[LeaseName],
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<LeaseName>, StoreError> {
        let (wanted, owner) = (wanted.to_vec(), owner.to_owned());
        self.unit(move |transaction| leases::take(transaction, wanted, &owner, now, until))
            .await
    }

    async fn release_leases(&self, owner: &str) -> Result<(), StoreError> {
        let owner = owner.to_owned();
        self.unit(move |transaction| leases::release(transaction, &owner))
            .await
    }

    async fn ended_before(
        &self,
        department: &DepartmentId,
        before: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<Ticket>, StoreError> {
        let department = department.clone();
        self.query(move |connection| queries::ended_before(connection, &department, before, most))
            .await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.query(|connection| Ok(connection.query_row("SELECT count(*) FROM leases", [], |_| Ok(()))?))
            .await
    }
}

#[async_trait]
impl TicketErasure for SqliteTickets {
    async fn unpublished(
        &self,
        tickets: &[TicketId],
    ) -> Result<BTreeMap<TicketId, Vec<DepartmentId>>, StoreError> {
        let tickets = tickets.to_vec();
        self.query(move |connection| hand_overs::unpublished(connection, &tickets))
            .await
    }

    async fn stray_replies(&self, after: i64, most: usize) -> Result<Vec<StrayReply>, StoreError> {
        self.query(move |connection| stray_replies::list(connection, after, most))
            .await
    }

    async fn forget_stray_replies(&self, sequences: Vec<i64>) -> Result<(), StoreError> {
        self.unit(move |transaction| stray_replies::forget(transaction, &sequences))
            .await
    }
}

#[async_trait]
impl Scrub for SqliteTickets {
    async fn scrub(&self, _touched: &Touched) -> Result<Scrubbed, StoreError> {
        owed::rewrite(&self.file, OWED_OF_TICKETS).await
    }

    async fn owed_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        owed::since(&self.file, OWED_OF_TICKETS).await
    }

    async fn scrub_owed(&self) -> Result<Scrubbed, StoreError> {
        owed::rewrite_owed(&self.file, OWED_OF_TICKETS).await
    }
}
