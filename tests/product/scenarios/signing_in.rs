//! Users sign in, do what their role may, and are out when they are to be.

use std::time::Duration;

use testkit::command::finish_with_input;
use testkit::{Backend, TestNode, Token, connect};
use tonic::Code;
use wire::v1::access::sessions_client::SessionsClient;
use wire::v1::access::{ChangePasswordRequest, SignInRequest, SignInResponse, SignOutRequest, WhoAmIRequest};
use wire::v1::reporting::WatchRequest;
use wire::v1::reporting::live_client::LiveClient;
use wire::v1::tickets::FindTicketsRequest;
use wire::v1::tickets::ticketing_client::TicketingClient;

const PASSWORD: &str = "korrekt pferd batterie";

async fn sign_in(node: &TestNode, name: &str, password: &str) -> Result<SignInResponse, Code> {
    let mut sessions = SessionsClient::new(connect(&node.url(), Token::none()));
    let request = SignInRequest {
        name: name.to_owned(),
        password: password.to_owned(),
        // From outside it is not believed.
        client: "198.51.100.7".to_owned(),
    };
    let signed_in = sessions.sign_in(request).await;
    signed_in
        .map(tonic::Response::into_inner)
        .map_err(|status| status.code())
}

/// Signs in for the first time, and chooses a password.
async fn sign_in_first(node: &TestNode, name: &str, first: &str) -> String {
    let token = sign_in(node, name, first).await.expect("let in").token;
    let mut sessions = SessionsClient::new(connect(&node.url(), Token::of(&token)));
    let change = ChangePasswordRequest {
        old_password: first.to_owned(),
        new_password: PASSWORD.to_owned(),
    };
    sessions.change_password(change).await.expect("changed");
    token
}

async fn add(node: &TestNode, name: &str, role: &str) -> String {
    let added = node
        .run(&["user", "add", name, "--role", role, "--json"])
        .await
        .exits(0)
        .json();
    added["first_password"].as_str().expect("one was made").to_owned()
}

#[tokio::test]
async fn the_first_start_tells_the_administrator_s_password_once() {
    let mut node = TestNode::start(Backend::Embedded).await;
    let said = node.said().join("\n");
    let password = said
        .split("password ")
        .nth(1)
        .and_then(|rest| rest.split(' ').next());
    let password = password.expect("it is told").to_owned();
    assert!(!node.log().contains(&password), "it is never logged");
    let token = sign_in(&node, "admin", &password).await.expect("let in").token;
    let users = ["user", "list", "--json"];
    let mut sessions = SessionsClient::new(connect(&node.url(), Token::of(&token)));
    let who = sessions
        .who_am_i(WhoAmIRequest {})
        .await
        .expect("known")
        .into_inner();
    assert!(who.must_change_password && who.is_user && !who.demo);
    node.stop().await;
    node.start_again().await;
    assert!(node.said().is_empty(), "{:?}", node.said());
    // Sessions outlive the process.
    let mut sessions = SessionsClient::new(connect(&node.url(), Token::of(&token)));
    sessions.who_am_i(WhoAmIRequest {}).await.expect("still known");
    let listed = node.run(&users).await.exits(0).json_lines();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["sessions"], 1);
}

#[tokio::test]
async fn users_do_what_their_role_may_until_they_are_disabled() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let first = add(&node, "anna", "agent").await;
        let token = sign_in_first(&node, "anna", &first).await;
        let connection = || connect(&node.url(), Token::of(&token));
        let mut ticketing = TicketingClient::new(connection());
        let found = ticketing.find_tickets(FindTicketsRequest::default()).await;
        assert_ne!(
            found.map(|_| ()).map_err(|status| status.code()),
            Err(Code::PermissionDenied)
        );
        let refused = ticketing
            .list_tickets(wire::v1::tickets::ListTicketsRequest::default())
            .await
            .expect_err("not for agents");
        assert_eq!(refused.code(), Code::PermissionDenied);
        let mut live = LiveClient::new(connection());
        let mut moments = live
            .watch(WatchRequest::default())
            .await
            .expect("watched")
            .into_inner();
        moments.message().await.expect("a moment");

        node.run(&["user", "change", "anna", "--disable"]).await.exits(0);
        let refused = ticketing.find_tickets(FindTicketsRequest::default()).await;
        assert_eq!(refused.expect_err("disabled").code(), Code::Unauthenticated);
        let ended = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                if let Err(status) = moments.message().await {
                    return status.code();
                }
            }
        });
        assert_eq!(ended.await.expect("the stream ends too"), Code::Unauthenticated);
        assert_eq!(
            sign_in(&node, "anna", PASSWORD).await.err(),
            Some(Code::Unauthenticated)
        );
    })
    .await;
}

#[tokio::test]
async fn signing_out_and_waiting_after_failures() {
    let node = TestNode::start(Backend::Embedded).await;
    let first = add(&node, "sabine", "supervisor").await;
    let token = sign_in_first(&node, "sabine", &first).await;
    let mut sessions = SessionsClient::new(connect(&node.url(), Token::of(&token)));
    sessions.sign_out(SignOutRequest {}).await.expect("signed out");
    let gone = sessions.who_am_i(WhoAmIRequest {}).await.expect_err("no session");
    assert_eq!(gone.code(), Code::Unauthenticated);
    let mut codes = Vec::new();
    for _ in 0..8 {
        codes.push(
            sign_in(&node, "nobody", "wrong")
                .await
                .expect_err("nobody is let in"),
        );
    }
    assert_eq!(codes[..5], [Code::Unauthenticated; 5]);
    assert!(codes.contains(&Code::ResourceExhausted), "{codes:?}");
    assert!(
        sign_in(&node, "sabine", PASSWORD).await.is_ok(),
        "others are not held up"
    );
}

#[tokio::test]
async fn users_are_looked_after_from_the_command_line() {
    let node = TestNode::start(Backend::Embedded).await;
    let given = node.command(&[
        "user",
        "add",
        "fk",
        "--role",
        "department",
        "--department",
        "finanzamt-koeln",
        "--password-stdin",
    ]);
    finish_with_input(given, b"korrekt pferd batterie\n")
        .await
        .exits(0);
    node.run(&["user", "add", "fk2", "--role", "department"])
        .await
        .exits(2)
        .fails_with("department: say whose tickets");
    node.run(&[
        "user",
        "add",
        "fk2",
        "--role",
        "department",
        "--department",
        "nirgends",
    ])
    .await
    .exits(2)
    .fails_with("department: there is no nirgends");
    node.run(&["user", "change", "admin", "--disable"])
        .await
        .exits(2)
        .fails_with("last administrator");
    let changed = node
        .run(&[
            "user",
            "change",
            "fk",
            "--role",
            "agent",
            "--department",
            "",
            "--json",
        ])
        .await
        .exits(0)
        .json();
    assert_eq!(changed["roles"], serde_json::json!(["agent"]));
    assert_eq!(changed["department"], serde_json::Value::Null);
    node.run(&["user", "reset-password", "nobody"])
        .await
        .exits(2)
        .fails_with("there is no user");
    let reset = node
        .run(&["user", "reset-password", "fk", "--json"])
        .await
        .exits(0)
        .json();
    assert_eq!(reset["first_password"].as_str().map(str::len), Some(19));
    assert_eq!(
        node.run(&["user", "end-sessions", "fk", "--json"])
            .await
            .exits(0)
            .json()["ended"],
        0
    );
}
