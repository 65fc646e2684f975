//! The last copies of what was deleted, in places that no deletion reaches. Tables and files are written anew, which takes
//! a while, and those who count wait: so it is done at night, by the run that nobody asks for, for all runs since the night
//! before.

use domain::local_time;
use store::StoreError;
use store::retention::{CALLS, REJECTED_ITEMS, Run, RunLine};
use store::scrub::{Scrub, Touched};

use super::Retention;
use super::rules::TICKETS;
use super::run::{ITSELF, RunFault};

/// Runs of a day that are looked at; more than anybody begins.
const RUNS_MAX: usize = 200;

impl Retention {
    /// Writes anew what runs since the last night have deleted from.
    pub(super) async fn scrub(&self, run: &Run, outcome: &[RunLine]) -> Result<(), RunFault> {
        let before = self.parts.runs.runs(Some(run.id), RUNS_MAX).await?;
        let since: Vec<&Run> = before.iter().take_while(|run| run.started_by != ITSELF).collect();
        let lines = since.iter().flat_map(|run| &run.outcome).chain(outcome);
        let went: Vec<&str> = lines
            .filter(|line| line.items > 0)
            .map(|line| line.what.as_str())
            .collect();
        if went.iter().any(|what| [CALLS, REJECTED_ITEMS].contains(what)) {
            let first = since.last().map_or(run.started_at, |first| first.started_at);
            let calls = self.parts.calls.touched_since(local_time::day_of(first)).await?;
            write_anew(&*self.parts.scrub_calls, "calls", Touched { calls }).await?;
        }
        if went.contains(&TICKETS) {
            write_anew(&*self.parts.scrub_tickets, "tickets", Touched::default()).await?;
        }
        Ok(())
    }
}

async fn write_anew(unit: &dyn Scrub, name: &str, touched: Touched) -> Result<(), StoreError> {
    match unit.scrub(&touched).await {
        Ok(scrubbed) => {
            for kept in scrubbed.kept {
                tracing::warn!(unit = name, kept, "the server keeps copies of what was deleted");
            }
            Ok(())
        }
        // What was deleted is gone from the tables; its last bytes go when they are written over, or with a later night.
        Err(StoreError::Unavailable(said)) => {
            tracing::warn!(
                unit = name,
                said,
                "what was deleted from could not be written anew"
            );
            Ok(())
        }
        Err(error) => Err(error),
    }
}
