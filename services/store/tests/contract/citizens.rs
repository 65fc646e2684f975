//! The same citizen calls again: open tickets are found, and take further concerns.

use std::sync::Arc;

use domain::personal::Personal;
use domain::procedure::Fields;
use domain::ticket::{Actor, Reply, Ticket, TicketState, add_concern, ticket_id};
use store::StoreError;
use store::postgres::{Database, PostgresTickets};
use store::sqlite::SqliteTickets;
use store::tickets::{
    AcquaintanceSearch, Addition, Citizen, CitizenSearch, HandOverContent, ListPosition, Logged,
    TicketFilter, TicketStore,
};

use crate::postgres::{execute, on_an_empty_database};
use crate::tickets::{actions, at, checked, current, logged, new_ticket, pending, settlement};

/// Logs ticket `number` of a citizen.
async fn log(store: &dyn TicketStore, number: u8, phone: &str, name: &str, postal_code: &str) -> Ticket {
    let fields = Fields::of([
        ("phone", phone),
        ("email", "someone@example.org"),
        ("name", name),
        ("postal_code", postal_code),
        ("concern", "Frage zum Bescheid"),
    ]);
    let mut new = new_ticket(number);
    new.transition.ticket.request = checked("callback", fields);
    assert_eq!(store.log(new.clone()).await.unwrap(), Logged::New);
    new.transition.ticket
}

async fn numbers(store: &dyn TicketStore, citizen: Citizen) -> Vec<u8> {
    let search = CitizenSearch {
        citizen,
        settled_since: None,
        after: None,
        most: 100,
    };
    let found = store.find(search).await.unwrap();
    let number = |ticket: Ticket| (1..=9).find(|number| ticket_id(u128::from(*number)) == ticket.id);
    found.into_iter().filter_map(number).collect()
}

async fn open_tickets_are_found_by_number_in_any_spelling(store: Arc<dyn TicketStore>) {
    log(&*store, 1, "0221 4710123", "", "").await;
    log(&*store, 2, "+49 (221) 471-0123", "", "").await;
    log(&*store, 3, "0211 8371001", "", "").await;
    log(&*store, 4, "", "Groß", "").await;
    for spelling in ["0221/4710123", "004922 14710123", "+492214710123", "492214710123"] {
        assert_eq!(
            numbers(&*store, Citizen::by_phone(spelling)).await,
            [2, 1],
            "{spelling}"
        );
    }
    assert_eq!(numbers(&*store, Citizen::by_phone("0221 4710124")).await, [0; 0]);
    let after = CitizenSearch {
        citizen: Citizen::by_phone("0221 4710123"),
        settled_since: None,
        after: Some(ListPosition {
            at: at(2),
            id: ticket_id(2),
        }),
        most: 1,
    };
    assert_eq!(store.find(after).await.unwrap()[0].id, ticket_id(1));
}

async fn open_tickets_are_found_by_name_and_place(store: Arc<dyn TicketStore>) {
    log(&*store, 1, "", "Groß", "50667").await;
    log(&*store, 2, "", " GROSS ", "40213").await;
    log(&*store, 3, "", "Grosse", "50667").await;
    assert_eq!(numbers(&*store, Citizen::by_name("groß", None)).await, [2, 1]);
    assert_eq!(
        numbers(&*store, Citizen::by_name("Gross", Some("50667"))).await,
        [1]
    );
}

async fn what_is_answered_is_not_found_any_more(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    let citizen = || Citizen::by_phone("0221 4710123");
    assert_eq!(numbers(&*store, citizen()).await, [1]);
    store
        .settle_reply(settlement(&ticket, "r1", &Reply::Answered { note: None }, 0))
        .await
        .unwrap();
    assert_eq!(numbers(&*store, citizen()).await, [0; 0]);
}

async fn a_citizen_is_known_by_number_or_by_name(store: Arc<dyn TicketStore>) {
    let answered = log(&*store, 1, "0221 4710123", "Groß", "50667").await;
    log(&*store, 2, "0221 4710123", "Groß", "50667").await;
    log(&*store, 3, "0211 8371001", "Gross", "50667").await;
    log(&*store, 4, "0211 8371001", "Groß", "40213").await;
    log(&*store, 5, "0221/471-0123", "Klein", "40213").await;
    let reply = settlement(&answered, "r1", &Reply::Answered { note: None }, 0);
    store.settle_reply(reply).await.unwrap();
    let search = |most, since| AcquaintanceSearch {
        citizens: vec![
            Citizen::by_phone("+49 221 4710123"),
            Citizen::by_name("GROSS", Some("50667")),
        ],
        settled_since: at(since),
        most,
    };
    let ids = |tickets: &[Ticket]| tickets.iter().map(|ticket| ticket.id.clone()).collect::<Vec<_>>();
    let found = store.acquaintance(search(10, 0)).await.unwrap();
    assert_eq!(ids(&found.owed), [5, 3, 2].map(ticket_id));
    assert_eq!(ids(&found.settled), [ticket_id(1)]);
    let found = store.acquaintance(search(2, 1_000_000)).await.unwrap();
    assert_eq!(ids(&found.owed), [5, 3].map(ticket_id));
    assert_eq!(ids(&found.settled), []);
}

