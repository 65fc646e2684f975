//! Ends, tickets that come back, calls that belong to them, and erasure.

use std::sync::Arc;

use chrono::TimeDelta;
use domain::ids::{AgentName, Identity};
use domain::personal::Personal;
use domain::procedure::Fields;
use domain::ticket::{
    Actor, ERASED_STAYS, Reopening, Reply, Ticket, Transition, add_concern, close_by_hand, erase, reopen,
    reroute, ticket_id, withdraw,
};
use store::tickets::{Addition, Citizen, CitizenSearch, HandOverContent, Logged, TicketFilter, TicketStore};

use crate::tickets::{at, current, department, keys, logged, pending, routing, settlement};

const DAY: i64 = 24 * 60;

fn anna() -> Actor {
    Actor::Agent(AgentName::new("anna"))
}

fn so() -> Personal {
    Personal::new("weil es so ist")
}

fn asked(transition: Transition, key: &str) -> Addition {
    Addition {
        transition,
        idempotency_key: key.to_owned(),
        content: [7; 32],
        notice_identity: None,
    }
}

fn reopened(ticket: &Ticket, minute: i64) -> Transition {
    let reopening = Reopening {
        reason: so(),
        call: Some(Identity([200; 16])),
        actor: anna(),
        within: TimeDelta::days(30),
        due_at: at(minute + DAY),
        at: at(minute),
    };
    reopen(ticket, reopening, &routing()).unwrap()
}

async fn answered(store: &dyn TicketStore, number: u8, position: i64) -> Ticket {
    let ticket = logged(store, number).await;
    let reply = Reply::Answered { note: None };
    let reply = settlement(&ticket, &format!("r{number}"), &reply, position);
    store.settle_reply(reply).await.unwrap();
    current(store, &ticket.id).await
}

async fn found(store: &dyn TicketStore, settled_since: Option<i64>) -> Vec<Ticket> {
    let search = CitizenSearch {
        citizen: Citizen::by_phone("+49 221 4710123"),
        settled_since: settled_since.map(at),
        after: None,
        most: 10,
    };
    store.find(search).await.unwrap()
}

async fn due(store: &dyn TicketStore) -> Vec<Ticket> {
    let filter = TicketFilter {
        department: None,
        procedure: None,
        states: Vec::new(),
        due_before: Some(at(365 * DAY)),
        escalated: false,
        returned: false,
        after: None,
        most: 100,
    };
    store.list(filter).await.unwrap()
}

async fn what_ended_is_owed_nothing_and_found_among_the_settled(store: Arc<dyn TicketStore>) {
    let unreachable = logged(&*store, 1).await;
    let reply = settlement(&unreachable, "r1", &Reply::Unreachable { note: None }, 0);
    store.settle_reply(reply).await.unwrap();
    let withdrawn = logged(&*store, 2).await;
    store
        .record(withdraw(&withdrawn, so(), anna(), at(70)).unwrap())
        .await
        .unwrap();
    let closed = logged(&*store, 3).await;
    let transition = close_by_hand(&closed, so(), anna(), at(80), TimeDelta::days(1)).unwrap();
    store.record(transition).await.unwrap();
    logged(&*store, 4).await;

    let number = |tickets: Vec<Ticket>| tickets.into_iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(number(due(&*store).await), [ticket_id(4)]);
    assert_eq!(number(found(&*store, None).await), [ticket_id(4)]);
    assert_eq!(number(found(&*store, Some(60)).await), [3, 2, 1].map(ticket_id));
    assert_eq!(number(found(&*store, Some(71)).await), [ticket_id(3)]);
    let ended = store.ended_before(&department("a"), at(90), 10).await.unwrap();
    assert_eq!(number(ended), [1, 2].map(ticket_id));
}

async fn a_reopened_ticket_is_owed_an_answer_and_not_forgotten(store: Arc<dyn TicketStore>) {
    let ticket = answered(&*store, 1, 0).await;
    let closed = close_by_hand(&ticket, so(), anna(), at(70), TimeDelta::days(1)).unwrap();
    store.record(closed).await.unwrap();
    let closed = current(&*store, &ticket.id).await;
    let request = asked(reopened(&closed, 100), "reopen");
    assert_eq!(store.add(request.clone()).await.unwrap(), Logged::New);
    let now = current(&*store, &ticket.id).await;
    assert_eq!(now, request.transition.ticket);
    assert_eq!(
        store.add(request).await.unwrap(),
        Logged::Repeated(Box::new(now.clone()))
    );
    assert_eq!(due(&*store).await, std::slice::from_ref(&now));
    assert_eq!(found(&*store, None).await, [now]);
    assert_eq!(found(&*store, Some(0)).await, []);
    let waiting = pending(&*store, "a", 100).await;
    store.mark_published(keys(&waiting), at(101)).await.unwrap();
    assert_eq!(pending(&*store, "a", 365 * DAY).await.tombstones, []);
}

