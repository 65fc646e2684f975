//! What is to be erased, by whose order.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::MarkHash;
use crate::ids::{EntryId, ErasureOrderId, Identity, TicketId};
use crate::named::named;

/// An order to erase. It names nobody: numbers of tickets, identities of calls, keyed hashes. As JSON it is a line of the
/// file of erasures that lies beside backups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureOrder {
    /// Its number.
    pub id: ErasureOrderId,
    /// When it was given: what is from before it is not to come back.
    pub at: DateTime<Utc>,
    /// By whom.
    #[serde(default)]
    pub by: String,
    /// Why; no personal data.
    #[serde(default)]
    pub reason: String,
    /// The case of the person's right that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<u64>,
    /// Whether a person was named, and not tickets, calls and entries one by one; absent in older orders.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_person: bool,
    /// Tickets that lose everything about the citizen.
    #[serde(default)]
    pub tickets: Vec<TicketId>,
    /// Calls that lose who called.
    #[serde(default, with = "hex_list")]
    pub calls: Vec<Identity>,
    /// Entries of newsletters and events that go; absent in orders of before there were any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<EntryId>,
    /// Rejected items that lose what was delivered.
    #[serde(default, with = "hex_list", skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Identity>,
    /// What the person is known by, where nobody else is known by it.
    #[serde(default, with = "hex_list")]
    pub marks: Vec<MarkHash>,
    /// Numbers and addresses that the person shared with others: what is known by them is not for certain the others' now.
    #[serde(default, with = "hex_list", skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<MarkHash>,
}

named! {
    /// Where copies are.
    Place {
        /// Rows of tickets, their history, keys, digests, pending mails.
        Tickets = "tickets",
        /// Rows of entries, and mails about them that wait.
        Entries = "entries",
        /// Rows of calls, with everything reported of each, and the keys that they are searched by.
        Calls = "calls",
        /// Items that could not be counted, as they were delivered.
        RejectedItems = "rejected_items",
        /// Reports of the calls on the topic of calls.
        BusCalls = "bus_calls",
        /// Messages of the tickets on the topics of departments.
        BusTickets = "bus_tickets",
        /// Replies of departments.
        BusReplies = "bus_replies",
        /// What the store's files keep of deleted rows: free pages, old versions, the write-ahead log.
        StoreFiles = "store_files",
    }
}

impl Place {
    /// Whether something of an order is there at all.
    pub fn concerns(self, order: &ErasureOrder) -> bool {
        match self {
            Self::Tickets | Self::BusTickets | Self::BusReplies => !order.tickets.is_empty(),
            Self::Entries => !order.entries.is_empty(),
            Self::Calls | Self::BusCalls => !order.calls.is_empty(),
            Self::RejectedItems => !(order.calls.is_empty() && order.rejected.is_empty()),
            Self::StoreFiles => true,
        }
    }
}

/// Sixteen bytes that are written in hexadecimal digits.
trait Sixteen: Copy {
    fn bytes(self) -> [u8; 16];
    fn of(bytes: [u8; 16]) -> Self;
}

impl Sixteen for Identity {
    fn bytes(self) -> [u8; 16] {
        self.0
    }

    fn of(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl Sixteen for MarkHash {
    fn bytes(self) -> [u8; 16] {
        self.0
    }

    fn of(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

mod hex_list {
    use super::{Deserialize, Deserializer, Identity, Serializer, Sixteen};

    pub(super) fn serialize<T: Sixteen, S: Serializer>(list: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|item| Identity(item.bytes()).to_hex()))
    }

    pub(super) fn deserialize<'de, T: Sixteen, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<T>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let read = |text: String| Identity::from_hex(&text).map(|identity| T::of(identity.0));
        let list: Option<Vec<T>> = texts.into_iter().map(read).collect();
        list.ok_or_else(|| serde::de::Error::custom("not 32 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    #[test]
    fn an_order_is_a_line_of_json_and_the_same_again() {
        let order = ErasureOrder {
            id: ErasureOrderId::new("E-1"),
            at: Utc.with_ymd_and_hms(2026, 11, 27, 9, 0, 0).unwrap(),
            by: "dora".to_owned(),
            reason: "Art. 17".to_owned(),
            case: None,
            of_person: true,
            tickets: vec![TicketId::new("T-1")],
            calls: vec![Identity([1; 16])],
            entries: vec![EntryId::new("e1")],
            rejected: Vec::new(),
            marks: vec![MarkHash([2; 16])],
            shared: vec![MarkHash([3; 16])],
        };
        let line = serde_json::to_string(&order).unwrap();
        assert!(
            line.contains(&format!("\"marks\":[\"{}\"]", "02".repeat(16))),
            "{line}"
        );
        assert_eq!(serde_json::from_str::<ErasureOrder>(&line).unwrap(), order);
        let short =
            r#"{"id":"E-2","at":"2026-11-27T09:00:00Z","tickets":[],"calls":[],"marks":[],"reason":"x"}"#;
        let of_before = serde_json::from_str::<ErasureOrder>(short).unwrap();
        assert_eq!((of_before.by.as_str(), of_before.entries), ("", Vec::new()));
        assert!(!Place::Entries.concerns(&serde_json::from_str(short).unwrap()));
        assert!(serde_json::from_str::<ErasureOrder>(&line.replace("0202", "02")).is_err());
    }
}