async fn what_is_due_comes_by_due_time(store: Arc<dyn TicketStore>) {
    let mut answered = None;
    for number in 1..=5 {
        answered = Some(logged(&*store, number).await)
            .filter(|_| number == 1)
            .or(answered);
    }
    let reply = settlement(&answered.unwrap(), "r1", &Reply::Answered { note: None }, 0);
    store.settle_reply(reply).await.unwrap();
    let mut filter = TicketFilter {
        department: None,
        procedure: None,
        states: vec![TicketState::Open, TicketState::Answered],
        due_before: Some(at(24 * 60 + 5)),
        escalated: false,
        returned: false,
        after: None,
        most: 2,
    };
    let first = store.list(filter.clone()).await.unwrap();
    assert_eq!(
        first.iter().map(|it| it.id.clone()).collect::<Vec<_>>(),
        [2, 3].map(ticket_id)
    );
    filter.after = Some(ListPosition {
        at: first[1].due_at,
        id: first[1].id.clone(),
    });
    let second = store.list(filter).await.unwrap();
    assert_eq!(
        second.into_iter().map(|it| it.id).collect::<Vec<_>>(),
        [ticket_id(4)]
    );
}

fn addition(ticket: &Ticket, key: &str) -> Addition {
    let fields = Fields::of([("phone", "0211 8371001")]);
    let concern = Personal::new("Noch etwas");
    Addition {
        transition: add_concern(ticket, concern, &fields, None, Actor::System, at(50)).unwrap(),
        idempotency_key: key.to_owned(),
        content: [9; 32],
        notice_identity: None,
    }
}

async fn a_concern_joins_a_ticket_once_and_is_handed_over(store: Arc<dyn TicketStore>) {
    let ticket = logged(&*store, 1).await;
    assert_eq!(store.logged_before("more", [9; 32]).await.unwrap(), None);
    let more = addition(&ticket, "more");
    assert_eq!(store.add(more.clone()).await.unwrap(), Logged::New);
    let now = current(&*store, &ticket.id).await;
    assert_eq!(now, more.transition.ticket);
    assert_eq!(actions(&*store, &ticket.id).await, ["logged", "concern_added"]);

    let repeated = Logged::Repeated(Box::new(now.clone()));
    assert_eq!(store.add(more).await.unwrap(), repeated);
    assert_eq!(
        store.logged_before("more", [9; 32]).await.unwrap(),
        Some(repeated)
    );
    assert_eq!(
        store.logged_before("more", [8; 32]).await.unwrap(),
        Some(Logged::KeyTaken)
    );
    let stale = store.add(addition(&ticket, "other")).await;
    assert!(matches!(stale, Err(StoreError::Conflict(_))));
    assert_eq!(store.logged_before("other", [9; 32]).await.unwrap(), None);

    let hand_overs = pending(&*store, "a", 60).await.hand_overs;
    assert_eq!(hand_overs.len(), 1);
    assert_eq!(hand_overs[0].content, HandOverContent::Current(Box::new(now)));
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
    open_tickets_are_found_by_number_in_any_spelling,
    open_tickets_are_found_by_name_and_place,
    a_citizen_is_known_by_number_or_by_name,
    what_is_answered_is_not_found_any_more,
    what_is_due_comes_by_due_time,
    a_concern_joins_a_ticket_once_and_is_handed_over,
}

/// Takes away what tickets from before the columns did not have.
const UNFILLED: &str = "UPDATE tickets SET phone_key = NULL, name_key = NULL, postal_code = NULL";

#[tokio::test]
async fn tickets_from_before_the_columns_are_found_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    logged(&SqliteTickets::open(&path).unwrap(), 1).await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(&format!("{UNFILLED}; INSERT INTO backfills VALUES ('citizens')"))
        .unwrap();
    drop(connection);
    let store = SqliteTickets::open(&path).unwrap();
    assert_eq!(numbers(&store, Citizen::by_phone("+492214710123")).await, [1]);
}

#[tokio::test]
async fn tickets_from_before_the_columns_are_found_in_postgres() {
    on_an_empty_database(|url| async move {
        let database = Database::new(&url).unwrap();
        database.migrate().await.unwrap();
        let store = PostgresTickets::connect(&database).await.unwrap();
        logged(&store, 1).await;
        let old = format!("{UNFILLED}; INSERT INTO ticket_backfills VALUES ('citizens')");
        execute(&url, &old).await;
        assert_eq!(numbers(&store, Citizen::by_phone("+492214710123")).await, [0; 0]);
        database.migrate().await.unwrap();
        assert_eq!(numbers(&store, Citizen::by_phone("+492214710123")).await, [1]);
    })
    .await;
}
