//! `--json` is an interface: its form is fixed by snapshots. Ids and times that differ from run to run are masked.

use std::path::Path;

use domain::record::Field;
use serde_json::{Value, json};
use testkit::export::{self, Dress, Row};
use testkit::{Backend, Finished, TestNode};

/// Sorts keys, and masks what differs from run to run.
fn stable(value: &Value) -> Value {
    const MASKED: [&str; 5] = ["id", "import_run", "received_at", "heard_at", "as_of"];
    match value {
        Value::Object(object) => {
            let mut keys: Vec<&String> = object.keys().collect();
            keys.sort();
            let masked = |key: &String| MASKED.contains(&key.as_str());
            let member = |key: &String| match masked(key) {
                true => json!(format!("[{key}]")),
                false => stable(&object[key]),
            };
            keys.into_iter().map(|key| (key.clone(), member(key))).collect()
        }
        Value::Array(array) => array.iter().map(stable).collect(),
        value => value.clone(),
    }
}

#[track_caller]
fn check(name: &str, value: &Value) {
    let snapshots = Path::new(env!("CARGO_MANIFEST_DIR")).join("product/snapshots");
    let text = serde_json::to_string_pretty(&stable(value)).expect("JSON can be written");
    insta::with_settings!({ snapshot_path => snapshots, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

/// A node that has imported four good rows and one that is rejected, and what the import said.
async fn after_an_import() -> (TestNode, Finished) {
    let node = TestNode::start(Backend::Embedded).await;
    let row = |second, status| {
        Row::inbound(&format!("2024-03-04 09:00:{second}"), "Bürgertelefon", status).waits(7_000, 1_500)
    };
    let rows = [
        row("01", "Verbunden").handled(61_000, 2_000, 9_000),
        row("02", "Abbruch Warteschlange"),
        row("03", "Abbruch Ansage"),
        row("04", "Verbunden").instead(Field::Talk, "lange"),
        row("05", "Verbunden").instead(Field::StartedAt, "irgendwann"),
    ];
    let file = node.file("export.csv", &export::file(&rows, Dress::German));
    let import = node
        .run(&["import", "--format", "hotline-export", "--wait", "--json", &file])
        .await;
    (node, import.exits(3))
}

#[tokio::test]
async fn import_tells_counts() {
    let (node, import) = after_an_import().await;
    check("import_wait", &import.json());
    let file = format!("{}/export.csv", node.home().display());
    let import = node
        .run(&["import", "--format", "hotline-export", "--json", &file])
        .await
        .exits(3);
    check("import", &import.json());
}

#[tokio::test]
async fn report_totals_tells_figures_with_their_policy() {
    let (node, _) = after_an_import().await;
    let days = ["--from", "2024-03-04", "--to", "2024-03-05"];
    let by_hotline = ["--by", "hotline", "--within", "20,30", "--json"];
    let report = node
        .run(&[&["report", "totals"], &days[..], &by_hotline].concat())
        .await
        .exits(0);
    check("report_totals_by_hotline", &report.json());
    let empty = [
        "report",
        "totals",
        "--from",
        "2020-01-01",
        "--to",
        "2020-01-02",
        "--json",
    ];
    check(
        "report_totals_without_calls",
        &node.run(&empty).await.exits(0).json(),
    );
}

#[tokio::test]
async fn reports_of_history_keep_their_form() {
    let (node, _) = after_an_import().await;
    let days = ["--from", "2024-03-04", "--to", "2024-03-06", "--json"];
    for (report, more) in [
        (
            "intervals",
            &[
                "--interval",
                "1d",
                "--by",
                "hotline",
                "--hotline",
                "Bürgertelefon",
            ][..],
        ),
        ("percentiles", &["--by", "hotline", "--hotline", "Bürgertelefon"]),
        ("promise", &[]),
    ] {
        let arguments = [&["report", report], &days[..], more].concat();
        let told = node.run(&arguments).await.exits(0).json();
        check(&format!("report_{report}"), &told);
    }
}

#[tokio::test]
async fn report_rejected_tells_items_with_their_reason() {
    let (node, _) = after_an_import().await;
    let report = node.run(&["report", "rejected", "--json"]).await.exits(0);
    check("report_rejected", &json!(report.json_lines()));
    let list = node.run(&["rejected", "list", "--json"]).await.exits(0);
    assert_eq!(list.json_lines(), report.json_lines());
    let counts = node
        .run(&["rejected", "list", "--counts", "--json"])
        .await
        .exits(0);
    check("rejected_counts", &json!(counts.json_lines()));
    let id = list.json_lines()[0]["id"].as_str().expect("an id").to_owned();
    let show = node.run(&["rejected", "show", &id, "--json"]).await.exits(0);
    check("rejected_show", &show.json());
}

#[tokio::test]
async fn call_list_tells_records_and_visits() {
    let (node, _) = after_an_import().await;
    let days = [
        "call",
        "list",
        "--from",
        "2024-03-04",
        "--to",
        "2024-03-05",
        "--json",
    ];
    check("call_list", &node.run(&days).await.exits(0).json());
    let nothing = [
        "call",
        "list",
        "--from",
        "2020-01-01",
        "--to",
        "2020-01-02",
        "--json",
    ];
    assert_eq!(node.run(&nothing).await.exits(0).json(), json!([]));
}

#[tokio::test]
async fn call_show_tells_where_each_value_came_from() {
    let (node, _) = after_an_import().await;
    let days = [
        "call",
        "list",
        "--from",
        "2024-03-04",
        "--to",
        "2024-03-05",
        "--json",
    ];
    let calls = node.run(&days).await.exits(0).json();
    let doubtful = calls[3]["id"].as_str().expect("an identity");
    check(
        "call_show",
        &node
            .run(&["call", "show", doubtful, "--json"])
            .await
            .exits(0)
            .json(),
    );
    let revealed = node.run(&["call", "show", doubtful, "--reveal", "--json"]).await;
    check("call_show_revealed", &revealed.exits(0).json());
}

#[tokio::test]
async fn config_show_tells_every_setting() {
    let show = testkit::command::alone(&["config", "show", "--json"])
        .await
        .exits(0);
    check("config_show", &show.json());
}

#[tokio::test]
async fn topics_apply_and_check_tell_changes_and_faults() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let data = home.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    let data = data.to_str().expect("a path of text");
    let topics = async |action| {
        let command = testkit::command::command(home.path(), &["topics", action, "--data", data, "--json"]);
        testkit::command::finish(command).await
    };
    check("topics_check_before", &topics("check").await.exits(1).json());
    check("topics_apply", &topics("apply").await.exits(0).json());
    check("topics_apply_again", &topics("apply").await.exits(0).json());
    check("topics_check", &topics("check").await.exits(0).json());
}
