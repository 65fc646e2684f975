//! A call as the sum of everything reported about it, whatever the order it came in.
//!
//! [`CallState`] is a set: applying a report twice, or reports in another order, gives the same state. What the
//! call looks like ([`Assembled`]) and what it adds to the figures ([`Contribution`]) are functions of that set.

mod agents;
mod contribution;
mod from_events;
mod open_visit;
mod origin;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::counting::CountingSources;
use crate::counts::Contribution;
use crate::event::{CallEvent, sort_events};
use crate::ids::{HotlineName, SourceName};
use crate::record::{CallRecord, DoubtReason};
use crate::report::{CallbackLogged, ReportBody, RevisedRecord, content_hash};
use crate::visit::{Outcome, Placement, Visit, placement};

pub use origin::{Origin, VisitsOrigin};

/// Everything reported about one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallState {
    /// The finished record that counts.
    pub record: Option<RevisedRecord>,
    /// Finished records of the same revision with other content.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<RevisedRecord>,
    /// The events, in order, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<CallEvent>,
    /// Callbacks logged for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub callbacks: Vec<CallbackLogged>,
    /// The horizon passed without an end: open visits are unresolved until the truth comes.
    #[serde(default)]
    pub given_up: bool,
    /// The source no longer has it: it is kept, and adds nothing to the figures until it is reported again.
    #[serde(default)]
    pub retracted: bool,
    /// Hotlines of the call for which another feed counts.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub uncounted: BTreeSet<HotlineName>,
    /// Who called was erased: what comes later loses it, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// Names of agents were taken out: what comes later loses them, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub agents_gone: bool,
}

/// Why a call is flagged. It counts; somebody may want to look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// A duration that cannot be: absent, its raw value kept.
    ImplausibleDuration,
    /// An optional value that could not be read.
    UnreadableValue,
    /// Two records of the same revision differ.
    RevisionConflict,
    /// The finished record and the events tell different things.
    RecordAndEventsDiffer,
    /// Answered, but the end never arrived.
    AnsweredWithoutEnd,
}

impl Flag {
    /// The name in JSON and in the store.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImplausibleDuration => "implausible_duration",
            Self::UnreadableValue => "unreadable_value",
            Self::RevisionConflict => "revision_conflict",
            Self::RecordAndEventsDiffer => "record_and_events_differ",
            Self::AnsweredWithoutEnd => "answered_without_end",
        }
    }
}

/// What a call looks like, given everything reported about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assembled {
    /// The 24 fields; absent while only callbacks are known, or events before the arrival.
    pub record: Option<CallRecord>,
    /// Its visits in order.
    pub visits: Vec<Visit>,
    /// Why it is flagged, each reason once, in order.
    pub flags: Vec<Flag>,
    /// Whether it still waits for its end: the horizon applies to it.
    pub open: bool,
    /// What the dialer or an outbound attempt reported.
    pub outbound: Option<crate::event::OutboundOutcome>,
}

impl Assembled {
    /// The end of the last visit that the events do not tell is the one that the finished record tells.
    fn settle_by(&mut self, record: &CallRecord) {
        let Some((last, earlier)) = self.visits.split_last_mut() else {
            return;
        };
        let rest = |whole: Option<i64>, part: fn(&Visit) -> Option<i64>| {
            let before: i64 = earlier.iter().filter_map(part).sum();
            whole.map(|whole_ms| (whole_ms - before).max(0))
        };
        let unsettled = matches!(last.outcome, Outcome::Waiting | Outcome::Unresolved);
        if let Placement::Offered(outcome) = placement(record.connection_status)
            && unsettled
        {
            last.outcome = outcome;
            last.wait_ms = rest(record.wait_ms, |visit| visit.wait_ms);
            last.ring_ms = record.ring_ms;
            self.open = false;
        }
        if last.outcome == Outcome::Answered && last.talk_ms.is_none() {
            last.talk_ms = rest(record.talk_ms, |visit| visit.talk_ms);
            last.hold_ms = rest(record.hold_ms, |visit| visit.hold_ms);
            self.open = false;
            self.flags.retain(|flag| *flag != Flag::AnsweredWithoutEnd);
        }
    }
}

impl CallState {
    /// Takes a report in. Returns whether anything changed.
    pub fn apply(&mut self, mut body: ReportBody) -> bool {
        if self.erased {
            body.take_out_person();
        }
        match body {
            ReportBody::Record(record) => {
                let is_back = std::mem::take(&mut self.retracted);
                self.apply_record(record) || is_back
            }
            ReportBody::Event(event) => {
                let is_back = std::mem::take(&mut self.retracted);
                self.apply_event(event) || is_back
            }
            ReportBody::Retracted => {
                let is_known = !self.is_only_named();
                is_known && !std::mem::replace(&mut self.retracted, true)
            }
            ReportBody::CallbackLogged(callback) => {
                let Err(place) = self.callbacks.binary_search(&callback) else {
                    return false;
                };
                self.callbacks.insert(place, callback);
                true
            }
        }
    }

    /// Takes out who called, for good. The same record counts as before, and the call adds the same to the figures; what
    /// was reported of it stays a repetition when it comes again.
    pub fn erase_person(&mut self) {
        self.erased = true;
        let records = self.record.iter_mut().chain(&mut self.conflicts);
        records.for_each(|revised| revised.record.take_out_person());
        self.events.iter_mut().for_each(CallEvent::take_out_person);
    }

