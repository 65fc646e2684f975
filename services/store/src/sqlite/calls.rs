//! `calls.db`.

mod agents;
mod apply;
mod changes;
mod clocks;
mod counts;
mod history;
mod identities;
mod live;
mod names;
mod persons;
mod publications;
mod queries;
mod records;
mod rejected;
mod replacements;
mod restores;
mod retention;
mod rows;
mod settling;
mod statements;
mod visits;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::agents::AgentReport;
use domain::counts::Interval;
use domain::ids::{HotlineName, Identity, IdentityKey, ImportRun, SourceName};
use domain::record::TaskType;
use rusqlite::{Connection, params};

use super::file::File;
use super::owed;
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
use crate::rejected::{Discard, PAST_RETENTION, RejectedCount, RejectedItem, RejectedQuery};
use crate::scrub::{OWED_OF_CALLS, Scrub, Scrubbed, Touched};
use crate::statements::{Seal, Statement, StatementHead};

mod migrations {
    refinery::embed_migrations!("../../schemas/migrations/sqlite/calls");
}

pub(super) fn migrations() -> refinery::Runner {
    migrations::migrations::runner()
}

/// The calls in SQLite.
pub struct SqliteCalls {
    file: File,
}

impl SqliteCalls {
    /// Opens the file, creating it when it is not there, and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the file was written by a newer version.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path, |connection| {
            migrations::migrations::runner()
                .run(connection)
                .map_err(|error| StoreError::Unusable(format!("{}: {error}", path.display())))?;
            records::fill_caller_keys(connection)?;
            records::fill_dialled_keys(connection)
        })?;
        Ok(Self { file })
    }
}

#[async_trait]
impl CallStore for SqliteCalls {
    async fn identity_key(&self) -> Result<IdentityKey, StoreError> {
        self.file
            .write(|connection| secret(connection, "identity").map(IdentityKey::new))
            .await
    }

    async fn position(&self, topic_id: &str, partition: u32) -> Result<i64, StoreError> {
        Ok(self
            .positions(topic_id)
            .await?
            .get(&partition)
            .copied()
            .unwrap_or(0))
    }

