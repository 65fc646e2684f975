//! What every [`CallStore`] must do for those who ask for the visits behind a figure.

use domain::counting::CountingSources;
use domain::event::{CallEvent, EventKind};
use domain::ids::{AgentName, SourceName};
use domain::record::{ConnectionStatus, TaskType};
use domain::report::{CallReport, ReportBody};
use domain::visit::Outcome;
use store::calls::{Advance, CallOrder, CallStore, LedgerBatch, VisitQuery};

use crate::calls::{answered, apply, at, finished, hotline, on_every_store, report};

fn everything() -> VisitQuery {
    VisitQuery {
        from: at(-100_000),
        to: at(100_000),
        hotlines: Vec::new(),
        task_types: vec![TaskType::InboundCall],
        outcome: None,
        in_queue_ms_max: None,
        order: CallOrder::OldestFirst,
        after: None,
        most: 100,
    }
}

/// A finished call of a hotline with a status, offered `seconds` after nine.
fn told(call: u8, seconds: i64, name: &str, status: ConnectionStatus, wait_ms: i64) -> CallReport {
    let mut record = answered(5_000);
    record.started_at = at(seconds);
    record.hotline = hotline(name);
    record.connection_status = status;
    record.wait_ms = Some(wait_ms);
    record.ring_ms = None;
    report(call, finished(0, record))
}

/// The visits that a query finds, by the number that stands for the call, and their place in it.
async fn found(store: &dyn CallStore, query: VisitQuery) -> Vec<(u8, u16)> {
    let visits = store.visits(query).await.unwrap();
    let name = |visit: &store::calls::StoredVisit| (visit.identity.0[0], visit.visit.ordinal);
    visits.iter().map(name).collect()
}

#[tokio::test]
async fn visits_are_found_by_hotline_outcome_and_time_in_the_queue() {
    use ConnectionStatus as Status;
    on_every_store(|store| async move {
        let reports = vec![
            told(1, 10, "Steuern", Status::Answered, 7_000),
            told(2, 20, "Steuern", Status::AbandonedQueued, 5_000),
            told(3, 30, "Umwelt", Status::AbandonedQueued, 5_001),
            told(4, 40, "Umwelt", Status::Busy, 0),
        ];
        apply(&*store, 0, reports).await.unwrap();
        let with = |change: fn(&mut VisitQuery)| {
            let mut query = everything();
            change(&mut query);
            query
        };
        for (query, expected) in [
            (everything(), &[(1, 1), (2, 1), (3, 1)][..]),
            (with(|query| query.hotlines = vec![hotline("Umwelt")]), &[(3, 1)]),
            (with(|query| query.hotlines = vec![hotline("nobody's")]), &[]),
            (
                with(|query| query.outcome = Some(Outcome::Abandoned)),
                &[(2, 1), (3, 1)],
            ),
            (
                with(|query| {
                    query.outcome = Some(Outcome::Abandoned);
                    query.in_queue_ms_max = Some(5_000);
                }),
                &[(2, 1)],
            ),
            (with(|query| query.task_types = vec![TaskType::Email]), &[]),
            (with(|query| (query.from, query.to) = (at(20), at(30))), &[(2, 1)]),
        ] {
            assert_eq!(found(&*store, query.clone()).await, expected, "{query:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn visits_of_all_hotlines_are_paged_in_both_directions() {
    on_every_store(|store| async move {
        let names = ["Steuern", "Umwelt", "Verkehr"];
        let reports = (1..=9).map(|call: u8| {
            let name = names[usize::from(call) % 3];
            told(call, i64::from(call) / 2, name, ConnectionStatus::Answered, 1_000)
        });
        apply(&*store, 0, reports.collect()).await.unwrap();
        for order in [CallOrder::OldestFirst, CallOrder::NewestFirst] {
            let whole = found(
                &*store,
                VisitQuery {
                    order,
                    ..everything()
                },
            )
            .await;
            assert_eq!(whole.len(), 9);
            let mut query = VisitQuery {
                order,
                most: 2,
                ..everything()
            };
            let mut paged = Vec::new();
            loop {
                let page = store.visits(query.clone()).await.unwrap();
                let Some(last) = page.last() else { break };
                query.after = Some(last.place);
                paged.extend(
                    page.iter()
                        .map(|visit| (visit.identity.0[0], visit.visit.ordinal)),
                );
            }
            assert_eq!(paged, whole);
        }
    })
    .await;
}

#[tokio::test]
async fn each_stay_of_a_call_is_a_visit_with_what_became_of_it() {
    on_every_store(|store| async move {
        let queued = |name| EventKind::Queued {
            hotline: hotline(name),
        };
        let kim = EventKind::Answered {
            agent: Some(AgentName::new("Kim")),
        };
        let events = [queued("Steuern"), queued("Umwelt"), kim].into_iter().enumerate();
        let reports = events
            .map(|(place, kind)| report(1, ReportBody::Event(CallEvent::new(at(10 * place as i64), kind))));
        apply(&*store, 0, reports.collect()).await.unwrap();
        let visits = store.visits(everything()).await.unwrap();
        let told: Vec<(&str, Outcome, Option<i64>)> = visits
            .iter()
            .map(|stored| {
                let visit = &stored.visit;
                (visit.hotline.as_str(), visit.outcome, visit.wait_ms)
            })
            .collect();
        assert_eq!(
            told,
            [
                ("Steuern", Outcome::Overflowed, Some(10_000)),
                ("Umwelt", Outcome::Answered, Some(10_000)),
            ]
        );
        assert_eq!(visits[1].visit.agent, Some(AgentName::new("Kim")));
    })
    .await;
}

#[tokio::test]
async fn visits_that_do_not_count_are_left_out() {
    on_every_store(|store| async move {
        let mut reports = vec![
            told(1, 10, "Steuern", ConnectionStatus::Answered, 1_000),
            told(2, 20, "Steuern", ConnectionStatus::Answered, 1_000),
        ];
        reports[1].source = SourceName::new("nightly");
        let counting = CountingSources::new([(hotline("Steuern"), reports[0].source.clone())]);
        let batch = LedgerBatch {
            topic_id: "topic".to_owned(),
            advances: vec![Advance {
                partition: 0,
                expected: 0,
                next: 2,
            }],
            reports: reports.into_iter().map(|report| (0, report)).collect(),
            counting: std::sync::Arc::new(counting),
            ..LedgerBatch::default()
        };
        store.apply(batch).await.unwrap();
        assert_eq!(found(&*store, everything()).await, [(1, 1)]);
    })
    .await;
}
