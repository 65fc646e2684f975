//! What is done by right of persons, beside the backups: wired to the stores, so that nothing goes past it whoever asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use backup::acts::ActFolder;
use chrono::{DateTime, Utc};
use domain::ids::{OfferId, RegistrationId};
use domain::procedure::ProcedureId;
use domain::registration::Entry;
use privacy::journal::{ActJournal, Installation, JournalParts, JournalStores};
use store::StoreError;
use store::cases::{CaseQuery, CaseStore, KeptCase, NewCase, OpenedCase};
use store::entries::{
    EndedBy, EntryFilter, EntryMailKey, EntryStore, NewRegistration, NumberedEntry, OfferState,
    PendingEntryMail, Registered,
};
use store::tickets::SetAside;

use super::Source;
use crate::clock;
use crate::config::Config;

/// The journal, and the stores that write to it.
pub(crate) struct Journalled {
    pub(crate) journal: Arc<ActJournal>,
    pub(crate) cases: Arc<dyn CaseStore>,
    pub(crate) entries: Arc<dyn EntryStore>,
}

/// The journal of a node; `None` where no backup is made.
pub(crate) fn acts(
    config: &Config,
    source: &Source,
    installation: Installation,
    stores: JournalStores,
    entries: Arc<dyn EntryStore>,
) -> anyhow::Result<Option<Journalled>> {
    let settings = &config.backup;
    let (Some(folder), Some(recipient)) = (
        settings.folder(source.data.as_deref()),
        settings.recipient.clone(),
    ) else {
        return Ok(None);
    };
    let cases = Arc::clone(&stores.cases);
    let journal = ActJournal::new(JournalParts {
        folder: ActFolder::beside(&folder, recipient),
        kept: settings.kept,
        installation,
        stores,
        clock: clock::clock()?,
    });
    Ok(Some(Journalled {
        cases: Arc::new(JournalledCases {
            store: cases,
            journal: Arc::clone(&journal),
        }),
        entries: Arc::new(JournalledEntries {
            store: entries,
            journal: Arc::clone(&journal),
        }),
        journal,
    }))
}

/// Cases that are written beside the backups once they are durable.
struct JournalledCases {
    store: Arc<dyn CaseStore>,
    journal: Arc<ActJournal>,
}

#[async_trait]
impl CaseStore for JournalledCases {
    async fn open_case(&self, new: NewCase) -> Result<OpenedCase, StoreError> {
        let opened = self.store.open_case(new).await?;
        let number = match &opened {
            OpenedCase::New(number) => *number,
            OpenedCase::Repeated(kept) => kept.number,
            OpenedCase::KeyTaken => return Ok(opened),
        };
        if let Ok(Some(kept)) = self.store.case(number).await {
            self.journal.note_case(&kept).await;
        }
        Ok(opened)
    }

    async fn case(&self, number: i64) -> Result<Option<KeptCase>, StoreError> {
        self.store.case(number).await
    }

    async fn cases(&self, query: CaseQuery) -> Result<Vec<KeptCase>, StoreError> {
        self.store.cases(query).await
    }

    async fn change_case(&self, changed: KeptCase) -> Result<(), StoreError> {
        self.store.change_case(changed.clone()).await?;
        let revision = changed.revision + 1;
        self.journal.note_case(&KeptCase { revision, ..changed }).await;
        Ok(())
    }

    async fn bring_back_case(&self, kept: KeptCase) -> Result<bool, StoreError> {
        self.store.bring_back_case(kept).await
    }
}

/// Entries: that one is ended is written beside the backups before it is done.
struct JournalledEntries {
    store: Arc<dyn EntryStore>,
    journal: Arc<ActJournal>,
}

#[async_trait]
impl EntryStore for JournalledEntries {
    async fn end_entries(&self, id: &str, by: EndedBy, at: DateTime<Utc>) -> Result<u32, StoreError> {
        // A restricted entry stays where a mail server does not know its address: a restore must not end it.
        let stays = |entries: Vec<Entry>| entries.iter().any(Entry::is_restricted);
        if by == EndedBy::Person || !stays(self.store.entries_by_id(id, at).await?) {
            self.journal.entry_ends(id).await?;
        }
        self.store.end_entries(id, by, at).await
    }

    async fn clear_offer(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        confirmed_by: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Result<u32, StoreError> {
        let cleared = self.journal.offer_is_cleared(procedure, offer, confirmed_by, at);
        cleared.await?;
        self.store.clear_offer(procedure, offer, confirmed_by, at).await
    }

    async fn register(&self, new: NewRegistration) -> Result<Registered, StoreError> {
        self.store.register(new).await
    }

    async fn confirm(&self, registration: &RegistrationId, at: DateTime<Utc>) -> Result<u32, StoreError> {
        self.store.confirm(registration, at).await
    }

    async fn entries_by_id(&self, id: &str, at: DateTime<Utc>) -> Result<Vec<Entry>, StoreError> {
        self.store.entries_by_id(id, at).await
    }

    async fn entries(&self, filter: EntryFilter) -> Result<Vec<NumberedEntry>, StoreError> {
        self.store.entries(filter).await
    }

    async fn offer_states(
        &self,
        procedure: &ProcedureId,
    ) -> Result<BTreeMap<OfferId, OfferState>, StoreError> {
        self.store.offer_states(procedure).await
    }

    async fn items_taken(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
    ) -> Result<BTreeMap<String, u32>, StoreError> {
        self.store.items_taken(procedure, offer).await
    }

    async fn mark_exported(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.store.mark_exported(procedure, offer, at).await
    }

    async fn remind(
        &self,
        procedure: &ProcedureId,
        offer: &OfferId,
        at: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        self.store.remind(procedure, offer, at).await
    }

    async fn expire_entries(&self, at: DateTime<Utc>) -> Result<u32, StoreError> {
        self.store.expire_entries(at).await
    }

    async fn pending_entry_mails(
        &self,
        now: DateTime<Utc>,
        most: usize,
    ) -> Result<Vec<PendingEntryMail>, StoreError> {
        self.store.pending_entry_mails(now, most).await
    }

    async fn entry_mail_done(&self, key: EntryMailKey) -> Result<(), StoreError> {
        self.store.entry_mail_done(key).await
    }

    async fn postpone_entry_mail(&self, key: EntryMailKey, aside: SetAside) -> Result<(), StoreError> {
        self.store.postpone_entry_mail(key, aside).await
    }
}
