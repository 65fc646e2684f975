//! Restricted tickets, who was told, and cases.

use std::future::Future;

use chrono::NaiveDate;
use domain::ids::DepartmentId;
use domain::personal::Personal;
use domain::privacy::{Case, CaseKind, CaseOutcome, Stamp};
use domain::service_time::{DuePolicy, ServiceCalendar};
use domain::ticket::{Actor, Reply, Ticket, ToldOf, close, erase, lift, restrict};
use store::StoreError;
use store::cases::{CaseQuery, CaseStore, KeptCase, NewCase, OpenedCase};
use store::mails::MailStore;
use store::postgres::{PostgresAccess, PostgresTickets};
use store::recipients::{RecipientQuery, RecipientStore};
use store::sqlite::{SqliteAccess, SqliteTickets};
use store::tickets::{Citizen, CitizenSearch, HandOverContent, TicketFilter, TicketStore};

use crate::postgres::on_a_database;
use crate::tickets::{actions, at, current, logged, pending, settlement};

fn so() -> Personal {
    Personal::new("bestritten")
}

async fn listed(store: &impl TicketStore) -> usize {
    let filter = || TicketFilter {
        most: 10,
        ..TicketFilter::default()
    };
    let due = TicketFilter {
        due_before: Some(at(100_000)),
        ..filter()
    };
    let found = store.find(CitizenSearch {
        citizen: Citizen::by_phone("0221 4710123"),
        settled_since: None,
        after: None,
        most: 10,
    });
    let counts = [
        store.list(filter()).await.unwrap().len(),
        store.listed(filter()).await.unwrap().len(),
        store.list(due).await.unwrap().len(),
        found.await.unwrap().len(),
    ];
    assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    counts[0]
}

async fn a_restricted_ticket_is_in_no_list(store: impl TicketStore + RecipientStore + MailStore) {
    let ticket = logged(&store, 1).await;
    let other = logged(&store, 2).await;
    let restricted = restrict(&ticket, so(), Actor::System, at(10)).unwrap();
    store.record(restricted).await.unwrap();
    assert_eq!(listed(&store).await, 1);
    let now = current(&store, &ticket.id).await;
    assert!(now.is_restricted());
    let told = pending(&store, "a", 11).await.hand_overs;
    let of_ticket: Vec<_> = told.iter().filter(|it| it.key.ticket == ticket.id).collect();
    assert_eq!(of_ticket.len(), 1);
    assert_eq!(of_ticket[0].content, HandOverContent::Restricted(at(10)));
    // Once it is told, the ticket is where it was.
    let keys = told.iter().map(|it| it.key.clone()).collect();
    store.mark_published(keys, at(12)).await.unwrap();
    assert_eq!(current(&store, &ticket.id).await.state, ticket.state);
    assert_eq!(actions(&store, &ticket.id).await, ["logged", "restricted"]);
    let alarms = store.overdue(at(100_000)).await.unwrap();
    assert_eq!(alarms.values().sum::<u32>(), 1);

    let now = current(&store, &ticket.id).await;
    let calendar = ServiceCalendar::default();
    let promise = (&calendar, DuePolicy::default());
    store
        .record(lift(&now, so(), Actor::System, at(13), promise).unwrap())
        .await
        .unwrap();
    assert_eq!(listed(&store).await, 2);
    let told = pending(&store, "a", 14).await.hand_overs;
    assert!(matches!(told[0].content, HandOverContent::Current(_)));
    assert_eq!(current(&store, &other.id).await.version, other.version);
}

async fn an_answered_ticket_that_is_restricted_is_not_closed(
    store: impl TicketStore + RecipientStore + MailStore,
) {
    let ticket = logged(&store, 1).await;
    let answered = settlement(&ticket, "r1", &Reply::Answered { note: None }, 0);
    store.settle_reply(answered).await.unwrap();
    let ticket = current(&store, &ticket.id).await;
    let stays = chrono::TimeDelta::days(30);
    assert!(close(&ticket, at(100), stays).is_some());
    store
        .record(restrict(&ticket, so(), Actor::System, at(10)).unwrap())
        .await
        .unwrap();
    let department = DepartmentId::new("a");
    let ended = store.ended_before(&department, at(100_000), 10).await.unwrap();
    assert_eq!(ended, []);
    assert_eq!(close(&current(&store, &ticket.id).await, at(100), stays), None);
}