    fn apply_record(&mut self, incoming: RevisedRecord) -> bool {
        let Some(current) = &self.record else {
            self.record = Some(incoming);
            return true;
        };
        if incoming == *current || incoming.revision < current.revision || self.conflicts.contains(&incoming)
        {
            return false;
        }
        if incoming.revision > current.revision {
            self.conflicts.clear();
            self.record = Some(incoming);
            return true;
        }
        self.conflicts.push(current.clone());
        self.conflicts.push(incoming);
        self.conflicts.sort_by_cached_key(content_hash);
        self.record = self.conflicts.pop();
        true
    }

    fn apply_event(&mut self, mut incoming: CallEvent) -> bool {
        if self.agents_gone {
            incoming = self.nameless(&incoming);
        }
        let same = |event: &CallEvent| match (&event.id, &incoming.id) {
            (Some(known), Some(new)) => known == new,
            _ => *event == incoming,
        };
        match self.events.iter().position(same) {
            None => self.events.push(incoming),
            Some(place) if self.events[place] == incoming => return false,
            Some(place) => {
                // Same id, other content: the greater hash counts, so that the order of arrival does not.
                if content_hash(&self.events[place]) > content_hash(&incoming) {
                    return false;
                }
                self.events[place] = incoming;
            }
        }
        sort_events(&mut self.events);
        self.given_up = false;
        true
    }

    /// The call as it is known now.
    pub fn assembled(&self) -> Assembled {
        let mut call = from_events::assemble(&self.events, self.given_up);
        if !self.conflicts.is_empty() {
            call.flags.push(Flag::RevisionConflict);
        }
        if let Some(RevisedRecord { record, .. }) = &self.record {
            if let Some(told) = &call.record
                && !call.open
                && differ(record, told)
            {
                call.flags.push(Flag::RecordAndEventsDiffer);
            }
            // Events that tell of no queue, such as after-call work alone, do not take the record's visit away.
            if call.visits.is_empty() && !record.is_outbound() {
                call.visits = Visit::of_record(record).into_iter().collect();
            }
            call.settle_by(record);
            // A finished record is written when all is over.
            call.visits.iter_mut().for_each(|visit| visit.live = None);
            call.record = Some(record.clone());
        }
        for doubt in call.record.iter().flat_map(|record| &record.doubts) {
            call.flags.push(match doubt.reason {
                DoubtReason::Unreadable => Flag::UnreadableValue,
                DoubtReason::NegativeDuration | DoubtReason::LongerThanADay => Flag::ImplausibleDuration,
            });
        }
        call.flags.sort_unstable();
        call.flags.dedup();
        call.open &= !self.retracted;
        if self.retracted {
            call.visits.iter_mut().for_each(|visit| visit.live = None);
        }
        if self.agents_gone {
            // A number of this call alone is nobody's name.
            for visit in &mut call.visits {
                visit.agent = None;
                visit.live.iter_mut().for_each(|live| live.agent = None);
            }
        }
        call
    }

    /// Whether what the call did at a hotline counts there.
    pub fn counts_for(&self, hotline: &HotlineName) -> bool {
        !self.retracted && !self.uncounted.contains(hotline)
    }

    /// Notes the hotlines of the call for which its feed does not count.
    pub fn count_by(&mut self, counting: &CountingSources, source: &SourceName) {
        if counting.is_empty() && self.uncounted.is_empty() {
            return;
        }
        let call = self.assembled();
        let hotlines = call.record.iter().map(|record| &record.hotline);
        let hotlines = hotlines.chain(call.visits.iter().map(|visit| &visit.hotline));
        let uncounted = hotlines.filter(|hotline| !counting.counts(hotline, source));
        self.uncounted = uncounted.cloned().collect();
    }

    /// What the call adds to the figures.
    pub fn contribution(&self) -> Contribution {
        contribution::of(self)
    }

    /// Whether nothing is known but callbacks: they name a call, its own feed has yet to tell of it.
    pub fn is_only_named(&self) -> bool {
        self.record.is_none() && self.events.is_empty()
    }

    /// The time by which the call is filed: field 1, else the first event or callback.
    pub fn filed_at(&self) -> Option<DateTime<Utc>> {
        let record = self.record.as_ref().map(|revised| revised.record.started_at);
        let event = || self.events.iter().map(|event| event.at).min();
        let callback = || self.callbacks.iter().map(|callback| callback.at).min();
        record.or_else(event).or_else(callback)
    }
}

/// Whether record and events differ in what both know: status, hotline, or a duration by more than a second.
fn differ(record: &CallRecord, told: &CallRecord) -> bool {
    let apart = |left: Option<i64>, right: Option<i64>| match (left, right) {
        (Some(left), Some(right)) => (left - right).abs() > 1000,
        _ => false,
    };
    record.connection_status != told.connection_status
        || record.hotline != told.hotline
        || (record.started_at - told.started_at).num_milliseconds().abs() > 1000
        || apart(record.wait_ms, told.wait_ms)
        || apart(record.ring_ms, told.ring_ms)
        || apart(record.talk_ms, told.talk_ms)
        || apart(record.hold_ms, told.hold_ms)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_named_visits;
