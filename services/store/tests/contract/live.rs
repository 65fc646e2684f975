//! What every [`CallStore`] tells about the moment.

use domain::agents::{AcceptedAgentReport, AgentReport, AgentState};
use domain::counts::{Figure, Interval};
use domain::event::{CallEvent, EndedBy, EventKind};
use domain::ids::{AgentName, Identity, ImportRun, SourceName};
use domain::live::{Activity, Phase, activities};
use domain::local_time;
use domain::report::ReportBody;
use store::calls::{Advance, CallStore, LedgerBatch};
use store::history::FiguresVersion;
use store::live::{LiveQuery, Moment, QuarterQuery, Quarters};

use crate::calls::{TOPIC, apply, at, hotline, on_every_store, report};

fn event(seconds: i64, kind: EventKind) -> ReportBody {
    ReportBody::Event(CallEvent::new(at(seconds), kind))
}

fn anna() -> Option<AgentName> {
    Some(AgentName::new("Anna"))
}

async fn moment(store: &dyn CallStore, visits_since: i64) -> Moment {
    let query = LiveQuery {
        interval: Interval::containing(at(0)),
        day: local_time::day_of(at(0)),
        visits_since: at(visits_since),
        agents_since: Some(at(-86_400)),
        quarters: None,
    };
    store.live(query).await.unwrap()
}

/// Phase, seconds since when, and who.
async fn phases(store: &dyn CallStore) -> Vec<(Phase, i64, Option<AgentName>)> {
    let moment = moment(store, -3600).await;
    let told = moment.visits.into_iter();
    told.map(|visit| {
        let since = (visit.live.since - at(0)).num_seconds();
        (visit.live.phase, since, visit.live.agent)
    })
    .collect()
}

