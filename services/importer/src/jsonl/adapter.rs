//! From JSON lines to reports.

use domain::agents::AgentReport;
use domain::event::{self, CallEvent, EventKind, OverflowTarget};
use domain::ids::{AgentName, CallId, EventId, VisitKey};
use domain::personal::Caller;
use domain::record::CallRecord;
use domain::report::RevisedRecord;

use crate::adapter::{Adapter, CallBody, CallItem, Fault, Item, Notes, Place, Rejects, without_mark};
use crate::jsonl::form;
use crate::jsonl::map::JsonlMap;

/// Where the form is described.
const SCHEMA: &str = "schemas/imports/jsonl.schema.json";

/// Reads JSON lines. Holds nothing from line to line.
pub struct JsonlAdapter {
    map: JsonlMap,
    rejects: Rejects,
    notes: Notes,
}

impl JsonlAdapter {
    /// An adapter that has read nothing.
    pub fn new(map: JsonlMap) -> Self {
        Self {
            map,
            rejects: Rejects::new(),
            notes: Notes::default(),
        }
    }

    fn item(&self, bytes: &[u8]) -> Result<Item, Fault> {
        let mut json = serde_json::Deserializer::from_slice(bytes);
        let line: form::Line =
            serde_path_to_error::deserialize(&mut json).map_err(|error| form_fault(&error))?;
        json.end()
            .map_err(|_| Fault::line("more than one JSON object; write one a line"))?;
        let form::Line {
            call_id,
            record,
            event,
            agent,
        } = line;
        let call = || {
            call_id
                .as_deref()
                .map(CallId::new)
                .filter(|id| !id.as_str().is_empty())
                .ok_or_else(|| Fault::of("call_id", "missing; name the call that is reported"))
        };
        let body = match (record, event, agent) {
            (Some(record), None, None) => self.record(record),
            (None, Some(event), None) => CallBody::Event(Box::new(self.event(event)?)),
            (None, None, Some(agent)) if call_id.is_none() => return Ok(Item::Agent(self.agent(agent))),
            _ => {
                return Err(Fault::line(format!(
                    "not one of record and event, each with call_id, and agent; see {SCHEMA}"
                )));
            }
        };
        Ok(Item::Call(CallItem { call: call()?, body }))
    }

    fn agent(&self, agent: form::Agent) -> AgentReport {
        AgentReport {
            agent: self.map.agents.agent(&agent.agent),
            hotline: agent.hotline.map(|hotline| self.map.hotlines.hotline(&hotline)),
            at: agent.at.0,
            state: agent.state,
            reason: agent.reason,
        }
    }

    fn caller(&self, caller: Option<&str>, withheld: bool) -> Option<Caller> {
        match (withheld, caller) {
            (true, _) => Some(Caller::Withheld),
            (false, Some(caller)) => self.map.callers.caller(caller),
            (false, None) => None,
        }
    }

    fn record(&self, form: form::Record) -> CallBody {
        let hotline = self.map.hotlines.hotline(&form.hotline);
        let mut record = CallRecord::new(form.started_at.0, form.task_type, hotline, form.connection_status);
        record.caller = self.caller(form.caller.as_deref(), form.caller_withheld);
        record.dialled_address = form.dialled_address;
        record.customer_record_count = form.customer_record_count;
        record.customer_connection_count = form.customer_connection_count;
        record.billable_ms = form.billable_ms;
        record.ring_ms = form.ring_ms;
        record.talk_ms = form.talk_ms;
        record.hold_ms = form.hold_ms;
        record.wait_ms = form.wait_ms;
        record.consult_count = form.consult_count;
        record.consult_connection_count = form.consult_connection_count;
        record.consult_talk_ms = form.consult_talk_ms;
        record.after_call_work_ms = form.after_call_work_ms;
        record.direct_topic_dial = form.direct_topic_dial;
        record.external_contact = form.external_contact;
        record.inbound_contact = form.inbound_contact;
        record.out_cc_contact = form.out_cc_contact;
        record.dialer_contact = form.dialer_contact;
        record.voice_message_recorded = form.voice_message_recorded;
        record.network_overflow_count = form.network_overflow_count;
        CallBody::Record {
            record: Box::new(RevisedRecord {
                revision: form.revision,
                record,
            }),
            ended_at: form.ended_at.map(|at| at.0),
        }
    }

    fn event(&self, form: form::Event) -> Result<CallEvent, Fault> {
        let at = form
            .at
            .ok_or_else(|| Fault::of("event.at", "missing; say when it happened"))?;
        let form::Measured {
            wait_ms,
            ring_ms,
            engaged_ms,
        } = form.measured;
        let (id, sequence, visit) = (form.id.clone(), form.sequence, form.visit.clone());
        let mut event = CallEvent::new(at.0, self.kind(form)?);
        event.id = id.map(EventId::new);
        event.sequence = sequence;
        event.visit = visit.map(VisitKey::new);
        event.measured = event::Measured {
            wait_ms,
            ring_ms,
            engaged_ms,
        };
        Ok(event)
    }

