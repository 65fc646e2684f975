//! Erasing to the last copy: the bytes of a person are looked for in every file of the data folder, of PostgreSQL and of
//! Kafka.

pub(super) mod entries;
mod late;
mod persons;
mod replies;
mod steps;

use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use domain::personal::{Caller, Personal};
use serde_json::Value;
use testkit::{Backend, Builder, OwnServers, TestNode, eventually, reports};
use wire::v1::calls::CallReport;

const NAME: &str = "Zwetschgenbaum";
const EMAIL: &str = "zwetschgenbaum@example.org";
const CONCERN: &str = "Widerspruch wegen der Zisterne";
/// As the citizen says it, and the digits that every spelling ends with.
const PHONE: &str = "0221 4783119";
const DIGITS: &str = "4783119";
/// Nobody asked for these to be erased.
const OTHER: &str = "Nachbarskind";
/// What nobody may find afterwards.
const PERSONAL: [&str; 4] = [NAME, EMAIL, CONCERN, DIGITS];

/// A short bound, and whatever else a test sets.
fn builder(settings: &[(&str, &str)]) -> Builder {
    let builder = Builder::on(Backend::Embedded).set("privacy.erasure_bound_s", "10");
    settings
        .iter()
        .fold(builder, |builder, (key, value)| builder.set(key, value))
}

/// The files under a folder that hold a text. Files may go while they are looked through.
pub(crate) fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let found = Command::new("grep")
        .args(["-rlaFs", "--", text])
        .arg(folder)
        .env("LC_ALL", "C")
        .output()
        .expect("grep can be started");
    let files = String::from_utf8(found.stdout).expect("paths of text");
    files.lines().map(PathBuf::from).collect()
}

/// A call of the citizen.
fn call(id: &str) -> Vec<CallReport> {
    call_by(id, 0, "+492214783119")
}

/// A call by somebody, so many seconds after nine.
fn call_by(id: &str, seconds: i64, caller: &str) -> Vec<CallReport> {
    let mut record = reports::answered(seconds, "Steuern und Finanzen", 4000);
    record.caller = Some(Caller::Given(Personal::new(caller)));
    vec![reports::record(id, &record)]
}

async fn logged(node: &TestNode, further: &[&str]) -> String {
    let command = ["callback", "log", "--json", "--hotline", "Steuern und Finanzen"];
    let ticket = node.run(&[&command, further].concat()).await.exits(0).json();
    ticket["ticket_id"].as_str().expect("a number").to_owned()
}

async fn state(node: &TestNode, ticket: &str) -> Value {
    node.run(&["ticket", "show", ticket, "--json"])
        .await
        .exits(0)
        .json()
}

async fn until_handed_over(node: &TestNode, ticket: &str) {
    eventually("the hand-over", async || {
        let state = state(node, ticket).await;
        (state["state"] == "handed_over").then_some(())
    })
    .await;
}

/// The latest time that an answer gives, or now.
fn last_until(state: &Value) -> DateTime<Utc> {
    let pending = state["pending"].as_array().expect("a list");
    let times = pending.iter().map(|place| {
        let until = place["until"].as_str().expect("a time");
        DateTime::parse_from_rfc3339(until).expect("RFC 3339").to_utc()
    });
    times.max().unwrap_or_else(Utc::now)
}

async fn erase(node: &TestNode, ticket: &str) -> Value {
    let command = [
        "privacy", "erase", "--ticket", ticket, "--reason", "Art. 17", "--json",
    ];
    node.run(&command).await.exits(0).json()
}

async fn report(node: &TestNode, reports: Vec<CallReport>) {
    let receipt = node.intake().submit_reports(reports::batch(1, reports)).await;
    let receipt = receipt.expect("a receipt").into_inner();
    node.await_figures(reports::positions([&receipt])).await;
}

async fn identity_of_the_call(node: &TestNode) -> String {
    let listed = [
        "call",
        "list",
        "--from",
        "2024-10-28",
        "--to",
        "2024-10-29",
        "--json",
    ];
    let calls = node.run(&listed).await.exits(0).json();
    calls[0]["id"].as_str().expect("an identity").to_owned()
}

