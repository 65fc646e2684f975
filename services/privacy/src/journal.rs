//! What is done by right of persons is also written beside the backups, encrypted as these are: a restored backup does not know
//! what came after it, and does it again.
//!
//! For tickets, calls and cases the stores are the outbox: what a kill or a full disk kept from being written is found there and
//! written at the next look. That somebody takes an entry back leaves nothing in a store, so it is written before it is done.
//! A file is forgotten with the ticket that it is about, and when no backup is older any more.

mod record;

use std::sync::Arc;
use std::time::Duration;

use backup::BackupError;
use backup::acts::{ActFolder, ActName};
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{EntryId, OfferId, TicketId};
use domain::procedure::ProcedureId;
use domain::report::content_hash;
use domain::ticket::TicketState;
use store::StoreError;
use store::backups::{ActedOn, ActsOfRight};
use store::cases::{CaseQuery, CaseStore, KeptCase};
use store::persons::{PersonCalls, PersonEntries};
use store::tickets::TicketStore;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

pub use record::{Installation, Record, RestrictedCall, RestrictedEntry, TicketActs};

/// The time between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// What is read of a store together.
const AT_ONCE: usize = 500;
/// The subject of all restricted calls.
const CALLS: &str = "calls";
/// The subject of all restricted entries.
const ENTRIES: &str = "entries";

/// Why something was not written beside the backups.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The store was asked what was done.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder beside the backups.
    #[error("{folder}: {why}")]
    Folder {
        /// Which.
        folder: String,
        /// Why.
        why: BackupError,
    },
}

impl From<JournalError> for StoreError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Store(error) => error,
            JournalError::Folder {
                why: BackupError::NoRoom,
                ..
            } => Self::NoRoom,
            error => Self::Unavailable(error.to_string()),
        }
    }
}

