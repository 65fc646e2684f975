//! What a node serves beside figures, and whom it lets in.

use testkit::{Backend, Builder, TestNode, Token, connect};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use wire::v1::calls::ReportBatch;
use wire::v1::calls::intake_client::IntakeClient;
use wire::v1::reporting::ListRejectedRequest;
use wire::v1::reporting::reporting_client::ReportingClient;

#[tokio::test]
async fn health_and_readiness_are_open_to_everybody() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        for page in ["/healthz", "/readyz"] {
            assert_eq!(node.get(page, None).await.status, 200, "{page}");
        }
    })
    .await;
}

#[tokio::test]
async fn metrics_need_a_token_and_have_the_product_s_names() {
    let node = TestNode::start(Backend::Embedded).await;
    assert_eq!(node.get("/metrics", None).await.status, 401);
    assert_eq!(node.get("/metrics", Some("wrong")).await.status, 401);
    let batch = testkit::reports::batch(1, testkit::reports::calls(0, 10));
    let receipt = node
        .intake()
        .submit_reports(batch)
        .await
        .expect("a receipt")
        .into_inner();
    node.await_figures(testkit::reports::positions([&receipt])).await;
    let token = node.token();
    let metrics = node.get("/metrics", Some(&token)).await.body;
    for line in [
        "nrwdirekt_ledger_new_calls_total 10",
        "# TYPE nrwdirekt_ledger_batch_seconds histogram",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let foreign = metrics
        .lines()
        .find(|line| !line.is_empty() && !line.contains("nrwdirekt_"));
    assert_eq!(foreign, None, "every metric carries the product's name");
}

#[tokio::test]
async fn an_unknown_page_is_not_there_whoever_asks() {
    let node = TestNode::start(Backend::Embedded).await;
    let token = node.token();
    assert_eq!(node.get("/nothing", Some(&token)).await.status, 404);
    assert_eq!(node.get("/nothing", None).await.status, 404);
}

#[tokio::test]
async fn grpc_health_answers_without_a_token_for_the_server_and_its_services() {
    let node = TestNode::start(Backend::Embedded).await;
    let mut health = HealthClient::new(connect(&node.url(), Token::none()));
    for service in [
        "",
        "nrwdirekt.calls.v1.Intake",
        "nrwdirekt.reporting.v1.Reporting",
        "nrwdirekt.reporting.v1.Records",
        "nrwdirekt.reporting.v1.RejectedItems",
    ] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = health.check(request).await.expect("an answer").into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
    let unknown = HealthCheckRequest {
        service: "nrwdirekt.unknown".to_owned(),
    };
    assert_eq!(
        health.check(unknown).await.expect_err("no such service").code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn reflection_lists_the_services_to_those_who_are_let_in() {
    let node = TestNode::start(Backend::Embedded).await;
    let request = || {
        tokio_stream::once(ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        })
    };
    let mut stranger = ServerReflectionClient::new(connect(&node.url(), Token::none()));
    let refused = stranger
        .server_reflection_info(request())
        .await
        .expect_err("needs a token");
    assert_eq!(refused.code(), Code::Unauthenticated);
    let mut reflection = ServerReflectionClient::new(node.connection());
    let mut answers = reflection
        .server_reflection_info(request())
        .await
        .expect("answers")
        .into_inner();
    let answer = answers.message().await.expect("no failure").expect("an answer");
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
        panic!("not a list: {answer:?}");
    };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    for service in [
        "nrwdirekt.calls.v1.Intake",
        "nrwdirekt.reporting.v1.Reporting",
        "nrwdirekt.reporting.v1.Records",
        "nrwdirekt.reporting.v1.RejectedItems",
        "grpc.health.v1.Health",
    ] {
        assert!(names.contains(&service), "{service} is not in {names:?}");
    }
}

#[tokio::test]
async fn without_a_valid_token_nothing_is_taken_and_nothing_told() {
    let node = TestNode::start(Backend::Embedded).await;
    let shouted = node.token().to_uppercase();
    for token in [
        Token::none(),
        Token::of("wrong"),
        Token::of(&shouted),
        Token::of(""),
    ] {
        let mut intake = IntakeClient::new(connect(&node.url(), token.clone()));
        let batch = testkit::reports::batch(1, testkit::reports::calls(0, 1));
        let refused = intake.submit_reports(batch).await.expect_err("no valid token");
        assert_eq!(refused.code(), Code::Unauthenticated);
        let batches = tokio_stream::empty::<ReportBatch>();
        let refused = intake.stream_reports(batches).await.expect_err("no valid token");
        assert_eq!(refused.code(), Code::Unauthenticated);
        let mut reporting = ReportingClient::new(connect(&node.url(), token));
        let refused = reporting
            .list_rejected(ListRejectedRequest::default())
            .await
            .expect_err("no valid token");
        assert_eq!(refused.code(), Code::Unauthenticated);
    }
    let figures = node.totals("2024-10-28", "2024-10-29").await;
    assert_eq!(crate::figures::total(&figures).contacts, 0);
}

#[tokio::test]
async fn a_configured_token_is_let_in_beside_the_operator_s() {
    // The SHA-256 of `telephone-system`.
    let hash = "5c308c8a8b8be31832c3ea4da9b0e4f34d80e4982a5c2e8fbe03e4607209dd20";
    let node = Builder::on(Backend::Embedded)
        .set(
            "token",
            &format!("[{{ name = \"acd\", sha256 = \"{hash}\", roles = [\"supervisor\"] }}]"),
        )
        .start()
        .await;
    let mut reporting = ReportingClient::new(connect(&node.url(), Token::of("telephone-system")));
    reporting
        .list_rejected(ListRejectedRequest::default())
        .await
        .expect("let in");
    node.run(&["report", "rejected"]).await.exits(0);
}

#[tokio::test]
async fn the_operator_s_token_and_the_data_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let node = TestNode::start(Backend::Embedded).await;
    let mode = |path: std::path::PathBuf| {
        std::fs::metadata(&path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    let token = format!("state/nrwdirekt/operator-{}.token", node.port());
    assert_eq!(mode(node.home().join(token)), 0o600);
    assert_eq!(mode(node.data()), 0o700);
    // Also in a folder that was there before, and open to others.
    for file in ["calls.db", "tickets.db", "access.db", "bus.db"] {
        assert_eq!(mode(node.data().join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_node_that_may_choose_its_port_tells_which() {
    let node = Builder::on(Backend::Embedded).any_port().start().await;
    assert_ne!(node.port(), 0);
    node.run(&["report", "rejected"]).await.exits(0);
}

#[tokio::test]
async fn a_service_manager_is_told_when_the_node_serves_and_when_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = folder.path().join("notify");
    let manager = tokio::net::UnixDatagram::bind(&socket).expect("a socket");
    let mut node = Builder::on(Backend::Embedded)
        .variable("NOTIFY_SOCKET", socket.to_str().expect("a path in UTF-8"))
        .start()
        .await;
    assert!(node.terminate().await.success());
    let mut told = Vec::new();
    let mut buffer = [0; 128];
    while let Ok(length) = manager.try_recv(&mut buffer) {
        told.extend_from_slice(&buffer[..length]);
    }
    let told = String::from_utf8(told).expect("UTF-8");
    assert_eq!(
        told.split_whitespace().collect::<Vec<_>>(),
        ["READY=1", "STOPPING=1"]
    );
}
