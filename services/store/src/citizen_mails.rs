//! Mails to citizens about appointments by video: one a ticket, with the newest news.
//!
//! A mail is written in the transaction of its cause, as [`domain::ticket::Effect::TellCitizen`]. It holds which ticket it is
//! about, and neither address nor link: what it says is made of the ticket as it stands when it is sent.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::TicketId;
use domain::ticket::Ticket;

use crate::StoreError;
use crate::entries::EntryMailKey;
use crate::tickets::SetAside;

/// What is kept of mails to citizens.
#[async_trait]
pub trait CitizenMails: Send + Sync + 'static {
    /// Mails that are to be sent now, oldest first, each with its ticket as it is now. Those about restricted tickets wait.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn pending_citizen_mails(
        &self,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<CitizenMail>, StoreError>;

    /// The mail server has it, or there is nothing to tell any more: it is pending no longer, unless there are newer news.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn citizen_mail_done(&self, key: EntryMailKey) -> Result<(), StoreError>;

    /// The mail server does not take this mail now: it is tried again later, and does not hold up others.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn postpone_citizen_mail(&self, key: EntryMailKey, aside: SetAside) -> Result<(), StoreError>;

    /// Mails that wait, by their number, restricted or not; only those after a number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn waiting_citizen_mails(
        &self,
        after: i64,
        most: usize,
    ) -> Result<Vec<WaitingCitizenMail>, StoreError>;
}

/// A mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CitizenMail {
    /// Which, and which news.
    pub key: EntryMailKey,
    /// The ticket as it is now.
    pub ticket: Ticket,
    /// How often the server has put it off.
    pub attempts: u32,
}

/// A mail that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingCitizenMail {
    /// Its number.
    pub number: i64,
    /// The ticket that it is about.
    pub ticket: TicketId,
    /// How often the server has put it off.
    pub attempts: u32,
    /// What was said last.
    pub error: Option<String>,
    /// When it is tried again at the earliest, if it was put off.
    pub retry_at: Option<DateTime<Utc>>,
}
