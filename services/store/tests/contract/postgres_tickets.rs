//! What PostgreSQL adds to the contract of tickets: several instances at once.

use std::sync::Arc;

use domain::ids::ReplyId;
use domain::ticket::Reply;
use futures::future::join_all;
use store::StoreError;
use store::postgres::{Database, PostgresTickets};
use store::tickets::{LeaseName, Logged, TicketStore};

use crate::postgres::on_a_database;
use crate::tickets::{at, current, department, keys, logged, new_ticket, pending, settlement};

async fn instances(database: &Database) -> [Arc<PostgresTickets>; 3] {
    let connect = || async { Arc::new(PostgresTickets::connect(database).await.unwrap()) };
    [connect().await, connect().await, connect().await]
}

#[tokio::test]
async fn a_request_that_reaches_several_instances_at_once_is_logged_once() {
    on_a_database(|database| async move {
        let instances = instances(&database).await;
        for number in 1..=10 {
            let mut outcomes = join_all(instances.iter().map(|store| store.log(new_ticket(number)))).await;
            outcomes.sort_by_key(|outcome| !matches!(outcome, Ok(Logged::New)));
            let ticket = new_ticket(number).transition.ticket;
            assert_eq!(*outcomes[0].as_ref().unwrap(), Logged::New);
            for repeated in &outcomes[1..] {
                assert_eq!(
                    *repeated.as_ref().unwrap(),
                    Logged::Repeated(Box::new(ticket.clone()))
                );
            }
        }
        assert_eq!(instances[0].call_notices(100).await.unwrap().len(), 10);
        assert_eq!(pending(&*instances[1], "a", 60).await.hand_overs.len(), 10);
    })
    .await;
}

#[tokio::test]
async fn requests_that_draw_one_number_get_it_once() {
    on_a_database(|database| async move {
        let instances = instances(&database).await;
        let race = instances.iter().enumerate().map(|(instance, store)| {
            let mut new = new_ticket(1);
            new.idempotency_key = format!("key of {instance}");
            store.log(new)
        });
        let outcomes: Vec<_> = join_all(race).await.into_iter().map(Result::unwrap).collect();
        let count = |wanted: &Logged| outcomes.iter().filter(|outcome| *outcome == wanted).count();
        assert_eq!((count(&Logged::New), count(&Logged::IdTaken)), (1, 2));
        // Whoever was refused may use the key again, with another number.
        let mut again = new_ticket(2);
        again.idempotency_key = "key of 0".to_owned();
        again.content = new_ticket(1).content;
        let refused = outcomes[0] == Logged::IdTaken;
        let outcome = instances[0].log(again).await.unwrap();
        assert_eq!(outcome == Logged::New, refused, "{outcome:?}");
    })
    .await;
}

#[tokio::test]
async fn of_two_decisions_on_a_ticket_one_is_written() {
    on_a_database(|database| async move {
        let [one, two, _] = instances(&database).await;
        for number in 1..=10_u8 {
            let ticket = logged(&*one, number).await;
            let decided = |reply: &str, partition: u32| {
                let mut settlement = settlement(&ticket, reply, &Reply::Accepted, i64::from(number) - 1);
                settlement.advance.partition = partition;
                settlement
            };
            let (first, second) = (format!("r-{number}-1"), format!("r-{number}-2"));
            let (left, right) = futures::join!(
                one.settle_reply(decided(&first, 1)),
                two.settle_reply(decided(&second, 2))
            );
            let (won, lost, late) = match left.is_ok() {
                true => (left, right, (&two, &second, 2)),
                false => (right, left, (&one, &first, 1)),
            };
            won.unwrap();
            assert!(matches!(lost, Err(StoreError::Conflict(_))), "{lost:?}");
            let (store, reply, partition) = late;
            let outcome = store.reply_outcome(&department("a"), &ReplyId::new(reply)).await;
            assert_eq!(outcome.unwrap(), None, "nothing of it was written");
            let mut skip = decided(reply, partition).advance;
            skip.next = i64::from(number);
            store.skip_replies(skip).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn publishing_and_replying_at_once_do_not_block_each_other() {
    on_a_database(|database| async move {
        let [one, two, _] = instances(&database).await;
        for number in 1..=20_u8 {
            let ticket = logged(&*one, number).await;
            let published = keys(&pending(&*one, "a", 100).await);
            let reply = settlement(&ticket, &format!("r-{number}"), &Reply::Accepted, 0);
            let mut reply = reply;
            reply.advance.partition = number.into();
            let (marked, settled) =
                futures::join!(one.mark_published(published, at(61)), two.settle_reply(reply));
            marked.unwrap();
            assert!(
                matches!(settled, Ok(_) | Err(StoreError::Conflict(_))),
                "{settled:?}"
            );
            current(&*two, &ticket.id).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_several_instances_want_at_once_has_one_holder() {
    on_a_database(|database| async move {
        let instances = instances(&database).await;
        let mut names: Vec<_> = ["c", "a", "b"]
            .map(|id| LeaseName::department(&department(id)))
            .into();
        names.push(LeaseName::call_notices());
        for round in 0..10 {
            let now = at(100 * round);
            let race = instances.iter().enumerate().map(|(instance, store)| {
                let (names, owner) = (&names, format!("node {instance}"));
                async move {
                    store
                        .take_leases(names, &owner, now, at(100 * round + 10))
                        .await
                        .unwrap()
                }
            });
            let held: Vec<LeaseName> = join_all(race).await.into_iter().flatten().collect();
            assert_eq!(held.len(), names.len());
            assert!(names.iter().all(|name| held.contains(name)));
        }
    })
    .await;
}
