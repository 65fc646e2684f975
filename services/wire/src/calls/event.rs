use domain::event::{
    CallEvent, EndedBy, EventKind, Measured, OutboundOutcome, OverflowTarget, TransferKind, VisitEnd,
};
use domain::ids::{AgentName, HotlineName, VisitKey};
use domain::record::{CallRecord, LONGEST_DURATION_MS};

use super::record::{caller, caller_to_wire, status, task_type};
use super::{ReportRejection, event_id};
use crate::v1::calls as wire;
use wire::call_event::Kind;

fn agent(name: Option<&String>) -> Option<AgentName> {
    name.map(AgentName::new).filter(|name| !name.as_str().is_empty())
}

fn agent_to_wire(name: Option<&AgentName>) -> Option<String> {
    name.map(|name| name.as_str().to_owned())
}

fn hotline(name: &str) -> Result<HotlineName, ReportRejection> {
    let name = HotlineName::new(name);
    match name.as_str().chars().count() {
        0 => Err(ReportRejection::Missing { field: "hotline" }),
        1..=super::LONGEST_NAME => Ok(name),
        _ => Err(ReportRejection::Malformed {
            field: "hotline",
            remedy: "at most 200 characters",
        }),
    }
}

/// The event as delivered.
///
/// # Errors
/// [`ReportRejection`] when something required is missing or unknown.
pub fn event_from_wire(event: &wire::CallEvent) -> Result<CallEvent, ReportRejection> {
    let at = match event.at_unix_ms {
        0 => return Err(ReportRejection::Missing { field: "at" }),
        ms => crate::time(ms).ok_or(ReportRejection::Malformed {
            field: "at",
            remedy: "milliseconds since 1970, UTC",
        })?,
    };
    let kind = event.kind.as_ref();
    let kind = kind_from_wire(kind.ok_or(ReportRejection::Missing { field: "kind" })?)?;
    Ok(CallEvent {
        id: event_id(event.event_id.as_deref()),
        sequence: event.sequence,
        visit: visit_key(event.visit.as_deref()),
        measured: measured_from_wire(event.measured.as_ref()),
        at,
        kind,
    })
}

fn visit_key(key: Option<&str>) -> Option<VisitKey> {
    key.map(VisitKey::new).filter(|key| !key.as_str().is_empty())
}

/// A duration below 0 or above 24 hours counts as not measured.
fn measured_from_wire(measured: Option<&wire::Measured>) -> Measured {
    let plausible = |duration_ms: Option<i64>| {
        duration_ms.filter(|duration_ms| (0..=LONGEST_DURATION_MS).contains(duration_ms))
    };
    measured.map_or_else(Measured::default, |measured| Measured {
        wait_ms: plausible(measured.wait_ms),
        ring_ms: plausible(measured.ring_ms),
        engaged_ms: plausible(measured.engaged_ms),
    })
}

/// Refuses texts that are longer than any real one: what an event says is kept with its call.
pub(super) fn check_lengths(event: &wire::CallEvent) -> Result<(), ReportRejection> {
    use wire::call_event::overflowed::To;
    let name = super::LONGEST_NAME;
    let text = CallRecord::LONGEST_TEXT;
    let told = match &event.kind {
        Some(Kind::Arrived(arrived)) => {
            let given = arrived.caller.as_ref().and_then(|caller| match &caller.caller {
                Some(wire::caller::Caller::Given(given)) => Some(given),
                _ => None,
            });
            is_within("caller", given, text)?;
            ("dialled_address", arrived.dialled_address.as_ref(), text)
        }
        Some(Kind::Overflowed(overflowed)) => match &overflowed.to {
            Some(To::Site(site)) => ("overflowed.site", Some(site), name),
            Some(To::Network(network)) => ("overflowed.network", Some(network), name),
            _ => return is_within("event_id", event.event_id.as_ref(), name),
        },
        Some(Kind::Ringing(ringing)) => ("agent", ringing.agent.as_ref(), name),
        Some(Kind::RingUnanswered(ringing)) => ("agent", ringing.agent.as_ref(), name),
        Some(Kind::Answered(answered)) => ("agent", answered.agent.as_ref(), name),
        Some(Kind::AfterCallWorkStarted(work)) => ("agent", work.agent.as_ref(), name),
        Some(Kind::AfterCallWorkEnded(work)) => ("agent", work.agent.as_ref(), name),
        _ => ("event_id", None, name),
    };
    is_within(told.0, told.1, told.2)?;
    is_within("visit", event.visit.as_ref(), name)?;
    is_within("event_id", event.event_id.as_ref(), name)
}

