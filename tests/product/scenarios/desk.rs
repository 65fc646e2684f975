//! The desk of an agent: the call that he or she is in, from the first ringing until nothing is left to do.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::event::{CallEvent, EndedBy, EventKind};
use domain::ids::{AgentName, HotlineName};
use domain::personal::{Caller, Personal};
use domain::record::TaskType;
use testkit::{Backend, TestNode, reports};
use tonic::{Code, Streaming};
use wire::v1::calls::CallReport;
use wire::v1::calls::call_report::Key;
use wire::v1::reporting::live_client::LiveClient;
use wire::v1::reporting::{Desk, RunningCall, WatchDeskRequest};

const HOTLINE: &str = "Steuern und Finanzen";
const AGENT: &str = "agent-7";

fn agent() -> Option<AgentName> {
    Some(AgentName::new(AGENT))
}

fn told(id: &str, at: DateTime<Utc>, kind: EventKind) -> CallReport {
    wire::calls::event_report(Key::CallId(id.to_owned()), &CallEvent::new(at, kind))
}

/// A citizen calls, and waits.
fn waiting(id: &str, at: DateTime<Utc>, number: &str) -> Vec<CallReport> {
    let hotline = || HotlineName::new(HOTLINE);
    let arrived = EventKind::Arrived {
        task_type: TaskType::InboundCall,
        hotline: hotline(),
        caller: Some(Caller::Given(Personal::new(number))),
        dialled_address: None,
        direct_topic_dial: None,
        external_contact: None,
        inbound_contact: None,
        out_cc_contact: None,
    };
    vec![
        told(id, at, arrived),
        told(id, at, EventKind::Queued { hotline: hotline() }),
    ]
}

async fn send(node: &TestNode, sent: Vec<CallReport>) {
    let receipt = node.intake().submit_reports(reports::batch(1, sent)).await;
    let receipt = receipt.expect("a receipt").into_inner();
    node.await_figures(reports::positions([&receipt])).await;
}

/// The next desk that fulfils a condition.
async fn until(desks: &mut Streaming<Desk>, what: &str, is_there: impl Fn(&Desk) -> bool) -> Desk {
    let found = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let desk = desks.message().await.expect("no error").expect("a desk");
            if is_there(&desk) {
                return desk;
            }
        }
    });
    found.await.unwrap_or_else(|_| panic!("never seen: {what}"))
}

fn phase(desk: &Desk) -> &str {
    desk.call.as_ref().map_or("", |call| call.phase.as_str())
}

fn call(desk: Desk) -> RunningCall {
    desk.call.expect("a call")
}

#[tokio::test]
async fn the_call_of_an_agent_is_shown_from_ringing_to_the_end_of_the_work() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let mut client = LiveClient::new(node.connection());
        let asked = WatchDeskRequest {
            agent: AGENT.to_owned(),
        };
        let mut desks = client.watch_desk(asked).await.expect("a stream").into_inner();
        let idle = desks.message().await.expect("no error").expect("a desk");
        assert_eq!((idle.activity.as_str(), idle.call), ("", None));

        let now = Utc::now();
        let ago = |seconds| now - TimeDelta::seconds(seconds);
        send(&node, waiting("one", ago(40), "0221 4710123")).await;
        send(
            &node,
            vec![told("one", ago(10), EventKind::Ringing { agent: agent() })],
        )
        .await;
        let ringing = call(until(&mut desks, "ringing", |desk| phase(desk) == "ringing").await);
        assert_eq!(
            (
                ringing.caller.as_str(),
                ringing.caller_kind.as_str(),
                ringing.hotline.as_str()
            ),
            ("0221 4710123", "e164", HOTLINE)
        );
        assert_eq!(ringing.offered_at_unix_ms, ago(40).timestamp_millis());
        assert_eq!(ringing.time_to_answer_ms, None);

        send(
            &node,
            vec![told("one", ago(5), EventKind::Answered { agent: agent() })],
        )
        .await;
        let talking = until(&mut desks, "talking", |desk| phase(desk) == "talking").await;
        assert_eq!(talking.activity, "talking");
        let talking = call(talking);
        assert_eq!(
            (talking.time_to_answer_ms, &talking.identity),
            (Some(35_000), &ringing.identity)
        );
        let shown = ["call", "show", &talking.identity];
        node.run(&shown).await.exits(0);

        let end = EventKind::Ended {
            by: Some(EndedBy::Citizen),
            status: None,
        };
        let work = EventKind::AfterCallWorkStarted { agent: agent() };
        send(&node, vec![told("one", ago(3), end), told("one", ago(3), work)]).await;
        until(&mut desks, "after-call work", |desk| {
            phase(desk) == "after_call_work"
        })
        .await;
        let done = EventKind::AfterCallWorkEnded { agent: agent() };
        send(&node, vec![told("one", ago(2), done)]).await;
        until(&mut desks, "no call", |desk| desk.call.is_none()).await;

        let of_desk = ["privacy", "audit", "list", "--json", "--action", "desk_shown"];
        let noted = node.run(&of_desk).await.exits(0).json_lines();
        assert_eq!(
            (noted.len(), &noted[0]["subject"]),
            (1, &ringing.identity.into()),
            "{noted:?}"
        );

        let nobody = client.watch_desk(WatchDeskRequest::default()).await;
        assert_eq!(nobody.expect_err("no agent").code(), Code::FailedPrecondition);
    })
    .await;
}
