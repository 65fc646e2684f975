//! What stays of the reports of a deleted call: four bytes of the hash of each, which say nothing about it, but let a
//! repetition be known from news.

use domain::assembly::CallState;
use domain::event::CallEvent;
use domain::ids::Identity;
use domain::report::{CallReport, CallbackLogged, ReportBody, RevisedRecord, content_hash};
use serde::Serialize;

/// Bytes of a mark.
const MARK: usize = 4;

/// The marks of everything that was reported of a call, behind the revision of its record (0: none).
pub(crate) fn marks(identity: Identity, state: &CallState) -> Vec<u8> {
    let revision = state.record.as_ref().map_or(0, |record| record.revision);
    let mut told = revision.to_be_bytes().to_vec();
    let records = state.record.iter().chain(&state.conflicts);
    let marks = records
        .map(|record| of_record(identity, record))
        .chain(state.events.iter().map(|event| of_event(identity, event)))
        .chain(
            state
                .callbacks
                .iter()
                .map(|callback| of_callback(identity, callback)),
        )
        .chain((state.retracted || state.is_only_named()).then(|| of_retraction(identity)));
    told.extend(marks.flatten());
    told
}

/// Whether a report of a deleted call repeats what was told before its deletion.
pub(crate) fn repeats(told: &[u8], report: &CallReport) -> bool {
    let Some((revision, marks)) = told.split_first_chunk::<4>() else {
        return false;
    };
    let revision = u32::from_be_bytes(*revision);
    let is_there = |mark: [u8; MARK]| marks.chunks_exact(MARK).any(|known| known == mark);
    match &report.body {
        // One with a smaller revision had been told before, or would have changed nothing.
        ReportBody::Record(record) => {
            record.revision < revision || is_there(of_record(report.identity, record))
        }
        // Marks of earlier versions were made of names, too.
        ReportBody::Event(event) => {
            is_there(of_event(report.identity, event))
                || is_there(mark(hash(report.identity, "event", event)))
        }
        ReportBody::CallbackLogged(callback) => is_there(of_callback(report.identity, callback)),
        ReportBody::Retracted => is_there(of_retraction(report.identity)),
    }
}

/// Tells a report from every other; says nothing about it.
pub(crate) fn digest(report: &CallReport) -> [u8; 32] {
    match &report.body {
        ReportBody::Record(record) => hash(report.identity, "record", record),
        ReportBody::Event(event) => hash(report.identity, "event", event),
        ReportBody::CallbackLogged(callback) => hash(report.identity, "callback", callback),
        ReportBody::Retracted => retraction(report.identity),
    }
}

fn retraction(identity: Identity) -> [u8; 32] {
    hash(identity, "retracted", &())
}

fn of_retraction(identity: Identity) -> [u8; MARK] {
    mark(retraction(identity))
}

fn of_record(identity: Identity, record: &RevisedRecord) -> [u8; MARK] {
    mark(hash(identity, "record", record))
}

/// Names of agents may be gone by then.
fn of_event(identity: Identity, event: &CallEvent) -> [u8; MARK] {
    mark(hash(identity, "event", &event.without_agent()))
}

fn of_callback(identity: Identity, callback: &CallbackLogged) -> [u8; MARK] {
    mark(hash(identity, "callback", callback))
}

fn mark(hash: [u8; 32]) -> [u8; MARK] {
    [hash[0], hash[1], hash[2], hash[3]]
}

fn hash<T: Serialize>(identity: Identity, kind: &str, content: &T) -> [u8; 32] {
    content_hash(&(identity.0, kind, content))
}
