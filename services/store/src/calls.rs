//! Calls, visits, counts, and where the ledger stands on the bus.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::agents::{AcceptedAgentReport, AgentReport};
use domain::counting::CountingSources;
use domain::counts::{Interval, Tally};
use domain::ids::{AgentName, CallId, HotlineName, Identity, IdentityKey, ImportRun, SourceName};
use domain::personal::Personal;
use domain::record::{ConnectionStatus, TaskType};
use domain::report::CallReport;
use domain::visit::{Outcome, Visit};

use crate::StoreError;
use crate::changes::{Change, ChangeQuery};
use crate::history::{FiguresVersion, History, HistoryQuery};
use crate::live::{LiveQuery, Moment};
use crate::publications::{HeldPublication, PublicationAdvance, PublicationLease};
use crate::rejected::{Discard, RejectedCount, RejectedItem, RejectedQuery};
use crate::statements::{Seal, Statement, StatementHead};

/// What intake, ledger and reporting keep.
#[async_trait]
pub trait CallStore: Send + Sync + 'static {
    /// The secret that identities are made with; made when the store is new, and the same ever after.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn identity_key(&self) -> Result<IdentityKey, StoreError>;

    /// Where the ledger goes on reading a partition. `topic_id` tells the topic's incarnation: positions in one that
    /// was lost say nothing about its successor.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn position(&self, topic_id: &str, partition: u32) -> Result<i64, StoreError>;

    /// Every position that the ledger has reached in a topic.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn positions(&self, topic_id: &str) -> Result<BTreeMap<u32, i64>, StoreError>;

    /// Applies a batch of reports and moves the reading positions, all in one transaction: calls, visits, count
    /// differences, import runs. Applying reports again changes nothing. Rejected rows that the batch repairs are
    /// removed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a position is not where the batch expects it: somebody else reads the
    /// partition. Nothing was written.
    async fn apply(&self, batch: LedgerBatch) -> Result<Applied, StoreError>;

    /// Gives up waiting for the end of open calls that nothing was heard of since `heard_before`: their open visits
    /// become unresolved. At most `most` at a time; returns how many. `now` is what the log of changes tells.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn give_up(
        &self,
        heard_before: DateTime<Utc>,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<usize, StoreError>;

    /// Keeps items that could not be counted. An item that is known already stays as it is.
    ///
    /// # Errors
    /// [`StoreError`]: none of the items is kept.
    async fn keep_rejected(&self, items: Vec<RejectedItem>) -> Result<(), StoreError>;

    /// Rejected items, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn rejected(&self, query: RejectedQuery) -> Result<Vec<RejectedItem>, StoreError>;

    /// A rejected item, open or discarded.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn rejected_item(&self, id: Identity) -> Result<Option<RejectedItem>, StoreError>;

    /// How many rejected items are open, by feed and field.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn rejected_counts(&self) -> Result<Vec<RejectedCount>, StoreError>;

    /// Discards those of these items that are open: their payload is deleted, and they do not come back. Returns how
    /// many.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is discarded.
    async fn discard_rejected(&self, ids: Vec<Identity>, discard: Discard) -> Result<usize, StoreError>;

    /// What was counted under an import.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn import_run(&self, run: &ImportRun) -> Result<RunCounts, StoreError>;

    /// The sums of local days by hotline and task type. Hotlines without anything are not in it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn day_totals(&self, days: DayRange) -> Result<Vec<GroupTally>, StoreError>;

    /// The sums of periods, all in one snapshot.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn history(&self, query: HistoryQuery) -> Result<History, StoreError>;

    /// What goes on at this moment, and the figures of the running interval and day, all in one snapshot.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn live(&self, query: LiveQuery) -> Result<Moment, StoreError>;

    /// The state that the figures are in.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn figures_version(&self) -> Result<FiguresVersion, StoreError>;

    /// What has moved since a state of the figures, exactly: their sum is the difference of the figures. In the order
    /// of places.
    ///
    /// # Errors
    /// [`StoreError::UnknownVersion`] with the remedy when the version cannot be read, or is too old.
    async fn changes_since(
        &self,
        since: &FiguresVersion,
        query: ChangeQuery,
    ) -> Result<Vec<Change>, StoreError>;

    /// Forgets changes from before a time, the oldest `most` at a time. Returns how many; less than `most`: all.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn forget_changes(&self, before: DateTime<Utc>, most: usize) -> Result<usize, StoreError>;

    /// Takes or renews the lease of what is published of the figures; tells how far it has come. `None`: another
    /// instance has it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn hold_publication(&self, lease: PublicationLease) -> Result<Option<HeldPublication>, StoreError>;

    /// Moves a publication on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another instance has it, or it is not where it was expected: it stays there.
    async fn advance_publication(&self, advance: PublicationAdvance) -> Result<(), StoreError>;

    /// Gives the lease of a publication back, if it is this owner's.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn release_publication(&self, name: &str, owner: &str) -> Result<(), StoreError>;

    /// The first quarter-hour from `from` on in which something was ever counted.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn next_counted(&self, from: Interval) -> Result<Option<Interval>, StoreError>;

    /// Quarter-hours of hotlines in which something was ever counted, also where nothing of it is left; half-open, in
    /// no order.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn counted(&self, from: Interval, to: Interval)
    -> Result<Vec<(Interval, HotlineName)>, StoreError>;

    /// Settles counts of local days before a day: the shards of a sum become one row, its histograms one value in it.
    /// The figures stay the same; what comes later is added as ever, and settled the next time. Returns how many sums
    /// were settled, about `most` at a time; none when there is nothing left to settle.
    ///
    /// # Errors
    /// [`StoreError`]: nothing is settled.
    async fn settle(&self, before: NaiveDate, most: usize) -> Result<usize, StoreError>;

    /// Seals figures of local days as they stand.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when some of the days are sealed already: they stay as they are.
    async fn seal(&self, seal: Seal) -> Result<StatementHead, StoreError>;

    /// What was sealed, in the order of days.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn statements(&self) -> Result<Vec<StatementHead>, StoreError>;

    /// Sealed figures, by their number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn statement(&self, id: i64) -> Result<Option<Statement>, StoreError>;

    /// Visits that are in the queue, offered at or after a time, by hotline and task type, within local days.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn waiting_since(
        &self,
        offered_since: DateTime<Utc>,
        days: DayRange,
    ) -> Result<Vec<(HotlineName, TaskType, i64)>, StoreError>;

    /// A call by its identity, with its visits; restricted ones are not told.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn call(&self, identity: Identity) -> Result<Option<StoredCall>, StoreError>;

    /// Which of these calls an import that replaces a period has confirmed.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn confirmed(
        &self,
        run: &ImportRun,
        identities: Vec<Identity>,
    ) -> Result<BTreeSet<Identity>, StoreError>;

    /// Forgets what imports confirmed before a time.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn forget_confirmed(&self, before: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Sums of the visits offered in a period, by the agent who answered them first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn agent_visits(&self, period: Period) -> Result<Vec<AgentVisits>, StoreError>;

    /// What agents did in a period, by agent and in no order.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn agent_reports(&self, period: Period) -> Result<Vec<AgentReport>, StoreError>;

    /// Forgets what agents did, and was received, before a time. Returns how many reports went.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn forget_agent_reports(&self, before: DateTime<Utc>) -> Result<u64, StoreError>;

    /// Calls of a period, with everything that was reported about each. Calls without a known start are in none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn calls(&self, query: CallQuery) -> Result<Vec<StoredCall>, StoreError>;

    /// Visits that are counted, in the order of their offer.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn visits(&self, query: VisitQuery) -> Result<Vec<StoredVisit>, StoreError>;

    /// Every feed that a call was first heard of from.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn sources(&self) -> Result<Vec<SourceName>, StoreError>;

    /// Every hotline that was ever heard of.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn hotlines(&self) -> Result<BTreeSet<HotlineName>, StoreError>;

    /// Counts that contradict each other: rows whose offered visits are not the sum of their outcomes. Must be zero.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn imbalance(&self) -> Result<i64, StoreError>;

    /// Whether the store can be asked right now; for readiness.
    ///
    /// # Errors
    /// [`StoreError`] with the reason.
    async fn probe(&self) -> Result<(), StoreError>;
}