#[tokio::test]
async fn a_visit_is_live_until_it_is_over() {
    on_every_store(|store| async move {
        let steps = [
            (
                0,
                EventKind::Queued {
                    hotline: hotline("Bürgertelefon"),
                },
                vec![(Phase::Queued, 0, None)],
            ),
            (
                10,
                EventKind::Ringing { agent: anna() },
                vec![(Phase::Ringing, 10, anna())],
            ),
            (
                12,
                EventKind::RingUnanswered { agent: anna() },
                vec![(Phase::Queued, 0, None)],
            ),
            (
                20,
                EventKind::Answered { agent: anna() },
                vec![(Phase::Talking, 20, anna())],
            ),
            (30, EventKind::Held, vec![(Phase::OnHold, 30, anna())]),
            (40, EventKind::Resumed, vec![(Phase::Talking, 40, anna())]),
            (
                50,
                EventKind::Ended {
                    by: Some(EndedBy::Citizen),
                    status: None,
                },
                vec![],
            ),
            (
                50,
                EventKind::AfterCallWorkStarted { agent: anna() },
                vec![(Phase::AfterCallWork, 50, anna())],
            ),
            (90, EventKind::AfterCallWorkEnded { agent: anna() }, vec![]),
        ];
        for (place, (seconds, kind, expected)) in steps.into_iter().enumerate() {
            apply(
                &*store,
                place as i64,
                vec![report(1, event(seconds, kind.clone()))],
            )
            .await
            .unwrap();
            assert_eq!(phases(&*store).await, expected, "after {kind:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_figures_of_the_moment_are_those_of_the_history() {
    on_every_store(|store| async move {
        let queued = EventKind::Queued {
            hotline: hotline("Bürgertelefon"),
        };
        let reports = vec![
            report(1, event(0, queued.clone())),
            report(2, event(5, queued)),
            report(2, event(9, EventKind::Answered { agent: anna() })),
        ];
        apply(&*store, 0, reports).await.unwrap();
        let moment = moment(&*store, -3600).await;
        for figures in [&moment.interval, &moment.day] {
            assert_eq!(figures.len(), 1);
            assert_eq!(figures[0].hotline, Some(hotline("Bürgertelefon")));
            assert_eq!(figures[0].tally.counts.get(Figure::Offered), 2);
            let waiting = moment.visits.iter().filter(|visit| visit.live.phase.is_waiting());
            assert_eq!(
                figures[0].tally.counts.get(Figure::Waiting),
                waiting.count() as i64
            );
        }
        // A phase that began too long ago has lost its end.
        let later = self::moment(&*store, 7).await;
        assert_eq!(later.visits.len(), 1);
    })
    .await;
}

/// The quarter-hours of two hours, beside the moment.
async fn quarters(store: &dyn CallStore, since: Option<FiguresVersion>) -> Quarters {
    let first = Interval::containing(at(0));
    let query = LiveQuery {
        interval: first,
        day: local_time::day_of(at(0)),
        visits_since: at(-3600),
        agents_since: None,
        quarters: Some(QuarterQuery {
            from: first,
            to: Interval(first.0 + 8),
            since,
        }),
    };
    store.live(query).await.unwrap().quarters.unwrap()
}

#[tokio::test]
async fn quarter_hours_beside_the_moment_are_those_that_have_moved() {
    on_every_store(|store| async move {
        let queued = EventKind::Queued {
            hotline: hotline("Bürgertelefon"),
        };
        let first = Interval::containing(at(0));
        let reports = vec![
            report(1, event(0, queued.clone())),
            report(2, event(3600, queued.clone())),
            // Beyond what is asked for.
            report(3, event(7200, queued.clone())),
        ];
        apply(&*store, 0, reports).await.unwrap();
        let all = quarters(&*store, None).await;
        assert_eq!((all.moved, all.rows.len()), (None, 2));
        let same = quarters(&*store, Some(all.version.clone())).await;
        assert_eq!((same.moved, same.rows.len()), (Some(Vec::new()), 0));

        let more = vec![
            report(4, event(3605, queued.clone())),
            report(5, event(7205, queued)),
        ];
        apply(&*store, 3, more).await.unwrap();
        let moved = quarters(&*store, Some(all.version)).await;
        assert_eq!(moved.moved, Some(vec![Interval(first.0 + 4)]));
        let [row] = &moved.rows[..] else {
            panic!("{moved:?}")
        };
        assert_eq!(row.tally.counts.get(Figure::Offered), 2);
        // Versions of PostgreSQL tell of the transactions of others, too: what they stand for is compared.
        let same = quarters(&*store, Some(moved.version)).await;
        assert_eq!((same.moved, same.rows.len()), (Some(Vec::new()), 0));
        // What cannot be compared with is told whole.
        for unknown in ["gestern", "4000000000", "4000000000:4000000000:"] {
            let all = quarters(&*store, Some(FiguresVersion::new(unknown))).await;
            assert_eq!((all.moved, all.rows.len()), (None, 2), "{unknown}");
        }
    })
    .await;
}

#[tokio::test]
async fn agents_are_where_their_last_reports_leave_them() {
    on_every_store(|store| async move {
        let told = |seconds, name: &str, state| AcceptedAgentReport {
            identity: Identity([7; 16]),
            source: SourceName::new("test"),
            run: ImportRun::new("run-1"),
            received_at: at(10_000),
            report: AgentReport {
                agent: AgentName::new(name),
                hotline: None,
                at: at(seconds),
                state,
                reason: None,
            },
        };
        let reports = [
            told(0, "Anna", AgentState::SignedIn),
            told(10, "Anna", AgentState::Paused),
            told(20, "Anna", AgentState::Ready),
            told(30, "Anna", AgentState::Paused),
            told(0, "Bernd", AgentState::SignedIn),
            told(60, "Clara", AgentState::SignedOut),
        ];
        let batch = LedgerBatch {
            topic_id: TOPIC.to_owned(),
            advances: vec![Advance {
                partition: 0,
                expected: 0,
                next: 1,
            }],
            agents: reports.into_iter().map(|report| (0, report)).collect(),
            ..LedgerBatch::default()
        };
        store.apply(batch).await.unwrap();
        let moment = moment(&*store, -3600).await;
        let doing = activities(&moment.agents, []);
        let does = |name| doing.get(&AgentName::new(name)).map(|it| (it.activity, it.since));
        assert_eq!(does("Anna"), Some((Activity::Paused, at(30))));
        assert_eq!(does("Bernd"), Some((Activity::Ready, at(0))));
        assert_eq!(does("Clara"), None);
    })
    .await;
}

#[tokio::test]
async fn a_live_visit_tells_its_call_and_how_long_the_answer_took() {
    on_every_store(|store| async move {
        let queued = EventKind::Queued {
            hotline: hotline("Bürgertelefon"),
        };
        let reports = vec![
            report(1, event(0, queued.clone())),
            report(2, event(0, queued)),
            report(2, event(10, EventKind::Ringing { agent: anna() })),
            report(2, event(15, EventKind::Answered { agent: anna() })),
        ];
        let calls = [1, 2].map(|call| Identity([call; 16]));
        apply(&*store, 0, reports).await.unwrap();
        let told = async || {
            let moment = moment(&*store, -3600).await;
            let mut told: Vec<(Identity, Phase, Option<i64>)> = moment
                .visits
                .iter()
                .map(|visit| (visit.call, visit.live.phase, visit.time_to_answer_ms))
                .collect();
            told.sort_by_key(|(_, phase, _)| *phase as u8);
            told
        };
        let waiting = (calls[0], Phase::Queued, None);
        let answered = (calls[1], Phase::Talking, Some(15_000));
        assert_eq!(told().await, [waiting, answered]);
        let ended = EventKind::Ended {
            by: Some(EndedBy::Citizen),
            status: None,
        };
        let work = EventKind::AfterCallWorkStarted { agent: anna() };
        let reports = vec![report(2, event(40, ended)), report(2, event(40, work))];
        apply(&*store, 4, reports).await.unwrap();
        let left_to_do = (calls[1], Phase::AfterCallWork, Some(15_000));
        assert_eq!(told().await, [waiting, left_to_do]);
    })
    .await;
}
