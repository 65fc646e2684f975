use std::time::Duration;

use bus::{BusError, Outgoing, topics};
use domain::ids::TicketId;
use domain::ticket::{REROUTES_MAX, TicketState};
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, accepted, answered, department, desk, desk_without_topics, returned};
use crate::error::HandoverError;
use crate::{HandoverLoop, envelope};
use store::tickets::reply_place;

async fn versions(desk: &Desk, of: &str, ticket: &TicketId) -> Vec<u32> {
    let seen = desk.seen_by(of).await.into_iter();
    seen.filter(|(key, _, _)| key == ticket.as_str())
        .map(|(_, version, _)| version.parse().unwrap())
        .collect()
}

/// Publishes what is pending, and forgets to say so: as if killed between the two.
async fn publish_unmarked(desk: &Desk, to: &str) {
    let now = (desk.parts.clock)();
    let pending = desk.parts.store.pending(&department(to), now, 100).await.unwrap();
    let messages = pending.hand_overs.iter().map(envelope::hand_over).collect();
    desk.parts
        .bus
        .publish(&topics::tickets(&department(to)), messages)
        .await
        .unwrap();
    let results = pending
        .results
        .iter()
        .map(|result| envelope::reply_result(&department(to), result))
        .collect();
    desk.parts
        .bus
        .publish(&topics::ticket_reply_results(&department(to)), results)
        .await
        .unwrap();
}

#[tokio::test]
async fn every_step_done_twice_ends_the_same() {
    let desk = desk().await;
    let id = desk.log(1).await;
    publish_unmarked(&desk, "a").await;
    desk.send("a").await;
    desk.send("a").await;
    for _ in 0..2 {
        desk.reply("a", "r1", &accepted(&id)).await;
        desk.receive("a").await;
    }
    publish_unmarked(&desk, "a").await;
    desk.send("a").await;
    for _ in 0..2 {
        desk.reply("a", "r2", &answered(&id)).await;
    }
    desk.receive("a").await;
    assert_eq!(desk.receive("a").await, 0, "the position moved with the replies");
    publish_unmarked(&desk, "a").await;
    desk.send("a").await;

    assert_eq!(
        desk.actions(&id).await,
        ["logged", "handed_over", "accepted", "answered"]
    );
    assert_eq!(
        versions(&desk, "a", &id).await,
        [1, 1, 2, 2, 3, 3],
        "repeated perhaps, never out of order"
    );
    let results = desk.results("a").await;
    assert!(
        results.iter().all(|(_, result, _)| result == "applied"),
        "{results:?}"
    );
}

