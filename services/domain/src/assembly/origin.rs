//! Where the values of a call came from.

use crate::assembly::{CallState, from_events};
use crate::record::{CallRecord, Doubt, Field};

/// Where the value of one of the 24 fields came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The finished record says it.
    FinishedRecord,
    /// The events tell it.
    Events,
    /// It was delivered, but counts as absent.
    Doubtful(Doubt),
    /// Nobody says it.
    Absent,
}

impl Origin {
    /// The name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FinishedRecord => "finished_record",
            Self::Events => "events",
            Self::Doubtful(_) => "doubtful",
            Self::Absent => "absent",
        }
    }
}

/// Who tells of the visits of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisitsOrigin {
    /// The finished record alone.
    FinishedRecord,
    /// The events alone.
    Events,
    /// The events, and the finished record the end that they lack.
    EventsAndFinishedRecord,
}

impl VisitsOrigin {
    /// The name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::FinishedRecord => "finished_record",
            Self::Events => "events",
            Self::EventsAndFinishedRecord => "events_and_finished_record",
        }
    }
}

impl CallState {
    /// Where each value of the record came from; nothing without a record.
    pub fn origins(&self) -> Vec<(Field, Origin)> {
        let Some(record) = self.assembled().record else {
            return Vec::new();
        };
        let said = match self.record {
            Some(_) => Origin::FinishedRecord,
            None => Origin::Events,
        };
        let origin = |field: Field| match has(&record, field) {
            true => said.clone(),
            false => {
                let doubt = record.doubts.iter().find(|doubt| doubt.field == field.name());
                doubt.cloned().map_or(Origin::Absent, Origin::Doubtful)
            }
        };
        Field::ALL
            .into_iter()
            .map(|field| (field, origin(field)))
            .collect()
    }

    /// Who tells of its visits; none without any.
    pub fn visits_origin(&self) -> Option<VisitsOrigin> {
        let visits = self.assembled().visits;
        let told = from_events::assemble(&self.events, self.given_up).visits;
        match (visits.is_empty(), told.is_empty()) {
            (true, _) => None,
            (false, true) => Some(VisitsOrigin::FinishedRecord),
            (false, false) if told == visits => Some(VisitsOrigin::Events),
            (false, false) => Some(VisitsOrigin::EventsAndFinishedRecord),
        }
    }
}

/// Whether a record says something in a field.
fn has(record: &CallRecord, field: Field) -> bool {
    match field {
        Field::StartedAt | Field::TaskType | Field::Hotline | Field::ConnectionStatus => true,
        Field::Caller => record.caller.is_some(),
        Field::DialledAddress => record.dialled_address.is_some(),
        Field::CustomerRecordCount => record.customer_record_count.is_some(),
        Field::CustomerConnectionCount => record.customer_connection_count.is_some(),
        Field::Billable => record.billable_ms.is_some(),
        Field::Ring => record.ring_ms.is_some(),
        Field::Talk => record.talk_ms.is_some(),
        Field::Hold => record.hold_ms.is_some(),
        Field::Wait => record.wait_ms.is_some(),
        Field::ConsultCount => record.consult_count.is_some(),
        Field::ConsultConnectionCount => record.consult_connection_count.is_some(),
        Field::ConsultTalk => record.consult_talk_ms.is_some(),
        Field::AfterCallWork => record.after_call_work_ms.is_some(),
        Field::DirectTopicDial => record.direct_topic_dial.is_some(),
        Field::ExternalContact => record.external_contact.is_some(),
        Field::InboundContact => record.inbound_contact.is_some(),
        Field::OutCcContact => record.out_cc_contact.is_some(),
        Field::DialerContact => record.dialer_contact.is_some(),
        Field::VoiceMessageRecorded => record.voice_message_recorded.is_some(),
        Field::NetworkOverflowCount => record.network_overflow_count.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone, Utc};

    use super::*;
    use crate::event::{CallEvent, EventKind};
    use crate::ids::HotlineName;
    use crate::record::{ConnectionStatus, TaskType};
    use crate::report::{ReportBody, RevisedRecord};

    fn record() -> ReportBody {
        let at = Utc.with_ymd_and_hms(2024, 10, 28, 9, 0, 0).unwrap();
        let hotline = HotlineName::new("Bürgertelefon");
        let mut record = CallRecord::new(at, TaskType::InboundCall, hotline, ConnectionStatus::Answered);
        record.wait_ms = Some(5000);
        record.talk_ms = Some(-1);
        let record = record.examined(at).unwrap();
        ReportBody::Record(RevisedRecord { revision: 0, record })
    }

    fn queued() -> ReportBody {
        let at = Utc.with_ymd_and_hms(2024, 10, 28, 9, 0, 0).unwrap() + TimeDelta::seconds(1);
        let hotline = HotlineName::new("Bürgertelefon");
        ReportBody::Event(CallEvent::new(at, EventKind::Queued { hotline }))
    }

    fn state(reports: impl IntoIterator<Item = ReportBody>) -> CallState {
        let mut state = CallState::default();
        for report in reports {
            state.apply(report);
        }
        state
    }

    fn origin(state: &CallState, field: Field) -> &'static str {
        let origins = state.origins();
        let (_, origin) = origins
            .iter()
            .find(|(of, _)| *of == field)
            .expect("all fields are named");
        origin.name()
    }

    #[test]
    fn a_finished_record_says_its_values_and_what_was_doubtful() {
        let state = state([record()]);
        let of = |field| origin(&state, field);
        assert_eq!(
            [of(Field::Wait), of(Field::Talk), of(Field::Ring)],
            ["finished_record", "doubtful", "absent"]
        );
        assert_eq!(state.visits_origin(), Some(VisitsOrigin::FinishedRecord));
    }

    #[test]
    fn events_tell_the_fields_and_visits_that_no_record_says() {
        let state = state([queued()]);
        assert_eq!(origin(&state, Field::Hotline), "events");
        assert_eq!(state.visits_origin(), Some(VisitsOrigin::Events));
    }

    #[test]
    fn a_visit_without_its_end_is_told_by_both() {
        let state = state([queued(), record()]);
        assert_eq!(origin(&state, Field::Hotline), "finished_record");
        assert_eq!(state.visits_origin(), Some(VisitsOrigin::EventsAndFinishedRecord));
    }

    #[test]
    fn nothing_reported_has_no_origin() {
        assert!(CallState::default().origins().is_empty());
        assert_eq!(CallState::default().visits_origin(), None);
    }
}
