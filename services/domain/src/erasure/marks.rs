//! By what a person is known again once nothing about him or her is kept: keyed hashes.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::numbers::Number;

/// By what a person is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mark<'a> {
    /// A telephone number in any spelling, or the address that a telephone system delivers in its place.
    Number(&'a str),
    /// An e-mail address.
    Email(&'a str),
}

/// A keyed hash of a mark: tells that something is the same, and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MarkHash(pub [u8; 16]);

/// The key of such hashes. Made once, and kept in the store.
#[derive(Clone)]
pub struct MarkKey(Hmac<Sha256>);

impl MarkKey {
    /// Wraps the bytes of the key.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Hmac::new_from_slice(&bytes).expect("HMAC takes keys of any length"))
    }

    /// The hashes that a mark is found under: a number has one for each key that a search looks under.
    pub fn hashes(&self, mark: Mark<'_>) -> Vec<MarkHash> {
        match mark {
            Mark::Number(number) => {
                let keys = Number::read(number).search_keys();
                keys.iter().map(|key| self.hash(b"number", key)).collect()
            }
            Mark::Email(email) => vec![self.hash(b"email", &email.trim().to_lowercase())],
        }
    }

    /// The hash that a caller, as delivered, is known by.
    pub fn caller(&self, delivered: &str) -> MarkHash {
        self.caller_key(Number::read(delivered).key())
    }

    /// The hash of a caller whose number is free of spelling, as stores keep it to search by.
    pub fn caller_key(&self, key: &str) -> MarkHash {
        self.hash(b"number", key)
    }

    /// A keyed hash of what was asked for, so that the same request is known again.
    pub fn digest(&self, parts: &[String]) -> [u8; 32] {
        let mut hash = self.0.clone();
        hash.update(b"request");
        for part in parts {
            // A prefix with the length: no two requests have the same bytes.
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.finalize().into_bytes().into()
    }

    fn hash(&self, kind: &[u8], text: &str) -> MarkHash {
        let mut hash = self.0.clone();
        hash.update(kind);
        hash.update(&[0]);
        hash.update(text.as_bytes());
        let bytes: [u8; 32] = hash.finalize().into_bytes().into();
        let mut short = [0; 16];
        short.copy_from_slice(&bytes[..16]);
        MarkHash(short)
    }
}

impl std::fmt::Debug for MarkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MarkKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_number_has_a_hash_in_common() {
        let key = MarkKey::new([7; 32]);
        let hashes = key.hashes(Mark::Number("0221 1234567"));
        for spelling in [
            "+492211234567",
            "0049 221 1234567",
            "(0221) 123 45 67",
            "492211234567",
        ] {
            assert!(hashes.contains(&key.caller(spelling)), "{spelling}");
        }
        assert!(!hashes.contains(&key.caller("0221 1234568")));
        assert!(!hashes.contains(&MarkKey::new([8; 32]).caller("0221 1234567")));
    }

    #[test]
    fn an_address_is_the_same_in_capitals() {
        let key = MarkKey::new([7; 32]);
        assert_eq!(
            key.hashes(Mark::Email(" Erika@Example.org")),
            key.hashes(Mark::Email("erika@example.org"))
        );
    }
}
