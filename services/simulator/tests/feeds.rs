//! Feeds, clean and dirty, and the truth about them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use domain::assembly::CallState;
use domain::event::EventKind;
use domain::ids::CallId;
use domain::record::{ConnectionStatus, TaskType};
use domain::report::ReportBody;
use domain::visit::{Outcome, Visit};
use simulator::{
    Dirt, Feed, FeedItem, FeedKind, FeedPayload, Pace, Profile, SimulatedCall, Simulation, Truth,
};

fn date(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 10, day).expect("a date of the calendar")
}

fn simulation() -> Simulation {
    Simulation::new(21, Profile::default().with_calls_per_day(600.0)).expect("a profile that can be played")
}

/// The end of summer time is in it: a day of 25 hours.
fn calls() -> Vec<SimulatedCall> {
    simulation()
        .days(date(25), date(30))
        .flat_map(|day| day.calls)
        .collect()
}

fn filthy() -> Dirt {
    Dirt {
        seed: 5,
        duplicate_share: 0.2,
        disorder_share: 0.3,
        late_share: 0.1,
        missing_end_share: 0.1,
        ..Dirt::default()
    }
}

fn items(kind: FeedKind, dirt: Option<Dirt>) -> (Vec<FeedItem>, Truth) {
    let simulation = simulation();
    let mut feed = Feed::new(simulation.days(date(25), date(30)), kind);
    if let Some(dirt) = dirt {
        feed = feed.with_dirt(dirt);
    }
    let items: Vec<_> = feed.by_ref().collect();
    (items, feed.truth().clone())
}

/// What a call sent, each once, in the order of its events.
fn arrived(items: Vec<FeedItem>) -> BTreeMap<CallId, BTreeMap<u64, FeedPayload>> {
    let mut calls: BTreeMap<CallId, BTreeMap<u64, FeedPayload>> = BTreeMap::new();
    for item in items {
        let position = match &item.payload {
            FeedPayload::Event(event) => event.sequence.expect("simulated events are numbered"),
            _ => 0,
        };
        let known = calls
            .entry(item.call_id)
            .or_default()
            .insert(position, item.payload.clone());
        assert!(
            known.is_none_or(|known| known == item.payload),
            "a duplicate is equal"
        );
    }
    calls
}

#[test]
fn a_clean_feed_sends_everything_once_and_in_order_of_time() {
    let (records, _) = items(FeedKind::Records, None);
    let (events, _) = items(FeedKind::Events, None);
    let calls = calls();
    assert_eq!(records.len(), calls.len());
    assert_eq!(
        events.len(),
        calls.iter().map(|call| call.events.len()).sum::<usize>()
    );
    assert!(records.is_sorted_by_key(|item| item.at));
    assert!(events.is_sorted_by_key(|item| item.at));
}

#[test]
fn dirt_loses_no_record() {
    let (dirty, truth) = items(FeedKind::Records, Some(filthy()));
    assert!(dirty.is_sorted_by_key(|item| item.at));
    let (clean, clean_truth) = items(FeedKind::Records, None);
    assert!(dirty.len() > clean.len());
    assert_eq!(arrived(dirty), arrived(clean));
    assert_eq!(truth, clean_truth);
}

#[test]
fn dirt_loses_no_event_but_the_ends_that_it_declares() {
    let dirt = filthy();
    let (dirty, _) = items(FeedKind::Events, Some(dirt));
    let mut came_late = false;
    let mut last_of: BTreeMap<CallId, u64> = BTreeMap::new();
    for item in &dirty {
        let FeedPayload::Event(event) = &item.payload else {
            continue;
        };
        let last = last_of.insert(item.call_id.clone(), event.sequence.unwrap());
        came_late |= last > event.sequence;
    }
    assert!(came_late, "some events are out of order");
    let arrived = arrived(dirty);
    let mut lost = 0;
    for call in calls() {
        let came = &arrived[&call.call_id];
        if !dirt.loses_end(&call) {
            assert_eq!(came.len(), call.events.len());
            continue;
        }
        lost += 1;
        let missing = call
            .events
            .iter()
            .filter(|event| !came.contains_key(&event.sequence.unwrap()));
        let kinds: Vec<_> = missing.map(|event| &event.kind).collect();
        assert!(matches!(kinds[0], EventKind::Ended { .. }));
        let work = |kind: &&EventKind| {
            matches!(
                kind,
                EventKind::AfterCallWorkStarted { .. } | EventKind::AfterCallWorkEnded { .. }
            )
        };
        assert!(kinds[1..].iter().all(work));
    }
    assert!(lost > 20, "{lost}");
}

