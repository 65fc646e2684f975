//! Calls one by one, and as a file for another installation.

use serde_json::Value;
use testkit::{Backend, Builder, TestNode};

use crate::figures;

const MIXED: &[u8] = include_bytes!("../../../services/importer/tests/data/hotline-export-mixed.csv");
const DAYS: [&str; 4] = ["--from", "2024-10-26", "--to", "2024-10-29"];

async fn import(node: &TestNode, file: &str, code: i32) -> Value {
    let import = ["import", "--format", "hotline-export", "--wait", "--json", file];
    node.run(&import).await.exits(code).json()
}

async fn with_the_mixed_file(backend: Backend) -> TestNode {
    let node = TestNode::start(backend).await;
    let file = node.file("mixed.csv", MIXED);
    import(&node, &file, 3).await;
    node
}

async fn listed(node: &TestNode, more: &[&str]) -> Vec<Value> {
    let list = [&["call", "list"], &DAYS[..], &["--json"], more].concat();
    let calls = node.run(&list).await.exits(0).json();
    calls.as_array().expect("an array").clone()
}

/// What an installation knows of its calls, but for what is its own.
async fn records(node: &TestNode) -> Vec<Value> {
    let mut calls = listed(node, &["--reveal"]).await;
    for call in &mut calls {
        let call = call.as_object_mut().expect("an object");
        for own in ["id", "import_run", "received_at", "heard_at"] {
            call.remove(own);
        }
    }
    calls.sort_by_key(ToString::to_string);
    calls
}

#[tokio::test]
async fn an_export_gives_another_installation_the_same_records_and_figures() {
    Backend::each(|backend| async move {
        let first = with_the_mixed_file(backend).await;
        let figures = figures::report(&first, ("2024-10-26", "2024-10-29")).await;
        let known = records(&first).await;
        assert_eq!(known.len(), 606);
        for encoding in ["utf-8", "windows-1252"] {
            let file = format!("{}/{encoding}.csv", first.home().display());
            let export = [
                &["export"],
                &DAYS[..],
                &["--encoding", encoding, "--output", &file],
            ]
            .concat();
            first.run(&export).await.exits(0);
            let second = TestNode::start(backend).await;
            let told = import(&second, &file, 0).await;
            figures::check(&told, &serde_json::json!({ "accepted": 606, "rejected": 0 }));
            assert_eq!(
                figures::report(&second, ("2024-10-26", "2024-10-29")).await,
                figures
            );
            assert!(records(&second).await == known, "the records differ");
        }
    })
    .await;
}

#[tokio::test]
async fn an_export_without_a_file_goes_to_standard_output() {
    let node = with_the_mixed_file(Backend::Embedded).await;
    let hotline = [&["export"], &DAYS[..], &["--hotline", "Bürgertelefon"]].concat();
    let export = node.run(&hotline).await.exits(0);
    assert!(
        export.stdout.starts_with("Zeitstempel;Task Typ;"),
        "{}",
        export.stdout
    );
    assert_eq!(export.stdout.lines().count(), 159);
    assert!(export.stderr.contains("158 calls exported"), "{}", export.stderr);
}

#[tokio::test]
async fn calls_are_found_by_a_number_in_any_spelling() {
    Backend::each(|backend| async move {
        let node = with_the_mixed_file(backend).await;
        let found = listed(&node, &["--number", "+49 (211) 837-3069", "--reveal"]).await;
        assert!(!found.is_empty());
        for call in &found {
            assert_eq!(call["caller_e164"], "+492118373069", "{call}");
        }
        let masked = listed(&node, &["--number", "0211 8373069"]).await;
        assert_eq!(masked.len(), found.len());
        let text = format!("{masked:?}");
        assert!(!text.contains("3069") && text.contains("•"), "{text}");
        let of_the_authority = listed(&node, &["--number", "115", "--status", "answered"]).await;
        assert!(
            of_the_authority
                .iter()
                .all(|call| call["caller_kind"] == "service")
        );
        assert!(!of_the_authority.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_list_is_limited_ordered_and_paged_without_loss() {
    let node = with_the_mixed_file(Backend::Embedded).await;
    let all = listed(&node, &[]).await;
    let starts: Vec<&str> = all
        .iter()
        .map(|call| call["record"]["started_at"].as_str().expect("a time"))
        .collect();
    assert_eq!(starts.len(), 606, "more than a page");
    assert!(starts.is_sorted());
    let mut latest = listed(&node, &["--newest-first", "--limit", "7"]).await;
    latest.reverse();
    assert_eq!(latest, all[599..]);
    let hour = [
        "call",
        "list",
        "--from",
        "2024-10-27T02:00:00+02:00",
        "--to",
        "2024-10-27T02:00:00+01:00",
        "--json",
    ];
    let hour = node.run(&hour).await.exits(0).json();
    let calls = hour.as_array().expect("an array");
    assert!(!calls.is_empty());
    for call in calls {
        let start = call["record"]["started_at"].as_str().expect("a time");
        assert!(start.starts_with("2024-10-27T00:"), "{start}");
    }
}

#[tokio::test]
async fn a_call_told_by_events_shows_its_visits_events_and_agent() {
    Backend::each(|backend| async move {
        let node = Builder::on(backend)
            .set("agents.figures", "true")
            .set("agents.kept_days", "3650")
            .start()
            .await;
        let day = ["--from", "2024-10-28", "--to", "2024-10-29"];
        let simulate = [
            &["simulate", "--as", "events", "--calls-per-day", "150", "--wait"],
            &day[..],
        ]
        .concat();
        node.run(&simulate).await.exits(0);
        let list = [&["call", "list", "--status", "answered", "--json"], &day[..]].concat();
        let calls = node.run(&list).await.exits(0).json();
        let with_agent = |call: &&Value| call["visits"][0]["agent"].is_string();
        let calls = calls.as_array().expect("an array");
        let call = calls.iter().find(with_agent).expect("an agent answered");
        let call_id = call["call_id"].as_str().expect("the simulator gives ids");
        let by_id = async |id: &str| node.run(&["call", "show", id, "--json"]).await.exits(0).json();
        let shown = by_id(call_id).await;
        assert_eq!(shown["id"], call["id"]);
        assert_eq!(shown["visits"], call["visits"]);
        assert_eq!(shown["visits_origin"], "events");
        assert_eq!(shown["origins"]["hotline"]["from"], "events");
        assert_eq!(shown["events"][0]["kind"], "arrived");
        assert_eq!(by_id(&format!("simulator/{call_id}")).await, shown);
        assert_eq!(by_id(call["id"].as_str().expect("an identity")).await, shown);
        let agent = call["visits"][0]["agent"].as_str().expect("an agent");
        let list = [&["call", "list", "--agent", agent, "--json"], &day[..]].concat();
        let of_the_agent = node.run(&list).await.exits(0).json();
        assert!(of_the_agent.as_array().expect("an array").contains(call));
        let nobody = node.run(&["call", "show", "no-such-call"]).await.exits(2);
        assert!(nobody.stderr.contains("no such call"), "{}", nobody.stderr);
    })
    .await;
}
