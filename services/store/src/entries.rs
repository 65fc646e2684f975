//! Entries: who has registered for an offer. Beside the tickets, because the mails about them go out like those of
//! tickets: written in the transaction of their cause, removed once the mail server has them.
//!
//! Nothing is left of an entry that is gone. Mails hold no content: what they say is read when they are sent.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::{EntryId, OfferId, RegistrationId};
use domain::personal::Personal;
use domain::procedure::{Fields, ProcedureId};
use domain::registration::{CheckedEntry, Entry, EntryState};

use crate::StoreError;
use crate::ticket_columns::{time, unreadable};
use crate::tickets::SetAside;

/// What is kept of registrations.
#[async_trait]
pub trait EntryStore: Send + Sync + 'static {
    /// Writes a registration with the mail that asks for its confirmation. Who has an entry already is told so by the same
    /// mail. What is repeated within a short time changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn register(&self, new: NewRegistration) -> Result<Registered, StoreError>;

    /// Confirms the entries of a registration that are not past their time, with a mail that says so; once.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn confirm(&self, registration: &RegistrationId, at: DateTime<Utc>) -> Result<u32, StoreError>;

    /// The entries that have this id or that of their registration; none that are past their time.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn entries_by_id(&self, id: &str, at: DateTime<Utc>) -> Result<Vec<Entry>, StoreError>;

    /// Erases the entries that have this id or that of their registration. How many.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn end_entries(&self, id: &str, by: EndedBy, at: DateTime<Utc>) -> Result<u32, StoreError>;

    /// Entries of an offer, by number; restricted ones are in no list.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn entries(&self, filter: EntryFilter) -> Result<Vec<NumberedEntry>, StoreError>;

    /// What has become of each offer of a procedure of which anything is known. Restricted entries are not counted.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn offer_states(
        &self,
        procedure: &ProcedureId,
    ) -> Result<BTreeMap<OfferId, OfferState>, StoreError>;

    /// How often items of a programme were chosen, among all entries of an offer; restricted ones keep their places.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn items_taken(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
    ) -> Result<BTreeMap<String, u32>, StoreError>;

    /// All entries of an offer that were confirmed by then were exported.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn mark_exported(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError>;

    /// Erases the entries of an offer, but for those that were confirmed after a time, and restricted ones; their count and
    /// the time of it remain. How many.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn clear_offer(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        confirmed_by: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<u32, StoreError>;

    /// Writes a mail that reminds a department of an offer whose time is over, once.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn remind(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError>;

    /// Erases entries that were not confirmed in time, but for restricted ones. How many.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn expire_entries(&self, at: DateTime<Utc>) -> Result<u32, StoreError>;

    /// Mails that are to be sent now, oldest first, with what they are about as it is now. Those about nothing but restricted
    /// entries wait.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn pending_entry_mails(
        &self,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<PendingEntryMail>, StoreError>;

    /// The mail server has it, or there is nothing to tell any more: it is pending no longer, unless there are newer news.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn entry_mail_done(&self, key: EntryMailKey) -> Result<(), StoreError>;

    /// The mail server does not take this mail now: it is tried again later, and does not hold up others.
    ///
    /// # Errors
    /// [`StoreError`].
    async fn postpone_entry_mail(&self, key: EntryMailKey, aside: SetAside) -> Result<(), StoreError>;
}

/// Who ends an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// Whoever registered: also where it is restricted.
    Person,
    /// A mail server, to which the address is unknown: what is restricted stays.
    MailServer,
}

