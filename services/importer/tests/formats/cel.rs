//! Channel events of a real Asterisk, alone and beside its queue log.

use crate::support::{ASTERISK, Calls, read, read_from};
use domain::event::EndedBy;
use domain::record::ConnectionStatus;
use domain::visit::{Outcome, Visit};
use importer::cel::{CelAdapter, CelMap};
use importer::queue_log::{QueueLogAdapter, QueueLogMap};
use importer::{Adapter, DoubleHour, Item};

fn adapter() -> CelAdapter {
    CelAdapter::new(CelMap::built_in(), DoubleHour::default())
}

fn beside() -> CelAdapter {
    let map = CelMap::built_in().extended("beside_queue_log = true").unwrap();
    CelAdapter::new(map, DoubleHour::default())
}

fn channel_events(mut adapter: CelAdapter) -> Vec<Item> {
    let items = read(&mut adapter, &[&ASTERISK.cel]);
    assert_eq!(adapter.notes().lines, 1509);
    assert!(adapter.notes().unknown.is_empty(), "{:?}", adapter.notes());
    items
}

fn queue_log() -> Vec<Item> {
    let mut adapter = QueueLogAdapter::new(QueueLogMap::built_in());
    read(&mut adapter, &[&ASTERISK.queue_log_0, &ASTERISK.queue_log])
}

fn expected_visits() -> impl Iterator<Item = (&'static serde_json::Value, i64)> {
    ASTERISK.expected["visits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|visit| {
            let entered = visit["entered"].as_str().unwrap();
            (
                visit,
                entered
                    .parse::<chrono::DateTime<chrono::Utc>>()
                    .unwrap()
                    .timestamp_millis(),
            )
        })
}

fn visit_of(calls: &Calls, expected: &serde_json::Value, entered_ms: i64) -> Visit {
    let call = calls.call(expected["uniqueid"].as_str().unwrap());
    let near = |visit: &&Visit| {
        visit.hotline.as_str() == expected["queue"]
            && (visit.offered_at.timestamp_millis() - entered_ms).abs() <= 1000
    };
    let found: Vec<&Visit> = call.visits.iter().filter(near).collect();
    assert_eq!(found.len(), 1, "{expected} {:?}", call.visits);
    found[0].clone()
}

/// Holds of the one telephone that holds without telling Asterisk.
fn hold_is_told(expected: &serde_json::Value) -> bool {
    expected["uniqueid"] != "1795348016.63"
}

fn check_against_telephones(calls: &Calls, tolerance_ms: i64) {
    for (expected, entered_ms) in expected_visits() {
        let visit = visit_of(calls, expected, entered_ms);
        let outcome = match expected["outcome"].as_str().unwrap() {
            "answered" => Outcome::Answered,
            "abandoned" => Outcome::Abandoned,
            "timeout" => Outcome::Overflowed,
            "key" | "left_empty" | "withdrawn" => Outcome::Diverted,
            _ => visit.outcome,
        };
        assert_eq!(visit.outcome, outcome, "{expected} {visit:?}");
        let near = |what: &str, expected_ms: Option<i64>, ms: Option<i64>| {
            if let (Some(expected_ms), Some(ms)) = (expected_ms, ms) {
                assert!(
                    (expected_ms - ms).abs() <= tolerance_ms,
                    "{what} {ms} {expected} {visit:?}"
                );
            }
        };
        near("wait", expected["wait_ms"].as_i64(), visit.time_in_queue_ms());
        let hold_ms = visit.hold_ms.unwrap_or(0);
        near(
            "talk",
            expected["talk_ms"].as_i64(),
            visit.talk_ms.map(|talk_ms| talk_ms + hold_ms),
        );
        if hold_is_told(expected) && visit.talk_ms.is_some() {
            near("hold", expected["hold_ms"].as_i64(), Some(hold_ms));
        }
        let ended_by = match expected["ended_by"].as_str() {
            Some("transfer") => Some(EndedBy::Transfer),
            Some("caller") => Some(EndedBy::Citizen),
            Some("agent") => Some(EndedBy::Agent),
            _ => visit.ended_by,
        };
        assert_eq!(visit.ended_by, ended_by, "{expected}");
        let transfers = u32::from(!expected["transfer"].is_null());
        assert_eq!(visit.transfer_count, transfers, "{expected}");
    }
}

