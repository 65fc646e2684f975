//! A run of retention with a node that dies at every step of it in turn: it is gone on with, tells the whole, and the figures
//! are those of before.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::{Value, json};
use testkit::export::{self, Dress, Row};
use testkit::{Backend, Builder, Dice, OwnServers, TestNode, eventually};

use super::erasure::files_with;

use crate::figures;

const CRASH: &str = "NRWDIREKT_TEST_CRASH";
const AHEAD: &str = "NRWDIREKT_TEST_CLOCK_AHEAD_S";
const SIGABRT: i32 = 6;

/// Every step that changes something; the first page of calls is one of several.
const STEPS: &[(&str, u64)] = &[
    ("retention.begin_run", 1),
    ("retention.purge_tickets", 1),
    ("retention.drop_past_part", 1),
    ("retention.purge_calls", 3),
    ("retention.take_out_agents", 1),
    ("retention.purge_rejected", 1),
    ("retention.purge_rejected_replies", 1),
    ("retention.forget_identities", 1),
    ("retention.purge_cases", 1),
    ("retention.cut_audit", 1),
    ("retention.take_over_calls", 1),
    ("retention.take_over_tickets", 1),
    ("retention.take_over_access", 1),
    ("retention.empty_call_log", 1),
    ("retention.empty_ticket_log", 1),
    ("retention.empty_access_log", 1),
    ("retention.finish_run", 1),
];

/// Those that are tried on servers too.
const ON_SERVERS: &[&str] = &[
    "retention.begin_run:after:1",
    "retention.purge_tickets:after:1",
    "retention.drop_past_part:before:1",
    "retention.drop_past_part:after:1",
    "retention.take_out_agents:after:1",
    "retention.cut_audit:after:1",
    "retention.take_over_access:after:1",
    "retention.finish_run:before:1",
];

const ROWS: usize = 150;

fn rows() -> Vec<Row> {
    export::invented(ROWS, &mut Dice::of_seed(7))
}

/// A node with calls, an item that could not be counted, an order that was sent and a case that is decided, years later.
async fn years_later(backend: Backend) -> (TestNode, Value) {
    let mut node = Builder::on(backend).set("retention.at", "").start().await;
    let faulty = Row::answered("2024-03-04 09:00:00", "Bürgertelefon")
        .instead(domain::record::Field::StartedAt, "31.02.2024 09:00:00");
    let file = export::file(&[&rows()[..], &[faulty]].concat(), Dress::German);
    let file = node.file("export.csv", &file);
    let import = ["import", "--format", "hotline-export", "--wait", &file];
    node.run(&import).await.exits(3);
    let order = [
        "ticket",
        "log",
        "--json",
        "--procedure",
        "brochure-order",
        "--field",
        "brochures=Wegweiser, 1",
        "--field",
        "first_name=Erika",
        "--field",
        "name=Mustermann",
        "--field",
        "street=Königsallee",
        "--field",
        "postal_code=40212",
        "--field",
        "town=Düsseldorf",
    ];
    let ticket = node.run(&order).await.exits(0).json();
    let ticket = ticket["ticket_id"].as_str().expect("a number");
    let close = [
        "ticket", "close", ticket, "--reason", "versandt", "--agent", "anna",
    ];
    node.run(&close).await.exits(0);
    let open = ["privacy", "case", "open", "--kind", "access", "--json"];
    let number = node.run(&open).await.exits(0).json()["number"].to_string();
    for act in [
        &["check", &number, "--how", "Personalausweis"][..],
        &["decide", &number, "--outcome", "granted"],
    ] {
        node.run(&[&["privacy", "case"], act].concat()).await.exits(0);
    }
    let before = figures::of_the_invented_week(&node).await;
    node.stop().await;
    node.set_variable(AHEAD, Some(&(1_200 * 86_400).to_string()));
    (node, before)
}

async fn runs(node: &TestNode) -> Vec<Value> {
    let runs = ["privacy", "retention", "runs", "--json"];
    node.run(&runs).await.exits(0).json_lines()
}

/// What went, without when. How often the node was asked for something is another number each time.
fn went(run: &Value) -> Vec<(Value, Value, Value, Value)> {
    let lines = run["outcome"].as_array().expect("lines").iter();
    lines
        .filter(|line| line["what"] != "accesses")
        .map(|line| {
            let of = |key: &str| line[key].clone();
            (of("what"), of("procedure"), of("items"), of("visits"))
        })
        .collect()
}

async fn undisturbed(backend: Backend) -> Value {
    let (mut node, before) = years_later(backend).await;
    node.start_again().await;
    let run = ["privacy", "retention", "run", "--json"];
    let run = node.run(&run).await.exits(0).json();
    assert_eq!(figures::of_the_invented_week(&node).await, before);
    run
}

