//! What the fuzz targets (`fuzz/`) and the test of their seeds run: every parser, on any bytes.
//!
//! Each fails if a parser panics, loses a line, or gives other items when the same bytes come in other pieces.

use std::convert::Infallible;

use crate::adapter::{Adapter, Item, LineCutter, Place, WrittenLine};
use crate::cdr::{CdrAdapter, CdrMap};
use crate::cel::{CelAdapter, CelMap};
use crate::hotline_export::{ExportMap, ExportReader};
use crate::jsonl::{JsonlAdapter, JsonlMap};
use crate::local_time::DoubleHour;
use crate::queue_log::{QueueLogAdapter, QueueLogMap};

/// The hotline's export.
pub fn hotline_export(bytes: &[u8]) {
    if let Ok(rows) = ExportReader::open(bytes, ExportMap::built_in(), DoubleHour::default()) {
        for row in rows {
            assert!(row.is_ok(), "memory can be read to its end");
        }
    }
}

/// The queue log.
pub fn queue_log(bytes: &[u8]) {
    lines(bytes, || QueueLogAdapter::new(QueueLogMap::built_in()));
}

/// Call detail records.
pub fn cdr(bytes: &[u8]) {
    lines(bytes, || {
        CdrAdapter::new(CdrMap::built_in(), DoubleHour::default())
    });
}

/// Channel events.
pub fn cel(bytes: &[u8]) {
    lines(bytes, || {
        CelAdapter::new(CelMap::built_in(), DoubleHour::default())
    });
}

/// JSON lines.
pub fn jsonl(bytes: &[u8]) {
    lines(bytes, || JsonlAdapter::new(JsonlMap::built_in()));
}

fn lines<A: Adapter>(bytes: &[u8], adapter: impl Fn() -> A) {
    let whole = read(&mut adapter(), bytes, bytes.len().max(1));
    let pieces = read(&mut adapter(), bytes, 7);
    assert!(
        whole == pieces,
        "it does not matter in which pieces a file is read"
    );
}

fn read(adapter: &mut impl Adapter, bytes: &[u8], piece: usize) -> Vec<Item> {
    let mut items = Vec::new();
    let start = Place {
        file: 0,
        offset: 0,
        line: 1,
    };
    let mut cutter = LineCutter::new(start);
    let mut blank = 0;
    let mut each = |line: WrittenLine<'_>| -> Result<(), Infallible> {
        let text = line
            .bytes
            .strip_prefix(b"\xef\xbb\xbf")
            .filter(|_| line.place.line == 1);
        blank += u64::from(text.unwrap_or(line.bytes).trim_ascii().is_empty());
        adapter.read(line.bytes, line.too_long, line.place, &mut items);
        Ok(())
    };
    for piece in bytes.chunks(piece) {
        let Ok(()) = cutter.push(piece, &mut each);
    }
    let Ok(()) = cutter.finish(&mut each);
    adapter.settle(&mut items);
    let lines = cutter.place().line - 1 - blank;
    // A heading is no data.
    assert!(adapter.notes().lines <= lines && adapter.notes().lines + headings(bytes) >= lines);
    items
}

fn headings(bytes: &[u8]) -> u64 {
    let text = bytes.to_ascii_lowercase();
    let lines = text.split(|byte| *byte == b'\n');
    let heading = |line: &&[u8]| line.windows(8).any(|window| window == b"uniqueid");
    lines.filter(heading).count() as u64
}
