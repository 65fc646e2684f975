//! A row or line that was rejected, read again: with a map that knows more, or corrected.

use std::convert::Infallible;

use domain::ids::RowDigest;
use domain::record::CallRecord;
use thiserror::Error;

use crate::cdr::{CdrAdapter, CdrMap};
use crate::hotline_export::{ExportItem, ExportMap, ExportReader};
use crate::jsonl::{JsonlAdapter, JsonlMap};
use crate::{Adapter, DoubleHour, ImportError, Item, LineCutter, Place, WrittenLine};

/// How a line is repaired that cannot be read alone.
pub const IN_ITS_FILE: &str = "correct it in its file, import the file again (lines that are known change nothing), \
     and discard this item";

/// What was delivered, and how it is read.
#[derive(Clone, Copy, Debug)]
pub struct Delivered<'a> {
    /// Under which it was rejected, such as `hotline-export`.
    pub format: &'a str,
    /// The heading line, or what else the format needs; may be empty.
    pub context: &'a [u8],
    /// The row or line, as it was delivered or corrected.
    pub payload: &'a [u8],
    /// Words beside those of the built-in map, as TOML.
    pub map: Option<&'a str>,
    /// How a local time is read that happens twice.
    pub double_hour: DoubleHour,
}

/// What it says.
#[derive(Clone, Debug)]
pub enum Again {
    /// A row of the hotline's export, with the digest that it has now.
    Row(Box<CallRecord>, RowDigest),
    /// A line that says all of its call that it tells.
    Line(Box<Item>),
    /// A line whose call may have others, so that it may be less than what is known.
    PartOfCall(Box<Item>),
}

