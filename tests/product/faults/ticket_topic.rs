//! A house of two departments, and a plain Kafka client that looks at what one of them gets.

use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Builder, PATIENCE, TestNode, eventually};

pub(super) const TAXES: &str = "finanzamt";
pub(super) const SCHOOLS: &str = "schulamt";

const ROUTING: &str = r#"
clearing = "schulamt"
department = [{ id = "finanzamt", name = "Finanzamt" }, { id = "schulamt", name = "Schulamt" }]
hotline = [{ name = "Steuern" }, { name = "Schule" }]
rule = [
    { id = "steuern", hotline = "Steuern", department = "finanzamt" },
    { id = "schule", hotline = "Schule", department = "schulamt" },
]
"#;

/// Has a node route calls about "Steuern" to one department, and all others to the other. The folder is kept with it.
pub(super) fn two_departments(builder: Builder) -> (Builder, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let routing = folder.path().join("routing.toml");
    std::fs::write(&routing, ROUTING).expect("the folder can be written");
    let routing = routing.to_str().expect("a path of text");
    (builder.set("routing.file", routing), folder)
}

/// Logs a callback; gives its ticket.
pub(super) async fn log(node: &TestNode, hotline: &str, concern: &str, further: &[&str]) -> String {
    let command = ["callback", "log", "--json", "--phone", "0221 4710123"];
    let said = ["--hotline", hotline, "--concern", concern];
    let logged = node
        .run(&[&command[..], &said, further].concat())
        .await
        .exits(0)
        .json();
    logged["ticket_id"].as_str().expect("a number").to_owned()
}

/// A ticket as it is now.
pub(super) async fn show(node: &TestNode, ticket: &str) -> Value {
    let shown = node.run(&["ticket", "show", ticket, "--json"]).await;
    shown.exits(0).json()
}

/// Waits until a ticket is in a state.
pub(super) async fn becomes(node: &TestNode, ticket: &str, state: &str) {
    eventually(&format!("{ticket} to be {state}"), async || {
        (show(node, ticket).await["state"] == state).then_some(())
    })
    .await;
}

/// The topic of tickets of a department, on the broker that the tests share.
pub(super) fn topic_of(node: &TestNode, department: &str) -> String {
    prefixed(node, &format!("nrwdirekt.tickets.{department}.v1"))
}

/// A topic of a node, on the broker that the tests share.
pub(super) fn prefixed(node: &TestNode, topic: &str) -> String {
    let mut arguments = node.arguments().iter();
    let prefix = arguments.find_map(|it| it.strip_prefix("bus.topic_prefix="));
    format!("{}{topic}", prefix.expect("a node on servers has a prefix"))
}

/// What a client reads of the versions of a ticket, from the beginning of a topic to its end.
pub(super) fn versions(topic: &str, isolation: &str, ticket: &str) -> Vec<u32> {
    let mut versions = Vec::new();
    read_whole(topic, isolation, |message| {
        if message.key() != Some(ticket.as_bytes()) {
            return;
        }
        let headers = message.headers().expect("headers");
        let version = headers.iter().find(|header| header.key == "ce_ticketversion");
        let version = version.and_then(|version| std::str::from_utf8(version.value?).ok());
        versions.push(version.expect("a version").parse().expect("a number"));
    });
    versions
}

/// Reads a topic on the broker that the tests share, from its beginning to its end.
pub(super) fn read_whole(topic: &str, isolation: &str, mut read: impl FnMut(&BorrowedMessage<'_>)) {
    let broker = std::env::var("NRWDIREKT_TEST_KAFKA").expect("a test on servers");
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .set("group.id", format!("{topic}.onlooker"))
        .set("isolation.level", isolation)
        .set("enable.partition.eof", "true")
        .create()
        .expect("a consumer");
    let metadata = consumer.fetch_metadata(Some(topic), PATIENCE).expect("metadata");
    let mut partitions = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        let added = partitions.add_partition_offset(topic, partition.id(), Offset::Beginning);
        added.expect("a partition");
    }
    let mut unread = partitions.count();
    consumer.assign(&partitions).expect("the partitions");
    let deadline = Instant::now() + PATIENCE;
    while unread > 0 {
        assert!(Instant::now() < deadline, "{topic} has no end");
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => read(&message),
            Some(Err(KafkaError::PartitionEOF(_))) => unread -= 1,
            Some(Err(error)) => panic!("{error}"),
            None => {}
        }
    }
}