#[test]
fn alone_they_give_the_visits_that_were_measured_at_the_telephones() {
    let calls = Calls::of(&channel_events(adapter()));
    check_against_telephones(&calls, 100);
    assert_eq!(calls.visits().len(), 58);
}

#[test]
fn beside_the_queue_log_nothing_counts_twice_and_holds_are_known() {
    for cel in [channel_events(adapter()), channel_events(beside())] {
        let log = Calls::of(&queue_log());
        let mut both = Calls::of(&queue_log());
        both.add(&cel);
        assert_eq!(both.visits().len(), 58);
        check_against_telephones(&both, 1000);
        let time_ms = |calls: &Calls, outcome: Outcome| -> i64 {
            let visits = calls.visits();
            let visits = visits.iter().filter(|visit| visit.outcome == outcome);
            visits.filter_map(Visit::time_in_queue_ms).sum()
        };
        for outcome in [Outcome::Answered, Outcome::Abandoned] {
            assert_eq!(time_ms(&both, outcome), time_ms(&log, outcome));
        }
        let engaged_ms = |calls: &Calls| -> i64 {
            let visits = calls.visits();
            visits
                .iter()
                .map(|visit| visit.talk_ms.unwrap_or(0) + visit.hold_ms.unwrap_or(0))
                .sum()
        };
        assert_eq!(engaged_ms(&both), engaged_ms(&log));
    }
}

#[test]
fn visits_that_a_restart_of_asterisk_cut_have_lost_their_end_at_once() {
    let calls = Calls::of(&channel_events(adapter()));
    let open = calls.all().into_values().filter(|call| call.open).count();
    assert_eq!(open, 0);
    let unresolved = |visit: &&Visit| visit.outcome == Outcome::Unresolved;
    assert_eq!(calls.visits().iter().filter(unresolved).count(), 1);
}

#[test]
fn calls_that_no_queue_took_are_not_offered() {
    let calls = Calls::of(&channel_events(adapter()));
    let not_offered: Vec<ConnectionStatus> = calls
        .all()
        .into_values()
        .filter(|call| call.visits.is_empty() && !call.open)
        .map(|call| call.record.unwrap().connection_status)
        .collect();
    let number = |status| not_offered.iter().filter(|other| **other == status).count();
    // Five callers were in the announcement at the end of their call, three of them when Asterisk was killed.
    assert_eq!(number(ConnectionStatus::AbandonedBeforeQueue), 2);
    assert_eq!(number(ConnectionStatus::Failed), 3);
    // Five were refused, one of them after a stay in another queue.
    assert_eq!(number(ConnectionStatus::Busy), 4);
}

#[test]
fn reading_on_from_a_needed_line_gives_the_same_events_as_reading_through() {
    let whole = read(&mut adapter(), &[&ASTERISK.cel]);
    for stop in (1..1509).step_by(53) {
        let (mut read, needed) = read_from(&mut adapter(), &ASTERISK.cel, 0, 0, Some(stop));
        let start = needed.map_or(stop, |place| place.line as usize - 1);
        read.extend(read_from(&mut adapter(), &ASTERISK.cel, start, stop, None).0);
        assert_eq!(read, whole, "stopped after line {stop}");
    }
}

#[test]
fn lines_that_cannot_be_read_are_kept() {
    let mut adapter = adapter();
    let items = read(&mut adapter, &[b"a,b\n\"HANGUP\",\"gestern\",\"x\n".as_slice()]);
    assert_eq!(items.len(), 2);
    assert_eq!(adapter.notes().lines, 2);
}
