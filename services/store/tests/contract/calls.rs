//! What every [`CallStore`] must do.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use domain::counts::Figure;
use domain::event::{CallEvent, EndedBy, EventKind};
use domain::ids::{AgentName, CallId, HotlineName, Identity, ImportRun, SourceName, TicketId};
use domain::personal::{Caller, Personal};
use domain::record::{CallRecord, ConnectionStatus, TaskType};
use domain::report::{CallReport, CallbackLogged, ReportBody, RevisedRecord};
use store::StoreError;
use store::calls::{Advance, Applied, CallStore, DayRange, GroupTally, LedgerBatch};
use store::postgres::PostgresCalls;

use crate::postgres::on_a_database;

pub(crate) const TOPIC: &str = "topic-1";

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 10, 28, 9, 0, 0).unwrap() + TimeDelta::seconds(seconds)
}

fn day() -> DayRange {
    let from = NaiveDate::from_ymd_opt(2024, 10, 28).unwrap();
    DayRange {
        from,
        to: from.succ_opt().unwrap(),
    }
}

pub(crate) fn hotline(name: &str) -> HotlineName {
    HotlineName::new(name)
}

pub(crate) fn report(call: u8, body: ReportBody) -> CallReport {
    CallReport {
        identity: Identity([call; 16]),
        source: SourceName::new("test"),
        call_id: Some(CallId::new(format!("call-{call}"))),
        run: ImportRun::new("run-1"),
        received_at: at(10_000),
        body,
        confirms: false,
    }
}

pub(crate) fn answered(wait_ms: i64) -> CallRecord {
    let mut record = CallRecord::new(
        at(0),
        TaskType::InboundCall,
        hotline("Bürgertelefon"),
        ConnectionStatus::Answered,
    );
    record.caller = Some(Caller::Given(Personal::new("0221 4710123")));
    record.wait_ms = Some(wait_ms);
    record.talk_ms = Some(60_000);
    record
}

pub(crate) fn finished(revision: u32, record: CallRecord) -> ReportBody {
    ReportBody::Record(RevisedRecord { revision, record })
}

/// Applies reports of partition 0 that start at position `expected`.
pub(crate) async fn apply(
    store: &dyn CallStore,
    expected: i64,
    reports: Vec<CallReport>,
) -> Result<Applied, StoreError> {
    let next = expected + reports.len() as i64;
    let reports = reports.into_iter().map(|report| (0, report)).collect();
    let advances = vec![Advance {
        partition: 0,
        expected,
        next,
    }];
    store
        .apply(LedgerBatch {
            topic_id: TOPIC.to_owned(),
            advances,
            reports,
            ..LedgerBatch::default()
        })
        .await
}

pub(crate) async fn group(store: &dyn CallStore, name: &str) -> GroupTally {
    let groups = store.day_totals(day()).await.unwrap();
    groups
        .into_iter()
        .find(|group| group.hotline == hotline(name))
        .expect("the hotline has counts")
}

/// Runs a case on every store; each gets a fresh one.
pub(crate) async fn on_every_store<F, C>(case: C)
where
    C: Fn(Arc<dyn CallStore>) -> F,
    F: Future<Output = ()>,
{
    let folder = tempfile::tempdir().unwrap();
    let sqlite = store::sqlite::SqliteCalls::open(&folder.path().join("calls.db")).unwrap();
    case(Arc::new(sqlite)).await;
    on_a_database(|database| async move {
        case(Arc::new(PostgresCalls::connect(&database).await.unwrap())).await;
    })
    .await;
}

#[tokio::test]
async fn a_record_is_counted_in_the_same_transaction_as_its_position() {
    on_every_store(|store| async move {
        let applied = apply(&*store, 0, vec![report(1, finished(0, answered(30_000)))])
            .await
            .unwrap();
        assert_eq!(
            applied,
            Applied {
                new_calls: 1,
                changed_calls: 0,
                repeated: 0
            }
        );
        assert_eq!(store.position(TOPIC, 0).await.unwrap(), 1);
        let group = group(&*store, "Bürgertelefon").await;
        assert_eq!(group.tally.counts.get(Figure::Answered), 1);
        assert_eq!(group.tally.time_to_answer.within(30), Some(1));
        assert_eq!(group.tally.longest_time_to_answer_ms, Some(30_000));
        let call = store
            .call(Identity([1; 16]))
            .await
            .unwrap()
            .expect("the call is kept");
        assert_eq!(call.state.record.unwrap().record, answered(30_000));
        assert_eq!(call.source, SourceName::new("test"));
    })
    .await;
}

#[tokio::test]
async fn a_batch_from_a_stale_position_changes_nothing() {
    on_every_store(|store| async move {
        apply(&*store, 0, vec![report(1, finished(0, answered(5_000)))])
            .await
            .unwrap();
        let refused = apply(&*store, 0, vec![report(2, finished(0, answered(5_000)))]).await;
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
        assert_eq!(
            group(&*store, "Bürgertelefon")
                .await
                .tally
                .counts
                .get(Figure::Offered),
            1
        );
        assert_eq!(
            store.position("topic-2", 0).await.unwrap(),
            0,
            "another incarnation begins anew"
        );
    })
    .await;
}

