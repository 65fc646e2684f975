use bus::topics;
use serde_json::Value;

use super::desk::{Desk, answered, department, desk};
use crate::due_times;

const DAY: i64 = 24 * 60;

async fn look(desk: &Desk, minute: i64) {
    desk.set_clock(minute);
    due_times::step(&desk.parts).await.unwrap();
}

/// What the department was told last.
async fn told(desk: &Desk) -> Value {
    desk.send("a").await;
    let messages = desk.topic(&topics::tickets(&department("a"))).await;
    let last = messages.last().unwrap().payload.as_ref().unwrap();
    serde_json::from_slice(last).unwrap()
}

#[tokio::test]
async fn a_department_sees_what_is_due_soon_and_what_is_overdue() {
    let desk = desk().await;
    let id = desk.log(1).await;
    look(&desk, DAY - 121).await;
    assert_eq!(told(&desk).await.get("due_soon"), None);
    look(&desk, DAY - 120).await;
    let soon = told(&desk).await;
    assert_eq!((&soon["due_soon"], soon.get("overdue")), (&true.into(), None));
    look(&desk, DAY).await;
    let overdue = told(&desk).await;
    assert_eq!(
        (overdue.get("due_soon"), &overdue["overdue"]),
        (None, &true.into())
    );
    assert_eq!(
        desk.actions(&id).await,
        ["logged", "handed_over", "due_soon", "overdue", "escalated"]
    );
    let mails = desk.parts.mails.mails(0, 10).await.unwrap();
    let mailed: Vec<_> = mails
        .iter()
        .map(|mail| (&mail.key.department, mail.key.version.0))
        .collect();
    assert_eq!(mailed, [(&department("a"), 3)]);

    desk.reply("a", "r1", &answered(&id)).await;
    desk.receive("a").await;
    assert_eq!(told(&desk).await.get("overdue"), None);
}

#[tokio::test]
async fn instances_that_look_at_once_and_clocks_that_jump_say_it_once() {
    let desk = desk().await;
    let ids = [desk.log(1).await, desk.log(2).await, desk.log(3).await];
    desk.set_clock(DAY - 60);
    let look_now = || due_times::step(&desk.parts);
    let (one, two, three) = tokio::join!(look_now(), look_now(), look_now());
    for outcome in [one, two, three] {
        outcome.unwrap();
    }
    for minute in [0, DAY - 60, 3 * DAY, 0, DAY, 3 * DAY] {
        look(&desk, minute).await;
    }
    for id in &ids {
        assert_eq!(
            desk.actions(id).await,
            ["logged", "due_soon", "overdue", "escalated"]
        );
    }
}
