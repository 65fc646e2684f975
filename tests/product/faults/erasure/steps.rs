//! A node dies at every step of an erasure in turn: the order runs to its end when it is back, and nothing is half done.

use std::cell::RefCell;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use testkit::{Backend, Builder, TestNode, eventually, reports};
use wire::v1::calls::{BatchReceipt, CallReport, UnreadableItem};
use wire::v1::reporting::TotalsResponse;

use super::super::ticket_topic::two_departments;
use super::super::{AT_ONCE, at_each};
use super::{
    CONCERN, DIGITS, EMAIL, NAME, OTHER, PERSONAL, PHONE, call_by, files_with, logged, state,
    until_handed_over,
};

pub(super) const CRASH: &str = "NRWDIREKT_TEST_CRASH";
const SIGABRT: i32 = 6;
const DAY: (&str, &str) = reports::DAY;

/// Each of them has the broker close segments and compact topics all the time.
pub(super) const AT_ONCE_ON_SERVERS: usize = 3;

/// More than two of the steps in which calls are erased.
const CALLS: i64 = 1_100;

/// What changes something, and how often it does: cut before and after each of these calls.
const CHANGES: &[(&str, u64)] = &[
    ("erasure.enter_order", 1),
    ("tickets.record", 1),
    ("erasure.erase_rejected", 1),
    ("erasure.erase_callers", 3),
    ("erasure.note_step", 7),
    ("bus.forget", 3),
    ("bus.scrub", 1),
    ("erasure.scrub_store", 2),
    ("erasure.close_order", 1),
];

/// Those that are tried on servers too.
const ON_SERVERS: &[&str] = &[
    "erasure.enter_order:after:1",
    "erasure.erase_rejected:after:1",
    "erasure.erase_callers:after:2",
    "erasure.note_step:before:2",
    "erasure.scrub_store:after:1",
    "erasure.close_order:before:1",
];

const ERASE: [&str; 7] = [
    "privacy", "erase", "--phone", PHONE, "--reason", "Art. 17", "--json",
];

/// An item that could not be counted.
pub(super) fn item(payload: &str) -> UnreadableItem {
    UnreadableItem {
        position: "line 1".to_owned(),
        field: "started_at".to_owned(),
        reason: "no such date".to_owned(),
        payload: payload.as_bytes().to_vec(),
        ..UnreadableItem::default()
    }
}

/// Reports with items that could not be counted.
pub(super) async fn report_with_items(node: &TestNode, calls: Vec<CallReport>, items: Vec<UnreadableItem>) {
    let mut batch = reports::batch(1, calls);
    batch.unreadable = items;
    let receipt: BatchReceipt = node
        .intake()
        .submit_reports(batch)
        .await
        .expect("a receipt")
        .into_inner();
    node.await_figures(reports::positions([&receipt])).await;
}

/// A person in calls, an item and a ticket, and somebody else in each of them. Gives the tickets of both.
async fn two_persons(node: &TestNode) -> [String; 2] {
    let mut calls = vec![call_by("other", 5, "0211 99887766").remove(0)];
    calls.extend((0..CALLS).flat_map(|number| call_by(&format!("m-{number}"), number, "0221/4783119")));
    let items = [
        "31.02.2024;0221 4783119;Verbunden",
        "31.02.2024;0211 99887766;Verbunden",
    ];
    report_with_items(node, calls, items.map(item).to_vec()).await;
    let mine = [
        "--name",
        NAME,
        "--phone",
        PHONE,
        "--email",
        EMAIL,
        "--concern",
        CONCERN,
    ];
    let other = [
        "--name",
        OTHER,
        "--phone",
        "0211 99887766",
        "--concern",
        "Anderes",
    ];
    let tickets = [logged(node, &mine).await, logged(node, &other).await];
    for ticket in &tickets {
        until_handed_over(node, ticket).await;
    }
    tickets
}

/// A node of few departments that erases soon. Their folder is kept with it.
pub(super) async fn started(backend: Backend) -> (TestNode, TempDir) {
    let builder = Builder::on(backend).set("privacy.erasure_bound_s", "10");
    let (builder, rules) = two_departments(builder);
    (builder.start().await, rules)
}

pub(super) async fn until_dead(node: &mut TestNode, cut: &str) {
    let dying = RefCell::new(node);
    let ended = eventually("it to die", async || dying.borrow_mut().ended()).await;
    assert_eq!(ended.signal(), Some(SIGABRT), "{cut}");
}

async fn orders(node: &TestNode) -> Vec<Value> {
    let orders = ["privacy", "orders", "--json"];
    node.run(&orders).await.exits(0).json_lines()
}

/// The one order that there is, through at every place.
async fn through(node: &TestNode, cut: &str) -> Value {
    eventually("the order to be through", async || {
        let orders = orders(node).await;
        assert_eq!(orders.len(), 1, "{cut}: {orders:?}");
        (!orders[0]["closed_at"].is_null()).then(|| orders[0].clone())
    })
    .await
}

