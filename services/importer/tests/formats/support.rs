//! What the tests of the line formats share.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::assembly::{Assembled, CallState, Flag};
use domain::report::ReportBody;
use domain::visit::Visit;
use importer::{Adapter, CallBody, Item, Place};

/// The recorded logs and what was measured while they were written.
pub(crate) struct Asterisk {
    pub(crate) queue_log_0: Vec<u8>,
    pub(crate) queue_log: Vec<u8>,
    pub(crate) cdr: Vec<u8>,
    pub(crate) cel: Vec<u8>,
    pub(crate) expected: serde_json::Value,
}

pub(crate) static ASTERISK: LazyLock<Asterisk> = LazyLock::new(|| {
    let file = |name: &str| {
        let path = format!("{}/tests/data/asterisk/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).unwrap()
    };
    Asterisk {
        queue_log_0: file("queue_log.0"),
        queue_log: file("queue_log"),
        cdr: file("cdr.csv"),
        cel: file("cel.csv"),
        expected: serde_json::from_slice(&file("expected.json")).unwrap(),
    }
});

/// Reads files, one after the other.
pub(crate) fn read(adapter: &mut dyn Adapter, files: &[&[u8]]) -> Vec<Item> {
    let mut items = Vec::new();
    for (file, text) in files.iter().enumerate() {
        feed(adapter, text, file as u32, 0, None, &mut items);
    }
    adapter.settle(&mut items);
    items
}

/// Reads some lines of a file, as after a restart: from `start` on, with the items of `reached` and later ones. Gives
/// the place to go on from after the next restart.
pub(crate) fn read_from(
    adapter: &mut dyn Adapter,
    text: &[u8],
    start: usize,
    reached: usize,
    stop: Option<usize>,
) -> (Vec<Item>, Option<Place>) {
    let mut items = Vec::new();
    feed(adapter, text, 0, start, Some(reached), &mut items);
    items.clear();
    feed(adapter, text, 0, start.max(reached), stop, &mut items);
    if stop.is_none() {
        adapter.settle(&mut items);
    }
    (items, adapter.needed_from())
}

fn feed(
    adapter: &mut dyn Adapter,
    text: &[u8],
    file: u32,
    start: usize,
    stop: Option<usize>,
    items: &mut Vec<Item>,
) {
    let mut offset = 0;
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let place = Place {
            file,
            offset,
            line: number as u64 + 1,
        };
        offset += line.len() as u64;
        if number < start || stop.is_some_and(|stop| number >= stop) {
            continue;
        }
        adapter.read(line.trim_ascii_end(), false, place, items);
    }
}

/// Calls as the ledger would assemble them.
#[derive(Default)]
pub(crate) struct Calls(BTreeMap<String, CallState>);

impl Calls {
    pub(crate) fn of(items: &[Item]) -> Self {
        let mut calls = Self::default();
        calls.add(items);
        calls
    }

    pub(crate) fn add(&mut self, items: &[Item]) {
        for item in items {
            let Item::Call(call) = item else { continue };
            let body = match &call.body {
                CallBody::Event(event) => ReportBody::Event((**event).clone()),
                CallBody::Record { record, .. } => ReportBody::Record((**record).clone()),
            };
            self.0.entry(call.call.to_string()).or_default().apply(body);
        }
    }

    pub(crate) fn call(&self, id: &str) -> Assembled {
        self.0
            .get(id)
            .unwrap_or_else(|| panic!("no call {id}"))
            .assembled()
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Assembled> {
        let calls = self.0.iter();
        calls.map(|(id, call)| (id.clone(), call.assembled())).collect()
    }

    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.all().into_values().flat_map(|call| call.visits).collect()
    }

    pub(crate) fn flagged(&self, flag: Flag) -> usize {
        self.all()
            .values()
            .filter(|call| call.flags.contains(&flag))
            .count()
    }

    pub(crate) fn of_several_visits(&self) -> usize {
        self.all().values().filter(|call| call.visits.len() > 1).count()
    }
}
