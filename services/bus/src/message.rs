use std::fmt;

/// A message on its way to a topic.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Decides the partition, and what compaction keeps.
    pub key: Vec<u8>,
    /// CloudEvents attributes (`ce_…`) and `content-type`.
    pub headers: Vec<(String, String)>,
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
    /// See [`Outgoing::headers`].
    pub headers: Vec<(String, String)>,
    /// See [`Outgoing::payload`].
    pub payload: Option<Vec<u8>>,
}

impl Received {
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
