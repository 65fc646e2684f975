//! The true figures of what was made, for tests and demonstrations to compare with.
//!
//! Counted from the simulation's own knowledge, in its own way: sharing a line with the processor's counting would
//! share its mistakes.

use std::collections::BTreeMap;

use domain::event::EventKind;
use domain::ids::HotlineName;
use domain::record::{ConnectionStatus, TaskType};
use domain::visit::{Outcome, Visit};
use serde::Serialize;

use crate::call::SimulatedCall;
use crate::feed::{Dirt, FeedKind};

/// Threshold of the service level, in whole seconds, inclusive.
const SERVICE_LEVEL_SECONDS: i64 = 30;
/// Abandoned within so many seconds is short abandoned.
const SHORT_ABANDON_SECONDS: i64 = 5;

/// The figures in the form of `report totals`, once everything has arrived and the horizon has passed. They are those
/// of task type inbound call; only `contacts` counts all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// All hotlines together.
    pub total: Figures,
    /// One for each hotline that a contact came in on or visited, by name.
    pub groups: Vec<Group>,
    #[serde(skip)]
    within_seconds: Vec<i64>,
}

/// The figures of one hotline.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Group {
    /// Its name.
    pub group: String,
    /// Its figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What `report totals` tells about a hotline or about all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Contacts of every task type, by the hotline that they came in on.
    pub contacts: i64,
    /// Calls that ended before the queue.
    pub not_offered: i64,
    /// Visits that entered the queue.
    pub offered: i64,
    /// … ended by an agent's answer.
    pub answered: i64,
    /// … ended by the citizen's hang-up.
    pub abandoned: i64,
    /// … of these within 5 seconds.
    pub short_abandoned: i64,
    /// … left for another hotline or network.
    pub overflowed: i64,
    /// … left for a voice message or because of closing time.
    pub diverted: i64,
    /// … whose end never arrived.
    pub unresolved: i64,
    /// … still in the queue; none once everything has arrived.
    pub waiting: i64,
    /// Answered within a threshold in seconds, inclusive.
    pub answered_within: BTreeMap<i64, i64>,
    /// Abandoned within a threshold in seconds, inclusive.
    pub abandoned_within: BTreeMap<i64, i64>,
    /// Σ wait and ring of answered visits.
    pub time_to_answer_ms: i64,
    /// Σ wait and ring of abandoned visits.
    pub time_to_abandon_ms: i64,
    /// Σ talk.
    pub talk_ms: i64,
    /// Σ hold.
    pub hold_ms: i64,
    /// Σ after-call work.
    pub after_call_work_ms: i64,
    /// Longest wait and ring of an answered visit; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_time_to_answer_ms: Option<i64>,
    /// Answered within 30 seconds ÷ offered; absent without samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_level: Option<f64>,
    #[serde(skip)]
    answered_within_service_level: i64,
}

impl Default for Truth {
    fn default() -> Self {
        Self::new(&[20, 30])
    }
}

impl Truth {
    /// No calls yet; with these thresholds in whole seconds.
    pub fn new(within_seconds: &[i64]) -> Self {
        let within_seconds = within_seconds.to_vec();
        Self {
            total: Figures::new(&within_seconds),
            groups: Vec::new(),
            within_seconds,
        }
    }

    /// What a feed of finished records tells about the calls: each is one visit to the hotline of field 5.
    pub fn of_records<'a>(calls: impl IntoIterator<Item = &'a SimulatedCall>) -> Self {
        let mut truth = Self::default();
        calls
            .into_iter()
            .for_each(|call| truth.add(call, FeedKind::Records, None));
        truth
    }

    /// What a feed of events tells about the calls. With dirt, ends that never arrive leave visits unresolved.
    pub fn of_events<'a>(calls: impl IntoIterator<Item = &'a SimulatedCall>, dirt: Option<&Dirt>) -> Self {
        let mut truth = Self::default();
        calls
            .into_iter()
            .for_each(|call| truth.add(call, FeedKind::Events, dirt));
        truth
    }

    /// Adds what a feed tells about one call.
    pub fn add(&mut self, call: &SimulatedCall, kind: FeedKind, dirt: Option<&Dirt>) {
        self.book(&call.record.hotline, |figures| figures.contacts += 1);
        if call.record.task_type != TaskType::InboundCall {
            return;
        }
        match kind {
            FeedKind::Records => self.add_record(call),
            FeedKind::Events => self.add_visits(call, dirt.is_some_and(|dirt| dirt.loses_end(call))),
        }
    }

    /// Adds the figures of other calls.
    pub fn merge(&mut self, other: &Self) {
        self.total.merge(&other.total);
        for group in &other.groups {
            self.group(&group.group).merge(&group.figures);
        }
    }

    fn add_record(&mut self, call: &SimulatedCall) {
        let record = &call.record;
        let outcome = match record.connection_status {
            ConnectionStatus::Answered => Outcome::Answered,
            ConnectionStatus::AbandonedQueued | ConnectionStatus::AbandonedRinging => Outcome::Abandoned,
            ConnectionStatus::Overflowed => Outcome::Overflowed,
            ConnectionStatus::VoiceMessage | ConnectionStatus::ClosedWhileQueued => Outcome::Diverted,
            _ => return self.book(&record.hotline, |figures| figures.not_offered += 1),
        };
        let mut visit = Visit::waiting(1, record.hotline.clone(), record.task_type, record.started_at);
        visit.outcome = outcome;
        visit.wait_ms = record.wait_ms;
        visit.ring_ms = record.ring_ms;
        visit.talk_ms = record.talk_ms;
        visit.hold_ms = record.hold_ms;
        visit.after_call_work_ms = record.after_call_work_ms;
        self.add_visit(&visit);
    }

    fn add_visits(&mut self, call: &SimulatedCall, lost_end: bool) {
        if call.visits.is_empty() {
            self.book(&call.record.hotline, |figures| figures.not_offered += 1);
        }
        for visit in &call.visits {
            let last = usize::from(visit.ordinal) == call.visits.len();
            if lost_end && last {
                self.add_visit(&without_end(visit));
            } else {
                self.add_visit(visit);
            }
        }
    }

    fn add_visit(&mut self, visit: &Visit) {
        self.book(&visit.hotline, |figures| figures.add(visit));
    }

    fn book(&mut self, hotline: &HotlineName, add: impl Fn(&mut Figures)) {
        add(&mut self.total);
        add(self.group(hotline.as_str()));
    }

    fn group(&mut self, name: &str) -> &mut Figures {
        let place = match self
            .groups
            .binary_search_by(|group| group.group.as_str().cmp(name))
        {
            Ok(place) => place,
            Err(place) => {
                let figures = Figures::new(&self.within_seconds);
                self.groups.insert(
                    place,
                    Group {
                        group: name.to_owned(),
                        figures,
                    },
                );
                place
            }
        };
        &mut self.groups[place].figures
    }
}

