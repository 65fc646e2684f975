//! Tickets and calls of a person, whatever their state.

use std::collections::BTreeSet;
use std::future::Future;

use domain::ids::Identity;
use domain::personal::{Caller, Personal};
use domain::privacy::{GivenMarks, MarkKind, Marks};
use domain::procedure::Fields;
use domain::record::TaskType;
use domain::ticket::{Actor, Ticket, add_concern, close_by_hand, erase, ticket_id};
use store::calls::{CallOrder, CallQuery, CallStore, DayRange, GroupTally, VisitQuery};
use store::persons::{CallsOfNumber, MarkedTickets, PersonCallPlace, PersonCalls, PersonTickets};
use store::postgres::{Database, PostgresCalls, PostgresTickets};
use store::sqlite::{SqliteCalls, SqliteTickets};
use store::tickets::{ListPosition, Logged, TicketStore};

use crate::calls::{answered, apply, finished, report};
use crate::postgres::{execute, on_a_database, on_an_empty_database};
use crate::tickets::{at, checked, new_ticket};

/// A ticket of a citizen.
async fn log(store: &impl TicketStore, number: u8, phone: &str, email: &str, name: &str) -> Ticket {
    let fields = Fields::of([
        ("phone", phone),
        ("email", email),
        ("name", name),
        ("concern", "Frage zum Bescheid"),
    ]);
    let mut new = new_ticket(number);
    new.transition.ticket.request = checked("callback", fields);
    assert_eq!(store.log(new.clone()).await.unwrap(), Logged::New);
    new.transition.ticket
}

fn by(phone: &str, email: &str, name: &str) -> Vec<(MarkKind, String)> {
    let given = GivenMarks {
        phone: phone.to_owned(),
        email: email.to_owned(),
        name: name.to_owned(),
        ..GivenMarks::default()
    };
    Marks::checked(&given).unwrap().ticket_keys()
}

async fn numbers(store: &impl PersonTickets, keys: Vec<(MarkKind, String)>) -> Vec<u8> {
    let search = MarkedTickets {
        keys,
        after: None,
        most: 100,
    };
    let found = store.tickets_with(search).await.unwrap();
    let number = |ticket: Ticket| (1..=9).find(|number| ticket_id(u128::from(*number)) == ticket.id);
    found.into_iter().filter_map(number).collect()
}

async fn tickets_of_every_state_are_found(store: impl TicketStore + PersonTickets) {
    let closed = log(&store, 1, "0221 4710123", "Erika@Example.org", "Groß").await;
    let reason = Personal::new("erledigt");
    let stays = chrono::TimeDelta::days(30);
    let close = close_by_hand(&closed, reason.clone(), Actor::System, at(5), stays).unwrap();
    store.record(close).await.unwrap();
    log(&store, 2, "", "erika@example.org", "GROSS").await;
    let erased = log(&store, 3, "0221 4710123", "", "").await;
    let added = log(&store, 4, "0211 8371001", "", "Klein").await;
    let more = Fields::of([("phone", "+49 221 4710123"), ("email", "klein@example.org")]);
    let concern = Personal::new("noch etwas");
    let more = add_concern(&added, concern, &more, None, Actor::System, at(6)).unwrap();
    store.record(more).await.unwrap();

    assert_eq!(numbers(&store, by("(0221) 471-0123", "", "")).await, [4, 3, 1]);
    assert_eq!(numbers(&store, by("", " ERIKA@example.org", "")).await, [2, 1]);
    assert_eq!(numbers(&store, by("", "klein@example.org", "")).await, [4]);
    assert_eq!(numbers(&store, by("", "", "groß")).await, [2, 1]);
    assert_eq!(
        numbers(&store, by("0211 8371001", "erika@example.org", "")).await,
        [4, 2, 1]
    );
    assert_eq!(numbers(&store, Vec::new()).await, [0; 0]);

    store
        .record(erase(&erased, reason, Actor::System, at(7)).unwrap())
        .await
        .unwrap();
    assert_eq!(numbers(&store, by("0221 4710123", "", "")).await, [4, 1]);
    let page = MarkedTickets {
        keys: by("0221 4710123", "", ""),
        after: Some(ListPosition {
            at: at(4),
            id: ticket_id(4),
        }),
        most: 1,
    };
    assert_eq!(store.tickets_with(page).await.unwrap()[0].id, ticket_id(1));
}

