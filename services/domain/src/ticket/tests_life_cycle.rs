//! Ends, acts of people, late replies, and erasure.

use super::tests::{act, at, check, check_rejected, live};
use super::*;

fn refusal(steps: &[&str], act_words: &str, minute: i64) -> ActRefused {
    let (ticket, _) = live(steps).unwrap();
    act(&ticket, act_words, at(minute)).expect_err(act_words)
}

fn after(steps: &[&str]) -> Ticket {
    live(steps).unwrap().0
}

#[test]
fn a_citizen_who_is_called_in_vain_three_times_is_unreachable() {
    use TicketState::*;
    let twice = ["publish", "a: accepted", "a: attempted", "a: attempted"];
    assert_eq!(after(&twice).state, CallbackAttempted);
    let thrice = [&twice[..], &["a: attempted"]].concat();
    let actions = [
        "logged",
        "handed_over",
        "accepted",
        "callback_attempted",
        "callback_attempted",
        "callback_attempted",
        "unreachable",
    ];
    check(&thrice, Unreachable, "a", 5, &actions);
    let reached_between = [&twice[..], &["a: reached", "a: attempted", "a: attempted"]].concat();
    assert_eq!(after(&reached_between).state, CallbackAttempted);
    let called_between = [&twice[..], &["add", "a: attempted", "a: attempted"]].concat();
    assert_eq!(after(&called_between).state, CallbackAttempted);
    let elsewhere = [&twice[..], &["reroute b", "b: attempted", "b: attempted"]].concat();
    assert_eq!(after(&elsewhere).state, CallbackAttempted);
}

#[test]
fn a_department_may_say_itself_that_nobody_can_be_reached() {
    let actions = ["logged", "handed_over", "accepted", "unreachable"];
    check(&["a: unreachable"], TicketState::Unreachable, "a", 2, &actions);
    check_rejected(&["a: unreachable", "a: unreachable"], "already_unreachable");
    check_rejected(&["a: unreachable", "a: returned b"], "already_unreachable");
    check_rejected(&["a: answered", "a: unreachable"], "already_answered");
}

#[test]
fn late_replies_lead_nowhere_back() {
    use TicketState::*;
    let attempted = [
        "logged",
        "handed_over",
        "accepted",
        "callback_attempted",
        "accepted",
    ];
    check(
        &["a: attempted", "a: accepted"],
        CallbackAttempted,
        "a",
        2,
        &attempted,
    );
    let answered = ["logged", "handed_over", "accepted", "answered", "accepted"];
    check(&["a: answered", "a: accepted"], Answered, "a", 2, &answered);
    for (end, state) in [
        ("a: answered", Answered),
        ("a: unreachable", Unreachable),
        ("withdraw", Withdrawn),
    ] {
        let late = after(&[end, "a: attempted"]);
        assert_eq!(
            (late.state, late.attempts, late.version.0),
            (state, 1, 3),
            "{end}"
        );
    }
    for end in ["a: unreachable", "withdraw"] {
        assert_eq!(after(&[end, "a: answered"]).state, Answered, "{end}");
    }
    check_rejected(&["withdraw", "a: accepted"], "already_withdrawn");
    check_rejected(&["withdraw", "a: returned b"], "already_withdrawn");
    check_rejected(&["close by hand", "a: answered"], "already_closed");
    check_rejected(&["close by hand", "a: attempted"], "already_closed");
}

#[test]
fn a_reply_to_an_earlier_version_is_outdated_where_that_matters() {
    use TicketState::*;
    for end in ["answered", "unreachable", "returned b"] {
        check_rejected(&["publish", "add", &format!("a@1: {end}")], "outdated");
    }
    assert_eq!(after(&["publish", "add", "a@2: answered"]).state, Answered);
    assert_eq!(after(&["publish", "add", "a: answered"]).state, Answered);
    assert_eq!(after(&["publish", "add", "a@1: accepted"]).state, Accepted);
    let reopened = ["publish", "a: answered", "reopen"];
    check_rejected(&[&reopened[..], &["a@2: accepted"]].concat(), "outdated");
    check_rejected(&[&reopened[..], &["a@1: answered"]].concat(), "outdated");
    let late = after(&[&reopened[..], &["a@1: attempted"]].concat());
    assert_eq!(
        (late.state, late.attempts, late.course.failed_attempts),
        (Open, 1, 0)
    );
    let back = ["reroute b", "b: returned a", "a@1: accepted"];
    check_rejected(&back, "outdated");
}

