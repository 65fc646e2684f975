//! What a way leaves behind: tickets, their history, figures and topics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bus::embedded::EmbeddedBus;
use bus::kafka::{KafkaBus, KafkaSettings};
use bus::prefixed::PrefixedBus;
use bus::{Bus, Positions, Received, topics};
use chrono::{TimeDelta, Utc};
use domain::ids::DepartmentId;
use serde_json::Value;
use testkit::TestNode;
use wire::v1::reporting::TotalsRequest;

use super::steps::{SCHOOLS, TAXES, argument};

/// Callbacks in the figures of these days, as they are now.
pub(super) async fn callbacks_counted(node: &TestNode) -> Option<i64> {
    let day = |days| {
        (Utc::now() + TimeDelta::days(days))
            .format("%Y-%m-%d")
            .to_string()
    };
    let request = TotalsRequest {
        from: day(-1),
        to: day(3),
        ..Default::default()
    };
    let totals = node.reporting().totals(request).await.ok()?.into_inner();
    Some(totals.total?.callbacks_logged)
}

/// No ticket is missing, none doubled; the history of each is complete, and nothing is in it twice.
pub(super) async fn check_tickets(node: &TestNode, answered: &str, returned: &str) {
    let listed = node
        .run(&["ticket", "list", "--json"])
        .await
        .exits(0)
        .json_lines();
    let mut numbers: Vec<&str> = listed.iter().filter_map(|it| it["ticket_id"].as_str()).collect();
    let mut logged = [answered, returned];
    numbers.sort_unstable();
    logged.sort_unstable();
    assert_eq!(numbers, logged);
    assert_eq!(
        history(node, answered).await,
        [
            "logged",
            "handed_over",
            "concern_added",
            "accepted",
            "answered",
            "closed"
        ]
    );
    assert_eq!(
        history(node, returned).await,
        [
            "logged",
            "handed_over",
            "returned",
            "rerouted",
            "handed_over",
            "overdue",
            "escalated"
        ]
    );
    assert_eq!(
        callbacks_counted(node).await,
        Some(2),
        "each callback counts once"
    );
}

async fn history(node: &TestNode, ticket: &str) -> Vec<String> {
    let shown = node
        .run(&["ticket", "show", ticket, "--json"])
        .await
        .exits(0)
        .json();
    let history = shown["history"].as_array().expect("a history").iter();
    let actions = history.map(|entry| entry["action"].as_str().unwrap_or_default().to_owned());
    actions.collect()
}

/// Every department has the newest state of its tickets, and came to it without a step back; every reply has one result.
pub(super) async fn check_topics(node: &TestNode, answered: &str, returned: &str) {
    let bus = bus_of(node);
    let taxes = versions(&*bus, TAXES).await;
    let schools = versions(&*bus, SCHOOLS).await;
    // Each with a tombstone at its end.
    check_versions(&taxes[answered], 5, true);
    check_versions(&taxes[returned], 2, true);
    check_versions(&schools[returned], 3, false);
    assert_eq!(
        (taxes.len(), schools.len()),
        (2, 1),
        "nobody has what is not theirs"
    );

    let mut results: Vec<(String, String)> = Vec::new();
    for message in messages(&*bus, &topics::ticket_reply_results(&DepartmentId::new(TAXES))).await {
        let result: Value = serde_json::from_slice(&message.payload.expect("a result")).expect("JSON");
        let text = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
        results.push((text("reply_id"), text("result")));
    }
    // A result that was published, but not marked so, is told again; it is the same one.
    results.sort();
    results.dedup();
    let expected = ["angenommen", "erledigt", "zurück"].map(|id| (id.to_owned(), "applied".to_owned()));
    assert_eq!(results, expected);
}

/// Versions of one ticket as they came: each once but for repetitions, none after a higher one, the last one there.
#[track_caller]
fn check_versions(came: &[(u32, bool)], last: u32, is_buried: bool) {
    let mut once = came.to_vec();
    once.dedup();
    let states: Vec<u32> = once
        .iter()
        .filter(|(_, gone)| !gone)
        .map(|(version, _)| *version)
        .collect();
    assert!(states.is_sorted_by(|one, next| one < next), "{came:?}");
    assert_eq!(states.last(), Some(&last), "{came:?}");
    let tombstones = once.iter().filter(|(_, gone)| *gone).count();
    assert_eq!(tombstones, usize::from(is_buried), "{came:?}");
    assert_eq!(once.last().map(|(_, gone)| *gone), Some(is_buried), "{came:?}");
}

/// Versions on the topic of a department, by ticket, and whether each is a tombstone.
async fn versions(bus: &dyn Bus, department: &str) -> BTreeMap<String, Vec<(u32, bool)>> {
    let mut versions: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for message in messages(bus, &topics::tickets(&DepartmentId::new(department))).await {
        let version = message
            .header("ce_ticketversion")
            .and_then(|version| version.parse().ok());
        let version = version.expect("a message of a ticket tells its version");
        let ticket = String::from_utf8(message.key).expect("a ticket's number");
        versions
            .entry(ticket)
            .or_default()
            .push((version, message.payload.is_none()));
    }
    versions
}

/// Everything on a topic.
async fn messages(bus: &dyn Bus, topic: &str) -> Vec<Received> {
    let reader = bus.reader_alone(topic, Positions::new()).await;
    let mut reader = reader.expect("the topic is there");
    let mut all = Vec::new();
    // Positions at the end may belong to no message: the end is where nothing comes.
    loop {
        let patience = Duration::from_secs(if all.is_empty() { 20 } else { 1 });
        let some = reader.next(1_000, patience).await.expect("the topic can be read");
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

/// The bus of a node that has ended.
fn bus_of(node: &TestNode) -> Arc<dyn Bus> {
    let Some(address) = argument(node, "--bus") else {
        return Arc::new(EmbeddedBus::open(&node.data().join("bus.db")).expect("the file opens"));
    };
    let settings = KafkaSettings {
        bootstrap: address.trim_start_matches("kafka://").to_owned(),
        replication_factor: 1,
        properties: BTreeMap::new(),
    };
    let prefix = node
        .arguments()
        .iter()
        .find_map(|it| it.strip_prefix("bus.topic_prefix="));
    let bus = KafkaBus::connect(settings).expect("a broker");
    Arc::new(PrefixedBus::new(Arc::new(bus), prefix.unwrap_or_default()))
}