/// A registration to write.
#[derive(Clone, Debug)]
pub struct NewRegistration {
    /// Random.
    pub id: RegistrationId,
    /// By which procedure.
    pub procedure: ProcedureId,
    /// One for each offer, in the order of their ids, with random ids.
    pub entries: Vec<(EntryId, CheckedEntry)>,
    /// Where the mail goes.
    pub recipient: Personal,
    /// The same, whatever its capitals.
    pub email_key: String,
    /// When it was sent.
    pub consented_at: DateTime<Utc>,
    /// Until when it can be confirmed.
    pub expires_at: DateTime<Utc>,
    /// Who was told of an entry after this time is not told again yet.
    pub quiet_since: DateTime<Utc>,
    /// Places of items of the programme that have a limit.
    pub capacities: BTreeMap<String, u32>,
    /// Entries that an offer has at most.
    pub most: u32,
}

/// What came of a registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registered {
    /// It is kept, or was known.
    Accepted,
    /// An item of the programme has no place left; nothing was written.
    ItemFull(String),
    /// The offer has as many entries as it may have; nothing was written.
    OfferFull(OfferId),
}

/// Which entries are listed.
#[derive(Clone, Debug)]
pub struct EntryFilter {
    /// Of which procedure.
    pub procedure: ProcedureId,
    /// Of which offer.
    pub offer: OfferId,
    /// Only those in this state.
    pub state: Option<EntryState>,
    /// Only those after this number.
    pub after: i64,
    /// At most so many.
    pub most: usize,
}

/// An entry with its place in lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberedEntry {
    /// Its place.
    pub number: i64,
    /// The entry.
    pub entry: Entry,
}

/// What has become of an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferState {
    /// Entries that wait to be confirmed.
    pub pending: u32,
    /// Entries that hold.
    pub confirmed: u32,
    /// When its department was reminded that its time is over.
    pub reminded_at: Option<DateTime<Utc>>,
    /// Entries that were confirmed by then were exported.
    pub exported_at: Option<DateTime<Utc>>,
    /// Entries that were erased with the offer.
    pub erased: u32,
    /// When.
    pub erased_at: Option<DateTime<Utc>>,
}

/// A mail, and which news of its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryMailKey {
    /// Its number.
    pub number: i64,
    /// Counts the news.
    pub edition: u32,
}

/// A mail that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingEntryMail {
    /// Which.
    pub key: EntryMailKey,
    /// Of which procedure.
    pub procedure: ProcedureId,
    /// What it is about.
    pub about: EntryMailSubject,
    /// How often the server has put it off.
    pub attempts: u32,
}

/// What a mail is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryMailSubject {
    /// To whoever registered.
    Registration {
        /// Which.
        id: RegistrationId,
        /// Where it goes.
        recipient: Personal,
        /// Entries of this registration that wait for the link, and all entries of the address that hold.
        entries: Vec<Entry>,
    },
    /// To the department of an offer whose time is over.
    Reminder {
        /// Which.
        offer: OfferId,
    },
}

/// The kinds of mails, as they are stored.
pub(crate) const REGISTRATION: &str = "registration";
pub(crate) const REMINDER: &str = "reminder";

/// What an entry is found by beside its address.
pub(crate) struct EntryMarks {
    pub(crate) name_key: Option<String>,
    pub(crate) phone_key: Option<String>,
}

impl EntryMarks {
    pub(crate) fn of(fields: &Fields) -> Self {
        Self {
            name_key: fields.name_key(),
            phone_key: fields.phone_key(),
        }
    }
}

/// The columns of an entry, as every store reads them, from the first.
pub(crate) const ENTRY_COLUMNS: &str = "entries.entry_id, entries.registration_id, entries.procedure, entries.offer, \
    entries.state, entries.fields, entries.consented_at_ms, entries.confirmed_at_ms, entries.number, \
    entries.restricted_at_ms";

/// Tells entries that are restricted from others.
pub(crate) const UNRESTRICTED: &str = "entries.restricted_at_ms IS NULL";

pub(crate) struct EntryColumns {
    pub(crate) id: String,
    pub(crate) registration: String,
    pub(crate) procedure: String,
    pub(crate) offer: String,
    pub(crate) state: String,
    pub(crate) fields: String,
    pub(crate) consented_at_ms: i64,
    pub(crate) confirmed_at_ms: Option<i64>,
    pub(crate) number: i64,
    pub(crate) restricted_at_ms: Option<i64>,
}

