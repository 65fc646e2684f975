//! Replies of departments: those that are keyed otherwise than by their ticket, and those that come after the erasure.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bus::embedded::EmbeddedBus;
use bus::kafka::{KafkaBus, KafkaSettings};
use bus::{Bus, Outgoing, topics};
use domain::ids::DepartmentId;
use rdkafka::message::Message as _;
use serde_json::{Value, json};
use testkit::{Backend, Finished, OwnServers, TestNode, eventually};

use super::super::ticket_topic::{prefixed, read_whole};
use super::super::{AT_ONCE, at_each};
use super::steps::{AT_ONCE_ON_SERVERS, CRASH, started, until_dead};
use super::{NAME, PHONE, builder, check_gone, erase, files_with, logged, state, until_handed_over};

const PAUSE: &str = "NRWDIREKT_TEST_PAUSE";

/// Where a node dies once a reply has come after the erasure.
const CUTS: &[&str] = &[
    "erasure.reopen_order:before:1",
    "erasure.reopen_order:after:1",
    "bus.forget:before:1",
    "bus.forget:after:1",
    "bus.scrub:after:1",
    "erasure.note_step:before:1",
    "erasure.note_step:after:1",
    "erasure.forget_stray_replies:before:1",
    "erasure.forget_stray_replies:after:1",
    "erasure.close_order:before:1",
];

/// Those that are tried on servers too.
const ON_SERVERS: &[&str] = &[
    "erasure.reopen_order:after:1",
    "bus.forget:after:1",
    "erasure.forget_stray_replies:before:1",
];

/// What a department says of the citizen.
const SAID: &str = "Rückruf bei Zwetschgenbaum im Hinterhaus";

/// Two replies under keys of a department's own: one that is applied, one that nobody can read.
async fn reply(bus: Arc<dyn Bus>, topic: &str, ticket: &str) {
    let said = json!({"ticket_id": ticket, "type": "answered", "note": SAID});
    let unreadable = format!("{ticket}: {SAID}");
    let message = |id: &'static str, payload: String| Outgoing {
        key: format!("vorgang-{id}").into_bytes(),
        headers: vec![
            ("ce_specversion", "1.0".into()),
            ("ce_type", "nrwdirekt.ticket-reply.v1".into()),
            ("ce_id", id.into()),
            ("ce_source", "/amt".into()),
        ],
        payload: Some(payload.into_bytes()),
    };
    let replies = vec![message("a-1", said.to_string()), message("a-2", unreadable)];
    bus.publish(topic, replies).await.expect("the topic of replies");
}

async fn handed_over(node: &TestNode) -> (String, String) {
    let ticket = logged(node, &["--name", NAME, "--phone", PHONE, "--concern", "Frage"]).await;
    until_handed_over(node, &ticket).await;
    let department = state(node, &ticket).await["department"]
        .as_str()
        .expect("one")
        .to_owned();
    (ticket, department)
}

