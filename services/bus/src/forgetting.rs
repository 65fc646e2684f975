//! Taking messages out of a topic before its policy does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::Received;

/// What stays in the place of a message that is to be forgotten: another payload, or nothing. The same payload: it says
/// nothing that is to be forgotten, and stays.
pub type Instead = Arc<dyn Fn(&Received) -> Option<Vec<u8>> + Send + Sync>;

/// Tells of a message under any key whether it is meant.
pub type Meant = Arc<dyn Fn(&Received) -> bool + Send + Sync>;

/// What is to be forgotten of a topic.
#[derive(Clone)]
pub struct Forgetting {
    /// The keys of the messages.
    pub keys: BTreeSet<Vec<u8>>,
    /// Messages under other keys that are meant too; every message is looked at then. Not on compacted topics, whose keys say
    /// all.
    pub others: Option<Meant>,
    /// What stays in the place of each. Of a compacted topic nothing does but the last message of each key.
    pub instead: Instead,
}

impl Forgetting {
    /// Whether there is nothing to look for.
    pub fn is_of_nothing(&self) -> bool {
        self.keys.is_empty() && self.others.is_none()
    }

    /// Whether a message of a topic that is not compacted is meant.
    pub fn means(&self, message: &Received) -> bool {
        self.keys.contains(&message.key) || self.others.as_ref().is_some_and(|others| others(message))
    }
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