/// Local days, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRange {
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last.
    pub to: NaiveDate,
}

impl DayRange {
    /// One day.
    pub fn of(day: NaiveDate) -> Self {
        Self {
            from: day,
            to: domain::local_time::next(day),
        }
    }
}

/// Reports to apply together, and the positions after them.
#[derive(Clone, Debug, Default)]
pub struct LedgerBatch {
    /// When it is applied, as the log of changes tells.
    pub at: DateTime<Utc>,
    /// The incarnation of the topic that was read.
    pub topic_id: String,
    /// One for each partition that was read.
    pub advances: Vec<Advance>,
    /// The reports with the partition that each was read from, in the order of the bus.
    pub reports: Vec<(u32, CallReport)>,
    /// What agents do, with the partition that each was read from.
    pub agents: Vec<(u32, AcceptedAgentReport)>,
    /// Which feed counts for a hotline.
    pub counting: Arc<CountingSources>,
}

/// A reading position that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The partition.
    pub partition: u32,
    /// Where the reader started.
    pub expected: i64,
    /// Where reading goes on.
    pub next: i64,
}

/// What a batch changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Calls first heard of.
    pub new_calls: usize,
    /// Known calls that something new was told about.
    pub changed_calls: usize,
    /// Reports that told nothing new.
    pub repeated: usize,
}