#[tokio::test]
async fn tickets_of_every_state_are_found_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteTickets::open(&folder.path().join("tickets.db")).unwrap();
    tickets_of_every_state_are_found(store).await;
}

#[tokio::test]
async fn tickets_of_every_state_are_found_in_postgres() {
    on_a_database(|database| async move {
        tickets_of_every_state_are_found(PostgresTickets::connect(&database).await.unwrap()).await;
    })
    .await;
}

#[tokio::test]
async fn tickets_from_before_the_marks_are_found_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tickets.db");
    log(
        &SqliteTickets::open(&path).unwrap(),
        1,
        "0221 4710123",
        "",
        "Groß",
    )
    .await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch("DELETE FROM ticket_marks; INSERT INTO backfills VALUES ('marks')")
        .unwrap();
    drop(connection);
    let store = SqliteTickets::open(&path).unwrap();
    assert_eq!(numbers(&store, by("0221 4710123", "", "")).await, [1]);
}

#[tokio::test]
async fn tickets_from_before_the_marks_are_found_in_postgres() {
    on_an_empty_database(|url| async move {
        let database = Database::new(&url).unwrap();
        database.migrate().await.unwrap();
        let store = PostgresTickets::connect(&database).await.unwrap();
        log(&store, 1, "0221 4710123", "", "Groß").await;
        let old = "DELETE FROM ticket_marks; INSERT INTO ticket_backfills VALUES ('marks')";
        execute(&url, old).await;
        assert_eq!(numbers(&store, by("", "", "Groß")).await, [0; 0]);
        database.migrate().await.unwrap();
        assert_eq!(numbers(&store, by("", "", "Groß")).await, [1]);
    })
    .await;
}

/// Runs a case on every store of calls.
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

/// Calls 1 to 5 of one number, a day and a half apart; call 6 of another.
async fn six_calls(store: &impl CallStore) {
    let calls = (1..=6).map(|call: u8| {
        let mut record = answered(5_000);
        record.started_at = crate::calls::at(i64::from(call) * 130_000);
        if call == 6 {
            record.caller = Some(Caller::Given(Personal::new("0211 8371001")));
        }
        report(call, finished(0, record))
    });
    apply(store, 0, calls.collect()).await.unwrap();
}

async fn by_number(
    store: &impl PersonCalls,
    after: Option<PersonCallPlace>,
    most: usize,
) -> Vec<PersonCallPlace> {
    let search = CallsOfNumber {
        keys: vec!["+492214710123".to_owned()],
        after,
        most,
    };
    let calls = store.calls_by(search).await.unwrap();
    calls.iter().map(PersonCallPlace::of).collect()
}

async fn calls_of_a_number_are_paged_whenever_they_were(store: impl CallStore + PersonCalls) {
    six_calls(&store).await;
    let mut paged = Vec::new();
    loop {
        let page = by_number(&store, paged.last().copied(), 2).await;
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    let calls: Vec<u8> = paged.iter().map(|place| place.identity.0[0]).collect();
    assert_eq!(calls, [5, 4, 3, 2, 1]);
    let keys = vec!["+492214710123".to_owned()];
    assert_eq!(store.count_calls_by(keys).await.unwrap(), 5);
    let wanted = vec![Identity([6; 16]), Identity([9; 16])];
    let found = store.calls_of(wanted).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].identity, Identity([6; 16]));
}

#[tokio::test]
async fn calls_of_a_number_are_paged_whenever_they_were_on_every_store() {
    on_calls(
        calls_of_a_number_are_paged_whenever_they_were,
        calls_of_a_number_are_paged_whenever_they_were,
    )
    .await;
}

