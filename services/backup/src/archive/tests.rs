use std::collections::BTreeMap;

use super::*;
use crate::{Key, StorageKind};

fn head() -> Head {
    Head {
        format: FORMAT,
        id: "one".to_owned(),
        created_at: chrono::DateTime::UNIX_EPOCH,
        program: "0".to_owned(),
        storage: StorageKind::Files,
        schemas: BTreeMap::from([("calls".to_owned(), 9)]),
        sequences: BTreeMap::new(),
    }
}

/// A backup of two parts, the second longer than a piece.
fn written(key: &Key) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), &key.recipient(), head()).expect("a writer");
    for (name, bytes) in [("a.db", vec![7; 10]), ("b.db", vec![9; PIECE + 1])] {
        let part = PartHead {
            name: name.to_owned(),
            columns: Vec::new(),
        };
        writer.begin_part(part).expect("begun");
        writer.data(&bytes).expect("written");
        writer
            .end_part(BTreeMap::from([("t".to_owned(), 3)]))
            .expect("ended");
    }
    writer.finish(BTreeMap::new()).expect("finished").1
}

fn read(file: &[u8], key: &Key) -> Result<(Manifest, u64), BackupError> {
    let mut reader = Reader::open(file, key)?;
    let mut bytes = 0;
    loop {
        match reader.next_item()? {
            Next::End(manifest) => return Ok((manifest, bytes)),
            Next::Part(_) => {
                reader.pour(|piece| {
                    bytes += piece.len() as u64;
                    Ok(())
                })?;
            }
        }
    }
}

#[test]
fn what_was_written_is_read() {
    let key = Key::generate();
    let (manifest, bytes) = read(&written(&key), &key).expect("whole");
    assert_eq!((manifest.bytes(), manifest.rows()), (bytes, 6));
}

#[test]
fn any_bit_that_flips_is_found() {
    let key = Key::generate();
    let file = written(&key);
    for place in (0..file.len()).step_by(17) {
        let mut bad = file.clone();
        bad[place] ^= 1;
        assert!(read(&bad, &key).is_err(), "bit at {place} of {}", file.len());
    }
}

#[test]
fn a_backup_that_ends_early_is_found() {
    let key = Key::generate();
    let file = written(&key);
    for length in [0, 10, file.len() / 2, file.len() - 1] {
        assert!(read(&file[..length], &key).is_err(), "cut at {length}");
    }
}

#[test]
fn another_key_is_told_from_damage() {
    let file = written(&Key::generate());
    let refused = read(&file, &Key::generate());
    assert!(matches!(refused, Err(BackupError::WrongKey)), "{refused:?}");
}

#[test]
fn a_backup_of_a_newer_program_is_refused_before_anything_is_read_of_it() {
    let key = Key::generate();
    let newer = Head {
        format: FORMAT + 1,
        ..head()
    };
    let writer = Writer::begin(Vec::new(), &key.recipient(), newer).expect("a writer");
    let file = writer.finish(BTreeMap::new()).expect("finished").1;
    let refused = Reader::open(file.as_slice(), &key).err();
    assert!(matches!(refused, Some(BackupError::Newer(_))), "{refused:?}");
}
