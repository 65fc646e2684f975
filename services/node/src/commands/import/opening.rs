//! Opens what is imported, packed or not.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;

use crate::exit::Failure;

/// The longest beginning by which a packed file is known.
const MAGIC: usize = 4;

/// Opens a file, or standard input for `-`; gzip and zstd are known by their first bytes.
pub(super) fn open(path: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    let failed = |error: io::Error| Failure::usage(format!("{}: {error}", path.display()));
    if path.as_os_str() == "-" {
        return unpacked(io::stdin()).map_err(failed);
    }
    fs::File::open(path).and_then(unpacked).map_err(failed)
}

/// What a reader gives, unpacked.
pub(super) fn unpacked(reader: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let mut beginning = Vec::new();
    reader.by_ref().take(MAGIC as u64).read_to_end(&mut beginning)?;
    let magic = beginning.clone();
    let whole = io::Cursor::new(beginning).chain(reader);
    Ok(if magic.starts_with(b"\x1f\x8b") {
        Box::new(flate2::bufread::MultiGzDecoder::new(whole))
    } else if magic == b"\x28\xb5\x2f\xfd" {
        Box::new(zstd::Decoder::with_buffer(whole)?)
    } else {
        Box::new(whole)
    })
}

/// Whether a file is packed: such a file is read whole, and does not grow.
pub(super) fn is_packed(path: &Path) -> io::Result<bool> {
    let mut reader = BufReader::with_capacity(MAGIC, fs::File::open(path)?);
    let beginning = reader.fill_buf()?;
    Ok(beginning.starts_with(b"\x1f\x8b") || beginning == b"\x28\xb5\x2f\xfd")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn packed_files_are_known_by_their_beginning() {
        let text = b"1795347959|NONE|NONE|NONE|QUEUESTART|\n".repeat(100);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(&text).unwrap();
        let zstd = zstd::encode_all(&text[..], 3).unwrap();
        for packed in [
            text.clone(),
            gzip.finish().unwrap(),
            zstd,
            Vec::new(),
            b"1".to_vec(),
        ] {
            let expected = if packed.len() < 2 {
                packed.clone()
            } else {
                text.clone()
            };
            let mut read = Vec::new();
            unpacked(io::Cursor::new(packed))
                .unwrap()
                .read_to_end(&mut read)
                .unwrap();
            assert_eq!(read, expected);
        }
    }
}
