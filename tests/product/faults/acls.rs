//! An Apache Kafka that lets everybody do only what the generated ACLs allow.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{Header, Message as _, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use testkit::{Backend, Builder, GuardedKafka, PATIENCE, TestNode, eventually};

const PREFIX: &str = "haus.";
const NODE: &str = "nrwdirekt";
/// The departments of the sample that the test is about, and who they are for Kafka.
const KOELN: &str = "finanzamt-koeln";
const SCHULE: &str = "ministerium-schule";

const ROUTING: &str = r#"
clearing = "clearing"
department = [
    { id = "clearing", name = "Klärungsstelle" },
    { id = "finanzamt-koeln", name = "Finanzämter Köln" },
    { id = "ministerium-schule", name = "Ministerium für Schule", kafka_principal = "User:schule" },
]
hotline = [{ name = "Steuern" }, { name = "Schule" }]
rule = [
    { id = "steuern", hotline = "Steuern", department = "finanzamt-koeln" },
    { id = "schule", hotline = "Schule", department = "ministerium-schule" },
]
"#;

fn topic(kind: &str, department: &str) -> String {
    format!("{PREFIX}nrwdirekt.{kind}.{department}.v1")
}

/// A client of a user, whose password is the name.
fn client(kafka: &GuardedKafka, user: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &kafka.address)
        .set("security.protocol", "SASL_PLAINTEXT")
        .set("sasl.mechanism", "SCRAM-SHA-512")
        .set("sasl.username", user)
        .set("sasl.password", user);
    config
}

/// A node that logs in, with what it needs to know for it.
fn settings(mut builder: Builder, kafka: &GuardedKafka) -> Builder {
    for (name, value) in [
        ("security.protocol", "SASL_PLAINTEXT"),
        ("sasl.mechanism", "SCRAM-SHA-512"),
        ("sasl.username", NODE),
        ("sasl.password", NODE),
    ] {
        builder = builder.set(&format!("bus.kafka.\"{name}\""), value);
    }
    builder
        .set("bus.topic_prefix", PREFIX)
        .set("bus.call_partitions", "2")
        .argument("--bus")
        .argument(&format!("kafka://{}", kafka.address))
}

/// The generated commands: their arguments.
async fn generated(node: &TestNode, kafka: &GuardedKafka, routing: &str) -> Vec<Vec<String>> {
    let command = [
        "department",
        "acls",
        "--own-principal",
        "User:nrwdirekt",
        "--bootstrap-server",
        &kafka.administration,
        "--set",
        &format!("routing.file={routing}"),
        "--set",
        &format!("bus.topic_prefix={PREFIX}"),
        "--json",
    ];
    let told = node.run(&command).await.exits(0).json();
    let commands = told["commands"].as_array().expect("commands");
    let words = |command: &Value| serde_json::from_value(command["arguments"].clone()).expect("arguments");
    commands.iter().map(words).collect()
}

/// Runs Kafka's tool beside the runtime.
async fn acl(kafka: &Arc<GuardedKafka>, arguments: Vec<String>) {
    let kafka = Arc::clone(kafka);
    let done = tokio::task::spawn_blocking(move || {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        kafka.tool("AclCommand", &words);
    });
    done.await.expect("the tool obeys");
}

/// Whether the node may write to the topic of tickets of a department.
async fn may_publish(kafka: &Arc<GuardedKafka>, department: &str, may: bool) {
    let change = if may {
        vec!["--add"]
    } else {
        vec!["--remove", "--force"]
    };
    let rest = [
        "--bootstrap-server",
        &kafka.administration,
        "--allow-principal",
        "User:nrwdirekt",
        "--operation",
        "Write",
        "--topic",
        &topic("tickets", department),
    ];
    let words = change.into_iter().chain(rest).map(str::to_owned).collect();
    acl(kafka, words).await;
}

async fn log(node: &TestNode, hotline: &str, further: &[&str]) -> String {
    let command = [
        "callback",
        "log",
        "--json",
        "--hotline",
        hotline,
        "--phone",
        "0221 4710123",
    ];
    let logged = node
        .run(&[&command[..], &["--concern", "Frage"], further].concat())
        .await;
    let logged = logged.exits(0).json();
    logged["ticket_id"].as_str().expect("a number").to_owned()
}

/// Waits until a ticket is in a state.
async fn becomes(node: &TestNode, ticket: &str, state: &str) {
    eventually(&format!("{ticket} to be {state}"), async || {
        let shown = node
            .run(&["ticket", "show", ticket, "--json"])
            .await
            .exits(0)
            .json();
        (shown["state"] == state).then_some(())
    })
    .await;
}

/// The key of the first message that a user reads from a topic, or why not.
fn read(kafka: &GuardedKafka, user: &str, group: &str, topic: &str) -> Result<String, Code> {
    let mut config = client(kafka, user);
    config.set("group.id", group).set("auto.offset.reset", "earliest");
    let consumer: BaseConsumer = config.create().expect("a consumer");
    consumer.subscribe(&[topic]).expect("a subscription");
    first(&consumer)
}

