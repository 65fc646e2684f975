use domain::ids::HotlineName;
use domain::personal::{Caller, Personal};
use domain::record::{CallRecord, ConnectionStatus, Doubt, DoubtReason, Field, TaskType};
use domain::report::RevisedRecord;

use super::ReportRejection;
use crate::v1::calls as wire;

/// The kind of contact.
pub(super) fn task_type(code: i32) -> Result<TaskType, ReportRejection> {
    if code == wire::TaskType::Unspecified as i32 {
        return Err(ReportRejection::Missing { field: "task_type" });
    }
    let known = i16::try_from(code).ok().and_then(TaskType::from_code);
    known.ok_or(ReportRejection::Unknown { field: "task_type" })
}

/// The connection status, if one is given.
pub(super) fn status(code: i32) -> Result<Option<ConnectionStatus>, ReportRejection> {
    if code == wire::ConnectionStatus::Unspecified as i32 {
        return Ok(None);
    }
    let known = i16::try_from(code).ok().and_then(ConnectionStatus::from_code);
    known.map(Some).ok_or(ReportRejection::Unknown {
        field: "connection_status",
    })
}

pub(super) fn caller(caller: Option<&wire::Caller>) -> Option<Caller> {
    match caller?.caller.as_ref()? {
        wire::caller::Caller::Withheld(true) => Some(Caller::Withheld),
        wire::caller::Caller::Withheld(false) => None,
        wire::caller::Caller::Given(given) => Some(Personal::new(given))
            .filter(|given| !given.is_empty())
            .map(Caller::Given),
    }
}

pub(super) fn caller_to_wire(caller: &Caller) -> wire::Caller {
    let caller = match caller {
        Caller::Withheld => wire::caller::Caller::Withheld(true),
        Caller::Given(given) => wire::caller::Caller::Given(given.reveal().to_owned()),
    };
    wire::Caller { caller: Some(caller) }
}

/// The record as delivered; [`CallRecord::examined`] has still to look at it.
///
/// # Errors
/// [`ReportRejection`] when something required is missing or unknown.
pub fn record_from_wire(record: &wire::FinishedRecord) -> Result<RevisedRecord, ReportRejection> {
    let started_at = match record.started_at_unix_ms {
        0 => return Err(ReportRejection::Missing { field: "started_at" }),
        ms => crate::time(ms).ok_or(ReportRejection::Malformed {
            field: "started_at",
            remedy: "milliseconds since 1970, UTC",
        })?,
    };
    let status = status(record.connection_status)?;
    let status = status.ok_or(ReportRejection::Missing {
        field: "connection_status",
    })?;
    let hotline = HotlineName::new(&record.hotline);
    let mut domain = CallRecord::new(started_at, task_type(record.task_type)?, hotline, status);
    domain.caller = caller(record.caller.as_ref());
    domain.dialled_address = record.dialled_address.clone();
    domain.customer_record_count = record.customer_record_count;
    domain.customer_connection_count = record.customer_connection_count;
    domain.billable_ms = record.billable_ms;
    domain.ring_ms = record.ring_ms;
    domain.talk_ms = record.talk_ms;
    domain.hold_ms = record.hold_ms;
    domain.wait_ms = record.wait_ms;
    domain.consult_count = record.consult_count;
    domain.consult_connection_count = record.consult_connection_count;
    domain.consult_talk_ms = record.consult_talk_ms;
    domain.after_call_work_ms = record.after_call_work_ms;
    domain.direct_topic_dial = record.direct_topic_dial;
    domain.external_contact = record.external_contact;
    domain.inbound_contact = record.inbound_contact;
    domain.out_cc_contact = record.out_cc_contact;
    domain.dialer_contact = record.dialer_contact;
    domain.voice_message_recorded = record.voice_message_recorded;
    domain.network_overflow_count = record.network_overflow_count;
    // A field may be doubtful twice: to its source, and to intake.
    let doubts = record.doubtful.iter().filter_map(doubt);
    domain.doubts = doubts.take(2 * Field::ALL.len()).collect();
    Ok(RevisedRecord {
        revision: record.revision,
        record: domain,
    })
}

