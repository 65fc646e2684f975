//! Row by row through the file.

use std::io::Read;
use std::iter::FusedIterator;

use domain::ids::RowDigest;
use domain::record::{CallRecord, Field};

use crate::delimited::{Cells, Rows, Shape};
use crate::encoding::{Decoder, InvalidUtf8, TextEncoding};
use crate::error::ImportError;
use crate::hotline_export::heading::{Columns, Heading};
use crate::hotline_export::item::{ExportItem, RawRow, Row, UnreadableRow};
use crate::hotline_export::map::ExportMap;
use crate::hotline_export::record::{RowFault, record};
use crate::hotline_export::values::{Digester, Value};
use crate::lines::{LONGEST_ROW, Line, Lines};
use crate::local_time::{DoubleHour, LocalClock, LocalTimeReport};
use crate::occurrences::Occurrences;

/// Reads an export from anything that can be read, one item a row, in the order of the file.
///
/// Holds one row (64 KiB at most; a longer one is unreadable) and less than 40 bytes for each row before it.
pub struct ExportReader<R> {
    rows: Rows<R>,
    heading: Heading,
    heading_line: String,
    map: ExportMap,
    decoder: Decoder,
    clock: LocalClock,
    digester: Digester,
    occurrences: Occurrences,
    cells: Cells,
    row: Line,
    folded: String,
    ended: bool,
}

/// What a row was found to be, before its number among equal rows is known.
struct Judged {
    digest: RowDigest,
    outcome: Result<CallRecord, (RowFault, RawRow)>,
}

impl<R: Read> ExportReader<R> {
    /// Reads the heading line.
    ///
    /// # Errors
    /// [`ImportError`] for a file that is no export: empty, no text, without a mandatory column, …
    pub fn open(reader: R, map: ExportMap, double_hour: DoubleHour) -> Result<Self, ImportError> {
        let mut lines = Lines::new(reader);
        let mut decoder = Decoder::default();
        let (heading, heading_line) = loop {
            let mut line = Line::default();
            let read = lines.read(&mut line);
            if !read.map_err(|source| ImportError::Read {
                line: lines.number(),
                source,
            })? {
                return Err(ImportError::Empty);
            }
            let mut bytes = &line.bytes[..];
            if line.number == 1 {
                refuse_other_than_text(bytes)?;
                if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
                    decoder.settle_utf8();
                    bytes = rest;
                }
            }
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            let text = decoder
                .decode(bytes)
                .map_err(|_| ImportError::NoHeading { line: line.number })?;
            break (
                Heading::read(&text, line.number, &map)?,
                text.trim_end_matches(['\r', '\n']).to_owned(),
            );
        };
        Ok(Self {
            rows: Rows::new(
                lines,
                heading.separator,
                [heading.columns_min, heading.columns_max],
            ),
            heading,
            heading_line,
            map,
            decoder,
            clock: LocalClock::new(double_hour),
            digester: Digester::default(),
            occurrences: Occurrences::new(),
            cells: Cells::default(),
            row: Line::default(),
            folded: String::new(),
            ended: false,
        })
    }

    /// What the columns were taken for.
    pub fn columns(&self) -> &Columns {
        &self.heading.report
    }

    /// The heading line as written: with it a row can be read again on its own.
    pub fn heading_line(&self) -> &str {
        &self.heading_line
    }

    /// The sign between the columns.
    pub fn separator(&self) -> char {
        self.heading.separator.into()
    }

    /// The encoding of the file; none while everything that was read is ASCII, where both are the same.
    pub fn encoding(&self) -> Option<TextEncoding> {
        self.decoder.encoding()
    }

    /// What was decided about local times so far.
    pub fn local_time(&self) -> LocalTimeReport {
        self.clock.report()
    }

    /// Judges the row that was read; none for a blank one.
    fn judge(&mut self, shape: Shape) -> Option<Judged> {
        let Self {
            heading,
            map,
            decoder,
            clock,
            digester,
            cells,
            row,
            folded,
            ..
        } = self;
        let bytes = &row.bytes[..];
        let text = if shape == Shape::TooLong && decoder.encoding() != Some(TextEncoding::Windows1252) {
            // Its beginning may end within a letter.
            String::from_utf8_lossy(bytes)
        } else {
            match decoder.decode(bytes) {
                Ok(text) => text,
                Err(invalid) => {
                    let fault = invalid_utf8(invalid, bytes, heading, cells);
                    let digest = digester.raw_row([bytes].into_iter());
                    return Some(Judged {
                        digest,
                        outcome: Err((fault, RawRow::new(bytes))),
                    });
                }
            }
        };
        let text = &*text;
        cells.split(text, heading.separator);
        if shape == Shape::Whole && cells.iter(text).all(str::is_empty) {
            return None;
        }
        if let Some(reason) = malformed(shape, cells, text, heading) {
            let digest = digester.raw_row(cells.iter(text).map(str::as_bytes));
            let fault = RowFault { field: None, reason };
            return Some(Judged {
                digest,
                outcome: Err((fault, RawRow::new(text))),
            });
        }
        let values = Field::ALL.map(|field| {
            let cell = heading.column(field).and_then(|column| cells.get(text, column));
            Value::read(field, cell.unwrap_or_default())
        });
        let outcome = record(&values, map, clock, folded).map_err(|fault| (fault, RawRow::new(text)));
        Some(Judged {
            digest: digester.row(&values),
            outcome,
        })
    }
}

