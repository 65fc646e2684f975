//! The audit trail: who has seen or done what. Entries are chained: each carries a hash over itself and the hash of the
//! one before, so that a missing or changed entry is found.
//!
//! No entry says anything about a citizen: subjects are numbers of tickets, identities of calls, names of users.

use chrono::{DateTime, SubsecRound as _, Utc};
use sha2::{Digest as _, Sha256};

use crate::access::{Principal, Role};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuditAction {
    /// A session began.
    SignedIn,
    /// Somebody was not let in.
    SignInFailed,
    /// A session was ended by its user.
    SignedOut,
    /// The own password was changed.
    PasswordChanged,
    /// A user was added, changed, given a first password, or his or her sessions were ended.
    UserAdded,
    /// See [`AuditAction::UserAdded`].
    UserChanged,
    /// See [`AuditAction::UserAdded`].
    PasswordReset,
    /// See [`AuditAction::UserAdded`].
    SessionsEnded,
    /// A ticket was logged, or a concern was added to one.
    TicketLogged,
    /// A ticket was shown with what it says about the citizen.
    TicketRead,
    /// Tickets were listed with what they say about citizens.
    TicketsListed,
    /// A citizen was searched for.
    CitizenSearched,
    /// People acted on a ticket: withdrawn, closed, reopened, rerouted, rebooked.
    TicketActed,
    /// A ticket was erased.
    TicketErased,
    /// A department's messages were read through the node.
    DepartmentRead,
    /// A department replied through the node.
    DepartmentReplied,
    /// The call of an agent was shown at his or her desk, with the number.
    DeskShown,
    /// A call was shown with number and addresses.
    CallRevealed,
    /// Calls were listed with numbers and addresses, or by a citizen's number.
    CallsListed,
    /// Calls were exported with numbers and addresses.
    CallsExported,
    /// A rejected item was shown as it was delivered.
    RejectedRevealed,
    /// Rejected items were discarded.
    RejectedDiscarded,
    /// Rules were applied.
    RulesApplied,
    /// Figures were sealed.
    FiguresSealed,
    /// Figures of single agents were shown.
    AgentFiguresRead,
    /// Entries of an offer were listed.
    EntriesListed,
    /// Entries of an offer were exported.
    EntriesExported,
    /// All entries of an offer were erased.
    EntriesErased,
    /// The audit trail itself was read.
    AuditRead,
    /// A backup was asked for.
    BackupMade,
    /// A backup was fetched, encrypted as it is.
    BackupFetched,
    /// A backup was restored: what was noted after it was made is gone from this trail.
    BackupRestored,
    /// The access log was read, with addresses.
    AccessLogRead,
    /// What is kept of a person was searched for.
    PersonSearched,
    /// A person was told what is kept of him or her, as a document or as data.
    PersonTold,
    /// What a ticket says about a person was put right.
    TicketRectified,
    /// A ticket or calls were restricted.
    PersonRestricted,
    /// A restriction was lifted.
    RestrictionLifted,
    /// Who was told of a rectification, a restriction or an erasure was listed, or a confirmation was noted.
    RecipientsRead,
    /// See [`AuditAction::RecipientsRead`].
    RecipientConfirmed,
    /// A case of a data subject was opened, or something was done with it.
    CaseChanged,
    /// Cases of data subjects were listed or read.
    CasesRead,
    /// It was ordered to erase what is known about a person.
    ErasureOrdered,
    /// A run of retention was begun.
    RetentionRun,
    /// The beginning of the audit trail is cut: the subject is the last entry that goes, the reason its hash.
    AuditCut,
}

impl AuditAction {
    /// All of them.
    pub const ALL: [Self; 45] = [
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignedOut,
        Self::PasswordChanged,
        Self::UserAdded,
        Self::UserChanged,
        Self::PasswordReset,
        Self::SessionsEnded,
        Self::TicketLogged,
        Self::TicketRead,
        Self::TicketsListed,
        Self::CitizenSearched,
        Self::TicketActed,
        Self::TicketErased,
        Self::DepartmentRead,
        Self::DepartmentReplied,
        Self::DeskShown,
        Self::CallRevealed,
        Self::CallsListed,
        Self::CallsExported,
        Self::RejectedRevealed,
        Self::RejectedDiscarded,
        Self::RulesApplied,
        Self::FiguresSealed,
        Self::AgentFiguresRead,
        Self::EntriesListed,
        Self::EntriesExported,
        Self::EntriesErased,
        Self::AuditRead,
        Self::BackupMade,
        Self::BackupFetched,
        Self::BackupRestored,
        Self::AccessLogRead,
        Self::PersonSearched,
        Self::PersonTold,
        Self::TicketRectified,
        Self::PersonRestricted,
        Self::RestrictionLifted,
        Self::RecipientsRead,
        Self::RecipientConfirmed,
        Self::CaseChanged,
        Self::CasesRead,
        Self::ErasureOrdered,
        Self::RetentionRun,
        Self::AuditCut,
    ];

    /// The name in the store and for programs; part of the hash, so it never changes.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignedOut => "signed_out",
            Self::PasswordChanged => "password_changed",
            Self::UserAdded => "user_added",
            Self::UserChanged => "user_changed",
            Self::PasswordReset => "password_reset",
            Self::SessionsEnded => "sessions_ended",
            Self::TicketLogged => "ticket_logged",
            Self::TicketRead => "ticket_read",
            Self::TicketsListed => "tickets_listed",
            Self::CitizenSearched => "citizen_searched",
            Self::TicketActed => "ticket_acted",
            Self::TicketErased => "ticket_erased",
            Self::DepartmentRead => "department_read",
            Self::DepartmentReplied => "department_replied",
            Self::DeskShown => "desk_shown",
            Self::CallRevealed => "call_revealed",
            Self::CallsListed => "calls_listed",
            Self::CallsExported => "calls_exported",
            Self::RejectedRevealed => "rejected_revealed",
            Self::RejectedDiscarded => "rejected_discarded",
            Self::RulesApplied => "rules_applied",
            Self::FiguresSealed => "figures_sealed",
            Self::AgentFiguresRead => "agent_figures_read",
            Self::EntriesListed => "entries_listed",
            Self::EntriesExported => "entries_exported",
            Self::EntriesErased => "entries_erased",
            Self::AuditRead => "audit_read",
            Self::BackupMade => "backup_made",
            Self::BackupFetched => "backup_fetched",
            Self::BackupRestored => "backup_restored",
            Self::AccessLogRead => "access_log_read",
            Self::PersonSearched => "person_searched",
            Self::PersonTold => "person_told",
            Self::TicketRectified => "ticket_rectified",
            Self::PersonRestricted => "person_restricted",
            Self::RestrictionLifted => "restriction_lifted",
            Self::RecipientsRead => "recipients_read",
            Self::RecipientConfirmed => "recipient_confirmed",
            Self::CaseChanged => "case_changed",
            Self::CasesRead => "cases_read",
            Self::ErasureOrdered => "erasure_ordered",
            Self::RetentionRun => "retention_run",
            Self::AuditCut => "audit_cut",
        }
    }

    /// Reads what [`AuditAction::name`] gives.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
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
        let names: std::collections::BTreeSet<_> = AuditAction::ALL.map(AuditAction::name).into();
        assert_eq!(names.len(), AuditAction::ALL.len());
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_name(action.name()), Some(action));
        }
    }
}
