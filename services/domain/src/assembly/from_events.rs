//! Events of one call, in order, become its record and its visits.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::assembly::{Assembled, Flag};
use crate::event::{CallEvent, EndedBy, EventKind, OutboundOutcome, OverflowTarget};
use crate::ids::{AgentName, HotlineName};
use crate::record::{CallRecord, ConnectionStatus, LONGEST_DURATION_MS, TaskType};
use crate::visit::{Outcome, Placement, Visit, placement};

/// A span of time that may still be running, summed over its pieces.
#[derive(Clone, Copy, Default)]
struct Stopwatch {
    total_ms: i64,
    since: Option<DateTime<Utc>>,
    ran: bool,
}

impl Stopwatch {
    fn start(&mut self, at: DateTime<Utc>) {
        self.ran = true;
        self.since.get_or_insert(at);
    }

    fn stop(&mut self, at: DateTime<Utc>) {
        if let Some(since) = self.since.take() {
            self.total_ms += (at - since).num_milliseconds().max(0);
        }
    }

    fn total(self) -> Option<i64> {
        (self.ran && self.since.is_none()).then_some(self.total_ms)
    }
}

/// A visit while it is being told.
#[derive(Clone)]
struct OpenVisit {
    visit: Visit,
    ringing_since: Option<DateTime<Utc>>,
    talk: Stopwatch,
    hold: Stopwatch,
    /// Of every agent who had the call in this visit.
    after_call_work: BTreeMap<Option<AgentName>, Stopwatch>,
    consult: Stopwatch,
}

impl OpenVisit {
    fn new(visit: Visit) -> Self {
        Self {
            visit,
            ringing_since: None,
            talk: Stopwatch::default(),
            hold: Stopwatch::default(),
            after_call_work: BTreeMap::new(),
            consult: Stopwatch::default(),
        }
    }

    fn in_queue(&self) -> bool {
        self.visit.outcome == Outcome::Waiting
    }

    /// The visit leaves the queue: its wait ended when the last ringing began, or now.
    fn leave_queue(&mut self, at: DateTime<Utc>, outcome: Outcome) {
        let wait_end = self.ringing_since.unwrap_or(at);
        self.visit.wait_ms = Some((wait_end - self.visit.offered_at).num_milliseconds().max(0));
        self.visit.ring_ms = Some((at - wait_end).num_milliseconds().max(0));
        self.visit.outcome = outcome;
        self.ringing_since = None;
    }

    /// The agent is out of the call: conversation, hold and consultation are over.
    fn stop_talking(&mut self, at: DateTime<Utc>) {
        self.talk.stop(at);
        self.hold.stop(at);
        self.consult.stop(at);
    }

    fn is_talking(&self) -> bool {
        self.talk.since.is_some() || self.hold.since.is_some()
    }

    /// The visit, and whether a duration in it cannot be and is therefore absent.
    fn finished(mut self) -> (Visit, bool) {
        if self.visit.outcome == Outcome::Answered {
            let complete = !self.is_talking();
            self.visit.talk_ms = complete.then_some(self.talk.total_ms).filter(|_| self.talk.ran);
            self.visit.hold_ms = complete.then_some(self.hold.total_ms);
            let finished = self.after_call_work.values().filter_map(|work| work.total());
            self.visit.after_call_work_ms = finished.reduce(|sum, work_ms| sum + work_ms);
            self.visit.consult_talk_ms = self.consult.total_ms;
        }
        let visit = &mut self.visit;
        let mut implausible = false;
        for duration in [
            &mut visit.wait_ms,
            &mut visit.ring_ms,
            &mut visit.talk_ms,
            &mut visit.hold_ms,
            &mut visit.after_call_work_ms,
        ] {
            if duration.is_some_and(|duration_ms| duration_ms > LONGEST_DURATION_MS) {
                *duration = None;
                implausible = true;
            }
        }
        if visit.consult_talk_ms > LONGEST_DURATION_MS {
            visit.consult_talk_ms = 0;
            implausible = true;
        }
        (self.visit, implausible)
    }
}

/// Visits of one call at most: beyond that a feed has gone astray, and the rest tells nothing.
const VISITS_MAX: usize = 10_000;

