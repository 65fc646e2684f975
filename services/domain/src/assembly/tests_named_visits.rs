//! Visits that their source names: queue logs with whole seconds, and ends that stand after the next beginning.

use chrono::{TimeDelta, TimeZone};

use super::*;
use crate::event::{EndedBy, EventKind, Measured, VisitEnd};
use crate::ids::{AgentName, HotlineName, VisitKey};

fn at(seconds: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 10, 28, 9, 0, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn event(seconds: i64, visit: &str, measured: Measured, kind: EventKind) -> CallEvent {
    CallEvent {
        visit: Some(VisitKey::new(visit)),
        measured,
        ..CallEvent::new(at(seconds), kind)
    }
}

fn queued(seconds: i64, visit: &str, hotline: &str) -> CallEvent {
    let hotline = HotlineName::new(hotline);
    event(seconds, visit, Measured::default(), EventKind::Queued { hotline })
}

fn answered(seconds: i64, visit: &str, wait_ms: i64, ring_ms: i64) -> CallEvent {
    let measured = Measured {
        wait_ms: Some(wait_ms),
        ring_ms: Some(ring_ms),
        engaged_ms: None,
    };
    let agent = Some(AgentName::new("Anna"));
    event(seconds, visit, measured, EventKind::Answered { agent })
}

fn visit_ended(
    seconds: i64,
    visit: &str,
    measured: Measured,
    outcome: Option<VisitEnd>,
    by: Option<EndedBy>,
) -> CallEvent {
    event(seconds, visit, measured, EventKind::VisitEnded { outcome, by })
}

fn engaged(engaged_ms: i64) -> Measured {
    Measured {
        engaged_ms: Some(engaged_ms),
        ..Measured::default()
    }
}

fn waited(wait_ms: i64) -> Measured {
    Measured {
        wait_ms: Some(wait_ms),
        ..Measured::default()
    }
}

fn told(events: Vec<CallEvent>) -> Assembled {
    let mut state = CallState::default();
    for event in events.into_iter().rev() {
        state.apply(ReportBody::Event(event));
    }
    state.assembled()
}

#[test]
fn what_the_source_measured_wins_over_its_whole_seconds() {
    let call = told(vec![
        queued(0, "a", "Steuern"),
        answered(3, "a", 1000, 1000),
        visit_ended(9, "a", engaged(7000), None, Some(EndedBy::Citizen)),
    ]);
    let visit = &call.visits[0];
    assert_eq!((visit.wait_ms, visit.ring_ms), (Some(1000), Some(1000)));
    assert_eq!((visit.talk_ms, visit.hold_ms), (Some(7000), Some(0)));
    assert_eq!(visit.ended_by, Some(EndedBy::Citizen));
    assert!(!call.open);
}

#[test]
fn hold_is_taken_out_of_a_measured_conversation() {
    let call = told(vec![
        queued(0, "a", "Steuern"),
        answered(2, "a", 1000, 1000),
        CallEvent::new(at(4), EventKind::Held),
        CallEvent::new(at(6), EventKind::Resumed),
        visit_ended(12, "a", engaged(10_000), None, Some(EndedBy::Agent)),
    ]);
    assert_eq!(
        (call.visits[0].talk_ms, call.visits[0].hold_ms),
        (Some(8000), Some(2000))
    );
}

#[test]
fn the_end_of_a_visit_may_stand_after_the_beginning_of_the_next_in_the_same_queue() {
    let call = told(vec![
        queued(0, "a", "Steuern"),
        queued(8, "b", "Steuern"),
        visit_ended(9, "a", waited(8000), Some(VisitEnd::Overflowed), None),
        visit_ended(
            11,
            "b",
            waited(3000),
            Some(VisitEnd::Abandoned),
            Some(EndedBy::Citizen),
        ),
    ]);
    let outcomes: Vec<_> = call
        .visits
        .iter()
        .map(|visit| (visit.outcome, visit.wait_ms))
        .collect();
    let expected = [
        (Outcome::Overflowed, Some(8000)),
        (Outcome::Abandoned, Some(3000)),
    ];
    assert_eq!(outcomes, expected);
    assert!(!call.visits[1].overflowed_in, "the same hotline");
}

#[test]
fn a_lost_end_is_unresolved_at_once_and_a_real_one_wins() {
    let lost = |seconds, visit| visit_ended(seconds, visit, Measured::default(), Some(VisitEnd::Lost), None);
    let waiting = told(vec![queued(0, "a", "Steuern"), lost(60, "a")]);
    assert_eq!(waiting.visits[0].outcome, Outcome::Unresolved);
    assert!(!waiting.open);
    let talking = told(vec![
        queued(0, "a", "Steuern"),
        answered(2, "a", 1000, 1000),
        lost(60, "a"),
    ]);
    assert_eq!(talking.visits[0].outcome, Outcome::Answered);
    assert_eq!(talking.visits[0].talk_ms, None);
    assert_eq!(talking.flags, [Flag::AnsweredWithoutEnd]);
    assert!(!talking.open);
    for real_end in [50, 70] {
        let end = visit_ended(real_end, "a", waited(9000), Some(VisitEnd::Abandoned), None);
        let call = told(vec![queued(0, "a", "Steuern"), lost(60, "a"), end]);
        assert_eq!(call.visits[0].outcome, Outcome::Abandoned, "end at {real_end}");
        assert_eq!(call.visits[0].wait_ms, Some(9000));
    }
}

#[test]
fn the_end_of_the_call_ends_named_visits_that_have_no_end_of_their_own() {
    let end = CallEvent::new(
        at(20),
        EventKind::Ended {
            by: Some(EndedBy::Citizen),
            status: None,
        },
    );
    let call = told(vec![
        queued(0, "a", "Steuern"),
        answered(5, "a", 4000, 1000),
        end.clone(),
    ]);
    assert_eq!(call.visits[0].talk_ms, Some(15_000));
    // The visit's own end is a second late: it is the one that counts.
    let own = visit_ended(21, "a", waited(19_000), Some(VisitEnd::Diverted), None);
    let call = told(vec![queued(0, "a", "Steuern"), end, own]);
    assert_eq!(call.visits[0].outcome, Outcome::Diverted);
    assert_eq!(call.visits[0].wait_ms, Some(19_000));
}
