use std::borrow::Cow;
use std::fmt;

use crate::BusError;

/// What a message may have at most: key, headers and payload together.
pub const MESSAGE_BYTES_MAX: usize = 1_000_000;

/// A message on its way to a topic.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Decides the partition, and what compaction keeps.
    pub key: Vec<u8>,
    /// CloudEvents attributes (`ce_…`) and `content-type`.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The content; `None` is a tombstone.
    pub payload: Option<Vec<u8>>,
}

/// A message read from a topic.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// The partition it was read from.
    pub partition: u32,
    /// Its offset there; the position after it is one higher.
    pub offset: i64,
    /// See [`Outgoing::key`].
    pub key: Vec<u8>,
    /// See [`Outgoing::headers`]; of other clients, whatever they wrote.
    pub headers: Vec<(String, String)>,
    /// See [`Outgoing::payload`].
    pub payload: Option<Vec<u8>>,
}

impl Outgoing {
    /// Key, headers and payload together.
    pub(crate) fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        bytes(&self.key, headers, self.payload.as_deref())
    }
}

/// Refuses a batch with a message that is too large, before any of it is on its way.
pub(crate) fn check_sizes(topic: &str, messages: &[Outgoing]) -> Result<(), BusError> {
    let too_large = messages.iter().any(|message| message.bytes() > MESSAGE_BYTES_MAX);
    if too_large {
        return Err(BusError::TooLarge {
            topic: topic.to_owned(),
        });
    }
    Ok(())
}

fn bytes(key: &[u8], headers: impl Iterator<Item = usize>, payload: Option<&[u8]>) -> usize {
    key.len() + headers.sum::<usize>() + payload.map_or(0, <[u8]>::len)
}

impl Received {
    /// Key, headers and payload together.
    pub(crate) fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len());
        bytes(&self.key, headers, self.payload.as_deref())
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.payload.as_ref().map(Vec::len);
        f.debug_struct("Outgoing")
            .field("payload_bytes", &size)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.payload.as_ref().map(Vec::len);
        f.debug_struct("Received")
            .field("partition", &self.partition)
            .field("offset", &self.offset)
            .field("payload_bytes", &size)
            .finish_non_exhaustive()
    }
}