#[test]
fn a_lost_end_leaves_the_visit_unresolved_or_answered_without_talk() {
    let (calls, dirt) = (calls(), filthy());
    let clean = Truth::of_events(&calls, None).total;
    let dirty = Truth::of_events(&calls, Some(&dirt)).total;
    assert_eq!(
        (clean.contacts, clean.offered, clean.answered),
        (dirty.contacts, dirty.offered, dirty.answered)
    );
    assert_eq!(clean.time_to_answer_ms, dirty.time_to_answer_ms);
    assert!(dirty.unresolved > 0 && dirty.talk_ms < clean.talk_ms);
    assert_eq!(
        clean.abandoned + clean.diverted,
        dirty.abandoned + dirty.diverted + dirty.unresolved
    );
    let (_, of_feed) = items(FeedKind::Events, Some(dirt));
    assert_eq!(of_feed.total, dirty);
}

#[test]
fn the_truth_of_a_dirty_feed_is_what_assembling_it_gives() {
    let (items, truth) = items(FeedKind::Events, Some(filthy()));
    let mut calls: BTreeMap<CallId, CallState> = BTreeMap::new();
    for item in items {
        if let FeedPayload::Event(event) = item.payload {
            calls
                .entry(item.call_id)
                .or_default()
                .apply(ReportBody::Event(event));
        }
    }
    let mut visits: Vec<Visit> = Vec::new();
    for mut call in calls.into_values() {
        call.given_up = true;
        visits.extend(call.assembled().visits);
    }
    visits.retain(|visit| visit.task_type == TaskType::InboundCall);
    let with = |outcome| visits.iter().filter(move |visit| visit.outcome == outcome);
    let count = |outcome| with(outcome).count() as i64;
    let time = |outcome| with(outcome).filter_map(Visit::time_in_queue_ms).sum::<i64>();
    let truth = truth.total;
    assert_eq!(truth.offered, visits.len() as i64);
    assert_eq!(truth.answered, count(Outcome::Answered));
    assert_eq!(truth.abandoned, count(Outcome::Abandoned));
    assert_eq!(truth.overflowed, count(Outcome::Overflowed));
    assert_eq!(truth.diverted, count(Outcome::Diverted));
    assert_eq!(truth.unresolved, count(Outcome::Unresolved));
    assert_eq!(truth.time_to_answer_ms, time(Outcome::Answered));
    assert_eq!(truth.time_to_abandon_ms, time(Outcome::Abandoned));
    assert_eq!(
        truth.talk_ms,
        visits.iter().filter_map(|visit| visit.talk_ms).sum::<i64>()
    );
    assert_eq!(
        truth.hold_ms,
        visits.iter().filter_map(|visit| visit.hold_ms).sum::<i64>()
    );
}

#[test]
fn the_same_dirt_hits_the_same_items() {
    assert_eq!(
        items(FeedKind::Events, Some(filthy())),
        items(FeedKind::Events, Some(filthy()))
    );
    let other = Dirt { seed: 6, ..filthy() };
    assert_ne!(
        items(FeedKind::Events, Some(filthy())).0,
        items(FeedKind::Events, Some(other)).0
    );
}

