//! Numbers of citizens, items as they were delivered, and single agents: who may see them, and what is noted of it.

use domain::event::EventKind;
use domain::ids::{AgentName, HotlineName};
use domain::personal::{Caller, Personal};
use domain::record::ConnectionStatus;
use testkit::{Backend, TestNode, reports};
use tonic::{Code, Status};
use wire::v1::calls::{UnreadableItem, call_report::Key};
use wire::v1::reporting as proto;
use wire::v1::reporting::live_client::LiveClient;
use wire::v1::reporting::records_client::RecordsClient;
use wire::v1::reporting::rejected_items_client::RejectedItemsClient;

use super::{by, node, node_with};

const HOTLINE: &str = "Bürgertelefon";

/// One call with a number.
async fn import_a_call(node: &TestNode) {
    let mut record = reports::finished(0, HOTLINE, ConnectionStatus::AbandonedQueued);
    record.caller = Some(Caller::Given(Personal::new("0221 4710123")));
    let report = wire::calls::record_report(Key::CallId("call-1".to_owned()), &record);
    let mut batch = reports::batch(1, vec![report]);
    batch.unreadable.push(UnreadableItem {
        position: "line 7".to_owned(),
        field: "Beginn".to_owned(),
        reason: "no time".to_owned(),
        payload: b"31.02.2024;0221 4710123".to_vec(),
        ..UnreadableItem::default()
    });
    let receipt = node
        .intake()
        .submit_reports(batch)
        .await
        .expect("a receipt")
        .into_inner();
    node.await_figures(reports::positions([&receipt])).await;
}

async fn list(node: &TestNode, token: &str, number: &str, reveal: bool) -> Result<String, Status> {
    let filter = proto::CallFilter {
        from: reports::DAY.0.to_owned(),
        to: reports::DAY.1.to_owned(),
        number: number.to_owned(),
        ..proto::CallFilter::default()
    };
    let request = proto::ListCallsRequest {
        filter: Some(filter),
        reveal,
        ..proto::ListCallsRequest::default()
    };
    let answer = RecordsClient::new(by(node, token)).list_calls(request).await?;
    Ok(format!("{:?}", answer.into_inner()))
}

async fn get(node: &TestNode, token: &str, reveal: bool) -> Result<String, Status> {
    let request = proto::GetCallRequest {
        id: "test/call-1".to_owned(),
        reveal,
    };
    let answer = RecordsClient::new(by(node, token)).get_call(request).await?;
    Ok(format!("{:?}", answer.into_inner()))
}

async fn rejected(node: &TestNode, token: &str, reveal: bool) -> Result<Vec<u8>, Status> {
    let mut client = RejectedItemsClient::new(by(node, token));
    let items = client.list_items(proto::ListRejectedRequest::default()).await?;
    let id = items.into_inner().items[0].id.clone();
    let item = client.get_item(proto::GetRejectedRequest { id, reveal }).await?;
    Ok(item.into_inner().payload)
}

async fn noted(node: &TestNode, actor: &str) -> Vec<String> {
    let command = ["privacy", "audit", "list", "--json", "--actor", actor];
    let entries = node.run(&command).await.exits(0).json_lines();
    let action = |entry: &serde_json::Value| entry["action"].as_str().expect("an action").to_owned();
    entries.iter().rev().map(action).collect()
}

#[tokio::test]
async fn numbers_are_for_the_data_protection_officer_and_nobody_searches_by_them_unseen() {
    let node = node(Backend::Embedded).await;
    import_a_call(&node).await;
    let denied =
        |answer: Result<String, Status>| answer.expect_err("refused").code() == Code::PermissionDenied;
    assert!(denied(list(&node, "supervisor", "", true).await));
    assert!(denied(list(&node, "supervisor", "0221 4710123", false).await));
    assert!(denied(get(&node, "supervisor", true).await));
    for text in [
        list(&node, "supervisor", "", false).await,
        get(&node, "supervisor", false).await,
    ] {
        assert!(!text.expect("a call").contains("4710123"));
    }
    assert_eq!(noted(&node, "supervisor").await, [""; 0]);

    let officer = "data_protection";
    list(&node, officer, "", false).await.expect("calls");
    assert!(
        list(&node, officer, "+49 221 4710123", false)
            .await
            .expect("calls")
            .contains("call-1")
    );
    assert!(
        list(&node, officer, "", true)
            .await
            .expect("calls")
            .contains("4710123")
    );
    assert!(
        get(&node, officer, true)
            .await
            .expect("a call")
            .contains("4710123")
    );
    let export = proto::ExportCallsRequest {
        from: reports::DAY.0.to_owned(),
        to: reports::DAY.1.to_owned(),
        ..proto::ExportCallsRequest::default()
    };
    RecordsClient::new(by(&node, officer))
        .export_calls(export)
        .await
        .expect("an export");
    let expected = ["calls_listed", "calls_listed", "call_revealed", "calls_exported"];
    assert_eq!(noted(&node, officer).await, expected);
}

