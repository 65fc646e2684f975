//! From channel events to reports.

use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use crate::adapter::{Adapter, Fault, Item, Notes, Place, Rejects, without_mark};
use crate::cel::group::Group;
use crate::cel::line::{ChannelEvent, Kind, usual_columns};
use crate::cel::map::CelMap;
use crate::cel::restart::Restarts;
use crate::cel::telling::Teller;
use crate::csv_line::{Columns, split};
use crate::delimited::Cells;
use crate::encoding::Decoder;
use crate::local_time::{DoubleHour, LocalClock};

/// A call that was not ended is forgotten after this time of the file without another line of it.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(24);
/// Calls that are followed at most; beyond that the oldest are forgotten.
const CALLS_MAX: usize = 100_000;

/// Reads channel events.
///
/// Holds the channels of the calls that have not ended, of 100 000 calls at most.
pub struct CelAdapter {
    map: CelMap,
    columns: Columns,
    groups: HashMap<String, Group>,
    /// Linked ids in the order in which their calls began.
    order: VecDeque<String>,
    restarts: Restarts,
    decoder: Decoder,
    cells: Cells,
    clock: LocalClock,
    file: Option<u32>,
    rejects: Rejects,
    notes: Notes,
}

impl CelAdapter {
    /// An adapter that has read nothing.
    pub fn new(map: CelMap, double_hour: DoubleHour) -> Self {
        Self {
            columns: Columns::new(map.columns.clone()),
            map,
            groups: HashMap::new(),
            order: VecDeque::new(),
            restarts: Restarts::default(),
            decoder: Decoder::default(),
            cells: Cells::default(),
            clock: LocalClock::new(double_hour),
            file: None,
            rejects: Rejects::new(),
            notes: Notes::default(),
        }
    }

    fn tell(
        &mut self,
        text: &str,
        cells: &mut Cells,
        place: Place,
        items: &mut Vec<Item>,
    ) -> Result<(), Fault> {
        let cells = split(text, cells)?;
        if self.columns.take_heading(&cells, &["eventtype", "uniqueid"]) {
            return Ok(());
        }
        self.notes.lines += 1;
        self.columns.settle(usual_columns(cells.len()).as_deref());
        if !self.columns.are_known() {
            return Err(Fault::line(format!(
                "{} columns, which is not a form of cel_custom's samples; name them in the map: columns = […]",
                cells.len()
            )));
        }
        let event = ChannelEvent::read(&cells, &self.columns, &mut self.clock)?;
        self.notes.local_time = self.clock.report();
        match event.kind {
            Kind::WithoutEffect => self.notes.without_effect(event.name),
            Kind::Unknown => self.notes.unknown(event.name),
            _ => self.take(&event, place, items),
        }
        Ok(())
    }

    fn take(&mut self, event: &ChannelEvent<'_>, place: Place, items: &mut Vec<Item>) {
        if event.kind == Kind::ChannelStart && self.restarts.is_after_one(event.unique) {
            self.cut(event, items);
        }
        if event.kind == Kind::ChannelStart && !self.groups.contains_key(event.linked) {
            self.forget(event.at);
            self.order.push_back(event.linked.to_owned());
            self.groups
                .insert(event.linked.to_owned(), Group::new(place, event.at));
        }
        // Of calls that began before the file nothing certain can be said.
        let Some(group) = self.groups.get_mut(event.linked) else {
            return self
                .notes
                .without_effect("of a call whose beginning is not in the file");
        };
        let mut teller = Teller {
            map: &self.map,
            items,
        };
        if group.take(event, &mut teller) {
            self.groups.remove(event.linked);
        }
    }

    /// Asterisk started anew: its calls ended, and no line will tell how.
    fn cut(&mut self, first: &ChannelEvent<'_>, items: &mut Vec<Item>) {
        let mut teller = Teller {
            map: &self.map,
            items,
        };
        for linked in std::mem::take(&mut self.order) {
            if let Some(group) = self.groups.remove(&linked) {
                group.cut(first.at, &mut teller);
            }
        }
    }

    fn forget(&mut self, now: DateTime<Utc>) {
        while let Some(oldest) = self.order.front() {
            let followed = self.groups.get(oldest);
            if self.groups.len() < CALLS_MAX
                && followed.is_some_and(|group| now - group.last_at <= FORGOTTEN_AFTER)
            {
                break;
            }
            self.groups.remove(oldest);
            self.order.pop_front();
        }
    }
}

impl Adapter for CelAdapter {
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
        let mut cells = std::mem::take(&mut self.cells);
        let told = if too_long {
            Err(Fault::too_long())
        } else {
            match decoder.decode(bytes) {
                Ok(text) => self.tell(&text, &mut cells, place, items),
                Err(_) => Err(Fault::line(
                    "invalid UTF-8 in a file that is UTF-8 otherwise; save it in one encoding and import it again",
                )),
            }
        };
        self.decoder = decoder;
        self.cells = cells;
        if let Err(fault) = told {
            self.notes.lines = before + 1;
            items.push(self.rejects.item(bytes, place, fault));
        }
    }

    fn settle(&mut self, _items: &mut Vec<Item>) {}

    fn needed_from(&self) -> Option<Place> {
        self.groups.values().map(|group| group.first).min()
    }

    fn notes(&self) -> &Notes {
        &self.notes
    }
}
