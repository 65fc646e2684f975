//! What comes in through a node that does not know an order yet.

use std::path::PathBuf;

use serde_json::Value;
use testkit::{OwnServers, TestNode, eventually, reports};

use super::{DIGITS, NAME, PHONE, builder, call_by, files_with, last_until};

const PAUSE: &str = "NRWDIREKT_TEST_PAUSE";

async fn reported(intake: &TestNode, reporting: &TestNode, id: &str) {
    let call = call_by(id, 60, "+49 221 4783119");
    let receipt = intake.intake().submit_reports(reports::batch(1, call)).await;
    let receipt = receipt.expect("a receipt").into_inner();
    reporting.await_figures(reports::positions([&receipt])).await;
}

async fn revealed(node: &TestNode, id: &str) -> String {
    let shown = ["call", "show", &format!("test/{id}"), "--reveal", "--json"];
    node.run(&shown).await.exits(0).json().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_a_node_without_the_order_lets_in_is_found_again() {
    let Some(servers) = OwnServers::start() else {
        return;
    };
    let builder = builder(&[("bus.call_partitions", "3")]);
    let builder = builder.argument("--store").argument(&servers.store);
    let mut first = builder.argument("--bus").argument(&servers.bus).start().await;
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
    reported(&late, &late, "c-1").await;

    let command = [
        "privacy", "erase", "--phone", PHONE, "--reason", "Art. 17", "--json",
    ];
    let asked = erasing.run(&command);
    let meanwhile = async {
        eventually("the search to be held", async || {
            erasing.is_paused().then_some(())
        })
        .await;
        reported(&late, &late, "c-2").await;
        assert!(
            revealed(&late, "c-2").await.contains(DIGITS),
            "nobody has told that node"
        );
        erasing.resume();
    };
    let (answer, ()) = tokio::join!(asked, meanwhile);
    let answer = answer.exits(0).json();
    let order = answer["order"].as_str().expect("a number").to_owned();
    let state: Value = eventually("the order to be through", async || {
        let orders = ["privacy", "orders", &order, "--json"];
        let state = erasing.run(&orders).await.exits(0).json();
        (!state["closed_at"].is_null()).then_some(state)
    })
    .await;
    assert_eq!(state["calls"], 2, "{state}");
    assert!(last_until(&state) <= chrono::Utc::now(), "{state}");
    for id in ["c-1", "c-2"] {
        assert!(!revealed(&late, id).await.contains(DIGITS), "{id}");
    }
    for folder in servers.folders() {
        for text in [DIGITS, NAME] {
            assert_eq!(files_with(&folder, text), Vec::<PathBuf>::new(), "{text}");
        }
    }
}
