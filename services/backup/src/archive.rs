//! The stream of a backup: a head, parts in pieces, and the manifest, compressed and encrypted.
//!
//! Each piece has a letter and a length: `H` head, `P` part begins, `D` data, `E` part ends, `M` manifest. Head and ends are
//! JSON. What comes after the manifest, or a stream that ends before it, is no backup.

use std::io::{self, BufReader, Read, Write};

use age::stream::{StreamReader, StreamWriter};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::keys::{Key, Recipient};
use crate::{BackupError, FORMAT, Head, Manifest, Part, hex};

/// Bytes of a piece of data at most.
const PIECE: usize = 256 * 1024;
/// Bytes of a piece of JSON at most.
const JSON_MOST: u32 = 64 * 1024 * 1024;
/// Fast: a node counts calls meanwhile.
const LEVEL: i32 = 1;

/// How a part begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartHead {
    /// The file or the table.
    pub name: String,
    /// The columns of a table, in their order.
    #[serde(default)]
    pub columns: Vec<String>,
}

/// Writes a backup.
pub struct Writer<W: Write> {
    out: zstd::Encoder<'static, StreamWriter<W>>,
    head: Head,
    parts: Vec<Part>,
    open: Option<(PartHead, Sha256, u64)>,
}

impl<W: Write> Writer<W> {
    /// Begins a backup that the recipient alone can read.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::NoRoom`].
    pub fn begin(out: W, recipient: &Recipient, head: Head) -> Result<Self, BackupError> {
        let out = zstd::Encoder::new(sealed(out, recipient)?, LEVEL)?;
        let mut writer = Self {
            out,
            head,
            parts: Vec::new(),
            open: None,
        };
        let head = writer.head.clone();
        writer.json(b'H', &head)?;
        Ok(writer)
    }

    /// Begins a part.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::NoRoom`].
    pub fn begin_part(&mut self, head: PartHead) -> Result<(), BackupError> {
        self.json(b'P', &head)?;
        self.open = Some((head, Sha256::new(), 0));
        Ok(())
    }

    /// Adds to the part.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::NoRoom`].
    pub fn data(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        for piece in bytes.chunks(PIECE) {
            self.piece(b'D', piece)?;
            if let Some((_, hash, length)) = &mut self.open {
                hash.update(piece);
                *length += piece.len() as u64;
            }
        }
        Ok(())
    }

    /// Ends the part, of which the rows have been counted.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::NoRoom`].
    pub fn end_part(&mut self, rows: std::collections::BTreeMap<String, i64>) -> Result<(), BackupError> {
        let Some((head, hash, bytes)) = self.open.take() else {
            return Ok(());
        };
        let part = Part {
            name: head.name,
            columns: head.columns,
            rows,
            bytes,
            sha256: hex(&hash.finalize()),
        };
        self.json(b'E', &part)?;
        self.parts.push(part);
        Ok(())
    }

    /// Ends the backup. Gives what was written, and the stream below.
    ///
    /// # Errors
    /// [`BackupError::Io`], [`BackupError::NoRoom`].
    pub fn finish(
        mut self,
        figures: std::collections::BTreeMap<String, i64>,
    ) -> Result<(Manifest, W), BackupError> {
        let manifest = Manifest {
            head: self.head.clone(),
            parts: std::mem::take(&mut self.parts),
            figures,
        };
        self.json(b'M', &manifest)?;
        let encrypted = self.out.finish()?;
        Ok((manifest, encrypted.finish()?))
    }

    fn json(&mut self, letter: u8, value: &impl Serialize) -> Result<(), BackupError> {
        let text = serde_json::to_vec(value).map_err(io::Error::other)?;
        self.piece(letter, &text)
    }

    fn piece(&mut self, letter: u8, bytes: &[u8]) -> Result<(), BackupError> {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        self.out.write_all(&[letter])?;
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(bytes)?;
        Ok(())
    }
}

/// Reads a backup from beginning to end, and checks it on the way.
pub struct Reader<R: Read> {
    input: zstd::Decoder<'static, BufReader<StreamReader<R>>>,
    head: Head,
    parts: Vec<Part>,
}

/// What comes next.
#[derive(Debug)]
pub enum Next {
    /// A part begins; [`Reader::pour`] gives what is in it.
    Part(PartHead),
    /// That was all, and it is whole.
    End(Manifest),
}

