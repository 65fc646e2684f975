//! Calls, visits and counts in PostgreSQL.
//!
//! Several instances write at once. What keeps them apart: the row of a reading position is the lock of its
//! partition, the row of an identity is the lock of its call, and rows of counts carry the shard. Locks are taken in
//! this order, and by key within each kind.

mod agents;
mod apply;
mod changes;
mod clocks;
mod copy;
mod counts;
mod history;
mod live;
mod longest;
mod names;
pub(super) mod partitions;
mod persons;
mod publications;
mod queries;
pub(super) mod records;
mod rejected;
mod replacements;
mod retention;
mod rows;
mod settling;
mod statements;
mod visits;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::agents::AgentReport;
use domain::counts::Interval;
use domain::ids::{HotlineName, Identity, IdentityKey, ImportRun, SourceName};
use domain::record::TaskType;

use self::names::Dictionary;
use self::partitions::Months;
use super::database::Database;
use super::{owed, schema};
use crate::StoreError;
use crate::calls::{
    AgentVisits, Applied, CallQuery, CallStore, DayRange, GroupTally, LedgerBatch, Period, RunCounts,
    StoredCall, StoredVisit, VisitQuery,
};
use crate::changes::{Change, ChangeQuery};
use crate::erasure::{CallErasure, MeantCaller};
use crate::history::{FiguresVersion, History, HistoryQuery};
use crate::live::{LiveQuery, Moment};
use crate::publications::{HeldPublication, PublicationAdvance, PublicationLease};
use crate::rejected::{Discard, RejectedCount, RejectedItem, RejectedQuery};
use crate::scrub::{OWED_OF_CALLS, Scrub, Scrubbed, Touched};
use crate::statements::{Seal, Statement, StatementHead};

/// The calls in PostgreSQL.
pub struct PostgresCalls {
    database: Database,
    hotlines: Dictionary,
    sources: Dictionary,
    runs: Dictionary,
    months: Months,
}

impl PostgresCalls {
    /// Connects, and checks that the tables are there and fit.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] with the remedy when tables are missing, older or newer than this program;
    /// [`StoreError::Unavailable`] when the database cannot be reached.
    pub async fn connect(database: &Database) -> Result<Self, StoreError> {
        database.check(&schema::CALLS).await?;
        Ok(Self::of_restore(database))
    }

    /// In a database that is being restored, which no node takes yet.
    pub fn of_restore(database: &Database) -> Self {
        Self {
            database: database.clone(),
            hotlines: Dictionary::hotlines(),
            sources: Dictionary::sources(),
            runs: Dictionary::runs(),
            months: Months::default(),
        }
    }
}

#[async_trait]
impl CallStore for PostgresCalls {
    async fn identity_key(&self) -> Result<IdentityKey, StoreError> {
        let secret = queries::secret(&self.database.client().await?, "identity").await?;
        Ok(IdentityKey::new(secret))
    }

    async fn position(&self, topic_id: &str, partition: u32) -> Result<i64, StoreError> {
        let positions = self.positions(topic_id).await?;
        Ok(positions.get(&partition).copied().unwrap_or(0))
    }

    async fn positions(&self, topic_id: &str) -> Result<BTreeMap<u32, i64>, StoreError> {
        queries::positions(&self.database.client().await?, topic_id).await
    }

    async fn apply(&self, batch: LedgerBatch) -> Result<Applied, StoreError> {
        let applied = apply::apply(self, batch).await;
        if applied.is_err() {
            // A month may have been dropped meanwhile: look again before the next try.
            self.months.forget();
        }
        applied
    }

