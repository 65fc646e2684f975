//! Replies of departments that are keyed otherwise than by their ticket.

use std::path::PathBuf;
use std::sync::Arc;

use bus::embedded::EmbeddedBus;
use bus::kafka::{KafkaBus, KafkaSettings};
use bus::{Bus, Outgoing, topics};
use domain::ids::DepartmentId;
use serde_json::json;
use testkit::{OwnServers, TestNode, eventually};

use super::{NAME, PHONE, builder, check_gone, erase, files_with, logged, state, until_handed_over};

/// What a department says of the citizen.
const SAID: &str = "Rückruf bei Zwetschgenbaum im Hinterhaus";

/// Two replies under keys of a department's own: one that is applied, one that nobody can read.
async fn reply(bus: Arc<dyn Bus>, department: &str, ticket: &str) {
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
    let topic = topics::ticket_replies(&DepartmentId::new(department));
    bus.publish(&topic, replies).await.expect("the topic of replies");
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

async fn erased(node: &TestNode, ticket: &str, folders: &[PathBuf]) {
    eventually("the reply to be applied", async || {
        (state(node, ticket).await["state"] == "answered").then_some(())
    })
    .await;
    let is_there = folders.iter().any(|folder| !files_with(folder, SAID).is_empty());
    assert!(is_there, "what is looked for can be found at all");
    let answer = erase(node, ticket).await;
    check_gone(node, &answer, folders, false).await;
    for folder in folders {
        assert_eq!(files_with(folder, SAID), Vec::<PathBuf>::new(), "{answer}");
    }
}

#[tokio::test]
async fn a_reply_under_a_foreign_key_is_erased_from_the_embedded_bus() {
    let mut node = builder(&[]).start().await;
    let (ticket, department) = handed_over(&node).await;
    node.stop().await;
    let bus = EmbeddedBus::open(&node.data().join("bus.db")).expect("the file of the bus");
    reply(Arc::new(bus), &department, &ticket).await;
    node.start_again().await;
    erased(&node, &ticket, &[node.data()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_under_a_foreign_key_is_erased_from_kafka() {
    let Some(servers) = OwnServers::start() else {
        return;
    };
    let builder = builder(&[("bus.call_partitions", "3")]);
    let builder = builder.argument("--store").argument(&servers.store);
    let node = builder.argument("--bus").argument(&servers.bus).start().await;
    let (ticket, department) = handed_over(&node).await;
    let settings = KafkaSettings {
        bootstrap: servers.bus.trim_start_matches("kafka://").to_owned(),
        replication_factor: 1,
        properties: Default::default(),
    };
    let bus = KafkaBus::connect(settings).expect("the broker");
    reply(Arc::new(bus), &department, &ticket).await;
    erased(&node, &ticket, &servers.folders()).await;
}
