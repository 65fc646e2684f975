//! What every [`CallStore`](store::calls::CallStore) must do with items that could not be counted.

use domain::ids::{Identity, ImportRun, RowDigest, SourceName};
use domain::report::CallReport;
use store::rejected::{Discard, ReadAgain, RejectedCount, RejectedItem, RejectedQuery};

use crate::calls::{answered, apply, at, finished, on_every_store, report};

fn item(n: u8) -> RejectedItem {
    RejectedItem {
        id: Identity([n; 16]),
        source: SourceName::new("test"),
        run: ImportRun::new("run-1"),
        received_at: at(i64::from(n)),
        position: format!("line {n}"),
        field: "started_at".to_owned(),
        reason: "no such date".to_owned(),
        payload: vec![0xfc, 0, n],
        again: ReadAgain {
            format: "hotline-export".to_owned(),
            context: b"Zeitstempel".to_vec(),
            row: Some((RowDigest([n; 32]), u32::from(n))),
        },
        discard: None,
    }
}

fn all() -> RejectedQuery {
    RejectedQuery {
        most: 100,
        ..RejectedQuery::default()
    }
}

fn discard() -> Discard {
    Discard {
        at: at(500),
        by: "Kim".to_owned(),
        reason: "a test call".to_owned(),
    }
}

/// A record of a row without an id, under the identity of an item.
fn repaired(n: u8) -> CallReport {
    CallReport {
        call_id: None,
        ..report(n, finished(0, answered(5_000)))
    }
}

#[tokio::test]
async fn rejected_items_are_kept_once_and_paged() {
    on_every_store(|store| async move {
        store.keep_rejected((1..=3).map(item).collect()).await.unwrap();
        store.keep_rejected((2..=4).map(item).collect()).await.unwrap();
        let page = |after| RejectedQuery {
            after,
            most: 3,
            ..all()
        };
        let first = store.rejected(page(None)).await.unwrap();
        assert_eq!(first, [item(4), item(3), item(2)]);
        let second = store.rejected(page(Some((at(2), Identity([2; 16]))))).await;
        assert_eq!(second.unwrap(), [item(1)]);
        assert_eq!(
            store.rejected_item(Identity([3; 16])).await.unwrap(),
            Some(item(3))
        );
        assert_eq!(store.rejected_item(Identity([9; 16])).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn rejected_items_are_found_by_source_reason_and_time_and_counted() {
    on_every_store(|store| async move {
        let other = RejectedItem {
            source: SourceName::new("other"),
            field: "task_type".to_owned(),
            reason: "\"Brieftaube\" is not known".to_owned(),
            ..item(3)
        };
        store
            .keep_rejected(vec![item(1), item(2), other.clone()])
            .await
            .unwrap();
        for (query, expected) in [
            (
                RejectedQuery {
                    source: Some(SourceName::new("other")),
                    ..all()
                },
                vec![other.clone()],
            ),
            (
                RejectedQuery {
                    reason: Some("brieftaube".to_owned()),
                    ..all()
                },
                vec![other.clone()],
            ),
            (
                RejectedQuery {
                    reason: Some("Started_At".to_owned()),
                    ..all()
                },
                vec![item(2), item(1)],
            ),
            (
                RejectedQuery {
                    from: Some(at(2)),
                    to: Some(at(3)),
                    ..all()
                },
                vec![item(2)],
            ),
        ] {
            assert_eq!(
                store.rejected(query.clone()).await.unwrap(),
                expected,
                "{query:?}"
            );
        }
        let count = |source: &str, field: &str, items| RejectedCount {
            source: SourceName::new(source),
            field: field.to_owned(),
            items,
        };
        assert_eq!(
            store.rejected_counts().await.unwrap(),
            [count("other", "task_type", 1), count("test", "started_at", 2)]
        );
    })
    .await;
}

#[tokio::test]
async fn a_discarded_item_loses_its_payload_and_does_not_come_back() {
    on_every_store(|store| async move {
        store.keep_rejected(vec![item(1), item(2)]).await.unwrap();
        let ids = vec![Identity([1; 16]), Identity([9; 16])];
        assert_eq!(store.discard_rejected(ids.clone(), discard()).await.unwrap(), 1);
        assert_eq!(store.discard_rejected(ids, discard()).await.unwrap(), 0);
        store.keep_rejected(vec![item(1)]).await.unwrap();
        assert_eq!(store.rejected(all()).await.unwrap(), [item(2)]);
        let query = RejectedQuery {
            discarded: true,
            ..all()
        };
        let discarded = store.rejected(query).await.unwrap();
        let [kept] = &discarded[..] else {
            panic!("{discarded:?}")
        };
        assert!(kept.payload.is_empty() && kept.again.context.is_empty());
        assert_eq!(kept.discard, Some(discard()));
        assert_eq!(store.rejected_counts().await.unwrap()[0].items, 1);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_is_counted_is_rejected_no_longer() {
    on_every_store(|store| async move {
        store.keep_rejected((1..=3).map(item).collect()).await.unwrap();
        store
            .discard_rejected(vec![Identity([2; 16])], discard())
            .await
            .unwrap();
        // A call with an id of its own is no row, whatever its identity.
        let with_id = report(3, finished(0, answered(5_000)));
        apply(&*store, 0, vec![repaired(1), repaired(2), with_id])
            .await
            .unwrap();
        assert_eq!(store.rejected(all()).await.unwrap(), [item(3)]);
        assert_eq!(store.rejected_item(Identity([2; 16])).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_row_that_was_counted_before_is_rejected_no_longer_when_it_comes_again() {
    on_every_store(|store| async move {
        apply(&*store, 0, vec![repaired(1)]).await.unwrap();
        store.keep_rejected(vec![item(1)]).await.unwrap();
        apply(&*store, 1, vec![repaired(1)]).await.unwrap();
        assert_eq!(store.rejected(all()).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_is_fenced_off_repairs_nothing() {
    on_every_store(|store| async move {
        store.keep_rejected(vec![item(1)]).await.unwrap();
        apply(&*store, 7, vec![repaired(1)]).await.unwrap_err();
        assert_eq!(store.rejected(all()).await.unwrap(), [item(1)]);
    })
    .await;
}
