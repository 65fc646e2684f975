//! Tickets, their history, and what is pending towards departments.
//!
//! Whatever is published later is written in the same transaction as its cause: pending hand-overs, results of
//! replies, notices for the topic of calls. It is removed once the bus has it, and only if it is still the same.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, HotlineName, Identity, ReplyId, TicketId};
use domain::numbers::Number;
use domain::procedure::{ProcedureId, name_key};
use domain::ticket::{HistoryEntry, Ticket, TicketState, TicketVersion, Transition};

use crate::StoreError;
use crate::answers::AnswerStore;
use crate::schedule::ScheduleStore;

/// What ticketing and handover keep.
#[async_trait]
pub trait TicketStore: ScheduleStore + AnswerStore {
    /// Logs a new ticket with its history, its pending hand-over and, if it is a callback, the notice for the topic of
    /// calls.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn log(&self, new: NewTicket) -> Result<Logged, StoreError>;

    /// What came of an earlier request under a key; `None` if there was none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn logged_before(&self, key: &str, content: [u8; 32]) -> Result<Option<Logged>, StoreError>;

    /// Writes a change that somebody asked for, such as an added concern, once for each key; never gives
    /// [`Logged::IdTaken`].
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the ticket was changed since the change was decided: decide anew.
    async fn add(&self, addition: Addition) -> Result<Logged, StoreError>;

    /// A ticket with its history.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn ticket(&self, id: &TicketId) -> Result<Option<TicketWithHistory>, StoreError>;

    /// Tickets, newest first; those that are due before a time by due time.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn list(&self, filter: TicketFilter) -> Result<Vec<Ticket>, StoreError>;

    /// The numbers of tickets, in no order and `most` of them at most: to count them, or to see which are new.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn listed(&self, filter: TicketFilter) -> Result<Vec<TicketId>, StoreError>;

    /// Tickets of a citizen that are owed an answer, or were settled lately; newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn find(&self, search: CitizenSearch) -> Result<Vec<Ticket>, StoreError>;

    /// The tickets of a citizen who is known by any of these.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn acquaintance(&self, search: AcquaintanceSearch) -> Result<Acquaintance, StoreError>;

    /// Writes a change that nobody waits for an answer to, such as closing.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the ticket was changed since the change was decided.
    async fn record(&self, transition: Transition) -> Result<(), StoreError>;

    /// What is to be published to a department, each in its order, at most `most` of each kind.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn pending(
        &self,
        department: &DepartmentId,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Pending, StoreError>;

    /// The bus has these hand-overs: they are pending no longer if their version still is the one to publish. The
    /// first one of a ticket enters its history as handed over.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn mark_published(&self, published: Vec<HandOverKey>, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// The bus refuses a hand-over for a reason of its own: it is tried again later, or when the ticket changes,
    /// and does not hold up others.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn set_aside(&self, refused: HandOverKey, aside: SetAside) -> Result<(), StoreError>;

    /// The bus has these tombstones.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn mark_tombstoned(&self, gone: Vec<HandOverKey>) -> Result<(), StoreError>;

    /// The bus has these results of replies.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn mark_results_published(&self, sequences: Vec<i64>) -> Result<(), StoreError>;

    /// Notices for the topic of calls, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn call_notices(&self, most: usize) -> Result<Vec<CallNotice>, StoreError>;

    /// The bus has these notices.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn mark_notices_published(&self, sequences: Vec<i64>) -> Result<(), StoreError>;

    /// Where reading a department's replies goes on, by partition. `topic_id` names the topic and its incarnation.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn reply_positions(&self, topic_id: &str) -> Result<BTreeMap<u32, i64>, StoreError>;

    /// What became of a reply; `None` if it has not been read yet.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn reply_outcome(
        &self,
        department: &DepartmentId,
        reply: &ReplyId,
    ) -> Result<Option<ReplyOutcome>, StoreError>;

    /// Writes what became of a reply, once for each id: the change of the ticket if there is one, the result for
    /// the department, and the reading position. A reply whose id is known changes nothing; its result is sent again.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the ticket was changed meanwhile (decide anew), or the position is not where it
    /// is expected (somebody else reads). Nothing was written then.
    async fn settle_reply(&self, settlement: Settlement) -> Result<Settled, StoreError>;

    /// Moves the reading position over messages that are not replies.
    ///
    /// # Errors
    /// As for [`TicketStore::settle_reply`].
    async fn skip_replies(&self, advance: ReplyAdvance) -> Result<(), StoreError>;

    /// Takes or keeps leases that nobody else holds; gives those that are held until `until`. A lease that ends more
    /// than two lengths from now is nobody's: a clock that was ahead gave it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn take_leases(
        &self,
        wanted: &[LeaseName],
        owner: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Vec<LeaseName>, StoreError>;

    /// Gives leases back, so that others need not wait for their end.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn release_leases(&self, owner: &str) -> Result<(), StoreError>;

    /// Answered, unreachable and withdrawn tickets of a department that were last changed before a time, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn ended_before(
        &self,
        department: &DepartmentId,
        before: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<Ticket>, StoreError>;

    /// Whether the store can be asked right now; for readiness.
    ///
    /// # Errors
    /// [`StoreError`] with the reason.
    async fn probe(&self) -> Result<(), StoreError>;
}

