//! What is kept no longer is deleted; figures stay, and nothing counts twice.

mod clocks;
mod tickets;
mod trail;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::event::{CallEvent, EventKind};
use domain::ids::{AgentName, Identity};
use domain::report::{CallReport, ReportBody};
use store::calls::CallStore;
use store::postgres::PostgresCalls;
use store::rejected::RejectedQuery;
use store::retention::{CallPurge, CallRetention, PartPurge, Step};
use store::sqlite::SqliteCalls;

use crate::calls::{answered, apply, at, finished, group, hotline, report};
use crate::figures::{Dice, figures};
use crate::postgres::on_a_database;

/// After all calls of these tests, and their reception.
fn later() -> DateTime<Utc> {
    at(100_000)
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2025, 6, 1).unwrap()
}

/// Deletes every call that is past, page by page; returns how many.
async fn purge(store: &dyn CallRetention, before: DateTime<Utc>, most: usize) -> usize {
    let mut purge = CallPurge {
        run: 1,
        before,
        on: today(),
        after: None,
        step: Step::of(most),
    };
    let mut gone = 0;
    loop {
        let purged = store.purge_calls(purge).await.unwrap();
        gone += purged.gone.items;
        purge.after = purged.next;
        if purge.after.is_none() {
            return gone;
        }
    }
}

async fn drop_part(store: &dyn CallRetention, before: DateTime<Utc>) -> Option<(String, u64)> {
    let purge = PartPurge {
        run: 1,
        before,
        on: today(),
    };
    let dropped = store.drop_past_part(purge).await.unwrap();
    dropped.map(|dropped| (dropped.part, dropped.calls))
}

async fn on_every_call_store<F, S>(case: impl Fn(Arc<dyn CallStore>, Arc<dyn CallRetention>) -> F)
where
    F: Future<Output = S>,
{
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Arc::new(SqliteCalls::open(&folder.path().join("calls.db")).unwrap());
    case(Arc::clone(&sqlite) as _, sqlite).await;
    on_a_database(|database| async move {
        let postgres = Arc::new(PostgresCalls::connect(&database).await.unwrap());
        case(Arc::clone(&postgres) as _, postgres).await;
    })
    .await;
}

async fn rejected(store: &dyn CallStore) -> Vec<store::rejected::RejectedItem> {
    let query = RejectedQuery {
        most: 100,
        ..RejectedQuery::default()
    };
    store.rejected(query).await.unwrap()
}

