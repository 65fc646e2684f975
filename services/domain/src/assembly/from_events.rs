//! Events of one call, in order, become its record and its visits.

use chrono::{DateTime, Utc};

use super::open_visit::{OpenVisit, Stopwatch};
use crate::assembly::{Assembled, Flag};
use crate::event::{CallEvent, EndedBy, EventKind, OutboundOutcome, OverflowTarget, VisitEnd};
use crate::ids::{AgentName, HotlineName, VisitKey};
use crate::record::{CallRecord, ConnectionStatus, TaskType};
use crate::visit::{Outcome, Placement, Visit, placement};

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
    ended: Option<End>,
}

/// The end of the whole call.
#[derive(Clone, Copy)]
struct End {
    at: DateTime<Utc>,
    by: Option<EndedBy>,
    status: Option<ConnectionStatus>,
}

impl End {
    /// Ends a visit, as far as its own events have not ended it.
    fn end(self, open: &mut OpenVisit, voice_message: bool) {
        if open.in_queue() {
            let told = match self.status.map(placement) {
                Some(Placement::Offered(outcome)) if outcome != Outcome::Answered => Some(outcome),
                _ => None,
            };
            let outcome = told.unwrap_or(match self.by {
                _ if voice_message => Outcome::Diverted,
                Some(EndedBy::System) => Outcome::Diverted,
                _ => Outcome::Abandoned,
            });
            open.leave_queue(self.at, outcome);
        }
        open.stop_talking(self.at);
        open.visit.ended_by = self.by;
    }
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

    fn named(&mut self, key: &VisitKey) -> Option<&mut OpenVisit> {
        self.visits.iter_mut().find(|open| open.key.as_ref() == Some(key))
    }

    /// The visit that an event belongs to: the one that it names, else the last.
    fn of(&mut self, event: &CallEvent) -> Option<&mut OpenVisit> {
        match &event.visit {
            Some(key) => self.named(key),
            None => self.current(),
        }
    }

    fn waiting(&mut self, event: &CallEvent) -> Option<&mut OpenVisit> {
        self.of(event).filter(|open| open.in_queue())
    }

