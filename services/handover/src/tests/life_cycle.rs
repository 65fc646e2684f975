//! Ends, tickets that come back, and erasure, as departments see them.

use bus::topics;
use chrono::TimeDelta;
use domain::personal::Personal;
use domain::ticket::{Actor, MailSubject, Reopening, TicketState, reopen, withdraw};

use super::desk::{Desk, answered, at, department, desk, returned};

const DAY: i64 = 24 * 60;

fn so() -> Personal {
    Personal::new("so")
}

fn attempted(ticket: &domain::ids::TicketId) -> String {
    format!(r#"{{"ticket_id":"{ticket}","type":"callback_attempted","outcome":"busy"}}"#)
}

fn confirmed(ticket: &domain::ids::TicketId) -> String {
    format!(r#"{{"ticket_id":"{ticket}","type":"erasure_confirmed"}}"#)
}

/// States on the topic of a department; empty for a tombstone.
async fn states(desk: &Desk, of: &str) -> Vec<String> {
    let seen = desk.seen_by(of).await.into_iter();
    let tickets = seen.filter(|(key, _, _)| key != "heartbeat");
    tickets.map(|(_, _, state)| state).collect()
}

async fn codes(desk: &Desk, of: &str) -> Vec<String> {
    desk.results(of)
        .await
        .into_iter()
        .map(|(_, _, code)| code)
        .collect()
}

#[tokio::test]
async fn three_attempts_in_vain_end_a_ticket() {
    let desk = desk().await;
    let id = desk.log(1).await;
    for reply in ["r1", "r2", "r3"] {
        desk.reply("a", reply, &attempted(&id)).await;
    }
    desk.receive("a").await;
    assert_eq!(desk.ticket(&id).await.state, TicketState::Unreachable);
    desk.send("a").await;
    assert_eq!(states(&desk, "a").await, ["unreachable"]);
    desk.set_clock(14 * DAY + 1);
    desk.send("a").await;
    assert_eq!(states(&desk, "a").await, ["unreachable", "closed"]);
}

#[tokio::test]
async fn a_reopened_ticket_is_handed_over_again_and_its_tombstone_cancelled() {
    let desk = desk().await;
    let id = desk.log(1).await;
    desk.reply("a", "r1", &answered(&id)).await;
    desk.receive("a").await;
    desk.send("a").await;
    desk.set_clock(15 * DAY);
    desk.send("a").await;
    assert_eq!(desk.ticket(&id).await.state, TicketState::Closed);
    desk.set_clock(20 * DAY);
    let rules = (desk.parts.rules)();
    desk.act(&id, |ticket| {
        let reopening = Reopening {
            reason: so(),
            call: None,
            actor: Actor::System,
            within: TimeDelta::days(30),
            due_at: at(21 * DAY),
            at: at(20 * DAY),
        };
        reopen(ticket, reopening, &rules.routing).unwrap()
    })
    .await;
    desk.send("a").await;
    desk.set_clock(90 * DAY);
    desk.send("a").await;
    let seen = states(&desk, "a").await;
    assert_eq!(seen, ["answered", "closed", "handed_over"]);
    let stale = format!(r#"{{"ticket_id":"{id}","type":"answered","version":2}}"#);
    desk.reply("a", "r2", &stale).await;
    desk.receive("a").await;
    desk.send("a").await;
    assert_eq!(codes(&desk, "a").await, ["", "outdated"]);
    assert_eq!(desk.ticket(&id).await.state, TicketState::HandedOver);
}

#[tokio::test]
async fn a_department_with_mail_hears_that_the_citizen_needs_no_answer() {
    let desk = desk().await;
    let id = desk.log(1).await;
    desk.act(&id, |ticket| {
        withdraw(ticket, so(), Actor::System, at(5)).unwrap()
    })
    .await;
    let mails = desk
        .parts
        .mails
        .pending_mails(&department("a"), at(6), 10)
        .await
        .unwrap();
    assert_eq!(mails[0].subject, MailSubject::Ticket);
    assert_eq!(mails[0].ticket.state, TicketState::Withdrawn);
}

#[tokio::test]
async fn an_erased_ticket_leaves_every_department_that_had_it() {
    let desk = desk().await;
    let id = desk.log(1).await;
    desk.send("a").await;
    desk.reply("a", "r1", &returned(&id, "b")).await;
    desk.receive("a").await;
    desk.send("a").await;
    desk.send("b").await;
    desk.erase(&id).await;
    for department in ["a", "b"] {
        desk.send(department).await;
    }
    assert_eq!(states(&desk, "a").await, ["handed_over", "withdrawn", "erased"]);
    assert_eq!(states(&desk, "b").await, ["handed_over", "erased"]);
    let mails = desk
        .parts
        .mails
        .pending_mails(&department("a"), at(6), 10)
        .await
        .unwrap();
    assert_eq!(mails[0].subject, MailSubject::Erased);
    for message in desk.topic(&topics::tickets(&department("b"))).await {
        let payload = String::from_utf8(message.payload.unwrap()).unwrap();
        let is_erased = payload.contains(r#""state":"erased""#);
        assert_eq!(!is_erased, payload.contains("Mustermann"), "{payload}");
    }

    desk.reply("a", "r2", &answered(&id)).await;
    desk.reply("a", "r3", &confirmed(&id)).await;
    desk.reply("a", "r4", &confirmed(&id)).await;
    desk.receive("a").await;
    desk.send("a").await;
    assert_eq!(codes(&desk, "a").await, ["", "erased", "", "already_confirmed"]);
    assert_eq!(
        states(&desk, "a").await.last().map(String::as_str),
        Some(""),
        "a tombstone"
    );
    desk.send("b").await;
    assert!(
        !states(&desk, "b").await.contains(&String::new()),
        "b has not confirmed"
    );
    desk.set_clock(31 * DAY);
    desk.send("b").await;
    assert!(
        states(&desk, "b").await.contains(&String::new()),
        "b had its time"
    );
}

/// The tickets that replies came for when nothing was kept of them any more, by department.
async fn strays(desk: &Desk) -> Vec<(String, String)> {
    let strays = desk.of_tickets.stray_replies(0, 99).await.unwrap();
    let mut strays: Vec<_> = strays
        .iter()
        .map(|stray| (stray.department.to_string(), stray.ticket.to_string()))
        .collect();
    strays.sort();
    strays
}

#[tokio::test]
async fn whatever_is_said_of_a_ticket_that_is_gone_is_noted() {
    let desk = desk().await;
    let id = desk.log(1).await;
    let other = desk.log(2).await;
    desk.send("a").await;
    desk.reply("a", "r1", &answered(&id)).await;
    desk.receive("a").await;
    desk.erase(&id).await;
    // Confirmed, about somebody else, and rejected for another reason: nothing of it is to go.
    desk.reply("a", "r2", &confirmed(&id)).await;
    desk.reply("a", "r3", &confirmed(&id)).await;
    desk.reply("a", "r4", &answered(&other)).await;
    desk.reply("a", "r5", &answered(&other)).await;
    desk.receive("a").await;
    assert_eq!(strays(&desk).await, []);

    let of_a = [("a".to_owned(), id.to_string())];
    let forget = async || {
        let strays = desk.of_tickets.stray_replies(0, 99).await.unwrap();
        let sequences = strays.iter().map(|stray| stray.sequence).collect();
        desk.of_tickets.forget_stray_replies(sequences).await.unwrap();
    };
    // In time but read late, settled before, of a kind that nobody knows, with a field too many, and no reply at all.
    let with_a_field = format!(r#"{{"ticket_id":"{id}","type":"erasure_confirmed","note":"so"}}"#);
    for (reply, said) in [
        ("r6", answered(&id)),
        ("r1", answered(&id)),
        ("r7", returned(&id, "b")),
        ("r8", attempted(&id)),
        ("r9", format!(r#"{{"ticket_id":"{id}","type":"greeted"}}"#)),
        ("r10", with_a_field),
        ("r11", format!("{id}: no JSON").to_lowercase()),
    ] {
        desk.reply("a", reply, &said).await;
        desk.receive("a").await;
        assert_eq!(strays(&desk).await, of_a, "{reply}: {said}");
        forget().await;
    }
    // A department that never had it, and one that names what nobody knows: the orders tell whether it was erased.
    desk.reply("b", "r1", &answered(&id)).await;
    desk.reply("b", "r2", &answered(&domain::ids::TicketId::new("T-7777-7777")))
        .await;
    desk.receive("b").await;
    let b = |ticket: &str| ("b".to_owned(), ticket.to_owned());
    assert_eq!(strays(&desk).await, [b(id.as_str()), b("T-7777-7777")]);
}
