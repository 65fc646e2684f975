//! The access log: what was asked for is in it for 48 hours, and counted for good; no id and no citizen is in it.

use serde_json::Value;
use testkit::{Backend, TestNode, eventually};

const TICKET: &str = "T-0000-0000";

async fn log(node: &TestNode, further: &[&str]) -> Vec<Value> {
    let command = ["privacy", "access-log", "--json", "--max", "1000"];
    node.run(&[&command[..], further].concat())
        .await
        .exits(0)
        .json_lines()
}

async fn statistics(node: &TestNode) -> Value {
    node.run(&["privacy", "access-log", "--statistics", "--json"])
        .await
        .exits(0)
        .json()
}

/// How often something was asked for, by the counts that stay.
fn counted(statistics: &Value, resource: &str) -> i64 {
    let counts = statistics["counts"].as_array().expect("counts");
    let of = counts.iter().filter(|count| count["resource"] == resource);
    of.map(|count| count["accesses"].as_i64().expect("a number"))
        .sum()
}

#[tokio::test]
async fn accesses_are_there_for_48_hours_and_counted_for_good() {
    Backend::each(|backend| async move {
        let mut node = TestNode::start(backend).await;
        node.page(&format!("/vorgaenge/{TICKET}?suche=Mustermann"), None, None)
            .await;
        node.page("/Mustermann", None, None).await;
        for path in ["/healthz", "/readyz", "/metrics"] {
            node.get(path, None).await;
        }
        node.run(&["ticket", "show", TICKET]).await.exits(2);
        let entries = eventually("accesses to be written", async || {
            let entries = log(&node, &[]).await;
            let is_there = |resource: &str| entries.iter().any(|entry| entry["resource"] == resource);
            (is_there("/nrwdirekt.tickets.v1.Ticketing/GetTicket") && is_there("/vorgaenge/{ticket}"))
                .then_some(entries)
        })
        .await;
        let entry = |resource: &str| entries.iter().find(|entry| entry["resource"] == resource);
        let page = entry("/vorgaenge/{ticket}").expect("the page");
        assert_eq!(
            (&page["action"], &page["outcome"], &page["ip_address"]),
            (&"GET".into(), &"303".into(), &"127.0.0.1".into())
        );
        let call = entry("/nrwdirekt.tickets.v1.Ticketing/GetTicket").expect("the call");
        assert_eq!(
            (&call["action"], &call["outcome"]),
            (&"call".into(), &"not_found".into())
        );
        assert!(entry("(unbekannt)").is_some(), "{entries:?}");
        let all = serde_json::to_string(&entries).expect("JSON");
        for never in ["Mustermann", TICKET, "healthz", "readyz", "/metrics", "/assets"] {
            assert!(!all.contains(never), "{never} in {all}");
        }
        let of_the_page = log(&node, &["--resource", "/vorgaenge/{ticket}"]).await;
        assert_eq!(of_the_page.len(), 1);
        let before = statistics(&node).await;
        assert_eq!(before["networks"][0]["network"], "127.0.0.0/24");
        node.stop().await;

        node.set_variable("NRWDIREKT_TEST_CLOCK_AHEAD_S", Some("172860"));
        node.start_again().await;
        assert!(
            log(&node, &["--resource", "/vorgaenge/{ticket}"])
                .await
                .is_empty()
        );
        assert!(counted(&statistics(&node).await, "/vorgaenge/{ticket}") == 1);
        node.stop().await;
        if matches!(backend, Backend::Embedded) {
            let file = rusqlite::Connection::open(node.data().join("access.db")).expect("the file");
            let left: i64 = file
                .query_row(
                    "SELECT count(*) FROM access_log WHERE resource = '/vorgaenge/{ticket}'",
                    [],
                    |row| row.get(0),
                )
                .expect("a count");
            assert_eq!(left, 0, "swept, not only hidden");
        }
        node.set_variable("NRWDIREKT_TEST_CLOCK_AHEAD_S", None);
        node.start_again().await;
        let reads = [
            "privacy",
            "audit",
            "list",
            "--action",
            "access_log_read",
            "--json",
        ];
        assert!(!node.run(&reads).await.exits(0).json_lines().is_empty());
    })
    .await;
}