/// A doubt about one of the 24 fields; about anything else there is none.
fn doubt(doubtful: &wire::DoubtfulValue) -> Option<Doubt> {
    let field = Field::ALL
        .into_iter()
        .find(|field| field.name() == doubtful.field)?;
    let reason = match doubtful.reason.as_str() {
        "negative_duration" => DoubtReason::NegativeDuration,
        "longer_than_a_day" => DoubtReason::LongerThanADay,
        _ => DoubtReason::Unreadable,
    };
    let raw: String = doubtful.raw.chars().take(CallRecord::LONGEST_TEXT).collect();
    Some(Doubt {
        field: field.name().to_owned(),
        raw: Personal::new(raw),
        reason,
    })
}

/// The record for the wire.
pub fn record_to_wire(revised: &RevisedRecord) -> wire::FinishedRecord {
    let record = &revised.record;
    let doubtful = |doubt: &Doubt| wire::DoubtfulValue {
        field: doubt.field.clone(),
        raw: doubt.raw.reveal().to_owned(),
        reason: match doubt.reason {
            DoubtReason::NegativeDuration => "negative_duration",
            DoubtReason::LongerThanADay => "longer_than_a_day",
            DoubtReason::Unreadable => "unreadable",
        }
        .to_owned(),
    };
    wire::FinishedRecord {
        revision: revised.revision,
        started_at_unix_ms: record.started_at.timestamp_millis(),
        task_type: i32::from(record.task_type.code()),
        caller: record.caller.as_ref().map(caller_to_wire),
        dialled_address: record.dialled_address.clone(),
        hotline: record.hotline.as_str().to_owned(),
        connection_status: i32::from(record.connection_status.code()),
        customer_record_count: record.customer_record_count,
        customer_connection_count: record.customer_connection_count,
        billable_ms: record.billable_ms,
        ring_ms: record.ring_ms,
        talk_ms: record.talk_ms,
        hold_ms: record.hold_ms,
        wait_ms: record.wait_ms,
        consult_count: record.consult_count,
        consult_connection_count: record.consult_connection_count,
        consult_talk_ms: record.consult_talk_ms,
        after_call_work_ms: record.after_call_work_ms,
        direct_topic_dial: record.direct_topic_dial,
        external_contact: record.external_contact,
        inbound_contact: record.inbound_contact,
        out_cc_contact: record.out_cc_contact,
        dialer_contact: record.dialer_contact,
        voice_message_recorded: record.voice_message_recorded,
        network_overflow_count: record.network_overflow_count,
        doubtful: record.doubts.iter().map(doubtful).collect(),
        ended_at_unix_ms: None,
    }
}

#[cfg(test)]
mod tests {
    use domain::record::{ConnectionStatus, TaskType};

    use super::*;

    #[test]
    fn the_numbers_on_the_wire_are_those_of_the_domain() {
        for task_type in TaskType::ALL {
            let wire = wire::TaskType::try_from(i32::from(task_type.code())).expect("known on the wire");
            let name = wire.as_str_name().trim_start_matches("TASK_TYPE_").to_lowercase();
            assert_eq!(name, task_type.name());
        }
        for status in ConnectionStatus::ALL {
            let wire = wire::ConnectionStatus::try_from(i32::from(status.code())).expect("known on the wire");
            let name = wire
                .as_str_name()
                .trim_start_matches("CONNECTION_STATUS_")
                .to_lowercase();
            assert_eq!(name, status.name());
        }
    }

    #[test]
    fn a_record_without_a_time_is_rejected_by_name() {
        let rejection = record_from_wire(&wire::FinishedRecord::default()).expect_err("nothing is given");
        assert_eq!(
            rejection.to_string(),
            "started_at is missing; send it with every report"
        );
    }
}