#[tokio::test]
async fn items_as_they_were_delivered_are_for_those_who_repair_them() {
    let node = node(Backend::Embedded).await;
    import_a_call(&node).await;
    let refused = rejected(&node, "supervisor", true).await.expect_err("refused");
    assert_eq!(refused.code(), Code::PermissionDenied);
    let shown = |payload: Vec<u8>| String::from_utf8(payload).expect("text").contains("4710123");
    assert!(!shown(
        rejected(&node, "supervisor", false).await.expect("an item")
    ));
    assert!(shown(
        rejected(&node, "administrator", true).await.expect("an item")
    ));
    assert_eq!(noted(&node, "supervisor").await, [""; 0]);
    assert_eq!(noted(&node, "administrator").await, ["rejected_revealed"]);
}

#[tokio::test]
async fn single_agents_are_shown_to_supervisors_alone() {
    let node = node_with(Backend::Embedded, |builder| builder.set("agents.figures", "true")).await;
    let now = chrono::Utc::now();
    let hotline = || HotlineName::new(HOTLINE);
    let told = |kind| {
        let event = domain::event::CallEvent::new(now, kind);
        wire::calls::event_report(Key::CallId("call-1".to_owned()), &event)
    };
    let agent = Some(AgentName::new("anna"));
    let sent = vec![
        told(EventKind::Queued { hotline: hotline() }),
        told(EventKind::Answered { agent }),
    ];
    let receipt = node.intake().submit_reports(reports::batch(1, sent)).await;
    let receipt = receipt.expect("a receipt").into_inner();
    node.await_figures(reports::positions([&receipt])).await;
    for (token, agents) in [("supervisor", 1), ("agent", 0)] {
        let mut client = LiveClient::new(by(&node, token));
        let watched = client.watch(proto::WatchRequest::default()).await;
        let mut moments = watched.expect("a stream").into_inner();
        let moment = moments.message().await.expect("no error").expect("a moment");
        assert_eq!(
            (moment.agents.len(), moment.agents_shown),
            (agents, agents > 0),
            "{token}"
        );
        assert_eq!(moment.total.expect("a total").talking, 1);
    }
    assert_eq!(noted(&node, "supervisor").await, ["agent_figures_read"]);
    assert_eq!(noted(&node, "agent").await, [""; 0]);
}

/// One call that anna answered, now; gives its identity.
async fn answered_by_anna(node: &TestNode) -> String {
    let now = chrono::Utc::now();
    let told = |kind| {
        let event = domain::event::CallEvent::new(now, kind);
        wire::calls::event_report(Key::CallId("call-1".to_owned()), &event)
    };
    let hotline = HotlineName::new(HOTLINE);
    let agent = Some(AgentName::new("anna"));
    let sent = vec![
        told(EventKind::Queued { hotline }),
        told(EventKind::Answered { agent }),
    ];
    let receipt = node.intake().submit_reports(reports::batch(1, sent)).await;
    let receipt = receipt.expect("a receipt").into_inner();
    node.await_figures(reports::positions([&receipt])).await;
    let calls = calls_by(node, "operator", "").await.expect("calls");
    calls[0].identity.clone()
}

fn connection(node: &TestNode, token: &str) -> testkit::Connection {
    match token {
        "operator" => node.connection(),
        token => by(node, token),
    }
}

async fn calls_by(node: &TestNode, token: &str, agent: &str) -> Result<Vec<proto::Call>, Status> {
    let day = chrono::Utc::now().date_naive();
    let request = proto::ListCallsRequest {
        filter: Some(proto::CallFilter {
            from: (day - chrono::Days::new(1)).to_string(),
            to: (day + chrono::Days::new(2)).to_string(),
            agent: agent.to_owned(),
            ..proto::CallFilter::default()
        }),
        ..proto::ListCallsRequest::default()
    };
    let listed = RecordsClient::new(connection(node, token))
        .list_calls(request)
        .await;
    listed.map(|listed| listed.into_inner().calls)
}

