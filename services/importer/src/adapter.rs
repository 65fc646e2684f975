//! What the line formats have in common: lines in, items out.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use domain::agents::AgentReport;
use domain::event::CallEvent;
use domain::ids::{CallId, RowDigest};
use domain::report::RevisedRecord;
use sha2::{Digest, Sha256};

use crate::hotline_export::RawRow;
use crate::lines::LONGEST_ROW;
use crate::local_time::LocalTimeReport;
use crate::occurrences::Occurrences;

/// The longest line that an adapter reads, in bytes; a longer one is unreadable.
pub const LONGEST_LINE: usize = LONGEST_ROW;

/// Where a line begins. Places are ordered as the lines were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which of the files, in the order in which they are read.
    pub file: u32,
    /// Bytes before the line in its file, unpacked.
    pub offset: u64,
    /// Number of the line in its file, from 1.
    pub line: u64,
}

/// A line as it was written, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenLine<'a> {
    /// The line; of one that is longer than [`LONGEST_LINE`], its beginning.
    pub bytes: &'a [u8],
    /// Whether it is longer.
    pub too_long: bool,
    /// Where it begins.
    pub place: Place,
    /// Where the next one begins.
    pub next: Place,
}

/// Cuts what is read of a file, piece by piece, into lines. Holds [`LONGEST_LINE`] bytes at most.
#[derive(Debug)]
pub struct LineCutter {
    partial: Vec<u8>,
    /// Bytes of the line so far, kept or not.
    length: u64,
    place: Place,
}

impl LineCutter {
    /// The next bytes stand at this place, where a line begins.
    pub fn new(place: Place) -> Self {
        Self {
            partial: Vec::new(),
            length: 0,
            place,
        }
    }

    /// Where the line begins that has not ended yet.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Takes bytes in and gives the lines that end in them.
    ///
    /// # Errors
    /// What `each` gave: the rest of the bytes is lost then.
    pub fn push<E>(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(WrittenLine<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.take(&bytes[..end]);
            self.length += 1;
            bytes = &bytes[end + 1..];
            self.end(&mut each)?;
        }
        self.take(bytes);
        Ok(())
    }

    /// The file ends: gives the line that it ends with, if that has no end of its own.
    ///
    /// # Errors
    /// What `each` gave.
    pub fn finish<E>(&mut self, mut each: impl FnMut(WrittenLine<'_>) -> Result<(), E>) -> Result<(), E> {
        if self.length > 0 {
            self.end(&mut each)
        } else {
            Ok(())
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        let room = (LONGEST_LINE + 2).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end<E>(&mut self, each: &mut impl FnMut(WrittenLine<'_>) -> Result<(), E>) -> Result<(), E> {
        if self.partial.len() as u64 + 1 >= self.length && self.partial.ends_with(b"\r") {
            self.partial.pop();
        }
        let too_long = self.partial.len() > LONGEST_LINE;
        self.partial.truncate(LONGEST_LINE);
        let place = self.place;
        self.place = Place {
            file: place.file,
            offset: place.offset + self.length,
            line: place.line + 1,
        };
        self.length = 0;
        let told = each(WrittenLine {
            bytes: &self.partial,
            too_long,
            place,
            next: self.place,
        });
        self.partial.clear();
        told
    }
}

/// What a line gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A report about a call.
    Call(CallItem),
    /// A report about an agent.
    Agent(AgentReport),
    /// A line to be rejected with its reason, and kept.
    Unreadable(UnreadableLine),
}

/// A report about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallItem {
    /// The source's id of the call.
    pub call: CallId,
    /// What is reported.
    pub body: CallBody,
}

/// What a line says of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallBody {
    /// Something that happened.
    Event(Box<CallEvent>),
    /// The finished record; not yet examined.
    Record {
        /// The record with its revision.
        record: Box<RevisedRecord>,
        /// When the contact ended, where the source says so; only checked against the start.
        ended_at: Option<DateTime<Utc>>,
    },
}

/// A line that cannot be read. `Display` says where and why, without personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadableLine {
    /// Its number in its file, from 1.
    pub line: u64,
    /// The field that cannot be read, if it is one.
    pub field: Option<String>,
    /// Why, and what to do; without personal data.
    pub reason: String,
    /// What was written.
    pub raw: RawRow,
    /// What the line needs beside itself to be read alone: the names of its columns, as a heading, where they are not
    /// those that the format knows by their number. Empty otherwise.
    pub context: String,
    /// Digest of what was written.
    pub digest: RowDigest,
    /// 1 for the first line with this digest, 2 for the second, …
    pub occurrence: u32,
}