/// Why it cannot be read.
#[derive(Debug, Error)]
pub enum AgainFault {
    /// The map cannot be used.
    #[error(transparent)]
    Map(#[from] ImportError),
    /// Something else is wrong, with the field if it is one.
    #[error("{}{reason}", .field.as_ref().map_or(String::new(), |field| format!("{field}: ")))]
    Unreadable {
        /// The heading or name of the field.
        field: Option<String>,
        /// Why, and what to do; without personal data.
        reason: String,
    },
    /// The payload is not exactly one row or line.
    #[error("give exactly one row or line, without a heading")]
    NotOne,
    /// A line of this format does not stand alone.
    #[error("a line of {0} alone does not tell enough; {IN_ITS_FILE}")]
    NeedsItsFile(String),
    /// It tells of nothing that is counted.
    #[error("it tells of nothing that is counted; discard it")]
    Nothing,
    /// No format that can be read again.
    #[error("it cannot be read again; correct it at its source, or discard it")]
    UnknownFormat,
}

/// Whether something of a format can be read again by itself.
pub fn can_be_read(format: &str) -> bool {
    matches!(format, "hotline-export" | "cdr" | "jsonl")
}

/// Reads it again.
///
/// # Errors
/// [`AgainFault`], in words for its owner.
pub fn read(delivered: &Delivered<'_>) -> Result<Again, AgainFault> {
    macro_rules! map {
        ($map:ty) => {
            match delivered.map {
                Some(toml) => <$map>::built_in().extended(toml)?,
                None => <$map>::built_in(),
            }
        };
    }
    match delivered.format {
        "hotline-export" => row(map!(ExportMap), delivered),
        "cdr" => {
            let adapter = CdrAdapter::new(map!(CdrMap), delivered.double_hour);
            let item = line(Box::new(adapter), delivered)?;
            Ok(match item {
                Item::Call(_) => Again::PartOfCall(Box::new(item)),
                item => Again::Line(Box::new(item)),
            })
        }
        "jsonl" => {
            line(Box::new(JsonlAdapter::new(map!(JsonlMap))), delivered).map(|it| Again::Line(Box::new(it)))
        }
        "queue-log" | "cel" => Err(AgainFault::NeedsItsFile(delivered.format.to_owned())),
        _ => Err(AgainFault::UnknownFormat),
    }
}

/// A row under its heading line.
fn row(map: ExportMap, delivered: &Delivered<'_>) -> Result<Again, AgainFault> {
    let file = [
        b"\xef\xbb\xbf",
        delivered.context,
        b"\n",
        delivered.payload,
        b"\n",
    ]
    .concat();
    let rows = ExportReader::open(&file[..], map, delivered.double_hour)?;
    let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
    let (Some(row), true) = (rows.pop(), rows.is_empty()) else {
        return Err(AgainFault::NotOne);
    };
    match row {
        ExportItem::Row(row) => Ok(Again::Row(Box::new(row.record), row.digest)),
        ExportItem::Unreadable(row) => Err(AgainFault::Unreadable {
            field: row.field.map(|field| field.heading().to_owned()),
            reason: row.reason,
        }),
    }
}

/// A line under the names of its columns, where they were told.
fn line(mut adapter: Box<dyn Adapter>, delivered: &Delivered<'_>) -> Result<Item, AgainFault> {
    let payload = delivered.payload;
    let payload = payload.strip_prefix(b"\xef\xbb\xbf").unwrap_or(payload);
    let mut items = Vec::new();
    let mut cutter = LineCutter::new(Place {
        file: 0,
        offset: 0,
        line: 1,
    });
    let mut each = |line: WrittenLine<'_>| -> Result<(), Infallible> {
        adapter.read(line.bytes, line.too_long, line.place, &mut items);
        Ok(())
    };
    let Ok(()) = cutter.push(&[delivered.context, b"\n", payload].concat(), &mut each);
    let Ok(()) = cutter.finish(&mut each);
    adapter.settle(&mut items);
    if adapter.notes().lines != 1 {
        return Err(AgainFault::NotOne);
    }
    match items.pop() {
        Some(Item::Unreadable(line)) => Err(AgainFault::Unreadable {
            field: line.field,
            reason: line.reason,
        }),
        Some(item) => Ok(item),
        None => Err(AgainFault::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "Zeitstempel;Task Typ;Eingangsthema (angerufene Hotline);Verbindungsstatus";

    fn again(payload: &str, map: Option<&str>) -> Result<Again, AgainFault> {
        read(&Delivered {
            format: "hotline-export",
            context: HEADING.as_bytes(),
            payload: payload.as_bytes(),
            map,
            double_hour: DoubleHour::Reject,
        })
    }

    #[test]
    fn a_word_that_the_map_learns_and_a_corrected_row_are_read() {
        let row = "27.11.2026 09:00:00;Anruf eingehend;Bürgertelefon;Verbundn";
        let fault = again(row, None).expect_err("an unknown word").to_string();
        assert!(fault.contains("\"Verbundn\" is not known"), "{fault}");
        let map = "[connection_status]\nanswered = [\"Verbundn\"]\n";
        assert!(matches!(again(row, Some(map)), Ok(Again::Row(..))));
        assert!(matches!(
            again(&row.replace("Verbundn", "Verbunden"), None),
            Ok(Again::Row(..))
        ));
    }

    #[test]
    fn what_stands_for_itself_alone_is_told_from_what_does_not() {
        let two = "27.11.2026 09:00:00;Anruf eingehend;x;Verbunden\n27.11.2026 09:00:00;Anruf eingehend;x;Verbunden";
        assert!(matches!(again(two, None), Err(AgainFault::NotOne)));
        for format in ["hotline-export", "cdr", "jsonl", "cel", "queue-log", "other"] {
            let delivered = Delivered {
                format,
                context: b"",
                payload: b"",
                map: None,
                double_hour: DoubleHour::Reject,
            };
            let alone = !matches!(
                read(&delivered),
                Err(AgainFault::NeedsItsFile(_) | AgainFault::UnknownFormat)
            );
            assert_eq!(can_be_read(format), alone, "{format}");
        }
    }

    #[test]
    fn a_map_that_gives_no_meaning_is_refused() {
        let fault = again("x", Some("[connection_status]\ninvented = [\"x\"]\n"));
        assert!(matches!(fault, Err(AgainFault::Map(_))));
    }
}
