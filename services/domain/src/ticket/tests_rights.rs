//! Restricted, put right, and who confirms it.

use super::tests::{act, at, check, check_rejected, live};
use super::*;
use crate::ids::FieldId;
use crate::service_time::{DuePolicy, ServiceCalendar};

fn after(steps: &[&str]) -> Ticket {
    live(steps).unwrap().0
}

fn told(transition: &Transition) -> Vec<(&str, ToldOf)> {
    let told = |effect: &'_ Effect| match effect {
        Effect::Tell { department, of } => Some((department.as_str().to_owned(), *of)),
        _ => None,
    };
    let all: Vec<(String, ToldOf)> = transition.effects.iter().filter_map(told).collect();
    let name = |name: String| ["a", "b", "c"].into_iter().find(|it| *it == name).unwrap();
    all.into_iter().map(|(id, of)| (name(id), of)).collect()
}

#[test]
fn a_restricted_ticket_stays_where_it_was_and_nothing_is_done_with_it() {
    let restricted = after(&["publish", "a: accepted", "restrict"]);
    assert_eq!(restricted.state, TicketState::Accepted);
    assert_eq!(restricted.next_alarm(), None);
    for words in ["withdraw", "reopen", "close by hand", "reroute b", "restrict"] {
        assert_eq!(
            act(&restricted, words, at(9)),
            Err(ActRefused::Restricted),
            "{words}"
        );
    }
    let concern = Personal::new("mehr");
    let added = add_concern(
        &restricted,
        concern,
        &Default::default(),
        None,
        Actor::System,
        at(9),
    );
    assert_eq!(added.unwrap_err(), AdditionRefused::NothingOwed);
    assert_eq!(
        close(&after(&["a: answered", "restrict"]), at(9), CLOSED_STAYS),
        None
    );
    assert_eq!(handed_over(&after(&["restrict"]), at(9)), None);
    check_rejected(&["publish", "restrict", "a: answered"], "restricted");
    check_rejected(&["publish", "restrict", "b: answered"], "unknown_ticket");
    assert_eq!(act(&after(&[]), "lift", at(9)), Err(ActRefused::NotRestricted));
    let actions = [
        "logged",
        "handed_over",
        "restricted",
        "restriction_lifted",
        "accepted",
    ];
    check(
        &["publish", "restrict", "lift", "a: accepted"],
        TicketState::Accepted,
        "a",
        4,
        &actions,
    );
}

#[test]
fn every_department_is_told_of_a_restriction_and_confirms_it_once() {
    let before = after(&["publish", "a: returned b"]);
    let restricted = act(&before, "restrict", at(5)).unwrap();
    let both = [("a", ToldOf::Restricted), ("b", ToldOf::Restricted)];
    assert_eq!(told(&restricted), both);
    let steps = ["publish", "a: returned b", "restrict"];
    for who in ["a", "b"] {
        let confirmation = format!("{who}: restriction confirmed");
        let confirmed = [&steps[..], &[&confirmation]].concat();
        assert_eq!(after(&confirmed).state, TicketState::Open);
        check_rejected(&[&confirmed[..], &[&confirmation]].concat(), "already_confirmed");
    }
    check_rejected(&["publish", "a: restriction confirmed"], "not_restricted");
    check_rejected(
        &["publish", "restrict", "lift", "a: restriction confirmed"],
        "not_restricted",
    );
    let again = after(&[
        "publish",
        "restrict",
        "a: restriction confirmed",
        "lift",
        "restrict",
    ]);
    let department = DepartmentId::new("a");
    assert_eq!(again.has_confirmed(&department, ToldOf::Restricted), Some(false));
}