#[test]
fn a_withdrawn_concern_is_owed_no_answer() {
    check(
        &["publish", "withdraw"],
        TicketState::Withdrawn,
        "a",
        2,
        &["logged", "handed_over", "withdrawn"],
    );
    assert_eq!(refusal(&["withdraw"], "withdraw", 50), ActRefused::NothingOwed);
    assert_eq!(refusal(&["a: answered"], "withdraw", 50), ActRefused::NothingOwed);
}

#[test]
fn people_send_a_ticket_where_they_like() {
    use TicketState::Open;
    check(
        &["publish", "reroute b"],
        Open,
        "b",
        2,
        &["logged", "handed_over", "rerouted"],
    );
    let rerouted = after(&["publish", "reroute b"]);
    assert_eq!(rerouted.returned_because, Some(Personal::new("so")));
    assert_eq!(
        after(&["a: returned b", "b: returned c", "c: returned", "reroute a"])
            .department
            .as_str(),
        "a"
    );
    check_rejected(&["reroute b", "a: answered"], "not_yours");
    assert_eq!(
        after(&["reroute b", "reroute a", "a: answered"]).state,
        TicketState::Answered
    );
    // What people decide does not count as a return.
    assert_eq!(
        after(&["reroute b", "reroute c", "c: returned d"])
            .department
            .as_str(),
        "d"
    );
    assert_eq!(refusal(&[], "reroute a", 50), ActRefused::SameDepartment);
    assert_eq!(refusal(&[], "reroute nowhere", 50), ActRefused::UnknownDepartment);
    assert_eq!(
        refusal(&["a: answered"], "reroute b", 50),
        ActRefused::NothingOwed
    );

    let transition = act(&after(&[]), "reroute b", at(5)).unwrap();
    let withdraw = Effect::Withdraw {
        department: DepartmentId::new("a"),
        tombstone_at: at(5) + WITHDRAWN_STAYS,
    };
    assert_eq!(
        transition.effects,
        [Effect::HandOver(DepartmentId::new("b")), withdraw]
    );
}

#[test]
fn a_settled_ticket_comes_back_within_its_time() {
    use TicketState::*;
    const DAY: i64 = 24 * 60;
    for end in ["a: answered", "a: unreachable", "withdraw", "close by hand"] {
        let ended = after(&[end]);
        let reopened = act(&ended, "reopen", at(30 * DAY)).unwrap();
        assert_eq!(
            reopened.effects,
            [Effect::HandOver(DepartmentId::new("a"))],
            "{end}"
        );
        let ticket = reopened.ticket;
        assert_eq!(
            (ticket.state, ticket.version.0),
            (Open, ended.version.0 + 1),
            "{end}"
        );
        assert_eq!(ticket.due_at, at(31 * DAY));
        assert_eq!((ticket.settled_at(), ticket.added.len()), (None, 1));
        assert_eq!(ticket.course.calls, [Identity([9; 16])]);
        assert_eq!(
            refusal(&[end], "reopen", 30 * DAY + 2),
            ActRefused::TooLate,
            "{end}"
        );
    }
    assert_eq!(refusal(&[], "reopen", 50), ActRefused::StillOwed);
    // The time begins with the answer, not when the ticket was closed.
    let closed = close(&after(&["a: answered"]), at(14 * DAY), CLOSED_STAYS)
        .unwrap()
        .ticket;
    assert_eq!(closed.settled_at(), Some(at(1)));
    assert_eq!(act(&closed, "reopen", at(31 * DAY)), Err(ActRefused::TooLate));
    assert_eq!(
        after(&["a: answered", "reopen", "a: answered", "close"]).state,
        Closed
    );
}

