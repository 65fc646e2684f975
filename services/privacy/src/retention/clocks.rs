//! What loops of the services end by clocks of their own: the plan counts it, and a run ends what such a loop has left, by the
//! same units of work. What either ends is counted by the store, and told by the run.

use std::path::PathBuf;
use std::sync::Arc;

use ::backup::acts::{self, ACTS};
use ::backup::{BackupError, folder};
use access::SessionLimits;
use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Failures;
use domain::audit::{AuditAction, AuditSubject};
use domain::procedure::{OfferKind, ProcedureId};
use domain::registration::is_over;
use store::StoreError;
use store::access_log::AccessLogStore;
use store::calls::CallStore;
use store::clocks::{AccessClocks, BACKUPS, CallClocks, EntryClocks};
use store::entries::EntryStore;
use store::former_events::FormerEvents;
use store::retention::PastItems;
use store::users::{Open, UserStore};

use super::Retention;
use super::rules::{Rule, What};
use super::run::{Held, ITSELF, RunFault};

/// Accesses that are forgotten together.
const ACCESSES_TOGETHER: usize = 1_000;

/// What ends something by a clock of its own, and what is asked how much of it is past.
#[derive(Clone)]
pub struct OwnClocks {
    /// Asked of reports of agents, and of what imports confirmed.
    pub calls: Arc<dyn CallClocks>,
    /// Forgets them.
    pub call_store: Arc<dyn CallStore>,
    /// Asked of entries that were not confirmed.
    pub unconfirmed: Arc<dyn EntryClocks>,
    /// Erases entries.
    pub entries: Arc<dyn EntryStore>,
    /// Knows the deadlines of events that left the rules.
    pub former: Arc<FormerEvents>,
    /// Asked of accesses, sessions and attempts; counts backups.
    pub access: Arc<dyn AccessClocks>,
    /// Forgets accesses.
    pub access_log: Arc<dyn AccessLogStore>,
    /// Forgets sessions and attempts.
    pub users: Arc<dyn UserStore>,
    /// How long it is kept.
    pub terms: ClockTerms,
}

/// How long is kept what ends by a clock of its own, where the register does not say it.
#[derive(Clone, Debug)]
pub struct ClockTerms {
    /// Entries of events, after their deadline.
    pub event_entries_kept: TimeDelta,
    /// Sessions.
    pub sessions: SessionLimits,
    /// Where backups are; `None` where none are made.
    pub backups: Option<PathBuf>,
    /// How long each of them is kept.
    pub backups_kept: TimeDelta,
}

impl ClockTerms {
    fn open(&self, now: DateTime<Utc>) -> Open {
        Open {
            now,
            idle: self.sessions.idle,
        }
    }
}

impl Retention {
    /// What is past at a time of what ends by a clock of its own; `None` where nothing can be counted.
    pub(super) async fn past_by_clock(
        &self,
        rule: &Rule,
        at: DateTime<Utc>,
    ) -> Result<Option<PastItems>, StoreError> {
        let Some(before) = rule.past_before(at) else {
            return Ok(Some(PastItems::default()));
        };
        let clocks = &self.parts.clocks;
        let past = match &rule.what {
            What::AgentStates => clocks.calls.past_agent_states(before).await?,
            What::ConfirmedCalls => clocks.calls.past_confirmed(before).await?,
            What::Unconfirmed(procedure) => clocks.unconfirmed.past_unconfirmed(procedure, at).await?,
            What::Entries(procedure, OfferKind::Events) => self.past_event_entries(procedure, at).await?,
            // They go in the transaction that ends them.
            What::Entries(_, OfferKind::Newsletters) => PastItems::default(),
            What::Accesses => clocks.access.past_accesses(before).await?,
            What::Sessions => clocks.access.past_sessions(clocks.terms.open(at)).await?,
            What::FailedAttempts => {
                clocks
                    .access
                    .past_attempts(at - Failures::FORGOTTEN_AFTER)
                    .await?
            }
            What::Backups | What::Acts => return self.past_files(&rule.what, before).await,
            _ => return Ok(None),
        };
        Ok(Some(past))
    }

