//! Rows of separated cells that may be quoted.
//!
//! Reads what the `csv` crate reads, and differs in one thing on purpose: a quotation mark that is never closed costs
//! one row, not the rest of the file. A row goes on over the end of its line only if that gives a whole row, properly
//! quoted, with the number of columns that the heading promises; otherwise the first line alone is set aside, and
//! reading goes on with the second.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;

use crate::lines::{LONGEST_ROW, Line, Lines};

/// How many lines a row may span.
const MOST_LINES: usize = 50;

/// What stands between two row ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A row whose quotation marks are closed.
    Whole,
    /// Longer than any row can be.
    TooLong,
    /// A line with a quotation mark that is never closed.
    OpenQuote,
}

/// The rows of a file.
pub(crate) struct Rows<R> {
    lines: Lines<R>,
    /// Lines that were read in search of a closing quotation mark, and are rows of their own.
    ahead: VecDeque<Line>,
    separator: u8,
    columns: [usize; 2],
}

impl<R: Read> Rows<R> {
    /// Rows after the heading, separated by `separator`. `columns` says how many a row over several lines may have.
    pub(crate) fn new(lines: Lines<R>, separator: u8, columns: [usize; 2]) -> Self {
        Self {
            lines,
            ahead: VecDeque::new(),
            separator,
            columns,
        }
    }

    /// The line that was read last.
    pub(crate) fn line_number(&self) -> u64 {
        self.lines.number()
    }

    /// Reads the next row into `row`; none at the end of the file.
    pub(crate) fn read(&mut self, row: &mut Line) -> io::Result<Option<Shape>> {
        if let Some(line) = self.ahead.pop_front() {
            *row = line;
        } else if !self.lines.read(row)? {
            return Ok(None);
        }
        if row.too_long {
            return Ok(Some(Shape::TooLong));
        }
        if !row.bytes.contains(&b'"') || !scan(&row.bytes, self.separator, |_| {}).open {
            return Ok(Some(Shape::Whole));
        }
        self.continue_row(row).map(Some)
    }

    /// Goes on over the line's end, if that gives a whole row.
    fn continue_row(&mut self, row: &mut Line) -> io::Result<Shape> {
        let mut joined = row.bytes.clone();
        for taken in 0..MOST_LINES {
            if taken == self.ahead.len() {
                let mut line = Line::default();
                if !self.lines.read(&mut line)? {
                    break;
                }
                self.ahead.push_back(line);
            }
            let line = &self.ahead[taken];
            if line.too_long || joined.len() + 1 + line.bytes.len() > LONGEST_ROW {
                break;
            }
            joined.push(b'\n');
            joined.extend_from_slice(&line.bytes);
            if !line.bytes.contains(&b'"') {
                continue;
            }
            let scan = scan(&joined, self.separator, |_| {});
            if scan.open {
                continue;
            }
            if !scan.proper || !self.columns.contains(&scan.cells) {
                break;
            }
            self.ahead.drain(..=taken);
            row.bytes = joined;
            return Ok(Shape::Whole);
        }
        Ok(Shape::OpenQuote)
    }
}

/// The cells of one row; kept from row to row, so that splitting allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    unquoted: Option<String>,
    spare: String,
    bounds: Vec<Range<usize>>,
}

impl Cells {
    /// Splits a row and takes its quotation marks away.
    pub(crate) fn split(&mut self, row: &str, separator: u8) {
        self.bounds.clear();
        if let Some(used) = self.unquoted.take() {
            self.spare = used;
        }
        if row.as_bytes().contains(&b'"') {
            self.split_quoted(row, separator);
            return;
        }
        let mut start = 0;
        for (at, byte) in row.bytes().enumerate() {
            if byte == separator {
                self.bounds.push(start..at);
                start = at + 1;
            }
        }
        self.bounds.push(start..row.len());
    }

    fn split_quoted(&mut self, row: &str, separator: u8) {
        let mut unquoted = std::mem::take(&mut self.spare);
        unquoted.clear();
        let mut start = 0;
        scan(row.as_bytes(), separator, |piece| match piece {
            Piece::Text(range) => unquoted.push_str(&row[range]),
            Piece::CellEnd => {
                self.bounds.push(start..unquoted.len());
                start = unquoted.len();
            }
        });
        self.unquoted = Some(unquoted);
    }

    /// How many cells the row has.
    pub(crate) fn len(&self) -> usize {
        self.bounds.len()
    }

