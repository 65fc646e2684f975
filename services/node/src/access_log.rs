//! The access log of a node: what takes it down, writes it, and forgets it in time.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::rules::Rules;
use crate::server::Logging;
use crate::storage::Storage;

/// Starts writing and sweeping; both end with `stopping`, the former once all is written.
pub(crate) fn start(
    storage: &Storage,
    rules: &Rules,
    running: &mut JoinSet<()>,
    stopping: &CancellationToken,
) -> anyhow::Result<Logging> {
    let clock = clock::clock()?;
    let (log, writer) = access::access_log(Arc::clone(&storage.access_log));
    running.spawn(writer.run(stopping.clone().cancelled_owned()));
    let current = rules.current();
    let kept = move || domain::privacy::access_log::kept(&current().register);
    let sweep = access::sweep_access_log(Arc::clone(&storage.access_log), Arc::clone(&clock), kept);
    let stopping = stopping.clone();
    running.spawn(async move {
        stopping.run_until_cancelled(sweep).await;
    });
    Ok(Logging { log, clock })
}
