//! Booked slots, and tickets whose due time has something to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::booking::{Bookable, BookingRule};
use domain::routing::{RoutingConfig, RoutingTable};
use domain::ticket::{
    Actor, Alarm, Booking, Reopening, Reply, Schedule, Ticket, TicketState, Window, close, erase,
    raise_alarms, rebook, reopen, ticket_id, withdraw,
};
use futures::future::join_all;
use store::StoreError;
use store::tickets::{Logged, NewTicket, TicketFilter, TicketStore};

use crate::tickets::{
    actions, at, current, department, logged, new_ticket, on_every_store, pending, settlement,
};

const SERVICE: &str = "Beratung";

/// The n-th slot of a day.
fn slot(number: i32) -> DateTime<Utc> {
    at(60) + TimeDelta::minutes(15) * number
}

fn routing() -> RoutingTable {
    let departments = ["clearing", "a", "b"].map(|id| domain::routing::Department::new(department(id), id));
    RoutingTable::new(RoutingConfig::of(department("clearing"), departments.into())).unwrap()
}

/// Ticket `number` with slots of department a, two seats each.
fn appointment(number: u8, slots: &[i32]) -> NewTicket {
    let mut new = new_ticket(number);
    let booking = Booking {
        department: department("a"),
        service: SERVICE.to_owned(),
        slots: slots.iter().copied().map(slot).collect(),
    };
    let schedule = Schedule {
        booking: Some(booking),
        ..Schedule::default()
    };
    new.transition.ticket.due_at = schedule.due(new.transition.ticket.due_at);
    new.transition = new.transition.with_schedule(schedule, Some(2));
    new
}

async fn book(store: &dyn TicketStore, number: u8, slots: &[i32]) -> Result<Logged, StoreError> {
    store.log(appointment(number, slots)).await
}

async fn taken(store: &dyn TicketStore) -> BTreeMap<DateTime<Utc>, u32> {
    let of = department("a");
    store
        .seats_taken(&of, " beratung", slot(0), slot(10))
        .await
        .unwrap()
}

fn is_taken(outcome: &Result<Logged, StoreError>, number: i32) -> bool {
    matches!(outcome, Err(StoreError::SlotTaken(at)) if *at == slot(number))
}

async fn an_appointment_and_its_slots_are_written_together(store: Arc<dyn TicketStore>) {
    assert_eq!(book(&*store, 1, &[0, 1]).await.unwrap(), Logged::New);
    assert_eq!(book(&*store, 2, &[1]).await.unwrap(), Logged::New);
    assert_eq!(taken(&*store).await, [(slot(0), 1), (slot(1), 2)].into());
    let refused = book(&*store, 3, &[0, 1]).await;
    assert!(is_taken(&refused, 1), "{refused:?}");
    assert_eq!(store.ticket(&ticket_id(3)).await.unwrap(), None);
    assert_eq!(taken(&*store).await, [(slot(0), 1), (slot(1), 2)].into());
    let repeated = book(&*store, 1, &[0, 1]).await.unwrap();
    assert!(matches!(repeated, Logged::Repeated(_)), "{repeated:?}");
    let ticket = current(&*store, &ticket_id(1)).await;
    assert_eq!(ticket, appointment(1, &[0, 1]).transition.ticket);
    let other = department("b");
    let elsewhere = store.seats_taken(&other, SERVICE, slot(0), slot(10)).await;
    assert_eq!(elsewhere.unwrap(), BTreeMap::new());
}