#[test]
fn the_truth_of_records_is_what_a_naive_count_of_the_records_gives() {
    let calls = calls();
    let truth = Truth::of_records(&calls).total;
    let records: Vec<_> = calls.iter().map(|call| &call.record).collect();
    let inbound = || {
        records
            .iter()
            .filter(|record| record.task_type == TaskType::InboundCall)
    };
    let with = |statuses: &[ConnectionStatus]| {
        let hits = inbound().filter(|record| statuses.contains(&record.connection_status));
        hits.map(|record| record.wait_ms.unwrap_or(0) + record.ring_ms.unwrap_or(0))
            .collect::<Vec<_>>()
    };
    use ConnectionStatus as Status;
    let answered = with(&[Status::Answered]);
    let abandoned = with(&[Status::AbandonedQueued, Status::AbandonedRinging]);
    assert_eq!(truth.contacts, records.len() as i64);
    assert_eq!(truth.answered, answered.len() as i64);
    assert_eq!(truth.abandoned, abandoned.len() as i64);
    assert_eq!(truth.overflowed, with(&[Status::Overflowed]).len() as i64);
    assert_eq!(
        truth.diverted,
        with(&[Status::VoiceMessage, Status::ClosedWhileQueued]).len() as i64
    );
    assert_eq!(truth.not_offered + truth.offered, inbound().count() as i64);
    assert_eq!(truth.time_to_answer_ms, answered.iter().sum::<i64>());
    assert_eq!(truth.time_to_abandon_ms, abandoned.iter().sum::<i64>());
    assert_eq!(truth.longest_time_to_answer_ms, answered.iter().max().copied());
    for seconds in [20, 30] {
        let within =
            |times: &[i64]| times.iter().filter(|time_ms| **time_ms <= seconds * 1000).count() as i64;
        assert_eq!(truth.answered_within[&seconds], within(&answered));
        assert_eq!(truth.abandoned_within[&seconds], within(&abandoned));
    }
    assert_eq!(
        truth.talk_ms,
        inbound().filter_map(|record| record.talk_ms).sum::<i64>()
    );
}

#[test]
fn events_count_the_visits_that_records_hide() {
    let calls = calls();
    let (of_records, of_events) = (
        Truth::of_records(&calls).total,
        Truth::of_events(&calls, None).total,
    );
    assert!(of_events.offered > of_records.offered);
    assert_eq!(
        (of_events.contacts, of_events.not_offered),
        (of_records.contacts, of_records.not_offered)
    );
    assert_eq!(of_events.talk_ms, of_records.talk_ms);
    assert_eq!(of_events.after_call_work_ms, of_records.after_call_work_ms);
}

#[test]
fn the_truths_of_the_days_add_to_the_truth_of_the_range() {
    for kind in [FeedKind::Records, FeedKind::Events] {
        let simulation = simulation();
        let mut sum = Truth::default();
        for day in simulation.days(date(25), date(30)) {
            let mut truth = Truth::default();
            day.calls.iter().for_each(|call| truth.add(call, kind, None));
            sum.merge(&truth);
        }
        let (_, of_range) = items(kind, None);
        assert_eq!(sum, of_range);
        let groups = of_range
            .groups
            .iter()
            .map(|group| group.figures.offered)
            .sum::<i64>();
        assert_eq!(of_range.total.offered, groups);
    }
}

#[test]
fn the_truth_reads_like_report_totals() {
    let truth = serde_json::to_value(Truth::of_records(&calls())).unwrap();
    let group = &truth["groups"][0];
    assert_eq!(group["group"], "Allgemeine Auskunft");
    for name in [
        "contacts",
        "not_offered",
        "offered",
        "answered",
        "abandoned",
        "short_abandoned",
        "overflowed",
        "diverted",
        "unresolved",
        "waiting",
        "time_to_answer_ms",
        "time_to_abandon_ms",
        "talk_ms",
        "hold_ms",
        "after_call_work_ms",
        "longest_time_to_answer_ms",
    ] {
        assert!(group[name].is_i64() && truth["total"][name].is_i64(), "{name}");
    }
    assert!(group["answered_within"]["30"].is_i64() && group["abandoned_within"]["20"].is_i64());
    assert!(truth["total"]["service_level"].is_f64());
    let nothing = serde_json::to_value(Truth::default()).unwrap();
    assert_eq!(nothing["total"].get("service_level"), None);
}

#[test]
fn callbacks_are_sent_once_even_by_a_dirty_feed() {
    let simulation = simulation();
    let feed = Feed::new(simulation.days(date(28), date(29)), FeedKind::Events)
        .with_dirt(filthy())
        .with_callbacks();
    let mut callers = BTreeSet::new();
    for item in feed {
        if let FeedPayload::Callback(callback) = item.payload {
            assert!(
                callback.phone.is_some() || callback.email.is_some(),
                "a way to reach the citizen"
            );
            assert!(callers.insert(callback.call_id));
        }
    }
    assert!(callers.len() > 10);
}

#[test]
fn a_feed_is_sent_at_the_speed_that_is_asked_for() {
    let (items, _) = items(FeedKind::Records, None);
    let item = &items[10];
    let starts_at = item.at - TimeDelta::seconds(90);
    let due = |speed| Pace { starts_at, speed }.due(item).as_millis();
    assert_eq!((due(1.0), due(60.0), due(0.0)), (90_000, 1500, 0));
}