    /// Entries of events whose time is over; those that were not confirmed are told of by themselves.
    async fn past_event_entries(
        &self,
        procedure: &ProcedureId,
        at: DateTime<Utc>,
    ) -> Result<PastItems, StoreError> {
        let rules = (self.parts.rules)();
        let former = &self.parts.clocks.former;
        let kept = self.parts.clocks.terms.event_entries_kept;
        let mut past = PastItems::default();
        for (offer, state) in self.parts.clocks.entries.offer_states(procedure).await? {
            if state.confirmed == 0 {
                continue;
            }
            let deadline = former.deadline(&rules, &offer).await?;
            if is_over(deadline, kept, at) {
                past.items += u64::from(state.confirmed);
                past.oldest = past.oldest.into_iter().chain(deadline).min();
            }
        }
        Ok(past)
    }

    async fn past_files(&self, what: &What, before: DateTime<Utc>) -> Result<Option<PastItems>, StoreError> {
        let Some(backups) = self.parts.clocks.terms.backups.clone() else {
            return Ok(None);
        };
        let is_backups = *what == What::Backups;
        let times = in_folder(move || {
            Ok(match is_backups {
                true => folder::list(&backups)?
                    .into_iter()
                    .map(|listed| listed.label.created_at)
                    .collect::<Vec<_>>(),
                false => acts::names(&backups.join(ACTS))?
                    .into_iter()
                    .map(|name| name.at)
                    .collect(),
            })
        });
        let past: Vec<_> = times.await?.into_iter().filter(|at| *at < before).collect();
        Ok(Some(PastItems {
            items: past.len() as u64,
            oldest: past.into_iter().min(),
        }))
    }

    /// Ends what a loop has left.
    pub(super) async fn end_by_clock(
        &self,
        held: &mut Held<'_>,
        rule: &Rule,
        at: DateTime<Utc>,
    ) -> Result<(), RunFault> {
        let Some(before) = rule.past_before(at) else {
            return Ok(());
        };
        held.keep().await?;
        let clocks = &self.parts.clocks;
        match &rule.what {
            What::AgentStates => {
                clocks.call_store.forget_agent_reports(before).await?;
            }
            What::ConfirmedCalls => {
                clocks.call_store.forget_confirmed(before).await?;
            }
            What::Unconfirmed(_) => {
                clocks.entries.expire_entries(at).await?;
            }
            What::Entries(procedure, OfferKind::Events) => self.clear_events(procedure, at).await?,
            What::Accesses => loop {
                let gone = clocks
                    .access_log
                    .forget_accesses(before, ACCESSES_TOGETHER)
                    .await?;
                if gone < ACCESSES_TOGETHER as u64 {
                    break;
                }
                held.keep().await?;
            },
            What::Sessions | What::FailedAttempts => {
                clocks.users.forget_ended(clocks.terms.open(at)).await?;
            }
            What::Backups => {
                if let Some(backups) = clocks.terms.backups.clone() {
                    let gone = in_folder(move || folder::remove_before(&backups, before)).await?;
                    clocks.access.count_ended(BACKUPS, gone.len() as u64).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn clear_events(&self, procedure: &ProcedureId, at: DateTime<Utc>) -> Result<(), RunFault> {
        let rules = (self.parts.rules)();
        let clocks = &self.parts.clocks;
        for (offer, state) in clocks.entries.offer_states(procedure).await? {
            let count = state.pending + state.confirmed;
            if count == 0 {
                continue;
            }
            let deadline = clocks.former.deadline(&rules, &offer).await?;
            if is_over(deadline, clocks.terms.event_entries_kept, at) {
                let subject = AuditSubject::new("offer", offer.as_str());
                let trail = &self.parts.trail;
                let entry = trail.entry_by(ITSELF, AuditAction::EntriesErased, subject);
                let entry = entry.because("its time is over").of_items(count as usize);
                let noted = trail.append(entry).await;
                noted.map_err(|_| RunFault::TrailUnavailable)?;
                clocks.entries.clear_offer(procedure, &offer, at, at).await?;
            }
        }
        Ok(())
    }
}

async fn in_folder<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BackupError> + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.unwrap_or_else(|error| Err(BackupError::Io(std::io::Error::other(error))));
    done.map_err(|error| StoreError::Unavailable(format!("the folder of backups: {error}")))
}
