//! A call while it is played, and what becomes of it: a record, events, visits.

use chrono::{DateTime, Utc};
use domain::event::{CallEvent, EndedBy, EventKind};
use domain::ids::{AgentName, CallId, HotlineName};
use domain::personal::{Caller, Personal};
use domain::record::{CallRecord, ConnectionStatus, TaskType};
use domain::visit::{Outcome, Visit};

use crate::arrivals::utc;

/// A call, told in every way in which a telephone system could tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedCall {
    /// The telephone system's id: unique for seed and day.
    pub call_id: CallId,
    /// When everything about it had happened, after-call work included: a finished record is sent then.
    pub finished_at: DateTime<Utc>,
    /// The finished record.
    pub record: CallRecord,
    /// The same as life-cycle events, in order, with sequence numbers from 1.
    pub events: Vec<CallEvent>,
    /// The true visits: what the events tell, if all of them arrive.
    pub visits: Vec<Visit>,
    /// The callback request that the agent logged.
    pub callback: Option<SimulatedCallback>,
}

/// A callback request: the ten fields, of which only some are given, and what the agent adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedCallback {
    /// When the agent logged it.
    pub at: DateTime<Utc>,
    /// The call that it came from.
    pub call_id: CallId,
    /// The hotline that the agent answered for.
    pub hotline: HotlineName,
    /// Who logged it.
    pub agent: AgentName,
    /// Anrede.
    pub salutation: Option<Personal>,
    /// Name.
    pub name: Option<Personal>,
    /// Vorname.
    pub first_name: Option<Personal>,
    /// E-Mail-Adresse.
    pub email: Option<Personal>,
    /// Straße.
    pub street: Option<Personal>,
    /// Hausnummer.
    pub house_number: Option<Personal>,
    /// Postleitzahl.
    pub postal_code: Option<Personal>,
    /// Ort.
    pub town: Option<Personal>,
    /// Telefonnummer.
    pub phone: Option<Personal>,
    /// Anliegen.
    pub concern: Personal,
}

/// A contact that is being played. Times are milliseconds since 1970 UTC.
pub(crate) struct Call {
    pub(crate) started_at: i64,
    pub(crate) task_type: TaskType,
    pub(crate) hotline: HotlineName,
    pub(crate) caller: Option<Caller>,
    pub(crate) dialled_address: String,
    pub(crate) direct_topic_dial: bool,
    events: Vec<(i64, EventKind)>,
    pub(crate) visits: Vec<Visit>,
    /// When the last visit's telephone began to ring.
    ringing_since: Option<i64>,
    hotline_overflows: u32,
    dialer: bool,
    connected_at: Option<i64>,
    voice_message: bool,
    ended_at: i64,
    ended_with: ConnectionStatus,
    /// Field 7.
    pub(crate) customer_record_count: u32,
}

impl Call {
    /// A contact that has just arrived or been placed.
    pub(crate) fn new(
        started_at: i64,
        task_type: TaskType,
        hotline: HotlineName,
        dialled_address: String,
    ) -> Self {
        Self {
            started_at,
            task_type,
            hotline,
            caller: None,
            dialled_address,
            direct_topic_dial: false,
            events: Vec::with_capacity(8),
            visits: Vec::new(),
            ringing_since: None,
            hotline_overflows: 0,
            dialer: false,
            connected_at: None,
            voice_message: false,
            ended_at: started_at,
            ended_with: ConnectionStatus::Failed,
            customer_record_count: 0,
        }
    }

    /// Whether the house placed it.
    fn is_outbound(&self) -> bool {
        matches!(self.task_type, TaskType::OutboundCall | TaskType::Callback)
    }

    /// Notes an event that changes nothing but the story.
    pub(crate) fn note(&mut self, at: i64, kind: EventKind) {
        self.events.push((at, kind));
    }

    /// The arrival, as its event tells it.
    pub(crate) fn arrive(&mut self) {
        let outbound = self.is_outbound();
        let arrived = EventKind::Arrived {
            task_type: self.task_type,
            hotline: self.hotline.clone(),
            caller: self.caller.clone(),
            dialled_address: Some(self.dialled_address.clone()),
            direct_topic_dial: Some(self.direct_topic_dial),
            external_contact: Some(true),
            inbound_contact: Some(!outbound),
            out_cc_contact: Some(outbound),
        };
        self.note(self.started_at, arrived);
    }

