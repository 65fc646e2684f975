//! Days of the simulated hotline: repeatable, balanced, and as a hotline would behave.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use domain::assembly::CallState;
use domain::record::{ConnectionStatus, TaskType};
use domain::report::ReportBody;
use domain::visit::Outcome;
use simulator::{Profile, SimulatedDay, Simulation, Truth};

fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).expect("a date of the calendar")
}

fn monday() -> NaiveDate {
    date(2024, 10, 28)
}

fn simulation(seed: u64) -> Simulation {
    Simulation::new(seed, Profile::default()).expect("the built-in profile can be played")
}

fn day(seed: u64) -> SimulatedDay {
    simulation(seed).day(monday())
}

#[test]
fn the_same_seed_gives_the_same_day_whatever_was_played_before() {
    let played_alone = day(1);
    let in_a_week: Vec<_> = simulation(1)
        .days(date(2024, 10, 25), date(2024, 10, 29))
        .collect();
    assert_eq!(in_a_week.len(), 4);
    assert_eq!(in_a_week.last(), Some(&played_alone));
    assert_ne!(day(2).calls, played_alone.calls);
}

#[test]
fn call_ids_are_unique_over_days_and_seeds() {
    let mut seen = BTreeSet::new();
    for seed in [1, 2] {
        for day in simulation(seed).days(date(2024, 10, 26), date(2024, 10, 29)) {
            assert!(day.calls.into_iter().all(|call| seen.insert(call.call_id)));
        }
    }
}

#[test]
fn every_visit_has_one_outcome_and_every_call_an_end() {
    let day = day(3);
    for truth in [Truth::of_records(&day.calls), Truth::of_events(&day.calls, None)] {
        for figures in truth
            .groups
            .iter()
            .map(|group| &group.figures)
            .chain([&truth.total])
        {
            let outcomes = figures.answered + figures.abandoned + figures.overflowed + figures.diverted;
            assert_eq!(figures.offered, outcomes);
            assert_eq!((figures.unresolved, figures.waiting), (0, 0));
        }
    }
    assert!(
        day.calls
            .iter()
            .flat_map(|call| &call.visits)
            .all(|visit| visit.outcome != Outcome::Waiting)
    );
}

#[test]
fn durations_are_never_negative_and_calls_never_end_before_they_start() {
    for call in day(4).calls {
        let record = &call.record;
        let durations = [
            record.wait_ms,
            record.ring_ms,
            record.talk_ms,
            record.hold_ms,
            record.after_call_work_ms,
            record.billable_ms,
        ];
        assert!(
            durations
                .into_iter()
                .flatten()
                .all(|duration_ms| duration_ms >= 0),
            "{}",
            call.call_id
        );
        assert!(call.events.is_sorted_by_key(|event| event.at), "{}", call.call_id);
        assert_eq!(call.events.last().map(|event| event.at), Some(call.finished_at));
        let total_ms = (call.finished_at - record.started_at).num_milliseconds();
        assert!(
            record.wait_ms.unwrap_or(0) + record.talk_ms.unwrap_or(0) <= total_ms,
            "{}",
            call.call_id
        );
    }
}

#[test]
fn calls_come_in_the_order_in_which_they_finish() {
    assert!(day(5).calls.is_sorted_by_key(|call| call.finished_at));
}

#[test]
fn everything_that_a_hotline_knows_happens_within_a_week() {
    let days: Vec<_> = simulation(6)
        .days(date(2024, 10, 28), date(2024, 11, 4))
        .collect();
    let calls: Vec<_> = days.iter().flat_map(|day| &day.calls).collect();
    for status in ConnectionStatus::ALL
        .iter()
        .filter(|status| **status != ConnectionStatus::Busy)
    {
        assert!(
            calls.iter().any(|call| call.record.connection_status == *status),
            "{status:?}"
        );
    }
    for task_type in TaskType::ALL {
        assert!(
            calls.iter().any(|call| call.record.task_type == *task_type),
            "{task_type:?}"
        );
    }
    assert!(calls.iter().any(|call| call.visits.len() == 3));
    assert!(
        calls
            .iter()
            .any(|call| call.visits.iter().any(|visit| visit.overflowed_in))
    );
    assert!(
        calls
            .iter()
            .any(|call| call.visits.iter().any(|visit| visit.consult_connection_count > 0))
    );
    assert!(
        calls
            .iter()
            .any(|call| call.visits.iter().any(|visit| visit.network_overflow_count > 0))
    );
    assert!(calls.iter().any(|call| call.record.dialer_contact == Some(true)));
    assert!(calls.iter().any(|call| call.callback.is_some()));
    let saturday = days.iter().find(|day| day.date == date(2024, 11, 2)).unwrap();
    assert!(
        saturday.calls.iter().all(|call| call.visits.is_empty()),
        "no service on a Saturday"
    );
}

#[test]
fn a_short_queue_turns_callers_away_as_busy() {
    let mut profile = Profile::default();
    profile
        .hotlines
        .iter_mut()
        .for_each(|hotline| hotline.queue_limit = 1);
    profile.teams.iter_mut().for_each(|team| team.agents /= 2);
    let day = Simulation::new(1, profile).unwrap().day(monday());
    let busy = day
        .calls
        .iter()
        .filter(|call| call.record.connection_status == ConnectionStatus::Busy);
    assert!(busy.clone().count() > 10);
    assert!(
        busy.filter(|call| call.record.task_type == TaskType::InboundCall)
            .all(|call| call.visits.is_empty())
    );
}