async fn each_call_about_a_ticket_is_told_once(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    let call = Identity([200; 16]);
    for (key, position) in [("one", 1), ("two", 2)] {
        let now = current(&*store, &ticket.id).await;
        let concern = Personal::new("Noch etwas");
        let added = add_concern(
            &now,
            concern,
            &Fields::default(),
            Some(call),
            anna(),
            at(50 + position),
        );
        let mut request = asked(added.unwrap(), key);
        request.notice_identity = Some(call);
        assert_eq!(store.add(request.clone()).await.unwrap(), Logged::New);
        assert!(matches!(store.add(request).await.unwrap(), Logged::Repeated(_)));
    }
    let notices = store.call_notices(10).await.unwrap();
    let told: Vec<_> = notices
        .iter()
        .map(|notice| (notice.identity, notice.at))
        .collect();
    assert_eq!(told, [(Identity([1; 16]), at(1)), (call, at(51))]);
    let first = notices.iter().map(|notice| notice.sequence).min().unwrap();
    store.mark_notices_published(vec![first]).await.unwrap();
    assert_eq!(store.call_notices(10).await.unwrap(), notices[1..]);
    assert_eq!(current(&*store, &ticket.id).await.course.calls, [call]);
}

async fn nothing_about_the_citizen_is_left_of_an_erased_ticket(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    let moved = reroute(&ticket, &department("b"), so(), anna(), &routing(), at(20)).unwrap();
    store.record(moved).await.unwrap();
    let now = current(&*store, &ticket.id).await;
    let request = asked(
        erase(&now, Personal::new("Art. 17"), anna(), at(30)).unwrap(),
        "erase",
    );
    assert_eq!(store.add(request.clone()).await.unwrap(), Logged::New);

    let erased = store.ticket(&ticket.id).await.unwrap().unwrap();
    assert_eq!(erased.ticket, request.transition.ticket);
    let notes: Vec<_> = erased
        .history
        .iter()
        .map(|entry| (entry.action.name(), entry.note.as_ref().map(Personal::reveal)))
        .collect();
    assert_eq!(
        notes,
        [("logged", None), ("rerouted", None), ("erased", Some("Art. 17"))]
    );
    assert_eq!(found(&*store, None).await, []);
    assert_eq!(found(&*store, Some(0)).await, []);
    assert_eq!(due(&*store).await, []);
    // A repeated request to erase is known; what was requested before is not.
    assert!(matches!(store.add(request).await.unwrap(), Logged::Repeated(_)));
    assert_eq!(
        store.logged_before("key-1", [1; 32]).await.unwrap(),
        Some(Logged::KeyTaken)
    );
    for id in ["a", "b"] {
        let waiting = pending(&*store, id, 31).await;
        let said: Vec<_> = waiting.hand_overs.iter().map(|it| &it.content).collect();
        assert_eq!(said, [&HandOverContent::Erased(at(30))], "{id}");
        store.mark_published(keys(&waiting), at(31)).await.unwrap();
        assert_eq!(pending(&*store, id, 31).await.tombstones, [], "{id}");
        let days = 30 + ERASED_STAYS.num_minutes();
        assert_eq!(pending(&*store, id, days).await.tombstones.len(), 1, "{id}");
    }
    let confirmation = settlement(&erased.ticket, "r1", &Reply::ErasureConfirmed, 0);
    store.settle_reply(confirmation).await.unwrap();
    assert_eq!(pending(&*store, "a", 60).await.tombstones.len(), 1);
    assert_eq!(pending(&*store, "b", 60).await.tombstones, []);
}

macro_rules! cases {
    ($($case:ident,)+) => {
        mod on_every_store {
            $(#[tokio::test]
            async fn $case() {
                crate::tickets::on_every_store(super::$case).await;
            })+
        }
    };
}

cases! {
    what_ended_is_owed_nothing_and_found_among_the_settled,
    a_reopened_ticket_is_owed_an_answer_and_not_forgotten,
    each_call_about_a_ticket_is_told_once,
    nothing_about_the_citizen_is_left_of_an_erased_ticket,
}
