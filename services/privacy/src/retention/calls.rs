//! Calls and what is left of them, and rejected items.

use chrono::{DateTime, NaiveDate, Utc};
use domain::local_time;
use store::StoreError;
use store::retention::{CallPurge, PartPurge, RunId};

use super::Retention;
use super::pace::Pace;
use super::run::{Held, RunFault};

impl Retention {
    /// Deletes calls: parts that are past whole, then the rest of what is past.
    pub(super) async fn purge_calls(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        before: DateTime<Utc>,
        on: DateTime<Utc>,
    ) -> Result<(), RunFault> {
        let store = &self.parts.calls;
        let on = local_time::day_of(on);
        loop {
            held.keep().await?;
            match store.drop_past_part(PartPurge { run, before, on }).await {
                Ok(Some(dropped)) => {
                    tracing::info!(
                        part = dropped.part,
                        calls = dropped.calls,
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
            most: 0,
        };
        let mut pace = Pace::new();
        loop {
            held.keep().await?;
            purge.most = pace.step();
            let purged = store.purge_calls(purge).await?;
            purge.after = purged.next;
            if purge.after.is_none() {
                tracing::info!(longest_step = ?pace.longest(), "calls were deleted");
                return Ok(());
            }
            if purged.calls > 0 {
                pace.pause().await;
            }
        }
    }

    /// Forgets identities of calls that were deleted long ago.
    pub(super) async fn forget_identities(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        before: NaiveDate,
    ) -> Result<(), RunFault> {
        let mut pace = Pace::new();
        loop {
            held.keep().await?;
            let most = pace.step();
            let gone = self.parts.calls.forget_identities(run, before, most).await?;
            if gone < most {
                return Ok(());
            }
            pace.pause().await;
        }
    }

    /// Deletes rejected items.
    pub(super) async fn purge_rejected(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        before: DateTime<Utc>,
    ) -> Result<(), RunFault> {
        let mut pace = Pace::new();
        loop {
            held.keep().await?;
            let most = pace.step();
            let gone = self.parts.calls.purge_rejected(run, before, most).await?;
            if gone < most {
                return Ok(());
            }
            pace.pause().await;
        }
    }
}