/// The last visit of a call whose end never arrives.
fn without_end(visit: &Visit) -> Visit {
    let mut visit = visit.clone();
    if visit.outcome != Outcome::Answered {
        visit.outcome = Outcome::Unresolved;
    }
    visit.talk_ms = None;
    visit.hold_ms = None;
    visit.after_call_work_ms = None;
    visit
}

/// Whether the call has an end of its own whose loss leaves it open: not one that left the queue before.
pub(crate) fn can_lose_end(call: &SimulatedCall) -> bool {
    let gone_before = call.events.iter().any(|event| {
        matches!(
            event.kind,
            EventKind::VoiceMessageRecorded | EventKind::Transferred { hotline: None, .. }
        )
    });
    let open = call
        .visits
        .last()
        .is_some_and(|visit| visit.outcome != Outcome::Overflowed);
    call.record.task_type == TaskType::InboundCall && open && !gone_before
}

impl Figures {
    fn new(within_seconds: &[i64]) -> Self {
        let within: BTreeMap<i64, i64> = within_seconds.iter().map(|seconds| (*seconds, 0)).collect();
        Self {
            answered_within: within.clone(),
            abandoned_within: within,
            ..Self::default()
        }
    }

    fn add(&mut self, visit: &Visit) {
        self.offered += 1;
        let time_ms = visit.wait_ms.unwrap_or(0) + visit.ring_ms.unwrap_or(0);
        let is_within = |seconds: i64| time_ms <= seconds * 1000;
        match visit.outcome {
            Outcome::Answered => {
                self.answered += 1;
                self.time_to_answer_ms += time_ms;
                self.longest_time_to_answer_ms = self.longest_time_to_answer_ms.max(Some(time_ms));
                self.answered_within_service_level += i64::from(is_within(SERVICE_LEVEL_SECONDS));
                self.answered_within
                    .iter_mut()
                    .for_each(|(seconds, count)| *count += i64::from(is_within(*seconds)));
            }
            Outcome::Abandoned => {
                self.abandoned += 1;
                self.time_to_abandon_ms += time_ms;
                self.short_abandoned += i64::from(is_within(SHORT_ABANDON_SECONDS));
                self.abandoned_within
                    .iter_mut()
                    .for_each(|(seconds, count)| *count += i64::from(is_within(*seconds)));
            }
            Outcome::Overflowed => self.overflowed += 1,
            Outcome::Diverted => self.diverted += 1,
            Outcome::Unresolved => self.unresolved += 1,
            Outcome::Waiting => self.waiting += 1,
        }
        self.talk_ms += visit.talk_ms.unwrap_or(0);
        self.hold_ms += visit.hold_ms.unwrap_or(0);
        self.after_call_work_ms += visit.after_call_work_ms.unwrap_or(0);
        self.rate();
    }

    fn merge(&mut self, other: &Self) {
        for (mine, theirs) in [
            (&mut self.contacts, other.contacts),
            (&mut self.not_offered, other.not_offered),
            (&mut self.offered, other.offered),
            (&mut self.answered, other.answered),
            (&mut self.abandoned, other.abandoned),
            (&mut self.short_abandoned, other.short_abandoned),
            (&mut self.overflowed, other.overflowed),
            (&mut self.diverted, other.diverted),
            (&mut self.unresolved, other.unresolved),
            (&mut self.waiting, other.waiting),
            (&mut self.time_to_answer_ms, other.time_to_answer_ms),
            (&mut self.time_to_abandon_ms, other.time_to_abandon_ms),
            (&mut self.talk_ms, other.talk_ms),
            (&mut self.hold_ms, other.hold_ms),
            (&mut self.after_call_work_ms, other.after_call_work_ms),
            (
                &mut self.answered_within_service_level,
                other.answered_within_service_level,
            ),
        ] {
            *mine += theirs;
        }
        for (mine, theirs) in [
            (&mut self.answered_within, &other.answered_within),
            (&mut self.abandoned_within, &other.abandoned_within),
        ] {
            theirs
                .iter()
                .for_each(|(seconds, count)| *mine.entry(*seconds).or_default() += count);
        }
        self.longest_time_to_answer_ms = self
            .longest_time_to_answer_ms
            .max(other.longest_time_to_answer_ms);
        self.rate();
    }

    fn rate(&mut self) {
        let offered = self.offered - self.waiting;
        self.service_level =
            (offered > 0).then(|| self.answered_within_service_level as f64 / offered as f64);
    }
}
