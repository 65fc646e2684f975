//! Mails to departments without Kafka: one a ticket and department, with the newest news.
//!
//! A mail is written in the transaction of its cause, as [`domain::ticket::Effect::Mail`], and goes away once the mail
//! server has it. What is refused for good stays, with the reason, until it is tried again or there are newer news.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{DepartmentId, TicketId};
use domain::ticket::{MailSubject, Ticket, TicketState, TicketVersion};

use crate::StoreError;
use crate::tickets::{HandOverKey, SetAside};

/// What handover keeps of mails.
#[async_trait]
pub trait MailStore: Send + Sync + 'static {
    /// Mails to a department that are to be sent now, oldest first; none that failed for good.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn pending_mails(
        &self,
        department: &DepartmentId,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<PendingMail>, StoreError>;

    /// The mail server has it: it is pending no longer, unless there are newer news, and enters the history.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn mail_accepted(&self, key: &HandOverKey, at: DateTime<Utc>) -> Result<(), StoreError>;

    /// The mail server does not take this mail now: it is tried again later, and does not hold up others.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn postpone_mail(&self, key: &HandOverKey, aside: SetAside) -> Result<(), StoreError>;

    /// The mail server cannot be asked: what waits for a department says why.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn mails_held_up(&self, department: &DepartmentId, error: &str) -> Result<(), StoreError>;

    /// A mail was refused for good, or came back after it had been taken: it is kept aside, and enters the history.
    /// False when there is no such ticket and version, or when that was known.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn mail_failed(
        &self,
        key: &HandOverKey,
        failure: MailFailure,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Mails that wait or failed, by their number; only those after a number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn mails(&self, after: i64, most: usize) -> Result<Vec<KeptMail>, StoreError>;

    /// Has a mail sent now, whatever came of it before. False when there is none with the number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn retry_mail(&self, number: i64) -> Result<bool, StoreError>;
}

/// A mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingMail {
    /// Which state of which ticket it tells of, and whom.
    pub key: HandOverKey,
    /// What it is about.
    pub subject: MailSubject,
    /// The ticket as it is now.
    pub ticket: Ticket,
    /// How often the server has put it off.
    pub attempts: u32,
}

/// Why a mail failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailFailure {
    /// The status code, for the history; no personal data.
    pub status: String,
    /// What was said, for operators; no personal data.
    pub error: String,
}

/// A mail that waits or failed, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMail {
    /// Its number, by which it is tried again.
    pub number: i64,
    /// Which state of which ticket it tells of, and whom.
    pub key: HandOverKey,
    /// What it is about.
    pub subject: MailSubject,
    /// Since when.
    pub since: DateTime<Utc>,
    /// How often the server has put it off.
    pub attempts: u32,
    /// What was said last.
    pub error: Option<String>,
    /// When it is tried again at the earliest, if it was put off.
    pub retry_at: Option<DateTime<Utc>>,
    /// When it failed for good.
    pub failed_at: Option<DateTime<Utc>>,
}

/// Whether a department was told of this version: it has or had the ticket, or the ticket was escalated to it.
pub(crate) fn concerns(ticket: &Ticket, key: &HandOverKey) -> bool {
    key.version <= ticket.version
        && (ticket.department == key.department
            || is_escalated_to(ticket, key)
            || ticket
                .former_departments()
                .any(|former| *former == key.department))
}

fn is_escalated_to(ticket: &Ticket, key: &HandOverKey) -> bool {
    ticket.schedule.escalated_to.as_ref() == Some(&key.department)
}

/// What a mail about a version that a ticket has, or had, at a department says now.
pub(crate) fn subject_now(ticket: &Ticket, key: &HandOverKey) -> MailSubject {
    match ticket.state {
        TicketState::Erased => MailSubject::Erased,
        _ if ticket.is_restricted() => MailSubject::Restricted,
        _ if ticket.department == key.department => MailSubject::Ticket,
        _ if is_escalated_to(ticket, key) => MailSubject::Escalated,
        _ => MailSubject::Withdrawn,
    }
}

/// The columns of a mail in the list, as every store reads them.
pub(crate) struct KeptColumns {
    pub(crate) number: i64,
    pub(crate) department: String,
    pub(crate) ticket: String,
    pub(crate) version: u32,
    pub(crate) kind: String,
    pub(crate) since_ms: i64,
    pub(crate) not_before_ms: i64,
    pub(crate) attempts: u32,
    pub(crate) error: Option<String>,
    pub(crate) failed_at_ms: Option<i64>,
}

impl KeptColumns {
    pub(crate) fn mail(self) -> Result<KeptMail, StoreError> {
        use crate::ticket_columns::{mail_subject, time};
        Ok(KeptMail {
            number: self.number,
            subject: mail_subject(&self.kind)?,
            key: HandOverKey {
                ticket: TicketId::new(self.ticket),
                department: DepartmentId::new(self.department),
                version: TicketVersion(self.version),
            },
            since: time(self.since_ms)?,
            attempts: self.attempts,
            error: self.error,
            retry_at: (self.not_before_ms > 0)
                .then(|| time(self.not_before_ms))
                .transpose()?,
            failed_at: self.failed_at_ms.map(time).transpose()?,
        })
    }
}
