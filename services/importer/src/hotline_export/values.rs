//! The typed values of a row, and the digest that identifies it.

use domain::ids::RowDigest;
use domain::record::Field;
use sha2::{Digest, Sha256};

use crate::local_time::WrittenTime;
use crate::numbers;

/// The values of a row in the order of [`Field::ALL`].
pub(super) type Values<'a> = [Value<'a>; Field::ALL.len()];

/// What a cell says, free of how it is written, and before any map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// An empty cell, or no such column.
    Absent,
    /// A text as written, trimmed.
    Text(&'a str),
    /// Milliseconds, a count, or 1 and 0 for yes and no.
    Number(i64),
    /// A time stamp.
    Time(WrittenTime),
    /// What the field's type does not say, as written, trimmed.
    Other(&'a str),
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Time,
    Text,
    Duration,
    Count,
    Flag,
}

fn kind(field: Field) -> Kind {
    match field {
        Field::StartedAt => Kind::Time,
        Field::TaskType
        | Field::Caller
        | Field::DialledAddress
        | Field::Hotline
        | Field::ConnectionStatus => Kind::Text,
        Field::Billable
        | Field::Ring
        | Field::Talk
        | Field::Hold
        | Field::Wait
        | Field::ConsultTalk
        | Field::AfterCallWork => Kind::Duration,
        Field::CustomerRecordCount
        | Field::CustomerConnectionCount
        | Field::ConsultCount
        | Field::ConsultConnectionCount
        | Field::NetworkOverflowCount => Kind::Count,
        Field::DirectTopicDial
        | Field::ExternalContact
        | Field::InboundContact
        | Field::OutCcContact
        | Field::DialerContact
        | Field::VoiceMessageRecorded => Kind::Flag,
    }
}

impl<'a> Value<'a> {
    /// Reads a trimmed cell.
    pub(super) fn read(field: Field, cell: &'a str) -> Self {
        if cell.is_empty() {
            return Self::Absent;
        }
        let number = match kind(field) {
            Kind::Text => return Self::Text(cell),
            Kind::Time => return WrittenTime::parse(cell).map_or(Self::Other(cell), Self::Time),
            Kind::Duration => numbers::duration_ms(cell),
            Kind::Count => numbers::count(cell).map(i64::from),
            Kind::Flag => flag(cell).map(i64::from),
        };
        number.map_or(Self::Other(cell), Self::Number)
    }
}

/// Yes and no in the ways that every installation understands. Fixed, so that the digest does not depend on a map.
fn flag(cell: &str) -> Option<bool> {
    match cell {
        "1" => return Some(true),
        "0" => return Some(false),
        _ => {}
    }
    let is = |words: &[&str]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    if is(&["ja", "j", "true", "wahr", "x", "yes", "y"]) {
        Some(true)
    } else if is(&["nein", "n", "false", "falsch", "no"]) {
        Some(false)
    } else {
        None
    }
}

/// Makes digests; keeps its room from row to row.
///
/// # Canonical row, version 1
///
/// SHA-256 of the tag `nrwdirekt row 1`, then the 24 values in field order, each as one byte for its type, the length
/// of what follows (4 bytes, little endian) and its bytes:
///
/// | type | bytes |
/// | --- | --- |
/// | 0 absent | none; an empty cell and a missing column are the same |
/// | 1 text | UTF-8 as written, trimmed: task type, caller, dialled address, hotline and status before any map |
/// | 2 number | 8 bytes, little endian: milliseconds, count, 1 for yes and 0 for no |
/// | 3 time | milliseconds of the wall time since 1970-01-01 00:00 on the same clock, 8 bytes, little endian; after it the offset in seconds, 4 bytes, if one was written |
/// | 4 other | UTF-8 as written, trimmed, of a value that cannot be read |
///
/// So it depends neither on encoding, separator, column order, quotation marks and number style, nor on the map and
/// the policy for the double hour: a row that was rejected for an unknown word keeps its digest when the map learns
/// the word. It does depend on what the program can read as a number or a time. Whoever teaches it another way of
/// writing must leave that value here as type 4, or rows imported before would count again.
///
/// A row without the columns of its heading, or that is no text, has a digest of its cells (or bytes) as written,
/// in the order of the file, each with its length, after the tag `nrwdirekt raw row 1`.
#[derive(Debug, Default)]
pub(super) struct Digester {
    canonical: Vec<u8>,
}

impl Digester {
    pub(super) fn row(&mut self, values: &Values<'_>) -> RowDigest {
        self.canonical.clear();
        self.canonical.extend_from_slice(b"nrwdirekt row 1");
        for value in values {
            match value {
                Value::Absent => self.part(0, b""),
                Value::Text(text) => self.part(1, text.as_bytes()),
                Value::Number(number) => self.part(2, &number.to_le_bytes()),
                Value::Time(WrittenTime { wall, offset_seconds }) => {
                    let mut bytes = [0; 12];
                    bytes[..8].copy_from_slice(&wall.and_utc().timestamp_millis().to_le_bytes());
                    bytes[8..].copy_from_slice(&offset_seconds.unwrap_or_default().to_le_bytes());
                    self.part(
                        3,
                        if offset_seconds.is_some() {
                            &bytes
                        } else {
                            &bytes[..8]
                        },
                    );
                }
                Value::Other(text) => self.part(4, text.as_bytes()),
            }
        }
        self.digest()
    }

    pub(super) fn raw_row<'a>(&mut self, cells: impl Iterator<Item = &'a [u8]>) -> RowDigest {
        self.canonical.clear();
        self.canonical.extend_from_slice(b"nrwdirekt raw row 1");
        for cell in cells {
            self.part(4, cell);
        }
        self.digest()
    }

    fn part(&mut self, kind: u8, bytes: &[u8]) {
        self.canonical.push(kind);
        // A row is shorter than 64 KiB.
        self.canonical
            .extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.canonical.extend_from_slice(bytes);
    }

    fn digest(&self) -> RowDigest {
        RowDigest(Sha256::digest(&self.canonical).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The canonical form must never change: a changed digest would count every imported row again.
    #[test]
    fn the_digest_of_a_row_is_the_same_for_ever() {
        let mut values = [Value::Absent; 24];
        values[0] = Value::read(Field::StartedAt, "27.10.2024 02:30");
        values[1] = Value::read(Field::TaskType, "Anruf eingehend");
        values[4] = Value::read(Field::Hotline, "Bürgertelefon");
        values[12] = Value::read(Field::Wait, "00:00:25,954");
        values[13] = Value::read(Field::ConsultCount, "zwei");
        values[17] = Value::read(Field::DirectTopicDial, "Ja");
        let mut digester = Digester::default();
        let hex = |digest: RowDigest| {
            digest
                .0
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        assert_eq!(
            hex(digester.row(&values)),
            "d9f0912948d4d4fad3b34e8c601c2b789bd3feaa6b251db95e0cf4ab6c26077b"
        );
        assert_eq!(
            hex(digester.raw_row([&b"nur"[..], b"drei"].into_iter())),
            "0328597752e84282b3ca6a1086b0a65d63e0930bae0c13a9398102f2a0341f7b"
        );
        values[0] = Value::read(Field::StartedAt, "2024-10-27T02:30:00+01:00");
        assert_eq!(
            hex(digester.row(&values)),
            "d91e845de0233c998e0f14d149a017c30ef40895145e6d0f01130061462c00cd"
        );
    }
}
