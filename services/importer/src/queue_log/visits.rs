//! The visits that the log has not ended yet.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::VisitKey;

use crate::adapter::Place;

/// Visits without an end are forgotten after this time of the log.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(24);
/// Visits that are kept at most; beyond that the oldest are forgotten.
const VISITS_MAX: usize = 100_000;
/// Ended visits are remembered for this time of the log, to know their ends again when lines are repeated.
const ENDS_REMEMBERED: TimeDelta = TimeDelta::minutes(10);

/// A visit that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenVisit {
    pub(super) call: String,
    pub(super) queue: String,
    pub(super) key: VisitKey,
    pub(super) entered: DateTime<Utc>,
    /// Who answered; none while it waits, an empty name for one who has none.
    pub(super) agent: Option<String>,
    /// The ringing that was cut off last: when, and how long it had lasted.
    pub(super) cut_ring: Option<(DateTime<Utc>, i64)>,
}

/// Open visits by their number in order of entry.
#[derive(Debug, Default)]
pub(super) struct Visits {
    open: BTreeMap<u64, (OpenVisit, Place)>,
    /// Numbers of the open visits of a call, in order of entry.
    by_call: HashMap<String, Vec<u64>>,
    next: u64,
    now: Option<DateTime<Utc>>,
    /// The first line of the second that the log is in.
    second: Place,
    /// Visits that began in this second, by call, queue: how many.
    begun: HashMap<(String, String), u32>,
    /// Ends by call and text of the line.
    ends: HashMap<(String, String), DateTime<Utc>>,
    ends_pruned: Option<DateTime<Utc>>,
}

/// Which visit of a call in a queue a line can belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted<'a> {
    /// The oldest that waits.
    Waiting,
    /// The oldest that this agent has, else the oldest that any has, else the oldest that waits.
    With(&'a str),
}

impl Visits {
    /// The log has come to a line of this time.
    pub(super) fn advance(&mut self, at: DateTime<Utc>, place: Place) {
        if self.now == Some(at) {
            return;
        }
        self.now = Some(at);
        self.second = place;
        self.begun.clear();
        while let Some((&number, (visit, _))) = self.open.first_key_value() {
            if self.open.len() <= VISITS_MAX && at - visit.entered <= FORGOTTEN_AFTER {
                break;
            }
            self.close(number);
        }
        if at - *self.ends_pruned.get_or_insert(at) > ENDS_REMEMBERED {
            self.ends.retain(|_, end| at - *end <= ENDS_REMEMBERED);
            self.ends_pruned = Some(at);
        }
    }

    /// The first line that has to be read again to know the visits of now.
    pub(super) fn needed_from(&self) -> Option<Place> {
        let oldest = self.open.values().map(|(_, place)| *place).min();
        let second = self.now.map(|_| self.second);
        oldest.into_iter().chain(second).min()
    }

    /// A call enters a queue. A repeated line is no other entry.
    pub(super) fn enter(&mut self, call: &str, queue: &str, at: DateTime<Utc>) -> VisitKey {
        let waiting = self.find(call, queue, Wanted::Waiting);
        if let Some((visit, _)) = waiting.and_then(|number| self.open.get(&number))
            && visit.entered == at
        {
            return visit.key.clone();
        }
        let begun = self.begun.entry((call.to_owned(), queue.to_owned())).or_default();
        *begun += 1;
        let key = key(queue, at, *begun);
        self.add(call, queue, key.clone(), at);
        key
    }

    /// A call is in a queue whose entry was not seen.
    pub(super) fn found(&mut self, call: &str, queue: &str, entered: DateTime<Utc>) -> (u64, VisitKey) {
        let key = key(queue, entered, 1);
        (self.add(call, queue, key.clone(), entered), key)
    }

    fn add(&mut self, call: &str, queue: &str, key: VisitKey, entered: DateTime<Utc>) -> u64 {
        let number = self.next;
        self.next += 1;
        let visit = OpenVisit {
            call: call.to_owned(),
            queue: queue.to_owned(),
            key,
            entered,
            agent: None,
            cut_ring: None,
        };
        self.open.insert(number, (visit, self.second));
        self.by_call.entry(call.to_owned()).or_default().push(number);
        number
    }

    /// The visit that a line belongs to.
    pub(super) fn find(&self, call: &str, queue: &str, wanted: Wanted<'_>) -> Option<u64> {
        let candidates = || {
            let numbers = self.by_call.get(call).into_iter().flatten();
            numbers
                .filter_map(|number| self.open.get(number).map(|(visit, _)| (*number, visit)))
                .filter(|(_, visit)| visit.queue == queue)
        };
        let first = |suits: &dyn Fn(&OpenVisit) -> bool| {
            candidates()
                .find(|(_, visit)| suits(visit))
                .map(|(number, _)| number)
        };
        match wanted {
            Wanted::Waiting => first(&|visit| visit.agent.is_none()),
            Wanted::With(agent) => first(&|visit| visit.agent.as_deref() == Some(agent))
                .or_else(|| first(&|visit| visit.agent.is_some()))
                .or_else(|| first(&|_| true)),
        }
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut OpenVisit> {
        self.open.get_mut(&number).map(|(visit, _)| visit)
    }

    /// Any open visit of a call, the newest first.
    pub(super) fn newest_of(&self, call: &str) -> Option<&OpenVisit> {
        let number = self.by_call.get(call)?.last()?;
        self.open.get(number).map(|(visit, _)| visit)
    }

    /// The visit ended.
    pub(super) fn close(&mut self, number: u64) -> Option<OpenVisit> {
        let (visit, _) = self.open.remove(&number)?;
        if let Some(numbers) = self.by_call.get_mut(&visit.call) {
            numbers.retain(|other| *other != number);
            if numbers.is_empty() {
                self.by_call.remove(&visit.call);
            }
        }
        Some(visit)
    }

    /// Every open visit ends, in order of entry.
    pub(super) fn close_all(&mut self) -> Vec<OpenVisit> {
        self.by_call.clear();
        std::mem::take(&mut self.open)
            .into_values()
            .map(|(visit, _)| visit)
            .collect()
    }

    /// Remembers the line that ended a visit.
    pub(super) fn remember_end(&mut self, call: &str, line: &str, at: DateTime<Utc>) {
        self.ends.insert((call.to_owned(), line.to_owned()), at);
    }

    /// Whether the line ended a visit before.
    pub(super) fn has_ended_by(&self, call: &str, line: &str) -> bool {
        self.ends.contains_key(&(call.to_owned(), line.to_owned()))
    }
}

/// The name of a visit: queue and second of entry, and which of several in that second.
pub(crate) fn key(queue: &str, entered: DateTime<Utc>, number: u32) -> VisitKey {
    let second = entered.timestamp();
    match number {
        ..=1 => VisitKey::new(format!("{queue}@{second}")),
        _ => VisitKey::new(format!("{queue}@{second}#{number}")),
    }
}