async fn several_agents_do_not_book_the_last_seat_twice(store: Arc<dyn TicketStore>) {
    for round in 0..5_u8 {
        let number = i32::from(round);
        let agents = (0..6).map(|agent| {
            let store = Arc::clone(&store);
            let ticket = 1 + round * 6 + agent;
            // Half of them want the slot before, too.
            let slots = if agent % 2 == 0 {
                vec![number]
            } else {
                vec![number, number + 1]
            };
            async move { book(&*store, ticket, &slots).await }
        });
        let outcomes = join_all(agents).await;
        let refused =
            |outcome: &&Result<Logged, StoreError>| matches!(outcome, Err(StoreError::SlotTaken(_)));
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(outcomes.iter().filter(refused).count() + won, 6, "{outcomes:?}");
        let taken = taken(&*store).await;
        assert!(taken.values().all(|seats| *seats <= 2), "{taken:?}");
        assert_eq!(taken.get(&slot(number)), Some(&2));
    }
}

async fn move_to(store: &dyn TicketStore, ticket: &Ticket, slots: &[i32]) -> Result<(), StoreError> {
    let rule: BookingRule = serde_json::from_value(serde_json::json!({
        "department": "a",
        "service": SERVICE,
        "hours": { "friday": ["09:00-18:00"] },
        "capacity": 2,
    }))
    .unwrap();
    let bookable = Bookable::new(rule, &[]).unwrap();
    let slots = slots.iter().copied().map(slot).collect();
    let moved = rebook(ticket, &bookable, slots, Actor::System, at(1)).unwrap();
    store.record(moved).await
}

async fn an_appointment_is_moved_at_once_or_not_at_all(store: Arc<dyn TicketStore>) {
    for (number, slots) in [(1, [0, 1]), (2, [2, 3]), (3, [2, 3])] {
        book(&*store, number, &slots).await.unwrap();
    }
    let ticket = current(&*store, &ticket_id(1)).await;
    let refused = move_to(&*store, &ticket, &[1, 2]).await;
    assert!(matches!(refused, Err(StoreError::SlotTaken(at)) if at == slot(2)));
    assert_eq!(current(&*store, &ticket.id).await, ticket);
    assert_eq!(taken(&*store).await.get(&slot(0)), Some(&1));

    move_to(&*store, &ticket, &[1]).await.unwrap();
    assert_eq!(
        taken(&*store).await,
        [(slot(1), 1), (slot(2), 2), (slot(3), 2)].into()
    );
    let moved = current(&*store, &ticket.id).await;
    assert_eq!((moved.due_at, moved.version.0), (slot(1), 2));
    assert_eq!(moved.request.fields().text("slots").lines().count(), 1);
    assert_eq!(actions(&*store, &ticket.id).await, ["logged", "rebooked"]);
}

async fn what_ends_or_goes_elsewhere_frees_its_slots(store: Arc<dyn TicketStore>) {
    book(&*store, 1, &[0]).await.unwrap();
    let ticket = current(&*store, &ticket_id(1)).await;
    let answer = Reply::Answered { note: None };
    store
        .settle_reply(settlement(&ticket, "r1", &answer, 0))
        .await
        .unwrap();
    assert_eq!(taken(&*store).await, [(slot(0), 1)].into());
    let answered = current(&*store, &ticket.id).await;
    store
        .record(close(&answered, at(100), TimeDelta::days(30)).unwrap())
        .await
        .unwrap();
    assert_eq!(taken(&*store).await, BTreeMap::new());

    book(&*store, 2, &[0]).await.unwrap();
    let ticket = current(&*store, &ticket_id(2)).await;
    let returned = Reply::Returned {
        reason: domain::personal::Personal::new("nicht zuständig"),
        suggested_department: Some(department("b")),
    };
    store
        .settle_reply(settlement(&ticket, "r2", &returned, 1))
        .await
        .unwrap();
    assert_eq!(taken(&*store).await, BTreeMap::new());
}

