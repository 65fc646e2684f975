//! The audit trail: appended to, and read. Nothing is ever changed; its beginning is cut when its time is over.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::audit::{NewAuditEntry, SHORT_HEAD, short_head};

use crate::StoreError;
use crate::retention::Anchor;
use crate::users::plain;

/// Keeps the audit trail.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Appends entries behind the last one, in this order, in one transaction; each with its number and its place in
    /// the chain of hashes.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was appended then.
    async fn append(&self, entries: Vec<NewAuditEntry>) -> Result<(), StoreError>;

    /// Entries, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn entries(&self, filter: AuditFilter) -> Result<Vec<AuditEntry>, StoreError>;

    /// Entries with greater numbers than `after`, oldest first, at most `most`: for reading the chain again.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn chain(&self, after: i64, most: usize) -> Result<Vec<AuditEntry>, StoreError>;

    /// Where the trail begins, if its beginning was cut because its time was over.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn anchor(&self) -> Result<Option<Anchor>, StoreError>;

    /// What stayed of cut entries, oldest first; only of those behind an entry.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn cut_parts(&self, after: i64, most: usize) -> Result<Vec<CutPart>, StoreError>;
}

/// What stayed of entries that were cut together. It says nothing of what they said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutPart {
    /// The number of the last one of them.
    pub last: i64,
    /// When they were cut.
    pub cut_at: DateTime<Utc>,
    /// Of each hash, in their order.
    pub heads: Vec<[u8; SHORT_HEAD]>,
    /// Of these and of all that stayed before.
    pub digest: [u8; 32],
}

impl CutPart {
    /// The number of the entry with this hash, if it was one of them.
    pub fn number_of(&self, hash: &[u8; 32]) -> Option<i64> {
        let short = short_head(hash);
        let behind = self.heads.iter().rev().position(|head| *head == short)?;
        i64::try_from(behind).ok().map(|behind| self.last - behind)
    }
}

/// Reads the heads of a part as they are stored, one behind the other.
pub(crate) fn read_heads(stored: &[u8]) -> Vec<[u8; SHORT_HEAD]> {
    stored.as_chunks().0.to_vec()
}

/// Which entries to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only of this actor.
    pub actor: Option<String>,
    /// Only about this subject.
    pub subject: Option<String>,
    /// Only this action, by name.
    pub action: Option<String>,
    /// Only from then on.
    pub from: Option<DateTime<Utc>>,
    /// Only before then.
    pub to: Option<DateTime<Utc>>,
    /// Only those with smaller numbers: the next page.
    pub before: Option<i64>,
    /// At most so many.
    pub most: usize,
}

/// An entry as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub number: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: String,
    /// Names of roles with commas between.
    pub roles: String,
    /// Name of the action.
    pub action: String,
    /// Kind of the subject; may be empty.
    pub subject_kind: String,
    /// Which; may be empty.
    pub subject: String,
    /// Why; may be empty.
    pub reason: String,
    /// How many items were seen.
    pub items: u32,
    /// Over this entry and the hash of the one before.
    pub hash: [u8; 32],
}

impl AuditEntry {
    /// Whether it stands behind an entry with this number and hash as it was written.
    pub fn follows(&self, number: i64, hash: &[u8; 32]) -> bool {
        let act = domain::audit::StoredAct {
            number: self.number,
            at_unix_ms: self.at.timestamp_millis(),
            actor: &self.actor,
            roles: &self.roles,
            action: &self.action,
            subject_kind: &self.subject_kind,
            subject: &self.subject,
            reason: &self.reason,
            items: self.items,
        };
        self.number == number + 1 && domain::audit::chained(hash, &act) == self.hash
    }
}

/// The end of the chain, to which entries are appended.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) number: i64,
    pub(crate) hash: [u8; 32],
}

impl Head {
    /// Before the first entry.
    pub(crate) const BEGIN: Self = Self {
        number: 0,
        hash: domain::audit::CHAIN_BEGIN,
    };

    /// The entry behind it, as it is stored: the hash is over what every store can hold.
    pub(crate) fn next(&mut self, mut entry: NewAuditEntry) -> AuditEntry {
        for text in [&mut entry.actor, &mut entry.subject.id, &mut entry.reason] {
            *text = plain(text);
        }
        self.number += 1;
        self.hash = entry.hash(self.number, &self.hash);
        AuditEntry {
            number: self.number,
            at: entry.at,
            roles: entry.roles_text(),
            actor: entry.actor,
            action: entry.action.name().to_owned(),
            subject_kind: entry.subject.kind.to_owned(),
            subject: entry.subject.id,
            reason: entry.reason,
            items: entry.items,
            hash: self.hash,
        }
    }
}
