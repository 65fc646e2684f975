//! What every [`CallStore`] must do for those who ask for calls.

use chrono::TimeDelta;
use domain::event::{CallEvent, EndedBy, EventKind};
use domain::ids::{AgentName, CallId, Identity, ImportRun, SourceName};
use domain::personal::{Caller, Personal};
use domain::record::{CallRecord, ConnectionStatus};
use domain::report::{CallReport, ReportBody};
use store::calls::{CallOrder, CallQuery, CallStore};
use store::postgres::{Database, PostgresCalls};
use store::sqlite::SqliteCalls;

use crate::calls::{answered, apply, at, finished, hotline, on_every_store, report};
use crate::postgres::{execute, on_an_empty_database};

fn everything() -> CallQuery {
    CallQuery {
        from: at(-100_000),
        to: at(100_000),
        hotline: None,
        source: None,
        status: None,
        number: None,
        agent: None,
        with_restricted: false,
        order: CallOrder::OldestFirst,
        after: None,
        most: 100,
    }
}

fn by_number(number: &str) -> CallQuery {
    CallQuery {
        number: Some(Personal::new(number)),
        ..everything()
    }
}

/// The calls that a query finds, by the number that stands for their identity.
async fn found(store: &dyn CallStore, query: CallQuery) -> Vec<u8> {
    let calls = store.calls(query).await.unwrap();
    calls.iter().map(|call| call.identity.0[0]).collect()
}

/// A finished record that starts `seconds` after nine.
fn record(seconds: i64, change: impl FnOnce(&mut CallRecord)) -> ReportBody {
    let mut record = answered(5_000);
    record.started_at = at(seconds);
    change(&mut record);
    finished(0, record)
}

fn event(seconds: i64, kind: EventKind) -> ReportBody {
    ReportBody::Event(CallEvent::new(at(seconds), kind))
}

/// A call that begins in one hotline and is answered by Kim in another.
fn told_by_events(call: u8, seconds: i64) -> Vec<CallReport> {
    let queued = |name| EventKind::Queued {
        hotline: hotline(name),
    };
    let events = [
        queued("Bürgertelefon"),
        queued("Steuern"),
        EventKind::Answered {
            agent: Some(AgentName::new("Kim")),
        },
        EventKind::Ended {
            by: Some(EndedBy::Citizen),
            status: None,
        },
    ];
    let events = events.into_iter().enumerate();
    events
        .map(|(place, kind)| report(call, event(seconds + place as i64, kind)))
        .collect()
}

