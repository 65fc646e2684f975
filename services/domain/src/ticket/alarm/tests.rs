use std::sync::Arc;

use super::*;
use crate::ids::HotlineName;
use crate::procedure::{Fields, ProcedureId, Register};
use crate::routing::{Department, DepartmentMail, MailContent, RoutingConfig, RoutingDecision};
use crate::rulebook::{Rulebook, RulesVersion};
use crate::ticket::{Opening, Reply, TicketState, apply_reply, open, ticket_id};

fn minute(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap() + TimeDelta::minutes(minute)
}

/// Departments a and clearing, both with mail; escalation 30 minutes after the due time.
fn routing() -> RoutingTable {
    let departments = ["clearing", "a"].map(|id| Department {
        mail: Some(DepartmentMail {
            address: format!("{id}@example.org"),
            content: MailContent::Notice,
        }),
        ..Department::new(DepartmentId::new(id), id)
    });
    let mut config = RoutingConfig::of(DepartmentId::new("clearing"), departments.into());
    config.escalation.escalate_after_minutes = 30;
    RoutingTable::new(config).unwrap()
}

/// A ticket of department a that is due in minute 1000.
fn ticket() -> Ticket {
    let fields = Fields::of([("phone", "0221 4710123"), ("concern", "Frage")]);
    let register = Register::built_in();
    let opening = Opening {
        id: ticket_id(1),
        procedure: ProcedureId::callback(),
        request: register.procedure("callback").unwrap().checked(fields).unwrap(),
        hotline: Some(HotlineName::new("Steuern")),
        category: None,
        call: None,
        actor: Actor::System,
        decision: RoutingDecision {
            department: DepartmentId::new("a"),
            rule: None,
            because: "Keine Regel.".to_owned(),
            municipalities: Vec::new(),
            ambiguous: false,
        },
        rules: None,
        at: minute(0),
        due_at: minute(1000),
    };
    open(opening).ticket
}

fn raised(transition: &Transition) -> Vec<&'static str> {
    transition
        .entries
        .iter()
        .map(|entry| entry.action.name())
        .collect()
}

fn mails(transition: &Transition) -> Vec<(String, MailSubject)> {
    let mail = |effect: &Effect| match effect {
        Effect::Mail { department, subject } => Some((department.to_string(), *subject)),
        _ => None,
    };
    transition.effects.iter().filter_map(mail).collect()
}

#[test]
fn each_alarm_comes_once_however_often_somebody_looks() {
    let routing = routing();
    let mut ticket = ticket();
    let mut seen = Vec::new();
    for now in [0, 879, 880, 880, 999, 1000, 1029, 1030, 5000] {
        if let Some(transition) = raise_alarms(&ticket, &routing, minute(now)) {
            assert_eq!(transition.ticket.version.0, ticket.version.0 + 1);
            seen.push((now, raised(&transition), mails(&transition)));
            ticket = transition.ticket;
        }
    }
    assert_eq!(
        seen,
        [
            (880, vec!["due_soon"], vec![("a".to_owned(), MailSubject::Ticket)]),
            (1000, vec!["overdue"], vec![("a".to_owned(), MailSubject::Ticket)]),
            (
                1030,
                vec!["escalated"],
                vec![("clearing".to_owned(), MailSubject::Escalated)]
            ),
        ]
    );
    assert_eq!(
        (ticket.alarm(), ticket.next_alarm()),
        (Some(Alarm::Escalated), None)
    );
}

#[test]
fn a_clock_that_jumps_neither_repeats_nor_loses_an_alarm() {
    let routing = routing();
    let ahead = raise_alarms(&ticket(), &routing, minute(900)).unwrap().ticket;
    assert_eq!(raise_alarms(&ahead, &routing, minute(10)), None);
    assert_eq!(raise_alarms(&ahead, &routing, minute(900)), None);
    let far_ahead = raise_alarms(&ahead, &routing, minute(5000)).unwrap();
    assert_eq!(raised(&far_ahead), ["overdue", "escalated"]);
    for back in [10, 1000, 9000] {
        assert_eq!(raise_alarms(&far_ahead.ticket, &routing, minute(back)), None);
    }
}

#[test]
fn a_warning_after_the_due_time_is_left_out() {
    let late = raise_alarms(&ticket(), &routing(), minute(1001)).unwrap();
    assert_eq!(raised(&late), ["overdue"]);
}

#[test]
fn an_answered_ticket_has_no_alarms_and_another_due_time_begins_anew() {
    let routing = routing();
    let overdue = raise_alarms(&ticket(), &routing, minute(1000)).unwrap().ticket;
    let mut later = overdue.clone();
    later.due_at = minute(3000);
    assert_eq!(later.next_alarm(), Some(Alarm::DueSoon));
    let mut again = overdue.clone();
    again.schedule.begin_round();
    assert_eq!(again.next_alarm(), Some(Alarm::DueSoon));

    let reply = Reply::Answered { note: None };
    let rules = Rulebook {
        version: RulesVersion(1),
        routing: Arc::new(routing.clone()),
        register: Arc::new(Register::built_in()),
        figures: Arc::default(),
    };
    let answered = apply_reply(
        &overdue,
        &DepartmentId::new("a"),
        &reply,
        None,
        &rules,
        minute(1001),
    );
    let answered = answered.unwrap().ticket;
    assert_eq!(answered.state, TicketState::Answered);
    assert_eq!((answered.alarm(), answered.next_alarm()), (None, None));
    assert_eq!(raise_alarms(&answered, &routing, minute(9000)), None);
}
