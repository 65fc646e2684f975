//! The queue log of a real Asterisk gives the visits that were measured at its telephones.

use std::collections::BTreeMap;

use crate::support::{ASTERISK, Calls, read, read_from};
use domain::assembly::Flag;
use domain::event::{EndedBy, EventKind};
use domain::visit::{Outcome, Visit};
use importer::queue_log::{QueueLogAdapter, QueueLogMap};
use importer::{Adapter, CallBody, Item};
use proptest::prelude::*;
use proptest::sample::Index;

fn adapter() -> QueueLogAdapter {
    QueueLogAdapter::new(QueueLogMap::built_in())
}

fn recorded() -> Vec<Item> {
    read(&mut adapter(), &[&ASTERISK.queue_log_0, &ASTERISK.queue_log])
}

fn of_text(text: &str) -> Vec<Item> {
    read(&mut adapter(), &[text.as_bytes()])
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    entered: usize,
    answered: usize,
    abandoned: usize,
    overflowed: usize,
    diverted: usize,
    unresolved: usize,
    answered_without_end: usize,
    wait_answered_s: i64,
    wait_abandoned_s: i64,
    talk_s: i64,
}

fn totals<'a>(visits: impl Iterator<Item = &'a Visit>) -> Totals {
    let mut totals = Totals::default();
    for visit in visits {
        totals.entered += 1;
        let time_s = visit.time_in_queue_ms().unwrap_or(0) / 1000;
        match visit.outcome {
            Outcome::Answered => {
                totals.answered += 1;
                totals.wait_answered_s += time_s;
                totals.answered_without_end += usize::from(visit.talk_ms.is_none());
                totals.talk_s += visit.talk_ms.unwrap_or(0) / 1000 + visit.hold_ms.unwrap_or(0) / 1000;
            }
            Outcome::Abandoned => {
                totals.abandoned += 1;
                totals.wait_abandoned_s += time_s;
            }
            Outcome::Overflowed => totals.overflowed += 1,
            Outcome::Diverted => totals.diverted += 1,
            Outcome::Unresolved => totals.unresolved += 1,
            Outcome::Waiting => panic!("every visit of the recorded logs ended"),
        }
    }
    totals
}

/// Entered, answered, abandoned, overflowed, diverted, unresolved, answered without end, then the sums in seconds.
fn row(numbers: [usize; 7], sums_s: [i64; 3]) -> Totals {
    let [
        entered,
        answered,
        abandoned,
        overflowed,
        diverted,
        unresolved,
        answered_without_end,
    ] = numbers;
    let [wait_answered_s, wait_abandoned_s, talk_s] = sums_s;
    Totals {
        entered,
        answered,
        abandoned,
        overflowed,
        diverted,
        unresolved,
        answered_without_end,
        wait_answered_s,
        wait_abandoned_s,
        talk_s,
    }
}

fn check_recorded(items: &[Item]) {
    let calls = Calls::of(items);
    let visits: Vec<Visit> = calls.visits();
    let of_queue = |queue: &str| totals(visits.iter().filter(|visit| visit.hotline.as_str() == queue));
    assert_eq!(
        of_queue("buergertelefon"),
        row([28, 21, 1, 2, 4, 0, 1], [76, 1, 156])
    );
    assert_eq!(of_queue("steuern"), row([13, 10, 2, 0, 0, 1, 0], [16, 7, 89]));
    assert_eq!(of_queue("schule"), row([8, 6, 0, 1, 1, 0, 0], [12, 0, 63]));
    assert_eq!(of_queue("umwelt"), row([9, 7, 1, 0, 1, 0, 0], [30, 10, 82]));
    assert_eq!(
        totals(visits.iter()),
        row([58, 44, 4, 3, 6, 1, 1], [134, 18, 390])
    );
    assert_eq!(calls.flagged(Flag::AnsweredWithoutEnd), 1);
    // And a fifth whose second queue refused it, which the queue log does not tell.
    assert_eq!(calls.of_several_visits(), 4);
}

#[test]
fn the_recorded_logs_give_the_visits_that_were_measured() {
    let items = recorded();
    assert!(!items.iter().any(|item| matches!(item, Item::Unreadable(_))));
    check_recorded(&items);
}

/// Asterisk computes its durations from the same whole seconds, so the entry that a line implies is the one that was
/// logged.
#[test]
fn files_that_are_imported_one_by_one_give_the_same_visits() {
    let mut items = read(&mut adapter(), &[&ASTERISK.queue_log]);
    items.extend(read(&mut adapter(), &[&ASTERISK.queue_log_0]));
    check_recorded(&items);
    items.extend(recorded());
    check_recorded(&items);
}

#[test]
fn agents_have_the_answers_and_the_talk_that_were_measured() {
    let mut agents: BTreeMap<String, (u64, i64)> = BTreeMap::new();
    for visit in Calls::of(&recorded()).visits() {
        if let Some(agent) = visit.agent {
            let of_agent = agents.entry(agent.to_string()).or_default();
            of_agent.0 += 1;
            of_agent.1 += (visit.talk_ms.unwrap_or(0) + visit.hold_ms.unwrap_or(0)) / 1000;
        }
    }
    let expected = ASTERISK.expected["agents"].as_object().unwrap();
    let expected: BTreeMap<String, (u64, i64)> = expected
        .iter()
        .map(|(name, agent)| {
            let figures = (
                agent["answered"].as_u64().unwrap(),
                agent["talk_s"].as_i64().unwrap(),
            );
            (name.clone(), figures)
        })
        .collect();
    assert_eq!(agents, expected);
}

