//! Which of the equal rows of a file a row is.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use domain::ids::RowDigest;

/// Tables, so that only a small part is held twice while one grows.
const SHARDS: usize = 64;
/// Digests are dealt to the tables by so many values of two of their bytes.
const DEALT: f64 = 65_536.0;

/// The part of a digest that is remembered: 96 bits. Two different rows of a file with a thousand million rows share
/// them with a probability below 10⁻¹⁰; the second would then be taken for an equal row, and still be a call.
type Key = [u8; 12];

/// Counts equal digests with less than 40 bytes a row: a set of what came once, and a small map of what came again.
#[derive(Debug)]
pub(crate) struct Occurrences {
    shards: Vec<Shard>,
    /// Where each shard begins among the values by which digests are dealt.
    starts: Vec<u32>,
}

#[derive(Debug, Default)]
struct Shard {
    seen: HashSet<Key, BuildHasherDefault<DigestHasher>>,
    repeated: HashMap<Key, u32, BuildHasherDefault<DigestHasher>>,
}

impl Occurrences {
    pub(crate) fn new() -> Self {
        // The last shard gets twice as much as the first: so they do not all grow at once, and what one leaves behind when
        // it grows is taken by another.
        let begin = |shard: usize| (2_f64.powf(shard as f64 / SHARDS as f64) - 1.0) * DEALT;
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            starts: (0..SHARDS).map(|shard| begin(shard) as u32).collect(),
        }
    }

    /// 1 for the first row with this digest, 2 for the second, …
    pub(crate) fn next(&mut self, digest: &RowDigest) -> u32 {
        let mut key = Key::default();
        key.copy_from_slice(&digest.0[..12]);
        let dealt = u32::from(u16::from_be_bytes([digest.0[30], digest.0[31]]));
        let shard = self.starts.partition_point(|start| *start <= dealt).max(1) - 1;
        let shard = &mut self.shards[shard];
        if shard.seen.insert(key) {
            return 1;
        }
        let occurrence = shard.repeated.entry(key).or_insert(1);
        *occurrence = occurrence.saturating_add(1);
        *occurrence
    }
}

/// A digest is evenly distributed already: its first bytes are the hash.
#[derive(Debug, Default)]
struct DigestHasher(u64);

impl Hasher for DigestHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_digests_are_numbered() {
        let mut occurrences = Occurrences::new();
        let [one, other] = [RowDigest([1; 32]), RowDigest([2; 32])];
        assert_eq!(
            [&one, &other, &one, &one, &other].map(|digest| occurrences.next(digest)),
            [1, 1, 2, 3, 2]
        );
    }
}
