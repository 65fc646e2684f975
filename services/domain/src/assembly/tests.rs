use chrono::{TimeDelta, TimeZone};

use super::*;
use crate::counts::{Figure, Interval, Tally};
use crate::event::{EndedBy, EventKind, OverflowTarget, TransferKind};
use crate::ids::{AgentName, HotlineName, TicketId};
use crate::record::{ConnectionStatus, TaskType};
use crate::visit::Outcome;

fn at(seconds: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 10, 28, 9, 0, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn hotline(name: &str) -> HotlineName {
    HotlineName::new(name)
}

fn agent() -> Option<AgentName> {
    Some(AgentName::new("agent-7"))
}

fn event(seconds: i64, kind: EventKind) -> CallEvent {
    CallEvent::new(at(seconds), kind)
}

fn arrived() -> EventKind {
    EventKind::Arrived {
        task_type: TaskType::InboundCall,
        hotline: hotline("Steuern"),
        caller: None,
        dialled_address: None,
        direct_topic_dial: None,
        external_contact: None,
        inbound_contact: Some(true),
        out_cc_contact: None,
    }
}

fn queued(name: &str) -> EventKind {
    EventKind::Queued {
        hotline: hotline(name),
    }
}

fn ended(by: EndedBy) -> EventKind {
    EventKind::Ended {
        by: Some(by),
        status: None,
    }
}

fn told(events: Vec<(i64, EventKind)>) -> CallState {
    let mut state = CallState::default();
    for (seconds, kind) in events {
        state.apply(ReportBody::Event(event(seconds, kind)));
    }
    state
}

fn row(state: &CallState, name: &str) -> Tally {
    let mut sum = Tally::default();
    for (key, tally) in &state.contribution().0 {
        assert_eq!(
            tally.counts.imbalance(),
            0,
            "offered equals the sum of its outcomes"
        );
        if key.hotline == hotline(name) {
            sum.merge(tally);
        }
    }
    sum
}

#[test]
fn wait_ends_when_the_last_ringing_starts() {
    let state = told(vec![
        (0, arrived()),
        (2, queued("Steuern")),
        (10, EventKind::Ringing { agent: agent() }),
        (14, EventKind::RingUnanswered { agent: agent() }),
        (20, EventKind::Ringing { agent: agent() }),
        (23, EventKind::Answered { agent: agent() }),
        (63, EventKind::Held),
        (73, EventKind::Resumed),
        (80, ended(EndedBy::Citizen)),
        (80, EventKind::AfterCallWorkStarted { agent: agent() }),
        (95, EventKind::AfterCallWorkEnded { agent: agent() }),
    ]);
    let call = state.assembled();
    let visit = &call.visits[0];
    assert_eq!((visit.wait_ms, visit.ring_ms), (Some(18_000), Some(3_000)));
    assert_eq!(
        (visit.talk_ms, visit.hold_ms, visit.after_call_work_ms),
        (Some(47_000), Some(10_000), Some(15_000))
    );
    assert!(!call.open);
    assert_eq!(call.record.unwrap().connection_status, ConnectionStatus::Answered);
    assert_eq!(row(&state, "Steuern").time_to_answer.within(21), Some(1));
}

#[test]
fn hang_up_on_hold_counts_as_answered() {
    let state = told(vec![
        (0, queued("Steuern")),
        (5, EventKind::Answered { agent: agent() }),
        (15, EventKind::Held),
        (40, ended(EndedBy::Citizen)),
    ]);
    let visit = &state.assembled().visits[0];
    assert_eq!(visit.outcome, Outcome::Answered);
    assert_eq!((visit.talk_ms, visit.hold_ms), (Some(10_000), Some(25_000)));
}

#[test]
fn an_overflow_to_another_hotline_is_a_second_visit() {
    let state = told(vec![
        (0, arrived()),
        (0, queued("Steuern")),
        (
            60,
            EventKind::Overflowed {
                to: OverflowTarget::Hotline(hotline("Allgemein")),
            },
        ),
        (60, queued("Allgemein")),
        (70, EventKind::Answered { agent: agent() }),
        (90, ended(EndedBy::Agent)),
    ]);
    let call = state.assembled();
    assert_eq!(
        call.visits.iter().map(|visit| visit.outcome).collect::<Vec<_>>(),
        [Outcome::Overflowed, Outcome::Answered]
    );
    assert_eq!(row(&state, "Allgemein").counts.get(Figure::OverflowedIn), 1);
    assert_eq!(row(&state, "Steuern").counts.get(Figure::Contacts), 1);
    assert_eq!(row(&state, "Allgemein").counts.get(Figure::Contacts), 0);
}

#[test]
fn an_overflow_to_another_site_continues_the_visit() {
    let state = told(vec![
        (0, queued("Steuern")),
        (
            30,
            EventKind::Overflowed {
                to: OverflowTarget::Site("Köln".to_owned()),
            },
        ),
        (30, queued("Steuern")),
        (50, ended(EndedBy::Citizen)),
    ]);
    let call = state.assembled();
    assert_eq!(call.visits.len(), 1);
    assert_eq!(
        (call.visits[0].outcome, call.visits[0].wait_ms),
        (Outcome::Abandoned, Some(50_000))
    );
    assert_eq!(call.record.unwrap().network_overflow_count, Some(1));
}

#[test]
fn a_transfer_into_another_hotline_ends_the_talk_of_the_first_visit() {
    let state = told(vec![
        (0, queued("Steuern")),
        (5, EventKind::Answered { agent: agent() }),
        (
            35,
            EventKind::Transferred {
                transfer: TransferKind::Blind,
                hotline: Some(hotline("Schule")),
            },
        ),
        (35, queued("Schule")),
        (45, ended(EndedBy::Citizen)),
    ]);
    let visits = state.assembled().visits;
    assert_eq!((visits[0].talk_ms, visits[0].transfer_count), (Some(30_000), 1));
    assert_eq!(
        (visits[1].outcome, visits[1].wait_ms),
        (Outcome::Abandoned, Some(10_000))
    );
}

#[test]
fn a_missing_end_is_unresolved_after_the_horizon_and_corrected_by_the_truth() {
    let mut state = told(vec![(0, arrived()), (2, queued("Steuern"))]);
    assert!(state.assembled().open);
    assert_eq!(row(&state, "Steuern").counts.get(Figure::Waiting), 1);
    state.given_up = true;
    assert_eq!(row(&state, "Steuern").counts.get(Figure::Unresolved), 1);
    state.apply(ReportBody::Event(event(32, ended(EndedBy::Citizen))));
    assert_eq!(row(&state, "Steuern").counts.get(Figure::Abandoned), 1);
    assert_eq!(row(&state, "Steuern").time_to_abandon.within(30), Some(1));
}

#[test]
fn an_answered_call_without_end_stays_answered_and_is_flagged() {
    let mut state = told(vec![
        (0, queued("Steuern")),
        (5, EventKind::Answered { agent: agent() }),
    ]);
    state.given_up = true;
    let call = state.assembled();
    assert_eq!(
        (call.visits[0].outcome, call.visits[0].talk_ms),
        (Outcome::Answered, None)
    );
    assert_eq!(call.flags, [Flag::AnsweredWithoutEnd]);
}

#[test]
fn order_and_repetition_of_reports_do_not_matter() {
    let events = [
        event(0, arrived()),
        event(2, queued("Steuern")),
        event(10, EventKind::Ringing { agent: agent() }),
        event(12, EventKind::Answered { agent: agent() }),
        event(60, ended(EndedBy::Agent)),
    ];
    let forwards = events.iter().fold(CallState::default(), |mut state, event| {
        state.apply(ReportBody::Event(event.clone()));
        state
    });
    let backwards = events
        .iter()
        .rev()
        .chain(&events)
        .fold(CallState::default(), |mut state, event| {
            state.apply(ReportBody::Event(event.clone()));
            state
        });
    assert_eq!(forwards, backwards);
}

fn record(talk_ms: i64) -> CallRecord {
    let mut record = CallRecord::new(
        at(0),
        TaskType::InboundCall,
        hotline("Steuern"),
        ConnectionStatus::Answered,
    );
    record.wait_ms = Some(5_000);
    record.talk_ms = Some(talk_ms);
    record
}

#[test]
fn the_higher_revision_wins_and_equal_revisions_conflict_whatever_their_order() {
    let reports = [(1, 10), (2, 20), (2, 30)].map(|(revision, talk_ms)| {
        ReportBody::Record(RevisedRecord {
            revision,
            record: record(talk_ms),
        })
    });
    let states = [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]].map(|order| {
        let mut state = CallState::default();
        for index in order {
            state.apply(reports[index].clone());
        }
        assert!(
            !state.apply(reports[0].clone()),
            "an older revision changes nothing"
        );
        state
    });
    assert!(states.iter().all(|state| *state == states[0]));
    assert_eq!(states[0].assembled().flags, [Flag::RevisionConflict]);
    assert_eq!(states[0].conflicts.len(), 1);
}