/// The call so far.
#[derive(Default)]
struct Telling {
    arrival: Option<CallRecord>,
    visits: Vec<OpenVisit>,
    /// Set between an overflow into another hotline and the queueing there.
    overflow_announced: bool,
    dialer: bool,
    outbound: Option<OutboundOutcome>,
    connected_at: Option<DateTime<Utc>>,
    outbound_talk: Stopwatch,
    overflows: u32,
    voice_message: bool,
    ended: Option<(DateTime<Utc>, Option<EndedBy>, Option<ConnectionStatus>)>,
}

/// Assembles the events of one call, which must be in order. `given_up`: the horizon has passed.
pub(super) fn assemble(events: &[CallEvent], given_up: bool) -> Assembled {
    let mut telling = Telling::default();
    for event in events {
        telling.tell(event);
    }
    if events.is_empty() {
        Assembled::default()
    } else {
        telling.into_call(given_up, &events[0])
    }
}

impl Telling {
    fn current(&mut self) -> Option<&mut OpenVisit> {
        self.visits.last_mut()
    }

    fn waiting(&mut self) -> Option<&mut OpenVisit> {
        self.visits.last_mut().filter(|open| open.in_queue())
    }

    fn answered(&mut self) -> Option<&mut OpenVisit> {
        self.visits
            .iter_mut()
            .rev()
            .find(|open| open.visit.outcome == Outcome::Answered)
    }

    fn tell(&mut self, event: &CallEvent) {
        let at = event.at;
        match &event.kind {
            EventKind::Arrived { .. } => self.arrive(event),
            EventKind::DialerAttempt => self.dialer = true,
            EventKind::OutboundResult { outcome } => {
                self.outbound = Some(*outcome);
                if *outcome == OutboundOutcome::Reached {
                    self.outbound_talk.start(at);
                }
            }
            EventKind::Queued { hotline } => self.queue(hotline, at),
            EventKind::Overflowed { to } => self.overflow(to, at),
            EventKind::Ringing { .. } => {
                if let Some(open) = self.waiting() {
                    open.ringing_since = Some(at);
                }
            }
            EventKind::RingUnanswered { .. } => {
                if let Some(open) = self.waiting() {
                    open.ringing_since = None;
                }
            }
            EventKind::Answered { agent } => self.answer(agent.as_ref(), at),
            EventKind::VoiceMessageRecorded => {
                self.voice_message = true;
                if let Some(open) = self.current() {
                    open.visit.voice_message = true;
                }
            }
            EventKind::Ended { by, status } => self.end(at, *by, *status),
            EventKind::AfterCallWorkStarted { agent } => {
                if let Some(work) = self.after_call_work(agent.as_ref()) {
                    work.start(at);
                }
            }
            EventKind::AfterCallWorkEnded { agent } => {
                if let Some(work) = self.after_call_work(agent.as_ref()) {
                    work.stop(at);
                }
            }
            _ => self.tell_of_agent(event),
        }
    }

    /// What happens while, or after, an agent has the call.
    fn tell_of_agent(&mut self, event: &CallEvent) {
        let at = event.at;
        let Some(open) = self.answered() else { return };
        match &event.kind {
            EventKind::Held if open.talk.since.is_some() => {
                open.talk.stop(at);
                open.hold.start(at);
            }
            EventKind::Resumed if open.hold.since.is_some() => {
                open.hold.stop(at);
                open.talk.start(at);
            }
            EventKind::ConsultStarted => open.visit.consult_count += 1,
            EventKind::ConsultAnswered => {
                open.visit.consult_connection_count += 1;
                open.consult.start(at);
            }
            EventKind::ConsultEnded => open.consult.stop(at),
            EventKind::Transferred { .. } => {
                open.visit.transfer_count += 1;
                open.stop_talking(at);
            }
            _ => {}
        }
    }

    /// After-call work belongs to the last visit that its agent had, which need not be the last one.
    fn after_call_work(&mut self, agent: Option<&AgentName>) -> Option<&mut Stopwatch> {
        let agent = agent.cloned();
        let mut answered = self
            .visits
            .iter_mut()
            .rev()
            .filter(|open| open.visit.outcome == Outcome::Answered);
        let open = if agent.is_some() {
            let mut answered: Vec<_> = answered.collect();
            let known = answered
                .iter()
                .position(|open| open.after_call_work.contains_key(&agent))
                .unwrap_or(0);
            if answered.is_empty() {
                None
            } else {
                Some(answered.swap_remove(known))
            }
        } else {
            answered.next()
        };
        open.map(|open| open.after_call_work.entry(agent).or_default())
    }

