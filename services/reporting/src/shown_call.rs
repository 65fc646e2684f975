//! A call as those see it who ask for it.

use domain::assembly::{CallState, Origin};
use domain::event::EventKind;
use domain::ids::AgentName;
use domain::numbers::Number;
use domain::personal::{Caller, Personal};
use domain::record::{CallRecord, DoubtReason};
use domain::report::RevisedRecord;
use domain::visit::Visit;
use store::calls::StoredCall;
use wire::v1::calls as calls_proto;
use wire::v1::reporting as proto;

use crate::agents_shown::Names;

/// How much of a call is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// What a list shows.
    Listed,
    /// Events, conflicting records and origins as well.
    Everything,
}

/// Shows a call; numbers and addresses masked unless `reveal`, names of agents as `names` says.
pub(crate) fn shown_call(call: &StoredCall, detail: Detail, reveal: bool, names: Names) -> proto::Call {
    let state = &call.state;
    let assembled = state.assembled();
    let number = assembled
        .record
        .as_ref()
        .and_then(|record| record.caller.as_ref());
    let (caller_kind, caller_e164) = shown_number(number, reveal);
    let revision = state.record.as_ref().map(|revised| revised.revision);
    let record = assembled.record.map(|record| RevisedRecord {
        revision: revision.unwrap_or(0),
        record,
    });
    let mut shown = proto::Call {
        identity: call.identity.to_hex(),
        source: call.source.to_string(),
        call_id: call.call_id.as_ref().map(ToString::to_string),
        import_run: call.run.as_ref().map(ToString::to_string),
        received_at_unix_ms: call.received_at.timestamp_millis(),
        heard_at_unix_ms: call.heard_at.timestamp_millis(),
        open: assembled.open,
        given_up: state.given_up,
        flags: assembled
            .flags
            .iter()
            .map(|flag| flag.name().to_owned())
            .collect(),
        record: record.map(|record| shown_record(record, reveal)),
        revision,
        caller_kind,
        caller_e164,
        visits: assembled
            .visits
            .iter()
            .map(|visit| shown_visit(visit, state.counts_for(&visit.hotline), names))
            .collect(),
        retracted: state.retracted,
        visits_origin: state
            .visits_origin()
            .map_or("", |origin| origin.name())
            .to_owned(),
        callbacks: state.callbacks.iter().map(shown_callback).collect(),
        ..proto::Call::default()
    };
    if detail == Detail::Everything {
        add_everything(&mut shown, state, reveal, names);
    }
    shown
}

fn add_everything(shown: &mut proto::Call, state: &CallState, reveal: bool, names: Names) {
    let origins = state.origins();
    shown.origins = origins
        .into_iter()
        .map(|(field, origin)| {
            let (raw, reason) = match &origin {
                Origin::Doubtful(doubt) => (masked(doubt.raw.reveal(), reveal), reason(doubt.reason)),
                _ => (String::new(), ""),
            };
            proto::ValueOrigin {
                field: field.name().to_owned(),
                origin: origin.name().to_owned(),
                raw,
                reason: reason.to_owned(),
            }
        })
        .collect();
    shown.events = state
        .events
        .iter()
        .map(|event| {
            let mut event = event.clone();
            names.hide_in(&mut event);
            if state.agents_gone {
                event.set_agent(None);
            }
            if let EventKind::Arrived {
                caller,
                dialled_address,
                ..
            } = &mut event.kind
            {
                hide(caller, dialled_address, reveal);
            }
            wire::calls::event_to_wire(&event)
        })
        .collect();
    shown.conflicts = state
        .conflicts
        .iter()
        .map(|record| shown_record(record.clone(), reveal))
        .collect();
}

fn masked(text: &str, reveal: bool) -> String {
    match reveal {
        true => text.to_owned(),
        false => Personal::new(text).masked(),
    }
}

fn hide(caller: &mut Option<Caller>, dialled_address: &mut Option<String>, reveal: bool) {
    if let Some(Caller::Given(given)) = caller {
        *given = Personal::new(masked(given.reveal(), reveal));
    }
    if let Some(address) = dialled_address {
        *address = masked(address, reveal);
    }
}

fn shown_record(mut revised: RevisedRecord, reveal: bool) -> calls_proto::FinishedRecord {
    let CallRecord {
        caller,
        dialled_address,
        doubts,
        ..
    } = &mut revised.record;
    hide(caller, dialled_address, reveal);
    for doubt in doubts {
        doubt.raw = Personal::new(masked(doubt.raw.reveal(), reveal));
    }
    wire::calls::record_to_wire(&revised)
}

/// What the caller's number is, and the number in E.164 if it may be shown.
fn shown_number(caller: Option<&Caller>, reveal: bool) -> (String, String) {
    match caller {
        None => Default::default(),
        Some(Caller::Withheld) => ("withheld".to_owned(), String::new()),
        Some(Caller::Given(given)) => {
            let number = Number::read(given.reveal());
            let e164 = match &number {
                Number::E164 { number, .. } if reveal => number.clone(),
                _ => String::new(),
            };
            (number.kind().to_owned(), e164)
        }
    }
}

fn reason(reason: DoubtReason) -> &'static str {
    match reason {
        DoubtReason::NegativeDuration => "negative_duration",
        DoubtReason::LongerThanADay => "longer_than_a_day",
        DoubtReason::Unreadable => "unreadable",
    }
}

/// Shows a visit.
pub(crate) fn shown_visit(visit: &Visit, counted: bool, names: Names) -> proto::Visit {
    proto::Visit {
        ordinal: u32::from(visit.ordinal),
        hotline: visit.hotline.to_string(),
        task_type: visit.task_type.name().to_owned(),
        offered_at_unix_ms: visit.offered_at.timestamp_millis(),
        outcome: visit.outcome.name().to_owned(),
        wait_ms: visit.wait_ms,
        ring_ms: visit.ring_ms,
        talk_ms: visit.talk_ms,
        hold_ms: visit.hold_ms,
        after_call_work_ms: visit.after_call_work_ms,
        consult_count: visit.consult_count,
        consult_connection_count: visit.consult_connection_count,
        consult_talk_ms: visit.consult_talk_ms,
        transfer_count: visit.transfer_count,
        agent: names.of(visit.agent.as_ref().map(AgentName::to_string), visit.offered_at),
        ended_by: visit.ended_by.map(|by| by.name().to_owned()),
        overflowed_in: visit.overflowed_in,
        network_overflow_count: visit.network_overflow_count,
        voice_message: visit.voice_message,
        counted,
    }
}

fn shown_callback(callback: &domain::report::CallbackLogged) -> calls_proto::CallbackLogged {
    calls_proto::CallbackLogged {
        ticket_id: callback.ticket.to_string(),
        hotline: callback.hotline.to_string(),
        at_unix_ms: callback.at.timestamp_millis(),
    }
}