/// The latest end that a lease can have whose holder's clock is less than a lease ahead of this one.
pub(crate) fn credible_until(now: DateTime<Utc>, until: DateTime<Utc>) -> DateTime<Utc> {
    until + (until - now)
}

/// A ticket to log.
#[derive(Clone, Debug)]
pub struct NewTicket {
    /// The new ticket.
    pub transition: Transition,
    /// Chosen by the client, one a request.
    pub idempotency_key: String,
    /// SHA-256 of what was requested: tells a repetition from another request under the same key.
    pub content: [u8; 32],
    /// The identity that the notice for the topic of calls carries: the call's, or one of the ticket's own. `None` for
    /// procedures that are no callbacks: they send none.
    pub notice_identity: Option<Identity>,
}

/// What somebody asks for with a ticket that is there: a concern to be added, or an act upon it.
#[derive(Clone, Debug)]
pub struct Addition {
    /// The change of the ticket.
    pub transition: Transition,
    /// Chosen by the client, one a request.
    pub idempotency_key: String,
    /// As in [`NewTicket`].
    pub content: [u8; 32],
    /// The identity of the call in which it was asked for, if the topic of calls has to hear that it led to the ticket.
    pub notice_identity: Option<Identity>,
}

/// What came of logging a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logged {
    /// It is there now.
    New,
    /// The same request was logged before; this is its ticket as it is now.
    Repeated(Box<Ticket>),
    /// The idempotency key was used for another request.
    KeyTaken,
    /// The ticket's number is in use: draw another one.
    IdTaken,
}

/// A ticket with its history, oldest entry first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketWithHistory {
    /// The ticket.
    pub ticket: Ticket,
    /// Its history.
    pub history: Vec<HistoryEntry>,
}

/// Which tickets to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketFilter {
    /// Only those of a department.
    pub department: Option<DepartmentId>,
    /// Only those of a procedure.
    pub procedure: Option<ProcedureId>,
    /// Only those in these states; all if there are none.
    pub states: Vec<TicketState>,
    /// Only those that are owed an answer, and due before then.
    pub due_before: Option<DateTime<Utc>>,
    /// Of those with a due time: only those of which every alarm was raised.
    pub escalated: bool,
    /// Of those with a due time: only those that a department has returned.
    pub returned: bool,
    /// Only those after this one in the list.
    pub after: Option<ListPosition>,
    /// At most so many.
    pub most: usize,
}

/// Which tickets of which citizen to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CitizenSearch {
    /// The citizen.
    pub citizen: Citizen,
    /// Those that were settled since then; without it, those that are owed an answer.
    pub settled_since: Option<DateTime<Utc>>,
    /// Only those after this one in the list.
    pub after: Option<ListPosition>,
    /// At most so many.
    pub most: usize,
}

/// Which tickets of a citizen to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcquaintanceSearch {
    /// What the citizen is known by; any of it is enough.
    pub citizens: Vec<Citizen>,
    /// How far back settled ones are wanted.
    pub settled_since: DateTime<Utc>,
    /// At most so many of each kind.
    pub most: usize,
}

/// The tickets of a citizen, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acquaintance {
    /// Those that are owed an answer.
    pub owed: Vec<Ticket>,
    /// Those that were settled lately.
    pub settled: Vec<Ticket>,
}

impl Acquaintance {
    /// Of tickets that may be there more than once.
    pub(crate) fn of(found: Vec<Ticket>, most: usize) -> Self {
        let (owed, settled) = found.into_iter().partition(|ticket| ticket.state.is_pending());
        let newest_first = |mut tickets: Vec<Ticket>| {
            tickets.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
            tickets.dedup_by(|one, other| one.id == other.id);
            tickets.truncate(most);
            tickets
        };
        Self {
            owed: newest_first(owed),
            settled: newest_first(settled),
        }
    }
}

/// What a citizen is found by: keys, free of spelling. Personal.
#[derive(Clone, PartialEq, Eq)]
pub enum Citizen {
    /// Any of these keys of a telephone number.
    Phone(Vec<String>),
    /// The name.
    Name {
        /// The key of the family name.
        key: String,
        /// The postal code, if it is known.
        postal_code: Option<String>,
    },
}

impl Citizen {
    /// Who has this telephone number, in any spelling.
    pub fn by_phone(phone: &str) -> Self {
        Self::Phone(Number::read(phone).search_keys())
    }

    /// Who has this family name, and lives there.
    pub fn by_name(name: &str, postal_code: Option<&str>) -> Self {
        Self::Name {
            key: name_key(name),
            postal_code: postal_code.map(|code| code.trim().to_owned()),
        }
    }
}

impl std::fmt::Debug for Citizen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Phone(_) => "<personal, a number>",
            Self::Name { .. } => "<personal, a name>",
        })
    }
}

