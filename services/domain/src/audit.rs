//! The audit trail: who has seen or done what. Entries are chained: each carries a hash over itself and the hash of the
//! one before, so that a missing or changed entry is found.
//!
//! No entry says anything about a citizen: subjects are numbers of tickets, identities of calls, names of users.

use chrono::{DateTime, SubsecRound as _, Utc};
use sha2::{Digest as _, Sha256};

use crate::access::{Principal, Role};
use crate::named::named;

named! {
    /// What was done. The names are part of the hash, so they never change.
    AuditAction {
        /// A session began.
        SignedIn = "signed_in",
        /// Somebody was not let in.
        SignInFailed = "sign_in_failed",
        /// A session was ended by its user.
        SignedOut = "signed_out",
        /// The own password was changed.
        PasswordChanged = "password_changed",
        /// A user was added, changed, given a first password, or his or her sessions were ended.
        UserAdded = "user_added",
        /// See [`AuditAction::UserAdded`].
        UserChanged = "user_changed",
        /// See [`AuditAction::UserAdded`].
        PasswordReset = "password_reset",
        /// See [`AuditAction::UserAdded`].
        SessionsEnded = "sessions_ended",
        /// A ticket was logged, or a concern was added to one.
        TicketLogged = "ticket_logged",
        /// A ticket was shown with what it says about the citizen.
        TicketRead = "ticket_read",
        /// Tickets were listed with what they say about citizens.
        TicketsListed = "tickets_listed",
        /// A citizen was searched for.
        CitizenSearched = "citizen_searched",
        /// People acted on a ticket: withdrawn, closed, reopened, rerouted, rebooked.
        TicketActed = "ticket_acted",
        /// A ticket was erased.
        TicketErased = "ticket_erased",
        /// A department's messages were read through the node.
        DepartmentRead = "department_read",
        /// A department replied through the node.
        DepartmentReplied = "department_replied",
        /// The call of an agent was shown at his or her desk, with the number.
        DeskShown = "desk_shown",
        /// A call was shown with number and addresses.
        CallRevealed = "call_revealed",
        /// Calls were listed with numbers and addresses, or by a citizen's number.
        CallsListed = "calls_listed",
        /// Calls were exported with numbers and addresses.
        CallsExported = "calls_exported",
        /// A rejected item was shown as it was delivered.
        RejectedRevealed = "rejected_revealed",
        /// Rejected items were discarded.
        RejectedDiscarded = "rejected_discarded",
        /// Rules were applied.
        RulesApplied = "rules_applied",
        /// Figures were sealed.
        FiguresSealed = "figures_sealed",
        /// Figures of single agents were shown.
        AgentFiguresRead = "agent_figures_read",
        /// Entries of an offer were listed.
        EntriesListed = "entries_listed",
        /// Entries of an offer were exported.
        EntriesExported = "entries_exported",
        /// All entries of an offer were erased.
        EntriesErased = "entries_erased",
        /// The audit trail itself was read.
        AuditRead = "audit_read",
        /// A backup was asked for.
        BackupMade = "backup_made",
        /// A backup was fetched, encrypted as it is.
        BackupFetched = "backup_fetched",
        /// A backup was restored: what was noted after it was made is gone from this trail.
        BackupRestored = "backup_restored",
        /// The access log was read, with addresses.
        AccessLogRead = "access_log_read",
        /// What is kept of a person was searched for.
        PersonSearched = "person_searched",
        /// A person was told what is kept of him or her, as a document or as data.
        PersonTold = "person_told",
        /// What a ticket says about a person was put right.
        TicketRectified = "ticket_rectified",
        /// A ticket or calls were restricted.
        PersonRestricted = "person_restricted",
        /// A restriction was lifted.
        RestrictionLifted = "restriction_lifted",
        /// Who was told of a rectification, a restriction or an erasure was listed, or a confirmation was noted.
        RecipientsRead = "recipients_read",
        /// See [`AuditAction::RecipientsRead`].
        RecipientConfirmed = "recipient_confirmed",
        /// A case of a data subject was opened, or something was done with it.
        CaseChanged = "case_changed",
        /// Cases of data subjects were listed or read.
        CasesRead = "cases_read",
        /// It was ordered to erase what is known about a person.
        ErasureOrdered = "erasure_ordered",
        /// A run of retention was begun.
        RetentionRun = "retention_run",
        /// The beginning of the audit trail is cut: the subject is the last entry that goes, the reason its hash.
        AuditCut = "audit_cut",
    }
}

/// What it was done to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSubject {
    /// ticket, call, rejected_item, user, department, rules, statement, backup, offer; empty where there is none.
    pub kind: &'static str,
    /// Which; never a citizen's name, number or address.
    pub id: String,
}

impl AuditSubject {
    /// A subject of a kind.
    pub fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }

    /// No subject in particular.
    pub fn none() -> Self {
        Self::default()
    }
}

/// An act to be noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAuditEntry {
    /// When; kept in whole milliseconds.
    pub at: DateTime<Utc>,
    /// Who: the name of a user or token.
    pub actor: String,
    /// What the actor was then.
    pub roles: Vec<Role>,
    /// What was done.
    pub action: AuditAction,
    /// To what.
    pub subject: AuditSubject,
    /// Why, where a reason is asked for; no personal data.
    pub reason: String,
    /// How many items were seen, where it was a list.
    pub items: u32,
}

