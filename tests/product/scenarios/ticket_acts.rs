//! What people do with tickets: withdrawn, reopened, rerouted, closed, erased; and what departments see of it.

use serde_json::{Value, json};
use testkit::{Backend, TestNode, eventually};

async fn log(node: &TestNode) -> Value {
    let command = ["callback", "log", "--json", "--hotline", "Steuern und Finanzen"];
    let citizen = [
        "--phone",
        "0221 4710123",
        "--name",
        "Groß",
        "--concern",
        "Frage zum Bescheid",
    ];
    node.run(&[&command[..], &citizen].concat()).await.exits(0).json()
}

async fn act(node: &TestNode, what: &str, ticket: &str, further: &[&str]) -> Value {
    let command = ["ticket", what, ticket, "--agent", "anna", "--json"];
    node.run(&[&command[..], further].concat()).await.exits(0).json()
}

async fn show(node: &TestNode, ticket: &str) -> Value {
    node.run(&["ticket", "show", ticket, "--json"])
        .await
        .exits(0)
        .json()
}

fn actions(ticket: &Value) -> Vec<&str> {
    let history = ticket["history"].as_array().expect("a history");
    history
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect()
}

/// The states of a ticket on the topic of a department.
async fn seen_by(node: &TestNode, department: &str, ticket: &str) -> Vec<String> {
    let consume = ["department", "consume", "--department", department, "--json"];
    let lines = node.run(&consume).await.exits(0).json_lines();
    let of_ticket = lines.iter().filter(|line| line["key"] == ticket);
    of_ticket
        .map(|line| line["ticket"]["state"].as_str().unwrap_or_default().to_owned())
        .collect()
}

async fn until_seen(node: &TestNode, department: &str, ticket: &str, state: &str) {
    eventually(&format!("{department} sees {state}"), || async {
        let seen = seen_by(node, department, ticket).await;
        (seen.last()? == state).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_citizen_withdraws_and_calls_again() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let logged = log(&node).await;
        let (ticket, department) = (
            logged["ticket_id"].as_str().unwrap(),
            logged["department"].as_str().unwrap(),
        );
        let withdraw = [
            "--reason",
            "hat schon jemanden erreicht",
            "--idempotency-key",
            "k1",
        ];
        let withdrawn = act(&node, "withdraw", ticket, &withdraw).await;
        assert_eq!(
            (&withdrawn["state"], &withdrawn["repeated"]),
            (&json!("withdrawn"), &json!(false))
        );
        assert_eq!(act(&node, "withdraw", ticket, &withdraw).await["repeated"], true);
        until_seen(&node, department, ticket, "withdrawn").await;

        let find = ["ticket", "find", "--phone", "+49 221 4710123", "--json"];
        assert_eq!(node.run(&find).await.exits(0).json_lines().len(), 0);
        let recent = node
            .run(&[&find[..], &["--recent"]].concat())
            .await
            .exits(0)
            .json_lines();
        assert_eq!(recent[0]["ticket_id"], ticket);

        let reopened = act(&node, "reopen", ticket, &["--reason", "doch noch eine Frage"]).await;
        assert_eq!(reopened["state"], "open");
        until_seen(&node, department, ticket, "handed_over").await;
        let shown = show(&node, ticket).await;
        assert_eq!(shown["added"][0]["concern"], "doch noch eine Frage");
        assert_eq!(shown["settled_at"], Value::Null);
        let again = log(&node).await;
        assert_eq!(again["open_tickets"][0]["ticket_id"], ticket);

        act(&node, "close", ticket, &["--reason", "erledigt"]).await;
        until_seen(&node, department, ticket, "closed").await;
        assert_eq!(log(&node).await["recent_tickets"][0]["ticket_id"], ticket);
        node.run(&["ticket", "close", ticket, "--reason", "noch einmal"])
            .await
            .fails_with("closed already");
        let shown = show(&node, ticket).await;
        let done: Vec<&str> = actions(&shown)
            .into_iter()
            .filter(|it| *it != "handed_over")
            .collect();
        assert_eq!(done, ["logged", "withdrawn", "reopened", "closed"]);
    })
    .await;
}

#[tokio::test]
async fn an_erased_ticket_is_gone_everywhere() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let logged = log(&node).await;
        let (ticket, from) = (
            logged["ticket_id"].as_str().unwrap(),
            logged["department"].as_str().unwrap(),
        );
        until_seen(&node, from, ticket, "handed_over").await;
        let to = ["staatskanzlei", "ministerium-schule"];
        let to = to.into_iter().find(|it| *it != from).unwrap();
        let reason = ["--reason", "gehört dorthin"];
        act(
            &node,
            "reroute",
            ticket,
            &[&["--department", to][..], &reason].concat(),
        )
        .await;
        until_seen(&node, from, ticket, "withdrawn").await;
        until_seen(&node, to, ticket, "handed_over").await;
        assert_eq!(show(&node, ticket).await["returned_because"], "gehört dorthin");

        act(&node, "erase", ticket, &["--reason", "Art. 17 DSGVO"]).await;
        for department in [from, to] {
            until_seen(&node, department, ticket, "erased").await;
        }
        let shown = show(&node, ticket).await;
        assert_eq!(
            (&shown["state"], &shown["fields"]),
            (&json!("erased"), &json!({}))
        );
        assert!(
            !shown.to_string().contains("Groß") && !shown.to_string().contains("dorthin"),
            "{shown}"
        );
        let reply = [
            "department",
            "reply",
            "--department",
            to,
            "--ticket",
            ticket,
            "--json",
            "--type",
        ];
        let late = node
            .run(&[&reply[..], &["answered"]].concat())
            .await
            .exits(3)
            .json();
        assert_eq!(late["code"], "erased");
        let confirmed = node
            .run(&[&reply[..], &["erasure-confirmed"]].concat())
            .await
            .exits(0);
        assert_eq!(confirmed.json()["state"], "erased");
        until_seen(&node, to, ticket, "").await;
    })
    .await;
}