#[test]
fn a_hang_up_in_the_announcement_is_not_offered_however_long_it_waited() {
    let mut state = CallState::default();
    let mut hang_up = record(0);
    hang_up.connection_status = ConnectionStatus::AbandonedBeforeQueue;
    hang_up.wait_ms = Some(180_000);
    state.apply(ReportBody::Record(RevisedRecord {
        revision: 0,
        record: hang_up,
    }));
    let tally = row(&state, "Steuern");
    assert_eq!(
        (tally.counts.not_offered(), tally.counts.get(Figure::Offered)),
        (1, 0)
    );
}

#[test]
fn a_record_keeps_its_visit_beside_events_that_tell_of_none() {
    let mut state = told(vec![(70, EventKind::AfterCallWorkEnded { agent: agent() })]);
    state.apply(ReportBody::Record(RevisedRecord {
        revision: 0,
        record: record(60_000),
    }));
    let counts = row(&state, "Steuern").counts;
    assert_eq!(
        (counts.get(Figure::Contacts), counts.get(Figure::Answered)),
        (1, 1)
    );
    state.apply(ReportBody::Event(event(2, queued("Bauen"))));
    let visits = state.assembled().visits;
    assert_eq!((visits.len(), &visits[0].hotline), (1, &hotline("Bauen")));
}

