//! Deleting what is kept no longer: step by step, each a small unit of work that says how much it deleted.
//!
//! What was deleted is counted in the transaction that deletes it, under the number of the run: a run that was cut short
//! and gone on with still tells the whole.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::ids::{Identity, TicketId};
use domain::procedure::ProcedureId;
use domain::ticket::Ticket;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::tickets::ListPosition;

/// The number of a run of retention.
pub type RunId = i64;

/// What can go of calls, visits and rejected items.
#[async_trait]
pub trait CallRetention: Send + Sync + 'static {
    /// Calls whose period began before a time, and that are not open.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_calls(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError>;

    /// Drops the oldest part of the calls in which everything is past, whole; `None` when there is none, or the store
    /// keeps its calls in one part. The figures stay as they are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while somebody uses the part: nothing was dropped.
    async fn drop_past_part(&self, purge: PartPurge) -> Result<Option<DroppedPart>, StoreError>;

    /// Deletes calls whose period began before a time, with their visits, a page of them. Open ones stay. The figures
    /// stay as they are, and the identities.
    ///
    /// # Errors
    /// [`StoreError`]: nothing of the page was deleted.
    async fn purge_calls(&self, purge: CallPurge) -> Result<CallsPurged, StoreError>;

    /// Identities of calls that were deleted before a day.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_identities(&self, purged_before: NaiveDate) -> Result<PastItems, StoreError>;

    /// Forgets such identities, a step of them.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is forgotten.
    async fn forget_identities(
        &self,
        run: RunId,
        purged_before: NaiveDate,
        step: Step,
    ) -> Result<Gone, StoreError>;

    /// Calls that name agents, are not open, and whose period began before a time; those of before this version as well
    /// where they name none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_agents(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError>;

    /// Takes the names of agents out of such calls, a step of them. The figures stay as they are, and what was told before
    /// is known when it is told again.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was taken out.
    async fn take_out_agents(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        at: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError>;

    /// Rejected items, open or discarded, that were kept before a time.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_rejected(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError>;

    /// Deletes such items, a step of them.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is deleted.
    async fn purge_rejected(&self, run: RunId, before: DateTime<Utc>, step: Step)
    -> Result<Gone, StoreError>;

    /// Takes over what clocks of their own have ended since the run before: it is this run's to tell.
    ///
    /// # Errors
    /// [`StoreError`]: it is taken over later.
    async fn take_over_calls(&self, run: RunId) -> Result<(), StoreError>;

    /// What a run has deleted here.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn call_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError>;

    /// A call of each part that calls were deleted from since a day, where the store keeps them in parts: what
    /// [`crate::scrub::Touched`] asks for.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn touched_since(&self, day: NaiveDate) -> Result<Vec<Identity>, StoreError>;

    /// Takes the last copies of what was deleted out of the write-ahead log, where the store has one of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn empty_call_log(&self) -> Result<(), StoreError>;
}

/// What can go of tickets.
#[async_trait]
pub trait TicketRetention: Send + Sync + 'static {
    /// The procedures that there are tickets of.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn procedures_kept(&self) -> Result<Vec<ProcedureId>, StoreError>;

    /// Tickets of a procedure that were logged before a time, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn aged_tickets(&self, query: AgedQuery) -> Result<Vec<AgedTicket>, StoreError>;

    /// Brings the end of tickets on the topics of departments forward to a time, where it was planned later.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn hasten_ends(&self, tickets: &[TicketId], at: DateTime<Utc>) -> Result<(), StoreError>;

    /// Deletes tickets, with all that refers to them. Those that have changed meanwhile, or of which something is still on
    /// its way to a department, stay.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is deleted.
    async fn purge_tickets(&self, purge: TicketPurge) -> Result<Gone, StoreError>;

    /// Replies of departments that were rejected before a time, to tickets that are not known, and whose departments have
    /// been told.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_rejected_replies(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError>;

    /// Deletes such replies, a step of them.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is deleted.
    async fn purge_rejected_replies(
        &self,
        run: RunId,
        before: DateTime<Utc>,
        step: Step,
    ) -> Result<Gone, StoreError>;

    /// Takes over what clocks of their own have ended since the run before: it is this run's to tell.
    ///
    /// # Errors
    /// [`StoreError`]: it is taken over later.
    async fn take_over_tickets(&self, run: RunId) -> Result<(), StoreError>;

    /// What a run has deleted here.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn ticket_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError>;

    /// See [`CallRetention::empty_call_log`].
    ///
    /// # Errors
    /// [`StoreError`].
    async fn empty_ticket_log(&self) -> Result<(), StoreError>;
}

