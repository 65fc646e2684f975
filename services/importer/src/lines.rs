//! The lines of a file, however long: memory stays bounded.

use std::io::{self, BufRead, BufReader, Read};

/// The longest line, and the longest row over several lines, in bytes. 24 fields of the longest text that a field
/// may have take less.
pub(crate) const LONGEST_ROW: usize = 64 * 1024;

/// One line without its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// Position in the file, from 1.
    pub(crate) number: u64,
    /// The line; of a line that is too long its beginning.
    pub(crate) bytes: Vec<u8>,
    /// Whether it is longer than [`LONGEST_ROW`].
    pub(crate) too_long: bool,
}

/// Lines that end with LF or CRLF, or with the file.
pub(crate) struct Lines<R> {
    input: BufReader<R>,
    number: u64,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(LONGEST_ROW, input),
            number: 0,
        }
    }

    /// The line that was read last.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Reads the next line into `line`; false at the end of the file.
    pub(crate) fn read(&mut self, line: &mut Line) -> io::Result<bool> {
        line.bytes.clear();
        let limit = LONGEST_ROW as u64 + 2;
        if self
            .input
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line.bytes)?
            == 0
        {
            return Ok(false);
        }
        self.number += 1;
        line.number = self.number;
        if line.bytes.ends_with(b"\n") {
            line.bytes.pop();
            if line.bytes.ends_with(b"\r") {
                line.bytes.pop();
            }
        } else if line.bytes.len() as u64 == limit {
            self.input.skip_until(b'\n')?;
        }
        line.too_long = line.bytes.len() > LONGEST_ROW;
        line.bytes.truncate(LONGEST_ROW);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<(u64, usize, bool)> {
        let mut lines = Lines::new(input);
        let mut line = Line::default();
        let mut read = Vec::new();
        while lines.read(&mut line).unwrap() {
            read.push((line.number, line.bytes.len(), line.too_long));
        }
        read
    }

    #[test]
    fn lines_end_with_lf_or_crlf_or_the_file() {
        assert_eq!(
            lines(b"a\r\nbb\n\nccc"),
            [(1, 1, false), (2, 2, false), (3, 0, false), (4, 3, false)]
        );
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn of_a_line_that_is_too_long_only_its_beginning_is_kept() {
        let mut input = vec![b'x'; 3 * LONGEST_ROW];
        input.extend_from_slice(b"\nnext\n");
        assert_eq!(lines(&input), [(1, LONGEST_ROW, true), (2, 4, false)]);
    }
}