    /// A cell of the row that was split, trimmed; none beyond the last.
    pub(crate) fn get<'a>(&'a self, row: &'a str, index: usize) -> Option<&'a str> {
        let text = self.unquoted.as_deref().unwrap_or(row);
        self.bounds.get(index).map(|bounds| text[bounds.clone()].trim())
    }

    /// All cells, trimmed.
    pub(crate) fn iter<'a>(&'a self, row: &'a str) -> impl Iterator<Item = &'a str> {
        (0..self.len()).filter_map(move |index| self.get(row, index))
    }
}

enum Piece {
    Text(Range<usize>),
    CellEnd,
}

struct Scan {
    cells: usize,
    /// A quotation mark is not closed.
    open: bool,
    /// No text follows a closing quotation mark within its cell.
    proper: bool,
}

/// Goes through a row once. Lenient like the `csv` crate: a quotation mark counts only at the start of a cell, and
/// text after the closing one belongs to the cell.
fn scan(row: &[u8], separator: u8, mut piece: impl FnMut(Piece)) -> Scan {
    let mut scan = Scan {
        cells: 0,
        open: false,
        proper: true,
    };
    let mut at = 0;
    loop {
        let quoted = row.get(at) == Some(&b'"');
        while row.get(at) == Some(&b'"') {
            let start = at + 1;
            let Some(length) = row[start..].iter().position(|byte| *byte == b'"') else {
                piece(Piece::Text(start..row.len()));
                scan.open = true;
                at = row.len();
                break;
            };
            at = start + length + 1;
            // A doubled mark stands for itself: it is taken along, and the cell goes on after it.
            let doubled = row.get(at) == Some(&b'"');
            piece(Piece::Text(start..start + length + usize::from(doubled)));
        }
        let end = row[at..]
            .iter()
            .position(|byte| *byte == separator)
            .map_or(row.len(), |length| at + length);
        scan.proper &= !quoted || end == at;
        piece(Piece::Text(at..end));
        piece(Piece::CellEnd);
        scan.cells += 1;
        if end == row.len() {
            return scan;
        }
        at = end + 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str, columns: usize) -> Vec<(u64, Shape, Vec<String>)> {
        let mut rows = Rows::new(Lines::new(text.as_bytes()), b';', [columns; 2]);
        let (mut row, mut cells, mut read) = (Line::default(), Cells::default(), Vec::new());
        while let Some(shape) = rows.read(&mut row).unwrap() {
            let text = std::str::from_utf8(&row.bytes).unwrap();
            cells.split(text, b';');
            read.push((row.number, shape, cells.iter(text).map(str::to_owned).collect()));
        }
        read
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Shape, Vec<String>) {
        (
            line,
            Shape::Whole,
            cells.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn quoted_cells_hold_separators_quotation_marks_and_line_ends() {
        let read = rows("a;\"b;\"\"c\"\"\nd\";e\r\nf;g;h", 3);
        assert_eq!(
            read,
            [row(1, &["a", "b;\"c\"\nd", "e"]), row(3, &["f", "g", "h"])]
        );
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_costs_one_row() {
        let read = rows("\"a;b\nc;d\ne;f\n", 2);
        assert_eq!(read[0].1, Shape::OpenQuote);
        assert_eq!(read[1..], [row(2, &["c", "d"]), row(3, &["e", "f"])]);
    }

    #[test]
    fn a_stray_quotation_mark_does_not_swallow_rows_up_to_the_next_quoted_cell() {
        let read = rows("a;\"b\nc;d\ne;\"f;\"\n\"g\";h\n", 2);
        assert_eq!(read[0].1, Shape::OpenQuote);
        assert_eq!(
            read[1..],
            [row(2, &["c", "d"]), row(3, &["e", "f;"]), row(4, &["g", "h"])]
        );
    }

    proptest! {
        #[test]
        fn a_line_has_the_cells_that_the_csv_crate_finds(line in "[a\"; ü]{1,20}") {
            let oracle = csv::ReaderBuilder::new().delimiter(b';').has_headers(false).flexible(true)
                .trim(csv::Trim::All).from_reader(line.as_bytes()).records().next().unwrap().unwrap();
            let mut cells = Cells::default();
            cells.split(&line, b';');
            let found: Vec<_> = cells.iter(&line).collect();
            prop_assert_eq!(found, oracle.iter().collect::<Vec<_>>());
        }
    }
}