fn first(consumer: &BaseConsumer) -> Result<String, Code> {
    let deadline = Instant::now() + PATIENCE;
    let mut last = None;
    while Instant::now() < deadline {
        match consumer.poll(Duration::from_millis(200)) {
            Some(Ok(message)) => {
                let key = message.key().unwrap_or_default();
                return Ok(String::from_utf8_lossy(key).into_owned());
            }
            Some(Err(error)) => {
                let code = error.rdkafka_error_code().expect("a code");
                if is_refusal(code) {
                    return Err(code);
                }
                last = Some(code);
            }
            None => {}
        }
    }
    panic!("neither a message nor a refusal within {PATIENCE:?}; last: {last:?}");
}

fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed
    )
}

/// Whether a user may write a reply to a topic, idempotently.
async fn write(kafka: &GuardedKafka, user: &str, topic: &str, ticket: &str) -> Result<(), Code> {
    let mut config = client(kafka, user);
    config
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "20000");
    let producer: FutureProducer = config.create().expect("a producer");
    let reply = json!({ "ticket_id": ticket, "type": "accepted" }).to_string();
    let mut headers = OwnedHeaders::new();
    for (key, value) in [
        ("ce_specversion", "1.0"),
        ("ce_type", "nrwdirekt.ticket-reply.v1"),
        ("ce_id", "antwort-1"),
        ("ce_source", "/amt"),
        ("content-type", "application/json"),
    ] {
        headers = headers.insert(Header {
            key,
            value: Some(value),
        });
    }
    let record = FutureRecord::to(topic)
        .key(ticket)
        .payload(&reply)
        .headers(headers);
    match producer.send(record, PATIENCE).await {
        Ok(_) => Ok(()),
        Err((KafkaError::MessageProduction(code), _)) => Err(code),
        Err((error, _)) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_generated_acls_each_department_has_its_own_topics_and_the_node_works() {
    let Some(kafka) = GuardedKafka::start() else {
        return;
    };
    let kafka = Arc::new(kafka);
    kafka.add_users(&[NODE, KOELN, "schule"]);
    let mut node = settings(Builder::on(Backend::Embedded), &kafka);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let routing = folder.path().join("routing.toml");
    std::fs::write(&routing, ROUTING).expect("the folder can be written");
    let routing = routing.to_str().expect("a path of text");
    node = node.set("routing.file", routing);
    let mut node = node.prepare().await;
    for command in generated(&node, &kafka, routing).await {
        acl(&kafka, command).await;
    }
    node.start_again().await;

    let ticket = log(&node, "Steuern", &[]).await;
    becomes(&node, &ticket, "handed_over").await;
    let (tickets, of_schule) = (topic("tickets", KOELN), topic("tickets", SCHULE));
    let group = format!("{PREFIX}{KOELN}.schreibtisch");
    assert_eq!(read(&kafka, KOELN, &group, &tickets), Ok(ticket.clone()));
    let forbidden = Err(Code::TopicAuthorizationFailed);
    assert_eq!(read(&kafka, KOELN, &group, &of_schule), forbidden);
    let foreign = format!("{PREFIX}{SCHULE}.schreibtisch");
    assert_eq!(
        read(&kafka, KOELN, &foreign, &tickets),
        Err(Code::GroupAuthorizationFailed)
    );
    for forbidden in [
        topic("ticket-replies", SCHULE),
        tickets.clone(),
        format!("{PREFIX}nrwdirekt.calls.v1"),
    ] {
        let refused = write(&kafka, KOELN, &forbidden, &ticket).await;
        assert_eq!(refused, Err(Code::TopicAuthorizationFailed), "{forbidden}");
    }
    let replies = topic("ticket-replies", KOELN);
    assert_eq!(write(&kafka, KOELN, &replies, &ticket).await, Ok(()));
    becomes(&node, &ticket, "accepted").await;

    // A right that is taken away stops one department, for as long as it is missing.
    may_publish(&kafka, KOELN, false).await;
    let held_up = log(&node, "Steuern", &[]).await;
    let other = log(&node, "Schule", &[]).await;
    becomes(&node, &other, "handed_over").await;
    assert_eq!(read(&kafka, "schule", &foreign, &of_schule), Ok(other));
    eventually("the log to say why", async || {
        let log = node.log();
        let said = |line: &str| line.contains(KOELN) && line.contains("does not allow it");
        log.lines().any(said).then_some(())
    })
    .await;
    let metrics = node.get("/metrics", Some(&node.token())).await.body;
    let seen = format!("nrwdirekt_handover_forbidden{{department=\"{KOELN}\"}} 1");
    assert!(metrics.contains(&seen), "{metrics}");
    may_publish(&kafka, KOELN, true).await;
    becomes(&node, &held_up, "handed_over").await;
    node.stop().await;
}
