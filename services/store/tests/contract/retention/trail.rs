//! The audit trail is cut at its beginning, and runs are kept as proof.

use std::future::Future;
use std::sync::Arc;

use domain::audit::CHAIN_BEGIN;
use store::audit::AuditStore;
use store::postgres::PostgresAccess;
use store::retention::{AuditCut, Rewritten, RunLine, RunStore};
use store::sqlite::SqliteAccess;

use crate::postgres::on_a_database;

async fn on_every_access_store<F: Future<Output = ()>>(
    case: impl Fn(Arc<dyn AuditStore>, Arc<dyn RunStore>) -> F,
) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Arc::new(SqliteAccess::open(&folder.path().join("access.db")).unwrap());
    case(Arc::clone(&sqlite) as _, sqlite).await;
    on_a_database(|database| async move {
        let postgres = Arc::new(PostgresAccess::connect(&database).await.unwrap());
        case(Arc::clone(&postgres) as _, postgres).await;
    })
    .await;
}

#[tokio::test]
async fn the_beginning_of_the_trail_is_cut_and_the_rest_hangs_on_its_anchor() {
    on_every_access_store(|audit, runs| async move {
        use crate::tickets::at;
        let entries = (1..=9).map(|minute| {
            let entry = crate::users::noted(domain::audit::AuditAction::TicketRead);
            domain::audit::NewAuditEntry {
                at: at(minute),
                ..entry
            }
        });
        audit.append(entries.collect()).await.unwrap();
        let all = audit.chain(0, 100).await.unwrap();
        assert_eq!(runs.audit_cut(at(1)).await.unwrap(), None);
        assert_eq!(runs.past_audit(at(6)).await.unwrap().items, 5);
        let planned = runs.audit_cut(at(6)).await.unwrap().unwrap();
        let (up_to, hash) = (planned.up_to, planned.hash);
        assert_eq!((up_to, hash), (5, all[4].hash));
        let cut = |up_to, most| AuditCut {
            run: 2,
            up_to,
            at: at(20),
            most,
        };
        assert_eq!(runs.cut_audit(cut(up_to, 3)).await.unwrap().items, 3);
        assert_eq!(audit.anchor().await.unwrap().unwrap().number, 3);
        // One that was cut short goes on to the same digest.
        assert_eq!(runs.audit_cut(at(6)).await.unwrap(), Some(planned));
        assert_eq!(runs.cut_audit(cut(up_to, 3)).await.unwrap().items, 2);
        assert_eq!(runs.cut_audit(cut(up_to, 3)).await.unwrap().items, 0);
        let parts = audit.cut_parts(0, 10).await.unwrap();
        let lasts: Vec<i64> = parts.iter().map(|part| part.last).collect();
        assert_eq!((lasts, parts[1].digest), (vec![3, 5], planned.digest));
        assert_eq!(audit.cut_parts(3, 10).await.unwrap(), parts[1..]);
        for (number, entry) in (1..).zip(&all) {
            let found = parts.iter().find_map(|part| part.number_of(&entry.hash));
            assert_eq!(found, Some(number).filter(|number| *number <= 5), "{number}");
        }
        let anchor = audit.anchor().await.unwrap().unwrap();
        assert_eq!((anchor.number, anchor.hash, anchor.cut_at), (5, hash, at(20)));
        assert!(audit.chain(0, 1).await.unwrap()[0].follows(anchor.number, &anchor.hash));
        // The newest entry stays, whatever its age: the next one is chained to it.
        let planned = runs.audit_cut(at(1_000)).await.unwrap().unwrap();
        assert_eq!(planned.up_to, 8);
        assert_eq!(runs.cut_audit(cut(8, 100)).await.unwrap().items, 3);
        assert_eq!(audit.cut_parts(5, 10).await.unwrap()[0].digest, planned.digest);
        let entry = crate::users::noted(domain::audit::AuditAction::TicketRead);
        audit.append(vec![entry]).await.unwrap();
        let left = audit.chain(0, 100).await.unwrap();
        assert_eq!(left.iter().map(|entry| entry.number).collect::<Vec<_>>(), [9, 10]);
        assert!(left[1].follows(9, &left[0].hash));
        assert_ne!(left[0].hash, CHAIN_BEGIN);
        assert_eq!(runs.access_tallies(2).await.unwrap()[0].items, 8);
    })
    .await;
}

#[tokio::test]
async fn a_run_is_unfinished_until_it_is_finished_once() {
    on_every_access_store(|_, runs| async move {
        use crate::tickets::at;
        assert_eq!(runs.unfinished_run().await.unwrap(), None);
        let run = runs.begin_run(at(1), "dora").await.unwrap();
        assert_eq!(runs.unfinished_run().await.unwrap().as_ref(), Some(&run));
        let line = RunLine {
            what: "calls".to_owned(),
            items: 3,
            parts: vec!["2024-10".to_owned()],
            ..RunLine::default()
        };
        let rewritten = vec![Rewritten {
            unit: "calls".to_owned(),
            at_ms: Some(5),
            until_ms: Some(9),
            kept: vec!["a copy".to_owned()],
        }];
        runs.finish_run(run.id, at(2), vec![line.clone()], rewritten.clone())
            .await
            .unwrap();
        assert!(
            runs.finish_run(run.id, at(3), Vec::new(), Vec::new())
                .await
                .is_err()
        );
        assert_eq!(runs.unfinished_run().await.unwrap(), None);
        let second = runs.begin_run(at(5), "retention").await.unwrap();
        let listed = runs.runs(None, 10).await.unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!((listed[0].id, listed[0].finished_at), (second.id, None));
        assert_eq!(
            (listed[1].finished_at, &listed[1].outcome),
            (Some(at(2)), &vec![line])
        );
        assert_eq!(listed[1].rewritten, rewritten);
        assert_eq!(runs.runs(Some(second.id), 10).await.unwrap()[0].id, run.id);
        runs.empty_access_log().await.unwrap();
    })
    .await;
}
