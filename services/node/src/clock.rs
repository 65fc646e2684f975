//! The clock of a node.

use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time.
pub(crate) type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// So many seconds the clock is ahead; negative: behind. For tests; builds without debug assertions do not ask.
const AHEAD: &str = "NRWDIREKT_TEST_CLOCK_AHEAD_S";

/// The clock that roles are given.
pub(crate) fn clock() -> anyhow::Result<Clock> {
    let ahead = match std::env::var(AHEAD) {
        Ok(seconds) if cfg!(debug_assertions) => seconds
            .parse()
            .ok()
            .and_then(TimeDelta::try_seconds)
            .with_context(|| format!("{AHEAD}: a number of seconds"))?,
        _ => TimeDelta::zero(),
    };
    Ok(Arc::new(move || Utc::now() + ahead))
}
