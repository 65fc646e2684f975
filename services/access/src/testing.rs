//! An audit trail in memory, for tests of services, and for nothing else: it is gone with the process.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use domain::audit::{AuditAction, CHAIN_BEGIN, NewAuditEntry};
use store::StoreError;
use store::audit::{AuditEntry, AuditFilter, AuditStore, CutPart};
use store::retention::Anchor;

use crate::AuditTrail;

/// Keeps entries in memory, chained like those of a real store. Can be broken in every way that a real one can.
#[derive(Debug, Default)]
pub struct MemoryAudit {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    entries: Vec<AuditEntry>,
    fails: bool,
}

impl MemoryAudit {
    /// An empty one, and a trail into it that goes by the time of the machine.
    pub fn with_trail() -> (Arc<Self>, AuditTrail) {
        let kept = Arc::new(Self::default());
        let trail = AuditTrail::new(Arc::clone(&kept) as _, Arc::new(chrono::Utc::now));
        (kept, trail)
    }

    /// A trail that nobody reads.
    pub fn trail() -> AuditTrail {
        Self::with_trail().1
    }

    /// Whether it refuses to append from now on.
    pub fn fail(&self, fails: bool) {
        self.locked().fails = fails;
    }

    /// What was noted: action, id of the subject, number of items; oldest first.
    pub fn noted(&self) -> Vec<(AuditAction, String, u32)> {
        let kept = self.locked();
        let noted = kept.entries.iter().map(|entry| {
            let action = AuditAction::from_name(&entry.action).expect("a known action");
            (action, entry.subject.clone(), entry.items)
        });
        noted.collect()
    }

    /// Forgets what was noted, so that a test begins anew.
    pub fn clear(&self) {
        self.locked().entries.clear();
    }

    /// Does something to the entries that no store does.
    pub fn tamper(&self, with: impl FnOnce(&mut Vec<AuditEntry>)) {
        with(&mut self.locked().entries);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl AuditStore for MemoryAudit {
    async fn append(&self, entries: Vec<NewAuditEntry>) -> Result<(), StoreError> {
        let mut kept = self.locked();
        if kept.fails {
            return Err(StoreError::NoRoom);
        }
        for entry in entries {
            let (before, hash) = kept
                .entries
                .last()
                .map_or((0, CHAIN_BEGIN), |last| (last.number, last.hash));
            let number = before + 1;
            kept.entries.push(AuditEntry {
                number,
                at: entry.at,
                actor: entry.actor.clone(),
                roles: entry.roles_text(),
                action: entry.action.name().to_owned(),
                subject_kind: entry.subject.kind.to_owned(),
                subject: entry.subject.id.clone(),
                reason: entry.reason.clone(),
                items: entry.items,
                hash: entry.hash(number, &hash),
            });
        }
        Ok(())
    }

    async fn entries(&self, filter: AuditFilter) -> Result<Vec<AuditEntry>, StoreError> {
        let is_asked = |entry: &&AuditEntry| {
            let is = |wanted: &Option<String>, told: &str| wanted.as_deref().is_none_or(|it| it == told);
            is(&filter.actor, &entry.actor)
                && is(&filter.subject, &entry.subject)
                && is(&filter.action, &entry.action)
                && filter.from.is_none_or(|from| entry.at >= from)
                && filter.to.is_none_or(|to| entry.at < to)
                && filter.before.is_none_or(|before| entry.number < before)
        };
        let kept = self.locked();
        let asked = kept.entries.iter().rev().filter(is_asked);
        Ok(asked.take(filter.most).cloned().collect())
    }

    async fn chain(&self, after: i64, most: usize) -> Result<Vec<AuditEntry>, StoreError> {
        let kept = self.locked();
        let behind = kept.entries.iter().filter(|entry| entry.number > after);
        Ok(behind.take(most).cloned().collect())
    }

    async fn anchor(&self) -> Result<Option<Anchor>, StoreError> {
        Ok(None)
    }

    async fn cut_parts(&self, _: i64, _: usize) -> Result<Vec<CutPart>, StoreError> {
        Ok(Vec::new())
    }
}
