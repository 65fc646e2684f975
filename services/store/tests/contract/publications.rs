//! What is published of the figures: one owner at a time, and how far it has come.

use chrono::TimeDelta;
use domain::counts::Interval;
use domain::record::ConnectionStatus;
use store::StoreError;
use store::calls::CallStore;
use store::history::FiguresVersion;
use store::publications::{HeldPublication, PublicationAdvance, PublicationLease, PublicationPlace};

use crate::calls::{answered, apply, at, finished, hotline, on_every_store, report};

const NAME: &str = "intervals";

/// Asks for the lease at a second, for 15 seconds.
async fn hold(store: &dyn CallStore, owner: &str, second: i64) -> Option<HeldPublication> {
    let lease = PublicationLease {
        name: NAME.to_owned(),
        owner: owner.to_owned(),
        now: at(second),
        until: at(second) + TimeDelta::seconds(15),
    };
    store.hold_publication(lease).await.unwrap()
}

fn place(version: &str, filling: Option<i64>) -> PublicationPlace {
    PublicationPlace {
        topic_id: "topic-1".to_owned(),
        version: FiguresVersion::new(version),
        filling: filling.map(Interval),
    }
}

async fn advance(
    store: &dyn CallStore,
    owner: &str,
    from: Option<PublicationPlace>,
    to: PublicationPlace,
) -> Result<(), StoreError> {
    let advance = PublicationAdvance {
        name: NAME.to_owned(),
        owner: owner.to_owned(),
        from,
        to,
    };
    store.advance_publication(advance).await
}

fn held(place: Option<PublicationPlace>) -> Option<HeldPublication> {
    Some(HeldPublication { place })
}

#[tokio::test]
async fn a_publication_has_one_owner_until_its_lease_ends_or_is_given_back() {
    on_every_store(|store| async move {
        let store = &*store;
        assert_eq!(hold(store, "one", 0).await, held(None));
        assert_eq!(hold(store, "other", 1).await, None);
        assert_eq!(hold(store, "one", 10).await, held(None));
        assert_eq!(hold(store, "other", 24).await, None);
        assert_eq!(hold(store, "other", 25).await, held(None));
        assert_eq!(hold(store, "one", 26).await, None);
        store.release_publication(NAME, "one").await.unwrap();
        assert_eq!(
            hold(store, "one", 27).await,
            None,
            "it was not its own to give back"
        );
        store.release_publication(NAME, "other").await.unwrap();
        assert_eq!(hold(store, "one", 28).await, held(None));
        // A lease that no clock in order can have said is nobody's.
        hold(store, "one", 100_000).await;
        assert_eq!(hold(store, "other", 29).await, held(None));
    })
    .await;
}

#[tokio::test]
async fn only_the_owner_moves_a_publication_and_only_from_where_it_is() {
    on_every_store(|store| async move {
        let store = &*store;
        let (first, second) = (place("1", Some(7)), place("1", None));
        let refused = async |owner, from, to| {
            let refused = advance(store, owner, from, to).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        };
        refused("one", None, first.clone()).await;
        hold(store, "one", 0).await;
        advance(store, "one", None, first.clone()).await.unwrap();
        refused("one", None, first.clone()).await;
        refused("one", Some(second.clone()), first.clone()).await;
        advance(store, "one", Some(first.clone()), second.clone())
            .await
            .unwrap();
        refused("one", Some(first.clone()), second.clone()).await;
        assert_eq!(hold(store, "other", 20).await, held(Some(second.clone())));
        refused("one", Some(second.clone()), place("2", None)).await;
        advance(store, "other", Some(second), place("2", None))
            .await
            .unwrap();
        store.release_publication(NAME, "other").await.unwrap();
        assert_eq!(hold(store, "one", 21).await, held(Some(place("2", None))));
    })
    .await;
}

#[tokio::test]
async fn what_was_ever_counted_is_told_also_where_nothing_is_left_of_it() {
    on_every_store(|store| async move {
        let store = &*store;
        let first = Interval::containing(at(0));
        assert_eq!(store.next_counted(Interval(0)).await.unwrap(), None);
        let mut later = answered(1_000);
        later.started_at = at(2 * 3600);
        later.hotline = hotline("Umwelt");
        let reports = vec![
            report(1, finished(0, answered(5_000))),
            report(2, finished(0, later.clone())),
        ];
        apply(store, 0, reports).await.unwrap();
        later.connection_status = ConnectionStatus::AbandonedQueued;
        apply(store, 2, vec![report(1, finished(1, later))])
            .await
            .unwrap();

        let second = Interval(first.0 + 8);
        let expected = [(first, hotline("Bürgertelefon")), (second, hotline("Umwelt"))];
        let before = store.counted(first, Interval(first.0 + 9)).await.unwrap();
        store
            .settle((at(0) + TimeDelta::days(5)).date_naive(), 100)
            .await
            .unwrap();
        let mut settled = store.counted(first, Interval(first.0 + 9)).await.unwrap();
        settled.sort();
        assert_eq!(settled, expected);
        assert_eq!(before.len(), 2);
        assert!(store.counted(first, first).await.unwrap().is_empty());
        for (from, next) in [
            (0, Some(first)),
            (first.0, Some(first)),
            (first.0 + 1, Some(second)),
            (second.0 + 1, None),
        ] {
            assert_eq!(store.next_counted(Interval(from)).await.unwrap(), next);
        }
    })
    .await;
}