    async fn give_up(
        &self,
        heard_before: DateTime<Utc>,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<usize, StoreError> {
        apply::give_up(self, heard_before, now, most).await
    }

    async fn keep_rejected(&self, items: Vec<RejectedItem>) -> Result<(), StoreError> {
        rejected::keep(&self.database.client().await?, &items).await
    }

    async fn rejected(&self, query: RejectedQuery) -> Result<Vec<RejectedItem>, StoreError> {
        rejected::list(&self.database.client().await?, &query).await
    }

    async fn rejected_item(&self, id: Identity) -> Result<Option<RejectedItem>, StoreError> {
        rejected::item(&self.database.client().await?, id).await
    }

    async fn rejected_counts(&self) -> Result<Vec<RejectedCount>, StoreError> {
        rejected::counts(&self.database.client().await?).await
    }

    async fn discard_rejected(&self, ids: Vec<Identity>, discard: Discard) -> Result<usize, StoreError> {
        rejected::discard(&mut self.database.client().await?, &ids, &discard).await
    }

    async fn import_run(&self, run: &ImportRun) -> Result<RunCounts, StoreError> {
        queries::import_run(&self.database.client().await?, run).await
    }

    async fn day_totals(&self, days: DayRange) -> Result<Vec<GroupTally>, StoreError> {
        history::day_totals(&mut self.database.client().await?, days).await
    }

    async fn history(&self, query: HistoryQuery) -> Result<History, StoreError> {
        history::read(&mut self.database.client().await?, &query).await
    }

    async fn live(&self, query: LiveQuery) -> Result<Moment, StoreError> {
        live::read(&mut self.database.client().await?, &query).await
    }

    async fn figures_version(&self) -> Result<FiguresVersion, StoreError> {
        changes::version(&self.database.client().await?).await
    }

    async fn changes_since(
        &self,
        since: &FiguresVersion,
        query: ChangeQuery,
    ) -> Result<Vec<Change>, StoreError> {
        changes::since(&mut self.database.client().await?, since, &query).await
    }

    async fn forget_changes(&self, before: DateTime<Utc>, most: usize) -> Result<usize, StoreError> {
        changes::forget(&mut self.database.client().await?, before, most).await
    }

    async fn hold_publication(&self, lease: PublicationLease) -> Result<Option<HeldPublication>, StoreError> {
        publications::hold(&self.database.client().await?, &lease).await
    }

    async fn advance_publication(&self, advance: PublicationAdvance) -> Result<(), StoreError> {
        publications::advance(&self.database.client().await?, &advance).await
    }

    async fn release_publication(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        publications::release(&self.database.client().await?, name, owner).await
    }

    async fn next_counted(&self, from: Interval) -> Result<Option<Interval>, StoreError> {
        publications::next_counted(&self.database.client().await?, from).await
    }

    async fn counted(
        &self,
        from: Interval,
        to: Interval,
    ) -> Result<Vec<(Interval, HotlineName)>, StoreError> {
        publications::counted(&self.database.client().await?, from, to).await
    }

    async fn settle(&self, before: NaiveDate, most: usize) -> Result<usize, StoreError> {
        settling::settle(&mut self.database.client().await?, before, most).await
    }

    async fn seal(&self, seal: Seal) -> Result<StatementHead, StoreError> {
        statements::seal(&mut self.database.client().await?, seal).await
    }

    async fn statements(&self) -> Result<Vec<StatementHead>, StoreError> {
        statements::list(&self.database.client().await?).await
    }

    async fn statement(&self, id: i64) -> Result<Option<Statement>, StoreError> {
        statements::one(&self.database.client().await?, id).await
    }

    async fn waiting_since(
        &self,
        offered_since: DateTime<Utc>,
        days: DayRange,
    ) -> Result<Vec<(HotlineName, TaskType, i64)>, StoreError> {
        queries::waiting_since(&self.database.client().await?, offered_since, days).await
    }

    async fn call(&self, identity: Identity) -> Result<Option<StoredCall>, StoreError> {
        records::call(&mut self.database.client().await?, identity).await
    }

    async fn calls(&self, query: CallQuery) -> Result<Vec<StoredCall>, StoreError> {
        records::calls(&self.database.client().await?, &query).await
    }

    async fn visits(&self, query: VisitQuery) -> Result<Vec<StoredVisit>, StoreError> {
        visits::visits(&self.database.client().await?, &query).await
    }

    async fn sources(&self) -> Result<Vec<SourceName>, StoreError> {
        records::sources(&self.database.client().await?).await
    }

    async fn hotlines(&self) -> Result<BTreeSet<HotlineName>, StoreError> {
        records::hotlines(&self.database.client().await?).await
    }

    async fn confirmed(
        &self,
        run: &ImportRun,
        identities: Vec<Identity>,
    ) -> Result<BTreeSet<Identity>, StoreError> {
        replacements::confirmed(&self.database.client().await?, run, &identities).await
    }

    async fn forget_confirmed(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        replacements::forget(&mut self.database.client().await?, before).await
    }

    async fn agent_visits(&self, period: Period) -> Result<Vec<AgentVisits>, StoreError> {
        agents::visits(&self.database.client().await?, period).await
    }

    async fn agent_reports(&self, period: Period) -> Result<Vec<AgentReport>, StoreError> {
        agents::reports(&self.database.client().await?, period).await
    }

    async fn forget_agent_reports(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        agents::forget(&mut self.database.client().await?, before).await
    }

    async fn imbalance(&self) -> Result<i64, StoreError> {
        counts::imbalance(&self.database.client().await?).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.database.probe().await
    }
}

#[async_trait]
impl CallErasure for PostgresCalls {
    async fn erase_callers(&self, calls: Vec<Identity>, at: DateTime<Utc>) -> Result<usize, StoreError> {
        apply::erase_callers(self, &calls, at).await
    }

    async fn erase_rejected(&self, items: Vec<Identity>, discard: Discard) -> Result<usize, StoreError> {
        self.discard_rejected(items, discard).await
    }

    async fn callers_that(&self, is_meant: MeantCaller) -> Result<BTreeSet<String>, StoreError> {
        persons::callers_that(&self.database.client().await?, &*is_meant).await
    }
}

#[async_trait]
impl Scrub for PostgresCalls {
    async fn scrub(&self, touched: &Touched) -> Result<Scrubbed, StoreError> {
        let months = partitions::months_of(&self.database.client().await?, &touched.calls).await?;
        let calls = months.into_iter().map(|month| format!("calls_{month}"));
        let tables: Vec<String> = calls.chain(["rejected_items".to_owned()]).collect();
        owed::rewrite(&self.database, OWED_OF_CALLS, &tables).await
    }

    async fn owed_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        owed::since(&self.database, OWED_OF_CALLS).await
    }

    async fn scrub_owed(&self) -> Result<Scrubbed, StoreError> {
        owed::rewrite_owed(&self.database, OWED_OF_CALLS).await
    }
}