impl EntryColumns {
    pub(crate) fn read(self) -> Result<NumberedEntry, StoreError> {
        let entry = Entry {
            id: EntryId::new(self.id),
            registration: RegistrationId::new(self.registration),
            procedure: ProcedureId::new(self.procedure),
            offer: OfferId::new(self.offer),
            state: EntryState::from_name(&self.state).ok_or_else(|| unreadable("the state of an entry"))?,
            fields: entry_fields(&self.fields)?,
            consented_at: time(self.consented_at_ms)?,
            confirmed_at: self.confirmed_at_ms.map(time).transpose()?,
            restricted_at: self.restricted_at_ms.map(time).transpose()?,
        };
        Ok(NumberedEntry {
            number: self.number,
            entry,
        })
    }
}

pub(crate) fn entry_fields(stored: &str) -> Result<Fields, StoreError> {
    serde_json::from_str(stored).map_err(|_| unreadable("the fields of an entry"))
}

/// Adds the items that an entry takes.
pub(crate) fn count_items(fields: &Fields, taken: &mut BTreeMap<String, u32>) {
    for item in domain::registration::chosen_items(fields) {
        *taken.entry(item.to_owned()).or_default() += 1;
    }
}

/// The first item that an entry asks for and that has no place left.
pub(crate) fn full_item(
    entry: &CheckedEntry,
    capacities: &BTreeMap<String, u32>,
    taken: &BTreeMap<String, u32>,
) -> Option<String> {
    let is_full = |item: &&str| {
        let places = capacities.get(*item);
        places.is_some_and(|places| taken.get(*item).is_some_and(|taken| taken >= places))
    };
    let mut items = domain::registration::chosen_items(&entry.fields);
    items.find(is_full).map(str::to_owned)
}

/// What a registration does to an entry of the same person and offer.
pub(crate) enum Meets {
    /// Nobody: it is new.
    Nobody,
    /// Somebody who was just told: nothing changes.
    JustTold,
    /// An entry that waits: it is replaced.
    Pending(String),
    /// An entry that holds: it is told of.
    Confirmed(String),
}

impl Meets {
    /// The id of a stored entry that would be replaced, empty for a new one; `None` where nothing is written.
    pub(crate) fn writes(&self) -> Option<&str> {
        match self {
            Self::Nobody => Some(""),
            Self::Pending(id) => Some(id),
            Self::JustTold | Self::Confirmed(_) => None,
        }
    }

    /// Whether it replaces what an entry says.
    pub(crate) fn is_other(&self) -> bool {
        matches!(self, Self::Pending(_))
    }

    /// Whether it adds an entry.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self, Self::Nobody)
    }

    /// Whether a mail tells of it.
    pub(crate) fn is_news(&self) -> bool {
        !matches!(self, Self::JustTold)
    }

    /// What is stored: id, state, and when a mail was last asked for; of a restricted entry never too long ago, so that nothing
    /// is done with it.
    pub(crate) fn of(stored: Option<(String, String, i64)>, quiet_since: DateTime<Utc>) -> Self {
        match stored {
            None => Self::Nobody,
            Some((_, _, told_at_ms)) if told_at_ms > quiet_since.timestamp_millis() => Self::JustTold,
            Some((id, state, _)) if state == EntryState::Confirmed.name() => Self::Confirmed(id),
            Some((id, ..)) => Self::Pending(id),
        }
    }
}

/// Entries that a mail about a registration tells of, of all those of its address.
pub(crate) fn told_of(entries: Vec<NumberedEntry>, registration: &RegistrationId) -> Vec<Entry> {
    let entries = entries.into_iter().map(|numbered| numbered.entry);
    entries
        .filter(|entry| !entry.is_restricted())
        .filter(|entry| entry.state == EntryState::Confirmed || entry.registration == *registration)
        .collect()
}
