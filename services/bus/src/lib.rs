//! Ordered, durable topics between the roles, and between the house and its departments.
//!
//! Owns publishing, reading and topic administration behind two implementations with one contract:
//! [`embedded`] (a SQLite file, one process) and [`kafka`] (Apache Kafka). Knows nothing of what the messages mean. Reading
//! positions belong to the reader: they live in its store, in the same transaction as the effect of what was read.

pub mod embedded;
mod error;
mod forgetting;
pub mod kafka;
mod message;
pub mod prefixed;
pub mod topics;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use error::BusError;
pub use forgetting::{Forgetting, Forgotten, Instead, Meant};
pub use message::{MESSAGE_BYTES_MAX, Outgoing, Received};
pub use topics::{Cleanup, TopicFault, TopicSpec};

/// Where reading goes on, by partition: the offset of the next message.
pub type Positions = BTreeMap<u32, i64>;

/// An installation of topics.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Which installation this is: a topic that was lost and made anew has another id, and its positions begin anew.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] while the bus cannot be asked, [`BusError::UnknownTopic`].
    async fn topic_id(&self, topic: &str) -> Result<String, BusError>;

    /// Creates missing topics and corrects the policies of existing ones. Returns what was changed, in words.
    ///
    /// # Errors
    /// [`BusError::Unavailable`]; [`BusError::Refused`] when the installation does not allow it.
    async fn apply_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<String>, BusError>;

    /// Compares the topics with what is wanted, without changing anything.
    ///
    /// # Errors
    /// [`BusError::Unavailable`].
    async fn check_topics(&self, wanted: &[TopicSpec]) -> Result<Vec<TopicFault>, BusError>;

    /// Appends messages; returns once they are durable. The result tells, for each partition touched, the position
    /// after its last message. Messages of one key keep their order.
    ///
    /// # Errors
    /// [`BusError::UnknownTopic`] and [`BusError::TooLarge`] before anything is appended. After
    /// [`BusError::Unavailable`] none, some or all of the messages may have been: publish them again.
    async fn publish(&self, topic: &str, messages: Vec<Outgoing>) -> Result<Positions, BusError>;

    /// The one publisher under this name: taking the name over fences whoever had it before.
    ///
    /// # Errors
    /// [`BusError::Unavailable`].
    async fn publisher(&self, owner: &str) -> Result<Box<dyn Publisher>, BusError>;

    /// Reads a topic together with other readers of the same `group`: each partition is read by one of them, from
    /// the position that `starts` gives when it is assigned. A partition that goes away and comes back begins there
    /// again, so messages whose effect was not stored are delivered again. The embedded bus has one reader a group.
    ///
    /// # Errors
    /// [`BusError::Unavailable`], [`BusError::UnknownTopic`].
    async fn reader(
        &self,
        topic: &str,
        group: &str,
        starts: Arc<dyn StartPositions>,
    ) -> Result<Box<dyn Reader>, BusError>;

    /// Reads all partitions of a topic alone, from the given positions, else from the beginning of what is there.
    ///
    /// # Errors
    /// [`BusError::Unavailable`], [`BusError::UnknownTopic`].
    async fn reader_alone(&self, topic: &str, from: Positions) -> Result<Box<dyn Reader>, BusError>;

    /// The end of each partition: the position after the last message.
    ///
    /// # Errors
    /// [`BusError::Unavailable`], [`BusError::UnknownTopic`].
    async fn ends(&self, topic: &str) -> Result<Positions, BusError>;

    /// Takes messages out of a topic, as far as it was read: nothing at or after the given position of a partition is
    /// touched, and no partition without one. Everything else can be read as before, though some of it may then stand
    /// further behind in its partition. To be repeated until it is done.
    ///
    /// # Errors
    /// [`BusError::Unavailable`], [`BusError::UnknownTopic`]; [`BusError::Forbidden`] where the installation does not
    /// allow it.
    async fn forget(
        &self,
        topic: &str,
        what: Forgetting,
        read_up_to: Positions,
    ) -> Result<Forgotten, BusError>;

    /// Lets the bytes of what was forgotten go from the disk, where the bus itself decides on that. Appends wait.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] while something else is read: do it again.
    async fn scrub(&self) -> Result<(), BusError>;

    /// How long the bytes of a message may stay on the disk after it is to be forgotten, given that all of it is read at
    /// once and heartbeats come as they should.
    ///
    /// # Errors
    /// [`BusError::Unavailable`], [`BusError::UnknownTopic`].
    async fn stays(&self, topic: &str) -> Result<Duration, BusError>;

    /// Whether the bus can be asked right now; for readiness.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] with the reason.
    async fn probe(&self) -> Result<(), BusError>;
}

/// Gives the position from which a partition is to be read when it is assigned to a reader.
#[async_trait]
pub trait StartPositions: Send + Sync + 'static {
    /// The position, `None` for the beginning.
    ///
    /// # Errors
    /// Any error makes the reader ask again; nothing is read from the partition before it has an answer.
    async fn start(
        &self,
        topic: &str,
        partition: u32,
    ) -> Result<Option<i64>, Box<dyn std::error::Error + Send + Sync>>;
}

/// Reads messages in the order of their partition.
#[async_trait]
pub trait Reader: Send {
    /// The next messages, at most `most`, waiting at most `wait` for the first. Empty when none came.
    ///
    /// # Errors
    /// [`BusError::Unavailable`] may pass: call again. [`BusError::Lost`] until [`Reader::seek`] names a position
    /// that exists: nothing is skipped in silence.
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Vec<Received>, BusError>;

    /// Goes to a position of a partition, after its messages could not be applied. Nothing happens when the
    /// partition is not assigned any more.
    ///
    /// # Errors
    /// [`BusError::Unavailable`]. A position that does not exist shows at [`Reader::next`].
    async fn seek(&mut self, partition: u32, position: i64) -> Result<(), BusError>;

    /// The partitions assigned to this reader at the moment.
    fn assigned(&self) -> Vec<u32>;
}

/// Publishes under a name that only one instance can hold at a time.
#[async_trait]
pub trait Publisher: Send {
    /// Appends messages to a topic in one transaction; returns once they are durable and visible.
    ///
    /// # Errors
    /// [`BusError::Fenced`] once the name is lost: nothing was published, and this publisher never will again.
    /// [`BusError::Unavailable`]: publish again; the messages may then be there twice, but in order.
    async fn publish(&mut self, topic: &str, messages: Vec<Outgoing>) -> Result<(), BusError>;
}
