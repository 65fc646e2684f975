//! The way into the access log: beside the requests, never in their way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use store::access_log::{Access, AccessLogStore};
use tokio::sync::mpsc;

use crate::{Clock, metrics};

/// Accesses that wait to be written at most; what comes on top is counted, and lost.
const WAITING: usize = 8192;
/// Accesses that share one transaction at most.
const TOGETHER: usize = 1000;
/// Accesses are gathered for so long.
const GATHERED: Duration = Duration::from_millis(500);
/// A store that cannot be written is tried again after so long.
const AGAIN: Duration = Duration::from_secs(2);
/// What is too old is looked for so often.
const SWEPT_EVERY: Duration = Duration::from_secs(600);
/// What is left of forgotten accesses in free pages is overwritten at most so often: a table is written anew for it.
const WIPED_EVERY: Duration = Duration::from_secs(3600);
/// Accesses that are forgotten in one transaction.
const FORGOTTEN_TOGETHER: usize = 10_000;

/// Takes accesses down; never waits.
#[derive(Clone)]
pub struct AccessLog {
    waiting: mpsc::Sender<Access>,
}

/// Writes what an [`AccessLog`] took.
pub struct AccessLogWriter {
    waiting: mpsc::Receiver<Access>,
    store: Arc<dyn AccessLogStore>,
}

/// A log, and what writes it to a store.
pub fn access_log(store: Arc<dyn AccessLogStore>) -> (AccessLog, AccessLogWriter) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let writer = AccessLogWriter {
        waiting: receiver,
        store,
    };
    (AccessLog { waiting: sender }, writer)
}

impl AccessLog {
    /// Takes an access down. Where too many wait, it is counted as lost: an access log holds nobody up.
    pub fn note(&self, access: Access) {
        if self.waiting.try_send(access).is_err() {
            metrics::accesses_lost(1);
        }
    }
}

impl AccessLogWriter {
    /// Writes until nobody can note anything any more, or until `stopping`, and then what waits.
    pub async fn run(mut self, stopping: impl Future<Output = ()>) {
        let mut stopping = std::pin::pin!(stopping);
        // Once it is over, it is not asked again.
        let mut is_over = false;
        while !is_over {
            let mut accesses = Vec::new();
            tokio::select! {
                () = &mut stopping => break,
                taken = self.waiting.recv_many(&mut accesses, TOGETHER) => if taken == 0 {
                    return;
                },
            }
            // What comes in the next moment shares the transaction, unless it is full already.
            if accesses.len() < TOGETHER {
                tokio::select! {
                    () = &mut stopping => is_over = true,
                    () = tokio::time::sleep(GATHERED) => {}
                }
                self.take_more(&mut accesses);
            }
            while !self.write(accesses.clone()).await {
                if !is_over {
                    tokio::select! {
                        () = &mut stopping => {}
                        () = tokio::time::sleep(AGAIN) => continue,
                    }
                }
                metrics::accesses_lost(accesses.len());
                return;
            }
        }
        let mut accesses = Vec::new();
        loop {
            self.take_more(&mut accesses);
            if accesses.is_empty() {
                return;
            }
            let last = std::mem::take(&mut accesses);
            let count = last.len();
            if !self.write(last).await {
                metrics::accesses_lost(count);
                return;
            }
        }
    }

    fn take_more(&mut self, accesses: &mut Vec<Access>) {
        while accesses.len() < TOGETHER {
            let Ok(access) = self.waiting.try_recv() else {
                return;
            };
            accesses.push(access);
        }
    }

    async fn write(&self, accesses: Vec<Access>) -> bool {
        let written = self.store.note_accesses(accesses).await;
        if let Err(error) = &written {
            tracing::warn!(%error, "the access log cannot be written; what comes meanwhile may be lost");
        }
        written.is_ok()
    }
}

