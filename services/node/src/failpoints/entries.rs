//! What erases entries, behind a failpoint.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::ids::EntryId;
use domain::registration::Entry;
use store::StoreError;
use store::entries::NumberedEntry;
use store::persons::{MarkedEntries, PersonEntries, WaitingMail, WaitingMails};

use super::{Cut, Point};

pub(super) struct CutEntries {
    pub(super) store: Arc<dyn PersonEntries>,
    pub(super) cut: Arc<Cut>,
}

#[async_trait]
impl PersonEntries for CutEntries {
    async fn entries_with(&self, search: MarkedEntries) -> Result<Vec<NumberedEntry>, StoreError> {
        self.store.entries_with(search).await
    }

    async fn entries_among(&self, ids: Vec<EntryId>) -> Result<Vec<Entry>, StoreError> {
        self.store.entries_among(ids).await
    }

    async fn erase_entries(&self, ids: Vec<EntryId>) -> Result<usize, StoreError> {
        let work = self.store.erase_entries(ids);
        self.cut.around(Point::EraseEntries, work).await
    }

    async fn restrict_entries(&self, ids: Vec<EntryId>, at: DateTime<Utc>) -> Result<usize, StoreError> {
        self.store.restrict_entries(ids, at).await
    }

    async fn lift_entries(&self, ids: Vec<EntryId>) -> Result<usize, StoreError> {
        self.store.lift_entries(ids).await
    }

    async fn restricted_entries(
        &self,
        after: Option<EntryId>,
        most: usize,
    ) -> Result<Vec<(EntryId, DateTime<Utc>)>, StoreError> {
        self.store.restricted_entries(after, most).await
    }

    async fn waiting_entry_mails(&self, search: WaitingMails) -> Result<Vec<WaitingMail>, StoreError> {
        self.store.waiting_entry_mails(search).await
    }
}