    async fn positions(&self, topic_id: &str) -> Result<BTreeMap<u32, i64>, StoreError> {
        let topic_id = topic_id.to_owned();
        self.file
            .read(move |connection| {
                let mut statement = connection
                    .prepare_cached("SELECT partition, position FROM positions WHERE topic_id = ?1")?;
                let rows = statement.query_map([topic_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn apply(&self, batch: LedgerBatch) -> Result<Applied, StoreError> {
        self.file
            .write(move |connection| apply::apply(connection, &batch))
            .await
    }

    async fn give_up(
        &self,
        heard_before: DateTime<Utc>,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<usize, StoreError> {
        self.file
            .write(move |connection| apply::give_up(connection, heard_before, now, most))
            .await
    }

    async fn keep_rejected(&self, items: Vec<RejectedItem>) -> Result<(), StoreError> {
        self.file
            .write(move |connection| rejected::keep(connection, &items))
            .await
    }

    async fn rejected(&self, query: RejectedQuery) -> Result<Vec<RejectedItem>, StoreError> {
        self.file
            .read(move |connection| rejected::list(connection, &query))
            .await
    }

    async fn rejected_item(&self, id: Identity) -> Result<Option<RejectedItem>, StoreError> {
        self.file
            .read(move |connection| rejected::item(connection, id))
            .await
    }

    async fn rejected_counts(&self) -> Result<Vec<RejectedCount>, StoreError> {
        self.file.read(rejected::counts).await
    }

    async fn discard_rejected(&self, ids: Vec<Identity>, discard: Discard) -> Result<usize, StoreError> {
        self.file
            .write(move |connection| rejected::discard(connection, &ids, &discard))
            .await
    }

    async fn import_run(&self, run: &ImportRun) -> Result<RunCounts, StoreError> {
        let run = run.as_str().to_owned();
        self.file
            .read(move |connection| {
                Ok(connection.query_row(
                    "SELECT coalesce(max(new_reports), 0), coalesce(max(flagged), 0),
                         (SELECT count(*) FROM rejected_items WHERE run = ?1 AND field = ?2)
                     FROM import_runs WHERE run = ?1",
                    [run.as_str(), PAST_RETENTION],
                    |row| {
                        Ok(RunCounts {
                            new_reports: row.get(0)?,
                            flagged: row.get(1)?,
                            past_retention: row.get(2)?,
                        })
                    },
                )?)
            })
            .await
    }

    async fn day_totals(&self, days: DayRange) -> Result<Vec<GroupTally>, StoreError> {
        self.file
            .read(move |connection| history::day_totals(connection, days))
            .await
    }

    async fn history(&self, query: HistoryQuery) -> Result<History, StoreError> {
        self.file
            .read(move |connection| history::read(connection, &query))
            .await
    }

    async fn live(&self, query: LiveQuery) -> Result<Moment, StoreError> {
        self.file
            .read(move |connection| live::read(connection, &query))
            .await
    }

    async fn figures_version(&self) -> Result<FiguresVersion, StoreError> {
        self.file.read(changes::version).await
    }

    async fn changes_since(
        &self,
        since: &FiguresVersion,
        query: ChangeQuery,
    ) -> Result<Vec<Change>, StoreError> {
        let since = since.clone();
        self.file
            .read(move |connection| changes::since(connection, &since, &query))
            .await
    }

    async fn forget_changes(&self, before: DateTime<Utc>, most: usize) -> Result<usize, StoreError> {
        self.file
            .write(move |connection| changes::forget(connection, before, most))
            .await
    }

    async fn hold_publication(&self, lease: PublicationLease) -> Result<Option<HeldPublication>, StoreError> {
        self.file
            .write(move |connection| publications::hold(connection, &lease))
            .await
    }

    async fn advance_publication(&self, advance: PublicationAdvance) -> Result<(), StoreError> {
        self.file
            .write(move |connection| publications::advance(connection, &advance))
            .await
    }

    async fn release_publication(&self, name: &str, owner: &str) -> Result<(), StoreError> {
        let (name, owner) = (name.to_owned(), owner.to_owned());
        self.file
            .write(move |connection| publications::release(connection, &name, &owner))
            .await
    }

    async fn next_counted(&self, from: Interval) -> Result<Option<Interval>, StoreError> {
        self.file
            .read(move |connection| publications::next_counted(connection, from))
            .await
    }

    async fn counted(
        &self,
        from: Interval,
        to: Interval,
    ) -> Result<Vec<(Interval, HotlineName)>, StoreError> {
        self.file
            .read(move |connection| publications::counted(connection, from, to))
            .await
    }

    async fn settle(&self, before: NaiveDate, most: usize) -> Result<usize, StoreError> {
        self.file
            .write(move |connection| settling::settle(connection, before, most))
            .await
    }

    async fn seal(&self, seal: Seal) -> Result<StatementHead, StoreError> {
        self.file
            .write(move |connection| statements::seal(connection, seal))
            .await
    }

    async fn statements(&self) -> Result<Vec<StatementHead>, StoreError> {
        self.file.read(statements::list).await
    }

    async fn statement(&self, id: i64) -> Result<Option<Statement>, StoreError> {
        self.file
            .read(move |connection| statements::one(connection, id))
            .await
    }

    async fn waiting_since(
        &self,
        offered_since: DateTime<Utc>,
        days: DayRange,
    ) -> Result<Vec<(HotlineName, TaskType, i64)>, StoreError> {
        self.file
            .read(move |connection| queries::waiting_since(connection, offered_since, days))
            .await
    }

    async fn call(&self, identity: Identity) -> Result<Option<StoredCall>, StoreError> {
        self.file
            .read(move |connection| records::call(connection, identity))
            .await
    }

    async fn confirmed(
        &self,
        run: &ImportRun,
        identities: Vec<Identity>,
    ) -> Result<BTreeSet<Identity>, StoreError> {
        let run = run.clone();
        self.file
            .read(move |connection| replacements::confirmed(connection, &run, &identities))
            .await
    }

    async fn forget_confirmed(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        self.file
            .write(move |connection| replacements::forget(connection, before))
            .await
    }

    async fn agent_visits(&self, period: Period) -> Result<Vec<AgentVisits>, StoreError> {
        self.file
            .read(move |connection| agents::visits(connection, period))
            .await
    }

    async fn agent_reports(&self, period: Period) -> Result<Vec<AgentReport>, StoreError> {
        self.file
            .read(move |connection| agents::reports(connection, period))
            .await
    }

    async fn forget_agent_reports(&self, before: DateTime<Utc>) -> Result<u64, StoreError> {
        self.file
            .write(move |connection| agents::forget(connection, before))
            .await
    }

    async fn calls(&self, query: CallQuery) -> Result<Vec<StoredCall>, StoreError> {
        self.file
            .read(move |connection| records::calls(connection, &query))
            .await
    }

    async fn visits(&self, query: VisitQuery) -> Result<Vec<StoredVisit>, StoreError> {
        self.file
            .read(move |connection| visits::visits(connection, &query))
            .await
    }

    async fn sources(&self) -> Result<Vec<SourceName>, StoreError> {
        self.file.read(records::sources).await
    }

    async fn hotlines(&self) -> Result<BTreeSet<HotlineName>, StoreError> {
        self.file.read(records::hotlines).await
    }

    async fn imbalance(&self) -> Result<i64, StoreError> {
        self.file.read(counts::imbalance).await
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.file
            .read(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?))
            .await
    }
}

#[async_trait]
impl CallErasure for SqliteCalls {
    async fn erase_callers(&self, calls: Vec<Identity>, at: DateTime<Utc>) -> Result<usize, StoreError> {
        self.file
            .write(move |connection| apply::erase_callers(connection, &calls, at))
            .await
    }

    async fn erase_rejected(&self, items: Vec<Identity>, discard: Discard) -> Result<usize, StoreError> {
        self.discard_rejected(items, discard).await
    }

    async fn callers_that(&self, is_meant: MeantCaller) -> Result<BTreeSet<String>, StoreError> {
        self.file
            .read(move |connection| persons::callers_that(connection, &*is_meant))
            .await
    }
}

#[async_trait]
impl Scrub for SqliteCalls {
    async fn scrub(&self, _touched: &Touched) -> Result<Scrubbed, StoreError> {
        owed::rewrite(&self.file, OWED_OF_CALLS).await
    }

    async fn owed_since(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        owed::since(&self.file, OWED_OF_CALLS).await
    }

    async fn scrub_owed(&self) -> Result<Scrubbed, StoreError> {
        owed::rewrite_owed(&self.file, OWED_OF_CALLS).await
    }
}

/// A secret of the installation: made once, the same ever after.
fn secret(connection: &mut Connection, name: &str) -> Result<[u8; 32], StoreError> {
    let mut fresh = [0; 32];
    getrandom::fill(&mut fresh)
        .map_err(|error| StoreError::Unavailable(format!("no random bytes: {error}")))?;
    connection.execute(
        "INSERT INTO secrets (name, secret) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        params![name, fresh],
    )?;
    let secret: Vec<u8> =
        connection.query_row("SELECT secret FROM secrets WHERE name = ?1", [name], |row| {
            row.get(0)
        })?;
    secret
        .try_into()
        .map_err(|_| StoreError::Unusable(format!("the secret {name} has not 32 bytes")))
}