    fn kind(&self, form: form::Event) -> Result<EventKind, Fault> {
        let by = |by: form::ByAgent| by.agent.map(|agent| self.map.agents.agent(&agent));
        let work = |kind: fn(Option<AgentName>) -> EventKind| move |form: form::ByAgent| kind(by(form));
        let overflowed = form.overflowed.map(|form| self.overflow(form)).transpose()?;
        let kinds = [
            form.arrived.map(|form| self.arrived(form)),
            form.dialer_attempt.map(|_| EventKind::DialerAttempt),
            form.outbound_result.map(|form| EventKind::OutboundResult {
                outcome: form.outcome,
            }),
            form.queued.map(|form| EventKind::Queued {
                hotline: self.map.hotlines.hotline(&form.hotline),
            }),
            overflowed,
            form.ringing.map(work(|agent| EventKind::Ringing { agent })),
            form.ring_unanswered
                .map(work(|agent| EventKind::RingUnanswered { agent })),
            form.answered.map(work(|agent| EventKind::Answered { agent })),
            form.held.map(|_| EventKind::Held),
            form.resumed.map(|_| EventKind::Resumed),
            form.consult_started.map(|_| EventKind::ConsultStarted),
            form.consult_answered.map(|_| EventKind::ConsultAnswered),
            form.consult_ended.map(|_| EventKind::ConsultEnded),
            form.transferred.map(|form| EventKind::Transferred {
                transfer: form.transfer,
                hotline: form.hotline.map(|hotline| self.map.hotlines.hotline(&hotline)),
            }),
            form.voice_message_recorded
                .map(|_| EventKind::VoiceMessageRecorded),
            form.visit_ended.map(|form| EventKind::VisitEnded {
                outcome: form.outcome,
                by: form.by,
            }),
            form.ended.map(|form| EventKind::Ended {
                by: form.by,
                status: form.status,
            }),
            form.after_call_work_started
                .map(work(|agent| EventKind::AfterCallWorkStarted { agent })),
            form.after_call_work_ended
                .map(work(|agent| EventKind::AfterCallWorkEnded { agent })),
        ];
        let mut told = kinds.into_iter().flatten();
        match (told.next(), told.next()) {
            (Some(kind), None) => Ok(kind),
            _ => Err(Fault::of(
                "event",
                format!("not exactly one kind of event; see {SCHEMA}"),
            )),
        }
    }

    fn overflow(&self, form: form::Overflowed) -> Result<EventKind, Fault> {
        let to = match (form.hotline, form.site, form.network) {
            (Some(hotline), None, None) => OverflowTarget::Hotline(self.map.hotlines.hotline(&hotline)),
            (None, Some(site), None) => OverflowTarget::Site(site),
            (None, None, Some(network)) => OverflowTarget::Network(network),
            _ => {
                return Err(Fault::of(
                    "event.overflowed",
                    "not exactly one of hotline, site and network",
                ));
            }
        };
        Ok(EventKind::Overflowed { to })
    }

    fn arrived(&self, form: form::Arrived) -> EventKind {
        EventKind::Arrived {
            task_type: form.task_type,
            hotline: self.map.hotlines.hotline(&form.hotline),
            caller: self.caller(form.caller.as_deref(), form.caller_withheld),
            dialled_address: form.dialled_address,
            direct_topic_dial: form.direct_topic_dial,
            external_contact: form.external_contact,
            inbound_contact: form.inbound_contact,
            out_cc_contact: form.out_cc_contact,
        }
    }
}

impl Adapter for JsonlAdapter {
    fn read(&mut self, line: &[u8], too_long: bool, place: Place, items: &mut Vec<Item>) {
        let bytes = without_mark(line, place);
        if bytes.trim_ascii().is_empty() {
            return;
        }
        self.notes.lines += 1;
        let item = if too_long {
            Err(Fault::too_long())
        } else {
            self.item(bytes)
        };
        items.push(item.unwrap_or_else(|fault| self.rejects.item(bytes, place, fault)));
    }

    fn settle(&mut self, _items: &mut Vec<Item>) {}

    fn needed_from(&self) -> Option<Place> {
        None
    }

    fn notes(&self) -> &Notes {
        &self.notes
    }
}

/// The parser's own words would repeat the value, which may be personal.
fn form_fault(error: &serde_path_to_error::Error<serde_json::Error>) -> Fault {
    let inner = error.inner();
    if inner.is_syntax() || inner.is_eof() {
        return Fault::line("not a JSON object; write one object a line");
    }
    let text = inner.to_string();
    let path = error.path().to_string();
    let name = text.split('`').nth(1).unwrap_or_default();
    let name: String = name.chars().take(40).collect();
    if text.starts_with("missing field") {
        Fault::line(format!("{path}: \"{name}\" is missing; see {SCHEMA}"))
    } else if text.starts_with("unknown field") {
        Fault::line(format!("{path}: there is no \"{name}\" here; see {SCHEMA}"))
    } else if text.starts_with("duplicate field") {
        Fault::line(format!("{path}: \"{name}\" is there twice"))
    } else {
        Fault::line(format!("{path}: a value of another form; see {SCHEMA}"))
    }
}