impl NewAuditEntry {
    /// Something that somebody did.
    pub fn of(principal: &Principal, action: AuditAction, subject: AuditSubject, at: DateTime<Utc>) -> Self {
        Self {
            at: at.trunc_subsecs(3),
            actor: principal.name.clone(),
            roles: principal.roles.iter().copied().collect(),
            action,
            subject,
            reason: String::new(),
            items: 0,
        }
    }

    /// With the reason that was given.
    pub fn because(mut self, reason: &str) -> Self {
        reason.trim().clone_into(&mut self.reason);
        self
    }

    /// With the number of items that were seen.
    pub fn of_items(mut self, items: usize) -> Self {
        self.items = u32::try_from(items).unwrap_or(u32::MAX);
        self
    }

    /// The roles as they are stored and hashed: names with commas between.
    pub fn roles_text(&self) -> String {
        let names: Vec<&str> = self.roles.iter().map(|role| role.name()).collect();
        names.join(",")
    }

    /// The hash of the entry as the one with this number behind another: SHA-256 over length-prefixed parts.
    pub fn hash(&self, number: i64, before: &[u8; 32]) -> [u8; 32] {
        chained(
            before,
            &StoredAct {
                number,
                at_unix_ms: self.at.timestamp_millis(),
                actor: &self.actor,
                roles: &self.roles_text(),
                action: self.action.name(),
                subject_kind: self.subject.kind,
                subject: &self.subject.id,
                reason: &self.reason,
                items: self.items,
            },
        )
    }
}

/// An entry as it is stored, word by word: what the hash is computed of.
#[derive(Clone, Copy, Debug)]
pub struct StoredAct<'a> {
    /// From 1, without gaps.
    pub number: i64,
    /// When.
    pub at_unix_ms: i64,
    /// Who.
    pub actor: &'a str,
    /// As [`NewAuditEntry::roles_text`] writes them.
    pub roles: &'a str,
    /// As [`AuditAction::name`] says it.
    pub action: &'a str,
    /// As [`AuditSubject::kind`].
    pub subject_kind: &'a str,
    /// As [`AuditSubject::id`].
    pub subject: &'a str,
    /// Why.
    pub reason: &'a str,
    /// How many.
    pub items: u32,
}

/// What the first entry has in the place of the hash before it.
pub const CHAIN_BEGIN: [u8; 32] = [0; 32];

/// The hash of an entry behind another.
pub fn chained(before: &[u8; 32], act: &StoredAct<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(act.number.to_be_bytes());
    hash.update(act.at_unix_ms.to_be_bytes());
    hash.update(act.items.to_be_bytes());
    for part in [
        act.actor,
        act.roles,
        act.action,
        act.subject_kind,
        act.subject,
        act.reason,
    ] {
        // A prefix with the length: no two entries have the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// Bytes of the hash of an entry that stay when it is cut: enough to know a head that was noted, and nothing to guess an
/// entry's content by, since the whole hash of the one before it is gone.
pub const SHORT_HEAD: usize = 8;

/// What stays of the hash of an entry that is cut.
pub fn short_head(hash: &[u8; 32]) -> [u8; SHORT_HEAD] {
    let mut short = [0; SHORT_HEAD];
    short.copy_from_slice(&hash[..SHORT_HEAD]);
    short
}

/// The digest of all that stayed of cut entries, from that of those before. It stands in the entry that notes a cut.
pub fn cut_digest(before: [u8; 32], short_heads: impl IntoIterator<Item = [u8; SHORT_HEAD]>) -> [u8; 32] {
    let behind = |before: [u8; 32], head| -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(head);
        hash.finalize().into()
    };
    short_heads.into_iter().fold(before, behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> NewAuditEntry {
        let at = DateTime::from_timestamp_millis(1_700_000_000_123).unwrap();
        let subject = AuditSubject::new("ticket", "T-7K3M-9QXW");
        NewAuditEntry::of(&Principal::operator(), AuditAction::TicketRead, subject, at)
    }

    #[test]
    fn every_part_and_the_entry_before_change_the_hash() {
        let whole = entry().hash(1, &CHAIN_BEGIN);
        let mut others = vec![entry().hash(2, &CHAIN_BEGIN), entry().hash(1, &[1; 32])];
        others.push(entry().because("x").hash(1, &CHAIN_BEGIN));
        others.push(entry().of_items(3).hash(1, &CHAIN_BEGIN));
        let mut changed = entry();
        changed.actor = "anna".to_owned();
        others.push(changed.hash(1, &CHAIN_BEGIN));
        // The same letters, cut elsewhere.
        let (mut one, mut other) = (entry(), entry());
        (one.subject.id, one.reason) = ("ab".to_owned(), "c".to_owned());
        (other.subject.id, other.reason) = ("a".to_owned(), "bc".to_owned());
        assert_ne!(one.hash(1, &CHAIN_BEGIN), other.hash(1, &CHAIN_BEGIN));
        assert!(others.iter().all(|hash| *hash != whole));
    }

    #[test]
    fn every_action_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> =
            AuditAction::ALL.iter().map(|action| action.name()).collect();
        assert_eq!(names.len(), AuditAction::ALL.len());
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_name(action.name()), Some(*action));
        }
    }
}
