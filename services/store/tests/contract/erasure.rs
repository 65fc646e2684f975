//! Orders to erase, and what they take out of calls.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::erasure::{ErasureOrder, Mark, MarkKey, Place};
use domain::ids::{CallId, ErasureOrderId, Identity, ImportRun, ReplyId, SourceName, TicketId};
use domain::personal::{Caller, Personal};
use domain::record::TaskType;
use domain::report::CallReport;
use domain::ticket::{Actor, Reply, erase, ticket_id};
use store::calls::CallStore;
use store::erasure::{CallErasure, Entered, ErasureStore, KeptOrder, NewOrder, Step, TicketErasure};
use store::postgres::{PostgresAccess, PostgresCalls, PostgresTickets};
use store::rejected::{Discard, ReadAgain, RejectedItem};
use store::scrub::Scrub;
use store::sqlite::{SqliteAccess, SqliteCalls, SqliteTickets};
use store::tickets::{Settled, Settlement, TicketStore, Verdict};

use crate::calls::{answered, apply, at, finished, group, report};
use crate::postgres::on_a_database;
use crate::tickets::{at as minute, current, department, logged, settlement};

const NUMBER: &str = "0221 4710123";
const OTHER: &str = "0211 8371001";

fn order(number: u8) -> ErasureOrder {
    ErasureOrder {
        tickets: vec![TicketId::new(format!("T-{number}"))],
        calls: vec![Identity([number; 16])],
        ..empty(&format!("E-{number}"))
    }
}

fn empty(id: &str) -> ErasureOrder {
    let order = serde_json::json!({"id": id, "at": at(0), "by": "dora", "reason": "Art. 17"});
    serde_json::from_value(order).unwrap()
}

fn new(number: u8, key: Option<&str>) -> NewOrder {
    NewOrder {
        order: order(number),
        idempotency_key: key.map(str::to_owned),
        digest: Some([number; 32]),
    }
}

fn ids(orders: &[KeptOrder]) -> Vec<&str> {
    orders.iter().map(|kept| kept.order.id.as_str()).collect()
}

async fn on_orders<F: Future<Output = ()>, G: Future<Output = ()>>(
    sqlite: impl FnOnce(SqliteAccess) -> F,
    postgres: impl FnOnce(PostgresAccess) -> G,
) {
    let folder = tempfile::tempdir().unwrap();
    sqlite(SqliteAccess::open(&folder.path().join("access.db")).unwrap()).await;
    on_a_database(|database| async move {
        postgres(PostgresAccess::connect(&database).await.unwrap()).await;
    })
    .await;
}

