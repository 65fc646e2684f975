//! Whether a file is UTF-8 or Windows-1252.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::WINDOWS_1252;

/// How the letters of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextEncoding {
    /// UTF-8, with or without byte order mark.
    Utf8,
    /// Windows-1252, the "ANSI" of German Windows.
    Windows1252,
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Windows1252 => "Windows-1252",
        })
    }
}

/// Decodes row by row. Undecided while everything is ASCII: the first other row decides for the rest of the file.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    encoding: Option<TextEncoding>,
}

/// The first byte that is not UTF-8 in a file that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidUtf8(pub(crate) u8);

impl Decoder {
    /// A byte order mark was found.
    pub(crate) fn settle_utf8(&mut self) {
        self.encoding = Some(TextEncoding::Utf8);
    }

    /// What was found out so far; none while everything was ASCII.
    pub(crate) fn encoding(&self) -> Option<TextEncoding> {
        self.encoding
    }

    /// The text of a row.
    pub(crate) fn decode<'a>(&mut self, bytes: &'a [u8]) -> Result<Cow<'a, str>, InvalidUtf8> {
        if self.encoding == Some(TextEncoding::Windows1252) {
            return Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0);
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                if self.encoding.is_none() && !text.is_ascii() {
                    self.encoding = Some(TextEncoding::Utf8);
                }
                Ok(Cow::Borrowed(text))
            }
            Err(fault) if self.encoding == Some(TextEncoding::Utf8) => {
                Err(InvalidUtf8(bytes[fault.valid_up_to()]))
            }
            Err(_) => {
                self.encoding = Some(TextEncoding::Windows1252);
                Ok(WINDOWS_1252.decode_without_bom_handling(bytes).0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_beyond_ascii_decides() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.decode(b"Fax").unwrap(), "Fax");
        assert_eq!(decoder.encoding(), None);
        assert_eq!(decoder.decode(b"\xdcberlauf \x80").unwrap(), "Überlauf €");
        assert_eq!(decoder.decode("Ü".as_bytes()).unwrap(), "Ãœ");
        let mut decoder = Decoder::default();
        assert_eq!(decoder.decode("Überlauf".as_bytes()).unwrap(), "Überlauf");
        assert_eq!(decoder.decode(b"\xdcberlauf"), Err(InvalidUtf8(0xdc)));
    }
}
