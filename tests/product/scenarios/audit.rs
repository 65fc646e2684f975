//! The audit trail: every access to personal data is in it, and what is done to it is found.

use serde_json::{Value, json};
use testkit::{Backend, TestNode};

async fn noted(node: &TestNode, further: &[&str]) -> Vec<Value> {
    let command = ["privacy", "audit", "list", "--json"];
    node.run(&[&command[..], further].concat())
        .await
        .exits(0)
        .json_lines()
}

async fn verify(node: &TestNode, head: &str, code: i32) -> Value {
    let command = ["privacy", "audit", "verify", "--json"];
    let head = match head {
        "" => Vec::new(),
        head => vec!["--head", head],
    };
    node.run(&[&command[..], &head].concat()).await.exits(code).json()
}

/// Logs a callback and looks at it twice; gives its number.
async fn look_at_a_ticket(node: &TestNode) -> String {
    let log = [
        "callback",
        "log",
        "--json",
        "--hotline",
        "Umwelt",
        "--concern",
        "Lärm",
        "--phone",
        "0221 4710123",
    ];
    let ticket = node.run(&log).await.exits(0).json()["ticket_id"]
        .as_str()
        .expect("a number")
        .to_owned();
    for _ in 0..2 {
        node.run(&["ticket", "show", &ticket]).await.exits(0);
    }
    ticket
}

#[tokio::test]
async fn who_has_seen_a_ticket_is_told_and_the_trail_is_whole() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let ticket = look_at_a_ticket(&node).await;
        node.run(&["ticket", "find", "--phone", "0221 4710123"])
            .await
            .exits(0);
        let of_ticket = noted(&node, &["--subject", &ticket]).await;
        let actions: Vec<&Value> = of_ticket.iter().map(|entry| &entry["action"]).collect();
        assert_eq!(actions, ["ticket_read", "ticket_read", "ticket_logged"]);
        assert_eq!(of_ticket[0]["actor"], "operator");
        let search = noted(&node, &["--action", "citizen_searched"]).await;
        assert_eq!(
            (search.len(), &search[0]["items"], &search[0]["subject"]),
            (1, &json!(1), &json!(""))
        );
        assert!(!format!("{search:?}").contains("4710123"));
        assert_eq!(
            noted(&node, &["--action", "audit_read", "--max", "1"])
                .await
                .len(),
            1
        );
        let whole = verify(&node, "", 0).await;
        assert_eq!(whole["broken_at"], Value::Null);
        let again = verify(&node, whole["head"].as_str().expect("a head"), 0).await;
        assert_eq!(again["broken_at"], Value::Null);
        let text = node
            .run(&["privacy", "audit", "list", "--max", "2"])
            .await
            .exits(0);
        assert!(text.stdout.contains("operator (operator)"), "{}", text.stdout);
        node.run(&["privacy", "audit", "list", "--action", "invented"])
            .await
            .fails_with("action: use one of");
    })
    .await;
}

#[tokio::test]
async fn what_was_done_with_an_erased_ticket_is_told_with_its_erasure() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let ticket = look_at_a_ticket(&node).await;
        let by_person = [
            "privacy",
            "erase",
            "--phone",
            "0221 4710123",
            "--reason",
            "Art. 17",
            "--json",
        ];
        let order = node.run(&by_person).await.exits(0).json();
        let order = order["order"].as_str().expect("a number");
        let of_ticket = noted(&node, &["--ticket", &ticket]).await;
        let actions: Vec<&Value> = of_ticket.iter().map(|entry| &entry["action"]).collect();
        assert_eq!(
            actions,
            ["erasure_ordered", "ticket_read", "ticket_read", "ticket_logged"]
        );
        assert_eq!(
            (
                &of_ticket[0]["actor"],
                &of_ticket[0]["subject_kind"],
                &of_ticket[0]["reason"]
            ),
            (
                &json!("operator"),
                &json!("ticket"),
                &json!(format!("{order}: Art. 17"))
            )
        );
        let of_order = noted(&node, &["--subject", order]).await;
        assert_eq!((of_order.len(), &of_order[0]["items"]), (1, &json!(1)));
        assert!(!format!("{of_ticket:?}{of_order:?}").contains("4710123"));
        assert_eq!(verify(&node, "", 0).await["broken_at"], Value::Null);
        // Nobody knows whose it was; what was done with it is known.
        let remedy = format!("`nrwdirekt privacy audit list --ticket {ticket}`");
        node.run(&["privacy", "access", "--ticket", &ticket])
            .await
            .exits(2)
            .fails_with(&remedy);
    })
    .await;
}

#[tokio::test]
async fn what_is_changed_removed_or_cut_is_found() {
    let tampered = [
        (
            "UPDATE audit_entries SET actor = 'somebody' WHERE number = 2",
            Some(2),
        ),
        ("DELETE FROM audit_entries WHERE number = 2", Some(2)),
        ("DELETE FROM audit_entries WHERE number >= 4", None),
    ];
    for (statement, broken_at) in tampered {
        let mut node = TestNode::start(Backend::Embedded).await;
        look_at_a_ticket(&node).await;
        let before = verify(&node, "", 0).await;
        // The first administrator, the ticket, and two looks at it.
        assert_eq!(before["entries"], 4);
        let head = before["head"].as_str().expect("a head");
        node.stop().await;
        let store = rusqlite::Connection::open(node.data().join("access.db")).expect("the file");
        let triggers: Vec<String> = store
            .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            .and_then(|mut found| found.query_map([], |row| row.get(0))?.collect())
            .expect("triggers");
        for trigger in triggers {
            store
                .execute(&format!("DROP TRIGGER {trigger}"), [])
                .expect("dropped");
        }
        assert_eq!(store.execute(statement, []).expect("done"), 1);
        drop(store);
        node.start_again().await;
        match broken_at {
            Some(number) => assert_eq!(verify(&node, "", 1).await["broken_at"], number),
            // Without an earlier head a shorter chain is a whole one.
            None => assert_eq!(verify(&node, "", 0).await["entries"], 3),
        }
        verify(&node, head, 1).await;
    }
}
