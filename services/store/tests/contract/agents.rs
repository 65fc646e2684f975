//! What every [`CallStore`] keeps about agents.

use chrono::TimeDelta;
use domain::agents::{AcceptedAgentReport, AgentReport, AgentState};
use domain::event::{CallEvent, EndedBy, EventKind};
use domain::ids::{AgentName, Identity, ImportRun, SourceName};
use domain::report::ReportBody;
use store::calls::{Advance, CallStore, LedgerBatch, Period};

use crate::calls::{TOPIC, at, hotline, on_every_store, report};

pub(crate) fn told(seconds: i64, name: &str, state: AgentState) -> AcceptedAgentReport {
    AcceptedAgentReport {
        identity: Identity([7; 16]),
        source: SourceName::new("test"),
        run: ImportRun::new("run-1"),
        received_at: at(10_000),
        report: AgentReport {
            agent: AgentName::new(name),
            hotline: Some(hotline("Bürgertelefon")),
            at: at(seconds),
            state,
            reason: Some("Mittag".to_owned()),
        },
    }
}

pub(crate) async fn keep(store: &dyn CallStore, expected: i64, agents: Vec<AcceptedAgentReport>) {
    let advance = Advance {
        partition: 0,
        expected,
        next: expected + 1,
    };
    let batch = LedgerBatch {
        topic_id: TOPIC.to_owned(),
        advances: vec![advance],
        agents: agents.into_iter().map(|report| (0, report)).collect(),
        ..LedgerBatch::default()
    };
    store.apply(batch).await.unwrap();
}

fn hour() -> Period {
    Period {
        from: at(0),
        to: at(3600),
    }
}

#[tokio::test]
async fn what_an_agent_does_is_kept_once_and_forgotten_in_time() {
    on_every_store(|store| async move {
        let reports = vec![
            told(0, "Anna", AgentState::SignedIn),
            told(60, "Anna", AgentState::Paused),
            told(4000, "Anna", AgentState::SignedOut),
        ];
        keep(&*store, 0, reports.clone()).await;
        keep(
            &*store,
            1,
            reports.iter().cloned().chain(reports.clone()).collect(),
        )
        .await;
        let mut kept = store.agent_reports(hour()).await.unwrap();
        kept.sort_by_key(|report| report.at);
        let expected: Vec<_> = reports[..2].iter().map(|told| told.report.clone()).collect();
        assert_eq!(kept, expected, "the third lies after the period");
        let run = store.import_run(&ImportRun::new("run-1")).await.unwrap();
        assert_eq!(run.new_reports, 3, "each counts once under its import");

        // Received lately, however long ago it was.
        assert_eq!(store.forget_agent_reports(at(5000)).await.unwrap(), 0);
        let later = at(10_000) + TimeDelta::seconds(1);
        assert_eq!(store.forget_agent_reports(later).await.unwrap(), 3);
        assert!(store.agent_reports(hour()).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_visits_of_an_agent_add_up() {
    on_every_store(|store| async move {
        let events = |call: u8| {
            let kinds = [
                (
                    0,
                    EventKind::Queued {
                        hotline: hotline("Bürgertelefon"),
                    },
                ),
                (
                    10,
                    EventKind::Answered {
                        agent: Some(AgentName::new("Anna")),
                    },
                ),
                (20, EventKind::Held),
                (25, EventKind::Resumed),
                (
                    70,
                    EventKind::Ended {
                        by: Some(EndedBy::Citizen),
                        status: None,
                    },
                ),
            ];
            kinds.map(|(seconds, kind)| {
                (
                    0,
                    report(call, ReportBody::Event(CallEvent::new(at(seconds), kind))),
                )
            })
        };
        let batch = LedgerBatch {
            topic_id: TOPIC.to_owned(),
            advances: Vec::new(),
            reports: events(1).into_iter().chain(events(2)).collect(),
            ..LedgerBatch::default()
        };
        store.apply(batch).await.unwrap();
        let sums = store.agent_visits(hour()).await.unwrap();
        assert_eq!(sums.len(), 1);
        let anna = &sums[0];
        assert_eq!(
            (anna.agent.as_str(), anna.answered, anna.talk_ms, anna.hold_ms),
            ("Anna", 2, 110_000, 10_000)
        );
        let run = store.import_run(&ImportRun::new("run-1")).await.unwrap();
        assert_eq!(run.new_reports, 10, "every event is a report of its own");
    })
    .await;
}
