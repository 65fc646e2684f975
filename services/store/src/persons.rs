//! Tickets, entries and calls of a person, whatever their state: for the rights of data subjects alone.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{EntryId, Identity, OfferId, RegistrationId};
use domain::personal::Personal;
use domain::privacy::MarkKind;
use domain::procedure::ProcedureId;
use domain::registration::Entry;
use domain::ticket::Ticket;

use crate::StoreError;
use crate::calls::StoredCall;
use crate::entries::{NumberedEntry, REGISTRATION};
use crate::ticket_columns::time;
use crate::tickets::ListPosition;

/// Finds tickets by what a person is known by.
#[async_trait]
pub trait PersonTickets: Send + Sync + 'static {
    /// Tickets that have any of the marks, newest first, of every state and restricted or not. Erased ones have none.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn tickets_with(&self, search: MarkedTickets) -> Result<Vec<Ticket>, StoreError>;
}

/// Finds entries by what a person is known by, and erases them.
#[async_trait]
pub trait PersonEntries: Send + Sync + 'static {
    /// Entries that have any of the marks, by their number, of every state.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn entries_with(&self, search: MarkedEntries) -> Result<Vec<NumberedEntry>, StoreError>;

    /// Those of these entries that are there, in no order.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn entries_among(&self, ids: Vec<EntryId>) -> Result<Vec<Entry>, StoreError>;

    /// Erases entries, and mails that tell of nothing any more; nothing is left of them. Those that are not there are passed
    /// over. Returns how many were.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is erased.
    async fn erase_entries(&self, ids: Vec<EntryId>) -> Result<usize, StoreError>;

    /// Restricts entries: they are kept, and in no list, export or mail, until that is lifted. Returns how many were not
    /// restricted before.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is restricted.
    async fn restrict_entries(&self, ids: Vec<EntryId>, at: DateTime<Utc>) -> Result<usize, StoreError>;

    /// Lifts the restriction of entries. Returns how many were restricted.
    ///
    /// # Errors
    /// [`StoreError`]: all of them stay restricted.
    async fn lift_entries(&self, ids: Vec<EntryId>) -> Result<usize, StoreError>;

    /// Restricted entries, and since when; those behind an id, in the order of ids.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn restricted_entries(
        &self,
        after: Option<EntryId>,
        most: usize,
    ) -> Result<Vec<(EntryId, DateTime<Utc>)>, StoreError>;

    /// Mails about entries that wait, by their number.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn waiting_entry_mails(&self, search: WaitingMails) -> Result<Vec<WaitingMail>, StoreError>;
}

/// Finds calls by who called, or was called by the house.
#[async_trait]
pub trait PersonCalls: Send + Sync + 'static {
    /// Calls by a number, and calls that the house made to it, the latest first; those without a known start come last.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn calls_by(&self, search: CallsOfNumber) -> Result<Vec<StoredCall>, StoreError>;

    /// How many calls there are by a number, and to it.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn count_calls_by(&self, keys: Vec<String>) -> Result<i64, StoreError>;

    /// Calls by their identities, restricted or not, in no order. Those that are not there are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn calls_of(&self, identities: Vec<Identity>) -> Result<Vec<StoredCall>, StoreError>;

    /// Restricts calls: they are kept and counted, and in no list, until that is lifted. Returns how many were not
    /// restricted before.
    ///
    /// # Errors
    /// [`StoreError`]: none of them is restricted.
    async fn restrict_calls(&self, identities: Vec<Identity>, at: DateTime<Utc>)
    -> Result<usize, StoreError>;

    /// Lifts the restriction of calls. Returns how many were restricted.
    ///
    /// # Errors
    /// [`StoreError`]: all of them stay restricted.
    async fn lift_calls(&self, identities: Vec<Identity>) -> Result<usize, StoreError>;

    /// Restricted calls, and since when; those behind an identity, in the order of identities.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn restricted(
        &self,
        after: Option<Identity>,
        most: usize,
    ) -> Result<Vec<(Identity, DateTime<Utc>)>, StoreError>;

    /// Which of these calls are restricted.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn restricted_among(&self, identities: Vec<Identity>) -> Result<BTreeSet<Identity>, StoreError>;
}

