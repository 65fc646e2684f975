//! Tickets by what became of them.

use std::sync::Arc;

use domain::counts::Interval;
use domain::ids::DepartmentId;
use domain::personal::Personal;
use domain::ticket::{Actor, Reply, apply_reply, restrict, ticket_id};
use store::answers::AnswerCounts;
use store::tickets::TicketStore;

use crate::tickets::{at, current, logged, on_every_store, rules};

/// Answers a ticket in a minute.
async fn answer(store: &dyn TicketStore, number: u8, minute: i64) {
    let ticket = logged(store, number).await;
    let reply = Reply::Answered { note: None };
    let answered = apply_reply(
        &ticket,
        &DepartmentId::new("a"),
        &reply,
        None,
        &rules(),
        at(minute),
    );
    store.record(answered.unwrap()).await.unwrap();
}

async fn tickets_are_counted_by_what_became_of_them(store: Arc<dyn TicketStore>) {
    let day = 24 * 60;
    answer(&*store, 1, 1 + day).await;
    answer(&*store, 2, 3 + day).await;
    logged(&*store, 3).await;
    logged(&*store, 14).await;
    answer(&*store, 15, 100).await;
    let [first, second] = [Interval::containing(at(0)), Interval::containing(at(15))];
    let found = store
        .answers(first, Interval(second.0 + 1), at(14 + day))
        .await
        .unwrap();
    let told: Vec<(Interval, AnswerCounts)> = found.iter().map(|it| (it.logged, it.counts)).collect();
    let counts = |in_time, late, overdue, open| AnswerCounts {
        in_time,
        late,
        overdue,
        open,
    };
    assert_eq!(told, [(first, counts(1, 1, 1, 1)), (second, counts(1, 0, 0, 0))]);
    assert!(
        found
            .iter()
            .all(|it| it.hotline.as_ref().is_some_and(|it| it.as_str() == "Steuern"))
    );
    // Nobody may answer what is restricted: it is not overdue meanwhile.
    let overdue = current(&*store, &ticket_id(3)).await;
    let restricted = restrict(&overdue, Personal::new("so"), Actor::System, at(20));
    store.record(restricted.unwrap()).await.unwrap();
    let found = store.answers(first, second, at(14 + day)).await.unwrap();
    assert_eq!(found[0].counts, counts(1, 1, 0, 2));
    assert_eq!(store.answers(second, second, at(0)).await.unwrap(), []);
}

#[tokio::test]
async fn answers_contract() {
    on_every_store(tickets_are_counted_by_what_became_of_them).await;
}