async fn orders_are_entered_once_and_found(store: impl ErasureStore) {
    for number in 1..=3 {
        let entered = store.enter_order(new(number, None)).await.unwrap();
        assert_eq!(entered, Entered::New);
    }
    assert_eq!(
        store.enter_order(new(4, Some("key"))).await.unwrap(),
        Entered::New
    );
    // The same number or the same key: what is there is given, and stays.
    for repeated in [new(4, None), new(5, Some("key"))] {
        let Entered::Known(known) = store.enter_order(repeated).await.unwrap() else {
            panic!("it was entered twice");
        };
        assert_eq!((&known.order, known.digest), (&order(4), Some([4; 32])));
    }
    let id = ErasureOrderId::new("E-2");
    let kept = store.order(&id).await.unwrap().unwrap();
    assert_eq!(
        (kept.order, kept.steps.len(), kept.closed_at),
        (order(2), 0, None)
    );
    assert_eq!(store.order(&ErasureOrderId::new("E-5")).await.unwrap(), None);

    let open = store.open_orders(0, 2).await.unwrap();
    assert_eq!(ids(&open), ["E-1", "E-2"]);
    let since = open[1].sequence;
    assert_eq!(ids(&store.open_orders(since, 9).await.unwrap()), ["E-3", "E-4"]);
    assert_eq!(ids(&store.orders_since(since, 1).await.unwrap()), ["E-3"]);
    assert_eq!(ids(&store.orders_before(since, 9).await.unwrap()), ["E-1"]);
    assert_eq!(
        ids(&store.orders_before(i64::MAX, 2).await.unwrap()),
        ["E-4", "E-3"]
    );

    let again = NewOrder {
        digest: Some([1; 32]),
        ..new(6, None)
    };
    store.enter_order(again).await.unwrap();
    let newest = store.order_of([1; 32]).await.unwrap().unwrap();
    assert_eq!(newest.order.id.as_str(), "E-6");
    assert_eq!(store.order_of([9; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn orders_are_entered_once_and_found_on_every_store() {
    on_orders(
        orders_are_entered_once_and_found,
        orders_are_entered_once_and_found,
    )
    .await;
}

async fn what_was_done_is_noted_once(store: impl ErasureStore) {
    let (id, other) = (ErasureOrderId::new("E-1"), ErasureOrderId::new("E-2"));
    store.enter_order(new(1, None)).await.unwrap();
    store.enter_order(new(2, None)).await.unwrap();
    let step = |seconds: i64| Step {
        done_at: at(seconds),
        until: at(seconds + 60),
    };
    store.note_step(&id, Place::Calls, step(1)).await.unwrap();
    store.note_step(&id, Place::Calls, step(9)).await.unwrap();
    let late = [Identity([8; 16]), Identity([1; 16]), Identity([7; 16])];
    for _ in 0..2 {
        store.add_calls(&id, &late).await.unwrap();
    }
    let kept = store.order(&id).await.unwrap().unwrap();
    assert_eq!(
        kept.steps.into_iter().collect::<Vec<_>>(),
        [(Place::Calls, step(1))]
    );
    let calls = [1, 7, 8].map(|number| Identity([number; 16]));
    assert_eq!(kept.order.calls, calls);
    assert_eq!(store.order(&other).await.unwrap().unwrap().order, order(2));

    store.close_order(&id, at(100)).await.unwrap();
    store.close_order(&id, at(200)).await.unwrap();
    store.add_calls(&id, &[Identity([9; 16])]).await.unwrap();
    let closed = store.order(&id).await.unwrap().unwrap();
    assert_eq!(
        (closed.closed_at, closed.order.calls.as_slice()),
        (Some(at(100)), &calls[..])
    );
    assert_eq!(ids(&store.open_orders(0, 9).await.unwrap()), ["E-2"]);
    // Of an order that is not there nothing is kept.
    store.add_calls(&ErasureOrderId::new("E-9"), &late).await.unwrap();
    assert_eq!(store.orders_since(0, 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_was_done_is_noted_once_on_every_store() {
    on_orders(what_was_done_is_noted_once, what_was_done_is_noted_once).await;
}

async fn an_order_that_is_through_is_opened_again_for_one_place(store: impl ErasureStore) {
    let (id, other) = (ErasureOrderId::new("E-1"), ErasureOrderId::new("E-2"));
    store.enter_order(new(1, None)).await.unwrap();
    store.enter_order(new(2, None)).await.unwrap();
    let step = |seconds: i64| Step {
        done_at: at(seconds),
        until: at(seconds),
    };
    for id in [&id, &other] {
        for place in [Place::BusReplies, Place::StoreFiles] {
            store.note_step(id, place, step(1)).await.unwrap();
        }
    }
    // One that has not been through yet has been open since it was given.
    store.reopen_order(&id, Place::BusReplies, at(50)).await.unwrap();
    let open = store.order(&id).await.unwrap().unwrap();
    assert_eq!(
        (
            open.reopened_at,
            open.open_since(),
            open.is_due(Place::BusReplies)
        ),
        (None, at(0), true)
    );
    store.note_step(&id, Place::BusReplies, step(60)).await.unwrap();
    store.close_order(&id, at(100)).await.unwrap();
    store.close_order(&other, at(100)).await.unwrap();

    // Twice, as after a crash; and once more while it is open again.
    for seconds in [200, 201, 300] {
        store
            .reopen_order(&id, Place::BusReplies, at(seconds))
            .await
            .unwrap();
        let open = store.order(&id).await.unwrap().unwrap();
        assert_eq!(
            (open.closed_at, open.reopened_at, open.open_since()),
            (None, Some(at(seconds)), at(seconds))
        );
        assert_eq!(
            open.steps.iter().collect::<Vec<_>>(),
            [(&Place::StoreFiles, &step(1))]
        );
    }
    assert_eq!(ids(&store.open_orders(0, 9).await.unwrap()), ["E-1"]);
    store.note_step(&id, Place::BusReplies, step(310)).await.unwrap();
    store.close_order(&id, at(320)).await.unwrap();
    let closed = store.order(&id).await.unwrap().unwrap();
    assert_eq!((closed.closed_at, closed.steps.len()), (Some(at(320)), 2));
    let other = store.order(&other).await.unwrap().unwrap();
    assert_eq!((other.closed_at, other.reopened_at), (Some(at(100)), None));
    let unknown = ErasureOrderId::new("E-9");
    store
        .reopen_order(&unknown, Place::BusReplies, at(400))
        .await
        .unwrap();
    assert_eq!(store.open_orders(0, 9).await.unwrap(), []);
}

#[tokio::test]
async fn an_order_that_is_through_is_opened_again_for_one_place_on_every_store() {
    on_orders(
        an_order_that_is_through_is_opened_again_for_one_place,
        an_order_that_is_through_is_opened_again_for_one_place,
    )
    .await;
}

async fn stray_replies_are_noted_with_their_position(store: impl TicketStore + TicketErasure) {
    let ticket = logged(&store, 1).await;
    store
        .record(erase(&ticket, Personal::new("Art. 17"), Actor::System, minute(10)).unwrap())
        .await
        .unwrap();
    let erased = current(&store, &ticket.id).await;
    let answered = Reply::Answered { note: None };
    let reply = |id: &str, position: i64, stray_for: &[u128]| Settlement {
        stray_for: stray_for.iter().map(|number| ticket_id(*number)).collect(),
        ..settlement(&erased, id, &answered, position)
    };
    let strays = async |after: i64, most: usize| store.stray_replies(after, most).await.unwrap();
    store.settle_reply(reply("r1", 0, &[])).await.unwrap();
    assert_eq!(strays(0, 9).await, []);
    store.settle_reply(reply("r2", 1, &[1, 77])).await.unwrap();
    let noted = strays(0, 9).await;
    let of: Vec<_> = noted
        .iter()
        .map(|stray| (stray.department.as_str(), stray.ticket.clone()))
        .collect();
    assert_eq!(of, [("a", ticket_id(1)), ("a", ticket_id(77))]);
    assert_eq!(strays(0, 1).await, noted[..1]);
    assert_eq!(strays(noted[0].sequence, 9).await, noted[1..]);

    // Nothing is noted where the position is not: somebody else reads.
    assert!(store.settle_reply(reply("r3", 1, &[78])).await.is_err());
    assert_eq!(strays(0, 9).await, noted);

    // A reply that was settled before is on the bus once more, and has another place. What was found before does not take it
    // along.
    let again = store.settle_reply(reply("r2", 2, &[1])).await.unwrap();
    assert!(matches!(again, Settled::Before(_)), "{again:?}");
    let sequences = noted.iter().map(|stray| stray.sequence).collect();
    store.forget_stray_replies(sequences).await.unwrap();
    let left = strays(0, 9).await;
    assert_eq!(
        left.iter().map(|stray| stray.ticket.clone()).collect::<Vec<_>>(),
        [ticket_id(1)]
    );
    store
        .forget_stray_replies(vec![left[0].sequence, 999])
        .await
        .unwrap();
    assert_eq!(strays(0, 9).await, []);
    // Of what the reply says nothing is kept with it.
    let outcome = store.reply_outcome(&department("a"), &ReplyId::new("r2")).await;
    let outcome = outcome.unwrap().expect("it was settled");
    assert!(
        matches!(outcome.verdict, Verdict::Rejected { code, .. } if code == "erased"),
        "rejected"
    );
}

#[tokio::test]
async fn stray_replies_are_noted_with_their_position_on_every_store() {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteTickets::open(&folder.path().join("tickets.db")).unwrap();
    stray_replies_are_noted_with_their_position(sqlite).await;
    on_a_database(|database| async move {
        let postgres = PostgresTickets::connect(&database).await.unwrap();
        stray_replies_are_noted_with_their_position(postgres).await;
    })
    .await;
}

async fn on_calls<F: Future<Output = ()>, G: Future<Output = ()>>(
    sqlite: impl FnOnce(SqliteCalls) -> F,
    postgres: impl FnOnce(PostgresCalls) -> G,
) {
    let folder = tempfile::tempdir().unwrap();
    sqlite(SqliteCalls::open(&folder.path().join("calls.db")).unwrap()).await;
    on_a_database(|database| async move {
        postgres(PostgresCalls::connect(&database).await.unwrap()).await;
    })
    .await;
}

/// A call by a number.
fn call(number: u16, caller: &str) -> CallReport {
    let mut record = answered(5_000);
    record.started_at = at(i64::from(number));
    record.caller = Some(Caller::Given(Personal::new(caller)));
    CallReport {
        identity: identity(number),
        call_id: Some(CallId::new(format!("call-{number}"))),
        ..report(0, finished(0, record))
    }
}

fn identity(number: u16) -> Identity {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    bytes[15] = 1;
    Identity(bytes)
}

async fn caller(store: &dyn CallStore, number: u16) -> Option<Caller> {
    let call = store.call(identity(number)).await.unwrap().unwrap();
    call.state.assembled().record.unwrap().caller
}

async fn ten_thousand_calls_lose_their_caller_in_steps(store: impl CallStore + CallErasure) {
    const CALLS: u16 = 10_000;
    let mut reports: Vec<CallReport> = (0..CALLS).map(|number| call(number, NUMBER)).collect();
    reports.push(call(CALLS, OTHER));
    for (step, some) in reports.chunks(2_500).enumerate() {
        let expected = i64::try_from(step * 2_500).unwrap();
        apply(&store, expected, some.to_vec()).await.unwrap();
    }
    let counted = group(&store, "Bürgertelefon").await;
    let calls: Vec<Identity> = (0..CALLS).map(identity).collect();
    for some in calls.chunks(500) {
        let with_unknown = [some, &[Identity([0xff; 16])]].concat();
        assert_eq!(store.erase_callers(with_unknown, at(20_000)).await.unwrap(), 500);
    }
    // Again, and one of them twice: all are known, and nothing changes.
    let twice = vec![identity(3), identity(3), identity(4)];
    assert!(store.erase_callers(twice, at(20_001)).await.unwrap() >= 2);
    assert_eq!(
        store
            .erase_callers(calls[..500].to_vec(), at(20_002))
            .await
            .unwrap(),
        500
    );
    for number in [0, 499, 500, 7_777, CALLS - 1] {
        assert_eq!(caller(&store, number).await, None, "{number}");
    }
    assert_eq!(
        caller(&store, CALLS).await,
        Some(Caller::Given(Personal::new(OTHER)))
    );
    assert_eq!(group(&store, "Bürgertelefon").await.tally, counted.tally);
    // The same report again is a repetition, and brings nobody back.
    let expected = i64::from(CALLS) + 1;
    let repeated = apply(&store, expected, vec![call(7, NUMBER)]).await.unwrap();
    assert_eq!((repeated.repeated, repeated.changed_calls), (1, 0));
    assert_eq!(caller(&store, 7).await, None);
    let all = store.callers_that(Arc::new(|_: &str| true)).await.unwrap();
    assert_eq!(all, BTreeSet::from(["+492118371001".to_owned()]));
}

#[tokio::test]
async fn ten_thousand_calls_lose_their_caller_in_steps_on_every_store() {
    on_calls(
        ten_thousand_calls_lose_their_caller_in_steps,
        ten_thousand_calls_lose_their_caller_in_steps,
    )
    .await;
}

async fn numbers_are_known_again_by_their_hashes(store: impl CallStore + CallErasure) {
    let none = store.callers_that(Arc::new(|_: &str| true)).await.unwrap();
    assert_eq!(none, BTreeSet::new());
    // Of two months, some of them in another spelling.
    let mut calls: Vec<CallReport> = (0..40).map(|number| call(number, NUMBER)).collect();
    calls.extend((40..60).map(|number| call(number, "+49 (221) 4710-123")));
    calls.extend((60..80).map(|number| call(number, OTHER)));
    let mut later = answered(5_000);
    later.started_at = at(0) + TimeDelta::days(40);
    later.caller = Some(Caller::Given(Personal::new("0049 221 4710123")));
    calls.push(CallReport {
        identity: identity(90),
        ..report(0, finished(0, later))
    });
    // The house called somebody.
    let mut outbound = answered(6_000);
    outbound.task_type = TaskType::OutboundCall;
    outbound.caller = None;
    outbound.dialled_address = Some("0221 4710-124".to_owned());
    calls.push(report(91, finished(0, outbound)));
    apply(&store, 0, calls).await.unwrap();
    let key = MarkKey::new([7; 32]);
    let mut wanted = key.hashes(Mark::Number(NUMBER));
    wanted.extend(key.hashes(Mark::Number("+49 221 4710124")));
    let is_meant = Arc::new(move |number: &str| wanted.contains(&key.caller_key(number)));
    let meant = store.callers_that(is_meant).await.unwrap();
    let expected = ["+492214710123", "+492214710124"].map(str::to_owned);
    assert_eq!(meant, BTreeSet::from(expected));
}

#[tokio::test]
async fn numbers_are_known_again_by_their_hashes_on_every_store() {
    on_calls(
        numbers_are_known_again_by_their_hashes,
        numbers_are_known_again_by_their_hashes,
    )
    .await;
}

fn item(number: u8) -> RejectedItem {
    RejectedItem {
        id: Identity([number; 16]),
        source: SourceName::new("test"),
        run: ImportRun::new("run-1"),
        received_at: at(i64::from(number)),
        position: format!("line {number}"),
        field: "started_at".to_owned(),
        reason: "no such date".to_owned(),
        payload: format!("31.02.2024;{NUMBER}").into_bytes(),
        again: ReadAgain::default(),
        discard: None,
    }
}

async fn rejected_items_are_emptied_and_do_not_come_back(store: impl CallStore + CallErasure + Scrub) {
    store.keep_rejected(vec![item(1), item(2)]).await.unwrap();
    let discard = |seconds: i64| Discard {
        at: at(seconds),
        by: "dora".to_owned(),
        reason: "erased by order E-1".to_owned(),
    };
    let ids = vec![Identity([1; 16]), Identity([9; 16])];
    assert_eq!(store.erase_rejected(ids.clone(), discard(100)).await.unwrap(), 1);
    assert_eq!(store.erase_rejected(ids, discard(200)).await.unwrap(), 0);
    store.keep_rejected(vec![item(1)]).await.unwrap();
    let erased = store.rejected_item(Identity([1; 16])).await.unwrap().unwrap();
    assert_eq!(
        (erased.payload.as_slice(), erased.discard),
        (&[][..], Some(discard(100)))
    );
    let other = store.rejected_item(Identity([2; 16])).await.unwrap();
    assert_eq!(other, Some(item(2)));
    // What they said is to be written over; the first of it counts.
    assert_eq!(store.owed_since().await.unwrap(), Some(at(100)));
    let third = vec![Identity([2; 16])];
    store.discard_rejected(third, discard(300)).await.unwrap();
    assert_eq!(store.owed_since().await.unwrap(), Some(at(100)));
    store.scrub_owed().await.unwrap();
    assert_eq!(store.owed_since().await.unwrap(), None);
}

#[tokio::test]
async fn rejected_items_are_emptied_and_do_not_come_back_on_every_store() {
    on_calls(
        rejected_items_are_emptied_and_do_not_come_back,
        rejected_items_are_emptied_and_do_not_come_back,
    )
    .await;
}
