//! The access log: whole for a short time, counted for good.

use std::sync::Arc;

use chrono::Days;
use store::access_log::{Access, AccessCount, AccessFilter, AccessLogStore, NetworkCount};
use store::postgres::PostgresAccess;
use store::sqlite::SqliteAccess;

use crate::postgres::on_a_database;
use crate::tickets::at;

type Store = Arc<dyn AccessLogStore>;

async fn on_every_store<F: Future<Output = ()>>(case: impl Fn(Store) -> F) {
    let folder = tempfile::tempdir().unwrap();
    case(Arc::new(
        SqliteAccess::open(&folder.path().join("access.db")).unwrap(),
    ))
    .await;
    on_a_database(|database| async move {
        case(Arc::new(PostgresAccess::connect(&database).await.unwrap())).await;
    })
    .await;
}

pub(crate) fn access(second: i64, outcome: &str, last: u8) -> Access {
    Access {
        at: at(second),
        resource: "/vorgaenge/{ticket}".to_owned(),
        action: "GET".to_owned(),
        outcome: outcome.to_owned(),
        bytes: 100,
        address: format!("192.0.2.{last}"),
        network: "192.0.2.0/24".to_owned(),
        client: "Läufer\0".to_owned(),
    }
}

fn all() -> AccessFilter {
    AccessFilter {
        from: at(0),
        to: None,
        resource: None,
        outcome: None,
        before: None,
        most: 100,
    }
}

async fn counts(store: &Store) -> Vec<AccessCount> {
    let day = at(0).date_naive();
    store
        .access_counts(day - Days::new(2), day + Days::new(3), 100)
        .await
        .unwrap()
}

async fn accesses_are_listed_and_counted(store: Store) {
    let first = vec![access(1, "200", 1), access(2, "403", 2)];
    store.note_accesses(first).await.unwrap();
    store.note_accesses(vec![access(3, "200", 3)]).await.unwrap();
    store.note_accesses(Vec::new()).await.unwrap();
    let listed = store.accesses(all()).await.unwrap();
    let addresses: Vec<&str> = listed.iter().map(|noted| noted.access.address.as_str()).collect();
    assert_eq!(addresses, ["192.0.2.3", "192.0.2.2", "192.0.2.1"]);
    let found = |filter: AccessFilter| {
        let store = Arc::clone(&store);
        async move { store.accesses(filter).await.unwrap().len() }
    };
    let refused = AccessFilter {
        outcome: Some("403".to_owned()),
        ..all()
    };
    assert_eq!(found(refused).await, 1);
    let page = AccessFilter {
        before: Some(listed[0].number),
        most: 1,
        ..all()
    };
    assert_eq!(store.accesses(page).await.unwrap(), listed[1..2]);
    let between = AccessFilter {
        from: at(2),
        to: Some(at(3)),
        resource: Some("/vorgaenge/{ticket}".to_owned()),
        ..all()
    };
    assert_eq!(found(between).await, 1);
    let counts = counts(&store).await;
    let told: Vec<_> = counts
        .iter()
        .map(|it| (it.outcome.as_str(), it.accesses, it.bytes))
        .collect();
    assert_eq!(told, [("200", 2, 200), ("403", 1, 100)]);
    let networks = store.access_networks(at(0), 10).await.unwrap();
    let expected = NetworkCount {
        network: "192.0.2.0/24".to_owned(),
        accesses: 3,
        refused: 1,
    };
    assert_eq!(networks, [expected]);
}

async fn what_is_forgotten_stays_counted(store: Store) {
    let accesses = (1..=10).map(|second| access(second, "200", 1)).collect();
    store.note_accesses(accesses).await.unwrap();
    let before = counts(&store).await;
    assert_eq!(store.forget_accesses(at(6), 3).await.unwrap(), 3);
    assert_eq!(store.forget_accesses(at(6), 3).await.unwrap(), 2);
    assert_eq!(store.forget_accesses(at(6), 3).await.unwrap(), 0);
    store.wipe_accesses().await.unwrap();
    let left = store.accesses(all()).await.unwrap();
    assert!(left.len() == 5 && left.iter().all(|noted| noted.access.at >= at(6)));
    assert_eq!(counts(&store).await, before);
    assert_eq!(before[0].accesses, 10);
}

#[tokio::test]
async fn accesses_are_listed_by_what_they_say_and_counted_without_addresses() {
    on_every_store(accesses_are_listed_and_counted).await;
}

#[tokio::test]
async fn accesses_are_forgotten_and_stay_counted() {
    on_every_store(what_is_forgotten_stays_counted).await;
}