/// A place in the list of tickets: newest first or by due time, and by number among those of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPosition {
    /// When the ticket was logged; in a list by due time, when it is due.
    pub at: DateTime<Utc>,
    /// Its number.
    pub id: TicketId,
}

/// What is to be published to a department.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// States of tickets, in the order in which they changed.
    pub hand_overs: Vec<HandOver>,
    /// Tickets that its topic must lose now.
    pub tombstones: Vec<HandOverKey>,
    /// Results of its replies, in the order in which they were settled.
    pub results: Vec<PendingResult>,
}

impl Pending {
    /// Whether nothing is to be published.
    pub fn is_empty(&self) -> bool {
        self.hand_overs.is_empty() && self.tombstones.is_empty() && self.results.is_empty()
    }
}

/// Which state of which ticket a department sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HandOverKey {
    /// The ticket.
    pub ticket: TicketId,
    /// Who sees it.
    pub department: DepartmentId,
    /// The version.
    pub version: TicketVersion,
}

/// A state of a ticket on its way to a department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    /// Which.
    pub key: HandOverKey,
    /// What it says.
    pub content: HandOverContent,
    /// How often the bus has refused it.
    pub refusals: u32,
    /// Since when it waits.
    pub since: DateTime<Utc>,
}

/// What a hand-over says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandOverContent {
    /// The ticket as it is now.
    Current(Box<Ticket>),
    /// The department has the ticket no longer, since the given time.
    Withdrawn(DateTime<Utc>),
    /// Nothing about the citizen may be kept any more, since the given time.
    Erased(DateTime<Utc>),
    /// The ticket is restricted, since the given time.
    Restricted(DateTime<Utc>),
    /// A former department sees what was put right in the ticket.
    Rectified(Box<Ticket>),
}

/// Why a hand-over waits, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// What the bus said; no personal data.
    pub error: String,
    /// When to try again.
    pub retry_at: DateTime<Utc>,
}

/// A callback for the topic of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallNotice {
    /// Its place in the order.
    pub sequence: i64,
    /// The call's identity, or one of the ticket's own.
    pub identity: Identity,
    /// The ticket.
    pub ticket: TicketId,
    /// The hotline that the citizen called.
    pub hotline: HotlineName,
    /// When it was logged.
    pub at: DateTime<Utc>,
}

/// What became of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyOutcome {
    /// The ticket that the reply names, as it names it; empty if it could not be read.
    pub ticket: TicketId,
    /// Applied, or why not.
    pub verdict: Verdict,
    /// When it was settled.
    pub at: DateTime<Utc>,
}

/// Whether a reply was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It changed the ticket, which was in this state and version then.
    Applied {
        /// The state after it.
        state: TicketState,
        /// The version after it.
        version: TicketVersion,
    },
    /// It changed nothing.
    Rejected {
        /// The reason for programs.
        code: String,
        /// The reason in words, and what to do; no personal data.
        reason: String,
    },
}

/// The result of a reply on its way to the department.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingResult {
    /// Its place in the order.
    pub sequence: i64,
    /// The reply.
    pub reply: ReplyId,
    /// What became of it.
    pub outcome: ReplyOutcome,
}

/// What is to become of a reply.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Who replied.
    pub department: DepartmentId,
    /// The reply.
    pub reply: ReplyId,
    /// What became of it.
    pub outcome: ReplyOutcome,
    /// The change of the ticket, if it was applied.
    pub transition: Option<Transition>,
    /// Tickets that it is about and of which nothing is kept any more, or that are not known: also where the reply was
    /// settled before. See [`crate::erasure::TicketErasure::stray_replies`].
    pub stray_for: Vec<TicketId>,
    /// The reading position before and after the reply.
    pub advance: ReplyAdvance,
}

/// A reading position on a topic of replies that moves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyAdvance {
    /// The topic and its incarnation.
    pub topic_id: String,
    /// The partition.
    pub partition: u32,
    /// Where it is expected; 0 if nothing was read yet.
    pub expected: i64,
    /// Where reading goes on.
    pub next: i64,
}

/// Under what the position on a topic of replies is kept. On some buses topics of one installation share an incarnation.
pub fn reply_place(topic: &str, incarnation: &str) -> String {
    format!("{topic} {incarnation}")
}

/// What came of settling a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The reply was settled as asked for.
    Now,
    /// It had been settled before, with this outcome.
    Before(ReplyOutcome),
}

/// What an instance can have to itself for a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LeaseName(String);

impl LeaseName {
    /// The topics of a department.
    pub fn department(department: &DepartmentId) -> Self {
        Self(format!("department {department}"))
    }

    /// The notices for the topic of calls.
    pub fn call_notices() -> Self {
        Self("call notices".to_owned())
    }

    /// Entries, and the mails about them.
    pub fn entries() -> Self {
        Self("entries".to_owned())
    }

    /// Carrying out orders to erase.
    pub fn erasures() -> Self {
        Self("erasures".to_owned())
    }

    /// The look at due times.
    pub fn due_times() -> Self {
        Self("due times".to_owned())
    }

    /// Deleting what is kept no longer.
    pub fn retention() -> Self {
        Self("retention".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
