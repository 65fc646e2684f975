use thiserror::Error;

/// Why the bus did not do what it was asked for.
#[derive(Debug, Error)]
pub enum BusError {
    /// May succeed later.
    #[error("the bus is not available: {0}")]
    Unavailable(String),
    /// No room; may succeed when there is some.
    #[error("the bus has no room on its disk")]
    NoRoom,
    /// The topic does not exist.
    #[error("topic {0} does not exist; run `nrwdirekt topics apply`")]
    UnknownTopic(String),
    /// A message that this installation will never take.
    #[error("a message for topic {topic} is too large")]
    TooLarge {
        /// The topic.
        topic: String,
    },
    /// The name of a publisher is lost: another instance has it now, or the cluster has taken it away. Ask for the
    /// publisher again only if this instance is still the one to hold it.
    #[error("publisher {0} has lost its name; another instance may have taken over")]
    Fenced(String),
    /// A reading position that the topic does not have: messages were deleted before they were read, or the topic
    /// was made anew.
    #[error(
        "partition {partition} of topic {topic} has no position {position}: it holds {first} to {end}. \
         Was the topic made anew, or deleted before it was read?"
    )]
    Lost {
        /// The topic.
        topic: String,
        /// The partition.
        partition: u32,
        /// Where reading was to go on.
        position: i64,
        /// The first position that there is.
        first: i64,
        /// The position after the last message.
        end: i64,
    },
    /// The installation does not give this user the right; whoever may give it can.
    #[error("the bus does not allow it: {0}; give the node's user the right (nrwdirekt department acls)")]
    Forbidden(String),
    /// The installation refuses by its configuration.
    #[error("the bus refuses: {0}")]
    Refused(String),
    /// What is stored cannot be read.
    #[error("the bus holds something that it cannot read: {0}")]
    Corrupt(String),
}

impl BusError {
    /// Whether trying again later may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::NoRoom)
    }
}

impl From<rusqlite::Error> for BusError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::NoRoom,
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
