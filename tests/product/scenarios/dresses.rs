//! A file says the same however it is written.

use serde_json::{Value, json};
use testkit::export::{self, Dress, Row};
use testkit::{Backend, TestNode};

use crate::figures;

/// Nine contacts of a Monday, with every kind of end.
fn rows() -> Vec<Row> {
    let row = |time: &str, hotline, status| Row::inbound(&format!("2024-03-04 {time}"), hotline, status);
    vec![
        row("09:00:00", "Bürgertelefon", "Verbunden")
            .waits(10_000, 4_000)
            .handled(120_000, 5_000, 30_000),
        row("09:05:00", "Bürgertelefon", "Verbunden")
            .waits(25_500, 5_000)
            .handled(60_000, 0, 0),
        row("09:06:00", "Bürgertelefon", "Abbruch Warteschlange").waits(5_000, 0),
        row("09:07:00", "Bürgertelefon", "Abbruch Rufphase").waits(20_000, 11_000),
        row("09:08:00", "Bürgertelefon", "Abbruch Ansage").waits(180_000, 0),
        row("10:00:00", "Schule, Bildung", "Überlauf").waits(60_000, 0),
        row("10:01:00", "Schule, Bildung", "Servicezeit beendet").waits(1_000, 0),
        row("10:02:00", "Schule, Bildung", "Außerhalb der Servicezeit"),
        row("10:03:00", "Bürgertelefon", "Verbunden")
            .task_type("E-Mail")
            .caller("a@example.org"),
    ]
}

/// What they count, worked out by hand.
fn expected() -> Value {
    json!({
        "from": "2024-03-04",
        "to": "2024-03-05",
        "zone": "Europe/Berlin",
        "total": {
            "contacts": 9, "not_offered": 2, "offered": 6, "answered": 2, "abandoned": 2, "overflowed": 1,
            "diverted": 1, "unresolved": 0, "waiting": 0, "service_level": 1.0 / 6.0,
        },
        "groups": [
            {
                "group": "Bürgertelefon", "contacts": 6, "not_offered": 1, "offered": 4, "answered": 2,
                "abandoned": 2, "short_abandoned": 1, "overflowed": 0, "diverted": 0, "unresolved": 0, "waiting": 0,
                "answered_within": { "20": 1, "30": 1 }, "abandoned_within": { "20": 1, "30": 1 },
                "time_to_answer_ms": 44_500, "time_to_abandon_ms": 36_000, "talk_ms": 180_000, "hold_ms": 5_000,
                "after_call_work_ms": 30_000, "longest_time_to_answer_ms": 30_500, "service_level": 0.25,
            },
            {
                "group": "Schule, Bildung", "contacts": 3, "not_offered": 1, "offered": 2, "answered": 0,
                "abandoned": 0, "overflowed": 1, "diverted": 1, "time_to_answer_ms": 0, "service_level": 0.0,
                "longest_time_to_answer_ms": null,
            },
        ],
    })
}

#[tokio::test]
async fn every_dress_of_a_file_gives_the_figures_that_were_worked_out_by_hand() {
    Backend::each(|backend| async move {
        for dress in Dress::ALL {
            let node = TestNode::start(backend).await;
            let file = node.file("export.csv", &export::file(&rows(), dress));
            let import = node
                .run(&["import", "--format", "hotline-export", "--wait", "--json", &file])
                .await;
            figures::check(
                &import.exits(0).json(),
                &json!({ "read": 9, "accepted": 9, "duplicate": 0, "flagged": 0, "rejected": 0 }),
            );
            figures::check(
                &figures::report(&node, ("2024-03-04", "2024-03-05")).await,
                &expected(),
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_in_another_dress_is_the_same_file() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        for (dress, known) in [(Dress::Commas, 0), (Dress::German, 9), (Dress::Tabs, 9)] {
            let file = node.file("export.csv", &export::file(&rows(), dress));
            let import = node
                .run(&["import", "--format", "hotline-export", "--wait", "--json", &file])
                .await;
            figures::check(
                &import.exits(0).json(),
                &json!({ "accepted": 9, "duplicate": known }),
            );
        }
        figures::check(
            &figures::report(&node, ("2024-03-04", "2024-03-05")).await,
            &expected(),
        );
    })
    .await;
}

#[tokio::test]
async fn the_mixed_export_gives_every_figure_that_is_expected_of_it() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../services/importer/tests/data");
    let mixed = format!("{folder}/hotline-export-mixed.csv");
    let expected = std::fs::read_to_string(format!("{folder}/hotline-export-mixed.expected.json"));
    let expected: Value = serde_json::from_str(&expected.expect("the expectation")).expect("JSON");
    let expected = &expected;
    let mixed = mixed.as_str();
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        for round in 1..=3 {
            let import = node
                .run(&["import", "--format", "hotline-export", "--wait", "--json", mixed])
                .await;
            let import = import.exits(3).json();
            for count in ["read", "accepted", "flagged", "rejected"] {
                assert_eq!(import[count], expected[count], "{count} in round {round}");
            }
            let known = if round == 1 {
                json!(0)
            } else {
                expected["accepted"].clone()
            };
            assert_eq!(import["duplicate"], known, "duplicates in round {round}");
            let told = figures::report(&node, ("2024-10-26", "2024-10-29")).await;
            figures::check(
                &told,
                &json!({ "total": expected["total"], "groups": expected["groups"] }),
            );
        }
    })
    .await;
}