#[test]
fn a_closed_day_has_no_visits() {
    let profile = Profile {
        closed_days: vec![monday()],
        ..Profile::default()
    };
    let day = Simulation::new(1, profile).unwrap().day(monday());
    assert!(!day.calls.is_empty());
    assert!(
        day.calls
            .iter()
            .all(|call| call.visits.is_empty() && call.record.task_type == TaskType::InboundCall)
    );
}

#[test]
fn more_agents_make_shorter_waits_and_fewer_hang_ups() {
    let totals = [50, 75, 100, 150].map(|percent| {
        let mut profile = Profile::default();
        profile
            .teams
            .iter_mut()
            .for_each(|team| team.agents = team.agents * percent / 100);
        let day = Simulation::new(9, profile).unwrap().day(monday());
        Truth::of_events(&day.calls, None).total
    });
    for pair in totals.windows(2) {
        let speed = |figures: &simulator::Figures| figures.time_to_answer_ms as f64 / figures.answered as f64;
        assert!(speed(&pair[0]) > speed(&pair[1]), "{pair:#?}");
        assert!(pair[0].abandoned > pair[1].abandoned, "{pair:#?}");
        assert!(pair[0].service_level < pair[1].service_level, "{pair:#?}");
    }
}

#[test]
fn nobody_speaks_with_two_citizens_at_once() {
    let day = day(10);
    let mut spans = Vec::new();
    for visit in day.calls.iter().flat_map(|call| &call.visits) {
        if let (Some(agent), Some(wait_ms)) = (&visit.agent, visit.wait_ms)
            && visit.task_type == TaskType::InboundCall
            && !agent.as_str().starts_with("other-site")
        {
            let from = visit.offered_at.timestamp_millis() + wait_ms;
            let busy_ms = [
                visit.ring_ms,
                visit.talk_ms,
                visit.hold_ms,
                visit.after_call_work_ms,
            ];
            spans.push((
                agent.clone(),
                from,
                from + busy_ms.into_iter().flatten().sum::<i64>(),
            ));
        }
    }
    spans.sort();
    assert!(spans.len() > 1000);
    for pair in spans.windows(2) {
        assert!(pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1, "{pair:?}");
    }
}

#[test]
fn the_record_is_the_one_that_its_events_tell() {
    for mut call in day(11).calls {
        let mut state = CallState::default();
        for event in &call.events {
            state.apply(ReportBody::Event(event.clone()));
        }
        let mut told = state.assembled();
        let record = told.record.as_mut().unwrap();
        // What the telephone system alone knows.
        record.customer_record_count = call.record.customer_record_count;
        record.billable_ms = call.record.billable_ms;
        if call.visits.iter().filter(|visit| visit.agent.is_some()).count() > 1 {
            // Two agents may be at work on the same call at once: whose after-call work is whose is not asked here.
            record.after_call_work_ms = call.record.after_call_work_ms;
            for visit in told.visits.iter_mut().chain(&mut call.visits) {
                visit.after_call_work_ms = None;
            }
        }
        assert_eq!(
            (told.record, told.visits),
            (Some(call.record), call.visits),
            "{:#?}",
            call.events
        );
    }
}

#[test]
fn a_profile_names_only_what_is_different() {
    let profile: Profile =
        serde_json::from_str(r#"{"zone": "Europe/Vienna", "calls_per_day": 50, "open_days": ["Mon"]}"#)
            .unwrap();
    assert_eq!(profile.zone, chrono_tz::Europe::Vienna);
    assert_eq!(profile.hotlines, Profile::default().hotlines);
    let text = serde_json::to_string(&Profile::default()).unwrap();
    assert_eq!(
        serde_json::from_str::<Profile>(&text).unwrap(),
        Profile::default()
    );
    assert!(serde_json::from_str::<Profile>(r#"{"zone": "Europe/Bonn"}"#).is_err());
    assert!(serde_json::from_str::<Profile>(r#"{"call_per_day": 50}"#).is_err());
}

#[test]
fn a_profile_that_cannot_be_played_says_what_to_do() {
    let refused = |change: fn(&mut Profile)| {
        let mut profile = Profile::default();
        change(&mut profile);
        Simulation::new(1, profile).unwrap_err().to_string()
    };
    assert!(refused(|profile| profile.teams.remove(1).hotlines.clear()).contains("Steuern und Finanzen"));
    assert!(refused(|profile| profile.hotlines[0].name = "Other".to_owned()).contains("Bürgertelefon"));
    assert!(refused(|profile| profile.callers.withheld_share = 1.5).contains("withheld_share"));
    assert!(refused(|profile| profile.quarter_hour_weights.truncate(24)).contains("96"));
    assert!(refused(|profile| profile.calls_per_day = f64::NAN).contains("calls_per_day"));
    assert!(refused(|profile| profile.closes = profile.opens).contains("closes"));
}