/// Runs of retention, and the beginning of the audit trail.
#[async_trait]
pub trait RunStore: Send + Sync + 'static {
    /// The run that was begun and is not finished.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn unfinished_run(&self) -> Result<Option<Run>, StoreError>;

    /// Begins a run.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn begin_run(&self, started_at: DateTime<Utc>, started_by: &str) -> Result<Run, StoreError>;

    /// Ends a run with what came of it.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when it is ended already.
    async fn finish_run(
        &self,
        run: RunId,
        finished_at: DateTime<Utc>,
        outcome: Vec<RunLine>,
        rewritten: Vec<Rewritten>,
    ) -> Result<(), StoreError>;

    /// Runs, newest first; only those with smaller numbers than `before`, if it is given.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn runs(&self, before: Option<RunId>, most: usize) -> Result<Vec<Run>, StoreError>;

    /// Entries of the audit trail that a cut at a time would delete.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_audit(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError>;

    /// Where a cut of the audit trail at a time would end. The newest entry never goes. `None`: nothing goes.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn audit_cut(&self, before: DateTime<Utc>) -> Result<Option<PlannedCut>, StoreError>;

    /// Cuts entries of the audit trail up to a number, `most` at a time, and moves its anchor with them.
    ///
    /// # Errors
    /// [`StoreError`]: nothing is cut.
    async fn cut_audit(&self, cut: AuditCut) -> Result<Gone, StoreError>;

    /// Cases that were last handled before a time, and are decided.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn past_cases(&self, before: DateTime<Utc>) -> Result<PastItems, StoreError>;

    /// Deletes such cases, a step of them.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is deleted.
    async fn purge_cases(&self, run: RunId, before: DateTime<Utc>, step: Step) -> Result<Gone, StoreError>;

    /// Takes over what clocks of their own have ended since the run before: it is this run's to tell.
    ///
    /// # Errors
    /// [`StoreError`]: it is taken over later.
    async fn take_over_access(&self, run: RunId) -> Result<(), StoreError>;

    /// What a run has deleted here.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn access_tallies(&self, run: RunId) -> Result<Vec<Tally>, StoreError>;

    /// See [`CallRetention::empty_call_log`].
    ///
    /// # Errors
    /// [`StoreError`].
    async fn empty_access_log(&self) -> Result<(), StoreError>;
}

/// How much a step takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// At most so many.
    pub most: usize,
    /// Where one is deleted after the other, it ends early when it has taken so long; at least one goes.
    pub within: Duration,
}

impl Step {
    /// A step that ends only with what it has taken on.
    pub fn of(most: usize) -> Self {
        Self {
            most,
            within: Duration::MAX,
        }
    }
}

/// What a step has deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// How many.
    pub items: usize,
    /// How long others could not write meanwhile: the whole file on SQLite, these rows on PostgreSQL.
    pub held: Duration,
}

/// What would go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PastItems {
    /// How many.
    pub items: u64,
    /// When the period of the oldest began.
    pub oldest: Option<DateTime<Utc>>,
}

/// How many of what a run has deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// `calls`, `visits`, a procedure, …
    pub what: String,
    /// The part that was dropped whole; empty for what was deleted singly.
    pub part: String,
    /// How many.
    pub items: u64,
}

/// What [`CallRetention`] counts calls as.
pub const CALLS: &str = "calls";
/// What [`CallRetention`] counts visits as.
pub const VISITS: &str = "visits";
/// What [`CallRetention`] counts identities as.
pub const IDENTITIES: &str = "identities";
/// What [`CallRetention`] counts calls as that agents were taken out of.
pub const AGENT_NAMES: &str = "agent_names";
/// What [`CallRetention`] counts rejected items as.
pub const REJECTED_ITEMS: &str = "rejected_items";
/// What [`TicketRetention`] counts rejected replies as.
pub const REJECTED_REPLIES: &str = "rejected_replies";
/// What [`RunStore`] counts cases of data subjects as.
pub const CASES: &str = "cases";
/// What [`RunStore`] counts entries of the audit trail as.
pub const AUDIT_ENTRIES: &str = "audit_entries";

/// Parts to drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartPurge {
    /// Under which run it is counted.
    pub run: RunId,
    /// Periods that began before it are over.
    pub before: DateTime<Utc>,
    /// The day on which it is done.
    pub on: NaiveDate,
}

/// A part that was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedPart {
    /// Its name, such as a month.
    pub part: String,
    /// The calls in it.
    pub calls: u64,
    /// How long nobody could write to it.
    pub held: Duration,
}

/// Calls to delete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallPurge {
    /// Under which run it is counted.
    pub run: RunId,
    /// Periods that began before it are over.
    pub before: DateTime<Utc>,
    /// The day on which it is done.
    pub on: NaiveDate,
    /// From after this place on; the first page has none.
    pub after: Option<CallPurgePlace>,
    /// Calls that are looked at, at most, and how long it may take to delete those that are past.
    pub step: Step,
}

