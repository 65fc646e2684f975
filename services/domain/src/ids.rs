//! Identifiers as types, so that one cannot stand where another is meant.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text, trimmed of surrounding white space.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(text.as_ref().trim().to_owned())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The feed that a report came from, by its configured name or by the name of its format.
    SourceName
}
text_id! {
    /// The id that a telephone system gave to a call, unique within its source.
    CallId
}
text_id! {
    /// A hotline (topic) of the service centre: the callers' queue, as it is named in field 5.
    HotlineName
}
text_id! {
    /// An agent, as the telephone system names him or her. Never shown in figures unless configured.
    AgentName
}
text_id! {
    /// A user, by the name that he or she signs in with: see [`crate::access::user_name`].
    UserName
}
text_id! {
    /// A department ("fachlich zuständige Stelle"): lower-case letters, digits and hyphens; part of topic names.
    DepartmentId
}
text_id! {
    /// The name that a source gives to a visit, unique within its call.
    VisitKey
}
text_id! {
    /// The id of an event, unique within its call, where the source gives one.
    EventId
}
text_id! {
    /// One run of `nrwdirekt import`, or one live connection of a feed.
    ImportRun
}
text_id! {
    /// The number of a ticket, as agents and departments say it.
    TicketId
}
text_id! {
    /// An offer that people register for, a newsletter or an event: lower-case letters, digits and hyphens.
    OfferId
}
text_id! {
    /// An entry: 32 hexadecimal digits, random.
    EntryId
}
text_id! {
    /// A registration, one form that was sent: 32 hexadecimal digits, random.
    RegistrationId
}
text_id! {
    /// A procedure of the register: lower-case letters, digits and hyphens.
    ProcedureId
}
text_id! {
    /// A field of a procedure: lower-case letters, digits and underscores.
    FieldId
}
text_id! {
    /// The id that a department gave to a reply; the same id is applied once.
    ReplyId
}
text_id! {
    /// An order to erase what is known about a person.
    ErasureOrderId
}

/// SHA-256 of the canonical form of a row, for formats that give their calls no id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowDigest(pub [u8; 32]);

impl fmt::Debug for RowDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowDigest({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// What a source says to tell its calls apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SourceKey {
    /// The telephone system's own id.
    Call(CallId),
    /// The n-th (from 1) row of one file with this content.
    Row {
        /// Digest of the canonical row.
        digest: RowDigest,
        /// 1 for the first row with this content in its file, 2 for the second, …
        occurrence: u32,
    },
}

/// The pseudonymous, lasting identity of a call: a keyed hash of source and [`SourceKey`].
///
/// The same call reported again has the same identity, so importing is a multiset union. Without the key of the
/// installation nobody can tell which call an identity belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity(pub [u8; 16]);

impl Identity {
    /// Lower-case hexadecimal, 32 characters.
    pub fn to_hex(self) -> String {
        let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
        let mut hex = String::with_capacity(32);
        for byte in self.0 {
            hex.push(digit(byte >> 4));
            hex.push(digit(byte & 15));
        }
        hex
    }

    /// Reads what [`Identity::to_hex`] wrote.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return None;
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// The secret that identities are made with. Made once for an installation; lives in the store and in its backups.
#[derive(Clone)]
pub struct IdentityKey(Hmac<Sha256>);

impl IdentityKey {
    /// Takes 32 secret bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        // Keyed once: each identity begins with a copy.
        Self(Hmac::new_from_slice(&bytes).expect("HMAC takes keys of any length"))
    }

    /// The identity of a call, or of an item that could not be read.
    pub fn identity(&self, source: &SourceName, key: &SourceKey) -> Identity {
        match key {
            SourceKey::Call(call_id) => {
                self.keyed(&[b"call", source.as_str().as_bytes(), call_id.as_str().as_bytes()])
            }
            SourceKey::Row { digest, occurrence } => self.keyed(&[
                b"row",
                source.as_str().as_bytes(),
                &digest.0,
                &occurrence.to_be_bytes(),
            ]),
        }
    }

    /// A keyed hash of parts, each preceded by its length so that no two lists of parts collide.
    pub fn keyed(&self, parts: &[&[u8]]) -> Identity {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let mut identity = [0; 16];
        identity.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        Identity(identity)
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_depends_on_source_key_and_occurrence() {
        let key = IdentityKey::new([7; 32]);
        let row = |occurrence| SourceKey::Row {
            digest: RowDigest([1; 32]),
            occurrence,
        };
        let source = SourceName::new("hotline-export");
        let first = key.identity(&source, &row(1));
        assert_eq!(first, key.identity(&source, &row(1)));
        assert_ne!(first, key.identity(&source, &row(2)));
        assert_ne!(first, key.identity(&SourceName::new("other"), &row(1)));
        assert_ne!(first, IdentityKey::new([8; 32]).identity(&source, &row(1)));
        assert_eq!(Identity::from_hex(&first.to_hex()), Some(first));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = IdentityKey::new([7; 32]);
        assert_ne!(key.keyed(&[b"ab", b"c"]), key.keyed(&[b"a", b"bc"]));
    }
}
