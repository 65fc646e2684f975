//! Life-cycle events in, figures out: the table of what happened, then what it counts as.

use domain::event::{EndedBy, EventKind, OutboundOutcome, OverflowTarget, TransferKind};
use domain::ids::{AgentName, HotlineName};
use domain::record::{ConnectionStatus, TaskType};
use serde_json::{Value, json};
use testkit::reports::{self, DAY};
use testkit::{Backend, Builder, Dice, TestNode, eventually};
use wire::v1::calls::CallReport;

use crate::figures;

fn hotline(name: &str) -> HotlineName {
    HotlineName::new(name)
}

fn agent(name: &str) -> Option<AgentName> {
    Some(AgentName::new(name))
}

fn arrived_as(task_type: TaskType, name: &str) -> EventKind {
    EventKind::Arrived {
        task_type,
        hotline: hotline(name),
        caller: None,
        dialled_address: None,
        direct_topic_dial: None,
        external_contact: None,
        inbound_contact: None,
        out_cc_contact: None,
    }
}

fn arrived(name: &str) -> EventKind {
    arrived_as(TaskType::InboundCall, name)
}

fn queued(name: &str) -> EventKind {
    EventKind::Queued {
        hotline: hotline(name),
    }
}

fn ringing() -> EventKind {
    EventKind::Ringing {
        agent: agent("agent-7"),
    }
}

fn answered() -> EventKind {
    EventKind::Answered {
        agent: agent("agent-7"),
    }
}

fn ended(by: EndedBy) -> EventKind {
    EventKind::Ended {
        by: Some(by),
        status: None,
    }
}

fn ended_as(status: ConnectionStatus) -> EventKind {
    EventKind::Ended {
        by: None,
        status: Some(status),
    }
}

/// The events of a call, by seconds.
fn call(id: &str, events: impl IntoIterator<Item = (i64, EventKind)>) -> Vec<CallReport> {
    let report = |(seconds, kind)| reports::event(id, seconds, kind);
    events.into_iter().map(report).collect()
}

async fn send(node: &TestNode, reports: Vec<CallReport>) {
    let count = reports.len();
    let receipt = node
        .intake()
        .submit_reports(reports::batch(1, reports))
        .await
        .expect("a receipt")
        .into_inner();
    assert_eq!(receipt.accepted as usize, count, "{:?}", receipt.rejected);
    node.await_figures(reports::positions([&receipt])).await;
}

/// Sends the reports in order; and to another node out of order, each twice, in single batches. Both must tell this.
async fn check(reports: Vec<CallReport>, expected: Value) {
    let (reports, expected) = (&reports, &json!({ "groups": expected }));
    Backend::first(|backend| async move {
        let orderly = TestNode::start(backend).await;
        send(&orderly, reports.clone()).await;
        figures::check(&figures::report(&orderly, DAY).await, expected);
    })
    .await;
    Backend::each(|backend| async move {
        let mut twice = [&reports[..], &reports[..]].concat();
        Dice::new().shuffle(&mut twice);
        let disorderly = TestNode::start(backend).await;
        for report in twice {
            send(&disorderly, vec![report]).await;
        }
        figures::check(&figures::report(&disorderly, DAY).await, expected);
    })
    .await;
}

#[tokio::test]
async fn wait_ends_when_the_last_ringing_starts() {
    let events = [
        (0, arrived("Steuern")),
        (2, queued("Steuern")),
        (10, ringing()),
        (
            14,
            EventKind::RingUnanswered {
                agent: agent("agent-7"),
            },
        ),
        (20, ringing()),
        (23, answered()),
        (63, EventKind::Held),
        (73, EventKind::Resumed),
        (80, ended(EndedBy::Citizen)),
        (
            80,
            EventKind::AfterCallWorkStarted {
                agent: agent("agent-7"),
            },
        ),
        (
            95,
            EventKind::AfterCallWorkEnded {
                agent: agent("agent-7"),
            },
        ),
    ];
    let expected = json!([{
        "group": "Steuern", "contacts": 1, "offered": 1, "answered": 1, "time_to_answer_ms": 21_000,
        "longest_time_to_answer_ms": 21_000, "answered_within": { "20": 0, "30": 1 },
        "talk_ms": 47_000, "hold_ms": 10_000, "after_call_work_ms": 15_000, "service_level": 1.0,
    }]);
    check(call("1", events), expected).await;
}