    fn arrive(&mut self, event: &CallEvent) {
        let EventKind::Arrived {
            task_type,
            hotline,
            caller,
            dialled_address,
            direct_topic_dial,
            external_contact,
            inbound_contact,
            out_cc_contact,
        } = &event.kind
        else {
            return;
        };
        let mut record = CallRecord::new(event.at, *task_type, hotline.clone(), ConnectionStatus::Failed);
        record.caller.clone_from(caller);
        record.dialled_address.clone_from(dialled_address);
        record.direct_topic_dial = *direct_topic_dial;
        record.external_contact = *external_contact;
        record.inbound_contact = *inbound_contact;
        record.out_cc_contact = *out_cc_contact;
        self.arrival.get_or_insert(record);
    }

    fn queue(&mut self, hotline: &HotlineName, at: DateTime<Utc>) {
        let mut overflowed_in = std::mem::take(&mut self.overflow_announced);
        if let Some(open) = self.current() {
            if open.in_queue() {
                if open.visit.hotline == *hotline {
                    return;
                }
                open.leave_queue(at, Outcome::Overflowed);
                overflowed_in = true;
            } else {
                open.stop_talking(at);
            }
        }
        if self.visits.len() == VISITS_MAX {
            return;
        }
        let ordinal = self.visits.len() as u16 + 1;
        let task_type = self
            .arrival
            .as_ref()
            .map_or(TaskType::InboundCall, |record| record.task_type);
        let mut visit = Visit::waiting(ordinal, hotline.clone(), task_type, at);
        visit.overflowed_in = overflowed_in;
        self.visits.push(OpenVisit::new(visit));
    }

    fn overflow(&mut self, to: &OverflowTarget, at: DateTime<Utc>) {
        self.overflows += 1;
        let Some(open) = self.waiting() else { return };
        if matches!(to, OverflowTarget::Hotline(hotline) if *hotline == open.visit.hotline) {
            return; // told in the same instant as, but after, the queueing there
        }
        open.visit.network_overflow_count += u32::from(!matches!(to, OverflowTarget::Hotline(_)));
        match to {
            OverflowTarget::Site(_) => {}
            OverflowTarget::Network(_) => open.leave_queue(at, Outcome::Overflowed),
            OverflowTarget::Hotline(_) => {
                open.leave_queue(at, Outcome::Overflowed);
                self.overflow_announced = true;
            }
        }
    }

    fn answer(&mut self, agent: Option<&AgentName>, at: DateTime<Utc>) {
        self.connected_at.get_or_insert(at);
        if let Some(open) = self.waiting() {
            open.leave_queue(at, Outcome::Answered);
        }
        match self
            .current()
            .filter(|open| open.visit.outcome == Outcome::Answered)
        {
            Some(open) => {
                if open.visit.agent.is_none() {
                    open.visit.agent = agent.cloned();
                }
                open.after_call_work.entry(agent.cloned()).or_default();
                open.talk.start(at);
            }
            None => self.outbound_talk.start(at),
        }
    }

    fn end(&mut self, at: DateTime<Utc>, by: Option<EndedBy>, status: Option<ConnectionStatus>) {
        self.ended = Some((at, by, status));
        self.outbound_talk.stop(at);
        let voice_message = self.voice_message;
        let Some(open) = self.current() else { return };
        if open.in_queue() {
            let told = match status.map(placement) {
                Some(Placement::Offered(outcome)) if outcome != Outcome::Answered => Some(outcome),
                _ => None,
            };
            let outcome = told.unwrap_or(match by {
                _ if voice_message => Outcome::Diverted,
                Some(EndedBy::System) => Outcome::Diverted,
                _ => Outcome::Abandoned,
            });
            open.leave_queue(at, outcome);
        }
        open.stop_talking(at);
        open.visit.ended_by = by;
    }

