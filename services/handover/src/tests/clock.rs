//! A clock that jumps: an hour back, a day forward.

use std::time::Duration;

use domain::ticket::TicketState;
use tokio_util::sync::CancellationToken;

use super::desk::{Desk, accepted, answered, department, desk};
use crate::HandoverLoop;

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

/// Steps of a way, with a clock that stands elsewhere at each.
async fn go_with(desk: &Desk, clock: [i64; 5]) {
    let [logged, sent, replied, sent_again, settled] = clock;
    desk.set_clock(logged);
    let id = desk.log(1).await;
    let mut outbound = desk.outbound("a").await;
    let mut inbound = desk.inbound("a").await;
    desk.set_clock(sent);
    outbound.step().await.unwrap();
    desk.set_clock(replied);
    desk.reply("a", "r1", &accepted(&id)).await;
    assert_eq!(inbound.step(Duration::ZERO).await.unwrap(), 1);
    desk.set_clock(sent_again);
    outbound.step().await.unwrap();
    desk.set_clock(settled);
    desk.reply("a", "r2", &answered(&id)).await;
    assert_eq!(inbound.step(Duration::ZERO).await.unwrap(), 1);
    outbound.step().await.unwrap();
    let actions = ["logged", "handed_over", "accepted", "answered"];
    assert_eq!(desk.actions(&id).await, actions, "{clock:?}");

    // Changes of a ticket never go back: its last one counts from the furthest that the clock was.
    let changed = clock.into_iter().max().unwrap();
    desk.set_clock(changed + 13 * DAY);
    outbound.step().await.unwrap();
    assert_eq!(desk.ticket(&id).await.state, TicketState::Answered, "{clock:?}");
    desk.set_clock(changed + 14 * DAY + 2);
    outbound.step().await.unwrap();
    outbound.step().await.unwrap();
    assert_eq!(desk.ticket(&id).await.state, TicketState::Closed, "{clock:?}");
    desk.set_clock(changed + 45 * DAY);
    outbound.step().await.unwrap();

    let seen = desk.seen_by("a").await.into_iter();
    let of_ticket = seen.filter(|(key, _, _)| key == id.as_str());
    let versions: Vec<String> = of_ticket.map(|(_, version, _)| version).collect();
    assert_eq!(
        versions,
        ["1", "2", "3", "4", "4"],
        "{clock:?}: the tombstone last"
    );
    assert_eq!(desk.results("a").await.len(), 2, "{clock:?}");
}

#[tokio::test]
async fn a_ticket_goes_its_way_under_a_clock_that_jumps() {
    for clock in [
        [0, -HOUR, -HOUR, -HOUR, -HOUR],
        [0, 0, -HOUR, 0, -HOUR],
        [0, DAY, DAY, DAY, DAY],
        [0, DAY, 0, DAY, -HOUR],
        [DAY, 0, -HOUR, 0, 0],
    ] {
        go_with(&desk().await, clock).await;
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_holds_neither_heartbeats_nor_closing_up() {
    let desk = desk().await;
    let id = desk.log(1).await;
    desk.send("a").await;
    desk.reply("a", "r1", &answered(&id)).await;
    desk.receive("a").await;
    desk.set_clock(20 * DAY);
    let mut outbound = desk.outbound("b").await;
    let mut of_a = desk.outbound("a").await;
    desk.set_clock(-20 * DAY);
    of_a.step().await.unwrap();
    outbound.step().await.unwrap();
    let beat = desk.seen_by("b").await;
    assert_eq!(
        beat.len(),
        1,
        "long ago or in time to come, it was not now: {beat:?}"
    );
    desk.set_clock(15 * DAY);
    of_a.step().await.unwrap();
    assert_eq!(desk.ticket(&id).await.state, TicketState::Closed);
}

#[tokio::test]
async fn a_set_aside_ticket_is_tried_again_after_jumps() {
    let desk = desk().await;
    let large = "x".repeat(bus::MESSAGE_BYTES_MAX);
    desk.log_because(1, large).await;
    desk.send("a").await;
    let refusals = async |minute: i64| {
        desk.set_clock(minute);
        let pending = desk
            .parts
            .store
            .pending(&department("a"), (desk.parts.clock)(), 9)
            .await;
        let hand_overs = pending.unwrap().hand_overs;
        hand_overs
            .iter()
            .map(|hand_over| hand_over.refusals)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        refusals(-HOUR).await,
        [0; 0],
        "it waits for as long as the clock was set back"
    );
    assert_eq!(refusals(DAY).await, [1], "and no longer when it goes forward");
    desk.send("a").await;
    assert_eq!(refusals(0).await, [0; 0]);
    assert_eq!(refusals(DAY + 2).await, [2], "never is it forgotten");
}

/// Lets a loop serve until a ticket is handed over; then it dies without giving anything back.
async fn serve_and_die(desk: &Desk, instance: &str, number: u8) {
    let mut parts = (*desk.parts).clone();
    parts.settings.instance = instance.to_owned();
    let dying = tokio::spawn(HandoverLoop::new(parts).run(CancellationToken::new()));
    let id = desk.log(number).await;
    for _ in 0..1_000 {
        if desk.ticket(&id).await.state == TicketState::HandedOver {
            dying.abort();
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{instance} never served");
}

#[tokio::test]
async fn departments_are_served_after_jumps_though_their_last_owner_gave_nothing_back() {
    let desk = desk().await;
    serve_and_die(&desk, "one", 1).await;
    desk.set_clock(-HOUR);
    serve_and_die(&desk, "two", 2).await;
    desk.set_clock(DAY);
    serve_and_die(&desk, "three", 3).await;
}
