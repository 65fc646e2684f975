//! From call detail records to finished records.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{CallId, HotlineName};
use domain::personal::Caller;
use domain::record::{CallRecord, ConnectionStatus, TaskType};
use domain::report::RevisedRecord;

use crate::adapter::{Adapter, CallBody, CallItem, Fault, Item, Notes, Place, Rejects, without_mark};
use crate::cdr::line::{Detail, Disposition, usual_columns};
use crate::cdr::map::{CdrMap, HOTLINE_COLUMNS};
use crate::csv_line::{Columns, split};
use crate::delimited::Cells;
use crate::encoding::Decoder;
use crate::local_time::{DoubleHour, LocalClock};

/// A call is taken for told after this time of the file without another line of it.
const TOLD_AFTER: TimeDelta = TimeDelta::hours(4);
/// Calls that are held at most; beyond that the oldest are taken for told.
const CALLS_MAX: usize = 100_000;
/// Lines of a call that are held at most.
const DETAILS_MAX: usize = 1000;

/// Reads call detail records.
///
/// Holds the calls of the last four hours of the file, 100 000 at most.
pub struct CdrAdapter {
    map: CdrMap,
    columns: Columns,
    calls: HashMap<String, Call>,
    /// Linked ids in the order in which they were last told of; old entries are passed over.
    order: VecDeque<(String, u64)>,
    latest: Option<DateTime<Utc>>,
    lines: u64,
    decoder: Decoder,
    cells: Cells,
    clock: LocalClock,
    file: Option<u32>,
    rejects: Rejects,
    notes: Notes,
}

/// The lines of a call.
struct Call {
    first: Place,
    /// Number of its last line, and when that ended.
    last: (u64, DateTime<Utc>),
    revision: u32,
    details: Vec<Detail>,
    /// Told of since the record was given last.
    changed: bool,
}

impl CdrAdapter {
    /// An adapter that has read nothing.
    pub fn new(map: CdrMap, double_hour: DoubleHour) -> Self {
        Self {
            columns: Columns::new(map.columns.clone()),
            map,
            calls: HashMap::new(),
            order: VecDeque::new(),
            latest: None,
            lines: 0,
            decoder: Decoder::default(),
            cells: Cells::default(),
            clock: LocalClock::new(double_hour),
            file: None,
            rejects: Rejects::new(),
            notes: Notes::default(),
        }
    }

    fn tell(&mut self, text: &str, place: Place, items: &mut Vec<Item>) -> Result<(), Fault> {
        let mut taken = std::mem::take(&mut self.cells);
        let read = self.detail(text, &mut taken);
        self.cells = taken;
        let Some(detail) = read? else { return Ok(()) };
        self.notes.local_time = self.clock.report();
        self.lines += 1;
        let latest = self.latest.map_or(detail.end, |latest| latest.max(detail.end));
        self.latest = Some(latest);
        self.order.push_back((detail.linked.clone(), self.lines));
        let call = self.calls.entry(detail.linked.clone()).or_insert_with(|| Call {
            first: place,
            last: (0, detail.end),
            revision: 0,
            details: Vec::new(),
            changed: false,
        });
        call.last = (self.lines, detail.end);
        call.revision += 1;
        call.changed = true;
        if call.details.len() < DETAILS_MAX {
            call.details.push(detail);
        }
        self.forget(latest, items);
        Ok(())
    }

    fn detail(&mut self, text: &str, cells: &mut Cells) -> Result<Option<Detail>, Fault> {
        let cells = split(text, cells)?;
        if self.columns.take_heading(&cells, &["uniqueid", "start"]) {
            return Ok(None);
        }
        self.notes.lines += 1;
        self.columns.settle(usual_columns(cells.len()).as_deref());
        if !self.columns.are_known() {
            return Err(Fault::line(format!(
                "{} columns, which is not a form of cdr_csv; name them in the map: columns = […]",
                cells.len()
            )));
        }
        Detail::read(&cells, &self.columns, &mut self.clock, self.map.utc).map(Some)
    }

    /// Gives the records of calls that are told, and forgets them.
    fn forget(&mut self, latest: DateTime<Utc>, items: &mut Vec<Item>) {
        while let Some((linked, line)) = self.order.front() {
            let Some(call) = self.calls.get(linked).filter(|call| call.last.0 == *line) else {
                self.order.pop_front();
                continue;
            };
            if self.calls.len() <= CALLS_MAX && latest - call.last.1 <= TOLD_AFTER {
                break;
            }
            if let Some(mut call) = self.calls.remove(linked) {
                give(&self.map, &mut self.notes, &mut call, items);
            }
            self.order.pop_front();
        }
    }
}

fn give(map: &CdrMap, notes: &mut Notes, call: &mut Call, items: &mut Vec<Item>) {
    if !std::mem::take(&mut call.changed) {
        return;
    }
    match record(map, call) {
        Some(item) => items.push(item),
        None => notes.without_effect("call within the house"),
    }
}