fn is_within(field: &'static str, text: Option<&String>, most: usize) -> Result<(), ReportRejection> {
    match text {
        Some(text) if text.chars().count() > most => Err(ReportRejection::Malformed {
            field,
            remedy: "it is longer than any real one; shorten it",
        }),
        _ => Ok(()),
    }
}

fn kind_from_wire(kind: &Kind) -> Result<EventKind, ReportRejection> {
    Ok(match kind {
        Kind::Arrived(arrived) => EventKind::Arrived {
            task_type: task_type(arrived.task_type)?,
            hotline: hotline(&arrived.hotline)?,
            caller: caller(arrived.caller.as_ref()),
            dialled_address: arrived.dialled_address.clone(),
            direct_topic_dial: arrived.direct_topic_dial,
            external_contact: arrived.external_contact,
            inbound_contact: arrived.inbound_contact,
            out_cc_contact: arrived.out_cc_contact,
        },
        Kind::DialerAttempt(_) => EventKind::DialerAttempt,
        Kind::OutboundResult(result) => EventKind::OutboundResult {
            outcome: outbound(result.outcome)?,
        },
        Kind::Queued(queued) => EventKind::Queued {
            hotline: hotline(&queued.hotline)?,
        },
        Kind::Overflowed(overflowed) => {
            use wire::call_event::overflowed::To;
            let to = match overflowed.to.as_ref().ok_or(ReportRejection::Missing {
                field: "overflowed.to",
            })? {
                To::Hotline(name) => OverflowTarget::Hotline(hotline(name)?),
                To::Site(site) => OverflowTarget::Site(site.clone()),
                To::Network(network) => OverflowTarget::Network(network.clone()),
            };
            EventKind::Overflowed { to }
        }
        Kind::Ringing(ringing) => EventKind::Ringing {
            agent: agent(ringing.agent.as_ref()),
        },
        Kind::RingUnanswered(ringing) => EventKind::RingUnanswered {
            agent: agent(ringing.agent.as_ref()),
        },
        Kind::Answered(answered) => EventKind::Answered {
            agent: agent(answered.agent.as_ref()),
        },
        Kind::Held(_) => EventKind::Held,
        Kind::Resumed(_) => EventKind::Resumed,
        Kind::ConsultStarted(_) => EventKind::ConsultStarted,
        Kind::ConsultAnswered(_) => EventKind::ConsultAnswered,
        Kind::ConsultEnded(_) => EventKind::ConsultEnded,
        Kind::Transferred(transferred) => EventKind::Transferred {
            transfer: match wire::TransferKind::try_from(transferred.transfer) {
                Ok(wire::TransferKind::Attended) => TransferKind::Attended,
                Ok(_) => TransferKind::Blind,
                Err(_) => {
                    return Err(ReportRejection::Unknown {
                        field: "transferred.transfer",
                    });
                }
            },
            hotline: transferred.hotline.as_deref().map(hotline).transpose()?,
        },
        Kind::VoiceMessageRecorded(_) => EventKind::VoiceMessageRecorded,
        Kind::VisitEnded(ended) => EventKind::VisitEnded {
            outcome: visit_end(ended.outcome)?,
            by: ended_by(ended.by)?,
        },
        Kind::Ended(ended) => EventKind::Ended {
            by: ended_by(ended.by)?,
            status: status(ended.status)?,
        },
        Kind::AfterCallWorkStarted(work) => EventKind::AfterCallWorkStarted {
            agent: agent(work.agent.as_ref()),
        },
        Kind::AfterCallWorkEnded(work) => EventKind::AfterCallWorkEnded {
            agent: agent(work.agent.as_ref()),
        },
    })
}