async fn withdrawn_and_erased_tickets_free_their_slots(store: Arc<dyn TicketStore>) {
    let why = || domain::personal::Personal::new("braucht ihn nicht mehr");
    book(&*store, 1, &[0]).await.unwrap();
    let ticket = current(&*store, &ticket_id(1)).await;
    let withdrawn = withdraw(&ticket, why(), Actor::System, at(2)).unwrap();
    store.record(withdrawn).await.unwrap();
    assert_eq!(taken(&*store).await, BTreeMap::new());

    book(&*store, 2, &[0]).await.unwrap();
    let ticket = current(&*store, &ticket_id(2)).await;
    let erased = erase(&ticket, why(), Actor::System, at(3)).unwrap();
    store.record(erased).await.unwrap();
    assert_eq!(taken(&*store).await, BTreeMap::new());
}

async fn slots_that_were_freed_do_not_come_back_with_the_ticket(store: Arc<dyn TicketStore>) {
    book(&*store, 1, &[0]).await.unwrap();
    let ticket = current(&*store, &ticket_id(1)).await;
    let why = || domain::personal::Personal::new("doch");
    let withdrawn = withdraw(&ticket, why(), Actor::System, at(2)).unwrap();
    store.record(withdrawn).await.unwrap();
    book(&*store, 2, &[0]).await.unwrap();
    book(&*store, 3, &[0]).await.unwrap();
    let withdrawn = current(&*store, &ticket.id).await;
    let reopening = Reopening {
        reason: why(),
        call: None,
        actor: Actor::System,
        within: TimeDelta::days(30),
        due_at: at(500),
        at: at(4),
    };
    let reopened = reopen(&withdrawn, reopening, &routing()).unwrap();
    store.record(reopened).await.unwrap();
    let reopened = current(&*store, &ticket.id).await;
    assert_eq!((reopened.held_slots(), reopened.due_at), (None, at(500)));
    assert_eq!(taken(&*store).await, [(slot(0), 2)].into());
}

async fn a_wished_window_is_kept(store: Arc<dyn TicketStore>) {
    let mut new = new_ticket(1);
    let schedule = Schedule {
        wished: Some(Window {
            from: at(60),
            until: at(120),
        }),
        ..Schedule::default()
    };
    new.transition = new.transition.with_schedule(schedule, None);
    assert_eq!(store.log(new.clone()).await.unwrap(), Logged::New);
    assert_eq!(current(&*store, &ticket_id(1)).await, new.transition.ticket);
}

async fn alarming(store: &dyn TicketStore, next: Alarm, due_by: DateTime<Utc>) -> Vec<domain::ids::TicketId> {
    let tickets = store.alarming(next, due_by, 10).await.unwrap();
    tickets.into_iter().map(|ticket| ticket.id).collect()
}

async fn tickets_are_found_by_their_next_alarm(store: Arc<dyn TicketStore>) {
    let day = 24 * 60;
    for number in 1..=3 {
        logged(&*store, number).await;
    }
    assert_eq!(alarming(&*store, Alarm::DueSoon, at(day)).await, []);
    assert_eq!(
        alarming(&*store, Alarm::DueSoon, at(day + 2)).await,
        [ticket_id(1), ticket_id(2)]
    );
    let first = current(&*store, &ticket_id(1)).await;
    let raised = raise_alarms(&first, &routing(), at(day - 60)).unwrap();
    store.record(raised.clone()).await.unwrap();
    assert!(
        matches!(store.record(raised).await, Err(StoreError::Conflict(_))),
        "whoever decided on the same state writes nothing"
    );
    assert_eq!(
        alarming(&*store, Alarm::DueSoon, at(day + 2)).await,
        [ticket_id(2)]
    );
    assert_eq!(
        alarming(&*store, Alarm::Overdue, at(day + 2)).await,
        [ticket_id(1)]
    );
    assert_eq!(pending(&*store, "a", 1).await.hand_overs.len(), 3);
    assert_eq!(
        store.overdue(at(day + 3)).await.unwrap(),
        [(department("a"), 2)].into()
    );

    let first = current(&*store, &ticket_id(1)).await;
    let last = raise_alarms(&first, &routing(), at(day + 9)).unwrap();
    assert_eq!(last.ticket.state, TicketState::Open);
    store.record(last).await.unwrap();
    for next in Alarm::ALL {
        assert!(
            !alarming(&*store, *next, at(9 * day))
                .await
                .contains(&ticket_id(1))
        );
    }
    let second = current(&*store, &ticket_id(2)).await;
    let answer = Reply::Answered { note: None };
    store
        .settle_reply(settlement(&second, "r1", &answer, 0))
        .await
        .unwrap();
    assert_eq!(
        alarming(&*store, Alarm::DueSoon, at(9 * day)).await,
        [ticket_id(3)]
    );
    assert_eq!(
        store.overdue(at(9 * day)).await.unwrap(),
        [(department("a"), 2)].into()
    );
}

