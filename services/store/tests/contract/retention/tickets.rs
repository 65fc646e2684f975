//! Tickets and replies go whole, once nothing of them is on its way.

use std::future::Future;
use std::sync::Arc;

use domain::ticket::TicketState;
use store::postgres::PostgresTickets;
use store::retention::{AgedQuery, Step, TicketPurge, TicketRetention};
use store::sqlite::SqliteTickets;
use store::tickets::TicketStore;

use crate::postgres::on_a_database;

async fn on_every_ticket_store<F: Future<Output = ()>>(
    case: impl Fn(Arc<dyn TicketStore>, Arc<dyn TicketRetention>) -> F,
) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Arc::new(SqliteTickets::open(&folder.path().join("tickets.db")).unwrap());
    case(Arc::clone(&sqlite) as _, sqlite).await;
    on_a_database(|database| async move {
        let postgres = Arc::new(PostgresTickets::connect(&database).await.unwrap());
        case(Arc::clone(&postgres) as _, postgres).await;
    })
    .await;
}

#[tokio::test]
async fn a_ticket_goes_whole_once_nothing_of_it_is_on_its_way() {
    on_every_ticket_store(|store, retention| async move {
        use crate::tickets::{at, department, keys, logged, new_ticket, pending};
        let ticket = logged(&*store, 1).await;
        logged(&*store, 2).await;
        let query = AgedQuery {
            procedure: ticket.procedure.clone(),
            created_before: at(2),
            after: None,
            most: 10,
        };
        let aged = retention.aged_tickets(query.clone()).await.unwrap();
        let [one] = &aged[..] else { panic!("{aged:?}") };
        assert!(one.is_on_its_way);
        assert_eq!(one.ticket.id, ticket.id);
        let purge = |length| TicketPurge {
            run: 4,
            procedure: ticket.procedure.clone(),
            tickets: vec![(ticket.id.clone(), length)],
        };
        assert_eq!(
            retention
                .purge_tickets(purge(ticket.history_length))
                .await
                .unwrap()
                .items,
            0
        );

        let pending = pending(&*store, "a", 3).await;
        store.mark_published(keys(&pending), at(3)).await.unwrap();
        let notices = store.call_notices(10).await.unwrap();
        let notices = notices.iter().map(|notice| notice.sequence).collect();
        store.mark_notices_published(notices).await.unwrap();
        let now = store.ticket(&ticket.id).await.unwrap().unwrap().ticket;
        // The department has it since: it has changed.
        assert_eq!(
            retention
                .purge_tickets(purge(ticket.history_length))
                .await
                .unwrap()
                .items,
            0
        );
        let gone = retention.purge_tickets(purge(now.history_length)).await.unwrap();
        assert_eq!(gone.items, 1);
        assert!(store.ticket(&ticket.id).await.unwrap().is_none());
        assert_eq!(retention.aged_tickets(query).await.unwrap(), []);
        // Its key is free: the same request is a new one.
        let new = new_ticket(1);
        assert_eq!(
            store
                .logged_before(&new.idempotency_key, new.content)
                .await
                .unwrap(),
            None
        );
        let tallies = retention.ticket_tallies(4).await.unwrap();
        assert_eq!((tallies[0].what.as_str(), tallies[0].items), ("callback", 1));
        assert_eq!(
            retention.procedures_kept().await.unwrap(),
            std::slice::from_ref(&ticket.procedure)
        );
        retention
            .hasten_ends(std::slice::from_ref(&ticket.id), at(9))
            .await
            .unwrap();
        retention.empty_ticket_log().await.unwrap();
        drop(department("a"));
    })
    .await;
}

#[tokio::test]
async fn replies_to_tickets_that_are_not_known_go_when_their_department_was_told_and_their_time_is_over() {
    on_every_ticket_store(|store, retention| async move {
        use crate::tickets::{at, logged, new_ticket, pending, settlement};
        use domain::ticket::Reply;
        let known = logged(&*store, 1).await;
        // What the reply says is rejected for both: one is known, and one is not.
        let unknown = new_ticket(9).transition.ticket;
        for (position, ticket) in [(0, &known), (1, &unknown)] {
            let settled = TicketState::Answered;
            let answered = domain::ticket::Ticket {
                state: settled,
                ..ticket.clone()
            };
            let reply = Reply::Answered { note: None };
            let rejected = settlement(&answered, &format!("r{position}"), &reply, position);
            assert!(rejected.transition.is_none());
            store.settle_reply(rejected).await.unwrap();
        }
        let past = async |minute| retention.past_rejected_replies(at(minute)).await.unwrap().items;
        assert_eq!(past(61).await, 0, "its department is to be told yet");
        let results = pending(&*store, "a", 60).await.results;
        let told = results.iter().map(|result| result.sequence).collect();
        store.mark_results_published(told).await.unwrap();
        assert_eq!((past(60).await, past(61).await), (0, 1));
        let purge = async |minute| {
            let gone = retention
                .purge_rejected_replies(3, at(minute), Step::of(10))
                .await;
            gone.unwrap().items
        };
        assert_eq!((purge(60).await, purge(61).await, purge(61).await), (0, 1, 0));
        let outcome = async |reply: &str| {
            let reply = domain::ids::ReplyId::new(reply);
            store
                .reply_outcome(&crate::tickets::department("a"), &reply)
                .await
                .unwrap()
        };
        assert!(outcome("r0").await.is_some() && outcome("r1").await.is_none());
        let tallies = retention.ticket_tallies(3).await.unwrap();
        assert_eq!(
            (tallies[0].what.as_str(), tallies[0].items),
            ("rejected_replies", 1)
        );
    })
    .await;
}