fn outbound(code: i32) -> Result<OutboundOutcome, ReportRejection> {
    match wire::OutboundOutcome::try_from(code) {
        Ok(wire::OutboundOutcome::Reached) => Ok(OutboundOutcome::Reached),
        Ok(wire::OutboundOutcome::Busy) => Ok(OutboundOutcome::Busy),
        Ok(wire::OutboundOutcome::NoAnswer) => Ok(OutboundOutcome::NoAnswer),
        Ok(wire::OutboundOutcome::Failed) => Ok(OutboundOutcome::Failed),
        Ok(wire::OutboundOutcome::Unspecified) => Err(ReportRejection::Missing {
            field: "outbound_result.outcome",
        }),
        Err(_) => Err(ReportRejection::Unknown {
            field: "outbound_result.outcome",
        }),
    }
}

fn visit_end(code: i32) -> Result<Option<VisitEnd>, ReportRejection> {
    match wire::VisitEnd::try_from(code) {
        Ok(wire::VisitEnd::Unspecified) => Ok(None),
        Ok(wire::VisitEnd::Abandoned) => Ok(Some(VisitEnd::Abandoned)),
        Ok(wire::VisitEnd::Overflowed) => Ok(Some(VisitEnd::Overflowed)),
        Ok(wire::VisitEnd::Diverted) => Ok(Some(VisitEnd::Diverted)),
        Ok(wire::VisitEnd::Lost) => Ok(Some(VisitEnd::Lost)),
        Err(_) => Err(ReportRejection::Unknown {
            field: "visit_ended.outcome",
        }),
    }
}

fn ended_by_to_wire(by: Option<EndedBy>) -> i32 {
    let by = match by {
        None => wire::EndedBy::Unspecified,
        Some(EndedBy::Citizen) => wire::EndedBy::Citizen,
        Some(EndedBy::Agent) => wire::EndedBy::Agent,
        Some(EndedBy::System) => wire::EndedBy::System,
        Some(EndedBy::Transfer) => wire::EndedBy::Transfer,
    };
    by as i32
}

fn ended_by(code: i32) -> Result<Option<EndedBy>, ReportRejection> {
    match wire::EndedBy::try_from(code) {
        Ok(wire::EndedBy::Unspecified) => Ok(None),
        Ok(wire::EndedBy::Citizen) => Ok(Some(EndedBy::Citizen)),
        Ok(wire::EndedBy::Agent) => Ok(Some(EndedBy::Agent)),
        Ok(wire::EndedBy::System) => Ok(Some(EndedBy::System)),
        Ok(wire::EndedBy::Transfer) => Ok(Some(EndedBy::Transfer)),
        Err(_) => Err(ReportRejection::Unknown { field: "ended.by" }),
    }
}

/// The event for the wire.
pub fn event_to_wire(event: &CallEvent) -> wire::CallEvent {
    wire::CallEvent {
        event_id: event.id.as_ref().map(|id| id.as_str().to_owned()),
        sequence: event.sequence,
        visit: event.visit.as_ref().map(|key| key.as_str().to_owned()),
        measured: (!event.measured.is_empty()).then_some(wire::Measured {
            wait_ms: event.measured.wait_ms,
            ring_ms: event.measured.ring_ms,
            engaged_ms: event.measured.engaged_ms,
        }),
        at_unix_ms: event.at.timestamp_millis(),
        kind: Some(kind_to_wire(&event.kind)),
    }
}

