//! What somebody has registered for goes to the last byte, with the mails about it; by order of a person, not of a ticket.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testkit::{Builder, OwnServers, TestNode, eventually};

use super::{CONCERN, EMAIL, NAME, PHONE, builder, erase, files_with, last_until, logged, until_handed_over};

/// What only the entry says.
const MEDIUM: &str = "Zisternenbote";

/// A node where people can register, and whose mail server is away: mails wait.
pub(in super::super) fn registering(builder: Builder, folder: &Path) -> Builder {
    let deadline = chrono::Utc::now() + chrono::TimeDelta::days(1);
    let deadline = deadline.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let routing = format!(
        r#"
clearing = "clearing"
department = [{{ id = "clearing", name = "Klärungsstelle" }}, {{ id = "presse", name = "Presseamt" }}]
newsletter = [{{ id = "presse", title = "Pressemitteilungen", department = "presse" }}]
event = [{{ id = "fest", title = "Fest", place = "Köln", begins = "{deadline}", deadline = "{deadline}", department = "presse" }}]
"#
    );
    let file = folder.join("routing.toml");
    std::fs::write(&file, routing).expect("the folder can be written");
    builder
        .set("routing.file", file.to_str().expect("a path of text"))
        .set("public.url", "https://example.org")
        .set("mail.server", "127.0.0.1")
        .set("mail.port", "9")
        .set("mail.tls", "none")
        .set("mail.from", "nrwdirekt@example.org")
}