#[tokio::test]
async fn a_poisoned_ticket_does_not_hold_up_the_others() {
    let desk = desk().await;
    let poisoned = desk.log_because(1, "x".repeat(bus::MESSAGE_BYTES_MAX)).await;
    let good = desk.log(2).await;
    desk.send("a").await;
    assert_eq!(versions(&desk, "a", &good).await, [1]);
    assert_eq!(versions(&desk, "a", &poisoned).await, [0; 0]);
    assert_eq!(desk.ticket(&poisoned).await.state, TicketState::Open);
    let waiting = |minute| {
        let (desk, department) = (&desk, department("a"));
        async move {
            desk.set_clock(minute);
            let pending = desk
                .parts
                .store
                .pending(&department, (desk.parts.clock)(), 9)
                .await
                .unwrap();
            pending
                .hand_overs
                .iter()
                .map(|hand_over| hand_over.refusals)
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(waiting(0).await, [0; 0]);
    assert_eq!(waiting(1).await, [1], "tried again after a minute");
    desk.send("a").await;
    assert_eq!(waiting(2).await, [0; 0]);
    assert_eq!(waiting(3).await, [2], "and after two more");
}

#[tokio::test]
async fn whoever_lost_the_department_publishes_nothing() {
    let desk = desk().await;
    let mut former = desk.outbound("a").await;
    let mut owner = desk.outbound("a").await;
    let id = desk.log(1).await;
    let error = former.step().await.unwrap_err();
    assert!(
        matches!(error, HandoverError::Bus(BusError::Fenced(_))),
        "{error}"
    );
    assert_eq!(versions(&desk, "a", &id).await, [0; 0]);
    owner.step().await.unwrap();
    assert_eq!(versions(&desk, "a", &id).await, [1]);
}

#[tokio::test]
async fn two_readers_settle_a_reply_once() {
    let desk = desk().await;
    let id = desk.log(1).await;
    let (mut one, mut two) = (desk.inbound("a").await, desk.inbound("a").await);
    desk.reply("a", "r1", &accepted(&id)).await;
    assert_eq!(one.step(Duration::ZERO).await.unwrap(), 1);
    let error = two.step(Duration::ZERO).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(desk.actions(&id).await, ["logged", "handed_over", "accepted"]);
}

#[tokio::test]
async fn every_department_has_a_position_of_its_own() {
    let desk = desk().await;
    let topic = topics::ticket_replies(&department("a"));
    let incarnation = desk.parts.bus.topic_id(&topic).await.unwrap();
    desk.reply("a", "r1", "?").await;
    desk.receive("a").await;
    let positions = async |place: String| desk.parts.store.reply_positions(&place).await.unwrap();
    assert_eq!(
        positions(reply_place(&topic, &incarnation)).await,
        [(0, 1)].into()
    );
    let other = topics::ticket_replies(&department("b"));
    assert_eq!(
        positions(reply_place(&other, &incarnation)).await,
        [].into(),
        "also where the incarnation is the same"
    );
}

#[tokio::test]
async fn what_cannot_be_published_stays_pending() {
    let desk = desk_without_topics();
    let id = desk.log(1).await;
    let mut outbound = desk.outbound("a").await;
    for _ in 0..2 {
        let error = outbound.step().await.unwrap_err();
        assert!(
            matches!(error, HandoverError::Bus(BusError::UnknownTopic(_))),
            "{error}"
        );
    }
    desk.apply_topics().await;
    outbound.step().await.unwrap();
    assert_eq!(versions(&desk, "a", &id).await, [1]);
}

#[tokio::test]
async fn every_reply_that_changes_nothing_is_told_why() {
    let desk = desk().await;
    let id = desk.log(1).await;
    desk.reply("a", "foreign", &accepted(&TicketId::new("T-9999-9999")))
        .await;
    desk.reply("b", "guessed", &accepted(&id)).await;
    desk.reply("a", "broken", "{").await;
    desk.reply("a", "odd", &format!(r#"{{"ticket_id":"{id}","type":"sold"}}"#))
        .await;
    desk.reply_raw(
        "a",
        Outgoing {
            key: Vec::new(),
            headers: Vec::new(),
            payload: Some(b"hello".to_vec()),
        },
    )
    .await;
    desk.reply_raw(
        "a",
        Outgoing {
            key: b"x".to_vec(),
            headers: Vec::new(),
            payload: None,
        },
    )
    .await;
    desk.reply("a", "done", &answered(&id)).await;
    desk.reply("a", "late", &answered(&id)).await;
    for department in ["a", "b"] {
        desk.receive(department).await;
        desk.send(department).await;
    }
    let told = |results: Vec<(String, String, String)>| -> Vec<String> {
        results
            .into_iter()
            .map(|(reply, result, code)| format!("{reply} {result} {code}"))
            .collect()
    };
    assert_eq!(
        told(desk.results("a").await),
        [
            "foreign rejected unknown_ticket",
            "broken rejected unreadable",
            "odd rejected unknown_type",
            "at-0-3 rejected unreadable",
            "done applied ",
            "late rejected already_answered",
        ]
    );
    assert_eq!(told(desk.results("b").await), ["guessed rejected unknown_ticket"]);
    assert_eq!(
        desk.actions(&id).await,
        ["logged", "handed_over", "accepted", "answered"]
    );
}

#[tokio::test]
async fn a_ticket_that_nobody_wants_ends_in_clearing() {
    let desk = desk().await;
    let id = desk.log(1).await;
    let ways = [("a", "b"), ("b", "a"), ("clearing", "a"), ("a", "b")];
    for (number, (from, to)) in ways.into_iter().enumerate() {
        assert_eq!(desk.ticket(&id).await.department, department(from));
        desk.send(from).await;
        desk.reply(from, &format!("r{number}"), &returned(&id, to)).await;
        desk.receive(from).await;
        desk.send(from).await;
    }
    assert_eq!(desk.ticket(&id).await.department, department("clearing"));
    assert!(desk.ticket(&id).await.returned_by.len() > REROUTES_MAX);
    desk.set_clock(8 * 24 * 60);
    for department in ["a", "b", "clearing"] {
        desk.send(department).await;
    }
    let last = desk.seen_by("a").await.pop().unwrap();
    assert_eq!(
        last.2, "",
        "the department that has it no longer forgets it: {last:?}"
    );
    assert_eq!(desk.seen_by("clearing").await.pop().unwrap().2, "handed_over");
}

async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    for _ in 0..500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

#[tokio::test]
async fn of_two_loops_one_serves_and_the_other_takes_over() {
    let desk = desk().await;
    let start = |instance: &str| {
        let mut parts = (*desk.parts).clone();
        parts.settings.instance = instance.to_owned();
        let stop = CancellationToken::new();
        (tokio::spawn(HandoverLoop::new(parts).run(stop.clone())), stop)
    };
    let (one, stop_one) = start("one");
    let first = desk.log(1).await;
    eventually("the first ticket is handed over", async || {
        desk.ticket(&first).await.state == TicketState::HandedOver
    })
    .await;
    let (two, stop_two) = start("two");
    stop_one.cancel();
    one.await.unwrap();
    let second = desk.log(2).await;
    desk.reply("a", "r1", &answered(&first)).await;
    eventually("the second loop has taken over", async || {
        desk.ticket(&second).await.state == TicketState::HandedOver
            && desk.ticket(&first).await.state == TicketState::Answered
            && !desk.topic(topics::CALLS).await.is_empty()
    })
    .await;
    stop_two.cancel();
    two.await.unwrap();
    let leases = [store::tickets::LeaseName::department(&department("a"))];
    let (from, until) = (super::desk::at(0), super::desk::at(1));
    let taken = desk
        .parts
        .store
        .take_leases(&leases, "three", from, until)
        .await
        .unwrap();
    assert_eq!(taken, leases, "given back");
}