/// Everything that somebody is shown of a call, as text.
async fn shown_to(node: &TestNode, token: &str, identity: &str) -> String {
    let day = chrono::Utc::now().date_naive();
    let mut records = RecordsClient::new(connection(node, token));
    let visits = proto::ListVisitsRequest {
        filter: Some(proto::VisitFilter {
            from: (day - chrono::Days::new(1)).to_string(),
            to: (day + chrono::Days::new(2)).to_string(),
            ..proto::VisitFilter::default()
        }),
        ..proto::ListVisitsRequest::default()
    };
    let visits = records.list_visits(visits).await.expect("visits").into_inner();
    let call = proto::GetCallRequest {
        id: identity.to_owned(),
        ..proto::GetCallRequest::default()
    };
    let call = records.get_call(call).await.expect("a call").into_inner();
    let listed = calls_by(node, token, "").await.expect("calls");
    let mut moments = LiveClient::new(connection(node, token));
    let moment = match token {
        "data_protection" => String::new(),
        _ => {
            let mut watched = moments
                .watch(proto::WatchRequest::default())
                .await
                .expect("a stream");
            let moment = watched.get_mut().message().await.expect("no error");
            format!("{moment:?}")
        }
    };
    assert_eq!((visits.visits.len(), listed.len()), (1, 1));
    format!("{visits:?} {call:?} {listed:?} {moment}")
}

#[tokio::test]
async fn nobody_sees_who_answered_unless_the_works_council_has_agreed() {
    Backend::each(|backend| async move {
        let node = node_with(backend, |builder| builder).await;
        let identity = answered_by_anna(&node).await;
        for token in ["supervisor", "data_protection", "operator"] {
            let shown = shown_to(&node, token, &identity).await;
            assert!(!shown.contains("anna"), "{token}: {shown}");
            let asked = calls_by(&node, token, "anna").await.expect_err("refused");
            assert_eq!(asked.code(), Code::FailedPrecondition, "{token}");
        }
        assert_eq!(noted(&node, "supervisor").await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn who_answered_is_shown_to_those_whom_the_works_council_named_and_noted() {
    let on = |roles: &'static str| {
        move |builder: testkit::Builder| {
            builder
                .set("agents.figures", "true")
                .set("agents.visible_to", roles)
        }
    };
    let node = node_with(Backend::Embedded, on("[\"data_protection\"]")).await;
    let identity = answered_by_anna(&node).await;
    assert!(!shown_to(&node, "supervisor", &identity).await.contains("anna"));
    let refused = calls_by(&node, "supervisor", "anna").await.expect_err("refused");
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(noted(&node, "supervisor").await, [""; 0]);
    assert!(
        shown_to(&node, "data_protection", &identity)
            .await
            .contains("anna")
    );
    assert_eq!(
        calls_by(&node, "data_protection", "anna")
            .await
            .expect("calls")
            .len(),
        1
    );
    // Visits, the call, the list, and the list by agent.
    assert_eq!(noted(&node, "data_protection").await, ["agent_figures_read"; 4]);
}

#[tokio::test]
async fn what_is_older_than_agreed_names_nobody_and_few_are_not_counted() {
    let settings = |builder: testkit::Builder| {
        builder
            .set("agents.figures", "true")
            .set("agents.kept_days", "1")
            .set("agents.smallest_group", "3")
    };
    let mut node = node_with(Backend::Embedded, settings).await;
    let identity = answered_by_anna(&node).await;
    let watched = LiveClient::new(by(&node, "supervisor"))
        .watch(proto::WatchRequest::default())
        .await;
    let moment = watched.expect("a stream").into_inner().message().await;
    let moment = moment.expect("no error").expect("a moment");
    assert!(!moment.agents_shown && moment.agents.is_empty());
    assert!(moment.total.expect("a total").agents.is_none());
    let figures = node.reporting().agents(proto::AgentsRequest::default()).await;
    let figures = figures.expect("an answer").into_inner();
    assert!(figures.too_few && figures.agents.is_empty());
    assert!(shown_to(&node, "supervisor", &identity).await.contains("anna"));
    node.stop().await;
    node.set_variable("NRWDIREKT_TEST_CLOCK_AHEAD_S", Some("90000"));
    node.start_again().await;
    let later = RecordsClient::new(by(&node, "supervisor"))
        .get_call(proto::GetCallRequest {
            id: identity,
            ..proto::GetCallRequest::default()
        })
        .await;
    let later = format!("{:?}", later.expect("a call").into_inner());
    assert!(!later.contains("anna"), "{later}");
}
