//! A run, from its beginning, or from where it was cut short, to its end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject};
use domain::local_time;
use store::StoreError;
use store::retention::{Run, RunId, RunLine, Tally, VISITS};
use store::tickets::LeaseName;
use thiserror::Error;

use super::Retention;
use super::rules::{Rule, What, rules};

/// How long others leave a run to an instance that tells nothing any more.
const LEASE: Duration = Duration::from_secs(30);

/// How long a run waits for tickets to leave the topics of departments; what is there longer goes with the next run.
const WAIT_FOR_TOPICS: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Why a run did not come to its end. What it deleted stays deleted, and counted; it is gone on with.
#[derive(Debug, Error)]
pub(super) enum RunFault {
    /// Another instance does it.
    #[error("another node runs retention at this moment; look at it there, or ask again later")]
    Elsewhere,
    /// It could not be noted.
    #[error("the audit trail cannot be written, so nothing is deleted; try again")]
    TrailUnavailable,
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The lease of a run, kept while it is under way.
pub(super) struct Held<'a> {
    retention: &'a Retention,
    kept_at: Instant,
}

impl Held<'_> {
    /// Keeps the lease; to be asked before each step.
    pub(super) async fn keep(&mut self) -> Result<(), RunFault> {
        if self.kept_at.elapsed() >= LEASE / 3 {
            self.retention.take_lease().await?;
            self.kept_at = Instant::now();
        }
        Ok(())
    }
}

impl Retention {
    /// Goes on with the run that was cut short, if there is one.
    pub(super) async fn finish_what_was_begun(&self) -> Result<(), RunFault> {
        let _turn = self.turn.lock().await;
        if let Some(run) = self.parts.runs.unfinished_run().await? {
            tracing::info!(
                run = run.id,
                "a run of retention was cut short and is gone on with"
            );
            self.note(&run, &itself()).await?;
            self.under_lease(run, &itself()).await?;
        }
        Ok(())
    }

    /// Notes that somebody begins a run, or goes on with it.
    async fn note(&self, run: &Run, by: &Principal) -> Result<(), RunFault> {
        let subject = AuditSubject::new("retention_run", run.id.to_string());
        let begun = self.parts.trail.entry(by, AuditAction::RetentionRun, subject);
        let noted = self.parts.trail.append(begun).await;
        noted.map_err(|_| RunFault::TrailUnavailable)
    }

    /// Deletes what is past.
    pub(super) async fn run(&self, by: &Principal) -> Result<Run, RunFault> {
        let _turn = self.turn.lock().await;
        if let Some(run) = self.parts.runs.unfinished_run().await? {
            self.note(&run, by).await?;
            self.under_lease(run, by).await?;
        }
        self.take_lease().await?;
        let now = (self.parts.clock)();
        let run = self.parts.runs.begin_run(now, &by.name).await?;
        self.note(&run, by).await?;
        self.under_lease(run, by).await
    }

    async fn under_lease(&self, run: Run, by: &Principal) -> Result<Run, RunFault> {
        self.take_lease().await?;
        let mut held = Held {
            retention: self,
            kept_at: Instant::now(),
        };
        let outcome = self.to_its_end(&mut held, run, by).await;
        let instance = &self.parts.settings.instance;
        if let Err(error) = self.parts.ticket_store.release_leases(instance).await {
            tracing::warn!(%error, "the lease of retention was not given back; it runs out");
        }
        outcome
    }

    async fn take_lease(&self) -> Result<(), RunFault> {
        let now = (self.parts.clock)();
        let until = now + TimeDelta::from_std(LEASE).unwrap_or(TimeDelta::MAX);
        let wanted = [LeaseName::retention()];
        let instance = &self.parts.settings.instance;
        let held = self
            .parts
            .ticket_store
            .take_leases(&wanted, instance, now, until)
            .await?;
        match held.is_empty() {
            true => Err(RunFault::Elsewhere),
            false => Ok(()),
        }
    }