    /// The dialer placed it.
    pub(crate) fn dial(&mut self, at: i64) {
        self.dialer = true;
        self.note(at, EventKind::DialerAttempt);
    }

    /// Enters the queue of a hotline: another visit.
    pub(crate) fn enter_queue(&mut self, at: i64, hotline: &HotlineName, overflowed_in: bool) {
        let ordinal = self.visits.len() as u16 + 1;
        let mut visit = Visit::waiting(ordinal, hotline.clone(), self.task_type, utc(at));
        visit.overflowed_in = overflowed_in;
        self.visits.push(visit);
        self.note(
            at,
            EventKind::Queued {
                hotline: hotline.clone(),
            },
        );
    }

    /// An agent's telephone rings.
    pub(crate) fn ring(&mut self, at: i64, agent: &AgentName) {
        self.ringing_since = Some(at);
        self.note(
            at,
            EventKind::Ringing {
                agent: Some(agent.clone()),
            },
        );
    }

    /// Nobody answered it.
    pub(crate) fn stop_ringing(&mut self, at: i64, agent: &AgentName) {
        self.ringing_since = None;
        self.note(
            at,
            EventKind::RingUnanswered {
                agent: Some(agent.clone()),
            },
        );
    }

    /// An agent answers; without a visit, the citizen does.
    pub(crate) fn answer(&mut self, at: i64, agent: &AgentName) {
        self.connected_at.get_or_insert(at);
        self.leave_queue(at, Outcome::Answered);
        if let Some(visit) = self.visits.last_mut() {
            visit.agent = Some(agent.clone());
        }
        self.note(
            at,
            EventKind::Answered {
                agent: Some(agent.clone()),
            },
        );
    }

    /// Overflows to another hotline.
    pub(crate) fn overflow_to_hotline(&mut self, at: i64, kind: EventKind) {
        self.hotline_overflows += 1;
        self.leave_queue(at, Outcome::Overflowed);
        self.note(at, kind);
    }

    /// Overflows to another site: the visit goes on.
    pub(crate) fn overflow_to_site(&mut self, at: i64, kind: EventKind) {
        if let Some(visit) = self.visits.last_mut() {
            visit.network_overflow_count += 1;
        }
        self.note(at, kind);
    }

    /// Overflows to another network: the call is over.
    pub(crate) fn overflow_to_network(&mut self, at: i64, kind: EventKind) {
        self.overflow_to_site(at, kind);
        self.leave_queue(at, Outcome::Overflowed);
        self.end(at, EndedBy::System, ConnectionStatus::Overflowed);
    }

    /// Leaves for a voice message. The recording itself belongs to the mailbox, not to the call.
    pub(crate) fn leave_voice_message(&mut self, at: i64, status: ConnectionStatus) {
        self.voice_message = true;
        if let Some(visit) = self.visits.last_mut() {
            visit.voice_message = true;
        }
        self.leave_queue(at, Outcome::Diverted);
        self.note(at, EventKind::VoiceMessageRecorded);
        self.end(at, EndedBy::Citizen, status);
    }

    /// The citizen hangs up while queued or ringing.
    pub(crate) fn abandon(&mut self, at: i64) {
        let rang = self.ringing_since.is_some_and(|since| since < at);
        self.leave_queue(at, Outcome::Abandoned);
        let status = if rang {
            ConnectionStatus::AbandonedRinging
        } else {
            ConnectionStatus::AbandonedQueued
        };
        self.end(at, EndedBy::Citizen, status);
    }

    /// The service time ends while queued.
    pub(crate) fn close(&mut self, at: i64) {
        self.leave_queue(at, Outcome::Diverted);
        self.end(at, EndedBy::System, ConnectionStatus::ClosedWhileQueued);
    }

    /// The end of the contact.
    pub(crate) fn end(&mut self, at: i64, by: EndedBy, status: ConnectionStatus) {
        self.ended_at = at;
        self.ended_with = status;
        if let Some(visit) = self.visits.last_mut() {
            visit.ended_by = Some(by);
        }
        self.note(
            at,
            EventKind::Ended {
                by: Some(by),
                status: Some(status),
            },
        );
    }

