//! What was deleted beside orders and runs of retention, and is still in files: entries that were ended or not confirmed in
//! time, discarded items, what tickets said before they were put right. Whatever deletes notes it in the store; here it is
//! decided when the files are written anew for it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{ErasureError, ErasureParts};

/// Since when each unit of the store that is to be written anew is.
pub(super) async fn since(parts: &ErasureParts) -> Result<Vec<DateTime<Utc>>, ErasureError> {
    let mut owed = Vec::new();
    for unit in &parts.scrubs {
        owed.extend(unit.owed_since().await?);
    }
    Ok(owed)
}

/// How long what is owed may wait to be gathered with more of it; `None` where nothing is owed.
pub(super) async fn due_in(parts: &ErasureParts) -> Result<Option<Duration>, ErasureError> {
    let oldest = since(parts).await?.into_iter().min();
    Ok(oldest.map(|since| left(since, (parts.clock)(), parts.bound)))
}

/// It waits for half of the bound: the other half is for whatever keeps the files from being written.
fn left(since: DateTime<Utc>, now: DateTime<Utc>, bound: Duration) -> Duration {
    // A clock that was set back makes nothing wait longer.
    let age = (now - since).to_std().unwrap_or_default();
    (bound / 2).saturating_sub(age)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn what_is_owed_waits_for_half_of_the_bound() {
        let since = DateTime::UNIX_EPOCH;
        for (age_s, left_s) in [(0, 30), (20, 10), (30, 0), (300, 0), (-100, 30)] {
            let now = since + TimeDelta::seconds(age_s);
            let left = left(since, now, Duration::from_secs(60));
            assert_eq!(left, Duration::from_secs(left_s), "{age_s}");
        }
    }
}