#[tokio::test]
async fn repeated_reports_count_once() {
    on_every_store(|store| async move {
        let batch = || {
            vec![
                report(1, finished(0, answered(5_000))),
                report(1, finished(0, answered(5_000))),
            ]
        };
        apply(&*store, 0, batch()).await.unwrap();
        let again = apply(&*store, 2, batch()).await.unwrap();
        assert_eq!(
            again,
            Applied {
                new_calls: 0,
                changed_calls: 0,
                repeated: 2
            }
        );
        assert_eq!(
            group(&*store, "Bürgertelefon")
                .await
                .tally
                .counts
                .get(Figure::Contacts),
            1
        );
        assert_eq!(
            store
                .import_run(&ImportRun::new("run-1"))
                .await
                .unwrap()
                .new_reports,
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_correction_moves_the_figures_and_the_longest_time_back() {
    on_every_store(|store| async move {
        let first = vec![
            report(1, finished(0, answered(90_000))),
            report(2, finished(0, answered(20_000))),
        ];
        apply(&*store, 0, first).await.unwrap();
        apply(&*store, 2, vec![report(1, finished(1, answered(10_000)))])
            .await
            .unwrap();
        let tally = group(&*store, "Bürgertelefon").await.tally;
        assert_eq!(tally.counts.get(Figure::Answered), 2);
        assert_eq!(tally.counts.get(Figure::TimeToAnswerMs), 30_000);
        assert_eq!(tally.longest_time_to_answer_ms, Some(20_000));
        assert_eq!(tally.time_to_answer.within(3600), Some(2));
    })
    .await;
}

#[tokio::test]
async fn events_in_any_order_and_batching_give_the_same_call() {
    on_every_store(|store| async move {
        let event = |seconds, kind| ReportBody::Event(CallEvent::new(at(seconds), kind));
        let agent = Some(AgentName::new("agent-1"));
        let queued = event(
            0,
            EventKind::Queued {
                hotline: hotline("Schule und Bildung"),
            },
        );
        let answered = event(12, EventKind::Answered { agent });
        let ended = event(
            60,
            EventKind::Ended {
                by: Some(EndedBy::Citizen),
                status: None,
            },
        );
        apply(&*store, 0, vec![report(1, ended.clone())]).await.unwrap();
        apply(
            &*store,
            1,
            vec![report(1, answered), report(1, ended), report(1, queued)],
        )
        .await
        .unwrap();
        let tally = group(&*store, "Schule und Bildung").await.tally;
        assert_eq!(
            (
                tally.counts.get(Figure::Offered),
                tally.counts.get(Figure::Answered)
            ),
            (1, 1)
        );
        assert_eq!(tally.counts.get(Figure::TalkMs), 48_000);
        assert_eq!(store.imbalance().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_missing_end_is_given_up_after_the_horizon() {
    on_every_store(|store| async move {
        let queued = EventKind::Queued {
            hotline: hotline("Umwelt"),
        };
        let event = ReportBody::Event(CallEvent::new(at(0), queued));
        apply(&*store, 0, vec![report(1, event)]).await.unwrap();
        assert_eq!(store.waiting_since(at(-1), day()).await.unwrap().len(), 1);
        assert_eq!(store.waiting_since(at(1), day()).await.unwrap().len(), 0);
        assert_eq!(
            store.give_up(at(10_000), at(30_000), 10).await.unwrap(),
            0,
            "heard of too lately"
        );
        assert_eq!(store.give_up(at(10_001), at(30_000), 10).await.unwrap(), 1);
        assert_eq!(store.give_up(at(10_001), at(30_000), 10).await.unwrap(), 0);
        let counts = group(&*store, "Umwelt").await.tally.counts;
        assert_eq!(
            (counts.get(Figure::Waiting), counts.get(Figure::Unresolved)),
            (0, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn a_callback_is_counted_with_and_without_its_call() {
    on_every_store(|store| async move {
        let callback = |ticket: &str| {
            let ticket = TicketId::new(ticket);
            ReportBody::CallbackLogged(CallbackLogged {
                ticket,
                hotline: hotline("Bürgertelefon"),
                at: at(100),
            })
        };
        let reports = vec![
            report(1, callback("T-1")),
            report(1, finished(0, answered(5_000))),
            report(9, callback("T-2")),
            report(1, callback("T-1")),
        ];
        apply(&*store, 0, reports).await.unwrap();
        let counts = group(&*store, "Bürgertelefon").await.tally.counts;
        assert_eq!(counts.get(Figure::CallbacksLogged), 2);
        assert_eq!(counts.get(Figure::AnsweredWithTicket), 1);
        assert_eq!(counts.get(Figure::Contacts), 1);
    })
    .await;
}

#[tokio::test]
async fn a_call_that_a_callback_named_first_belongs_to_its_own_feed() {
    on_every_store(|store| async move {
        let callback = CallReport {
            source: SourceName::new("callbacks"),
            call_id: None,
            run: ImportRun::new("callbacks"),
            ..report(
                1,
                ReportBody::CallbackLogged(CallbackLogged {
                    ticket: TicketId::new("T-1"),
                    hotline: hotline("Bürgertelefon"),
                    at: at(100),
                }),
            )
        };
        apply(&*store, 0, vec![callback]).await.unwrap();
        let own = || report(1, finished(0, answered(5_000)));
        apply(&*store, 1, vec![own(), own()]).await.unwrap();
        apply(&*store, 3, vec![own()]).await.unwrap();
        let call = store.call(Identity([1; 16])).await.unwrap().unwrap();
        assert_eq!(call.source, SourceName::new("test"));
        let run = store.import_run(&ImportRun::new("run-1")).await.unwrap();
        assert_eq!(run.new_reports, 1);
    })
    .await;
}

#[tokio::test]
async fn the_identity_key_is_made_once() {
    on_every_store(|store| async move {
        let parts: [&[u8]; 1] = [b"x"];
        let key = store.identity_key().await.unwrap().keyed(&parts);
        assert_eq!(store.identity_key().await.unwrap().keyed(&parts), key);
    })
    .await;
}
