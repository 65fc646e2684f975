//! Everything of a person goes, and nothing of anybody else's.

use std::path::PathBuf;

use testkit::{TestNode, eventually};
use wire::v1::calls::CallReport;

use super::steps::{item, report_with_items};
use super::{
    CONCERN, DIGITS, EMAIL, NAME, OTHER, PHONE, builder, call_by, check_gone, erase, files_with, logged,
    report, state, until_handed_over,
};

const DAY: (&str, &str) = ("2024-10-28", "2024-10-29");

/// What is kept of a call, numbers included.
async fn revealed(node: &TestNode, id: &str) -> String {
    let id = format!("test/{id}");
    let shown = ["call", "show", &id, "--reveal", "--json"];
    node.run(&shown).await.exits(0).json().to_string()
}

#[tokio::test]
async fn another_person_on_the_same_number_stays() {
    let node = builder(&[]).start().await;
    report(&node, call_by("c-1", 0, "+492214783119")).await;
    report(&node, call_by("c-2", 60, "+492214783119")).await;
    let mine = logged(
        &node,
        &[
            "--name",
            NAME,
            "--phone",
            PHONE,
            "--concern",
            CONCERN,
            "--call",
            "test/c-1",
        ],
    )
    .await;
    let other = logged(
        &node,
        &["--name", OTHER, "--phone", PHONE, "--concern", "Etwas anderes"],
    )
    .await;
    until_handed_over(&node, &mine).await;
    until_handed_over(&node, &other).await;

    let by_number = [
        "privacy", "erase", "--phone", PHONE, "--reason", "Art. 17", "--json",
    ];
    let refused = node.run(&by_number).await;
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("2 persons"), "{}", refused.stderr);

    let by_name = [&by_number[..], &["--name", NAME]].concat();
    let answer = node.run(&by_name).await.exits(0).json();
    assert_eq!(answer["tickets"], serde_json::json!([mine]), "{answer}");
    assert_eq!(answer["calls"], 1, "{answer}");
    // The number is not suppressed: the next import of the other's calls keeps it.
    report(&node, call_by("c-3", 120, "+492214783119")).await;
    assert_eq!(state(&node, &mine).await["state"], "erased");
    let shown = state(&node, &other).await.to_string();
    assert!(shown.contains(OTHER) && shown.contains(DIGITS), "{shown}");
    assert!(!revealed(&node, "c-1").await.contains(DIGITS));
    for others in ["c-2", "c-3"] {
        assert!(revealed(&node, others).await.contains(DIGITS), "{others}");
    }
    for text in [NAME, CONCERN] {
        assert_eq!(files_with(&node.data(), text), Vec::<PathBuf>::new(), "{text}");
    }
    // Again: the same order, although nothing is found any more.
    assert_eq!(node.run(&by_name).await.exits(0).json()["order"], answer["order"]);
}

#[tokio::test]
async fn an_item_on_a_shared_number_goes_if_it_names_the_person_or_the_call() {
    let node = builder(&[]).start().await;
    let of_me = [
        "0221 4783119;Zwetschgenbaum",
        "Zeile mit;anruf-4711;0221 4783119",
        "anruf-4711;0221 478x",
    ];
    let of_others = [
        "0221 4783119;Nachbarskind",
        "0221 4783119;",
        "anruf-47112;0221 4783119",
    ];
    let items = of_me.iter().chain(&of_others).map(|payload| item(payload));
    report_with_items(&node, call_by("anruf-4711", 0, "+492214783119"), items.collect()).await;
    let mine = [
        "--name",
        NAME,
        "--phone",
        PHONE,
        "--concern",
        CONCERN,
        "--call",
        "test/anruf-4711",
    ];
    logged(&node, &mine).await;
    logged(
        &node,
        &["--name", OTHER, "--phone", PHONE, "--concern", "Anderes"],
    )
    .await;
    let by_name = [
        "privacy", "erase", "--phone", PHONE, "--name", NAME, "--reason", "Art. 17", "--json",
    ];
    let answer = node.run(&by_name).await.exits(0).json();
    assert_eq!(answer["rejected_items"], of_me.len(), "{answer}");
    let left = node
        .run(&["rejected", "list", "--json"])
        .await
        .exits(0)
        .json_lines();
    let mut payloads = Vec::new();
    for item in &left {
        let show = [
            "rejected",
            "show",
            item["id"].as_str().expect("an id"),
            "--reveal",
        ];
        payloads.push(node.run(&show).await.exits(0).stdout);
    }
    assert_eq!(left.len(), of_others.len(), "{payloads:?}");
    for other in of_others {
        assert!(
            payloads.iter().any(|payload| payload.contains(other)),
            "{other} in {payloads:?}"
        );
    }
}