/// What the ledger counted under an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// Reports that told something new, however often they were sent: records, events, and what agents do.
    pub new_reports: i64,
    /// Calls first heard of under it that are flagged, when they were.
    pub flagged: i64,
    /// Reports for calls, or days, that were deleted when their time was over: kept as rejected items, each once, under the
    /// import that brought it last.
    pub past_retention: i64,
}

/// A period of time, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its beginning.
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
}

/// The sums of an agent's visits, durations in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentVisits {
    /// Who answered first.
    pub agent: AgentName,
    /// Visits answered.
    pub answered: i64,
    /// Conversation, without hold.
    pub talk_ms: i64,
    /// Hold.
    pub hold_ms: i64,
    /// After-call work.
    pub after_call_work_ms: i64,
}

/// The sums of a hotline and task type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTally {
    /// The hotline.
    pub hotline: HotlineName,
    /// The task type.
    pub task_type: TaskType,
    /// Its sums.
    pub tally: Tally,
}

/// A call as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCall {
    /// Its identity.
    pub identity: Identity,
    /// The feed that it was first heard of from.
    pub source: SourceName,
    /// The id that the feed gave to it, if it gives ids.
    pub call_id: Option<CallId>,
    /// The import that first brought it; unknown for calls kept by versions that did not note it.
    pub run: Option<ImportRun>,
    /// When it was first heard of.
    pub received_at: DateTime<Utc>,
    /// When something was last heard of it.
    pub heard_at: DateTime<Utc>,
    /// Everything that was reported.
    pub state: domain::assembly::CallState,
}

/// Which calls, and how many of them.
#[derive(Clone, Debug)]
pub struct CallQuery {
    /// The earliest start.
    pub from: DateTime<Utc>,
    /// Starts lie before it.
    pub to: DateTime<Utc>,
    /// Came in on this hotline, or visited it.
    pub hotline: Option<HotlineName>,
    /// First heard of from this feed.
    pub source: Option<SourceName>,
    /// Ended like this.
    pub status: Option<ConnectionStatus>,
    /// By this caller, in any spelling.
    pub number: Option<Personal>,
    /// A visit was first answered by this agent.
    pub agent: Option<AgentName>,
    /// Restricted ones too: for work that is no list, such as replacing a period.
    pub with_restricted: bool,
    /// By their start; calls of the same start by identity.
    pub order: CallOrder,
    /// From after this call.
    pub after: Option<CallPlace>,
    /// How many at most.
    pub most: usize,
}

/// Which counted visits, and how many of them.
#[derive(Clone, Debug)]
pub struct VisitQuery {
    /// The earliest offer.
    pub from: DateTime<Utc>,
    /// Offers lie before it.
    pub to: DateTime<Utc>,
    /// Of these hotlines; none: of all.
    pub hotlines: Vec<HotlineName>,
    /// Of these kinds of contact.
    pub task_types: Vec<TaskType>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Known to have left the queue within so many milliseconds.
    pub in_queue_ms_max: Option<i64>,
    /// By their offer.
    pub order: CallOrder,
    /// From after this visit.
    pub after: Option<VisitPlace>,
    /// How many at most.
    pub most: usize,
}

/// Where a visit stands in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VisitPlace {
    /// Its offer, in milliseconds since 1970.
    pub offered_at_ms: i64,
    /// The row of its call, which means nothing outside the store.
    pub call_row: i64,
    /// Its position within the call.
    pub ordinal: u16,
}

/// A counted visit.
#[derive(Clone, Debug)]
pub struct StoredVisit {
    /// The call that it belongs to.
    pub identity: Identity,
    /// Where it stands in a list.
    pub place: VisitPlace,
    /// The visit; without what goes on now.
    pub visit: Visit,
}

/// In which order calls are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOrder {
    /// From the earliest start on.
    OldestFirst,
    /// From the latest start back.
    NewestFirst,
}

/// Where a call stands in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallPlace {
    /// Its start.
    pub started_at: DateTime<Utc>,
    /// Its identity.
    pub identity: Identity,
}

impl StoredCall {
    /// Where it stands in a list; none without a known start.
    pub fn place(&self) -> Option<CallPlace> {
        let record = self.state.assembled().record?;
        Some(CallPlace {
            started_at: record.started_at,
            identity: self.identity,
        })
    }
}

impl CallOrder {
    /// The direction in SQL, and what stands between a call and the one before it.
    pub(crate) fn sql(self) -> (&'static str, &'static str) {
        match self {
            Self::OldestFirst => ("ASC", ">"),
            Self::NewestFirst => ("DESC", "<"),
        }
    }
}