/// Who has not confirmed: department and what of.
async fn waiting(store: &impl RecipientStore) -> Vec<(String, &'static str)> {
    let query = RecipientQuery {
        waiting: true,
        most: 10,
        ..RecipientQuery::default()
    };
    let found = store.recipients(query).await.unwrap();
    let named = found.into_iter();
    named
        .map(|it| (it.place.department.to_string(), it.place.of.name()))
        .collect()
}

async fn whoever_was_told_is_kept_until_it_is_confirmed(
    store: impl TicketStore + RecipientStore + MailStore,
) {
    let ticket = logged(&store, 1).await;
    store
        .record(restrict(&ticket, so(), Actor::System, at(10)).unwrap())
        .await
        .unwrap();
    assert_eq!(waiting(&store).await, [("a".to_owned(), "restricted")]);
    for (department, waits) in [("a", 1), ("b", 0)] {
        let of_department = RecipientQuery {
            department: Some(DepartmentId::new(department)),
            waiting: true,
            most: 10,
            ..RecipientQuery::default()
        };
        let found = store.recipients(of_department).await.unwrap();
        assert_eq!(found.len(), waits, "{department}");
    }
    let now = current(&store, &ticket.id).await;
    store
        .settle_reply(settlement(&now, "r1", &Reply::RestrictionConfirmed, 0))
        .await
        .unwrap();
    assert_eq!(waiting(&store).await, []);
    let all = RecipientQuery {
        ticket: Some(ticket.id.clone()),
        most: 10,
        ..RecipientQuery::default()
    };
    let kept = store.recipients(all).await.unwrap();
    assert_eq!(
        (kept.len(), kept[0].by_hand, kept[0].place.of),
        (1, false, ToldOf::Restricted)
    );
    assert!(kept[0].confirmed_at.is_some());
    // An erasure is to be confirmed anew.
    let now: Ticket = current(&store, &ticket.id).await;
    store
        .record(erase(&now, so(), Actor::System, at(20)).unwrap())
        .await
        .unwrap();
    assert_eq!(waiting(&store).await, [("a".to_owned(), "erased")]);
    let late = RecipientQuery {
        waiting: true,
        told_before: Some(at(20)),
        most: 10,
        ..RecipientQuery::default()
    };
    assert_eq!(store.recipients(late).await.unwrap(), []);
}

macro_rules! on_tickets {
    ($($case:ident,)+) => {
        mod on_every_store {
            use super::*;

            $(#[tokio::test]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                let store = SqliteTickets::open(&folder.path().join("tickets.db")).unwrap();
                super::$case(store).await;
                on_a_database(|database| async move {
                    super::$case(PostgresTickets::connect(&database).await.unwrap()).await;
                })
                .await;
            })+
        }
    };
}

on_tickets! {
    a_restricted_ticket_is_in_no_list,
    an_answered_ticket_that_is_restricted_is_not_closed,
    whoever_was_told_is_kept_until_it_is_confirmed,
}

fn stamp() -> Stamp {
    Stamp {
        at: at(0),
        by: "anna".to_owned(),
    }
}

fn new_case(received_on: NaiveDate, key: &str) -> NewCase {
    let mut case = Case::open(CaseKind::Access, received_on, stamp()).unwrap();
    case.marks = vec![format!("mark of {key}")];
    NewCase {
        case,
        idempotency_key: key.to_owned(),
        requested: [1; 32],
    }
}

async fn numbers(store: &impl CaseStore, query: CaseQuery) -> Vec<i64> {
    let found = store.cases(query).await.unwrap();
    found.iter().map(|kept| kept.number).collect()
}