async fn until_applied(node: &TestNode, ticket: &str) {
    eventually("the reply to be applied", async || {
        (state(node, ticket).await["state"] == "answered").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_reply_under_a_foreign_key_is_erased_from_the_embedded_bus() {
    let mut node = builder(&[]).start().await;
    let (ticket, department) = handed_over(&node).await;
    node.stop().await;
    let bus = EmbeddedBus::open(&node.data().join("bus.db")).expect("the file of the bus");
    let topic = topics::ticket_replies(&DepartmentId::new(&department));
    reply(Arc::new(bus), &topic, &ticket).await;
    node.start_again().await;
    until_applied(&node, &ticket).await;
    let there = files_with(&node.data(), SAID);
    assert_ne!(
        there,
        Vec::<PathBuf>::new(),
        "what is looked for can be found at all"
    );
    let answer = erase(&node, &ticket).await;
    check_gone(&node, &answer, &[node.data()], false).await;
    assert_eq!(files_with(&node.data(), SAID), Vec::<PathBuf>::new(), "{answer}");
}

#[tokio::test]
async fn a_reply_under_a_foreign_key_is_erased_from_kafka() {
    Backend::on_servers(|backend| async move {
        let (node, _rules) = started(backend).await;
        let (ticket, department) = handed_over(&node).await;
        let bus = kafka(&std::env::var("NRWDIREKT_TEST_KAFKA").expect("a test on servers"));
        let topic = prefixed(&node, &topics::ticket_replies(&DepartmentId::new(&department)));
        reply(bus, &topic, &ticket).await;
        until_applied(&node, &ticket).await;
        assert_eq!(said_on(&topic), 2, "what is looked for can be found at all");
        erased(&node, &ticket).await;
        assert_eq!(said_on(&topic), 0);
    })
    .await;
}

fn kafka(bootstrap: &str) -> Arc<dyn Bus> {
    let settings = KafkaSettings {
        bootstrap: bootstrap.to_owned(),
        replication_factor: 1,
        properties: BTreeMap::new(),
    };
    Arc::new(KafkaBus::connect(settings).expect("the broker"))
}

/// Erases a ticket to the last copy; gives the order.
async fn erased(node: &TestNode, ticket: &str) -> Value {
    let answer = erase(node, ticket).await;
    through(node, answer["order"].as_str().expect("a number"), &Value::Null).await
}

/// Waits until an order is through, otherwise than it was before.
async fn through(node: &TestNode, order: &str, before: &Value) -> Value {
    eventually("the order to be through", async || {
        let state = node.run(&["privacy", "orders", order, "--json"]).await;
        let state = state.exits(0).json();
        let is_through = !state["closed_at"].is_null() && state["closed_at"] != *before;
        is_through.then_some(state)
    })
    .await
}

/// Waits until what came after an order was through has been erased as well.
async fn through_again(node: &TestNode, order: &Value) {
    let id = order["order"].as_str().expect("a number");
    through(node, id, &order["closed_at"]).await;
}

/// What the department had on its way.
async fn answer_late(node: &TestNode, department: &str, ticket: &str) -> Finished {
    let said = ["--type", "answered", "--note", SAID, "--json"];
    let of = [
        "department",
        "reply",
        "--department",
        department,
        "--ticket",
        ticket,
    ];
    node.run(&[&of[..], &said].concat()).await
}

#[tokio::test]
async fn replies_that_come_after_the_erasure_are_erased_from_the_embedded_bus() {
    let mut node = builder(&[]).start().await;
    let (ticket, department) = handed_over(&node).await;
    let order = erased(&node, &ticket).await;
    node.stop().await;
    let bus = EmbeddedBus::open(&node.data().join("bus.db")).expect("the file of the bus");
    let topic = topics::ticket_replies(&DepartmentId::new(&department));
    reply(Arc::new(bus), &topic, &ticket).await;
    node.set_variable(PAUSE, Some("erasure.reopen_order:before:1"));
    node.start_again().await;
    eventually("the order to be opened again", async || {
        node.is_paused().then_some(())
    })
    .await;
    let there = files_with(&node.data(), SAID);
    assert_ne!(
        there,
        Vec::<PathBuf>::new(),
        "what is looked for can be found at all"
    );
    node.resume();
    through_again(&node, &order).await;
    // The second may have been read after the first was gone.
    eventually("both to be gone", async || {
        files_with(&node.data(), SAID).is_empty().then_some(())
    })
    .await;
    // A confirmation is taken as ever.
    let confirm = [
        "department",
        "reply",
        "--department",
        &department,
        "--ticket",
        &ticket,
    ];
    node.run(&[&confirm[..], &["--type", "erasure-confirmed"]].concat())
        .await
        .exits(0);
    let shown = node.run(&["ticket", "show", &ticket, "--json"]).await.exits(0);
    assert!(!shown.stdout.contains(SAID), "{}", shown.stdout);
}

async fn cut(backend: Backend, cut: String) {
    let (mut node, _rules) = started(backend).await;
    let (ticket, department) = handed_over(&node).await;
    let order = erased(&node, &ticket).await;
    node.stop().await;
    node.set_variable(CRASH, Some(&cut));
    node.start_again().await;
    // The answer may be lost with the node.
    drop(answer_late(&node, &department, &ticket).await);
    until_dead(&mut node, &cut).await;
    node.set_variable(CRASH, None);
    node.start_again().await;
    through_again(&node, &order).await;
    match backend {
        Backend::Embedded => {
            assert_eq!(files_with(&node.data(), SAID), Vec::<PathBuf>::new(), "{cut}");
        }
        _ => {
            let topic = topics::ticket_replies(&DepartmentId::new(&department));
            assert_eq!(said_on(&prefixed(&node, &topic)), 0, "{cut}");
        }
    }
    node.stop().await;
}

#[tokio::test]
async fn a_reply_after_the_erasure_is_erased_whatever_step_the_node_dies_at() {
    let cuts = CUTS.iter().map(|&cut| cut.to_owned());
    at_each(AT_ONCE, cuts, |it| cut(Backend::Embedded, it)).await;
}

#[tokio::test]
async fn a_reply_after_the_erasure_is_erased_on_servers_whatever_step_the_node_dies_at() {
    Backend::on_servers(|backend| {
        let cuts = ON_SERVERS.iter().map(|&cut| cut.to_owned());
        at_each(AT_ONCE_ON_SERVERS, cuts, move |it| cut(backend, it))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replies_that_come_after_the_erasure_are_erased_to_the_last_byte_of_postgresql_and_kafka() {
    let Some(servers) = OwnServers::start() else {
        return;
    };
    let builder = builder(&[]).argument("--store").argument(&servers.store);
    let node = builder.argument("--bus").argument(&servers.bus).start().await;
    let (ticket, department) = handed_over(&node).await;
    let order = erased(&node, &ticket).await;
    let said = answer_late(&node, &department, &ticket).await;
    assert_eq!(said.json()["code"], "erased", "{}", said.stderr);
    let bus = kafka(servers.bus.trim_start_matches("kafka://"));
    reply(
        bus,
        &topics::ticket_replies(&DepartmentId::new(&department)),
        &ticket,
    )
    .await;
    let [postgres, kafka] = servers.folders();
    assert_ne!(
        files_with(&kafka, SAID),
        Vec::<PathBuf>::new(),
        "what is looked for can be found at all"
    );
    let id = order["order"].as_str().expect("a number");
    let again = eventually("the order to be open again", async || {
        let state = node
            .run(&["privacy", "orders", id, "--json"])
            .await
            .exits(0)
            .json();
        (state["closed_at"].is_null()).then_some(state)
    })
    .await;
    let pending = again["pending"].as_array().expect("a list");
    assert_eq!(pending.len(), 1, "{again}");
    assert_eq!(pending[0]["place"], "bus_replies", "{again}");
    assert!(pending[0]["until"].is_string(), "{again}");
    through_again(&node, &order).await;
    for folder in [node.data(), postgres, kafka] {
        assert_eq!(files_with(&folder, SAID), Vec::<PathBuf>::new(), "{order}");
    }
}

/// How many messages of a topic say it.
fn said_on(topic: &str) -> usize {
    let mut said = 0;
    read_whole(topic, "read_committed", |message| {
        let payload = message.payload().unwrap_or_default();
        said += usize::from(String::from_utf8_lossy(payload).contains(SAID));
    });
    said
}