impl<R: Read> Iterator for ExportReader<R> {
    type Item = Result<ExportItem, ImportError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let shape = match self.rows.read(&mut self.row) {
                Ok(Some(shape)) => shape,
                Ok(None) => break,
                Err(source) => {
                    self.ended = true;
                    return Some(Err(ImportError::Read {
                        line: self.rows.line_number(),
                        source,
                    }));
                }
            };
            let line = self.row.number;
            let Some(Judged { digest, outcome }) = self.judge(shape) else {
                continue;
            };
            let occurrence = self.occurrences.next(&digest);
            return Some(Ok(match outcome {
                Ok(record) => ExportItem::Row(Row {
                    line,
                    record,
                    digest,
                    occurrence,
                }),
                Err((RowFault { field, reason }, raw)) => ExportItem::Unreadable(UnreadableRow {
                    line,
                    field,
                    reason,
                    raw,
                    digest,
                    occurrence,
                }),
            }));
        }
        self.ended = true;
        None
    }
}

impl<R: Read> FusedIterator for ExportReader<R> {}

const SAVE_AS: &str = "save it as UTF-8 or Windows-1252 and import that";

/// A file that is known not to be text, by its first bytes.
fn refuse_other_than_text(start: &[u8]) -> Result<(), ImportError> {
    let (found, remedy) = if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        ("UTF-16 (\"Unicode\")", SAVE_AS)
    } else if start.starts_with(b"PK\x03\x04") {
        (
            "an Excel workbook or a ZIP archive",
            "save it as CSV, or unpack it, and import that",
        )
    } else if start.starts_with(b"\x1f\x8b") || start.starts_with(b"\x28\xb5\x2f\xfd") {
        ("compressed", "unpack it and import that")
    } else if start.contains(&0) {
        ("no text in a known encoding", SAVE_AS)
    } else {
        return Ok(());
    };
    Err(ImportError::NotText { found, remedy })
}

/// Why a row does not have the columns of its heading.
fn malformed(shape: Shape, cells: &Cells, text: &str, heading: &Heading) -> Option<String> {
    const REMEDY: &str = "correct the row at its source and import the file again";
    let columns = heading.columns_min;
    let surplus = || {
        cells
            .iter(text)
            .skip(heading.columns_max)
            .any(|cell| !cell.is_empty())
    };
    match shape {
        Shape::TooLong => Some(format!("longer than {} KiB; {REMEDY}", LONGEST_ROW / 1024)),
        Shape::OpenQuote => Some(format!("a quotation mark is never closed; {REMEDY}")),
        Shape::Whole if cells.len() < columns => Some(format!(
            "{} columns instead of {columns}; complete the row at its source and import the file again",
            cells.len()
        )),
        Shape::Whole if cells.len() > columns && surplus() => Some(format!(
            "{} columns instead of {columns}; quote values that contain the separator and import the file again",
            cells.len(),
        )),
        Shape::Whole => None,
    }
}

fn invalid_utf8(
    InvalidUtf8(byte): InvalidUtf8,
    row: &[u8],
    heading: &Heading,
    cells: &mut Cells,
) -> RowFault {
    let text = String::from_utf8_lossy(row);
    cells.split(&text, heading.separator);
    let column = cells.iter(&text).position(|cell| cell.contains('\u{fffd}'));
    RowFault {
        field: column.and_then(|column| heading.field(column)),
        reason: format!(
            "invalid UTF-8 (byte 0x{byte:02X}) in a file that is UTF-8 otherwise; \
             save the whole file in one encoding and import it again"
        ),
    }
}
