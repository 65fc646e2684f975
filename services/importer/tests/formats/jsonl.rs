//! The program's own form, against its schema.

use crate::support::{Calls, read};
use domain::agents::AgentState;
use domain::event::EventKind;
use domain::record::{ConnectionStatus, Field};
use importer::jsonl::{JsonlAdapter, JsonlMap};
use importer::{CallBody, Item};
use serde_json::{Value, json};

const SCHEMA: &str = include_str!("../../../../schemas/imports/jsonl.schema.json");
/// A line of every kind.
const SAMPLE: &str = include_str!("../data/sample.jsonl");

fn items(text: &str) -> Vec<Item> {
    read(&mut JsonlAdapter::new(JsonlMap::built_in()), &[text.as_bytes()])
}

fn is_valid(line: &Value) -> bool {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::validator_for(&schema).unwrap().is_valid(line)
}

#[test]
fn every_line_of_the_sample_is_valid_and_read() {
    for line in SAMPLE.lines() {
        assert!(is_valid(&serde_json::from_str(line).unwrap()), "{line}");
        let items = items(line);
        assert!(!matches!(items[..], [Item::Unreadable(_)]), "{line}: {items:?}");
        assert_eq!(items.len(), 1);
    }
}

#[test]
fn the_schema_and_the_sample_know_every_field_kind_and_word() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let fields = &schema["$defs"]["record"]["properties"];
    for field in Field::ALL {
        let name = field.name();
        let known = [name.to_owned(), format!("{name}_ms")]
            .iter()
            .any(|name| !fields[name].is_null());
        assert!(known, "{name}");
    }
    let statuses: Vec<&str> = ConnectionStatus::ALL.iter().map(|status| status.name()).collect();
    assert_eq!(schema["$defs"]["connection_status"]["enum"], json!(statuses));
    let states: Vec<&str> = AgentState::ALL.iter().map(|state| state.name()).collect();
    assert_eq!(
        schema["$defs"]["agent"]["properties"]["state"]["enum"],
        json!(states)
    );
    let kinds = schema["$defs"]["event"]["oneOf"].as_array().unwrap();
    for kind in kinds {
        let kind = kind["required"][0].as_str().unwrap();
        assert!(SAMPLE.contains(&format!("\"{kind}\":")), "{kind}");
    }
}

#[test]
fn what_the_schema_refuses_is_unreadable_and_its_reason_holds_no_value() {
    for line in [
        json!({"call_id": "1"}),
        json!({"event": {"at": 1, "held": {}}}),
        json!({"call_id": "1", "event": {"at": 1, "held": {}, "resumed": {}}}),
        json!({"call_id": "1", "event": {"held": {}}}),
        json!({"call_id": "1", "event": {"at": 1}}),
        json!({"call_id": "1", "event": {"at": "0221471000", "held": {}}}),
        json!({"call_id": "1", "event": {"at": "2026-11-22T12:00:00", "held": {}}}),
        json!({"call_id": "1", "event": {"at": 1, "held": {"by": "0221471000"}}}),
        json!({"call_id": "1", "event": {"at": 1, "overflowed": {"site": "a", "network": "b"}}}),
        json!({"call_id": "1", "event": {"at": 1, "ended": {"by": "0221471000"}}}),
        json!({"call_id": "1", "record": {"started_at": 1, "task_type": "inbound_call", "hotline": "h"}}),
        json!({"call_id": "1", "record": {"started_at": 1, "task_type": "inbound_call", "hotline": "h",
            "connection_status": "answered", "wait_ms": "0221471000"}}),
        json!({"call_id": "1", "record": {"started_at": 1, "task_type": "inbound_call", "hotline": "h",
            "connection_status": "answered", "wait": 5}}),
        json!({"agent": {"agent": "a", "at": 1, "state": "asleep"}}),
        json!([1]),
        json!("0221471000"),
    ] {
        assert!(!is_valid(&line) || line["event"]["at"].is_string(), "{line}");
        match &items(&line.to_string())[..] {
            [Item::Unreadable(unreadable)] => {
                assert!(!unreadable.to_string().contains("0221471000"), "{unreadable}");
            }
            items => panic!("{line}: {items:?}"),
        }
    }
    for text in [
        "{",
        "{} {}",
        "\u{feff}",
        "null",
        "{\"call_id\": \"1\", \"call_id\": \"2\"}",
    ] {
        let items = items(text);
        assert!(
            matches!(&items[..], [Item::Unreadable(_)]) || text == "\u{feff}" && items.is_empty(),
            "{text}: {items:?}"
        );
    }
}

#[test]
fn times_with_an_offset_and_in_milliseconds_are_the_same() {
    let at = |at: Value| {
        let line = json!({"call_id": "1", "event": {"at": at, "held": {}}});
        match items(&line.to_string()).remove(0) {
            Item::Call(call) => match call.body {
                CallBody::Event(event) => {
                    assert_eq!(event.kind, EventKind::Held);
                    event.at.timestamp_millis()
                }
                CallBody::Record { .. } => panic!(),
            },
            item => panic!("{item:?}"),
        }
    };
    assert_eq!(at(json!("2026-11-22T12:46:07.386+01:00")), 1_795_347_967_386);
    assert_eq!(at(json!(1_795_347_967_386_i64)), 1_795_347_967_386);
}

#[test]
fn the_sample_gives_an_answered_visit_and_a_record() {
    let calls = Calls::of(&items(SAMPLE));
    let call = calls.call("call-1");
    assert_eq!(call.visits.len(), 2);
    assert_eq!(call.visits[0].time_in_queue_ms(), Some(12_000));
    let record = calls.call("call-2").record.unwrap();
    assert_eq!(record.connection_status, ConnectionStatus::Answered);
    assert_eq!(record.talk_ms, Some(61_000));
}

#[test]
fn the_map_renames_hotlines_and_agents() {
    let map = JsonlMap::built_in()
        .extended("[hotlines]\n\"Bürgertelefon\" = [\"BT\"]\n[agents]\n\"Anna\" = [\"2001\"]")
        .unwrap();
    let line = json!({"agent": {"agent": "2001", "hotline": "bt", "at": 1, "state": "ready"}});
    match &read(&mut JsonlAdapter::new(map), &[line.to_string().as_bytes()])[..] {
        [Item::Agent(report)] => {
            assert_eq!(report.agent.as_str(), "Anna");
            assert_eq!(report.hotline.as_ref().unwrap().as_str(), "Bürgertelefon");
        }
        items => panic!("{items:?}"),
    }
}