/// Which tickets to find. Personal.
#[derive(Clone, PartialEq, Eq)]
pub struct MarkedTickets {
    /// Keys, as [`domain::privacy::marks_of_ticket`] makes them; any is enough.
    pub keys: Vec<(MarkKind, String)>,
    /// Only those after this one in the list.
    pub after: Option<ListPosition>,
    /// At most so many.
    pub most: usize,
}

/// Which entries to find. Personal.
#[derive(Clone, PartialEq, Eq)]
pub struct MarkedEntries {
    /// Keys, as [`domain::privacy::Marks::ticket_keys`] makes them; any is enough.
    pub keys: Vec<(MarkKind, String)>,
    /// Only those after this number.
    pub after: i64,
    /// At most so many.
    pub most: usize,
}

/// Which mails to find. Personal.
#[derive(Clone, PartialEq, Eq)]
pub struct WaitingMails {
    /// Only those to these addresses, free of spelling.
    pub to: Option<Vec<String>>,
    /// Only those after this number.
    pub after: i64,
    /// At most so many.
    pub most: usize,
}

/// A mail about entries that waits, without what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingMail {
    /// Its number.
    pub number: i64,
    /// Of which procedure.
    pub procedure: ProcedureId,
    /// The registration that it is about; `None` of a reminder to a department.
    pub registration: Option<RegistrationId>,
    /// The offer that a department is reminded of.
    pub offer: Option<OfferId>,
    /// To whom; of a reminder nobody yet.
    pub recipient: Option<Personal>,
    /// How often the server has put it off.
    pub attempts: u32,
    /// What was said last.
    pub error: Option<String>,
    /// When it is tried again at the earliest, if it was put off.
    pub retry_at: Option<DateTime<Utc>>,
}

/// The columns of such a mail, as every store reads them.
pub(crate) const WAITING_COLUMNS: &str =
    "number, procedure, kind, subject, recipient, attempts, error, not_before_ms";

pub(crate) struct WaitingRow {
    pub(crate) number: i64,
    pub(crate) procedure: String,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) recipient: String,
    pub(crate) attempts: u32,
    pub(crate) error: Option<String>,
    pub(crate) not_before_ms: i64,
}

impl WaitingRow {
    pub(crate) fn read(self) -> Result<WaitingMail, StoreError> {
        let is_to_a_person = self.kind == REGISTRATION;
        Ok(WaitingMail {
            number: self.number,
            procedure: ProcedureId::new(self.procedure),
            registration: is_to_a_person.then(|| RegistrationId::new(&self.subject)),
            offer: (!is_to_a_person).then(|| OfferId::new(&self.subject)),
            recipient: is_to_a_person.then(|| Personal::new(self.recipient)),
            attempts: self.attempts,
            error: self.error,
            retry_at: (self.not_before_ms > 0)
                .then(|| time(self.not_before_ms))
                .transpose()?,
        })
    }
}

/// Which calls to find. Personal.
#[derive(Clone, PartialEq, Eq)]
pub struct CallsOfNumber {
    /// Keys of a number, as [`domain::numbers::Number::search_keys`] gives them; any is enough.
    pub keys: Vec<String>,
    /// Only those after this one in the list.
    pub after: Option<PersonCallPlace>,
    /// At most so many.
    pub most: usize,
}

/// A place in a list of calls of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonCallPlace {
    /// Its start in milliseconds since 1970; -1 without a known one.
    pub started_at_ms: i64,
    /// Its identity.
    pub identity: Identity,
}

impl PersonCallPlace {
    /// Where a call stands.
    pub fn of(call: &StoredCall) -> Self {
        Self {
            started_at_ms: call
                .place()
                .map_or(-1, |place| place.started_at.timestamp_millis()),
            identity: call.identity,
        }
    }
}

impl std::fmt::Debug for MarkedTickets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<personal, {} marks>", self.keys.len())
    }
}

impl std::fmt::Debug for MarkedEntries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<personal, {} marks>", self.keys.len())
    }
}

impl std::fmt::Debug for WaitingMails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<personal, addresses>")
    }
}

impl std::fmt::Debug for CallsOfNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<personal, a number>")
    }
}
