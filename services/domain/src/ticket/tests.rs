use std::sync::Arc;

use super::*;
use crate::ids::FieldId;
use crate::procedure::{Fields, Register};
use crate::routing::{RoutingConfig, RoutingTable};
use crate::rulebook::{Rulebook, RulesVersion};
use crate::service_time::{DuePolicy, ServiceCalendar};

fn rules() -> Rulebook {
    Rulebook {
        version: RulesVersion(1),
        routing: Arc::new(routing()),
        register: Arc::new(Register::built_in()),
        figures: Arc::default(),
    }
}

fn routing() -> RoutingTable {
    let config: RoutingConfig = toml::from_str(
        r#"
        clearing = "clearing"
        department = [
            { id = "clearing", name = "Klärungsstelle" },
            { id = "a", name = "A" }, { id = "b", name = "B" }, { id = "c", name = "C" }, { id = "d", name = "D" },
        ]
        hotline = [{ name = "Eins" }]
        "#,
    )
    .unwrap();
    RoutingTable::new(config).unwrap()
}

pub(super) fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_792_000_000 + 60 * minute, 0).unwrap()
}

fn opened() -> Transition {
    let register = Register::built_in();
    let callback = register.procedure("callback").unwrap();
    let fields = Fields::of([("phone", "0221 1234567"), ("concern", "Frage zum Bescheid")]);
    open(Opening {
        id: ticket_id(1),
        procedure: callback.id.clone(),
        request: callback.checked(fields).unwrap(),
        hotline: Some(HotlineName::new("Eins")),
        category: None,
        call: None,
        actor: Actor::Agent(AgentName::new("anna")),
        decision: RoutingDecision {
            department: DepartmentId::new("a"),
            rule: Some(RuleId::new("eins")),
            because: "Eins geht an A.".to_owned(),
            municipalities: Vec::new(),
            ambiguous: false,
        },
        at: at(0),
        rules: Some(RulesVersion(1)),
        due_at: at(24 * 60),
    })
}

fn reply(word: &str) -> Reply {
    let (word, argument) = word.split_once(' ').unwrap_or((word, ""));
    match word {
        "accepted" => Reply::Accepted,
        "attempted" => Reply::CallbackAttempted {
            outcome: AttemptOutcome::Busy,
            note: None,
        },
        "reached" => Reply::CallbackAttempted {
            outcome: AttemptOutcome::Reached,
            note: None,
        },
        "answered" => Reply::Answered { note: None },
        "unreachable" => Reply::Unreachable { note: None },
        "confirmed" => Reply::ErasureConfirmed,
        "restriction" => Reply::RestrictionConfirmed,
        "rectification" => Reply::RectificationConfirmed,
        "returned" => Reply::Returned {
            reason: Personal::new("nicht zuständig"),
            suggested_department: (!argument.is_empty()).then(|| DepartmentId::new(argument)),
        },
        other => panic!("{other}?"),
    }
}

/// What people do with a ticket, in words: `withdraw`, `close by hand`, `reopen`, `erase`, `add`, `reroute DEPARTMENT`.
pub(super) fn act(ticket: &Ticket, words: &str, at: DateTime<Utc>) -> Result<Transition, ActRefused> {
    let (reason, actor) = (Personal::new("so"), Actor::Agent(AgentName::new("anna")));
    match words {
        "withdraw" => withdraw(ticket, reason, actor, at),
        "close by hand" => close_by_hand(ticket, reason, actor, at, CLOSED_STAYS),
        "erase" => erase(ticket, reason, actor, at),
        "restrict" => restrict(ticket, reason, actor, at),
        "lift" => {
            let calendar = ServiceCalendar::default();
            lift(ticket, reason, actor, at, (&calendar, DuePolicy::default()))
        }
        "rectify" => {
            let mut right = Right {
                request: ticket.request.clone(),
                added: ticket.added.clone(),
                fields: vec![FieldId::new("name")],
            };
            right.request.set(FieldId::new("name"), Personal::new("Groß"));
            rectify(ticket, right, &reason, actor, at)
        }
        "add" => Ok(add_concern(ticket, reason, &Fields::default(), None, actor, at).unwrap()),
        "reopen" => {
            let reopening = Reopening {
                reason,
                call: Some(Identity([9; 16])),
                actor,
                within: TimeDelta::days(30),
                due_at: at + TimeDelta::hours(24),
                at,
            };
            reopen(ticket, reopening, &routing())
        }
        words => {
            let to = DepartmentId::new(words.strip_prefix("reroute ").expect(words));
            reroute(ticket, &to, reason, actor, &routing(), at)
        }
    }
}