fn many(count: i64) -> Vec<CallReport> {
    let calls =
        (0..count).flat_map(|number| call_by(&format!("m-{number}"), number % 20_000, "0221/4783119"));
    calls.collect()
}

#[tokio::test]
async fn a_person_in_ten_thousand_calls_goes_in_steps_and_the_figures_stay() {
    let node = builder(&[]).start().await;
    report(&node, many(10_000)).await;
    report(&node, call_by("other", 5, "0211 99887766")).await;
    let figures = node.totals(DAY.0, DAY.1).await;
    let by_number = [
        "privacy", "erase", "--phone", PHONE, "--reason", "Art. 17", "--json",
    ];
    let answer = node.run(&by_number).await.exits(0).json();
    assert_eq!(answer["calls"], 10_000, "{answer}");
    let order = answer["order"].as_str().expect("a number");
    let through = eventually("the order to be through", async || {
        let state = node
            .run(&["privacy", "orders", order, "--json"])
            .await
            .exits(0)
            .json();
        (!state["closed_at"].is_null()).then_some(state)
    })
    .await;
    assert_eq!(through["pending"], serde_json::json!([]));
    eventually("the metrics to say so", async || {
        let metrics = node.get("/metrics", Some(&node.token())).await.body;
        let said = [
            "nrwdirekt_erasures_open 0",
            "nrwdirekt_erasure_oldest_age_seconds 0",
            "nrwdirekt_erasure_places_overdue 0",
            "nrwdirekt_erasure_passes_failed_total 0",
        ];
        said.iter().all(|line| metrics.contains(line)).then_some(())
    })
    .await;
    assert_eq!(node.totals(DAY.0, DAY.1).await, figures);
    // The same file again, and a call of before that comes only now.
    report(&node, many(10_000)).await;
    assert_eq!(node.totals(DAY.0, DAY.1).await, figures);
    report(&node, call_by("late", 7, "+49 221 4783119")).await;
    for text in [DIGITS, "478 3119"] {
        assert_eq!(files_with(&node.data(), text), Vec::<PathBuf>::new(), "{text}");
    }
    assert!(revealed(&node, "other").await.contains("99887766"));
}

#[tokio::test]
async fn a_ticket_that_is_replied_to_and_rerouted_at_the_same_moment_is_erased() {
    let node = builder(&[]).start().await;
    for _ in 0..3 {
        let citizen = [
            "--name",
            NAME,
            "--phone",
            PHONE,
            "--email",
            EMAIL,
            "--concern",
            CONCERN,
        ];
        let ticket = logged(&node, &citizen).await;
        until_handed_over(&node, &ticket).await;
        let department = state(&node, &ticket).await["department"]
            .as_str()
            .expect("one")
            .to_owned();
        let reply = [
            "department",
            "reply",
            "--department",
            &department,
            "--ticket",
            &ticket,
            "--type",
            "accepted",
        ];
        let reroute = [
            "ticket",
            "reroute",
            &ticket,
            "--department",
            "staatskanzlei",
            "--reason",
            "Zuständigkeit",
        ];
        let (answer, _, _) = tokio::join!(erase(&node, &ticket), node.run(&reply), node.run(&reroute));
        check_gone(&node, &answer, &[node.data()], false).await;
        assert_eq!(state(&node, &ticket).await["state"], "erased");
    }
}

#[tokio::test]
async fn the_topic_of_a_department_that_never_confirms_loses_the_ticket_after_thirty_days() {
    let mut node = builder(&[]).start().await;
    let ticket = logged(&node, &["--name", NAME, "--phone", PHONE, "--concern", CONCERN]).await;
    until_handed_over(&node, &ticket).await;
    let answer = erase(&node, &ticket).await;
    let order = answer["order"].as_str().expect("a number").to_owned();
    node.stop().await;
    let ahead = (31 * 86_400).to_string();
    node.set_variable("NRWDIREKT_TEST_CLOCK_AHEAD_S", Some(&ahead));
    node.start_again().await;
    let told = node
        .run(&["privacy", "orders", &order, "--json"])
        .await
        .exits(0)
        .json();
    assert_eq!(told["recipients"][0]["told"], true, "{told}");
    assert_eq!(told["recipients"][0]["confirmed"], false, "{told}");
    let department = told["recipients"][0]["department"].as_str().expect("one");
    eventually("the tombstone", async || {
        let consume = ["department", "consume", "--department", department, "--json"];
        let messages = node.run(&consume).await.exits(0).json_lines();
        let last = messages
            .into_iter()
            .rfind(|message| message["key"] == ticket.as_str());
        last.is_none_or(|last| last["ticket"].is_null()).then_some(())
    })
    .await;
}
