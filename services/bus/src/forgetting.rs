//! Taking messages out of a topic before its policy does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::Received;

/// What stays in the place of a message that is to be forgotten: another payload, or nothing. The same payload: it says
/// nothing that is to be forgotten, and stays.
pub type Instead = Arc<dyn Fn(&Received) -> Option<Vec<u8>> + Send + Sync>;

/// What is to be forgotten of a topic.
#[derive(Clone)]
pub struct Forgetting {
    /// The keys of the messages.
    pub keys: BTreeSet<Vec<u8>>,
    /// What stays in the place of each. Of a compacted topic nothing does but the last message of each key.
    pub instead: Instead,
}

/// How far the bus has come with forgetting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// No reader is given the messages any more; the last bytes are gone from the disk after this time.
    Done {
        /// At most.
        stays: Duration,
    },
    /// It cannot be done yet: ask again after this time.
    Later {
        /// At least.
        again_in: Duration,
    },
}