/// Nothing is left of the one person, and everything of the other.
async fn check(node: &TestNode, [mine, other]: &[String; 2], cut: &str) {
    let erased = state(node, mine).await;
    assert_eq!(erased["state"], "erased", "{cut}");
    let shown = state(node, other).await.to_string();
    assert!(shown.contains(OTHER), "{cut}: {shown}");
    let revealed = async |id: &str| {
        let shown = ["call", "show", &format!("test/{id}"), "--reveal", "--json"];
        node.run(&shown).await.exits(0).json().to_string()
    };
    assert!(revealed("other").await.contains("99887766"), "{cut}");
    for id in ["m-0", "m-700", "m-1099"] {
        assert!(!revealed(id).await.contains(DIGITS), "{cut}: {id}");
    }
    let list = ["rejected", "list", "--json"];
    let open = node.run(&list).await.exits(0).json_lines();
    assert_eq!(open.len(), 1, "{cut}: {open:?}");
    let show = [
        "rejected",
        "show",
        open[0]["id"].as_str().expect("an id"),
        "--reveal",
    ];
    let show = node.run(&show).await.exits(0);
    assert!(show.stdout.contains("99887766"), "{cut}: {}", show.stdout);
    node.run(&["privacy", "audit", "verify"]).await.exits(0);
}

/// What is counted, whatever state of the figures says so.
async fn figures(node: &TestNode) -> TotalsResponse {
    TotalsResponse {
        as_of: String::new(),
        ..node.totals(DAY.0, DAY.1).await
    }
}

async fn cut(backend: Backend, cut: String) {
    let (mut node, _rules) = started(backend).await;
    let tickets = two_persons(&node).await;
    let counted = figures(&node).await;
    node.stop().await;
    node.set_variable(CRASH, Some(&cut));
    node.start_again().await;
    // Where the answer is lost with the node, it is asked for again: also for an order that was not entered.
    let asking = tokio::spawn(testkit::command::finish(node.command(&ERASE)));
    until_dead(&mut node, &cut).await;
    node.set_variable(CRASH, None);
    node.start_again().await;
    let answer = asking.await.expect("no panic").exits(0).json();
    let order = through(&node, &cut).await;
    assert_eq!(order["calls"], CALLS, "{cut}: {order}");
    assert_eq!(order["rejected_items"], 1, "{cut}: {order}");
    assert_eq!(figures(&node).await, counted, "{cut}");
    check(&node, &tickets, &cut).await;
    if backend == Backend::Embedded {
        for text in PERSONAL {
            assert_eq!(
                files_with(&node.data(), text),
                Vec::<PathBuf>::new(),
                "{cut}: {text}"
            );
        }
    }
    let again = node.run(&ERASE).await.exits(0).json();
    assert_eq!(again["order"], order["order"], "{cut}");
    assert_eq!(answer["order"], order["order"], "{cut}");
    node.stop().await;
}

/// The node dies, and is not back within the patience of whoever asked.
async fn gives_up_with_what_is_safe(node: &TestNode, erase: &[&str]) {
    let mut asking = node.command(erase);
    asking.env("NRWDIREKT_PATIENCE_S", "0");
    let asked = testkit::command::finish(asking).await.exits(4);
    assert_eq!(asked.stdout, "");
    for told in [
        "may have been entered",
        "`nrwdirekt privacy orders`",
        "the same request is the same order",
    ] {
        assert!(asked.stderr.contains(told), "{told}: {}", asked.stderr);
    }
}

#[tokio::test]
async fn an_order_runs_to_its_end_whatever_step_the_node_dies_at() {
    let both = |(point, calls): &(&str, u64)| {
        let point = (*point).to_owned();
        let cuts = (1..=*calls).flat_map(move |call| {
            let point = point.clone();
            ["before", "after"].map(move |moment| format!("{point}:{moment}:{call}"))
        });
        cuts.collect::<Vec<_>>()
    };
    let asking = [
        "erasure.callers_that:before:1".to_owned(),
        "bus.ends:before:1".to_owned(),
    ];
    let cuts = CHANGES.iter().flat_map(both).chain(asking);
    at_each(AT_ONCE, cuts, |it| cut(Backend::Embedded, it)).await;
}

#[tokio::test]
async fn an_order_runs_to_its_end_on_servers_whatever_step_the_node_dies_at() {
    Backend::on_servers(|backend| {
        let cuts = ON_SERVERS.iter().map(|&cut| cut.to_owned());
        at_each(AT_ONCE_ON_SERVERS, cuts, move |it| cut(backend, it))
    })
    .await;
}

#[tokio::test]
async fn a_node_that_dies_again_while_it_carries_open_orders_out_at_its_start_does_so_at_the_next() {
    Backend::each(|backend| async move {
        let (mut node, _rules) = started(backend).await;
        let tickets = two_persons(&node).await;
        node.stop().await;
        node.set_variable(CRASH, Some("erasure.note_step:before:1"));
        node.start_again().await;
        gives_up_with_what_is_safe(&node, &ERASE).await;
        until_dead(&mut node, "the first time").await;
        // Nothing is noted, so that everything is done again, before anything is served.
        node.set_variable(CRASH, Some("erasure.erase_callers:after:2"));
        let ended = node.try_to_start().await.expect_err("it dies before it serves");
        assert_eq!(ended.signal(), Some(SIGABRT));
        node.set_variable(CRASH, None);
        node.start_again().await;
        through(&node, "twice").await;
        check(&node, &tickets, "twice").await;
        node.stop().await;
    })
    .await;
}