fn kind_to_wire(kind: &EventKind) -> Kind {
    use wire::call_event as to;
    match kind {
        EventKind::Arrived {
            task_type,
            hotline,
            caller,
            dialled_address,
            direct_topic_dial,
            external_contact,
            inbound_contact,
            out_cc_contact,
        } => Kind::Arrived(to::Arrived {
            task_type: i32::from(task_type.code()),
            hotline: hotline.to_string(),
            caller: caller.as_ref().map(caller_to_wire),
            dialled_address: dialled_address.clone(),
            direct_topic_dial: *direct_topic_dial,
            external_contact: *external_contact,
            inbound_contact: *inbound_contact,
            out_cc_contact: *out_cc_contact,
        }),
        EventKind::DialerAttempt => Kind::DialerAttempt(to::DialerAttempt {}),
        EventKind::OutboundResult { outcome } => {
            let outcome = match outcome {
                OutboundOutcome::Reached => wire::OutboundOutcome::Reached,
                OutboundOutcome::Busy => wire::OutboundOutcome::Busy,
                OutboundOutcome::NoAnswer => wire::OutboundOutcome::NoAnswer,
                OutboundOutcome::Failed => wire::OutboundOutcome::Failed,
            };
            Kind::OutboundResult(to::OutboundResult {
                outcome: outcome as i32,
            })
        }
        EventKind::Queued { hotline } => Kind::Queued(to::Queued {
            hotline: hotline.to_string(),
        }),
        EventKind::Overflowed { to: target } => Kind::Overflowed(to::Overflowed {
            to: Some(match target {
                OverflowTarget::Hotline(hotline) => to::overflowed::To::Hotline(hotline.to_string()),
                OverflowTarget::Site(site) => to::overflowed::To::Site(site.clone()),
                OverflowTarget::Network(network) => to::overflowed::To::Network(network.clone()),
            }),
        }),
        EventKind::Ringing { agent } => Kind::Ringing(to::Ringing {
            agent: agent_to_wire(agent.as_ref()),
        }),
        EventKind::RingUnanswered { agent } => Kind::RingUnanswered(to::RingUnanswered {
            agent: agent_to_wire(agent.as_ref()),
        }),
        EventKind::Answered { agent } => Kind::Answered(to::Answered {
            agent: agent_to_wire(agent.as_ref()),
        }),
        EventKind::Held => Kind::Held(to::Held {}),
        EventKind::Resumed => Kind::Resumed(to::Resumed {}),
        EventKind::ConsultStarted => Kind::ConsultStarted(to::ConsultStarted {}),
        EventKind::ConsultAnswered => Kind::ConsultAnswered(to::ConsultAnswered {}),
        EventKind::ConsultEnded => Kind::ConsultEnded(to::ConsultEnded {}),
        EventKind::Transferred { transfer, hotline } => Kind::Transferred(to::Transferred {
            transfer: match transfer {
                TransferKind::Blind => wire::TransferKind::Blind as i32,
                TransferKind::Attended => wire::TransferKind::Attended as i32,
            },
            hotline: hotline.as_ref().map(ToString::to_string),
        }),
        EventKind::VoiceMessageRecorded => Kind::VoiceMessageRecorded(to::VoiceMessageRecorded {}),
        EventKind::VisitEnded { outcome, by } => Kind::VisitEnded(to::VisitEnded {
            outcome: match outcome {
                None => wire::VisitEnd::Unspecified as i32,
                Some(VisitEnd::Abandoned) => wire::VisitEnd::Abandoned as i32,
                Some(VisitEnd::Overflowed) => wire::VisitEnd::Overflowed as i32,
                Some(VisitEnd::Diverted) => wire::VisitEnd::Diverted as i32,
                Some(VisitEnd::Lost) => wire::VisitEnd::Lost as i32,
            },
            by: ended_by_to_wire(*by),
        }),
        EventKind::Ended { by, status } => Kind::Ended(to::Ended {
            by: ended_by_to_wire(*by),
            status: status.map_or(0, |status| i32::from(status.code())),
        }),
        EventKind::AfterCallWorkStarted { agent } => Kind::AfterCallWorkStarted(to::AfterCallWorkStarted {
            agent: agent_to_wire(agent.as_ref()),
        }),
        EventKind::AfterCallWorkEnded { agent } => Kind::AfterCallWorkEnded(to::AfterCallWorkEnded {
            agent: agent_to_wire(agent.as_ref()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_longer_than_any_real_one_is_refused_by_its_field() {
        let long = || Some("x".repeat(401));
        let event = |event_id, kind| wire::CallEvent {
            event_id,
            kind: Some(kind),
            ..wire::CallEvent::default()
        };
        let arrived = wire::call_event::Arrived {
            dialled_address: long(),
            ..wire::call_event::Arrived::default()
        };
        let answered = |agent| Kind::Answered(wire::call_event::Answered { agent });
        for (event, field) in [
            (event(None, Kind::Arrived(arrived)), "dialled_address"),
            (event(None, answered(long())), "agent"),
            (event(long(), answered(None)), "event_id"),
        ] {
            assert_eq!(check_lengths(&event).unwrap_err().field(), field);
        }
        assert_eq!(
            check_lengths(&event(Some("e1".to_owned()), answered(None))),
            Ok(())
        );
    }
}