/// Forgets accesses that are older than `kept` says, again and again, until it is dropped. Counts stay.
pub async fn sweep_access_log(
    store: Arc<dyn AccessLogStore>,
    clock: Clock,
    kept: impl Fn() -> TimeDelta + Send,
) {
    let (mut is_left, mut wiped) = (false, None::<Instant>);
    loop {
        let before = clock() - kept();
        loop {
            match store.forget_accesses(before, FORGOTTEN_TOGETHER).await {
                Ok(forgotten) => {
                    is_left |= forgotten > 0;
                    if forgotten < FORGOTTEN_TOGETHER as u64 {
                        break;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "old accesses could not be forgotten");
                    break;
                }
            }
        }
        if is_left && wiped.is_none_or(|wiped| wiped.elapsed() >= WIPED_EVERY) {
            match store.wipe_accesses().await {
                Ok(()) => (is_left, wiped) = (false, Some(Instant::now())),
                Err(error) => {
                    tracing::warn!(%error, "what is left of old accesses could not be overwritten yet");
                }
            }
        }
        tokio::time::sleep(SWEPT_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;
    use chrono::{DateTime, NaiveDate, Utc};
    use store::StoreError;
    use store::access_log::{AccessCount, AccessFilter, NetworkCount, NotedAccess};

    use super::*;

    /// A store that can be away.
    #[derive(Default)]
    struct Kept {
        accesses: Mutex<Vec<Access>>,
        is_away: AtomicBool,
    }

    #[async_trait]
    impl AccessLogStore for Kept {
        async fn note_accesses(&self, accesses: Vec<Access>) -> Result<(), StoreError> {
            if self.is_away.load(Ordering::Relaxed) {
                return Err(StoreError::NoRoom);
            }
            self.accesses.lock().unwrap().extend(accesses);
            Ok(())
        }

        async fn accesses(&self, _: AccessFilter) -> Result<Vec<NotedAccess>, StoreError> {
            unreachable!()
        }

        async fn access_counts(
            &self,
            _: NaiveDate,
            _: NaiveDate,
            _: usize,
        ) -> Result<Vec<AccessCount>, StoreError> {
            unreachable!()
        }

        async fn access_networks(&self, _: DateTime<Utc>, _: usize) -> Result<Vec<NetworkCount>, StoreError> {
            unreachable!()
        }

        async fn forget_accesses(&self, _: DateTime<Utc>, _: usize) -> Result<u64, StoreError> {
            unreachable!()
        }

        async fn wipe_accesses(&self) -> Result<(), StoreError> {
            unreachable!()
        }
    }

    fn access() -> Access {
        Access {
            at: DateTime::default(),
            resource: "/".to_owned(),
            action: "GET".to_owned(),
            outcome: "200".to_owned(),
            bytes: 1,
            address: String::new(),
            network: String::new(),
            client: String::new(),
        }
    }

    #[tokio::test]
    async fn what_waits_is_written_at_the_end() {
        let store = Arc::new(Kept::default());
        let (log, writer) = access_log(Arc::clone(&store) as _);
        for _ in 0..2500 {
            log.note(access());
        }
        writer.run(async {}).await;
        assert_eq!(store.accesses.lock().unwrap().len(), 2500);
    }

    #[tokio::test]
    async fn too_many_at_once_hold_nobody_up_and_what_fits_is_written() {
        let store = Arc::new(Kept::default());
        let (log, writer) = access_log(Arc::clone(&store) as _);
        for _ in 0..2 * WAITING {
            log.note(access());
        }
        writer.run(async {}).await;
        assert_eq!(store.accesses.lock().unwrap().len(), WAITING);
    }

    #[tokio::test]
    async fn a_store_that_is_away_at_the_end_holds_nothing_up() {
        let store = Arc::new(Kept::default());
        store.is_away.store(true, Ordering::Relaxed);
        let (log, writer) = access_log(Arc::clone(&store) as _);
        log.note(access());
        writer.run(async {}).await;
        assert!(store.accesses.lock().unwrap().is_empty());
    }
}
