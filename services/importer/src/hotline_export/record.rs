//! From the values of a row to a call record, by the map.

use chrono::{DateTime, Utc};
use domain::ids::HotlineName;
use domain::personal::{Caller, Personal};
use domain::record::{CallRecord, Doubt, DoubtReason, Field};

use crate::hotline_export::map::{CallerWord, ExportMap};
use crate::hotline_export::values::{Value, Values};
use crate::local_time::{DoubleHour, LocalClock, RefusedTime, TimeFault, WrittenTime};

/// How much of an unknown word a reason shows, in characters.
const LONGEST_WORD: usize = 40;

/// Why a row is no call record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RowFault {
    pub(super) field: Option<Field>,
    pub(super) reason: String,
}

impl RowFault {
    fn of(field: Field, reason: impl Into<String>) -> Self {
        Self {
            field: Some(field),
            reason: reason.into(),
        }
    }
}

/// The record that the values of a row say. `folded` is room to work in.
pub(super) fn record(
    values: &Values<'_>,
    map: &ExportMap,
    clock: &mut LocalClock,
    folded: &mut String,
) -> Result<CallRecord, RowFault> {
    // First, so that the clock sees every time of the file, also of rows that are rejected for something else.
    let started_at = started_at(values[Field::StartedAt as usize], clock)?;
    let task_type = word(values, Field::TaskType, "task_type", |word| {
        map.task_types.get(word, folded).copied()
    })?;
    let hotline = match text(values, Field::Hotline) {
        "" => {
            return Err(RowFault::of(
                Field::Hotline,
                "is empty; name the hotline at its source and import the file again",
            ));
        }
        name => HotlineName::new(map.hotlines.get(name, folded).map_or(name, String::as_str)),
    };
    let connection_status = word(values, Field::ConnectionStatus, "connection_status", |word| {
        map.connection_statuses.get(word, folded).copied()
    })?;
    let mut optional = Optional {
        values,
        map,
        folded,
        doubts: Vec::new(),
    };
    let mut record = CallRecord {
        caller: optional.caller(),
        dialled_address: Some(text(values, Field::DialledAddress))
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
        customer_record_count: optional.count(Field::CustomerRecordCount),
        customer_connection_count: optional.count(Field::CustomerConnectionCount),
        billable_ms: optional.number(Field::Billable),
        ring_ms: optional.number(Field::Ring),
        talk_ms: optional.number(Field::Talk),
        hold_ms: optional.number(Field::Hold),
        wait_ms: optional.number(Field::Wait),
        consult_count: optional.count(Field::ConsultCount),
        consult_connection_count: optional.count(Field::ConsultConnectionCount),
        consult_talk_ms: optional.number(Field::ConsultTalk),
        after_call_work_ms: optional.number(Field::AfterCallWork),
        direct_topic_dial: optional.flag(Field::DirectTopicDial),
        external_contact: optional.flag(Field::ExternalContact),
        inbound_contact: optional.flag(Field::InboundContact),
        out_cc_contact: optional.flag(Field::OutCcContact),
        dialer_contact: optional.flag(Field::DialerContact),
        voice_message_recorded: optional.flag(Field::VoiceMessageRecorded),
        network_overflow_count: optional.count(Field::NetworkOverflowCount),
        ..CallRecord::new(started_at, task_type, hotline, connection_status)
    };
    record.doubts = optional.doubts;
    Ok(record)
}

fn started_at(value: Value<'_>, clock: &mut LocalClock) -> Result<DateTime<Utc>, RowFault> {
    let reason = match value {
        Value::Time(written) => match clock.instant(written) {
            Ok(at) => return Ok(at),
            Err(RefusedTime::Twice) => format!(
                "{} happens twice, and the policy for the double hour is {}; choose another policy, or add an offset at its source",
                written.wall.format("%d.%m.%Y %H:%M:%S"),
                DoubleHour::Reject
            ),
            Err(RefusedTime::Never) => format!(
                "{} does not exist, for the clock is put forward; choose another policy, or correct it at its source",
                written.wall.format("%d.%m.%Y %H:%M:%S")
            ),
        },
        Value::Other(raw) if WrittenTime::parse(raw) == Err(TimeFault::NoSuchTime) => {
            format!(
                "\"{}\" does not exist; correct it at its source and import the file again",
                shortened(raw)
            )
        }
        Value::Absent => "is empty; add the time at its source and import the file again".to_owned(),
        _ => "is no time stamp; write dd.mm.yyyy HH:MM:SS or yyyy-mm-ddTHH:MM:SS".to_owned(),
    };
    Err(RowFault::of(Field::StartedAt, reason))
}

fn text<'a>(values: &Values<'a>, field: Field) -> &'a str {
    match values[field as usize] {
        Value::Text(text) => text,
        _ => "",
    }
}

/// A mandatory word that the map must know.
fn word<T>(
    values: &Values<'_>,
    field: Field,
    table: &str,
    mut meaning: impl FnMut(&str) -> Option<T>,
) -> Result<T, RowFault> {
    let written = text(values, field);
    if let Some(meaning) = meaning(written) {
        return Ok(meaning);
    }
    let reason = if written.is_empty() {
        "is empty; add it at its source and import the file again".to_owned()
    } else if written.contains(|letter: char| letter.is_numeric() || letter == '@') {
        // Perhaps a number or address from another column.
        format!(
            "holds a value that is not known; correct it at its source, or add it to [{table}] of the map"
        )
    } else {
        let shown = shortened(written);
        format!("\"{shown}\" is not known; add it to [{table}] of the map and import the file again")
    };
    Err(RowFault::of(field, reason))
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST_WORD {
        return text.to_owned();
    }
    text.chars().take(LONGEST_WORD - 1).chain(['…']).collect()
}

/// Optional values: what cannot be read is absent and doubtful, and the row counts.
struct Optional<'a, 'v> {
    values: &'a Values<'v>,
    map: &'a ExportMap,
    folded: &'a mut String,
    doubts: Vec<Doubt>,
}

impl Optional<'_, '_> {
    fn number(&mut self, field: Field) -> Option<i64> {
        match self.values[field as usize] {
            Value::Number(number) => Some(number),
            Value::Other(raw) => {
                self.doubt(field, raw);
                None
            }
            _ => None,
        }
    }

    fn count(&mut self, field: Field) -> Option<u32> {
        self.number(field).and_then(|number| u32::try_from(number).ok())
    }

    fn flag(&mut self, field: Field) -> Option<bool> {
        match self.values[field as usize] {
            Value::Absent => self.map.empty_is_no.then_some(false),
            Value::Other(raw) if let Some(flag) = self.map.flags.get(raw, self.folded) => Some(*flag),
            _ => self.number(field).map(|number| number != 0),
        }
    }

    fn caller(&mut self) -> Option<Caller> {
        match text(self.values, Field::Caller) {
            "" => None,
            written => match self.map.callers.get(written, self.folded) {
                Some(CallerWord::Withheld) => Some(Caller::Withheld),
                Some(CallerWord::Unknown) => None,
                None => Some(Caller::Given(Personal::new(written))),
            },
        }
    }

    fn doubt(&mut self, field: Field, raw: &str) {
        let raw = raw.chars().take(CallRecord::LONGEST_TEXT).collect::<String>();
        self.doubts.push(Doubt {
            field: field.name().to_owned(),
            raw: Personal::new(raw),
            reason: DoubtReason::Unreadable,
        });
    }
}
