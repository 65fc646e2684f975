//! Reading: what the roles hold, in front of the thread that polls.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::{BusError, Positions, Reader, Received};

/// Messages that wait for the reader at most before polling pauses.
const WAITING_MESSAGES: usize = 10_000;
/// Bytes that wait for the reader at most before polling pauses.
const WAITING_BYTES: usize = 16 * 1024 * 1024;

/// What the reader and its polling thread share.
pub(super) struct Shared {
    pub(super) topic: String,
    state: Mutex<State>,
    /// Messages or an error have come.
    arrived: Notify,
    /// The polling thread has something to do again: room, a seek, the end.
    wanted: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    waiting: VecDeque<Received>,
    waiting_bytes: usize,
    /// By assigned partition, the position of the next message from the cluster.
    pub(super) assigned: Positions,
    /// Assigned, but not read before their start is known.
    pub(super) unstarted: Vec<u32>,
    /// Seeks that the polling thread has yet to do; until then what it gets of the partition is dropped.
    pub(super) seeks: Positions,
    /// Partitions whose position does not exist; they are not read until a seek.
    lost: BTreeMap<u32, (i64, i64, i64)>,
    error: Option<BusError>,
    pub(super) stopped: bool,
}

impl Shared {
    pub(super) fn new(topic: &str) -> Arc<Self> {
        Arc::new(Self {
            topic: topic.to_owned(),
            state: Mutex::default(),
            arrived: Notify::new(),
            wanted: Condvar::new(),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message of the polling thread in. The reader learns of it by [`Shared::announce`].
    pub(super) fn push(&self, message: Received) {
        let mut state = self.state();
        let partition = message.partition;
        if state.seeks.contains_key(&partition) || state.lost.contains_key(&partition) {
            return;
        }
        // Not assigned any more: whoever reads the partition now gets it.
        let Some(position) = state.assigned.get_mut(&partition) else {
            return;
        };
        *position = message.offset + 1;
        state.waiting_bytes += message.bytes();
        state.waiting.push_back(message);
    }

    /// Wakes the reader: waking it for each message would cost more than the message.
    pub(super) fn announce(&self) {
        self.arrived.notify_one();
    }

    /// Takes an error in; a later one replaces it.
    pub(super) fn fail(&self, error: BusError) {
        self.state().error = Some(error);
        self.arrived.notify_one();
    }

    /// The position of a partition does not exist.
    pub(super) fn lose(&self, partition: u32, position: i64, first: i64, end: i64) {
        self.state().lost.insert(partition, (position, first, end));
        self.arrived.notify_one();
    }

    /// Partitions were given to this reader; their starts are to be asked for.
    pub(super) fn assign(&self, partitions: Vec<u32>) {
        let mut state = self.state();
        state.forget_all();
        state.unstarted = partitions;
    }

    /// All partitions were taken away: what waits of them belongs to somebody else.
    pub(super) fn revoke(&self) {
        self.state().forget_all();
        self.arrived.notify_one();
    }

    /// Waits until there is room or something else to do. False when the time passed without.
    pub(super) fn wait_for_room(&self, time: Duration) -> bool {
        let state = self.state();
        let (state, _) = self
            .wanted
            .wait_timeout_while(state, time, |state| {
                !state.has_room() && !state.stopped && state.seeks.is_empty()
            })
            .unwrap_or_else(PoisonError::into_inner);
        state.has_room() || state.stopped || !state.seeks.is_empty()
    }
}

impl State {
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING_MESSAGES && self.waiting_bytes < WAITING_BYTES
    }

    fn forget_all(&mut self) {
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.assigned.clear();
        self.unstarted.clear();
        self.seeks.clear();
        self.lost.clear();
    }

    fn forget(&mut self, partition: u32) {
        self.waiting.retain(|message| message.partition != partition);
        self.waiting_bytes = self.waiting.iter().map(Received::bytes).sum();
        self.lost.remove(&partition);
    }

    /// What the reader gets now, if anything.
    fn take(&mut self, topic: &str, most: usize) -> Option<Result<Vec<Received>, BusError>> {
        if let Some((partition, (position, first, end))) = self.lost.first_key_value() {
            return Some(Err(BusError::Lost {
                topic: topic.to_owned(),
                partition: *partition,
                position: *position,
                first: *first,
                end: *end,
            }));
        }
        if !self.waiting.is_empty() {
            let taken: Vec<_> = self.waiting.drain(..most.min(self.waiting.len())).collect();
            self.waiting_bytes -= taken.iter().map(Received::bytes).sum::<usize>();
            return Some(Ok(taken));
        }
        self.error.take().map(Err)
    }
}

pub(super) struct KafkaReader {
    shared: Arc<Shared>,
}

impl KafkaReader {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl Drop for KafkaReader {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.wanted.notify_all();
    }
}

#[async_trait]
impl Reader for KafkaReader {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Received>, BusError> {
        let deadline = Instant::now() + wait;
        loop {
            let taken = self.shared.state().take(&self.shared.topic, most);
            if let Some(result) = taken {
                self.shared.wanted.notify_all();
                return result;
            }
            let arrived = self.shared.arrived.notified();
            if tokio::time::timeout_at(deadline, arrived).await.is_err() {
                return Ok(Vec::new());
            }
        }
    }

    async fn seek(&mut self, partition: u32, position: i64) -> Result<(), BusError> {
        let mut state = self.shared.state();
        // Taken away in the meantime: its new reader starts where it has to.
        if state.assigned.contains_key(&partition) {
            state.forget(partition);
            state.seeks.insert(partition, position);
            self.shared.wanted.notify_all();
        }
        Ok(())
    }

    fn assigned(&self) -> Vec<u32> {
        self.shared.state().assigned.keys().copied().collect()
    }
}