/// Logs, hands over, erases; gives the answer and what the figures were.
async fn erased_citizen(node: &TestNode, folders: &[PathBuf]) -> (String, Value) {
    report(node, call("c-1")).await;
    let identity = identity_of_the_call(node).await;
    let citizen = [
        "--name",
        NAME,
        "--phone",
        PHONE,
        "--email",
        EMAIL,
        "--concern",
        CONCERN,
        "--call",
        &identity,
    ];
    let ticket = logged(node, &citizen).await;
    let other = logged(
        node,
        &[
            "--name",
            OTHER,
            "--phone",
            "0211 5550",
            "--concern",
            "Etwas anderes",
        ],
    )
    .await;
    until_handed_over(node, &ticket).await;
    until_handed_over(node, &other).await;
    // What is looked for can be found at all.
    for folder in folders {
        let found = async || {
            PERSONAL
                .iter()
                .any(|text| !files_with(folder, text).is_empty())
                .then_some(())
        };
        eventually("the person to be in the files", found).await;
    }
    let answer = erase(node, &ticket).await;
    (ticket, answer)
}

/// Waits for the last time that an answer gave, and looks into all files.
async fn check_gone(node: &TestNode, answer: &Value, folders: &[PathBuf], others: bool) {
    let wait = (last_until(answer) - Utc::now()).to_std().unwrap_or_default();
    tokio::time::sleep(wait).await;
    let order = answer["order"].as_str().expect("a number");
    let state = node
        .run(&["privacy", "orders", order, "--json"])
        .await
        .exits(0)
        .json();
    assert_eq!(state["pending"], serde_json::json!([]), "{state}");
    for text in PERSONAL {
        for folder in folders {
            assert_eq!(
                files_with(folder, text),
                Vec::<PathBuf>::new(),
                "{text} in {state}"
            );
        }
    }
    let has_other = |folder: &PathBuf| !files_with(folder, OTHER).is_empty();
    assert_eq!(folders.iter().any(has_other), others, "nobody else's data went");
}

#[tokio::test]
async fn a_ticket_is_erased_to_the_last_byte_of_the_data_folder() {
    let node = builder(&[]).start().await;
    let (ticket, answer) = erased_citizen(&node, &[node.data()]).await;
    assert_eq!(answer["pending"], serde_json::json!([]), "{answer}");
    assert_eq!(answer["recipients"][0]["told"], true, "{answer}");
    check_gone(&node, &answer, &[node.data()], true).await;
    assert_eq!(state(&node, &ticket).await["state"], "erased");
    // The same request again is the same order.
    assert_eq!(erase(&node, &ticket).await["order"], answer["order"]);
}

#[tokio::test]
async fn a_replay_and_a_repeated_import_do_not_bring_the_caller_back() {
    let node = builder(&[]).start().await;
    let (_, answer) = erased_citizen(&node, &[node.data()]).await;
    check_gone(&node, &answer, &[node.data()], true).await;
    let figures = node.totals("2024-10-28", "2024-10-29").await;
    report(&node, call("c-1")).await;
    assert_eq!(node.totals("2024-10-28", "2024-10-29").await, figures);
    let identity = identity_of_the_call(&node).await;
    let shown = node
        .run(&["call", "show", &identity, "--reveal", "--json"])
        .await
        .exits(0)
        .json();
    assert!(!shown.to_string().contains(DIGITS), "{shown}");
    assert!(!shown.to_string().contains("revision_conflict"), "{shown}");
    assert_eq!(files_with(&node.data(), "+492214783119"), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_is_not_there_or_not_said_is_refused() {
    let node = builder(&[]).start().await;
    let erase = ["privacy", "erase", "--reason", "Art. 17"];
    let unknown = [&erase[..], &["--ticket", "T-2222-2222"]].concat();
    let refused = node.run(&unknown).await;
    assert!(refused.stderr.contains("ticket"), "{}", refused.stderr);
    let nothing = node.run(&erase).await.exits(2);
    assert!(
        nothing.stderr.contains("what is to be erased"),
        "{}",
        nothing.stderr
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_is_erased_to_the_last_byte_of_postgresql_and_kafka() {
    let Some(servers) = OwnServers::start() else {
        return;
    };
    let builder = builder(&[("bus.call_partitions", "3")]);
    let builder = builder.argument("--store").argument(&servers.store);
    let node = builder.argument("--bus").argument(&servers.bus).start().await;
    let (_, answer) = erased_citizen(&node, &servers.folders()).await;
    let [postgres, kafka] = servers.folders();
    check_gone(&node, &answer, &[node.data(), postgres, kafka], true).await;
}
