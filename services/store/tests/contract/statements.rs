//! Sealed figures.

use chrono::NaiveDate;
use store::StoreError;
use store::calls::DayRange;
use store::history::{HistoryQuery, HotlineChoice};
use store::statements::{Seal, Statement};

use crate::calls::{answered, apply, at, finished, on_every_store, report};
use crate::figures::{Dice, every_change};
use crate::history::days;

fn seal(from: u32, to: u32) -> Seal {
    let day = |day| NaiveDate::from_ymd_opt(2024, 10, day).unwrap();
    Seal {
        days: DayRange {
            from: day(from),
            to: day(to),
        },
        sealed_at: at(1_000_000),
        sealed_by: "controlling".to_owned(),
        reason: "Vertragsmonat Oktober".to_owned(),
        rules_version: Some(7),
        policies: "of-offered 1".to_owned(),
    }
}

#[tokio::test]
async fn a_statement_stays_as_it_was_sealed_whatever_comes_late() {
    on_every_store(|store| async move {
        let reports = (0..40).map(|call| Dice(u64::from(call)).report(call, 0));
        apply(&*store, 0, reports.collect()).await.unwrap();
        let query = HistoryQuery {
            periods: days(),
            hotlines: HotlineChoice::Each,
        };
        let before = store.history(query.clone()).await.unwrap();
        let head = store.seal(seal(21, 30)).await.unwrap();
        let october = Statement {
            head: head.clone(),
            rows: before.rows.clone(),
        };
        assert_eq!(store.statement(head.id).await.unwrap().as_ref(), Some(&october));

        apply(&*store, 40, vec![report(99, finished(0, answered(1_000)))])
            .await
            .unwrap();
        assert_ne!(store.history(query).await.unwrap().rows, before.rows);
        assert_eq!(store.statement(head.id).await.unwrap(), Some(october));
        assert_eq!(every_change(&*store, &head.as_of).await.len(), 1);
        assert_eq!(store.statements().await.unwrap(), [head]);
        assert_eq!(store.statement(77).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn no_day_is_sealed_twice() {
    on_every_store(|store| async move {
        let later = store.seal(seal(14, 21)).await.unwrap();
        for (from, to) in [(14, 21), (13, 15), (20, 25), (15, 16), (1, 30)] {
            let refused = store.seal(seal(from, to)).await;
            assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        }
        let earlier = store.seal(seal(7, 14)).await.unwrap();
        assert_eq!(store.statements().await.unwrap(), [earlier, later]);
    })
    .await;
}
