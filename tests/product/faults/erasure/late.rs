//! What comes in through a node that does not know an order yet.

use bus::topics;
use rdkafka::message::Message as _;
use serde_json::Value;
use testkit::{Backend, TestNode, eventually, reports};

use super::super::ticket_topic::{prefixed, read_whole};
use super::steps::started;
use super::{DIGITS, PHONE, call_by};

const PAUSE: &str = "NRWDIREKT_TEST_PAUSE";

async fn reported(node: &TestNode, id: &str) {
    let call = call_by(id, 60, "+49 221 4783119");
    let receipt = node.intake().submit_reports(reports::batch(1, call)).await;
    let receipt = receipt.expect("a receipt").into_inner();
    node.await_figures(reports::positions([&receipt])).await;
}

async fn revealed(node: &TestNode, id: &str) -> String {
    let shown = ["call", "show", &format!("test/{id}"), "--reveal", "--json"];
    node.run(&shown).await.exits(0).json().to_string()
}

#[tokio::test]
async fn a_call_that_a_node_without_the_order_lets_in_is_found_again() {
    Backend::on_servers(|backend| async move {
        let (mut first, _rules) = started(backend).await;
        first.stop().await;
        // One that counts, and hears of no order; and one that erases, held where it looks for what came meanwhile.
        let late = first
            .beside("intake,ledger,reporting")
            .variable("NRWDIREKT_TEST_LIST_EVERY_S", "3600");
        let late = late.start().await;
        let roles = "ticketing,handover,privacy,reporting";
        let erasing = first
            .beside(roles)
            .variable(PAUSE, "erasure.callers_that:before:1");
        let erasing = erasing.start().await;
        reported(&late, "c-1").await;

        let command = [
            "privacy", "erase", "--phone", PHONE, "--reason", "Art. 17", "--json",
        ];
        let asked = erasing.run(&command);
        let meanwhile = async {
            eventually("the search to be held", async || {
                erasing.is_paused().then_some(())
            })
            .await;
            reported(&late, "c-2").await;
            let shown = revealed(&late, "c-2").await;
            assert!(shown.contains(DIGITS), "nobody has told that node: {shown}");
            assert!(is_on_the_bus(&first), "what is looked for can be found at all");
            erasing.resume();
        };
        let (answer, ()) = tokio::join!(asked, meanwhile);
        let order = answer.exits(0).json()["order"]
            .as_str()
            .expect("a number")
            .to_owned();
        let state: Value = eventually("the order to be through", async || {
            let orders = ["privacy", "orders", &order, "--json"];
            let state = erasing.run(&orders).await.exits(0).json();
            (!state["closed_at"].is_null()).then_some(state)
        })
        .await;
        assert_eq!(state["calls"], 2, "{state}");
        for id in ["c-1", "c-2"] {
            assert!(!revealed(&late, id).await.contains(DIGITS), "{id}");
        }
        assert!(!is_on_the_bus(&first), "{state}");
    })
    .await;
}

/// Whether anything on the topic of calls has the number.
fn is_on_the_bus(node: &TestNode) -> bool {
    let mut found = false;
    read_whole(&prefixed(node, topics::CALLS), "read_committed", |message| {
        let payload = message.payload().unwrap_or_default();
        found |= String::from_utf8_lossy(payload).contains(DIGITS);
    });
    found
}