    /// The visit that an event of a conversation belongs to: the one that it names, else the last answered one.
    fn answered(&mut self, event: &CallEvent) -> Option<&mut OpenVisit> {
        let answered = |open: &OpenVisit| open.visit.outcome == Outcome::Answered;
        match &event.visit {
            Some(key) => self.named(key).filter(|open| answered(open)),
            None => self.visits.iter_mut().rev().find(|open| answered(open)),
        }
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
            EventKind::Queued { hotline } => self.queue(hotline, event),
            EventKind::Overflowed { to } => self.overflow(to, event),
            EventKind::Ringing { agent } => {
                if let Some(open) = self.waiting(event) {
                    open.ringing_since = Some(at);
                    open.with.clone_from(agent);
                }
            }
            EventKind::RingUnanswered { .. } => {
                if let Some(open) = self.waiting(event) {
                    open.ringing_since = None;
                }
            }
            EventKind::Answered { agent } => self.answer(agent.as_ref(), event),
            EventKind::VoiceMessageRecorded => {
                self.voice_message = true;
                if let Some(open) = self.of(event) {
                    open.visit.voice_message = true;
                }
            }
            EventKind::VisitEnded { outcome, by } => self.end_visit(*outcome, *by, event),
            EventKind::Ended { by, status } => self.end(End {
                at,
                by: *by,
                status: *status,
            }),
            EventKind::AfterCallWorkStarted { agent } => {
                if let Some(work) = self.after_call_work(agent.as_ref(), event) {
                    work.start(at);
                }
            }
            EventKind::AfterCallWorkEnded { agent } => {
                if let Some(work) = self.after_call_work(agent.as_ref(), event) {
                    work.stop(at);
                }
            }
            _ => self.tell_of_agent(event),
        }
    }

    /// What happens while, or after, an agent has the call.
    fn tell_of_agent(&mut self, event: &CallEvent) {
        let at = event.at;
        let Some(open) = self.answered(event) else { return };
        match &event.kind {
            EventKind::Held if open.talk.is_running() => {
                open.talk.stop(at);
                open.hold.start(at);
            }
            EventKind::Resumed if open.hold.is_running() => {
                open.hold.stop(at);
                open.talk.start(at);
            }
            EventKind::ConsultStarted => open.visit.consult_count += 1,
            EventKind::ConsultAnswered => {
                open.visit.consult_connection_count += 1;
                open.consult.start(at);
            }
            EventKind::ConsultEnded => open.consult.stop(at),
            // Two feeds of one source may tell of the same transfer: the visit is over by the second.
            EventKind::Transferred { .. } if event.visit.is_some() && !open.is_talking() => {}
            EventKind::Transferred { .. } => {
                open.visit.transfer_count += 1;
                open.visit.ended_by = Some(EndedBy::Transfer);
                open.engaged(event.measured);
                open.stop_talking(at);
            }
            _ => {}
        }
    }

    /// After-call work belongs to the last visit that its agent had, which need not be the last one.
    fn after_call_work(&mut self, agent: Option<&AgentName>, event: &CallEvent) -> Option<&mut Stopwatch> {
        let agent = agent.cloned();
        if event.visit.is_some() {
            let open = self.answered(event)?;
            return Some(open.after_call_work.entry(agent).or_default());
        }
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
        let Some(known) = &mut self.arrival else {
            self.arrival = Some(record);
            return;
        };
        // Told again, later or by another feed of the source: what was not known is added.
        known.caller = known.caller.take().or(record.caller);
        known.dialled_address = known.dialled_address.take().or(record.dialled_address);
        known.direct_topic_dial = known.direct_topic_dial.or(record.direct_topic_dial);
        known.external_contact = known.external_contact.or(record.external_contact);
        known.inbound_contact = known.inbound_contact.or(record.inbound_contact);
        known.out_cc_contact = known.out_cc_contact.or(record.out_cc_contact);
    }

    fn queue(&mut self, hotline: &HotlineName, event: &CallEvent) {
        let at = event.at;
        if event.visit.as_ref().is_some_and(|key| self.named(key).is_some()) {
            return;
        }
        let mut overflowed_in = std::mem::take(&mut self.overflow_announced);
        if let Some(open) = self.current() {
            let same_stay = open.in_queue() && open.visit.hotline == *hotline;
            if same_stay && event.visit.is_none() {
                return;
            }
            // A visit that its source names is ended by its own events, which may come later.
            if open.key.is_none() && open.in_queue() {
                open.leave_queue(at, Outcome::Overflowed);
                overflowed_in = true;
            } else if open.key.is_none() {
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
        self.visits.push(OpenVisit::new(visit, event.visit.clone()));
    }

    fn overflow(&mut self, to: &OverflowTarget, event: &CallEvent) {
        self.overflows += 1;
        let Some(open) = self.waiting(event) else { return };
        if matches!(to, OverflowTarget::Hotline(hotline) if *hotline == open.visit.hotline) {
            return; // told in the same instant as, but after, the queueing there
        }
        open.visit.network_overflow_count += u32::from(!matches!(to, OverflowTarget::Hotline(_)));
        match to {
            OverflowTarget::Site(_) => {}
            OverflowTarget::Network(_) => open.leave_queue(event.at, Outcome::Overflowed),
            OverflowTarget::Hotline(_) => {
                open.leave_queue(event.at, Outcome::Overflowed);
                self.overflow_announced = true;
            }
        }
    }

    fn answer(&mut self, agent: Option<&AgentName>, event: &CallEvent) {
        let at = event.at;
        self.connected_at.get_or_insert(at);
        if let Some(open) = self.waiting(event) {
            open.leave_queue(at, Outcome::Answered);
            open.waited(event.measured);
        }
        match self
            .of(event)
            .filter(|open| open.visit.outcome == Outcome::Answered)
        {
            Some(open) => {
                if open.visit.agent.is_none() {
                    open.visit.agent = agent.cloned();
                }
                open.visit.ended_by = None;
                open.with = agent.cloned();
                open.after_call_work.entry(agent.cloned()).or_default();
                open.talk.start(at);
            }
            None if event.visit.is_none() => self.outbound_talk.start(at),
            None => {}
        }
    }

    fn end_visit(&mut self, outcome: Option<VisitEnd>, by: Option<EndedBy>, event: &CallEvent) {
        let Some(open) = self.of(event) else { return };
        if outcome == Some(VisitEnd::Lost) {
            open.lose_end();
            return;
        }
        let mut overflowed = 0;
        if open.in_queue() {
            let outcome = match (outcome, by) {
                (Some(VisitEnd::Overflowed), _) => Outcome::Overflowed,
                (Some(VisitEnd::Diverted), _) => Outcome::Diverted,
                (Some(_), _) => Outcome::Abandoned,
                (None, Some(EndedBy::System)) => Outcome::Diverted,
                (None, _) => Outcome::Abandoned,
            };
            overflowed = u32::from(outcome == Outcome::Overflowed);
            open.leave_queue(event.at, outcome);
            open.waited(event.measured);
        }
        open.engaged(event.measured);
        open.stop_talking(event.at);
        open.visit.ended_by = by.or(open.visit.ended_by);
        self.overflows += overflowed;
    }

    fn end(&mut self, end: End) {
        self.ended = Some(end);
        self.outbound_talk.stop(end.at);
        let voice_message = self.voice_message;
        // A visit that its source names may have an end of its own, told with a later time: see `into_call`.
        if let Some(open) = self.current().filter(|open| open.key.is_none()) {
            end.end(open, voice_message);
        }
    }

    /// What the order of the events alone does not tell: ends of named visits, and what overflowed into what.
    fn settle_named(&mut self) {
        let voice_message = self.voice_message;
        if let Some(end) = self.ended {
            for open in &mut self.visits {
                if open.key.is_some()
                    && (open.in_queue() || open.is_talking())
                    && open.visit.offered_at <= end.at
                {
                    end.end(open, voice_message);
                }
            }
        }
        for next in 1..self.visits.len() {
            let (before, after) = (&self.visits[next - 1], &self.visits[next]);
            let into_another = before.key.is_some()
                && before.visit.outcome == Outcome::Overflowed
                && before.visit.hotline != after.visit.hotline;
            self.visits[next].visit.overflowed_in |= into_another;
        }
    }

    fn into_call(mut self, given_up: bool, first: &CallEvent) -> Assembled {
        let mut call = Assembled {
            outbound: self.outbound,
            ..Assembled::default()
        };
        self.settle_named();
        let all_ended = || !self.visits.iter().any(OpenVisit::awaits_end);
        let settled = self.ended.is_some() || (!self.visits.is_empty() && all_ended());
        call.open = !settled && !given_up;
        for open in &mut self.visits {
            if given_up && open.in_queue() {
                open.visit.outcome = Outcome::Unresolved;
            }
            if open.is_talking() && (given_up || open.is_lost()) {
                call.flags.push(Flag::AnsweredWithoutEnd);
            }
        }
        call.record = self.record(first);
        let outbound = call.record.as_ref().is_some_and(CallRecord::is_outbound);
        for (mut visit, implausible) in self.visits.into_iter().map(OpenVisit::finished) {
            visit.live = visit.live.filter(|_| !given_up);
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
        let told = self.ended.and_then(|end| end.status);
        if visits.iter().any(|visit| visit.outcome == Outcome::Answered) {
            return ConnectionStatus::Answered;
        }
        let Some(last) = visits.last() else {
            let by_citizen = self.ended.is_some_and(|end| end.by == Some(EndedBy::Citizen));
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
