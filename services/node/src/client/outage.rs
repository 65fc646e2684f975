//! A server that goes away while a command works, and how long that is waited for.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::exit::Failure;

const VARIABLE: &str = "NRWDIREKT_PATIENCE_S";
/// Unless the variable says otherwise.
const PATIENCE: Duration = Duration::from_secs(60);
/// More than anybody waits for.
const PATIENCE_S_MAX: u64 = 86_400;

/// An outage of the server, as long as it lasts.
pub(crate) struct Outage {
    since: Option<Instant>,
    pause: Duration,
    /// Patience has no end until this happens.
    pub(crate) until: Option<CancellationToken>,
}

impl Outage {
    pub(crate) fn new() -> Self {
        Self {
            since: None,
            pause: Duration::from_millis(100),
            until: None,
        }
    }

    /// The server is there again.
    pub(crate) fn over(&mut self) {
        *self = Self {
            until: self.until.take(),
            ..Self::new()
        };
    }

    /// Waits a little, if the failure may pass and has not lasted too long.
    ///
    /// # Errors
    /// What the server said, when waiting is of no use.
    pub(crate) async fn wait(&mut self, status: &Status) -> anyhow::Result<()> {
        let passing = matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Aborted
        );
        if !passing {
            return Err(Failure::of_status(status));
        }
        tracing::debug!(code = ?status.code(), "waiting for the server");
        match self.waited().await {
            true => Ok(()),
            false => Err(Failure::server(format!(
                "{}; what was acknowledged is safe, run the command again for the rest",
                status.message()
            ))),
        }
    }

    /// Waits a little, and longer the next time. Returns false, at once, when it has lasted too long.
    pub(crate) async fn waited(&mut self) -> bool {
        if self.until.as_ref().is_some_and(|until| !until.is_cancelled()) {
            self.since = None;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() >= patience().unwrap_or(PATIENCE) {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(2));
        true
    }
}

/// How long a server may be away before a command gives up.
///
/// # Errors
/// The variable says something else than seconds.
pub(super) fn patience() -> anyhow::Result<Duration> {
    let Ok(text) = std::env::var(VARIABLE) else {
        return Ok(PATIENCE);
    };
    let seconds = text
        .trim()
        .parse()
        .ok()
        .filter(|seconds| *seconds <= PATIENCE_S_MAX);
    seconds.map(Duration::from_secs).ok_or_else(|| {
        Failure::usage(format!(
            "{VARIABLE}: give whole seconds from 0 to {PATIENCE_S_MAX}, such as 60"
        ))
    })
}