/// Where a page of calls to delete has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallPurgePlace {
    /// The start of the last call that was looked at.
    pub started_at_ms: i64,
    /// Its row.
    pub call_row: i64,
}

/// What was deleted of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallsPurged {
    /// How many calls.
    pub gone: Gone,
    /// Where the next page begins; `None`: this was the last one.
    pub next: Option<CallPurgePlace>,
}

/// Which tickets may be past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgedQuery {
    /// Of this procedure.
    pub procedure: ProcedureId,
    /// Logged before it: no period can have begun earlier.
    pub created_before: DateTime<Utc>,
    /// Only those after this one in the list.
    pub after: Option<ListPosition>,
    /// At most so many.
    pub most: usize,
}

/// A ticket that may be past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgedTicket {
    /// The ticket.
    pub ticket: Ticket,
    /// Whether something of it is on its way to a department, or planned to be.
    pub is_on_its_way: bool,
}

/// Tickets to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketPurge {
    /// Under which run it is counted.
    pub run: RunId,
    /// Under which procedure.
    pub procedure: ProcedureId,
    /// The tickets, each with the length of its history: a longer one says that it has changed.
    pub tickets: Vec<(TicketId, u32)>,
}

/// Where a cut of the audit trail would end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedCut {
    /// The last entry that goes.
    pub up_to: i64,
    /// Its hash.
    pub hash: [u8; 32],
    /// Of what stays of all entries that were ever cut, once it is done: [`crate::audit::CutPart::digest`].
    pub digest: [u8; 32],
}

/// A cut of the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditCut {
    /// Under which run it is counted.
    pub run: RunId,
    /// The last entry that goes.
    pub up_to: i64,
    /// Now.
    pub at: DateTime<Utc>,
    /// Entries that go at a time.
    pub most: usize,
}

/// Where the audit trail begins since it was cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The last entry that was cut.
    pub number: i64,
    /// Its hash, to which the next entry is chained.
    pub hash: [u8; 32],
    /// When it was cut.
    pub cut_at: DateTime<Utc>,
}

/// A run of retention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// When it was begun; the periods are those of that moment.
    pub started_at: DateTime<Utc>,
    /// Who began it.
    pub started_by: String,
    /// When it came to its end.
    pub finished_at: Option<DateTime<Utc>>,
    /// What came of it.
    pub outcome: Vec<RunLine>,
    /// What it deleted from, and whether nothing of that is left in files.
    pub rewritten: Vec<Rewritten>,
}

/// A unit of storage that was deleted from. What was deleted lies in free pages, old versions of rows and logs until its
/// tables are written anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewritten {
    /// `calls`, `tickets`, `access`.
    pub unit: String,
    /// When it was written anew; none: somebody held on to it, the next run does it.
    #[serde(default)]
    pub at_ms: Option<i64>,
    /// From when on nothing is left; none: nobody knows when the next run is.
    #[serde(default)]
    pub until_ms: Option<i64>,
    /// Copies that the database server keeps beyond that by its settings, each with what to do.
    #[serde(default)]
    pub kept: Vec<String>,
}

/// What came of one rule since the run before. It names nobody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLine {
    /// What it is about: `calls`, `identities`, `rejected_items`, `tickets`, `audit_entries`, …
    pub what: String,
    /// Who ends it: the run itself, or a clock of its own, whose work is counted here too. Empty: the run, before that was told.
    #[serde(default)]
    pub ended_by: String,
    /// The procedure of the register, where there is one.
    pub procedure: String,
    /// What the period begins with.
    pub after: String,
    /// How long it is, such as `180 days`.
    pub period: String,
    /// The local day: what began before it is over.
    pub before: String,
    /// How many went.
    pub items: u64,
    /// How many are past but could not go yet.
    #[serde(default)]
    pub waiting: u64,
    /// Visits that went with calls.
    #[serde(default)]
    pub visits: u64,
    /// Parts of tables that were dropped whole.
    #[serde(default)]
    pub parts: Vec<String>,
    /// The longest time for which a step held up whoever writes, since the run was begun or gone on with.
    #[serde(default)]
    pub longest_step_ms: u64,
}

/// What came of a run, as it is stored.
pub(crate) fn write_list(list: &[impl Serialize]) -> Result<String, StoreError> {
    serde_json::to_string(list).map_err(|error| StoreError::Unusable(error.to_string()))
}

/// Reads what [`write_list`] gave.
pub(crate) fn read_list<T: for<'a> Deserialize<'a>>(stored: &str) -> Result<Vec<T>, StoreError> {
    serde_json::from_str(stored)
        .map_err(|error| StoreError::Unusable(format!("what came of a run of retention: {error}")))
}
