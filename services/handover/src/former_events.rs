//! Deadlines of events that the rules know no longer: their entries wait for what they were told when they were made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use domain::ids::OfferId;
use domain::rulebook::{Rulebook, RulesVersion};
use store::StoreError;
use store::rules::RuleStore;

/// Looks an event up in the versions of the rules that were in force before.
pub struct FormerEvents {
    rules: Arc<dyn RuleStore>,
    /// What was found, and under which version it was looked for.
    found: Mutex<BTreeMap<OfferId, (RulesVersion, Option<DateTime<Utc>>)>>,
}

impl FormerEvents {
    /// Over all versions of the rules.
    pub fn new(rules: Arc<dyn RuleStore>) -> Self {
        Self {
            rules,
            found: Mutex::default(),
        }
    }

    /// The deadline of an event, by the last version before this one that knew it; `None` if none did.
    pub(crate) async fn deadline(
        &self,
        event: &OfferId,
        now: RulesVersion,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let known = self.found().get(event).copied();
        if let Some((_, deadline)) = known.filter(|(version, _)| *version == now) {
            return Ok(deadline);
        }
        let deadline = self.look_up(event, now).await?;
        tracing::warn!(offer = %event, ?deadline, rules = %now,
            "an event that the rules know no longer has entries: they stay until its deadline as it was told last");
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

    fn found(&self) -> std::sync::MutexGuard<'_, BTreeMap<OfferId, (RulesVersion, Option<DateTime<Utc>>)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
