//! Replies of departments that are keyed otherwise than by their ticket.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bus::embedded::EmbeddedBus;
use bus::kafka::{KafkaBus, KafkaSettings};
use bus::{Bus, Outgoing, topics};
use domain::ids::DepartmentId;
use rdkafka::message::Message as _;
use serde_json::json;
use testkit::{Backend, TestNode, eventually};

use super::super::ticket_topic::{prefixed, read_whole};
use super::steps::started;
use super::{NAME, PHONE, builder, check_gone, erase, files_with, logged, state, until_handed_over};

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
        let settings = KafkaSettings {
            bootstrap: std::env::var("NRWDIREKT_TEST_KAFKA").expect("a test on servers"),
            replication_factor: 1,
            properties: BTreeMap::new(),
        };
        let bus = KafkaBus::connect(settings).expect("the broker");
        let topic = prefixed(&node, &topics::ticket_replies(&DepartmentId::new(&department)));
        reply(Arc::new(bus), &topic, &ticket).await;
        until_applied(&node, &ticket).await;
        assert_eq!(said_on(&topic), 2, "what is looked for can be found at all");
        let order = erase(&node, &ticket).await["order"]
            .as_str()
            .expect("a number")
            .to_owned();
        eventually("the order to be through", async || {
            let orders = ["privacy", "orders", &order, "--json"];
            let state = node.run(&orders).await.exits(0).json();
            (!state["closed_at"].is_null()).then_some(())
        })
        .await;
        assert_eq!(said_on(&topic), 0);
    })
    .await;
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
