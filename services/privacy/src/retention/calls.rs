//! Calls and what is left of them, and rejected items.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use domain::local_time;
use store::StoreError;
use store::retention::{CallPurge, PartPurge, RunId};

use super::Retention;
use super::pace::Pace;
use super::run::{Held, RunFault};

impl Retention {
    /// Deletes calls: parts that are past whole, then the rest of what is past. Returns the longest time for which others
    /// could not write, as do those below.
    pub(super) async fn purge_calls(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        before: DateTime<Utc>,
        on: DateTime<Utc>,
    ) -> Result<Duration, RunFault> {
        let store = &self.parts.calls;
        let on = local_time::day_of(on);
        let mut pace = Pace::new();
        let mut longest_drop = Duration::ZERO;
        loop {
            held.keep().await?;
            match store.drop_past_part(PartPurge { run, before, on }).await {
                Ok(Some(dropped)) => {
                    longest_drop = longest_drop.max(dropped.held);
                    tracing::info!(
                        part = dropped.part,
                        calls = dropped.calls,
                        held = ?dropped.held,
                        "a part was dropped whole"
                    );
                }
                Ok(None) => break,
                // Somebody reads it all the time: its calls are deleted one by one.
                Err(StoreError::Unavailable(said)) => {
                    tracing::warn!(said, "a part could not be dropped whole");
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let mut purge = CallPurge {
            run,
            before,
            on,
            after: None,
            step: pace.step(),
        };
        loop {
            held.keep().await?;
            purge.step = pace.step();
            let purged = store.purge_calls(purge).await?;
            purge.after = purged.next;
            if purge.after.is_none() {
                pace.took(purged.gone.held);
                return Ok(pace.longest().max(longest_drop));
            }
            pace.pause(purged.gone).await;
        }
    }

    /// Takes the names of agents out of calls.
    pub(super) async fn take_out_agents(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        before: DateTime<Utc>,
    ) -> Result<Duration, RunFault> {
        let mut pace = Pace::new();
        loop {
            held.keep().await?;
            let at = (self.parts.clock)();
            let step = pace.step();
            let gone = self.parts.calls.take_out_agents(run, before, at, step).await?;
            if gone.items == 0 {
                return Ok(pace.longest());
            }
            pace.pause(gone).await;
        }
    }

    /// Forgets identities of calls that were deleted long ago.
    pub(super) async fn forget_identities(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        before: NaiveDate,
    ) -> Result<Duration, RunFault> {
        let mut pace = Pace::new();
        loop {
            held.keep().await?;
            let gone = self
                .parts
                .calls
                .forget_identities(run, before, pace.step())
                .await?;
            if gone.items == 0 {
                return Ok(pace.longest());
            }
            pace.pause(gone).await;
        }
    }

    /// Deletes rejected items.
    pub(super) async fn purge_rejected(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        before: DateTime<Utc>,
    ) -> Result<Duration, RunFault> {
        let mut pace = Pace::new();
        loop {
            held.keep().await?;
            let gone = self.parts.calls.purge_rejected(run, before, pace.step()).await?;
            if gone.items == 0 {
                return Ok(pace.longest());
            }
            pace.pause(gone).await;
        }
    }
}