/// The record of a call; none for one within the house.
fn record(map: &CdrMap, call: &Call) -> Option<Item> {
    let linked = &call.details.first()?.linked;
    // The caller's own lines; where a part of the call was not logged, what there is.
    let own: Vec<&Detail> = call
        .details
        .iter()
        .filter(|detail| detail.unique == *linked)
        .collect();
    let mut details = if own.is_empty() {
        call.details.iter().collect()
    } else {
        own
    };
    details.sort_by_key(|detail| (detail.start, detail.end));
    let first = details[0];
    let queued = details.iter().find(|detail| detail.queue.is_some()).copied();
    let answered = details.iter().copied().find(|detail| {
        detail.queue.is_some() && detail.other_channel && detail.disposition == Disposition::Answered
    });
    let listed = listed_hotline(map, &details);
    let caller = map.callers.caller(&first.caller);
    if queued.is_none() && listed.is_none() && !is_incoming(map, first, caller.as_ref()) {
        return None;
    }
    let hotline = match (listed, queued.and_then(|detail| detail.queue.as_deref())) {
        (Some(hotline), _) => hotline,
        (None, Some(queue)) => map.queues.hotline(queue),
        (None, None) => HotlineName::new(&first.dialled),
    };
    let status = status(map, &details, queued, answered);
    let mut record = CallRecord::new(first.start, TaskType::InboundCall, hotline, status);
    record.caller = caller;
    record.dialled_address = Some(first.dialled.clone()).filter(|dialled| !dialled.is_empty());
    record.inbound_contact = Some(true);
    if let Some(detail) = answered {
        record.customer_connection_count = Some(1);
        // A channel that was answered before its queue tells neither how long it waited nor how long it talked.
        if let Some(answer) = detail.answer.filter(|answer| *answer > detail.start) {
            record.wait_ms = Some((answer - detail.start).num_milliseconds());
            record.talk_ms = detail.billed_ms;
        }
    } else if let Some(detail) = queued {
        let left = details.iter().filter(|other| other.queue == detail.queue);
        let left = left.map(|other| other.end).max().unwrap_or(detail.end);
        record.wait_ms = Some((left - detail.start).num_milliseconds());
    }
    Some(Item::Call(CallItem {
        call: CallId::new(linked),
        body: CallBody::Record {
            record: Box::new(RevisedRecord {
                revision: call.revision,
                record,
            }),
            ended_at: details
                .iter()
                .map(|detail| detail.end)
                .max()
                .filter(|end| *end >= first.start),
        },
    }))
}

fn listed_hotline(map: &CdrMap, details: &[&Detail]) -> Option<HotlineName> {
    for column in HOTLINE_COLUMNS {
        let Some(names) = map.hotlines.get(column) else {
            continue;
        };
        for detail in details {
            let value = match column {
                "userfield" => &detail.user_field,
                "dst" => &detail.dialled,
                "accountcode" => &detail.account,
                _ => &detail.context,
            };
            if let Some(hotline) = names.listed(value) {
                return Some(HotlineName::new(hotline));
            }
        }
    }
    None
}

fn is_incoming(map: &CdrMap, first: &Detail, caller: Option<&Caller>) -> bool {
    let digits = first.caller.bytes().filter(u8::is_ascii_digit).count();
    map.contexts.contains(&first.context)
        || matches!(caller, Some(Caller::Withheld))
        || digits >= map.caller_digits_min.max(1)
}

fn status(
    map: &CdrMap,
    details: &[&Detail],
    queued: Option<&Detail>,
    answered: Option<&Detail>,
) -> ConnectionStatus {
    if answered.is_some() {
        return ConnectionStatus::Answered;
    }
    let last = details[details.len() - 1];
    let mut folded = String::new();
    if queued.is_some() {
        let after = map.after_queue.get(&last.application, &mut folded);
        return after.copied().unwrap_or(ConnectionStatus::AbandonedQueued);
    }
    match last.disposition {
        Disposition::Busy => ConnectionStatus::Busy,
        Disposition::Failed => ConnectionStatus::Failed,
        Disposition::NoAnswer => ConnectionStatus::NoAnswer,
        Disposition::Answered if last.other_channel => ConnectionStatus::Answered,
        Disposition::Answered => {
            let before = map.before_queue.get(&last.application, &mut folded);
            before.copied().unwrap_or(ConnectionStatus::AbandonedBeforeQueue)
        }
    }
}

impl Adapter for CdrAdapter {
    fn read(&mut self, line: &[u8], too_long: bool, place: Place, items: &mut Vec<Item>) {
        if self.file != Some(place.file) {
            self.file = Some(place.file);
            self.decoder = Decoder::default();
            self.columns = Columns::new(self.map.columns.clone());
        }
        let bytes = without_mark(line, place);
        if bytes.trim_ascii().is_empty() {
            return;
        }
        let before = self.notes.lines;
        let mut decoder = std::mem::take(&mut self.decoder);
        let told = if too_long {
            Err(Fault::too_long())
        } else {
            match decoder.decode(bytes) {
                Ok(text) => self.tell(&text, place, items),
                Err(_) => Err(Fault::line(
                    "invalid UTF-8 in a file that is UTF-8 otherwise; save it in one encoding and import it again",
                )),
            }
        };
        self.decoder = decoder;
        if let Err(fault) = told {
            self.notes.lines = before + 1;
            let mut line = self.rejects.line(bytes, place, fault);
            line.context = self.columns.heading().unwrap_or_default();
            items.push(Item::Unreadable(line));
        }
    }

    fn settle(&mut self, items: &mut Vec<Item>) {
        let mut changed: Vec<(u64, &String)> = self
            .calls
            .iter()
            .filter(|(_, call)| call.changed)
            .map(|(linked, call)| (call.last.0, linked))
            .collect();
        changed.sort_unstable();
        let changed: Vec<String> = changed.into_iter().map(|(_, linked)| linked.clone()).collect();
        for linked in changed {
            if let Some(call) = self.calls.get_mut(&linked) {
                give(&self.map, &mut self.notes, call, items);
            }
        }
    }

    fn needed_from(&self) -> Option<Place> {
        self.calls.values().map(|call| call.first).min()
    }

    fn notes(&self) -> &Notes {
        &self.notes
    }
}