async fn listed(store: &dyn TicketStore, filter: TicketFilter) -> Vec<domain::ids::TicketId> {
    let filter = TicketFilter {
        due_before: Some(DateTime::<Utc>::MAX_UTC),
        most: 10,
        ..filter
    };
    let mut listed = store.listed(filter.clone()).await.unwrap();
    listed.sort_unstable();
    let tickets = store.list(filter).await.unwrap();
    let ids: Vec<_> = tickets.into_iter().map(|ticket| ticket.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(listed, sorted);
    ids
}

async fn what_is_escalated_or_was_returned_is_listed_while_an_answer_is_owed(store: Arc<dyn TicketStore>) {
    let day = 24 * 60;
    for number in 1..=3 {
        logged(&*store, number).await;
    }
    let why = || domain::personal::Personal::new("nicht unser Bescheid");
    let escalated = || TicketFilter {
        escalated: true,
        ..TicketFilter::default()
    };
    let returned = || TicketFilter {
        returned: true,
        ..TicketFilter::default()
    };
    assert_eq!(listed(&*store, escalated()).await, []);
    assert_eq!(listed(&*store, returned()).await, []);

    let first = current(&*store, &ticket_id(1)).await;
    let raised = raise_alarms(&first, &routing(), at(day + 9)).unwrap();
    store.record(raised).await.unwrap();
    let second = current(&*store, &ticket_id(2)).await;
    let back = Reply::Returned {
        reason: why(),
        suggested_department: Some(department("b")),
    };
    let settled = settlement(&second, "r1", &back, 0);
    store.settle_reply(settled).await.unwrap();
    assert_eq!(listed(&*store, escalated()).await, [ticket_id(1)]);
    assert_eq!(listed(&*store, returned()).await, [ticket_id(2)]);
    let of_a = TicketFilter {
        department: Some(department("a")),
        ..returned()
    };
    assert_eq!(listed(&*store, of_a).await, []);
    assert_eq!(
        listed(&*store, TicketFilter::default()).await,
        [1, 2, 3].map(ticket_id)
    );

    for number in [1, 2] {
        let ticket = current(&*store, &ticket_id(number)).await;
        let over = withdraw(&ticket, why(), Actor::System, at(day + 10)).unwrap();
        store.record(over).await.unwrap();
    }
    assert_eq!(listed(&*store, escalated()).await, []);
    assert_eq!(listed(&*store, returned()).await, []);
    assert_eq!(listed(&*store, TicketFilter::default()).await, [ticket_id(3)]);
}

macro_rules! cases {
    ($($case:ident,)+) => {
        mod on_stores {
            $(#[tokio::test]
            async fn $case() {
                super::on_every_store(super::$case).await;
            })+
        }
    };
}

cases! {
    an_appointment_and_its_slots_are_written_together,
    several_agents_do_not_book_the_last_seat_twice,
    an_appointment_is_moved_at_once_or_not_at_all,
    what_ends_or_goes_elsewhere_frees_its_slots,
    withdrawn_and_erased_tickets_free_their_slots,
    slots_that_were_freed_do_not_come_back_with_the_ticket,
    a_wished_window_is_kept,
    tickets_are_found_by_their_next_alarm,
    what_is_escalated_or_was_returned_is_listed_while_an_answer_is_owed,
}
