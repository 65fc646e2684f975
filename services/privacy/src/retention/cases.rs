//! Cases of data subjects: decided, and handled by nobody since.

use std::time::Duration;

use chrono::{DateTime, Utc};
use store::retention::RunId;

use super::Retention;
use super::pace::Pace;
use super::run::{Held, RunFault};

impl Retention {
    /// Deletes cases of data subjects.
    pub(super) async fn purge_cases(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        before: DateTime<Utc>,
    ) -> Result<Duration, RunFault> {
        let mut pace = Pace::new();
        loop {
            held.keep().await?;
            let gone = self.parts.runs.purge_cases(run, before, pace.step()).await?;
            if gone.items == 0 {
                return Ok(pace.longest());
            }
            pace.pause(gone).await;
        }
    }
}