/// A life in words: `publish`, `close`, what people do (see [`act`]), `DEPARTMENT: REPLY`, or `DEPARTMENT@VERSION: REPLY`
/// if it names the version that it has seen. Gives the ticket and all its history, or the rejection of the last step.
pub(super) fn live(steps: &[&str]) -> Result<(Ticket, Vec<HistoryEntry>), ReplyRejection> {
    let Transition {
        mut ticket,
        entries: mut history,
        ..
    } = opened();
    for (minute, step) in (1..).zip(steps) {
        let transition = match *step {
            "publish" => handed_over(&ticket, at(minute)),
            "close" => close(&ticket, at(minute), TimeDelta::days(30)),
            step if !step.contains(": ") => Some(act(&ticket, step, at(minute)).expect(step)),
            step => {
                let (department, word) = step.split_once(": ").unwrap();
                let (department, seen) = department.split_once('@').unwrap_or((department, ""));
                let department = DepartmentId::new(department);
                Some(apply_reply(
                    &ticket,
                    &department,
                    &reply(word),
                    seen.parse().ok().map(TicketVersion),
                    &rules(),
                    at(minute),
                )?)
            }
        };
        if let Some(transition) = transition {
            assert_eq!(transition.history_before, ticket.history_length);
            history.extend(transition.entries);
            ticket = transition.ticket;
        }
    }
    assert_eq!(history.len() as u32, ticket.history_length);
    assert!(
        (1..).zip(&history).all(|(number, entry)| entry.number == number),
        "{history:?}"
    );
    Ok((ticket, history))
}

pub(super) fn check(steps: &[&str], state: TicketState, department: &str, version: u32, actions: &[&str]) {
    let (ticket, history) = live(steps).unwrap_or_else(|rejection| panic!("{steps:?}: {rejection}"));
    let done: Vec<&str> = history.iter().map(|entry| entry.action.name()).collect();
    assert_eq!(
        (
            ticket.state,
            ticket.department.as_str(),
            ticket.version.0,
            done.as_slice()
        ),
        (state, department, version, actions),
        "{steps:?}"
    );
}

pub(super) fn check_rejected(steps: &[&str], code: &str) {
    let rejection = live(steps).map(|(ticket, _)| ticket.state).unwrap_err();
    assert_eq!(rejection.code(), code, "{steps:?}");
}

#[test]
fn the_usual_life_of_a_ticket() {
    use TicketState::*;
    check(&[], Open, "a", 1, &["logged"]);
    check(&["publish"], HandedOver, "a", 1, &["logged", "handed_over"]);
    check(
        &["publish", "publish"],
        HandedOver,
        "a",
        1,
        &["logged", "handed_over"],
    );
    check(
        &["publish", "a: accepted"],
        Accepted,
        "a",
        2,
        &["logged", "handed_over", "accepted"],
    );
    let life = [
        "publish",
        "a: accepted",
        "a: attempted",
        "a: attempted",
        "a: answered",
        "close",
    ];
    check(
        &life,
        Closed,
        "a",
        6,
        &[
            "logged",
            "handed_over",
            "accepted",
            "callback_attempted",
            "callback_attempted",
            "answered",
            "closed",
        ],
    );
    assert_eq!(live(&life).unwrap().0.attempts, 2);
    check(
        &["publish", "close"],
        HandedOver,
        "a",
        1,
        &["logged", "handed_over"],
    );
}

#[test]
fn what_can_only_have_happened_before_is_implied() {
    use TicketState::*;
    check(
        &["a: accepted"],
        Accepted,
        "a",
        2,
        &["logged", "handed_over", "accepted"],
    );
    check(
        &["a: attempted"],
        CallbackAttempted,
        "a",
        2,
        &["logged", "handed_over", "accepted", "callback_attempted"],
    );
    check(
        &["publish", "a: answered"],
        Answered,
        "a",
        2,
        &["logged", "handed_over", "accepted", "answered"],
    );
}

#[test]
fn late_replies_are_rejected_with_a_reason() {
    check_rejected(&["a: accepted", "a: accepted"], "already_accepted");
    check_rejected(&["a: answered", "a: answered"], "already_answered");
    check_rejected(&["a: answered", "a: returned"], "already_answered");
    check_rejected(&["a: answered", "close", "a: attempted"], "already_closed");
}

#[test]
fn only_the_department_that_has_the_ticket_may_report() {
    check_rejected(&["b: accepted"], "unknown_ticket");
    check_rejected(&["a: returned b", "a: answered"], "not_yours");
    check_rejected(&["a: returned b", "c: answered"], "unknown_ticket");
}

#[test]
fn a_returned_ticket_goes_where_the_department_says_twice() {
    use TicketState::Open;
    let returned = ["logged", "handed_over", "returned", "rerouted"];
    check(&["publish", "a: returned b"], Open, "b", 2, &returned);
    check(&["publish", "a: returned"], Open, "clearing", 2, &returned);
    check(
        &["publish", "a: returned nowhere"],
        Open,
        "clearing",
        2,
        &returned,
    );
    check(&["publish", "a: returned a"], Open, "clearing", 2, &returned);
    let to = |steps: &[&str]| live(steps).map(|(ticket, _)| ticket.department.to_string());
    assert_eq!(to(&["a: returned b", "b: returned c"]).unwrap(), "c");
    assert_eq!(to(&["a: returned b", "b: returned a"]).unwrap(), "clearing");
    assert_eq!(
        to(&["a: returned b", "b: returned c", "c: returned d"]).unwrap(),
        "clearing"
    );
    assert_eq!(
        to(&["a: accepted", "a: attempted", "a: returned b"]).unwrap(),
        "b"
    );
}

