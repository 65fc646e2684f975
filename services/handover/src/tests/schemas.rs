//! What is published follows `schemas/topics/`, and the samples there can be read.

use std::path::{Path, PathBuf};

use bus::{Received, topics};
use domain::procedure::{Register, request_schema};
use serde_json::Value;

use super::desk::{accepted, department, desk, returned};
use crate::payload::{
    ErasedMessage, HeartbeatMessage, RectifiedMessage, ReplyResultMessage, RestrictedMessage, TicketMessage,
    WithdrawnMessage,
};
use crate::reply;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/topics")
}

fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(folder().join(format!("{name}.schema.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn check(name: &str, content: &Value) {
    let schema = schema(name);
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    let faults: Vec<String> = validator
        .iter_errors(content)
        .map(|error| error.to_string())
        .collect();
    assert!(faults.is_empty(), "{name}: {faults:?} in {content}");
    let declared = |field: &String| schema["properties"].get(field).is_some();
    let fields: Vec<&String> = content.as_object().unwrap().keys().collect();
    assert!(
        fields.iter().all(|field| declared(field)),
        "{name} does not declare all of {fields:?}"
    );
}

/// Schema by `ce_type`.
fn schema_of(message: &Received) -> &'static str {
    match message.header("ce_type").expect("every message has a type") {
        crate::TICKET_TYPE => "ticket.v1",
        crate::WITHDRAWN_TYPE => "ticket-withdrawn.v1",
        crate::ERASED_TYPE => "ticket-erased.v1",
        crate::RESTRICTED_TYPE => "ticket-restricted.v1",
        crate::RECTIFIED_TYPE => "ticket-rectified.v1",
        crate::REPLY_TYPE => "ticket-reply.v1",
        crate::REPLY_RESULT_TYPE => "ticket-reply-result.v1",
        crate::HEARTBEAT_TYPE => "heartbeat.v1",
        other => panic!("{other}?"),
    }
}

#[tokio::test]
async fn every_published_message_follows_its_schema() {
    let desk = desk().await;
    let (one, two) = (desk.log(1).await, desk.log(2).await);
    let mut outbound = desk.outbound("a").await;
    outbound.step().await.unwrap();
    desk.reply("a", "r1", &returned(&one, "b")).await;
    desk.reply("a", "r2", &accepted(&two)).await;
    desk.reply("a", "r3", "?").await;
    desk.receive("a").await;
    outbound.step().await.unwrap();
    desk.send("b").await;
    desk.rectify(&one).await;
    outbound.step().await.unwrap();
    desk.send("b").await;
    desk.restrict(&one).await;
    outbound.step().await.unwrap();
    desk.erase(&two).await;
    outbound.step().await.unwrap();
    desk.set_clock(120);
    outbound.step().await.unwrap();

    let mut checked = Vec::new();
    for id in ["a", "b"] {
        for topic in [
            topics::tickets(&department(id)),
            topics::ticket_reply_results(&department(id)),
        ] {
            for message in desk.topic(&topic).await {
                let schema = schema_of(&message);
                let content = serde_json::from_slice(message.payload.as_ref().unwrap()).unwrap();
                check(schema, &content);
                if schema == "ticket.v1" {
                    check_request(&content);
                }
                for header in ["ce_specversion", "ce_id", "ce_source", "ce_time", "content-type"] {
                    assert!(message.header(header).is_some(), "{schema} without {header}");
                }
                checked.push(schema);
            }
        }
    }
    checked.sort_unstable();
    checked.dedup();
    assert_eq!(
        checked,
        [
            "heartbeat.v1",
            "ticket-erased.v1",
            "ticket-rectified.v1",
            "ticket-reply-result.v1",
            "ticket-restricted.v1",
            "ticket-withdrawn.v1",
            "ticket.v1"
        ]
    );
}

/// Messages from before there were several procedures are callback requests.
fn with_procedure(mut ticket: Value) -> Value {
    let fields = ticket.as_object_mut().unwrap();
    fields.entry("procedure").or_insert_with(|| "callback".into());
    ticket
}

/// The request of a ticket follows the schema of its procedure.
fn check_request(ticket: &Value) {
    let ticket = with_procedure(ticket.clone());
    let procedure = ticket["procedure"].as_str().unwrap();
    check(&format!("requests/{procedure}.v1"), &ticket["request"]);
}

#[test]
fn schemas_of_requests_are_those_of_the_register() {
    let register = Register::built_in();
    let (tickets, records): (Vec<_>, Vec<_>) = register
        .procedures()
        .iter()
        .partition(|procedure| procedure.ticket_rules().is_some());
    for procedure in tickets {
        let id = &procedure.id;
        assert_eq!(
            schema(&format!("requests/{id}.v1")),
            request_schema(procedure),
            "write it anew: nrwdirekt register schema --procedure {id} > schemas/topics/requests/{id}.v1.schema.json"
        );
    }
    for procedure in records {
        let path = folder().join(format!("requests/{}.v1.schema.json", procedure.id));
        assert!(!path.exists(), "{} makes no tickets", procedure.id);
    }
}

/// A sample must be read without loss: nothing in it is unknown to the types.
fn read_whole<T: serde::de::DeserializeOwned + serde::Serialize>(sample: &Value) {
    let read: T = serde_json::from_value(sample.clone()).unwrap();
    let written = serde_json::to_value(&read).unwrap();
    assert_eq!(&written, sample);
}

#[test]
fn every_sample_follows_its_schema_and_can_be_read() {
    let mut read = 0;
    for entry in std::fs::read_dir(folder().join("samples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (message, _) = name
            .split_once(".v1.")
            .expect("samples are named MESSAGE.v1.….json");
        let text = std::fs::read_to_string(&path).unwrap();
        let sample: Value = serde_json::from_str(&text).unwrap();
        check(&format!("{message}.v1"), &sample);
        match message {
            "ticket" => {
                check_request(&sample);
                read_whole::<TicketMessage>(&with_procedure(sample));
            }
            "ticket-erased" => read_whole::<ErasedMessage>(&sample),
            "ticket-restricted" => read_whole::<RestrictedMessage>(&sample),
            "ticket-rectified" => read_whole::<RectifiedMessage>(&sample),
            "ticket-withdrawn" => read_whole::<WithdrawnMessage>(&sample),
            "ticket-reply-result" => read_whole::<ReplyResultMessage>(&sample),
            // The ledger's: its tests read it.
            "interval" => {}
            "heartbeat" => read_whole::<HeartbeatMessage>(&sample),
            "ticket-reply" => {
                let headers = [("ce_id", "r1"), ("ce_type", crate::REPLY_TYPE)];
                let message = Received {
                    partition: 0,
                    offset: 0,
                    key: Vec::new(),
                    headers: headers
                        .map(|(name, value)| (name.to_owned(), value.to_owned()))
                        .into(),
                    payload: Some(text.into_bytes()),
                };
                reply::read(&message).reply.unwrap();
            }
            other => panic!("{other}: a sample of an unknown message"),
        }
        read += 1;
    }
    assert!(read >= 16, "{read} samples");
}

#[test]
fn replies_beyond_the_schema_are_refused_by_it_too() {
    let schema = schema("ticket-reply.v1");
    let validator = jsonschema::validator_for(&schema).unwrap();
    for bad in [
        r#"{"ticket_id":"T-7K3M-9QXW","type":"sold"}"#,
        r#"{"ticket_id":"T-7K3M-9QXW","type":"accepted","outcome":"busy"}"#,
        r#"{"ticket_id":"T-7K3M-9QXW","type":"callback_attempted"}"#,
        r#"{"ticket_id":"T-7K3M-9QXW","type":"returned"}"#,
        r#"{"ticket_id":"T-7K3M-9QXW","type":"accepted","version":0}"#,
        r#"{"ticket_id":"T-7K3M-9QXW","type":"erasure_confirmed","note":"x"}"#,
        r#"{"type":"accepted"}"#,
    ] {
        assert!(!validator.is_valid(&serde_json::from_str(bad).unwrap()), "{bad}");
    }
}