#[test]
fn what_was_put_right_is_seen_told_and_confirmed() {
    let before = after(&["publish", "a: returned b"]);
    let rectified = act(&before, "rectify", at(5)).unwrap();
    assert_eq!(rectified.ticket.request.fields().text("name"), "Groß");
    assert_eq!(rectified.ticket.version.0, before.version.0 + 1);
    assert_eq!(
        told(&rectified),
        [("a", ToldOf::Rectified), ("b", ToldOf::Rectified)]
    );
    let former = Effect::Rectify {
        department: DepartmentId::new("a"),
        tombstone_at: at(5) + ERASED_STAYS,
    };
    assert!(rectified.effects.contains(&former));
    let current = Effect::HandOver(DepartmentId::new("b"));
    assert!(rectified.effects.contains(&current));
    let steps = [
        "publish",
        "a: returned b",
        "rectify",
        "a: rectification confirmed",
    ];
    let confirmed = after(&steps);
    assert_eq!(
        confirmed.has_confirmed(&DepartmentId::new("a"), ToldOf::Rectified),
        Some(true)
    );
    assert_eq!(
        confirmed.has_confirmed(&DepartmentId::new("b"), ToldOf::Rectified),
        Some(false)
    );
    check_rejected(&["publish", "a: rectification confirmed"], "not_rectified");
    check_rejected(&["erase", "a: rectification confirmed"], "erased");
}

#[test]
fn what_is_put_right_while_restricted_is_told_once_that_is_lifted() {
    let restricted = after(&["publish", "restrict"]);
    let rectified = act(&restricted, "rectify", at(5)).unwrap();
    assert_eq!(rectified.effects, []);
    let lifted = act(&rectified.ticket, "lift", at(6)).unwrap();
    assert_eq!(told(&lifted), [("a", ToldOf::Rectified)]);
    let confirmed = ["publish", "rectify", "a: rectification confirmed", "restrict"];
    let lifted = act(&after(&confirmed), "lift", at(6)).unwrap();
    assert_eq!(told(&lifted), []);
}

#[test]
fn people_note_what_a_department_confirms_in_another_way() {
    let restricted = after(&["publish", "restrict"]);
    let note = |ticket: &Ticket, department: &str, of| {
        let reason = Personal::new("Schreiben");
        confirm_by_hand(
            ticket,
            &DepartmentId::new(department),
            of,
            &reason,
            Actor::System,
            at(9),
        )
    };
    let noted = note(&restricted, "a", ToldOf::Restricted).unwrap();
    assert_eq!(note(&noted.ticket, "a", ToldOf::Restricted), None);
    assert_eq!(note(&restricted, "b", ToldOf::Restricted), None);
    assert_eq!(note(&restricted, "a", ToldOf::Erased), None);
    let erased = note(&after(&["erase"]), "a", ToldOf::Erased).unwrap();
    let buried = Effect::Tombstone {
        department: DepartmentId::new("a"),
        at: at(9),
    };
    assert!(erased.effects.contains(&buried));
}

#[test]
fn what_was_said_later_is_put_right_too_and_the_history_says_so() {
    let ticket = after(&["publish", "add", "add"]);
    let register = crate::procedure::Register::built_in();
    let callback = register.procedure("callback").unwrap();
    let put = |changes: &[(&str, &str)]| {
        let changes: Vec<(FieldId, Personal)> = changes
            .iter()
            .map(|(id, text)| (FieldId::new(*id), Personal::new(*text)))
            .collect();
        put_right(&ticket, callback, &changes)
    };
    let right = put(&[("added.2.concern", " Haus 7 "), ("added.1.phone", "0221 4710123")]).unwrap();
    let names: Vec<&str> = right.fields.iter().map(FieldId::as_str).collect();
    assert_eq!(names, ["added.2.concern", "added.1.phone"]);
    let done = rectify(&ticket, right, &Personal::new("so"), Actor::System, at(9)).unwrap();
    assert_eq!(done.ticket.added[1].concern.reveal(), "Haus 7");
    assert_eq!(
        done.ticket.says(&FieldId::new("added.1.phone")).unwrap().reveal(),
        "0221 4710123"
    );
    let restated = Effect::Restate {
        at: ticket.added[1].at,
        was: Personal::new("so"),
        concern: Personal::new("Haus 7"),
    };
    assert!(done.effects.contains(&restated), "{:?}", done.effects);
    assert_eq!(told(&done), [("a", ToldOf::Rectified)]);

    for (changes, faulty) in [
        (&[("added.3.concern", "x")][..], "added.3.concern"),
        (&[("added.1.concern", " ")], "added.1.concern"),
        (&[("added.1.email", "keine")], "added.1.email"),
        (&[("added.1.concern", "so")], "fields"),
        (&[("added.1.colour", "rot")], "added.1.colour"),
        (&[("added.0.concern", "x")], "added.0.concern"),
        (&[("Added.1 Groß", "x")], "fields"),
    ] {
        let faults = put(changes).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|fault| fault.field.as_str()).collect();
        assert_eq!(fields, [faulty]);
    }
}