    /// After-call work of the agent of a visit.
    pub(crate) fn work_after(&mut self, visit: usize, from: i64, until: i64, agent: &AgentName) {
        self.visits[visit].after_call_work_ms = Some(until - from);
        self.note(
            from,
            EventKind::AfterCallWorkStarted {
                agent: Some(agent.clone()),
            },
        );
        self.note(
            until,
            EventKind::AfterCallWorkEnded {
                agent: Some(agent.clone()),
            },
        );
    }

    fn leave_queue(&mut self, at: i64, outcome: Outcome) {
        let ringing_since = self.ringing_since.take();
        if let Some(visit) = self
            .visits
            .last_mut()
            .filter(|visit| visit.outcome == Outcome::Waiting)
        {
            let wait_end = ringing_since.unwrap_or(at);
            visit.wait_ms = Some(wait_end - visit.offered_at.timestamp_millis());
            visit.ring_ms = Some(at - wait_end);
            visit.outcome = outcome;
        }
    }

    /// The finished call. Events of one instant stay in the order in which they were noted.
    pub(crate) fn finished(mut self, call_id: CallId, callback: Option<SimulatedCallback>) -> SimulatedCall {
        self.events.sort_by_key(|(at, _)| *at);
        let record = self.record();
        let finished_at = self.events.last().map_or(record.started_at, |(at, _)| utc(*at));
        let numbered = self.events.into_iter().zip(1..);
        let events = numbered
            .map(|((at, kind), sequence)| CallEvent {
                sequence: Some(sequence),
                ..CallEvent::new(utc(at), kind)
            })
            .collect();
        SimulatedCall {
            call_id,
            finished_at,
            record,
            events,
            visits: self.visits,
            callback,
        }
    }

    /// The 24 fields. Durations that the contact cannot have are absent.
    fn record(&self) -> CallRecord {
        let answered = self.visits.iter().any(|visit| visit.outcome == Outcome::Answered);
        let status = if answered {
            ConnectionStatus::Answered
        } else {
            self.ended_with
        };
        let mut record = CallRecord::new(utc(self.started_at), self.task_type, self.hotline.clone(), status);
        record.caller.clone_from(&self.caller);
        record.dialled_address = Some(self.dialled_address.clone());
        record.customer_record_count = Some(self.customer_record_count);
        record.customer_connection_count = Some(u32::from(self.connected_at.is_some()));
        record.billable_ms = Some(self.connected_at.map_or(0, |at| self.ended_at - at));
        record.direct_topic_dial = Some(self.direct_topic_dial);
        record.external_contact = Some(true);
        record.inbound_contact = Some(!self.is_outbound());
        record.out_cc_contact = Some(self.is_outbound());
        record.dialer_contact = Some(self.dialer);
        record.voice_message_recorded = Some(self.voice_message);
        let network_overflows: u32 = self.visits.iter().map(|visit| visit.network_overflow_count).sum();
        record.network_overflow_count = Some(network_overflows + self.hotline_overflows);
        if self.is_outbound() {
            record.talk_ms = self.connected_at.map(|at| self.ended_at - at);
            return record;
        }
        record.consult_count = Some(self.visits.iter().map(|visit| visit.consult_count).sum());
        record.consult_connection_count = Some(
            self.visits
                .iter()
                .map(|visit| visit.consult_connection_count)
                .sum(),
        );
        record.wait_ms = self.sum(|visit| visit.wait_ms);
        record.ring_ms = self.visits.last().and_then(|visit| visit.ring_ms);
        record.talk_ms = self.sum(|visit| visit.talk_ms);
        record.hold_ms = self.sum(|visit| visit.hold_ms);
        record.after_call_work_ms = self.sum(|visit| visit.after_call_work_ms);
        record.consult_talk_ms = self.sum(|visit| Some(visit.consult_talk_ms));
        record
    }

    fn sum(&self, value: impl Fn(&Visit) -> Option<i64>) -> Option<i64> {
        self.visits.iter().filter_map(value).reduce(|sum, add| sum + add)
    }
}
