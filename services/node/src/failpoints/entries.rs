//! What erases entries, behind a failpoint.

use std::sync::Arc;

use async_trait::async_trait;
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

    async fn waiting_entry_mails(&self, search: WaitingMails) -> Result<Vec<WaitingMail>, StoreError> {
        self.store.waiting_entry_mails(search).await
    }
}