#[test]
fn a_callback_marks_the_answered_visit_of_its_call() {
    let mut state = CallState::default();
    state.apply(ReportBody::Record(RevisedRecord {
        revision: 0,
        record: record(60_000),
    }));
    let callback = CallbackLogged {
        ticket: TicketId::new("T-1"),
        hotline: hotline("Steuern"),
        at: at(1000),
    };
    assert!(state.apply(ReportBody::CallbackLogged(callback.clone())));
    assert!(!state.apply(ReportBody::CallbackLogged(callback)));
    let tally = row(&state, "Steuern");
    assert_eq!(tally.counts.get(Figure::CallbacksLogged), 1);
    assert_eq!(tally.counts.get(Figure::AnsweredWithTicket), 1);
    assert_eq!(
        state.contribution().0.keys().next().map(|key| key.interval),
        Some(Interval::containing(at(0)))
    );
}

#[test]
fn after_call_work_belongs_to_the_visit_of_its_agent() {
    let first = Some(AgentName::new("agent-1"));
    let second = Some(AgentName::new("agent-2"));
    let state = told(vec![
        (0, queued("Steuern")),
        (5, EventKind::Answered { agent: first.clone() }),
        (
            35,
            EventKind::Transferred {
                transfer: TransferKind::Attended,
                hotline: Some(hotline("Schule")),
            },
        ),
        (35, queued("Schule")),
        (35, EventKind::AfterCallWorkStarted { agent: first.clone() }),
        (
            40,
            EventKind::Answered {
                agent: second.clone(),
            },
        ),
        (50, EventKind::AfterCallWorkEnded { agent: first }),
        (60, ended(EndedBy::Citizen)),
        (
            60,
            EventKind::AfterCallWorkStarted {
                agent: second.clone(),
            },
        ),
        (67, EventKind::AfterCallWorkEnded { agent: second }),
    ]);
    let visits = state.assembled().visits;
    assert_eq!(
        [visits[0].after_call_work_ms, visits[1].after_call_work_ms],
        [Some(15_000), Some(7_000)]
    );
}

#[test]
fn a_finished_record_tells_the_end_that_the_events_do_not() {
    let mut state = told(vec![(0, arrived()), (0, queued("Steuern"))]);
    state.given_up = true;
    state.apply(ReportBody::Record(RevisedRecord {
        revision: 0,
        record: record(60_000),
    }));
    let call = state.assembled();
    assert_eq!(
        (call.visits[0].outcome, call.visits[0].wait_ms),
        (Outcome::Answered, Some(5_000))
    );
    assert_eq!(call.visits[0].talk_ms, Some(60_000));
    assert!(!call.open);

    let mut state = told(vec![
        (0, queued("Steuern")),
        (5, EventKind::Answered { agent: agent() }),
    ]);
    state.given_up = true;
    state.apply(ReportBody::Record(RevisedRecord {
        revision: 0,
        record: record(60_000),
    }));
    assert_eq!(state.assembled().visits[0].talk_ms, Some(60_000));
    assert!(!state.assembled().flags.contains(&Flag::AnsweredWithoutEnd));
}

#[test]
fn a_duration_told_by_events_that_cannot_be_is_absent_and_flagged() {
    let state = told(vec![(0, queued("Steuern")), (90_000, ended(EndedBy::Citizen))]);
    let call = state.assembled();
    assert_eq!(
        (call.visits[0].outcome, call.visits[0].wait_ms),
        (Outcome::Abandoned, None)
    );
    assert_eq!(call.flags, [Flag::ImplausibleDuration]);
    assert_eq!(row(&state, "Steuern").counts.get(Figure::AbandonedWithoutTime), 1);
}

#[test]
fn a_feed_gone_astray_makes_no_endless_visits() {
    let hotline = |seconds| if seconds % 2 == 0 { "Steuern" } else { "Schule" };
    let events = (0..10_050)
        .map(|seconds| event(seconds, queued(hotline(seconds))))
        .collect();
    let state = CallState {
        events,
        ..CallState::default()
    };
    let visits = state.assembled().visits;
    assert_eq!((visits.len(), visits[9_999].ordinal), (10_000, 10_000));
}