    async fn to_its_end(&self, held: &mut Held<'_>, run: Run, by: &Principal) -> Result<Run, RunFault> {
        let at = run.started_at;
        let register = (self.parts.rules)().register.clone();
        let rules = rules(&register, &self.parts.settings);
        // Tickets first: while they leave the topics of departments, the rest is done.
        self.purge_all_tickets(held, run.id, &rules, at).await?;
        for rule in &rules {
            self.purge_by(held, run.id, rule, at, by).await?;
        }
        let begun = Instant::now();
        let waiting = loop {
            let waiting = self.purge_all_tickets(held, run.id, &rules, at).await?;
            if waiting.values().all(|waiting| *waiting == 0) || begun.elapsed() > WAIT_FOR_TOPICS {
                break waiting;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        // A commit may yet lie in a log that a reader holds on to: what is left there goes with the next run.
        self.parts.calls.empty_call_log().await?;
        self.parts.tickets.empty_ticket_log().await?;
        self.parts.runs.empty_access_log().await?;
        let outcome = self.outcome(run.id, &rules, at, &waiting).await?;
        if run.started_by == ITSELF {
            self.scrub(&run, &outcome).await?;
        }
        let finished_at = (self.parts.clock)();
        self.parts
            .runs
            .finish_run(run.id, finished_at, outcome.clone())
            .await?;
        tracing::info!(run = run.id, "a run of retention is done");
        Ok(Run {
            finished_at: Some(finished_at),
            outcome,
            ..run
        })
    }

    /// Returns how many tickets have to wait, by procedure.
    async fn purge_all_tickets(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        rules: &[Rule],
        at: DateTime<Utc>,
    ) -> Result<BTreeMap<String, u64>, RunFault> {
        let mut waiting = BTreeMap::new();
        for rule in rules {
            if let (What::Tickets(procedure, after), Some(day)) = (&rule.what, rule.over_before(at)) {
                let before = local_time::start_of(day);
                let wait = self.purge_tickets(held, run, procedure, *after, before).await?;
                waiting.insert(rule.procedure.clone(), wait);
            }
        }
        Ok(waiting)
    }

    async fn purge_by(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        rule: &Rule,
        at: DateTime<Utc>,
        by: &Principal,
    ) -> Result<(), RunFault> {
        let Some(day) = rule.over_before(at) else {
            return Ok(());
        };
        let before = local_time::start_of(day);
        match &rule.what {
            What::Calls => self.purge_calls(held, run, before, at).await,
            What::Identities => self.forget_identities(held, run, day).await,
            What::RejectedItems => self.purge_rejected(held, run, before).await,
            What::AuditEntries => self.cut_trail(held, run, by, before).await,
            What::Tickets(..) => Ok(()),
        }
    }

    /// What the run has done, as the transactions have counted it.
    async fn outcome(
        &self,
        run: RunId,
        rules: &[Rule],
        at: DateTime<Utc>,
        waiting: &BTreeMap<String, u64>,
    ) -> Result<Vec<RunLine>, StoreError> {
        let of_calls = self.parts.calls.call_tallies(run).await?;
        let of_tickets = self.parts.tickets.ticket_tallies(run).await?;
        let of_access = self.parts.runs.access_tallies(run).await?;
        let lines = rules.iter().map(|rule| {
            let mut line = rule.line(at);
            match &rule.what {
                What::Tickets(procedure, _) => {
                    line.items = sum(&of_tickets, procedure.as_str());
                    line.waiting = waiting.get(&rule.procedure).copied().unwrap_or(0);
                }
                What::AuditEntries => line.items = sum(&of_access, rule.what.name()),
                What::Calls => {
                    line.items = sum(&of_calls, rule.what.name());
                    line.visits = sum(&of_calls, VISITS);
                    let parts = of_calls.iter().filter(|tally| tally.what == rule.what.name());
                    line.parts = parts
                        .map(|tally| tally.part.clone())
                        .filter(|part| !part.is_empty())
                        .collect();
                }
                What::Identities | What::RejectedItems => line.items = sum(&of_calls, rule.what.name()),
            }
            line
        });
        Ok(lines.collect())
    }
}

fn sum(tallies: &[Tally], what: &str) -> u64 {
    let of_this = tallies.iter().filter(|tally| tally.what == what);
    of_this.map(|tally| tally.items).sum()
}

/// The name of whoever runs retention when nobody asks for it.
pub(super) const ITSELF: &str = "retention";

/// Whoever runs retention when nobody asks for it.
pub(super) fn itself() -> Principal {
    Principal {
        name: ITSELF.to_owned(),
        shown_name: ITSELF.to_owned(),
        roles: std::collections::BTreeSet::new(),
        ..Principal::operator()
    }
}