#[tokio::test]
async fn hang_up_on_hold_counts_as_answered() {
    let events = [
        (0, arrived("Steuern")),
        (0, queued("Steuern")),
        (5, answered()),
        (15, EventKind::Held),
        (40, ended(EndedBy::Citizen)),
    ];
    let expected = json!([{
        "group": "Steuern", "offered": 1, "answered": 1, "abandoned": 0, "talk_ms": 10_000, "hold_ms": 25_000,
    }]);
    check(call("1", events), expected).await;
}

#[tokio::test]
async fn hang_up_while_ringing_counts_as_abandoned_after_waiting_and_ringing() {
    let events = [
        (0, arrived("Steuern")),
        (0, queued("Steuern")),
        (12, ringing()),
        (19, ended(EndedBy::Citizen)),
    ];
    let expected = json!([{
        "group": "Steuern", "offered": 1, "answered": 0, "abandoned": 1, "short_abandoned": 0,
        "time_to_abandon_ms": 19_000, "abandoned_within": { "20": 1, "30": 1 }, "service_level": 0.0,
    }]);
    check(call("1", events), expected).await;
}

#[tokio::test]
async fn an_overflow_to_another_hotline_is_a_second_visit() {
    let events = [
        (0, arrived("Steuern")),
        (0, queued("Steuern")),
        (
            60,
            EventKind::Overflowed {
                to: OverflowTarget::Hotline(hotline("Allgemein")),
            },
        ),
        (60, queued("Allgemein")),
        (70, answered()),
        (90, ended(EndedBy::Agent)),
    ];
    let expected = json!([
        { "group": "Allgemein", "contacts": 0, "offered": 1, "answered": 1, "time_to_answer_ms": 10_000 },
        { "group": "Steuern", "contacts": 1, "offered": 1, "answered": 0, "overflowed": 1 },
    ]);
    check(call("1", events), expected).await;
}

#[tokio::test]
async fn an_overflow_to_another_site_continues_the_visit() {
    let events = [
        (0, arrived("Steuern")),
        (0, queued("Steuern")),
        (
            30,
            EventKind::Overflowed {
                to: OverflowTarget::Site("Köln".to_owned()),
            },
        ),
        (30, queued("Steuern")),
        (50, ended(EndedBy::Citizen)),
    ];
    let expected = json!([{
        "group": "Steuern", "offered": 1, "abandoned": 1, "overflowed": 0, "time_to_abandon_ms": 50_000,
    }]);
    check(call("1", events), expected).await;
}

#[tokio::test]
async fn a_transfer_into_another_hotline_ends_the_talk_of_the_first_visit() {
    let transfer = EventKind::Transferred {
        transfer: TransferKind::Blind,
        hotline: Some(hotline("Schule")),
    };
    let events = [
        (0, arrived("Steuern")),
        (0, queued("Steuern")),
        (5, answered()),
        (35, transfer),
        (35, queued("Schule")),
        (45, ended(EndedBy::Citizen)),
    ];
    let expected = json!([
        { "group": "Schule", "contacts": 0, "offered": 1, "abandoned": 1, "time_to_abandon_ms": 10_000 },
        { "group": "Steuern", "contacts": 1, "offered": 1, "answered": 1, "talk_ms": 30_000 },
    ]);
    check(call("1", events), expected).await;
}

#[tokio::test]
async fn a_call_that_ends_before_the_queue_is_not_offered() {
    let reports = [
        call(
            "1",
            [
                (0, arrived("Steuern")),
                (9, ended_as(ConnectionStatus::AbandonedBeforeQueue)),
            ],
        ),
        call(
            "2",
            [
                (0, arrived("Steuern")),
                (1, ended_as(ConnectionStatus::OutOfHours)),
            ],
        ),
    ]
    .concat();
    let expected = json!([{
        "group": "Steuern", "contacts": 2, "not_offered": 2, "offered": 0, "service_level": null,
        "longest_time_to_answer_ms": null,
    }]);
    check(reports, expected).await;
}

#[tokio::test]
async fn outbound_and_written_contacts_are_contacts_and_nothing_else() {
    let dialled = [
        (0, arrived_as(TaskType::OutboundCall, "Steuern")),
        (1, EventKind::DialerAttempt),
        (
            5,
            EventKind::OutboundResult {
                outcome: OutboundOutcome::Reached,
            },
        ),
        (65, ended(EndedBy::Agent)),
    ];
    let expected = json!([{
        "group": "Steuern", "contacts": 1, "offered": 0, "not_offered": 0, "answered": 0, "talk_ms": 0,
    }]);
    check(call("1", dialled), expected).await;
}

