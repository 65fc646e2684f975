//! What backups and restores ask of every store.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, TicketId};

use crate::StoreError;

/// The sums that a backup tells, to compare with after a restore.
pub const SUMMED: [&str; 8] = [
    "contacts",
    "offered",
    "answered",
    "abandoned",
    "time_to_answer_ms",
    "talk_ms",
    "callbacks_logged",
    "outbound_placed",
];

/// Reads [`SUMMED`] over all days and hotlines; hotline 0 is all of them together.
pub(crate) const FIGURES: &str = "SELECT coalesce(sum(contacts), 0), coalesce(sum(offered), 0), \
    coalesce(sum(answered), 0), coalesce(sum(abandoned), 0), coalesce(sum(time_to_answer_ms), 0), \
    coalesce(sum(talk_ms), 0), coalesce(sum(callbacks_logged), 0), coalesce(sum(outbound_placed), 0) \
    FROM day_counts WHERE hotline_id <> 0";

/// So much the version of every ticket is raised by a restore: departments have seen later versions than those in the backup,
/// and must take what comes next as the newest. No ticket has so many changes.
pub const VERSIONS_RAISED: i64 = 10_000;

/// A restored state: which backup, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub backup: String,
    /// When the state was taken.
    pub made_at: DateTime<Utc>,
    /// When it was restored.
    pub restored_at: DateTime<Utc>,
}

/// What the tickets need once they were restored, beside the row in `restores`; `VERSIONS` stands for
/// [`VERSIONS_RAISED`]. What is restricted is handed over to nobody: departments were told so before.
pub(crate) const SETTLE_TICKETS: &str = "
    UPDATE tickets SET version = version + VERSIONS;
    UPDATE pending_hand_overs SET version = version + VERSIONS, not_before_ms = 0;
    UPDATE tombstones SET version = version + VERSIONS;
    UPDATE pending_mails SET version = version + VERSIONS;
    INSERT INTO pending_hand_overs (department, ticket_id, version, kind, since_ms)
        SELECT department, ticket_id, version, 'current', changed_at_ms FROM tickets
        WHERE NOT restricted AND (state NOT IN ('closed', 'erased')
            OR EXISTS (SELECT 1 FROM tombstones WHERE tombstones.ticket_id = tickets.ticket_id
                AND tombstones.department = tickets.department))
        ON CONFLICT (department, ticket_id) DO NOTHING;
    DELETE FROM leases;
    DELETE FROM checked_topics;";

/// What the tickets need, with the number in it.
pub(crate) fn settle_tickets() -> String {
    SETTLE_TICKETS.replace("VERSIONS", &VERSIONS_RAISED.to_string())
}

/// Who was signed in when the backup was made is not signed in any more, and may since have been locked out.
pub(crate) const SETTLE_ACCESS: &str = "DELETE FROM sessions; DELETE FROM failed_attempts;";

/// What handover asks after a restore: a topic that others keep may be ahead of the store.
#[async_trait]
pub trait RestoreStore: Send + Sync {
    /// When the store was restored, if the department's topic has not been compared since.
    async fn unchecked_topic(&self, department: &DepartmentId) -> Result<Option<DateTime<Utc>>, StoreError>;

    /// Of these tickets, those that belong on the department's topic as the store knows them.
    async fn belonging(
        &self,
        department: &DepartmentId,
        tickets: Vec<TicketId>,
    ) -> Result<BTreeSet<TicketId>, StoreError>;

    /// The topic has been compared since that restore.
    async fn mark_topic_checked(
        &self,
        department: &DepartmentId,
        restored_at: DateTime<Utc>,
    ) -> Result<(), StoreError>;
}

/// Finds tickets that something was done with by right of a person, so that it can be kept beside the backups that do not know it.
#[async_trait]
pub trait ActsOfRight: Send + Sync + 'static {
    /// Tickets that were put right or restricted since a time, or whose restriction was lifted; those behind a ticket, in the order
    /// of their numbers. Erased ones are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn acted_on(
        &self,
        since: DateTime<Utc>,
        after: Option<TicketId>,
        most: usize,
    ) -> Result<Vec<ActedOn>, StoreError>;

    /// Which of these tickets were erased.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn erased_among(&self, tickets: Vec<TicketId>) -> Result<BTreeSet<TicketId>, StoreError>;
}

/// A ticket that something was done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActedOn {
    /// Which.
    pub ticket: TicketId,
    /// When it was last done.
    pub at: DateTime<Utc>,
    /// The number of that in its history.
    pub number: u32,
}