#[tokio::test]
async fn calls_are_paged_by_their_start_in_both_directions() {
    on_every_store(|store| async move {
        // Three of the same second: their identities decide.
        let starts = [(1, 50), (2, 10), (3, 50), (4, 50), (5, 70)];
        let reports = starts.map(|(call, start)| report(call, record(start, |_| {})));
        apply(&*store, 0, reports.to_vec()).await.unwrap();
        for (order, expected) in [
            (CallOrder::OldestFirst, [2, 1, 3, 4, 5]),
            (CallOrder::NewestFirst, [5, 4, 3, 1, 2]),
        ] {
            let mut query = CallQuery {
                order,
                most: 2,
                ..everything()
            };
            let mut paged = Vec::new();
            loop {
                let page = store.calls(query.clone()).await.unwrap();
                let Some(last) = page.last() else { break };
                query.after = last.place();
                paged.extend(page.iter().map(|call| call.identity.0[0]));
            }
            assert_eq!(paged, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_period_is_half_open() {
    on_every_store(|store| async move {
        let reports =
            [(1, 9), (2, 10), (3, 19), (4, 20)].map(|(call, start)| report(call, record(start, |_| {})));
        apply(&*store, 0, reports.to_vec()).await.unwrap();
        let query = CallQuery {
            from: at(10),
            to: at(20),
            ..everything()
        };
        assert_eq!(found(&*store, query).await, [2, 3]);
    })
    .await;
}

#[tokio::test]
async fn calls_are_found_by_hotline_source_status_and_agent() {
    on_every_store(|store| async move {
        let mut reports = vec![
            report(1, record(10, |_| {})),
            report(
                2,
                record(20, |record| record.connection_status = ConnectionStatus::Busy),
            ),
            report(3, record(30, |record| record.hotline = hotline("Steuern"))),
        ];
        reports[2].source = SourceName::new("other");
        reports.extend(told_by_events(4, 40));
        apply(&*store, 0, reports).await.unwrap();
        let with = |change: fn(&mut CallQuery)| {
            let mut query = everything();
            change(&mut query);
            query
        };
        for (query, expected) in [
            (
                with(|query| query.hotline = Some(hotline("Steuern"))),
                &[3, 4][..],
            ),
            (
                with(|query| query.hotline = Some(hotline("Bürgertelefon"))),
                &[1, 2, 4],
            ),
            (with(|query| query.hotline = Some(hotline("Nirgends"))), &[]),
            (with(|query| query.source = Some(SourceName::new("other"))), &[3]),
            (with(|query| query.status = Some(ConnectionStatus::Busy)), &[2]),
            (with(|query| query.agent = Some(AgentName::new("Kim"))), &[4]),
        ] {
            assert_eq!(found(&*store, query.clone()).await, expected, "{query:?}");
        }
        let sources = store.sources().await.unwrap();
        assert_eq!(sources, [SourceName::new("other"), SourceName::new("test")]);
    })
    .await;
}

#[tokio::test]
async fn a_caller_is_found_in_any_spelling() {
    on_every_store(|store| async move {
        let callers = [
            "0221/4710-123",
            "0049 221 4710123",
            "492214710123",
            "0221 4710124",
            "115",
            "Erika@Example.org",
        ];
        let mut reports: Vec<CallReport> = callers
            .iter()
            .enumerate()
            .map(|(place, caller)| {
                let caller = Caller::Given(Personal::new(caller));
                report(
                    place as u8,
                    record(place as i64, |record| record.caller = Some(caller)),
                )
            })
            .collect();
        reports.push(report(
            6,
            record(6, |record| record.caller = Some(Caller::Withheld)),
        ));
        apply(&*store, 0, reports).await.unwrap();
        for number in ["+49 221 4710123", "(0221) 47 10 123"] {
            assert_eq!(found(&*store, by_number(number)).await, [0, 1, 2], "{number}");
        }
        assert_eq!(found(&*store, by_number("1 15")).await, [4]);
        assert_eq!(found(&*store, by_number("erika@example.org")).await, [5]);
        assert_eq!(found(&*store, by_number("0221 4710125")).await, [] as [u8; 0]);
        let delivered = store.call(Identity([1; 16])).await.unwrap().unwrap();
        let record = delivered.state.record.unwrap().record;
        let as_delivered = Caller::Given(Personal::new("0049 221 4710123"));
        assert_eq!(record.caller, Some(as_delivered), "the spelling is kept");
    })
    .await;
}

#[tokio::test]
async fn a_corrected_caller_is_found_by_the_new_number_only() {
    on_every_store(|store| async move {
        apply(&*store, 0, vec![report(1, record(0, |_| {}))])
            .await
            .unwrap();
        let mut corrected = answered(5_000);
        corrected.caller = Some(Caller::Given(Personal::new("030 23125562")));
        apply(&*store, 1, vec![report(1, finished(1, corrected))])
            .await
            .unwrap();
        assert_eq!(found(&*store, by_number("0221 4710123")).await, [] as [u8; 0]);
        assert_eq!(found(&*store, by_number("+493023125562")).await, [1]);
    })
    .await;
}

#[tokio::test]
async fn a_call_tells_where_it_came_from_and_when() {
    on_every_store(|store| async move {
        apply(&*store, 0, vec![report(1, record(0, |_| {}))])
            .await
            .unwrap();
        let mut later = report(1, event(60, EventKind::AfterCallWorkStarted { agent: None }));
        later.run = ImportRun::new("run-2");
        later.received_at = at(10_000) + TimeDelta::seconds(7);
        apply(&*store, 1, vec![later]).await.unwrap();
        let call = store.call(Identity([1; 16])).await.unwrap().unwrap();
        assert_eq!(call.source, SourceName::new("test"));
        assert_eq!(call.call_id, Some(CallId::new("call-1")));
        assert_eq!(call.run, Some(ImportRun::new("run-1")), "the first one");
        assert_eq!((call.received_at, call.heard_at), (at(10_000), at(10_007)));
        assert_eq!(store.calls(everything()).await.unwrap(), [call]);
    })
    .await;
}

/// Makes calls look as versions before the search key wrote them.
const WITHOUT_KEYS: &str = "UPDATE calls SET caller_key = NULL; INSERT INTO backfills VALUES ('caller_key');";

#[tokio::test]
async fn sqlite_calls_from_before_the_search_key_are_given_it_when_the_file_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.db");
    let store = SqliteCalls::open(&path).unwrap();
    let reports = (1..=3).map(|call| report(call, record(i64::from(call), |_| {})));
    apply(&store, 0, reports.collect()).await.unwrap();
    drop(store);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch(WITHOUT_KEYS).unwrap();
    drop(file);
    let store = SqliteCalls::open(&path).unwrap();
    assert_eq!(found(&store, by_number("+49 221 4710123")).await, [1, 2, 3]);
}

#[tokio::test]
async fn postgres_calls_from_before_the_search_key_are_given_it_by_the_migration() {
    on_an_empty_database(|url| async move {
        let database = Database::new(&url).unwrap();
        database.migrate().await.unwrap();
        let store = PostgresCalls::connect(&database).await.unwrap();
        let reports = (1..=3).map(|call| report(call, record(i64::from(call), |_| {})));
        apply(&store, 0, reports.collect()).await.unwrap();
        execute(&url, WITHOUT_KEYS).await;
        assert_eq!(found(&store, by_number("+49 221 4710123")).await, [] as [u8; 0]);
        database.migrate().await.unwrap();
        assert_eq!(found(&store, by_number("+49 221 4710123")).await, [1, 2, 3]);
    })
    .await;
}