async fn calls_that_the_house_made_are_found_by_whom_it_called(store: impl CallStore + PersonCalls) {
    let outbound = |dialled: &str, task_type| {
        let mut record = answered(4000);
        record.task_type = task_type;
        record.caller = Some(Caller::Given(Personal::new("0211 4710")));
        record.dialled_address = Some(dialled.to_owned());
        record
    };
    let mut both = outbound("0221/4710123", TaskType::OutboundCall);
    both.caller = Some(Caller::Given(Personal::new("0221 4710123")));
    let records = [
        outbound("0221/4710123", TaskType::OutboundCall),
        outbound("+49 221 4710123", TaskType::Callback),
        // A hotline's own number is nobody's.
        outbound("0221 4710123", TaskType::InboundCall),
        outbound("0221 4710124", TaskType::OutboundCall),
        both,
    ];
    let reports = records.into_iter().zip(1_u8..);
    let reports = reports.map(|(record, number)| report(number, finished(0, record)));
    apply(&store, 0, reports.collect()).await.unwrap();
    let found = by_number(&store, None, 10).await;
    let found: Vec<u8> = found.iter().map(|place| place.identity.0[0]).collect();
    assert_eq!(found, [5, 2, 1]);
    let keys = vec!["+492214710123".to_owned()];
    assert_eq!(store.count_calls_by(keys.clone()).await.unwrap(), 3);
    // What was taken out of the call is not found any more.
    let mut erased = outbound("", TaskType::OutboundCall);
    erased.dialled_address = None;
    apply(&store, 5, vec![report(1, finished(1, erased))])
        .await
        .unwrap();
    assert_eq!(store.count_calls_by(keys).await.unwrap(), 2);
}

#[tokio::test]
async fn calls_that_the_house_made_are_found_by_whom_it_called_on_every_store() {
    on_calls(
        calls_that_the_house_made_are_found_by_whom_it_called,
        calls_that_the_house_made_are_found_by_whom_it_called,
    )
    .await;
}

fn everything(with_restricted: bool) -> CallQuery {
    CallQuery {
        from: crate::calls::at(-1),
        to: crate::calls::at(10_000_000),
        hotline: None,
        source: None,
        status: None,
        number: None,
        agent: None,
        with_restricted,
        order: CallOrder::OldestFirst,
        after: None,
        most: 100,
    }
}

async fn listed(store: &impl CallStore, with_restricted: bool) -> Vec<u8> {
    let calls = store.calls(everything(with_restricted)).await.unwrap();
    calls.iter().map(|call| call.identity.0[0]).collect()
}

async fn visited(store: &impl CallStore) -> Vec<u8> {
    let query = VisitQuery {
        from: crate::calls::at(-1),
        to: crate::calls::at(10_000_000),
        hotlines: Vec::new(),
        task_types: vec![TaskType::InboundCall],
        outcome: None,
        in_queue_ms_max: None,
        order: CallOrder::OldestFirst,
        after: None,
        most: 3,
    };
    let visits = store.visits(query).await.unwrap();
    visits.iter().map(|visit| visit.identity.0[0]).collect()
}

async fn counted(store: &impl CallStore) -> Vec<GroupTally> {
    let from = domain::local_time::day_of(crate::calls::at(0));
    let days = DayRange {
        from,
        to: from + chrono::TimeDelta::days(30),
    };
    store.day_totals(days).await.unwrap()
}

async fn restricted_calls_are_in_no_list_and_stay_counted(store: impl CallStore + PersonCalls) {
    six_calls(&store).await;
    let before = counted(&store).await;
    let two = vec![Identity([2; 16]), Identity([3; 16])];
    let now = crate::calls::at(0);
    assert_eq!(store.restrict_calls(two.clone(), now).await.unwrap(), 2);
    assert_eq!(store.restrict_calls(two.clone(), now).await.unwrap(), 0);
    assert_eq!(listed(&store, false).await, [1, 4, 5, 6]);
    assert_eq!(listed(&store, true).await, [1, 2, 3, 4, 5, 6]);
    // A page is full where there are enough of them.
    assert_eq!(visited(&store).await, [1, 4, 5]);
    assert_eq!(store.call(two[0]).await.unwrap(), None);
    assert_eq!(store.calls_of(two.clone()).await.unwrap().len(), 2);
    assert_eq!(by_number(&store, None, 10).await.len(), 5);
    let all = (1..=6).map(|call| Identity([call; 16])).collect();
    assert_eq!(
        store.restricted_among(all).await.unwrap(),
        two.iter().copied().collect::<BTreeSet<_>>()
    );
    assert_eq!(counted(&store).await, before);
    assert_eq!(store.lift_calls(two.clone()).await.unwrap(), 2);
    assert_eq!(store.lift_calls(two).await.unwrap(), 0);
    assert_eq!(listed(&store, false).await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn restricted_calls_are_in_no_list_and_stay_counted_on_every_store() {
    on_calls(
        restricted_calls_are_in_no_list_and_stay_counted,
        restricted_calls_are_in_no_list_and_stay_counted,
    )
    .await;
}
