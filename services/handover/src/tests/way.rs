use bus::topics;
use domain::ids::Identity;
use domain::report::ReportBody;
use domain::ticket::TicketState;

use super::desk::{accepted, answered, department, desk, returned};
use crate::notices;

fn seen(messages: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    messages
        .iter()
        .map(|(a, b, c)| (a.to_string(), b.to_string(), c.to_string()))
        .collect()
}

const DAY: i64 = 24 * 60;

#[tokio::test]
async fn a_ticket_reaches_its_department_and_the_answer_comes_back() {
    let desk = desk().await;
    let id = desk.log(1).await;
    desk.send("a").await;
    assert_eq!(desk.ticket(&id).await.state, TicketState::HandedOver);

    desk.reply("a", "r1", &accepted(&id)).await;
    desk.reply("a", "r2", &answered(&id)).await;
    assert_eq!(desk.receive("a").await, 2);
    assert_eq!(desk.ticket(&id).await.state, TicketState::Answered);
    assert_eq!(
        desk.actions(&id).await,
        ["logged", "handed_over", "accepted", "answered"]
    );

    desk.send("a").await;
    assert_eq!(
        desk.seen_by("a").await,
        seen(&[
            ("T-0000-0001", "1", "handed_over"),
            ("T-0000-0001", "3", "answered")
        ])
    );
    assert_eq!(
        desk.results("a").await,
        seen(&[("r1", "applied", ""), ("r2", "applied", "")])
    );
}

#[tokio::test]
async fn tickets_are_published_in_their_order_and_with_the_newest_state_only() {
    let desk = desk().await;
    let first = desk.log(1).await;
    desk.log(2).await;
    desk.reply("a", "r1", &accepted(&first)).await;
    desk.receive("a").await;
    desk.send("a").await;
    assert_eq!(
        desk.seen_by("a").await,
        seen(&[
            ("T-0000-0001", "2", "accepted"),
            ("T-0000-0002", "1", "handed_over")
        ])
    );
}

#[tokio::test]
async fn a_returned_ticket_leaves_one_department_and_reaches_another() {
    let desk = desk().await;
    let id = desk.log(1).await;
    desk.send("a").await;
    desk.reply("a", "r1", &returned(&id, "b")).await;
    desk.receive("a").await;
    for department in ["a", "b"] {
        desk.send(department).await;
    }
    let left = [
        ("T-0000-0001", "1", "handed_over"),
        ("T-0000-0001", "2", "withdrawn"),
    ];
    assert_eq!(desk.seen_by("a").await, seen(&left));
    assert_eq!(
        desk.seen_by("b").await,
        seen(&[("T-0000-0001", "2", "handed_over")])
    );

    desk.set_clock(7 * DAY);
    desk.send("a").await;
    let messages = desk.topic(&topics::tickets(&department("a"))).await;
    let tombstone = messages
        .iter()
        .find(|message| message.payload.is_none())
        .expect("a tombstone");
    assert_eq!(tombstone.key, b"T-0000-0001");
    assert_eq!(tombstone.header("ce_type"), Some(crate::REMOVED_TYPE));
    assert_eq!(tombstone.header("ce_ticketversion"), Some("2"));
    desk.send("a").await;
    let again = desk.topic(&topics::tickets(&department("a"))).await;
    assert_eq!(
        again.iter().filter(|message| message.payload.is_none()).count(),
        1
    );
}

#[tokio::test]
async fn an_answered_ticket_is_closed_and_later_forgotten() {
    let desk = desk().await;
    let id = desk.log(1).await;
    desk.reply("a", "r1", &answered(&id)).await;
    desk.receive("a").await;
    desk.set_clock(14 * DAY);
    desk.send("a").await;
    assert_eq!(desk.ticket(&id).await.state, TicketState::Answered, "not yet");
    desk.set_clock(14 * DAY + 1);
    desk.send("a").await;
    assert_eq!(desk.ticket(&id).await.state, TicketState::Closed);
    desk.set_clock(45 * DAY);
    desk.send("a").await;
    let states: Vec<String> = desk
        .seen_by("a")
        .await
        .into_iter()
        .map(|(_, _, state)| state)
        .collect();
    assert_eq!(states.iter().filter(|state| *state == "closed").count(), 1);
    let messages = desk.topic(&topics::tickets(&department("a"))).await;
    assert_eq!(
        messages
            .iter()
            .filter(|message| message.payload.is_none())
            .count(),
        1
    );
}

#[tokio::test]
async fn a_quiet_topic_gets_a_heartbeat() {
    let desk = desk().await;
    let mut outbound = desk.outbound("a").await;
    for minute in [0, 59, 60, 61, 119, 120] {
        desk.set_clock(minute);
        outbound.step().await.unwrap();
    }
    desk.log(1).await;
    desk.set_clock(150);
    outbound.step().await.unwrap();
    desk.set_clock(190);
    outbound.step().await.unwrap();
    let messages = desk.topic(&topics::tickets(&department("a"))).await;
    let types: Vec<&str> = messages
        .iter()
        .filter_map(|message| message.header("ce_type"))
        .collect();
    assert_eq!(
        types,
        [crate::HEARTBEAT_TYPE, crate::HEARTBEAT_TYPE, crate::TICKET_TYPE]
    );
    assert_eq!(messages[0].key, b"heartbeat");
}

#[tokio::test]
async fn the_ledger_hears_of_every_callback() {
    let desk = desk().await;
    let id = desk.log(7).await;
    assert!(!notices::step(&desk.parts).await.unwrap());
    assert!(!notices::step(&desk.parts).await.unwrap());
    let messages = desk.topic(topics::CALLS).await;
    assert_eq!(messages.len(), 1);
    let stored = wire::calls::decode_stored(messages[0].payload.as_ref().unwrap()).unwrap();
    let wire::calls::Stored::Call(report) = stored else {
        panic!("a report about a call, not {stored:?}");
    };
    assert_eq!(report.identity, Identity([7; 16]));
    assert_eq!(messages[0].key, report.identity.to_hex().into_bytes());
    assert!(matches!(report.body, ReportBody::CallbackLogged(logged) if logged.ticket == id));
}