impl<R: Read> Reader<R> {
    /// Opens a backup and reads its head.
    ///
    /// # Errors
    /// [`BackupError::WrongKey`], [`BackupError::NotABackup`], [`BackupError::Newer`], [`BackupError::Damaged`].
    pub fn open(file: R, key: &Key) -> Result<Self, BackupError> {
        let mut input = zstd::Decoder::new(unseal(file, key)?)?;
        let (letter, text) = piece(&mut input)?;
        if letter != b'H' {
            return Err(BackupError::NotABackup(
                "it does not begin with a head".to_owned(),
            ));
        }
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = read_json(&text)?;
        if format > FORMAT {
            return Err(BackupError::Newer(format));
        }
        Ok(Self {
            input,
            head: read_json(&text)?,
            parts: Vec::new(),
        })
    }

    /// The head.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// What comes next. The part before must have been poured out.
    ///
    /// # Errors
    /// [`BackupError::Damaged`] when something is not as it was written.
    pub fn next_item(&mut self) -> Result<Next, BackupError> {
        match piece(&mut self.input)? {
            (b'P', text) => Ok(Next::Part(read_json(&text)?)),
            (b'M', text) => self.end(read_json(&text)?),
            (letter, _) => Err(damaged(format!("an unexpected piece {letter:#04x}"))),
        }
    }

    /// Pours the part that has begun into a sink, piece by piece, and compares it with its hash at the end.
    ///
    /// # Errors
    /// [`BackupError::Damaged`]; whatever the sink refuses with.
    pub fn pour(
        &mut self,
        mut sink: impl FnMut(&[u8]) -> Result<(), BackupError>,
    ) -> Result<Part, BackupError> {
        let (mut hash, mut length) = (Sha256::new(), 0);
        loop {
            let (letter, bytes) = piece(&mut self.input)?;
            match letter {
                b'D' => {
                    hash.update(&bytes);
                    length += bytes.len() as u64;
                    sink(&bytes)?;
                }
                b'E' => {
                    let part: Part = read_json(&bytes)?;
                    if part.bytes != length || part.sha256 != hex(&hash.finalize()) {
                        return Err(damaged(format!("{} is not as it was written", part.name)));
                    }
                    self.parts.push(part.clone());
                    return Ok(part);
                }
                letter => return Err(damaged(format!("an unexpected piece {letter:#04x}"))),
            }
        }
    }

    fn end(&mut self, manifest: Manifest) -> Result<Next, BackupError> {
        let mut more = [0];
        if self.input.read(&mut more)? > 0 {
            return Err(damaged("something comes after its end".to_owned()));
        }
        if manifest.parts != self.parts || manifest.head != self.head {
            return Err(damaged("its manifest names other parts than it has".to_owned()));
        }
        Ok(Next::End(manifest))
    }
}

/// What is written to it, the recipient alone can read.
fn sealed<W: Write>(out: W, recipient: &Recipient) -> Result<StreamWriter<W>, BackupError> {
    let encryptor = age::Encryptor::with_recipients(std::iter::once(recipient.age()))
        .map_err(|error| BackupError::Key(error.to_string()))?;
    Ok(encryptor.wrap_output(out)?)
}

/// Writes something small for the recipient alone.
pub(crate) fn seal(out: impl Write, recipient: &Recipient, content: &[u8]) -> Result<(), BackupError> {
    let mut sealed = sealed(out, recipient)?;
    sealed.write_all(content)?;
    sealed.finish()?;
    Ok(())
}

/// Opens what was written for the key.
pub(crate) fn unseal<R: Read>(file: R, key: &Key) -> Result<StreamReader<R>, BackupError> {
    let decryptor = age::Decryptor::new(file).map_err(|error| of_age(&error))?;
    decryptor
        .decrypt(key.identities())
        .map_err(|error| of_age(&error))
}

fn piece(input: &mut impl Read) -> Result<(u8, Vec<u8>), BackupError> {
    let mut start = [0; 5];
    input.read_exact(&mut start)?;
    let [letter, length @ ..] = start;
    let length = u32::from_be_bytes(length);
    if length > JSON_MOST {
        return Err(damaged("a piece is too long".to_owned()));
    }
    let mut bytes = vec![0; length as usize];
    input.read_exact(&mut bytes)?;
    Ok((letter, bytes))
}

fn read_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, BackupError> {
    serde_json::from_slice(text).map_err(|error| damaged(error.to_string()))
}

fn damaged(what: String) -> BackupError {
    BackupError::Damaged(what)
}

fn of_age(error: &age::DecryptError) -> BackupError {
    use age::DecryptError as E;
    match error {
        E::NoMatchingKeys | E::KeyDecryptionFailed => BackupError::WrongKey,
        E::InvalidMac | E::DecryptionFailed => BackupError::Damaged(error.to_string()),
        error => BackupError::NotABackup(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