#[tokio::test]
async fn the_finished_record_wins_the_fields_and_the_events_keep_the_visits() {
    let mut finished = reports::answered(0, "Steuern", 4_000);
    finished.talk_ms = Some(99_000);
    let mut reports = call(
        "1",
        [
            (0, arrived("Steuern")),
            (0, queued("Steuern")),
            (
                60,
                EventKind::Overflowed {
                    to: OverflowTarget::Hotline(hotline("Allgemein")),
                },
            ),
            (60, queued("Allgemein")),
            (70, answered()),
            (90, ended(EndedBy::Agent)),
        ],
    );
    reports.push(reports::record("1", &finished));
    let expected = json!([
        { "group": "Allgemein", "contacts": 0, "offered": 1, "answered": 1, "time_to_answer_ms": 10_000, "talk_ms": 20_000 },
        { "group": "Steuern", "contacts": 1, "offered": 1, "answered": 0, "overflowed": 1 },
    ]);
    check(reports, expected).await;
}

#[tokio::test]
async fn a_higher_revision_corrects_the_figures() {
    let revised = |revision, wait_ms| {
        let mut report = reports::record("1", &reports::answered(0, "Steuern", wait_ms));
        let Some(wire::v1::calls::call_report::Body::Record(record)) = &mut report.body else {
            unreachable!("a record was asked for");
        };
        record.revision = revision;
        report
    };
    let expected = json!([{
        "group": "Steuern", "contacts": 1, "offered": 1, "answered": 1, "time_to_answer_ms": 31_000,
        "longest_time_to_answer_ms": 31_000, "answered_within": { "20": 0, "30": 0 },
    }]);
    check(
        vec![revised(1, 5_000), revised(3, 31_000), revised(2, 80_000)],
        expected,
    )
    .await;
}

#[tokio::test]
async fn a_caller_in_the_queue_is_waiting_until_the_end_comes() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        send(
            &node,
            call("1", [(0, arrived("Steuern")), (2, queued("Steuern"))]),
        )
        .await;
        let waiting = json!({ "groups": [{ "offered": 1, "waiting": 1, "answered": 0, "unresolved": 0 }] });
        figures::check(&figures::report(&node, DAY).await, &waiting);
        send(&node, call("1", [(33, answered()), (40, ended(EndedBy::Agent))])).await;
        let over =
            json!({ "groups": [{ "offered": 1, "waiting": 0, "answered": 1, "time_to_answer_ms": 31_000 }] });
        figures::check(&figures::report(&node, DAY).await, &over);
    })
    .await;
}

#[tokio::test]
async fn a_missing_end_is_unresolved_after_the_horizon_and_corrected_by_the_truth() {
    Backend::each(|backend| async move {
        let node = Builder::on(backend).set("ledger.horizon_s", "1").set("ledger.sweep_every_s", "1").start().await;
        let open = [
            call("1", [(0, arrived("Steuern")), (2, queued("Steuern"))]),
            call("2", [(0, arrived("Schule")), (2, queued("Schule")), (9, answered())]),
        ];
        send(&node, open.concat()).await;
        eventually("the horizon to pass", async || {
            let totals = node.totals(DAY.0, DAY.1).await;
            (figures::group(&totals, "Steuern").unresolved == 1).then_some(())
        })
        .await;
        let given_up = json!({ "groups": [
            { "group": "Schule", "answered": 1, "unresolved": 0, "talk_ms": 0 },
            { "group": "Steuern", "offered": 1, "waiting": 0, "unresolved": 1 },
        ] });
        figures::check(&figures::report(&node, DAY).await, &given_up);
        let truth = [
            call("1", [(32, ended(EndedBy::Citizen))]),
            call("2", [(69, ended(EndedBy::Citizen))]),
        ];
        send(&node, truth.concat()).await;
        let corrected = json!({ "groups": [
            { "group": "Schule", "answered": 1, "unresolved": 0, "talk_ms": 60_000 },
            { "group": "Steuern", "offered": 1, "abandoned": 1, "unresolved": 0, "time_to_abandon_ms": 30_000 },
        ] });
        figures::check(&figures::report(&node, DAY).await, &corrected);
    })
    .await;
}