impl fmt::Display for UnreadableLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(field) = &self.field {
            write!(f, ", {field}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Reads the lines of one feed, in order, across its files. Pure: the same lines give the same items.
pub trait Adapter: Send {
    /// Takes a line, without its end; longer ones than [`LONGEST_LINE`] cut to it and marked.
    fn read(&mut self, line: &[u8], too_long: bool, place: Place, items: &mut Vec<Item>);

    /// Gives what is held back until more is known: called at the end of the last file, and when a file that is
    /// followed has been quiet.
    fn settle(&mut self, items: &mut Vec<Item>);

    /// The first line that has to be read again to go on after a restart, if an earlier one than the next. The items
    /// of lines that were read before are to be thrown away then: without what stood before them, they are others.
    fn needed_from(&self) -> Option<Place>;

    /// What is to be said about the lines so far.
    fn notes(&self) -> &Notes;
}

/// What is to be said about the lines of an import beside its items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Lines with data: neither blank nor a heading.
    pub lines: u64,
    /// Kinds of lines that are known and tell nothing of a call or agent, with their numbers.
    pub without_effect: BTreeMap<String, u64>,
    /// Kinds of lines that neither the format nor the map knows, with their numbers.
    pub unknown: BTreeMap<String, u64>,
    /// What was decided about local times, in formats that have them.
    pub local_time: LocalTimeReport,
}

/// Kinds of lines that are told apart in the notes; the rest is counted together.
const KINDS_MAX: usize = 200;
/// Characters of the name of a kind.
const KIND_LENGTH: usize = 40;

impl Notes {
    pub(crate) fn without_effect(&mut self, kind: &str) {
        count(&mut self.without_effect, kind);
    }

    pub(crate) fn unknown(&mut self, kind: &str) {
        count(&mut self.unknown, kind);
    }
}

fn count(kinds: &mut BTreeMap<String, u64>, kind: &str) {
    if let Some(number) = kinds.get_mut(kind) {
        *number += 1;
        return;
    }
    let full = kinds.len() >= KINDS_MAX;
    let name = if full {
        "others".to_owned()
    } else {
        kind.chars().take(KIND_LENGTH).collect()
    };
    *kinds.entry(name).or_default() += 1;
}

/// Why a line cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) field: Option<&'static str>,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn of(field: &'static str, reason: impl Into<String>) -> Self {
        Self {
            field: Some(field),
            reason: reason.into(),
        }
    }

    pub(crate) fn line(reason: impl Into<String>) -> Self {
        Self {
            field: None,
            reason: reason.into(),
        }
    }

    pub(crate) fn too_long() -> Self {
        Self::line(format!(
            "longer than {} KiB; correct the line at its source and import the file again",
            LONGEST_LINE / 1024
        ))
    }
}

/// Turns lines that cannot be read into items, each with its number among equal ones.
#[derive(Debug)]
pub(crate) struct Rejects {
    occurrences: Occurrences,
}

impl Rejects {
    pub(crate) fn new() -> Self {
        Self {
            occurrences: Occurrences::new(),
        }
    }

    pub(crate) fn item(&mut self, raw: &[u8], place: Place, fault: Fault) -> Item {
        Item::Unreadable(self.line(raw, place, fault))
    }

    pub(crate) fn line(&mut self, raw: &[u8], place: Place, fault: Fault) -> UnreadableLine {
        let mut hash = Sha256::new();
        hash.update(b"nrwdirekt raw line 1");
        hash.update(raw);
        let digest = RowDigest(hash.finalize().into());
        UnreadableLine {
            line: place.line,
            field: fault.field.map(str::to_owned),
            reason: fault.reason,
            raw: RawRow::new(raw),
            context: String::new(),
            occurrence: self.occurrences.next(&digest),
            digest,
        }
    }
}

/// The line without the byte order mark that its file may begin with.
pub(crate) fn without_mark(line: &[u8], place: Place) -> &[u8] {
    match line.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) if place.line == 1 => rest,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    type Cut = (Vec<u8>, bool, u64, u64);

    fn cut(pieces: &[&[u8]]) -> Vec<Cut> {
        let start = Place {
            file: 0,
            offset: 0,
            line: 1,
        };
        let (mut cutter, mut lines) = (LineCutter::new(start), Vec::new());
        let mut each = |line: WrittenLine<'_>| -> Result<(), Infallible> {
            lines.push((
                line.bytes.to_vec(),
                line.too_long,
                line.place.offset,
                line.place.line,
            ));
            Ok(())
        };
        for piece in pieces {
            cutter.push(piece, &mut each).unwrap();
        }
        cutter.finish(&mut each).unwrap();
        lines
    }

    #[test]
    fn lines_end_with_lf_or_crlf_or_the_file() {
        let line = |text: &str, offset, number| (text.as_bytes().to_vec(), false, offset, number);
        assert_eq!(
            cut(&[b"a\r\nb", b"b\n\nccc"]),
            [
                line("a", 0, 1),
                line("bb", 3, 2),
                line("", 6, 3),
                line("ccc", 7, 4)
            ]
        );
        assert_eq!(cut(&[b"", b"\n"]), [line("", 0, 1)]);
    }

    #[test]
    fn of_a_line_that_is_too_long_only_its_beginning_is_kept() {
        let long = vec![b'x'; 3 * LONGEST_LINE];
        let cut = cut(&[&long, b"\nnext\n"]);
        assert_eq!((cut[0].0.len(), cut[0].1), (LONGEST_LINE, true));
        assert_eq!(cut[1], (b"next".to_vec(), false, 3 * LONGEST_LINE as u64 + 1, 2));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_a_file_is_cut_into_pieces(text in "[ab\r\n]{0,40}", piece in 1_usize..10) {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(piece).collect();
            prop_assert_eq!(cut(&pieces), cut(&[text.as_bytes()]));
        }
    }
}
