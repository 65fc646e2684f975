//! What every store does after a restore, and what it tells so that a restore can do again what came after its backup.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::{Identity, TicketId};
use domain::personal::Personal;
use domain::service_time::{DuePolicy, ServiceCalendar};
use domain::ticket::{Actor, Transition, close_by_hand, erase, lift, restrict, ticket_id};
use store::backups::{ActedOn, ActsOfRight, RestoreStore, Restored, VERSIONS_RAISED};
use store::persons::PersonCalls;
use store::postgres::{PostgresCalls, PostgresTickets};
use store::sqlite::{SqliteCalls, SqliteTickets};
use store::tickets::{LeaseName, TicketStore};

use crate::postgres::on_a_database;
use crate::tickets::{at, current, department, keys, logged, pending};

fn so() -> Personal {
    Personal::new("so")
}

fn restored(minute: i64) -> Restored {
    Restored {
        backup: "B-1".to_owned(),
        made_at: at(0),
        restored_at: at(minute),
    }
}

async fn record(store: &impl TicketStore, change: Transition) {
    store.record(change).await.unwrap();
}

async fn what_departments_have_is_handed_over_anew_as_the_newest(
    store: impl TicketStore + RestoreStore,
    settle: impl AsyncFn(Restored),
) {
    let open = logged(&store, 1).await;
    let restricted = logged(&store, 2).await;
    let closed = logged(&store, 3).await;
    let erased = logged(&store, 4).await;
    let stays = TimeDelta::days(30);
    record(
        &store,
        restrict(&restricted, so(), Actor::System, at(10)).unwrap(),
    )
    .await;
    record(
        &store,
        close_by_hand(&closed, so(), Actor::System, at(10), stays).unwrap(),
    )
    .await;
    record(&store, erase(&erased, so(), Actor::System, at(10)).unwrap()).await;
    let due = pending(&store, "a", 20).await;
    assert_eq!(due.hand_overs.len(), 4);
    store.mark_published(keys(&due), at(20)).await.unwrap();
    assert_eq!(pending(&store, "a", 21).await.hand_overs.len(), 0);
    let lease = [LeaseName::erasures()];
    assert_eq!(
        store
            .take_leases(&lease, "one", at(20), at(21))
            .await
            .unwrap()
            .len(),
        1
    );
    let before = current(&store, &open.id).await;

    settle(restored(30)).await;
    let after = current(&store, &open.id).await;
    let raised = u32::try_from(VERSIONS_RAISED).unwrap();
    assert_eq!(after.version.0, before.version.0 + raised);
    let due = pending(&store, "a", 31).await;
    let again: BTreeSet<TicketId> = keys(&due).into_iter().map(|key| key.ticket).collect();
    // What is closed stays on the topic until its tombstone; the others were told for the last time.
    assert_eq!(
        again,
        BTreeSet::from([open.id.clone(), closed.id.clone(), erased.id.clone()])
    );
    assert!(keys(&due).iter().all(|key| key.version.0 > raised));
    let taken = store.take_leases(&lease, "two", at(20), at(21)).await.unwrap();
    assert_eq!(taken.len(), 1, "nobody of before holds anything");
}

async fn a_topic_is_compared_once_a_restore(
    store: impl TicketStore + RestoreStore,
    settle: impl AsyncFn(Restored),
) {
    let unchecked = async |id: &str| store.unchecked_topic(&department(id)).await.unwrap();
    assert_eq!(unchecked("a").await, None, "nothing was restored");
    settle(restored(30)).await;
    assert_eq!(
        (unchecked("a").await, unchecked("b").await),
        (Some(at(30)), Some(at(30)))
    );
    store.mark_topic_checked(&department("a"), at(30)).await.unwrap();
    store.mark_topic_checked(&department("a"), at(30)).await.unwrap();
    assert_eq!((unchecked("a").await, unchecked("b").await), (None, Some(at(30))));
    settle(restored(40)).await;
    assert_eq!(unchecked("a").await, Some(at(40)));
    // Whoever compared for the restore before has not seen this one.
    store.mark_topic_checked(&department("b"), at(30)).await.unwrap();
    assert_eq!(unchecked("b").await, Some(at(40)));
}

async fn what_belongs_on_a_topic_is_told_from_what_does_not(
    store: impl TicketStore + RestoreStore,
    _: impl AsyncFn(Restored),
) {
    let open = logged(&store, 1).await;
    let erased = logged(&store, 2).await;
    record(&store, erase(&erased, so(), Actor::System, at(10)).unwrap()).await;
    let unknown = ticket_id(9);
    let asked = vec![open.id.clone(), erased.id.clone(), unknown.clone()];
    let belonging = async |id: &str| store.belonging(&department(id), asked.clone()).await.unwrap();
    let both = BTreeSet::from([open.id.clone(), erased.id.clone()]);
    assert_eq!(
        belonging("a").await,
        both,
        "the message that it was erased stays until its tombstone"
    );
    assert_eq!(belonging("b").await, BTreeSet::new());
    assert_eq!(
        store.belonging(&department("a"), Vec::new()).await.unwrap(),
        BTreeSet::new()
    );
}