    fn into_call(mut self, given_up: bool, first: &CallEvent) -> Assembled {
        let mut call = Assembled {
            outbound: self.outbound,
            ..Assembled::default()
        };
        let settled = self.ended.is_some()
            || self
                .visits
                .last()
                .is_some_and(|open| !open.in_queue() && !open.is_talking());
        call.open = !settled && !given_up;
        if given_up && let Some(open) = self.waiting() {
            open.visit.outcome = Outcome::Unresolved;
        }
        if given_up && self.visits.iter().any(OpenVisit::is_talking) {
            call.flags.push(Flag::AnsweredWithoutEnd);
        }
        call.record = self.record(first);
        let outbound = call.record.as_ref().is_some_and(CallRecord::is_outbound);
        for (visit, implausible) in self.visits.into_iter().map(OpenVisit::finished) {
            if implausible {
                call.flags.push(Flag::ImplausibleDuration);
            }
            if !outbound {
                call.visits.push(visit);
            }
        }
        call
    }

    /// The 24 fields as the telephone system would have delivered them.
    fn record(&self, first: &CallEvent) -> Option<CallRecord> {
        let fallback = || {
            let hotline = self.visits.first()?.visit.hotline.clone();
            Some(CallRecord::new(
                first.at,
                TaskType::InboundCall,
                hotline,
                ConnectionStatus::Failed,
            ))
        };
        let mut record = self.arrival.clone().or_else(fallback)?;
        let visits: Vec<Visit> = self.visits.iter().map(OpenVisit::snapshot).collect();
        record.connection_status = self.status(&visits);
        record.dialer_contact = Some(self.dialer);
        record.voice_message_recorded = Some(self.voice_message);
        record.network_overflow_count = Some(self.overflows);
        record.customer_connection_count = Some(u32::from(self.connected_at.is_some()));
        if record.is_outbound() {
            record.talk_ms = self.outbound_talk.total();
            return Some(record);
        }
        let sum = |value: fn(&Visit) -> Option<i64>| {
            visits
                .iter()
                .filter_map(value)
                .fold(None, |sum: Option<i64>, add| Some(sum.unwrap_or(0) + add))
        };
        record.wait_ms = sum(|visit| visit.wait_ms);
        record.ring_ms = visits.last().and_then(|visit| visit.ring_ms);
        record.talk_ms = sum(|visit| visit.talk_ms);
        record.hold_ms = sum(|visit| visit.hold_ms);
        record.after_call_work_ms = sum(|visit| visit.after_call_work_ms);
        record.consult_count = Some(visits.iter().map(|visit| visit.consult_count).sum());
        record.consult_connection_count =
            Some(visits.iter().map(|visit| visit.consult_connection_count).sum());
        record.consult_talk_ms = sum(|visit| Some(visit.consult_talk_ms));
        Some(record)
    }

    fn status(&self, visits: &[Visit]) -> ConnectionStatus {
        let told = self.ended.and_then(|(_, _, status)| status);
        if visits.iter().any(|visit| visit.outcome == Outcome::Answered) {
            return ConnectionStatus::Answered;
        }
        let Some(last) = visits.last() else {
            let by_citizen = matches!(self.ended, Some((_, Some(EndedBy::Citizen), _)));
            let unasked = match self.outbound {
                Some(OutboundOutcome::Reached) => ConnectionStatus::Answered,
                Some(OutboundOutcome::Busy) => ConnectionStatus::Busy,
                Some(OutboundOutcome::NoAnswer) => ConnectionStatus::NoAnswer,
                _ if self.connected_at.is_some() => ConnectionStatus::Answered,
                _ if by_citizen => ConnectionStatus::AbandonedBeforeQueue,
                _ => ConnectionStatus::Failed,
            };
            return told.unwrap_or(unasked);
        };
        match last.outcome {
            Outcome::Answered => ConnectionStatus::Answered,
            Outcome::Abandoned if last.ring_ms.unwrap_or(0) > 0 => ConnectionStatus::AbandonedRinging,
            Outcome::Abandoned => ConnectionStatus::AbandonedQueued,
            Outcome::Overflowed => ConnectionStatus::Overflowed,
            Outcome::Diverted if last.voice_message => ConnectionStatus::VoiceMessage,
            Outcome::Diverted => ConnectionStatus::ClosedWhileQueued,
            Outcome::Waiting | Outcome::Unresolved => ConnectionStatus::Failed,
        }
    }
}

impl OpenVisit {
    fn snapshot(&self) -> Visit {
        self.clone().finished().0
    }
}