/// What the journal is written from.
pub struct JournalParts {
    /// Where it is written.
    pub folder: ActFolder,
    /// For how long: as long as backups are kept.
    pub kept: TimeDelta,
    /// Tells files of one installation from those of another.
    pub installation: Installation,
    /// Where it is found what was done.
    pub stores: JournalStores,
    /// Tells the time.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

/// Where it is found what was done by right of persons.
pub struct JournalStores {
    /// Tickets with their history.
    pub tickets: Arc<dyn TicketStore>,
    /// Which of them something was done with.
    pub acts: Arc<dyn ActsOfRight>,
    /// Which calls are restricted.
    pub calls: Arc<dyn PersonCalls>,
    /// Which entries are.
    pub entries: Arc<dyn PersonEntries>,
    /// What persons ask for.
    pub cases: Arc<dyn CaseStore>,
}

impl JournalStores {
    /// All that a journal would hold of what was done since a time, but for entries that were ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn gather(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        for acted in self.acted_on(since).await? {
            records.extend(self.acts_of(&acted.ticket).await?.map(Record::Ticket));
        }
        records.push(Record::Calls {
            at: now,
            restricted: self.restricted_calls().await?,
        });
        records.push(Record::Entries {
            at: now,
            restricted: self.restricted_entries().await?,
        });
        records.extend(self.cases_since(since).await?.iter().map(Record::of_case));
        Ok(records)
    }

    async fn acted_on(&self, since: DateTime<Utc>) -> Result<Vec<ActedOn>, StoreError> {
        let mut all: Vec<ActedOn> = Vec::new();
        loop {
            let after = all.last().map(|last| last.ticket.clone());
            let page = self.acts.acted_on(since, after, AT_ONCE).await?;
            let is_last = page.len() < AT_ONCE;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn acts_of(&self, ticket: &TicketId) -> Result<Option<TicketActs>, StoreError> {
        let found = self.tickets.ticket(ticket).await?;
        let found = found.filter(|found| found.ticket.state != TicketState::Erased);
        Ok(found.as_ref().and_then(TicketActs::of))
    }

    async fn restricted_calls(&self) -> Result<Vec<RestrictedCall>, StoreError> {
        let mut restricted: Vec<RestrictedCall> = Vec::new();
        let mut after = None;
        loop {
            let page = self.calls.restricted(after, AT_ONCE).await?;
            after = page.last().map(|(call, _)| *call);
            restricted.extend(page.iter().map(|(call, since)| RestrictedCall {
                call: call.to_hex(),
                since: *since,
            }));
            if page.len() < AT_ONCE {
                return Ok(restricted);
            }
        }
    }

    async fn restricted_entries(&self) -> Result<Vec<RestrictedEntry>, StoreError> {
        let mut restricted: Vec<RestrictedEntry> = Vec::new();
        loop {
            let after = restricted.last().map(|last| last.entry.clone());
            let page = self.entries.restricted_entries(after, AT_ONCE).await?;
            let is_last = page.len() < AT_ONCE;
            let entry = |(entry, since): (EntryId, DateTime<Utc>)| RestrictedEntry { entry, since };
            restricted.extend(page.into_iter().map(entry));
            if is_last {
                return Ok(restricted);
            }
        }
    }

    async fn cases_since(&self, since: DateTime<Utc>) -> Result<Vec<KeptCase>, StoreError> {
        let mut query = CaseQuery {
            most: AT_ONCE,
            ..CaseQuery::default()
        };
        let mut changed = Vec::new();
        loop {
            let page = self.cases.cases(query.clone()).await?;
            query.after = page.last().map(|last| (last.case.due_on, last.number));
            let is_last = page.len() < AT_ONCE;
            changed.extend(
                page.into_iter()
                    .filter(|kept| record::name_of_case(kept).at >= since),
            );
            if is_last {
                return Ok(changed);
            }
        }
    }
}

/// What was restricted when that was written last.
#[derive(Default)]
struct Written {
    calls: Option<Vec<RestrictedCall>>,
    entries: Option<Vec<RestrictedEntry>>,
}

/// Writes the journal. Several nodes may write to one folder.
pub struct ActJournal {
    parts: Arc<JournalParts>,
    /// Held from reading a state until it is written.
    turn: Mutex<Written>,
}

impl ActJournal {
    /// A journal that has looked at nothing yet.
    pub fn new(parts: JournalParts) -> Arc<Self> {
        Arc::new(Self {
            parts: Arc::new(parts),
            turn: Mutex::default(),
        })
    }

    /// Something was done with a ticket, and is durable: it is written now, or at a later look.
    pub async fn note_ticket(&self, ticket: &TicketId) {
        later(self.ticket(ticket).await);
    }

    /// Calls were restricted, or that was lifted.
    pub async fn note_calls(&self) {
        later(self.calls().await);
    }

    /// Entries were restricted, or that was lifted.
    pub async fn note_entries(&self) {
        later(self.entries().await);
    }

    /// A case was opened or changed.
    pub async fn note_case(&self, kept: &KeptCase) {
        later(self.case(kept).await);
    }

    /// An entry, or all of a registration, is about to be ended.
    ///
    /// # Errors
    /// [`JournalError`]: then it must not be ended, because it would come back with a backup.
    pub async fn entry_ends(&self, id: &str) -> Result<(), JournalError> {
        // Whatever else there is no entry has as its id.
        let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            return Ok(());
        }
        let subject = format!("entry-{id}");
        if self.names().await?.iter().any(|name| name.subject == subject) {
            return Ok(());
        }
        let name = ActName::new(subject, (self.parts.clock)(), 0);
        self.write(name, &Record::Ended { id: id.to_owned() }).await
    }

    /// The entries of an offer are about to be erased.
    ///
    /// # Errors
    /// As for [`ActJournal::entry_ends`].
    pub async fn offer_is_cleared(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        confirmed_by: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<(), JournalError> {
        let hash = crate::hex::hex(&content_hash(&(procedure, offer)));
        let record = Record::Cleared {
            procedure: procedure.clone(),
            offer: offer.clone(),
            confirmed_by,
            at,
        };
        self.write(ActName::new(format!("offer-{hash}"), at, 0), &record)
            .await
    }

    /// Tickets are erased: nothing of them stays beside the backups.
    ///
    /// # Errors
    /// [`JournalError`]: then the erasure is not through.
    pub async fn forget(&self, tickets: &[TicketId]) -> Result<(), JournalError> {
        // Nobody is between reading one of them and writing what it said.
        let _turn = self.turn.lock().await;
        let subjects: Vec<String> = tickets.iter().map(record::subject_of_ticket).collect();
        self.in_folder(move |folder| folder.forget(&subjects)).await
    }

    /// Writes whatever is missing, and removes what is not to be kept.
    ///
    /// # Errors
    /// [`JournalError`]: the next look goes on.
    pub async fn look(&self) -> Result<(), JournalError> {
        let since = (self.parts.clock)() - self.parts.kept;
        let there = self.names().await?;
        let stores = &self.parts.stores;
        for acted in stores.acted_on(since).await? {
            let subject = record::subject_of_ticket(&acted.ticket);
            let name = ActName::new(subject, acted.at, u64::from(acted.number));
            if !there.contains(&name) {
                self.ticket(&acted.ticket).await?;
            }
        }
        self.calls().await?;
        self.entries().await?;
        for kept in stores.cases_since(since).await? {
            if !there.contains(&record::name_of_case(&kept)) {
                self.case(&kept).await?;
            }
        }
        let tickets: Vec<TicketId> = there.iter().filter_map(record::ticket_of).collect();
        for step in tickets.chunks(AT_ONCE) {
            let erased = stores.acts.erased_among(step.to_vec()).await?;
            self.forget(&erased.into_iter().collect::<Vec<_>>()).await?;
        }
        self.in_folder(move |folder| folder.remove_before(since)).await
    }

    /// Looks now and then, until stopped.
    pub async fn run(self: Arc<Self>, stopping: CancellationToken) {
        let mut failing = false;
        let rest = || stopping.run_until_cancelled(tokio::time::sleep(LOOK_EVERY));
        while rest().await.is_some() {
            match self.look().await {
                Ok(()) => failing = false,
                // One warning an outage.
                Err(error) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!(%error, "what was done by right of persons is not yet beside the backups; trying on");
                    }
                }
            }
        }
    }

    async fn ticket(&self, id: &TicketId) -> Result<(), JournalError> {
        let _turn = self.turn.lock().await;
        let acts = self.parts.stores.acts_of(id).await?;
        match acts.and_then(|acts| Some((acts.name()?, acts))) {
            Some((name, acts)) => self.write(name, &Record::Ticket(acts)).await,
            None => Ok(()),
        }
    }

    async fn calls(&self) -> Result<(), JournalError> {
        let mut last = self.turn.lock().await;
        // Before they are read: whatever comes later is written with a later time.
        let at = (self.parts.clock)();
        let restricted = self.parts.stores.restricted_calls().await?;
        if last.calls.as_ref() == Some(&restricted) {
            return Ok(());
        }
        if !restricted.is_empty() || self.is_known(CALLS).await? {
            let record = Record::Calls {
                at,
                restricted: restricted.clone(),
            };
            self.write(ActName::new(CALLS, at, 0), &record).await?;
        }
        last.calls = Some(restricted);
        Ok(())
    }

    async fn entries(&self) -> Result<(), JournalError> {
        let mut last = self.turn.lock().await;
        let at = (self.parts.clock)();
        let restricted = self.parts.stores.restricted_entries().await?;
        if last.entries.as_ref() == Some(&restricted) {
            return Ok(());
        }
        if !restricted.is_empty() || self.is_known(ENTRIES).await? {
            let record = Record::Entries {
                at,
                restricted: restricted.clone(),
            };
            self.write(ActName::new(ENTRIES, at, 0), &record).await?;
        }
        last.entries = Some(restricted);
        Ok(())
    }

    async fn is_known(&self, subject: &str) -> Result<bool, JournalError> {
        Ok(self.names().await?.iter().any(|it| it.subject == subject))
    }

    async fn case(&self, kept: &KeptCase) -> Result<(), JournalError> {
        self.write(record::name_of_case(kept), &Record::of_case(kept))
            .await
    }

    async fn names(&self) -> Result<Vec<ActName>, JournalError> {
        self.in_folder(ActFolder::names).await
    }

    async fn write(&self, name: ActName, record: &Record) -> Result<(), JournalError> {
        let content = record.written(&self.parts.installation);
        self.in_folder(move |folder| folder.write(&name, &content)).await
    }

    async fn in_folder<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ActFolder) -> Result<T, BackupError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let parts = Arc::clone(&self.parts);
        let done = tokio::task::spawn_blocking(move || work(&parts.folder)).await;
        let done = done.unwrap_or_else(|error| Err(BackupError::Io(std::io::Error::other(error))));
        done.map_err(|why| JournalError::Folder {
            folder: self.parts.folder.path().display().to_string(),
            why,
        })
    }
}

/// What is durable in the store is found there at the next look.
fn later(written: Result<(), JournalError>) {
    if let Err(error) = written {
        tracing::warn!(%error, "what was done by right of a person is not yet beside the backups; trying on");
    }
}
