//! Deadlines of events that the rules know no longer: their entries wait for what they were told when they were made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use domain::ids::OfferId;
use domain::rulebook::{Rulebook, RulesVersion};

use crate::StoreError;
use crate::rules::RuleStore;

/// Looks an event up in the versions of the rules that were in force before.
pub struct FormerEvents {
    rules: Arc<dyn RuleStore>,
    /// What was looked for before.
    found: Mutex<BTreeMap<OfferId, Looked>>,
}

/// Under which version of the rules it was looked for, and what was found.
type Looked = (RulesVersion, Option<DateTime<Utc>>);

impl FormerEvents {
    /// Over all versions of the rules.
    pub fn new(rules: Arc<dyn RuleStore>) -> Self {
        Self {
            rules,
            found: Mutex::default(),
        }
    }

    /// The deadline of an event by the rules of now, or by the last version before that knew it; `None` if none did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn deadline(
        &self,
        book: &Rulebook,
        event: &OfferId,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        if let Some(known) = book.routing.offers().event(event) {
            return Ok(Some(known.deadline));
        }
        let now = book.version;
        let known = self.found().get(event).copied();
        if let Some((_, deadline)) = known.filter(|(version, _)| *version == now) {
            return Ok(deadline);
        }
        let deadline = self.look_up(event, now).await?;
        self.found().insert(event.clone(), (now, deadline));
        Ok(deadline)
    }

    async fn look_up(&self, event: &OfferId, now: RulesVersion) -> Result<Option<DateTime<Utc>>, StoreError> {
        for version in (1..now.0).rev().map(RulesVersion) {
            let Some(applied) = self.rules.rules(version).await? else {
                continue;
            };
            let book = Rulebook::read(version, &applied.documents).ok();
            let deadline = book.and_then(|book| book.routing.offers().event(event).map(|it| it.deadline));
            if deadline.is_some() {
                return Ok(deadline);
            }
        }
        Ok(None)
    }

    fn found(&self) -> MutexGuard<'_, BTreeMap<OfferId, Looked>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