#[test]
fn what_was_done_since_an_older_state_is_done_again_with_it() {
    let first = ["publish", "a: returned b"];
    for since in [
        &["rectify"][..],
        &["restrict"],
        &["restrict", "rectify"],
        &["rectify", "restrict", "lift"],
        &["restrict", "lift", "rectify", "restrict"],
    ] {
        let steps = [&first[..], since].concat();
        let (newer, history) = live(&steps).unwrap();
        let mut ticket = after(&first);
        let known = ticket.history_length;
        let fields = newer.request.fields();
        let right: std::collections::BTreeMap<FieldId, Personal> = fields
            .iter()
            .map(|(id, text)| (id.clone(), text.clone()))
            .collect();
        let mut redone = Vec::new();
        for act in history.iter().filter(|it| it.number > known) {
            assert!(act.is_act_of_right(), "{act:?}");
            let transition = redo(&ticket, act, &right).expect("as it was done");
            redone.extend(transition.entries);
            ticket = transition.ticket;
        }
        assert_eq!(ticket, newer, "{since:?}");
        assert_eq!(redone, history[known as usize..], "{since:?}");
        assert_eq!(
            redo(&after(&["erase"]), &redone[0], &right),
            Err(ActRefused::Erased)
        );
    }
}

#[test]
fn a_restricted_ticket_is_due_later_by_the_time_that_nobody_might_work_on_it() {
    let calendar = ServiceCalendar::default();
    let policy = DuePolicy::Elapsed { hours: 24 };
    let lifted = |ticket: &Ticket, minute| {
        let done = lift(
            ticket,
            Personal::new("so"),
            Actor::System,
            at(minute),
            (&calendar, policy),
        );
        done.unwrap().ticket
    };
    let restricted = |ticket: &Ticket, minute| {
        let done = restrict(ticket, Personal::new("so"), Actor::System, at(minute));
        done.unwrap().ticket
    };
    let open = after(&["publish"]);
    let paused = lifted(&restricted(&open, 10), 70);
    assert_eq!(
        paused.due_at,
        calendar.due_after_pause(open.due_at, (at(10), at(70)), policy)
    );
    assert!(paused.due_at > open.due_at);
    // Nothing is owed on an answered one; one that was overdue stays so.
    let answered = after(&["publish", "a: answered"]);
    assert_eq!(lifted(&restricted(&answered, 10), 70).due_at, answered.due_at);
    let late = |minutes: i64| open.due_at - at(0) + TimeDelta::minutes(minutes);
    let minute = late(5).num_minutes();
    assert_eq!(
        lifted(&restricted(&open, minute), minute + 60).due_at,
        open.due_at
    );
    // Whoever wants to be called at a time that is still to come is called then.
    let mut wished = open.clone();
    wished.schedule.wished = Some(Window {
        from: open.due_at - TimeDelta::hours(1),
        until: open.due_at,
    });
    assert_eq!(lifted(&restricted(&wished, 10), 70).due_at, open.due_at);
}

#[test]
fn the_history_tells_which_fields_were_put_right() {
    let (_, history) = live(&["rectify", "restrict"]).unwrap();
    let fields: Vec<Vec<FieldId>> = history.iter().map(HistoryEntry::fields_put_right).collect();
    assert_eq!(fields.concat(), [FieldId::new("name")]);
}