#[test]
fn a_ticket_whose_department_is_gone_is_reopened_at_clearing() {
    let mut ticket = after(&["a: answered"]);
    ticket.department = DepartmentId::new("gone");
    let reopened = act(&ticket, "reopen", at(50)).unwrap().ticket;
    assert_eq!(reopened.department.as_str(), "clearing");
}

#[test]
fn whoever_ended_a_ticket_it_is_closed_once() {
    for end in ["a: answered", "a: unreachable", "withdraw"] {
        assert_eq!(after(&[end, "close"]).state, TicketState::Closed, "{end}");
    }
    assert_eq!(
        refusal(&["close by hand"], "close by hand", 50),
        ActRefused::AlreadyClosed
    );
    let closed = act(&after(&[]), "close by hand", at(5)).unwrap();
    let tombstone = Effect::Tombstone {
        department: DepartmentId::new("a"),
        at: at(5) + CLOSED_STAYS,
    };
    assert_eq!(
        closed.effects,
        [Effect::HandOver(DepartmentId::new("a")), tombstone]
    );
}

#[test]
fn an_erased_ticket_says_nothing_about_the_citizen() {
    let before = after(&["publish", "a: returned b", "reroute c", "add"]);
    let erased = act(&before, "erase", at(9)).unwrap();
    let ticket = &erased.ticket;
    assert_eq!(
        (ticket.state, ticket.version.0),
        (TicketState::Erased, before.version.0 + 1)
    );
    assert_eq!(
        (&ticket.department, ticket.due_at),
        (&before.department, before.due_at)
    );
    assert_eq!(ticket.request.fields().iter().count(), 0);
    assert!(ticket.added.is_empty() && ticket.returned_because.is_none() && ticket.call.is_none());
    assert!(ticket.because.is_empty() && ticket.category.is_none() && ticket.course.calls.is_empty());
    let erase_at = |id: &str| Effect::Erase {
        department: DepartmentId::new(id),
        tombstone_at: at(9) + ERASED_STAYS,
    };
    let forget = Effect::Forget {
        entries: before.history_length,
    };
    let tell = |id: &str| Effect::Tell {
        department: DepartmentId::new(id),
        of: ToldOf::Erased,
    };
    let mut effects = Vec::new();
    for id in ["a", "b", "c"] {
        effects.extend([erase_at(id), tell(id)]);
    }
    effects.extend([
        Effect::Untell(ToldOf::Rectified),
        Effect::Untell(ToldOf::Restricted),
        forget,
    ]);
    assert_eq!(erased.effects, effects);
    for act_words in ["erase", "withdraw", "reopen", "close by hand", "reroute b"] {
        assert_eq!(
            act(ticket, act_words, at(10)),
            Err(ActRefused::Erased),
            "{act_words}"
        );
    }
}

#[test]
fn every_department_confirms_the_erasure_once() {
    let erased = ["a: returned b", "erase"];
    for who in ["a", "b"] {
        let confirmation = format!("{who}: confirmed");
        let confirmed = [&erased[..], &[&confirmation]].concat();
        let (ticket, history) = live(&confirmed).unwrap();
        assert_eq!((ticket.state, ticket.version.0), (TicketState::Erased, 3));
        assert_eq!(
            history.last().map(|entry| entry.action),
            Some(Action::ErasureConfirmed)
        );
        let again = [&confirmed[..], &[&confirmation]].concat();
        check_rejected(&again, "already_confirmed");
        check_rejected(&[&erased[..], &[&format!("{who}: answered")]].concat(), "erased");
    }
    check_rejected(&["erase", "b: confirmed"], "unknown_ticket");
    check_rejected(&["a: confirmed"], "not_erased");
}
