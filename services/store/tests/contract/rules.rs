//! Versions of the rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::rulebook::RulesVersion;
use store::StoreError;
use store::rules::{AppliedRules, RuleStore, RulesEntry};
use store::sqlite::SqliteTickets;

use crate::postgres::on_a_database;
use crate::tickets::at;

async fn on_every_store<F: Future<Output = ()>>(case: impl Fn(Arc<dyn RuleStore>) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = SqliteTickets::open(&folder.path().join("tickets.db")).unwrap();
    case(Arc::new(sqlite)).await;
    on_a_database(|database| async move {
        let postgres = store::postgres::PostgresTickets::connect(&database).await;
        case(Arc::new(postgres.unwrap())).await;
    })
    .await;
}

fn rules(version: u32) -> AppliedRules {
    AppliedRules {
        entry: RulesEntry {
            version: RulesVersion(version),
            at: at(i64::from(version)),
            by: "Jörg".to_owned(),
            note: format!("Fassung {version}"),
            digest: [version as u8; 32],
        },
        documents: BTreeMap::from([("routing.toml".to_owned(), format!("# Grüße {version}"))]),
    }
}

async fn versions_are_kept_in_their_order(store: Arc<dyn RuleStore>) {
    assert_eq!(store.newest_rules().await.unwrap(), None);
    for version in 1..=3 {
        assert!(!store.were_applied([version as u8; 32]).await.unwrap());
        store.apply_rules(rules(version)).await.unwrap();
        assert!(store.were_applied([version as u8; 32]).await.unwrap());
    }
    assert_eq!(store.newest_rules().await.unwrap(), Some(RulesVersion(3)));
    assert_eq!(store.rules(RulesVersion(2)).await.unwrap(), Some(rules(2)));
    assert_eq!(store.rules(RulesVersion(4)).await.unwrap(), None);
    assert_eq!(store.rules(RulesVersion(u32::MAX)).await.unwrap(), None);
    let first = store.rules_history(None, 2).await.unwrap();
    assert_eq!(first, [rules(3).entry, rules(2).entry]);
    let rest = store.rules_history(Some(RulesVersion(2)), 2).await.unwrap();
    assert_eq!(rest, [rules(1).entry]);
}

async fn whoever_is_late_or_leaves_a_gap_applies_nothing(store: Arc<dyn RuleStore>) {
    store.apply_rules(rules(1)).await.unwrap();
    for version in [1, 3] {
        let refused = store.apply_rules(rules(version)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Conflict(_)), "{refused}");
    }
    // The same documents again are a version of their own: that is how one goes back.
    let mut again = rules(2);
    again.entry.digest = rules(1).entry.digest;
    store.apply_rules(again.clone()).await.unwrap();
    assert_eq!(store.rules(RulesVersion(2)).await.unwrap(), Some(again));
}

async fn of_many_at_once_each_version_has_one(store: Arc<dyn RuleStore>) {
    let apply = |_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.apply_rules(rules(1)).await.is_ok() })
    };
    let applying: Vec<_> = (0..8).map(apply).collect();
    let mut applied = 0;
    for one in applying {
        applied += usize::from(one.await.unwrap());
    }
    assert_eq!(applied, 1);
    assert_eq!(store.newest_rules().await.unwrap(), Some(RulesVersion(1)));
}

#[tokio::test]
async fn versions_are_kept_in_their_order_on_every_store() {
    on_every_store(versions_are_kept_in_their_order).await;
}

#[tokio::test]
async fn whoever_is_late_or_leaves_a_gap_applies_nothing_on_every_store() {
    on_every_store(whoever_is_late_or_leaves_a_gap_applies_nothing).await;
}

#[tokio::test]
async fn of_many_at_once_each_version_has_one_on_every_store() {
    on_every_store(of_many_at_once_each_version_has_one).await;
}