async fn cases_come_by_due_day_and_are_changed_once(store: impl CaseStore) {
    let today = domain::local_time::day_of(at(0));
    let later = new_case(today, "one");
    let sooner = new_case(today - chrono::TimeDelta::days(10), "two");
    assert_eq!(store.open_case(later.clone()).await.unwrap(), OpenedCase::New(1));
    let OpenedCase::New(second) = store.open_case(sooner).await.unwrap() else {
        panic!("not opened")
    };
    let first = KeptCase {
        number: 1,
        revision: 1,
        case: later.case.clone(),
    };
    assert_eq!(
        store.open_case(later.clone()).await.unwrap(),
        OpenedCase::Repeated(Box::new(first.clone()))
    );
    let other = NewCase {
        requested: [2; 32],
        ..later
    };
    assert_eq!(store.open_case(other).await.unwrap(), OpenedCase::KeyTaken);
    let open = CaseQuery {
        open: true,
        most: 10,
        ..CaseQuery::default()
    };
    assert_eq!(numbers(&store, open.clone()).await, [second, 1]);
    let page = CaseQuery {
        most: 1,
        ..open.clone()
    };
    let head = store.cases(page.clone()).await.unwrap().remove(0);
    let after = Some((head.case.due_on, head.number));
    assert_eq!(numbers(&store, CaseQuery { after, ..page }).await, [1]);
    let of_one = CaseQuery {
        marks: vec!["mark of one".to_owned()],
        most: 10,
        ..CaseQuery::default()
    };
    assert_eq!(numbers(&store, of_one).await, [1]);

    let mut decided = first.clone();
    decided.case.decide(stamp(), CaseOutcome::Dropped, "").unwrap();
    store.change_case(decided.clone()).await.unwrap();
    let stale = store.change_case(decided.clone()).await;
    assert!(matches!(stale, Err(StoreError::Conflict(_))), "{stale:?}");
    let kept = store.case(1).await.unwrap().unwrap();
    assert_eq!((kept.revision, &kept.case), (2, &decided.case));
    assert_eq!(numbers(&store, open).await, [second]);
    let all = CaseQuery {
        most: 10,
        ..CaseQuery::default()
    };
    assert_eq!(numbers(&store, all).await, [second, 1]);
    assert_eq!(store.case(99).await.unwrap(), None);
}

async fn on_access<F: Future<Output = ()>, G: Future<Output = ()>>(
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

#[tokio::test]
async fn cases_come_by_due_day_and_are_changed_once_on_every_store() {
    on_access(
        cases_come_by_due_day_and_are_changed_once,
        cases_come_by_due_day_and_are_changed_once,
    )
    .await;
}

async fn a_case_of_after_a_backup_comes_back_under_its_number(store: impl CaseStore) {
    let today = domain::local_time::day_of(at(0));
    let known = new_case(today, "one");
    assert_eq!(store.open_case(known.clone()).await.unwrap(), OpenedCase::New(1));
    let kept = |number, revision, case: &Case| KeptCase {
        number,
        revision,
        case: case.clone(),
    };
    let mut changed = known.case.clone();
    changed.decide(stamp(), CaseOutcome::Dropped, "").unwrap();
    assert!(store.bring_back_case(kept(1, 3, &changed)).await.unwrap());
    assert!(
        !store.bring_back_case(kept(1, 3, &changed)).await.unwrap(),
        "once"
    );
    assert!(
        !store.bring_back_case(kept(1, 2, &known.case)).await.unwrap(),
        "not an older one"
    );
    assert_eq!(store.case(1).await.unwrap().unwrap(), kept(1, 3, &changed));
    let later = new_case(today, "seven").case;
    assert!(store.bring_back_case(kept(7, 2, &later)).await.unwrap());
    assert!(!store.bring_back_case(kept(7, 2, &later)).await.unwrap());
    let by_mark = CaseQuery {
        open: true,
        marks: later.marks.clone(),
        most: 10,
        ..CaseQuery::default()
    };
    assert_eq!(numbers(&store, by_mark).await, [7], "it is found, and open");
    let mut other = later.clone();
    other.opened.at = at(5);
    let refused = store.bring_back_case(kept(7, 9, &other)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let next = store.open_case(new_case(today, "next")).await.unwrap();
    assert_eq!(next, OpenedCase::New(8), "behind those that came back");
    let mut now = store.case(7).await.unwrap().unwrap();
    now.case.decide(stamp(), CaseOutcome::Dropped, "").unwrap();
    store.change_case(now).await.unwrap();
}

#[tokio::test]
async fn a_case_of_after_a_backup_comes_back_under_its_number_on_every_store() {
    on_access(
        a_case_of_after_a_backup_comes_back_under_its_number,
        a_case_of_after_a_backup_comes_back_under_its_number,
    )
    .await;
}
