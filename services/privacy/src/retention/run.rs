//! A run, from its beginning, or from where it was cut short, to its end.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject};
use domain::local_time;
use store::StoreError;
use store::retention::{CALLS, Run, RunId, RunLine, Tally, VISITS};
use store::tickets::LeaseName;
use thiserror::Error;

use super::Retention;
use super::rules::{EndedBy, Rule, TICKETS, What};

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

/// What was done by one rule.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    /// Tickets that have to wait.
    waiting: u64,
    /// The longest time for which others could not write.
    longest: Duration,
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

    /// Keeps the lease while something takes long.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, RunFault> {
        self.keep().await?;
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(LEASE / 3) => self.keep().await?,
            }
        }
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
        let rules = self.rules_of(&register);
        let mut done = vec![Done::default(); rules.len()];
        // Tickets first: while they leave the topics of departments, the rest is done.
        self.purge_all_tickets(held, run.id, &rules, at, &mut done)
            .await?;
        for (rule, done) in rules.iter().zip(&mut done) {
            let longest = self.purge_by(held, run.id, rule, at, by).await?;
            done.longest = done.longest.max(longest);
        }
        let begun = Instant::now();
        loop {
            self.purge_all_tickets(held, run.id, &rules, at, &mut done)
                .await?;
            if done.iter().all(|done| done.waiting == 0) || begun.elapsed() > WAIT_FOR_TOPICS {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        self.parts.calls.take_over_calls(run.id).await?;
        self.parts.tickets.take_over_tickets(run.id).await?;
        self.parts.runs.take_over_access(run.id).await?;
        // A commit may yet lie in a log that a reader holds on to: what is left there goes with the next run.
        self.parts.calls.empty_call_log().await?;
        self.parts.tickets.empty_ticket_log().await?;
        self.parts.runs.empty_access_log().await?;
        let outcome = self.outcome(run.id, &rules, at, &done).await?;
        let rewritten = self.rewrite(held, &run, &outcome).await?;
        let finished_at = (self.parts.clock)();
        self.parts
            .runs
            .finish_run(run.id, finished_at, outcome.clone(), rewritten.clone())
            .await?;
        let longest_step = done.iter().map(|done| done.longest).max();
        tracing::info!(run = run.id, ?longest_step, "a run of retention is done");
        Ok(Run {
            finished_at: Some(finished_at),
            outcome,
            rewritten,
            ..run
        })
    }

    async fn purge_all_tickets(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        rules: &[Rule],
        at: DateTime<Utc>,
        done: &mut [Done],
    ) -> Result<(), RunFault> {
        for (rule, done) in rules.iter().zip(done) {
            if let (What::Tickets(procedure, after), Some(day)) = (&rule.what, rule.over_before(at)) {
                let before = local_time::start_of(day);
                let (waiting, longest) = self.purge_tickets(held, run, procedure, *after, before).await?;
                done.waiting = waiting;
                done.longest = done.longest.max(longest);
            }
        }
        Ok(())
    }

    async fn purge_by(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        rule: &Rule,
        at: DateTime<Utc>,
        by: &Principal,
    ) -> Result<Duration, RunFault> {
        let day = match rule.over_before(at) {
            Some(day) if rule.ended_by == EndedBy::Run => day,
            _ if rule.ended_by == EndedBy::OwnClock => {
                self.end_by_clock(held, rule, at).await?;
                return Ok(Duration::ZERO);
            }
            _ => return Ok(Duration::ZERO),
        };
        let before = local_time::start_of(day);
        match &rule.what {
            What::Calls => self.purge_calls(held, run, before, at).await,
            What::AgentNames => self.take_out_agents(held, run, before).await,
            What::Identities => self.forget_identities(held, run, day).await,
            What::RejectedItems => self.purge_rejected(held, run, before).await,
            What::AuditEntries => self.cut_trail(held, run, by, before).await,
            What::RejectedReplies => self.purge_rejected_replies(held, run, before).await,
            What::Cases => self.purge_cases(held, run, before).await,
            _ => Ok(Duration::ZERO),
        }
    }

    /// What the run has done, as the transactions have counted it.
    async fn outcome(
        &self,
        run: RunId,
        rules: &[Rule],
        at: DateTime<Utc>,
        done: &[Done],
    ) -> Result<Vec<RunLine>, StoreError> {
        let of_calls = self.parts.calls.call_tallies(run).await?;
        let of_tickets = self.parts.tickets.ticket_tallies(run).await?;
        let of_access = self.parts.runs.access_tallies(run).await?;
        let lines = rules.iter().zip(done).filter_map(|(rule, done)| {
            let tally = rule.what.tally()?;
            let mut line = rule.line(at);
            line.longest_step_ms = done.longest.as_millis() as u64;
            line.waiting = done.waiting;
            let of_unit = match rule.what.store() {
                CALLS => &of_calls,
                TICKETS => &of_tickets,
                _ => &of_access,
            };
            line.items = sum(of_unit, &tally);
            if rule.what == What::Calls {
                line.visits = sum(&of_calls, VISITS);
                let parts = of_calls.iter().filter(|part| part.what == tally);
                line.parts = parts
                    .map(|tally| tally.part.clone())
                    .filter(|part| !part.is_empty())
                    .collect();
            }
            Some(line)
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
