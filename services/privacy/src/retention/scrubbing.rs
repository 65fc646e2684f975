//! The last copies of what was deleted, in places that no deletion reaches: free pages, old versions of rows, logs. Tables and
//! files are written anew at the end of every run that deleted from them, which takes a while; those who count wait. What
//! somebody held on to all the time is told as pending, and is done by the next run.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::local_time;
use store::StoreError;
use store::clocks::{ENTRIES, UNCONFIRMED};
use store::retention::{
    AGENT_NAMES, AUDIT_ENTRIES, CALLS, IDENTITIES, REJECTED_ITEMS, REJECTED_REPLIES, Rewritten, Run, RunLine,
};
use store::scrub::{Scrub, Scrubbed, Touched};

use super::Retention;
use super::nightly::next_night;
use super::rules::TICKETS;
use super::run::{Held, ITSELF, RunFault};

/// Runs before this one that are looked at; more than anybody begins before one of them wrote everything anew.
const RUNS_MAX: usize = 200;
/// How often it is tried while somebody reads.
const TRIES: usize = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

/// The unit of storage of a line, where what was deleted said something about citizens.
fn unit_of(line: &RunLine) -> Option<&'static str> {
    match line.what.as_str() {
        TICKETS | REJECTED_REPLIES | ENTRIES | UNCONFIRMED => Some(TICKETS),
        // What people did is kept there, and nothing about citizens.
        AUDIT_ENTRIES => None,
        // A fingerprint.
        IDENTITIES => None,
        // Nothing about citizens; and the months that are being counted would have to be written anew.
        AGENT_NAMES => None,
        CALLS | REJECTED_ITEMS => Some(CALLS),
        // Hashes, files, or what its own loop overwrites; and nothing about citizens.
        _ => None,
    }
}

fn has_deleted_from(outcome: &[RunLine], unit: &str) -> bool {
    outcome
        .iter()
        .any(|line| line.items > 0 && unit_of(line) == Some(unit))
}

/// Whether a run left nothing to be written anew.
fn has_rewritten(run: &Run, unit: &str) -> bool {
    let done = |it: &Rewritten| it.unit == unit && it.at_ms.is_some();
    // The run of a night, which had nothing to write anew.
    run.rewritten.iter().any(done) || (run.started_by == ITSELF && run.rewritten.is_empty())
}

impl Retention {
    /// Writes anew what this run has deleted from, and what runs before it could not.
    pub(super) async fn rewrite(
        &self,
        held: &mut Held<'_>,
        run: &Run,
        outcome: &[RunLine],
    ) -> Result<Vec<Rewritten>, RunFault> {
        let before = self.parts.runs.runs(Some(run.id), RUNS_MAX).await?;
        let mut rewritten = Vec::new();
        for unit in [CALLS, TICKETS] {
            let open = before.iter().take_while(|run| !has_rewritten(run, unit));
            let left = open.filter(|run| has_deleted_from(&run.outcome, unit)).last();
            if left.is_none() && !has_deleted_from(outcome, unit) {
                continue;
            }
            let since = left.map_or(run.started_at, |left| left.started_at);
            let scrubbed = self.try_to_scrub(held, unit, since).await?;
            rewritten.push(self.rewritten(unit, scrubbed));
        }
        Ok(rewritten)
    }

    /// `None`: somebody held on to it all the time.
    async fn try_to_scrub(
        &self,
        held: &mut Held<'_>,
        unit: &str,
        since: DateTime<Utc>,
    ) -> Result<Option<Scrubbed>, RunFault> {
        let (store, touched) = match unit {
            CALLS => {
                let calls = self.parts.calls.touched_since(local_time::day_of(since)).await?;
                (&self.parts.scrub_calls, Touched { calls })
            }
            _ => (&self.parts.scrub_tickets, Touched::default()),
        };
        for attempt in 1..=TRIES {
            match held.during(scrub(&**store, &touched)).await? {
                Ok(scrubbed) => return Ok(Some(scrubbed)),
                Err(StoreError::Unavailable(said)) => {
                    tracing::warn!(
                        unit,
                        attempt,
                        said,
                        "what was deleted from could not be written anew"
                    );
                }
                Err(error) => return Err(error.into()),
            }
            if attempt < TRIES {
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
        }
        Ok(None)
    }

    fn rewritten(&self, unit: &str, scrubbed: Option<Scrubbed>) -> Rewritten {
        let now = (self.parts.clock)();
        let until = match &scrubbed {
            Some(scrubbed) => Some(now + scrubbed.stays),
            None => self.parts.settings.at.map(|at| next_night(at, now)),
        };
        Rewritten {
            unit: unit.to_owned(),
            at_ms: scrubbed.is_some().then(|| now.timestamp_millis()),
            until_ms: until.map(|until| until.timestamp_millis()),
            kept: scrubbed.map(|scrubbed| scrubbed.kept).unwrap_or_default(),
        }
    }
}

async fn scrub(store: &dyn Scrub, touched: &Touched) -> Result<Scrubbed, StoreError> {
    store.scrub(touched).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(started_by: &str, items: u64, at_ms: Option<Option<i64>>) -> Run {
        let line = RunLine {
            what: CALLS.to_owned(),
            items,
            ..RunLine::default()
        };
        let rewritten = at_ms.map(|at_ms| Rewritten {
            unit: CALLS.to_owned(),
            at_ms,
            until_ms: None,
            kept: Vec::new(),
        });
        Run {
            id: 1,
            started_at: DateTime::UNIX_EPOCH,
            started_by: started_by.to_owned(),
            finished_at: None,
            outcome: vec![line],
            rewritten: rewritten.into_iter().collect(),
        }
    }

    #[test]
    fn what_a_run_could_not_write_anew_is_left_to_the_next_one() {
        for (run, has_rewritten_it) in [
            (run("dora", 3, Some(Some(9))), true),
            (run("dora", 3, Some(None)), false),
            (run("dora", 0, None), false),
            (run(ITSELF, 3, Some(None)), false),
            // Of a time in which only nights wrote anew.
            (run(ITSELF, 3, None), true),
        ] {
            assert_eq!(has_rewritten(&run, CALLS), has_rewritten_it, "{run:?}");
            assert!(has_deleted_from(&run.outcome, CALLS) == (run.outcome[0].items > 0));
            assert!(!has_deleted_from(&run.outcome, TICKETS));
        }
    }
}