/// Sends a form.
async fn form(node: &TestNode, path: &str, form: &str) {
    let answer = node.page(path, None, Some(form)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Subscribes an address.
pub(in super::super) async fn subscribe(node: &TestNode, email: &str) {
    let email = email.replace('@', "%40");
    let sent = format!("angebot=presse&feld.email={email}&einwilligung=ja");
    form(node, "/newsletter", &sent).await;
}

/// The person subscribes and asks to be accredited; somebody else subscribes.
async fn registered(node: &TestNode) {
    subscribe(node, EMAIL).await;
    subscribe(node, "nachbarskind@example.org").await;
    let email = EMAIL.replace('@', "%40");
    let sent = format!(
        "feld.first_name=Zita&feld.name={NAME}&feld.birth_date=1980-02-29&feld.birth_place=K%C3%B6ln&feld.medium={MEDIUM}\
         &feld.email={email}&einwilligung=ja"
    );
    form(node, "/akkreditierung/fest", &sent).await;
}

/// The entries of each person that is found by an address.
pub(in super::super) async fn entries(node: &TestNode, email: &str) -> Vec<Value> {
    let find = ["privacy", "find", "--email", email, "--json"];
    let found = node.run(&find).await.exits(0).json();
    let persons = found["persons"].as_array().expect("persons").iter();
    persons.map(|person| person["entries"].clone()).collect()
}

async fn until_through(node: &TestNode, answer: &Value) -> Value {
    let order = answer["order"].as_str().expect("a number").to_owned();
    let wait = (last_until(answer) - chrono::Utc::now())
        .to_std()
        .unwrap_or_default();
    tokio::time::sleep(wait).await;
    eventually("the order to be through", async || {
        let show = ["privacy", "orders", &order, "--json"];
        let state = node.run(&show).await.exits(0).json();
        (!state["closed_at"].is_null()).then_some(state)
    })
    .await
}

fn check_bytes(folders: &[PathBuf], texts: &[&str]) {
    for text in texts {
        for folder in folders {
            assert_eq!(files_with(folder, text), Vec::<PathBuf>::new(), "{text}");
        }
    }
    let has_other = |folder: &PathBuf| !files_with(folder, "nachbarskind@example.org").is_empty();
    assert!(folders.iter().any(has_other), "nobody else's data went");
}

/// All of a person goes, in every file.
async fn goes_to_the_last_byte(node: &TestNode, folders: &[PathBuf]) {
    registered(node).await;
    let found = entries(node, EMAIL).await;
    assert_eq!(found[0].as_array().map(Vec::len), Some(2), "{found:?}");
    assert_eq!(found[0][0]["mail_waits"], true, "{found:?}");
    for text in [EMAIL, NAME, MEDIUM] {
        let is_there = async || {
            folders
                .iter()
                .any(|folder| !files_with(folder, text).is_empty())
                .then_some(())
        };
        eventually("what is looked for to be there", is_there).await;
    }
    let by_person = [
        "privacy", "erase", "--email", EMAIL, "--reason", "Art. 17", "--json",
    ];
    let answer = node.run(&by_person).await.exits(0).json();
    assert_eq!(answer["entries"], 2, "{answer}");
    assert!(!tells_that_entries_stay(&answer), "{answer}");
    let through = until_through(node, &answer).await;
    assert!(!tells_that_entries_stay(&through), "{through}");
    assert_eq!(through["erased"], json!(["entries", "store_files"]), "{through}");
    check_bytes(folders, &[EMAIL, NAME, MEDIUM]);
    assert_eq!(entries(node, EMAIL).await, Vec::<Value>::new());
    let again = node.run(&by_person).await.exits(0).json();
    assert_eq!(
        again["order"], answer["order"],
        "the same request is the same order"
    );
    // Whoever registers anew consents anew.
    subscribe(node, EMAIL).await;
    assert_eq!(entries(node, EMAIL).await.len(), 1);
}

/// Whether an answer says that what somebody has registered for was not meant.
fn tells_that_entries_stay(answer: &Value) -> bool {
    let kept = answer["kept"].as_array().expect("a list");
    let is_of_entries = |it: &Value| {
        it["what"]
            .as_str()
            .is_some_and(|what| what.contains("registered for"))
    };
    kept.iter().any(is_of_entries)
}

#[tokio::test]
async fn entries_are_erased_to_the_last_byte_of_the_data_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = registering(builder(&[]), folder.path()).start().await;
    goes_to_the_last_byte(&node, &[node.data()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_are_erased_to_the_last_byte_of_postgresql() {
    let Some(servers) = OwnServers::start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let builder = registering(builder(&[]), folder.path());
    let node = builder.argument("--store").argument(&servers.store).start().await;
    let [postgres, _] = servers.folders();
    goes_to_the_last_byte(&node, &[node.data(), postgres]).await;
}

#[tokio::test]
async fn by_ticket_the_entries_stay_and_each_can_be_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let node = registering(builder(&[]), folder.path()).start().await;
    registered(&node).await;
    let citizen = [
        "--name",
        NAME,
        "--phone",
        PHONE,
        "--email",
        EMAIL,
        "--concern",
        CONCERN,
    ];
    let ticket = logged(&node, &citizen).await;
    until_handed_over(&node, &ticket).await;
    let answer = erase(&node, &ticket).await;
    assert_eq!(answer["entries"], 0, "{answer}");
    assert!(tells_that_entries_stay(&answer), "{answer}");
    let found = entries(&node, EMAIL).await;
    let found = found[0].as_array().expect("entries");
    assert_eq!(found.len(), 2, "{found:?}");
    let subscription = found
        .iter()
        .find(|entry| entry["procedure"] == "newsletter")
        .expect("one");
    let id = subscription["entry_id"].as_str().expect("an id");

    let open = [
        "privacy",
        "case",
        "open",
        "--kind",
        "consent_withdrawal",
        "--email",
        EMAIL,
        "--json",
    ];
    let case = node.run(&open).await.exits(0).json()["number"].to_string();
    let end = [
        "privacy", "erase", "--entry", id, "--reason", "Widerruf", "--case", &case, "--json",
    ];
    node.run(&end).await.fails_with("number: note first");
    let check = ["privacy", "case", "check", &case, "--how", "Mail von der Adresse"];
    node.run(&check).await.exits(0);
    let ended = node.run(&end).await.exits(0).json();
    assert_eq!(
        (&ended["entries"], &ended["case"]),
        (&json!(1), &json!(case.parse::<u64>().unwrap_or(0)))
    );
    assert!(!tells_that_entries_stay(&ended), "{ended}");
    let left = entries(&node, EMAIL).await;
    assert_eq!(left[0].as_array().map(Vec::len), Some(1), "{left:?}");
    assert_eq!(left[0][0]["procedure"], "media-accreditation");
    let unknown = "0".repeat(32);
    let unknown = ["privacy", "erase", "--entry", &unknown, "--reason", "Widerruf"];
    node.run(&unknown).await.fails_with("there is no entry");
    let wrong = ["privacy", "erase", "--entry", "presse", "--reason", "Widerruf"];
    node.run(&wrong)
        .await
        .fails_with("entry_ids: the 32 hexadecimal digits");
}

#[tokio::test]
async fn a_node_that_dies_while_it_erases_entries_does_it_when_it_is_back() {
    for cut in ["entries.erase:before:1", "entries.erase:after:1"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut node = registering(builder(&[]), folder.path()).start().await;
        registered(&node).await;
        node.stop().await;
        node.set_variable("NRWDIREKT_TEST_CRASH", Some(cut));
        node.start_again().await;
        let by_person = [
            "privacy", "erase", "--email", EMAIL, "--reason", "Art. 17", "--json",
        ];
        // The answer is lost with the node, and asked for again.
        let asking = tokio::spawn(testkit::command::finish(node.command(&by_person)));
        eventually("the node to die", || {
            let ended = node.ended().map(drop);
            async move { ended }
        })
        .await;
        node.set_variable("NRWDIREKT_TEST_CRASH", None);
        node.start_again().await;
        asking.await.expect("no panic").exits(0);
        assert_eq!(
            entries(&node, EMAIL).await,
            Vec::<Value>::new(),
            "{cut}: before anything is served"
        );
        let orders = node
            .run(&["privacy", "orders", "--json"])
            .await
            .exits(0)
            .json_lines();
        assert_eq!((orders.len(), &orders[0]["entries"]), (1, &json!(2)), "{cut}");
        until_through(&node, &orders[0]).await;
        check_bytes(&[node.data()], &[EMAIL, NAME, MEDIUM]);
        node.stop().await;
    }
}

#[tokio::test]
async fn a_node_that_dies_before_it_rewrites_what_has_ended_does_it_when_it_is_back() {
    for cut in ["erasure.scrub_owed:before:2", "erasure.scrub_owed:after:2"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut node = registering(builder(&[]), folder.path()).start().await;
        subscribe(&node, EMAIL).await;
        assert_ne!(files_with(&node.data(), EMAIL), Vec::<PathBuf>::new());
        node.stop().await;
        // It was not confirmed within a week, so it is gone; the node dies when its last copies are to go.
        node.set_variable("NRWDIREKT_TEST_CLOCK_AHEAD_S", Some(&(8 * 86_400).to_string()));
        node.set_variable("NRWDIREKT_TEST_CRASH", Some(cut));
        node.start_again().await;
        eventually("the node to die", || {
            let ended = node.ended().map(drop);
            async move { ended }
        })
        .await;
        node.set_variable("NRWDIREKT_TEST_CRASH", None);
        node.start_again().await;
        assert_eq!(entries(&node, EMAIL).await, Vec::<Value>::new(), "{cut}");
        eventually("the last copies to be gone", async || {
            files_with(&node.data(), EMAIL).is_empty().then_some(())
        })
        .await;
        node.stop().await;
    }
}