#[test]
fn clearing_decides_where_a_ticket_goes() {
    let to = |steps: &[&str]| live(steps).map(|(ticket, _)| ticket.department.to_string());
    assert_eq!(to(&["a: returned", "clearing: returned a"]).unwrap(), "a");
    check_rejected(&["a: returned", "clearing: returned"], "clearing_must_decide");
    check_rejected(
        &["a: returned", "clearing: returned nowhere"],
        "clearing_must_decide",
    );
    check_rejected(
        &["a: returned", "clearing: returned clearing"],
        "clearing_must_decide",
    );
    assert_eq!(to(&["a: returned", "clearing: answered"]).unwrap(), "clearing");
}

#[test]
fn every_change_says_what_has_to_follow() {
    let a = DepartmentId::new("a");
    let opened = opened();
    assert_eq!(opened.effects, [Effect::HandOver(a.clone())]);
    assert_eq!(handed_over(&opened.ticket, at(1)).unwrap().effects, []);

    let returned = apply_reply(&opened.ticket, &a, &reply("returned b"), None, &rules(), at(1)).unwrap();
    let withdraw = Effect::Withdraw {
        department: a.clone(),
        tombstone_at: at(1) + TimeDelta::days(7),
    };
    assert_eq!(
        returned.effects,
        [Effect::HandOver(DepartmentId::new("b")), withdraw]
    );

    let (answered, _) = live(&["a: answered"]).unwrap();
    let tombstone = Effect::Tombstone {
        department: a.clone(),
        at: at(9) + TimeDelta::days(30),
    };
    let closed = close(&answered, at(9), TimeDelta::days(30)).unwrap();
    assert_eq!(closed.effects, [Effect::HandOver(a), tombstone]);
}

#[test]
fn a_clock_that_was_set_back_does_not_make_a_ticket_older() {
    let ticket = opened().ticket;
    let transition = handed_over(&ticket, at(-60)).unwrap();
    assert_eq!(
        (transition.ticket.changed_at, transition.entries[0].at),
        (at(0), at(0))
    );
}

#[test]
fn nothing_personal_shows_in_debug() {
    let shown = format!("{:?}", opened());
    assert!(
        !shown.contains("1234567") && !shown.contains("Bescheid"),
        "{shown}"
    );
}

fn add(
    ticket: &Ticket,
    phone: &str,
    concern: &str,
    actor: Actor,
    minute: i64,
) -> Result<Transition, AdditionRefused> {
    let fields = Fields::of([("phone", phone)]);
    add_concern(ticket, Personal::new(concern), &fields, None, actor, at(minute))
}

#[test]
fn a_concern_joins_a_ticket_that_is_owed_an_answer() {
    let (ticket, _) = live(&["publish", "a: accepted"]).unwrap();
    let agent = Actor::Agent(AgentName::new("berta"));
    let known = ticket.request.fields().text("phone").to_owned();
    let added = add(&ticket, &known, "Noch etwas", agent.clone(), 50).unwrap();
    assert_eq!(added.history_before, ticket.history_length);
    assert_eq!(added.ticket.version.0, ticket.version.0 + 1);
    assert_eq!(
        (added.ticket.state, added.ticket.due_at),
        (ticket.state, ticket.due_at)
    );
    assert_eq!(added.entries[0].action, Action::ConcernAdded);
    assert_eq!(added.entries[0].note, Some(Personal::new("Noch etwas")));
    assert_eq!(added.effects, [Effect::HandOver(ticket.department.clone())]);
    assert_eq!(added.ticket.added[0].phone, None);

    let elsewhere = add(&added.ticket, "0211 8371 1", "Neue Nummer", agent, 51).unwrap();
    assert_eq!(
        elsewhere.ticket.added[1].phone,
        Some(Personal::new("0211 8371 1"))
    );
}

#[test]
fn a_concern_does_not_join_what_is_answered_or_full() {
    let (answered, _) = live(&["a: answered"]).unwrap();
    assert_eq!(
        add(&answered, "", "Noch etwas", Actor::System, 50),
        Err(AdditionRefused::NothingOwed)
    );
    let (mut ticket, _) = live(&[]).unwrap();
    for _ in 0..ADDED_CONCERNS_MAX {
        ticket = add(&ticket, "", "Noch etwas", Actor::System, 50).unwrap().ticket;
    }
    assert_eq!(
        add(&ticket, "", "Noch etwas", Actor::System, 51),
        Err(AdditionRefused::Full)
    );
}
