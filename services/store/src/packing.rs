//! How values that have no column type of their own are kept in rows of calls, in every store alike.

use std::collections::BTreeSet;
use std::fmt::Display;

use domain::assembly::{Assembled, CallState};
use domain::ids::HotlineName;
use domain::numbers::Number;
use domain::personal::{Caller, Personal};
use domain::record::{CallRecord, Doubt, TaskType};
use domain::report::{CallbackLogged, RevisedRecord};
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// What a call keeps beside its 24 fields, as one compressed value.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct More {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    conflicts: Vec<RevisedRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    events: Vec<domain::event::CallEvent>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    callbacks: Vec<CallbackLogged>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    retracted: bool,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    uncounted: BTreeSet<HotlineName>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    erased: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    agents_gone: bool,
}

/// Events, conflicting records, callbacks and where it does not count; none if there is nothing.
pub(crate) fn pack_more(state: &CallState) -> Result<Option<Vec<u8>>, StoreError> {
    let has_lists = !(state.conflicts.is_empty() && state.events.is_empty() && state.callbacks.is_empty());
    let has_marks = state.retracted || state.erased || state.agents_gone;
    if !has_lists && !has_marks && state.uncounted.is_empty() {
        return Ok(None);
    }
    let more = More {
        conflicts: state.conflicts.clone(),
        events: state.events.clone(),
        callbacks: state.callbacks.clone(),
        retracted: state.retracted,
        uncounted: state.uncounted.clone(),
        erased: state.erased,
        agents_gone: state.agents_gone,
    };
    let packed = zstd::bulk::compress(json(&more)?.as_bytes(), 1);
    packed
        .map(Some)
        .map_err(|error| StoreError::Unusable(format!("events cannot be compressed: {error}")))
}

/// The call that a row holds: its record, what [`pack_more`] gave, and whether its end is waited for no longer.
pub(crate) fn unpack_state(
    record: Option<RevisedRecord>,
    more: Option<&[u8]>,
    given_up: bool,
) -> Result<CallState, StoreError> {
    let unusable = |error: &dyn Display| StoreError::Unusable(format!("the events of a call: {error}"));
    let more = match more {
        None => More::default(),
        Some(packed) => {
            let text = zstd::stream::decode_all(packed).map_err(|error| unusable(&error))?;
            serde_json::from_slice(&text).map_err(|error| unusable(&error))?
        }
    };
    Ok(CallState {
        record,
        conflicts: more.conflicts,
        events: more.events,
        callbacks: more.callbacks,
        given_up,
        retracted: more.retracted,
        uncounted: more.uncounted,
        erased: more.erased,
        agents_gone: more.agents_gone,
    })
}

/// The caller as text: empty if the number was withheld.
pub(crate) fn caller_text(record: &CallRecord) -> Option<&str> {
    record.caller.as_ref().map(|caller| match caller {
        Caller::Withheld => "",
        Caller::Given(given) => given.reveal(),
    })
}

/// Reads what [`caller_text`] gave.
pub(crate) fn caller(text: &str) -> Caller {
    match text {
        "" => Caller::Withheld,
        given => Caller::Given(Personal::new(given)),
    }
}

/// What the caller is searched by; none without one, or withheld.
pub(crate) fn caller_key(record: &CallRecord) -> Option<String> {
    caller_text(record).and_then(key_of)
}

/// What a call that the house made is searched by: the number that it dialled.
pub(crate) fn dialled_key(record: &CallRecord) -> Option<String> {
    let dialled = record.dialled_address.as_deref().filter(|_| record.is_outbound());
    dialled.and_then(key_of)
}

/// Which rows have a [`dialled_key`]: the condition is that of [`CallRecord::is_outbound`].
pub(crate) fn outbound_sql() -> String {
    format!(
        "dialled_address IS NOT NULL AND (task_type = {} OR (task_type = {} AND inbound_contact IS NOT TRUE)
             OR out_cc_contact IS TRUE OR dialer_contact IS TRUE)",
        TaskType::OutboundCall.code(),
        TaskType::Callback.code()
    )
}

/// The search key of what [`caller_text`] gave.
pub(crate) fn key_of(caller: &str) -> Option<String> {
    (!caller.is_empty()).then(|| Number::read(caller).key().to_owned())
}

/// Values that count as absent, as JSON; none if there are none.
pub(crate) fn doubts_text(record: &CallRecord) -> Result<Option<String>, StoreError> {
    (!record.doubts.is_empty())
        .then(|| json(&record.doubts))
        .transpose()
}

/// Reads what [`doubts_text`] gave.
pub(crate) fn doubts(text: &str) -> Result<Vec<Doubt>, StoreError> {
    serde_json::from_str(text).map_err(|_| unknown("doubt"))
}

/// Why a call is flagged, separated by commas; none if it is not.
pub(crate) fn flags_text(call: &Assembled) -> Option<String> {
    let flags: Vec<&str> = call.flags.iter().map(|flag| flag.name()).collect();
    (!flags.is_empty()).then(|| flags.join(","))
}

/// A row holds something that this version does not know.
pub(crate) fn unknown(what: &str) -> StoreError {
    StoreError::Unusable(format!("a call with an unknown {what}"))
}

fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Unusable(error.to_string()))
}
