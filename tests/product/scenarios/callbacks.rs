//! The same citizen calls again: the open ticket is found and added to, not doubled.

use serde_json::Value;
use testkit::{Backend, TestNode};

/// Logs a callback with these further arguments.
async fn log(node: &TestNode, further: &[&str]) -> Value {
    let command = ["callback", "log", "--json", "--hotline", "Steuern und Finanzen"];
    node.run(&[&command, further].concat()).await.exits(0).json()
}

async fn ids(node: &TestNode, command: &[&str]) -> Vec<Value> {
    let listed = node.run(&[command, &["--json"]].concat()).await.exits(0);
    let tickets = listed.json_lines();
    tickets.into_iter().map(|it| it["ticket_id"].clone()).collect()
}

#[tokio::test]
async fn a_second_call_joins_the_ticket_of_the_first() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let citizen = [
            "--phone",
            "0221 4710123",
            "--name",
            "Groß",
            "--postal-code",
            "50667",
        ];
        let first = log(
            &node,
            &[&citizen[..], &["--concern", "Frage zum Bescheid"]].concat(),
        )
        .await;
        assert_eq!(first["open_tickets"], serde_json::json!([]));
        let ticket = first["ticket_id"].as_str().expect("a number");

        assert_eq!(
            ids(&node, &["ticket", "find", "--phone", "+49 (221) 47-10-123"]).await,
            [ticket]
        );
        let by_name = ["ticket", "find", "--name", "GROSS", "--postal-code", "50667"];
        assert_eq!(ids(&node, &by_name).await, [ticket]);
        let elsewhere = ["ticket", "find", "--name", "GROSS", "--postal-code", "40213"];
        assert_eq!(ids(&node, &elsewhere).await, [Value::Null; 0]);

        let other = log(&node, &["--phone", "0049 221 4710123", "--concern", "Noch etwas"]).await;
        assert_eq!(other["open_tickets"][0]["ticket_id"], ticket);
        let more = [
            "--concern",
            "Und noch etwas",
            "--phone",
            "0171 7654321",
            "--agent",
            "berta",
            "--add-to",
            ticket,
        ];
        let added = log(&node, &more).await;
        assert_eq!(
            (&added["ticket_id"], &added["due_at"]),
            (&first["ticket_id"], &first["due_at"])
        );

        let shown = node
            .run(&["ticket", "show", ticket, "--json"])
            .await
            .exits(0)
            .json();
        assert_eq!(shown["added"][0]["concern"], "Und noch etwas");
        assert_eq!(shown["added"][0]["phone"], "0171 7654321");
        let history = shown["history"].as_array().expect("a history");
        let entry = history
            .iter()
            .find(|entry| entry["action"] == "concern_added")
            .expect("an entry");
        assert_eq!(
            (&entry["actor"], &entry["note"]),
            (&"agent berta".into(), &"Und noch etwas".into())
        );

        let department = first["department"].as_str().expect("a department");
        let accepted = [
            "department",
            "reply",
            "--department",
            department,
            "--ticket",
            ticket,
            "--type",
            "answered",
        ];
        node.run(&accepted).await.exits(0);
        let late = [
            "callback",
            "log",
            "--hotline",
            "Umwelt",
            "--concern",
            "Zu spät",
            "--add-to",
            ticket,
        ];
        let refused = node.run(&late).await.exits(2);
        assert!(
            refused
                .stderr
                .contains("no answer is owed on this ticket any more"),
            "{}",
            refused.stderr
        );
        assert_eq!(
            ids(&node, &["ticket", "find", "--phone", "0221/4710123"]).await,
            [other["ticket_id"].clone()]
        );
        let due = [
            "ticket",
            "list",
            "--due-before",
            "2999-01-01T00:00",
            "--department",
            department,
        ];
        assert_eq!(
            ids(&node, &due).await.len(),
            usize::from(other["department"] == first["department"])
        );
    })
    .await;
}