#[test]
fn each_visit_ended_as_it_did() {
    let calls = Calls::of(&recorded());
    for expected in ASTERISK.expected["visits"].as_array().unwrap() {
        let of_call = calls.call(expected["uniqueid"].as_str().unwrap()).visits;
        let entered = expected["entered"].as_str().unwrap();
        let entered = entered.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let visit = of_call
            .iter()
            .find(|visit| {
                visit.hotline.as_str() == expected["queue"]
                    && visit.offered_at.timestamp() == entered.timestamp()
            })
            .unwrap_or_else(|| panic!("no visit for {expected}"));
        let ended_by = match expected["ended_by"].as_str() {
            Some("transfer") => Some(EndedBy::Transfer),
            Some("caller") => Some(EndedBy::Citizen),
            Some("agent") => Some(EndedBy::Agent),
            _ => visit.ended_by,
        };
        assert_eq!(visit.ended_by, ended_by, "{expected}");
        let wait_ms = expected["wait_ms"].as_i64().unwrap();
        if let Some(time_ms) = visit.time_in_queue_ms() {
            assert!((time_ms - wait_ms).abs() <= 1000, "{expected}");
        }
    }
}

#[test]
fn reading_on_from_a_needed_line_gives_the_same_events_as_reading_through() {
    let calls = |items: Vec<Item>| -> Vec<Item> {
        items
            .into_iter()
            .filter(|item| matches!(item, Item::Call(_)))
            .collect()
    };
    let whole = calls(read(&mut adapter(), &[&ASTERISK.queue_log]));
    let lines = ASTERISK.queue_log.split_inclusive(|byte| *byte == b'\n').count();
    for stop in 1..lines {
        let (mut read, needed) = read_from(&mut adapter(), &ASTERISK.queue_log, 0, 0, Some(stop));
        let start = needed.expect("a log that has begun stands somewhere").line as usize - 1;
        assert!(start < stop);
        read.extend(read_from(&mut adapter(), &ASTERISK.queue_log, start, stop, None).0);
        assert_eq!(calls(read), whole, "stopped after line {stop}");
    }
}

#[test]
fn the_line_that_ends_a_visit_may_stand_after_the_next_entry_into_the_same_queue() {
    let calls = Calls::of(&of_text(
        "100|c.1|q|NONE|ENTERQUEUE||0221471|1\n\
         101|c.1|q|Anna|CONNECT|1|c.2|1\n\
         105|c.1|q|NONE|ENTERQUEUE||0221471|1\n\
         105|c.1|q|Anna|BLINDTRANSFER|8001|intern|1|4|1\n\
         109|c.1|q|NONE|ABANDON|1|1|4\n",
    ));
    let visits = calls.call("c.1").visits;
    assert_eq!(
        visits
            .iter()
            .map(|visit| (visit.outcome, visit.ended_by))
            .collect::<Vec<_>>(),
        [
            (Outcome::Answered, Some(EndedBy::Transfer)),
            (Outcome::Abandoned, Some(EndedBy::Citizen))
        ]
    );
    assert_eq!(visits[0].transfer_count, 1);
    assert_eq!(visits[1].time_in_queue_ms(), Some(4000));
}

#[test]
fn a_call_may_enter_a_queue_twice_within_a_second() {
    let log = "100|c.1|q|NONE|ENTERQUEUE||0221471|1\n\
               100|c.1|q|NONE|EXITEMPTY|1|1|0\n\
               100|c.1|q|NONE|ENTERQUEUE||0221471|1\n\
               103|c.1|q|Anna|CONNECT|3|c.2|1\n\
               104|c.1|q|Anna|COMPLETECALLER|3|1|1\n";
    let outcomes = |text: &str| -> Vec<Outcome> {
        let calls = Calls::of(&of_text(text));
        calls
            .call("c.1")
            .visits
            .iter()
            .map(|visit| visit.outcome)
            .collect()
    };
    assert_eq!(outcomes(log), [Outcome::Diverted, Outcome::Answered]);
    let doubled: String = log.split_inclusive('\n').map(|line| line.repeat(2)).collect();
    assert_eq!(outcomes(&doubled), [Outcome::Diverted, Outcome::Answered]);
    assert_eq!(outcomes(&log.repeat(2)), [Outcome::Diverted, Outcome::Answered]);
}

