//! Imports files of the line formats, one after the other, with one adapter.

use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::Context as _;
use importer::cdr::{CdrAdapter, CdrMap};
use importer::cel::{CelAdapter, CelMap};
use importer::jsonl::{JsonlAdapter, JsonlMap};
use importer::queue_log::{QueueLogAdapter, QueueLogMap};
use importer::{Adapter, DoubleHour, ImportError, Item, LineCutter, Notes, Place};

use super::batches::{Batches, SenderGone};
use super::opening;
use crate::cli::ImportFormat;
use crate::exit::Failure;

/// What reading gave beside its items.
pub(super) struct Parsed {
    pub(super) read: u64,
    pub(super) unreadable: u64,
    pub(super) notes: Notes,
}

/// The adapter of a format, with the built-in map and what `map` adds; none for formats of rows.
pub(super) fn adapter(
    format: ImportFormat,
    map: Option<&str>,
    double_hour: DoubleHour,
) -> Result<Option<Box<dyn Adapter>>, ImportError> {
    macro_rules! map {
        ($map:ty) => {
            match map {
                Some(toml) => <$map>::built_in().extended(toml)?,
                None => <$map>::built_in(),
            }
        };
    }
    Ok(Some(match format {
        ImportFormat::HotlineExport => return Ok(None),
        ImportFormat::QueueLog => Box::new(QueueLogAdapter::new(map!(QueueLogMap))),
        ImportFormat::Cdr => Box::new(CdrAdapter::new(map!(CdrMap), double_hour)),
        ImportFormat::Cel => Box::new(CelAdapter::new(map!(CelMap), double_hour)),
        ImportFormat::Jsonl => Box::new(JsonlAdapter::new(map!(JsonlMap))),
    }))
}

/// Why reading stopped before the end.
enum Stopped {
    SenderGone,
    Read(io::Error),
}

impl From<SenderGone> for Stopped {
    fn from(_: SenderGone) -> Self {
        Self::SenderGone
    }
}

/// Reads the files in their order. Runs on a blocking thread.
pub(super) fn read(
    files: &[PathBuf],
    adapter: &mut dyn Adapter,
    batches: &mut Batches,
    progress: &indicatif::ProgressBar,
) -> anyhow::Result<Parsed> {
    for (file, path) in (0..).zip(files) {
        let mut reader = progress.wrap_read(opening::open(path)?);
        match read_file(file, &mut reader, adapter, batches) {
            Ok(()) => {}
            Err(Stopped::SenderGone) => return Ok(parsed(adapter, batches)),
            Err(Stopped::Read(error)) => {
                // What was read before is sent all the same.
                let _ = batches.flush();
                let failure = Failure::usage(format!(
                    "{error}; import it again when it can be read: what was sent counts once"
                ));
                return Err(failure).with_context(|| path.display().to_string());
            }
        }
    }
    let mut items = Vec::new();
    adapter.settle(&mut items);
    if give(&mut items, batches).is_ok() {
        let _ = batches.flush();
    }
    Ok(parsed(adapter, batches))
}

fn parsed(adapter: &dyn Adapter, batches: &Batches) -> Parsed {
    Parsed {
        read: adapter.notes().lines,
        unreadable: batches.listing.number,
        notes: adapter.notes().clone(),
    }
}

fn read_file(
    file: u32,
    reader: &mut impl Read,
    adapter: &mut dyn Adapter,
    batches: &mut Batches,
) -> Result<(), Stopped> {
    let mut cutter = LineCutter::new(Place {
        file,
        offset: 0,
        line: 1,
    });
    let mut piece = vec![0; 1 << 16];
    let mut items = Vec::new();
    let mut each = |line: importer::WrittenLine<'_>| -> Result<(), Stopped> {
        adapter.read(line.bytes, line.too_long, line.place, &mut items);
        Ok(give(&mut items, batches)?)
    };
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return cutter.finish(&mut each),
            Ok(length) => cutter.push(&piece[..length], &mut each)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Stopped::Read(error)),
        }
    }
}

fn give(items: &mut Vec<Item>, batches: &mut Batches) -> Result<(), SenderGone> {
    for item in items.drain(..) {
        batches.add(item);
        if batches.is_full() {
            batches.flush()?;
        }
    }
    Ok(())
}