#[tokio::test]
async fn whatever_is_deleted_figures_are_those_of_a_store_that_never_deletes() {
    on_every_call_store(|store, retention| async move {
        let folder = tempfile::tempdir().unwrap();
        let never = SqliteCalls::open(&folder.path().join("calls.db")).unwrap();
        let both = |position: i64, reports: Vec<CallReport>| {
            let (store, never) = (Arc::clone(&store), &never);
            async move {
                apply(&*store, position, reports.clone()).await.unwrap();
                apply(never, position, reports).await.unwrap();
            }
        };
        let all: Vec<CallReport> = (0..60)
            .map(|call| Dice(u64::from(call)).report(call, 0))
            .collect();
        both(0, all.clone()).await;
        // Some calls are received later: they stay, and are corrected and retracted after the others are gone.
        let late: Vec<CallReport> = (100..140)
            .map(|call| CallReport {
                received_at: later() + TimeDelta::days(1),
                ..Dice(u64::from(call)).report(call, 0)
            })
            .collect();
        both(60, late.clone()).await;
        let open = retention.past_calls(later()).await.unwrap().items;
        let gone = purge(&*retention, later(), 7).await;
        assert!(gone > 20, "{gone}");
        assert_eq!(
            (open, retention.past_calls(later()).await.unwrap().items),
            (gone as u64, 0)
        );
        assert_eq!(figures(&*store).await, figures(&never).await);
        let mut position = 100;
        for (step, report) in late.iter().enumerate() {
            let correction = match step % 3 {
                0 => ReportBody::Retracted,
                _ => Dice(1_000 + step as u64).report(0, 7).body,
            };
            let correction = CallReport {
                body: correction,
                ..report.clone()
            };
            both(position, vec![correction]).await;
            position += 1;
            assert_eq!(figures(&*store).await, figures(&never).await, "{step}");
        }
        store.settle(today(), 10_000).await.unwrap();
        assert_eq!(figures(&*store).await, figures(&never).await);
        // All again: nothing counts twice, nothing is news.
        both(position, all).await;
        assert_eq!(figures(&*store).await, figures(&never).await);
        assert_eq!(rejected(&*store).await, []);
        assert_eq!(store.imbalance().await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn the_longest_time_of_a_deleted_visit_stays_when_another_is_taken_back() {
    on_every_call_store(|store, retention| async move {
        let waits = [(1, 40_000, 0), (2, 90_000, 1), (3, 20_000, 1)];
        let reports = waits.map(|(call, wait_ms, later_days)| CallReport {
            received_at: at(10_000) + TimeDelta::days(later_days * 2),
            ..report(call, finished(0, answered(wait_ms)))
        });
        apply(&*store, 0, reports.to_vec()).await.unwrap();
        assert_eq!(purge(&*retention, later(), 10).await, 1);
        let mut retracted = reports[1].clone();
        retracted.body = ReportBody::Retracted;
        apply(&*store, 3, vec![retracted]).await.unwrap();
        let tally = group(&*store, "Bürgertelefon").await.tally;
        assert_eq!(tally.longest_time_to_answer_ms, Some(40_000));
    })
    .await;
}

#[tokio::test]
async fn a_replay_counts_nothing_and_a_correction_is_rejected_and_kept() {
    on_every_call_store(|store, retention| async move {
        let first = report(1, finished(1, answered(30_000)));
        apply(&*store, 0, vec![first.clone()]).await.unwrap();
        assert_eq!(purge(&*retention, later(), 10).await, 1);
        assert!(store.call(Identity([1; 16])).await.unwrap().is_none());
        let before = figures(&*store).await;
        let older = report(1, finished(0, answered(10_000)));
        let applied = apply(&*store, 1, vec![first, older]).await.unwrap();
        assert_eq!((applied.new_calls, applied.repeated), (0, 2));
        assert_eq!(rejected(&*store).await, []);

        let correction = report(1, finished(2, answered(99_000)));
        let event = report(
            1,
            ReportBody::Event(CallEvent::new(
                at(60),
                EventKind::Queued {
                    hotline: hotline("Bürgertelefon"),
                },
            )),
        );
        let retraction = report(1, ReportBody::Retracted);
        let news = vec![correction.clone(), event, retraction, correction];
        apply(&*store, 3, news).await.unwrap();
        let items = rejected(&*store).await;
        assert_eq!(items.len(), 3);
        for item in &items {
            assert_eq!(
                (item.field.as_str(), item.position.as_str()),
                ("past_retention", "call-1")
            );
            assert!(item.reason.contains("past retention"), "{}", item.reason);
            assert!(item.payload.is_empty());
        }
        assert_eq!(figures(&*store).await, before);
        // Others get rows of their own.
        let applied = apply(&*store, 7, vec![report(2, finished(0, answered(1_000)))]).await;
        assert_eq!(applied.unwrap().new_calls, 1);
        let call = store.call(Identity([2; 16])).await.unwrap().unwrap();
        assert_eq!(call.state.record.unwrap().record, answered(1_000));
        assert!(store.call(Identity([1; 16])).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_day_that_was_deleted_can_no_longer_be_replaced() {
    on_every_call_store(|store, retention| async move {
        apply(&*store, 0, vec![report(1, finished(0, answered(30_000)))])
            .await
            .unwrap();
        purge(&*retention, later(), 10).await;
        let before = figures(&*store).await;
        let replacing = |call: u8, days: i64| {
            let mut record = answered(5_000);
            record.started_at += TimeDelta::days(days);
            CallReport {
                confirms: true,
                ..report(call, finished(0, record))
            }
        };
        apply(&*store, 1, vec![replacing(2, 0), replacing(1, 0)])
            .await
            .unwrap();
        assert_eq!(figures(&*store).await, before);
        let reasons: Vec<String> = rejected(&*store)
            .await
            .into_iter()
            .map(|item| item.reason)
            .collect();
        assert_eq!(reasons.len(), 2, "{reasons:?}");
        assert!(reasons.iter().any(|reason| reason.contains("calls of this day")));
        // The day after is as it was.
        let applied = apply(&*store, 3, vec![replacing(3, 1)]).await.unwrap();
        assert_eq!(applied.new_calls, 1);
    })
    .await;
}

/// A call that an agent answered, told by its events.
fn told_by_events(call: u8, agent: &str) -> Vec<CallReport> {
    let agent = || Some(AgentName::new(agent));
    let hotline = || hotline("Bürgertelefon");
    let arrived = EventKind::Arrived {
        hotline: hotline(),
        task_type: domain::record::TaskType::InboundCall,
        caller: None,
        dialled_address: None,
        direct_topic_dial: None,
        external_contact: None,
        inbound_contact: None,
        out_cc_contact: None,
    };
    let ended = EventKind::Ended {
        by: Some(domain::event::EndedBy::Citizen),
        status: None,
    };
    let kinds = [
        (0, arrived),
        (1, EventKind::Queued { hotline: hotline() }),
        (20, EventKind::Answered { agent: agent() }),
        (80, ended),
        (81, EventKind::AfterCallWorkStarted { agent: agent() }),
        (95, EventKind::AfterCallWorkEnded { agent: agent() }),
    ];
    kinds
        .map(|(second, kind)| report(call, ReportBody::Event(CallEvent::new(at(second), kind))))
        .into()
}

#[tokio::test]
async fn names_of_agents_go_before_the_calls_and_figures_and_repetitions_are_as_before() {
    on_every_call_store(|store, retention| async move {
        let reports: Vec<CallReport> = (1..=2).flat_map(|call| told_by_events(call, "Anna")).collect();
        let known = reports.len();
        apply(&*store, 0, reports.clone()).await.unwrap();
        let lately = told_by_events(4, "Bert").into_iter().map(|report| CallReport {
            received_at: later() + TimeDelta::days(1),
            ..report
        });
        apply(&*store, known as i64, lately.collect()).await.unwrap();
        let before = figures(&*store).await;
        assert_eq!(retention.past_agents(later()).await.unwrap().items, 2);
        for expected in [1, 1, 0] {
            let gone = retention
                .take_out_agents(1, later(), later(), Step::of(1))
                .await
                .unwrap();
            assert_eq!(gone.items, expected);
        }
        assert_eq!(retention.past_agents(later()).await.unwrap().items, 0);
        assert_eq!(figures(&*store).await, before);
        for (call, is_named) in [(1, false), (2, false), (4, true)] {
            let stored = store.call(Identity([call; 16])).await.unwrap().unwrap();
            assert_eq!(stored.state.names_agents(), is_named, "{call}");
            let visit = &stored.state.assembled().visits[0];
            assert_eq!(visit.agent.is_some(), is_named, "{call}");
            assert_eq!(visit.after_call_work_ms, Some(14_000));
        }
        // All again: nothing is news, neither now nor after the calls are gone.
        let applied = apply(&*store, known as i64 + 6, reports.clone()).await.unwrap();
        assert_eq!((applied.new_calls, applied.repeated), (0, known));
        assert_eq!(purge(&*retention, later(), 10).await, 2);
        let applied = apply(&*store, 2 * known as i64 + 6, reports).await.unwrap();
        assert_eq!((applied.new_calls, applied.repeated), (0, known));
        assert_eq!(rejected(&*store).await, []);
        assert_eq!(figures(&*store).await, before);
        let tallies = retention.call_tallies(1).await.unwrap();
        assert_eq!((tallies[0].what.as_str(), tallies[0].items), ("agent_names", 2));
    })
    .await;
}

#[tokio::test]
async fn what_is_open_or_was_received_lately_stays() {
    on_every_call_store(|store, retention| async move {
        let arrived = EventKind::Arrived {
            hotline: hotline("Bürgertelefon"),
            task_type: domain::record::TaskType::InboundCall,
            caller: None,
            dialled_address: None,
            direct_topic_dial: None,
            external_contact: None,
            inbound_contact: None,
            out_cc_contact: None,
        };
        let queued = EventKind::Queued {
            hotline: hotline("Bürgertelefon"),
        };
        let open = [arrived, queued].map(|kind| report(1, ReportBody::Event(CallEvent::new(at(0), kind))));
        let lately = CallReport {
            received_at: later(),
            ..report(2, finished(0, answered(1_000)))
        };
        let reports = open.into_iter().chain([lately]).collect();
        apply(&*store, 0, reports).await.unwrap();
        assert_eq!(drop_part(&*retention, later() + TimeDelta::days(60)).await, None);
        assert_eq!(purge(&*retention, later(), 10).await, 0);
        assert!(store.call(Identity([1; 16])).await.unwrap().is_some());
        assert_eq!(purge(&*retention, later() + TimeDelta::days(1), 10).await, 1);
        assert!(store.call(Identity([1; 16])).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn identities_and_rejected_items_have_periods_of_their_own() {
    on_every_call_store(|store, retention| async move {
        let reports: Vec<CallReport> = (1..=5)
            .map(|call| report(call, finished(0, answered(1_000))))
            .collect();
        apply(&*store, 0, reports.clone()).await.unwrap();
        purge(&*retention, later(), 2).await;
        apply(&*store, 5, vec![report(1, finished(9, answered(7_000)))])
            .await
            .unwrap();
        assert_eq!(retention.past_rejected(later()).await.unwrap().items, 1);
        let gone = retention.purge_rejected(1, later(), Step::of(10)).await.unwrap();
        assert_eq!(gone.items, 1);
        assert_eq!(rejected(&*store).await, []);

        assert_eq!(retention.past_identities(today()).await.unwrap().items, 0);
        let tomorrow = today().succ_opt().unwrap();
        assert_eq!(retention.past_identities(tomorrow).await.unwrap().items, 5);
        for expected in [3, 2, 0] {
            let gone = retention.forget_identities(1, tomorrow, Step::of(3)).await;
            assert_eq!(gone.unwrap().items, expected);
        }
        retention.empty_call_log().await.unwrap();
        // Nobody knows them any more: they are new calls.
        let applied = apply(&*store, 6, reports).await.unwrap();
        assert_eq!(applied.new_calls, 5);
        let mut tallies: Vec<(String, u64)> = Vec::new();
        for tally in retention.call_tallies(1).await.unwrap() {
            tallies.push((tally.what, tally.items));
        }
        let expected = [
            ("calls", 5),
            ("identities", 5),
            ("rejected_items", 1),
            ("visits", 5),
        ];
        assert_eq!(tallies, expected.map(|(what, items)| (what.to_owned(), items)));
    })
    .await;
}

#[tokio::test]
async fn a_month_in_which_everything_is_past_is_dropped_whole_on_postgresql() {
    on_a_database(|database| async move {
        let store = PostgresCalls::connect(&database).await.unwrap();
        let other = PostgresCalls::connect(&database).await.unwrap();
        let mut reports: Vec<CallReport> = (1..=30)
            .map(|call| Dice(u64::from(call)).report(call, 0))
            .filter(|report| matches!(report.body, ReportBody::Record(_)))
            .collect();
        let in_month = reports.len() as u64;
        let mut november = answered(2_000);
        november.started_at += TimeDelta::days(20);
        reports.push(CallReport {
            received_at: november.started_at,
            ..report(200, finished(0, november))
        });
        apply(&store, 0, reports.clone()).await.unwrap();
        let before = figures(&store).await;
        assert_eq!(drop_part(&store, later()).await, None, "the month is not over");
        let december = at(0) + TimeDelta::days(40);
        let dropped = drop_part(&store, december).await;
        assert_eq!(dropped, Some(("2024-10".to_owned(), in_month)));
        assert_eq!(figures(&store).await, before);
        let tallies = store.call_tallies(1).await.unwrap();
        assert!(
            tallies
                .iter()
                .any(|tally| tally.what == "calls" && tally.part == "2024-10" && tally.items == in_month)
        );
        // Another instance, which knows the month to be there, sees that it is gone; nothing counts twice.
        apply(&other, reports.len() as i64, reports.clone())
            .await
            .unwrap();
        assert_eq!(rejected(&other).await, []);
        assert_eq!(figures(&other).await, before);
        let new = report(201, finished(0, answered(4_000)));
        apply(&other, 2 * reports.len() as i64, vec![new]).await.unwrap();
        assert!(other.call(Identity([201; 16])).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_step_that_takes_too_long_ends_early_and_the_next_one_goes_on_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteCalls::open(&folder.path().join("calls.db")).unwrap();
    let reports: Vec<CallReport> = (1..=5)
        .map(|call| report(call, finished(0, answered(1_000))))
        .collect();
    apply(&store, 0, reports).await.unwrap();
    let mut step = Step::of(10);
    step.within = Duration::ZERO;
    let mut purge = CallPurge {
        run: 1,
        before: later(),
        on: today(),
        after: None,
        step,
    };
    let mut steps = Vec::new();
    loop {
        let purged = store.purge_calls(purge).await.unwrap();
        steps.push(purged.gone.items);
        purge.after = purged.next;
        if purge.after.is_none() {
            break;
        }
    }
    // The first page is that of calls without a start.
    assert_eq!(steps, [0, 1, 1, 1, 1, 1]);
    let tomorrow = today().succ_opt().unwrap();
    for expected in [1, 1, 1, 1, 1, 0] {
        let gone = store.forget_identities(1, tomorrow, step).await.unwrap();
        assert_eq!(gone.items, expected);
    }
}