#[test]
fn an_end_without_its_entry_tells_of_the_visit_what_it_knows() {
    let calls = Calls::of(&of_text(
        "120|c.1|q|Anna|COMPLETEAGENT|4|6|1\n\
         120|c.1|q|Anna|COMPLETEAGENT|4|6|1\n\
         130|c.2|q|NONE|EXITWITHTIMEOUT|1|1|15\n\
         140|c.3|q|Anna|CONNECT|9|c.4|2\n\
         150|c.3|q|Anna|COMPLETECALLER|9|10|1\n",
    ));
    let one = |call: &str| {
        let visits = calls.call(call).visits;
        assert_eq!(visits.len(), 1, "{call}");
        let visit = &visits[0];
        (
            visit.offered_at.timestamp(),
            visit.outcome,
            visit.time_in_queue_ms(),
            visit.talk_ms,
        )
    };
    assert_eq!(one("c.1"), (110, Outcome::Answered, Some(4000), Some(6000)));
    assert_eq!(one("c.2"), (115, Outcome::Overflowed, Some(15_000), None));
    assert_eq!(one("c.3"), (131, Outcome::Answered, Some(9000), Some(10_000)));
}

#[test]
fn lines_that_cannot_be_read_are_kept_and_unknown_events_named_once() {
    let mut adapter = adapter();
    let items = read(
        &mut adapter,
        &["x|c.1|q|NONE|ENTERQUEUE||1|1\n100|c.1|q\n100|NONE|q|NONE|ENTERQUEUE||1|1\n\n\
           100|c.1|q|NONE|INFO|x\n100|c.1|NONE|NONE|MENU|2\n100|c.1|NONE|NONE|MENU|3\n100|MANAGER|q|NONE|ADDMEMBER|\n"
            .as_bytes()],
    );
    let reasons: Vec<String> = items
        .iter()
        .filter_map(|item| match item {
            Item::Unreadable(line) => Some(line.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(items.len(), 4);
    assert_eq!(
        reasons,
        [
            "line 1, time: not seconds since 1970; correct the line",
            "line 2: fewer than five columns; a line of the queue log is time|call|queue|agent|event|…",
            "line 3, call: the event concerns a call in a queue; correct the line",
            "line 8, agent: the event concerns an agent; correct the line",
        ]
    );
    let notes = adapter.notes();
    assert_eq!(notes.lines, 7);
    assert_eq!(notes.unknown, BTreeMap::from([("MENU".to_owned(), 2)]));
    assert_eq!(notes.without_effect, BTreeMap::from([("INFO".to_owned(), 1)]));
}

#[test]
fn withheld_numbers_and_dialled_numbers_are_known() {
    let calls = Calls::of(&of_text(
        "100|c.1|q|NONE|ENTERQUEUE||anonymous|1\n100|c.1|q|NONE|DID|02214710101\n101|c.1|q|NONE|ABANDON|1|1|1\n",
    ));
    let record = calls.call("c.1").record.unwrap();
    assert_eq!(record.caller, Some(domain::personal::Caller::Withheld));
    assert_eq!(record.dialled_address.as_deref(), Some("02214710101"));
}

#[test]
fn who_pauses_during_a_call_pauses_after_it() {
    let states: Vec<String> = of_text(
        "100|CLI|q|Anna|ADDMEMBER|\n101|c.1|q|NONE|ENTERQUEUE||1|1\n102|c.1|q|Anna|CONNECT|1|c.2|1\n\
         103|NONE|NONE|Anna|PAUSEALL|Mittag\n104|c.1|q|Anna|COMPLETEAGENT|1|2|1\n105|NONE|NONE|Anna|UNPAUSEALL|\n\
         106|CLI|q|Anna|REMOVEMEMBER|\n",
    )
    .iter()
    .filter_map(|item| match item {
        Item::Agent(report) => Some(format!("{} {}", report.at.timestamp(), report.state.name())),
        _ => None,
    })
    .collect();
    assert_eq!(
        states,
        [
            "100 signed_in",
            "102 talking",
            "103 paused",
            "104 paused",
            "105 ready",
            "106 signed_out"
        ]
    );
}

#[test]
fn every_event_of_a_visit_names_it() {
    for item in recorded() {
        let Item::Call(call) = item else { continue };
        let CallBody::Event(event) = call.body else {
            panic!("the queue log has events only")
        };
        let named = event.visit.is_some();
        assert_eq!(
            named,
            !matches!(event.kind, EventKind::Arrived { .. }),
            "{event:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn order_and_repetition_of_the_events_do_not_matter(
        places in prop::collection::vec(any::<Index>(), 300),
        repeated in prop::collection::vec(any::<Index>(), 40),
    ) {
        let mut items = recorded();
        let again: Vec<Item> = repeated.iter().map(|place| place.get(&items).clone()).collect();
        items.extend(again);
        for (from, to) in places.iter().enumerate() {
            let from = from % items.len();
            let to = to.index(items.len());
            items.swap(from, to);
        }
        check_recorded(&items);
    }

    #[test]
    fn any_text_is_read_without_loss(lines in prop::collection::vec("[ -~|0-9A-Zäö]{0,60}", 0..30)) {
        let text = lines.join("\n");
        let mut adapter = adapter();
        read(&mut adapter, &[text.as_bytes()]);
        let blank = lines.iter().filter(|line| line.trim().is_empty()).count();
        prop_assert_eq!(adapter.notes().lines as usize, lines.len() - blank);
    }
}