async fn cut(backend: Backend, step: &str, expected: &Value) {
    let (mut node, before) = years_later(backend).await;
    node.set_variable(CRASH, Some(step));
    node.start_again().await;
    let run = ["privacy", "retention", "run", "--json"];
    let answer = node.run(&run).await;
    assert_ne!(answer.code, Some(0), "{step}: it never came to this point");
    let died = std::cell::RefCell::new(&mut node);
    let ended = eventually("it has died", || async { died.borrow_mut().ended() }).await;
    assert_eq!(ended.signal(), Some(SIGABRT), "{step}");
    node.set_variable(CRASH, None);
    node.start_again().await;
    let was_begun = step != "retention.begin_run:before:1";
    if !was_begun {
        node.run(&run).await.exits(0);
    }
    let finished = eventually("it is gone on with", || async {
        let runs = runs(&node).await;
        let finished = runs.iter().all(|run| run["finished_at"] != Value::Null);
        (finished && !runs.is_empty()).then_some(runs)
    })
    .await;
    assert_eq!(finished.len(), 1, "{step}");
    assert_eq!(went(&finished[0]), went(expected), "{step}");
    assert_eq!(figures::of_the_invented_week(&node).await, before, "{step}");
    let plan = ["privacy", "retention", "plan", "--json"];
    let plan = node.run(&plan).await.exits(0).json();
    for rule in plan["rules"].as_array().expect("rules") {
        assert_eq!(rule["items"].as_u64().unwrap_or(0), 0, "{step}: {rule}");
    }
    node.run(&["privacy", "audit", "verify"]).await.exits(0);
    node.stop().await;
}

#[tokio::test]
async fn a_run_comes_to_its_end_whatever_step_the_node_dies_at() {
    let expected = undisturbed(Backend::Embedded).await;
    let calls = &expected["outcome"][0];
    assert_eq!((&calls["what"], &calls["items"]), (&json!("calls"), &json!(ROWS)));
    for (point, call) in STEPS {
        for moment in ["before", "after"] {
            cut(Backend::Embedded, &format!("{point}:{moment}:{call}"), &expected).await;
        }
    }
}

#[tokio::test]
async fn a_run_comes_to_its_end_on_servers_whatever_step_the_node_dies_at() {
    Backend::on_servers(|backend| async move {
        let expected = undisturbed(backend).await;
        for step in ON_SERVERS {
            cut(backend, step, &expected).await;
        }
    })
    .await;
}

const CALLER: &str = "02219998887";
const NAME: &str = "Zwetschgenbaum";

/// A call of a month that is over, one of a month that is not, and an order that was sent, all past; then a run by hand.
async fn deleted_by_hand(node: &mut TestNode) -> Value {
    let today = domain::local_time::day_of(chrono::Utc::now());
    let rows = ["2024-03-04 09:00:00".to_owned(), format!("{today} 00:00:01")]
        .map(|at| Row::answered(&at, "Bürgertelefon").caller(CALLER));
    let file = node.file("export.csv", &export::file(&rows, Dress::German));
    node.run(&["import", "--format", "hotline-export", "--wait", &file])
        .await
        .exits(0);
    let order = ["ticket", "log", "--json", "--procedure", "brochure-order"];
    let fields = [
        "brochures=Wegweiser, 1",
        "first_name=Erika",
        &format!("name={NAME}"),
        "street=Königsallee",
        "postal_code=40212",
        "town=Düsseldorf",
    ];
    let fields: Vec<&str> = fields.iter().flat_map(|field| ["--field", field]).collect();
    let ticket = node.run(&[&order[..], &fields].concat()).await.exits(0).json();
    let ticket = ticket["ticket_id"].as_str().expect("a number");
    let close = [
        "ticket", "close", ticket, "--reason", "versandt", "--agent", "anna",
    ];
    node.run(&close).await.exits(0);
    node.stop().await;
    node.set_variable(AHEAD, Some(&(190 * 86_400).to_string()));
    node.start_again().await;
    // It is not past, so its month stays.
    let late = Row::answered(&format!("{today} 00:00:02"), "Bürgertelefon");
    let file = node.file("late.csv", &export::file(&[late], Dress::German));
    node.run(&["import", "--format", "hotline-export", "--wait", &file])
        .await
        .exits(0);
    let run = ["privacy", "retention", "run", "--json"];
    node.run(&run).await.exits(0).json()
}

fn check_places(run: &Value) {
    assert_eq!(
        (
            &run["started_by"],
            &run["rewritten"],
            &run["pending"],
            &run["kept"]
        ),
        (
            &json!("operator"),
            &json!(["calls", "tickets"]),
            &json!([]),
            &json!([])
        ),
        "{run}"
    );
}

#[tokio::test]
async fn a_run_by_hand_leaves_no_byte_of_what_it_deleted_in_the_files_of_the_store() {
    let mut node = Builder::on(Backend::Embedded)
        .set("retention.at", "")
        .start()
        .await;
    check_places(&deleted_by_hand(&mut node).await);
    // The bus keeps messages for a time of its own.
    for name in ["calls.db", "calls.db-wal", "tickets.db", "tickets.db-wal"] {
        let bytes = std::fs::read(node.data().join(name)).unwrap_or_default();
        for text in [CALLER, NAME] {
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{text} in {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_by_hand_leaves_no_byte_of_what_it_deleted_in_the_files_of_postgresql() {
    let Some(servers) = OwnServers::start() else {
        return;
    };
    let builder = Builder::on(Backend::Embedded).set("retention.at", "");
    let mut node = builder.argument("--store").argument(&servers.store).start().await;
    let run = deleted_by_hand(&mut node).await;
    check_places(&run);
    assert_eq!(run["outcome"][0]["parts_dropped"], json!(["2024-03"]), "{run}");
    assert_eq!(run["outcome"][0]["items"], 2, "{run}");
    let [postgres, _] = servers.folders();
    for text in [CALLER, NAME] {
        let found = files_with(&postgres, text);
        assert!(found.is_empty(), "{text} in {found:?}");
    }
}