async fn tickets_that_were_acted_on_by_right_are_found(
    store: impl TicketStore + RestoreStore + ActsOfRight,
    settle: impl AsyncFn(Restored),
) {
    let first = logged(&store, 1).await;
    let second = logged(&store, 2).await;
    let erased = logged(&store, 3).await;
    logged(&store, 4).await;
    for ticket in [&first, &second, &erased] {
        record(&store, restrict(ticket, so(), Actor::System, at(10)).unwrap()).await;
    }
    let now = current(&store, &second.id).await;
    let calendar = ServiceCalendar::default();
    let promise = (&calendar, DuePolicy::default());
    record(&store, lift(&now, so(), Actor::System, at(20), promise).unwrap()).await;
    let now = current(&store, &erased.id).await;
    record(&store, erase(&now, so(), Actor::System, at(20)).unwrap()).await;
    let acted = |ticket: &TicketId, minute, number| ActedOn {
        ticket: ticket.clone(),
        at: at(minute),
        number,
    };
    let mut all = vec![acted(&first.id, 10, 2), acted(&second.id, 20, 3)];
    all.sort_by(|one, other| one.ticket.cmp(&other.ticket));
    assert_eq!(store.acted_on(at(10), None, 10).await.unwrap(), all);
    assert_eq!(store.acted_on(at(0), None, 1).await.unwrap(), all[..1]);
    let behind = Some(all[0].ticket.clone());
    assert_eq!(store.acted_on(at(0), behind, 10).await.unwrap(), all[1..]);
    let late = store.acted_on(at(11), None, 10).await.unwrap();
    assert_eq!(late, [acted(&second.id, 20, 3)]);
    let asked = vec![first.id.clone(), erased.id.clone(), ticket_id(9)];
    assert_eq!(
        store.erased_among(asked).await.unwrap(),
        BTreeSet::from([erased.id.clone()])
    );
    // A restore changes versions, and not what was done.
    settle(restored(30)).await;
    assert_eq!(store.acted_on(at(0), None, 10).await.unwrap(), all);
}

macro_rules! on_tickets {
    ($($case:ident,)+) => {
        mod on_every_store {
            use super::*;

            $(#[tokio::test]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("tickets.db");
                let store = SqliteTickets::open(&file).unwrap();
                let other = SqliteTickets::open(&file).unwrap();
                super::$case(store, async |restored| other.settle_restore(restored).await.unwrap()).await;
                on_a_database(|database| async move {
                    let store = PostgresTickets::connect(&database).await.unwrap();
                    let other = PostgresTickets::of_restore(&database);
                    super::$case(store, async |restored| other.settle_restore(restored).await.unwrap()).await;
                })
                .await;
            })+
        }
    };
}

on_tickets! {
    what_departments_have_is_handed_over_anew_as_the_newest,
    a_topic_is_compared_once_a_restore,
    what_belongs_on_a_topic_is_told_from_what_does_not,
    tickets_that_were_acted_on_by_right_are_found,
}

async fn restricted_calls_are_listed(store: Arc<dyn PersonCalls>) {
    let calls: Vec<Identity> = (1..=5).map(|number| Identity([number; 16])).collect();
    store.restrict_calls(calls[..3].to_vec(), at(1)).await.unwrap();
    store.restrict_calls(calls[2..].to_vec(), at(2)).await.unwrap();
    store.lift_calls(vec![calls[0]]).await.unwrap();
    let all: Vec<(Identity, DateTime<Utc>)> = vec![
        (calls[1], at(1)),
        (calls[2], at(1)),
        (calls[3], at(2)),
        (calls[4], at(2)),
    ];
    assert_eq!(store.restricted(None, 10).await.unwrap(), all);
    assert_eq!(store.restricted(None, 2).await.unwrap(), all[..2]);
    assert_eq!(store.restricted(Some(calls[2]), 10).await.unwrap(), all[2..]);
}

#[tokio::test]
async fn restricted_calls_are_listed_on_every_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteCalls::open(&folder.path().join("calls.db")).unwrap();
    restricted_calls_are_listed(Arc::new(store)).await;
    on_a_database(|database| async move {
        restricted_calls_are_listed(Arc::new(PostgresCalls::connect(&database).await.unwrap())).await;
    })
    .await;
}
