//! Items that could not be counted are listed, repaired or discarded.

use domain::record::Field;
use serde_json::{Value, json};
use testkit::export::{self, Dress, Row};
use testkit::{Backend, TestNode, reports};
use wire::v1::calls::call_report::{Body, Key};
use wire::v1::calls::{CallReport, FinishedRecord};

use crate::figures;

fn good() -> Row {
    Row::answered("2024-03-04 09:00:00", "Bürgertelefon").waits(5_000, 0)
}

/// One good row, one with an unknown word, one with a time that does not exist.
fn rows() -> [Row; 3] {
    [
        good(),
        good().instead(Field::ConnectionStatus, "Durchgestellt"),
        good().instead(Field::StartedAt, "31.02.2024 09:00:00"),
    ]
}

async fn import(node: &TestNode, rows: &[Row], more: &[&str], code: i32) -> Value {
    let file = node.file("export.csv", &export::file(rows, Dress::German));
    let import = ["import", "--format", "hotline-export", "--wait", "--json"];
    node.run(&[&import[..], more, &[&file]].concat())
        .await
        .exits(code)
        .json()
}

async fn listed(node: &TestNode, more: &[&str]) -> Vec<Value> {
    let list = [&["rejected", "list", "--json"], more].concat();
    node.run(&list).await.exits(0).json_lines()
}

/// The id of the only open item with this text in its reason or field.
async fn id_of(node: &TestNode, reason: &str) -> String {
    let items = listed(node, &["--reason", reason]).await;
    let [item] = &items[..] else { panic!("{items:?}") };
    item["id"].as_str().expect("an id").to_owned()
}

fn map(node: &TestNode) -> String {
    node.file(
        "map.toml",
        b"[connection_status]\nanswered = [\"Durchgestellt\"]\n",
    )
}

async fn answered(node: &TestNode) -> Value {
    figures::of_the_invented_week(node).await["total"]["answered"].clone()
}

#[tokio::test]
async fn a_row_is_repaired_by_a_map_or_by_a_corrected_row_and_counts_once() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        import(&node, &rows(), &[], 3).await;
        assert_eq!(answered(&node).await, 1);
        let word = id_of(&node, "connection_status").await;
        let still = node.run(&["rejected", "retry", &word]).await.exits(3);
        assert!(still.stdout.contains("still rejected"), "{}", still.stdout);
        let retry = [
            "rejected",
            "retry",
            &word,
            "--map",
            &map(&node),
            "--wait",
            "--json",
        ];
        let retried = node.run(&retry).await.exits(0);
        assert_eq!(retried.json(), json!({ "id": word, "outcome": "accepted" }));
        assert_eq!(answered(&node).await, 2);

        let time = id_of(&node, "started_at").await;
        let shown = node
            .run(&["rejected", "show", &time, "--reveal", "--json"])
            .await
            .exits(0);
        let row = shown.json()["payload"].as_str().expect("a row").to_owned();
        let corrected = node.file("row.csv", row.replace("31.02.2024", "04.03.2024").as_bytes());
        let retry = ["rejected", "retry", &time, "--payload", &corrected, "--wait"];
        node.run(&retry).await.exits(0);
        assert_eq!(answered(&node).await, 3);
        assert_eq!(listed(&node, &[]).await, [] as [Value; 0]);
        node.run(&["rejected", "retry", &time]).await.exits(2);
    })
    .await;
}

#[tokio::test]
async fn a_file_imported_again_with_a_map_repairs_its_items() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        import(&node, &rows(), &[], 3).await;
        assert_eq!(listed(&node, &[]).await.len(), 2);
        import(&node, &rows(), &["--map", &map(&node)], 3).await;
        let left = listed(&node, &[]).await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["field"], "started_at");
    })
    .await;
}

#[tokio::test]
async fn a_discarded_item_is_not_listed_and_does_not_come_back_with_the_file() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        import(&node, &rows(), &[], 3).await;
        let id = id_of(&node, "started_at").await;
        let discard = [
            "rejected",
            "discard",
            &id,
            "--reason",
            "a test call",
            "--by",
            "Kim",
            "--json",
        ];
        assert_eq!(
            node.run(&discard).await.exits(0).json(),
            json!({ "discarded": 1 })
        );
        import(&node, &rows(), &[], 3).await;
        assert_eq!(listed(&node, &["--reason", "started_at"]).await, [] as [Value; 0]);
        let discarded = listed(&node, &["--discarded"]).await;
        assert_eq!(discarded[0]["discard"]["by"], "Kim");
        assert_eq!(discarded[0]["payload_bytes"], 0);
        let retried = node.run(&["rejected", "retry", &id]).await.exits(3);
        assert!(retried.stdout.contains("discarded"), "{}", retried.stdout);
    })
    .await;
}

#[tokio::test]
async fn a_payload_is_masked_unless_it_is_revealed() {
    let node = TestNode::start(Backend::Embedded).await;
    import(&node, &rows(), &[], 3).await;
    let id = id_of(&node, "connection_status").await;
    let masked = node.run(&["rejected", "show", &id]).await.exits(0).stdout;
    assert!(
        masked.contains("Durchgestellt") && !masked.contains("4710"),
        "{masked}"
    );
    let revealed = node
        .run(&["rejected", "show", &id, "--reveal"])
        .await
        .exits(0)
        .stdout;
    assert!(revealed.contains("4710100"), "{revealed}");
    for item in listed(&node, &[]).await {
        let reason = item["reason"].as_str().expect("a reason");
        assert!(!reason.contains("4710"), "{reason}");
    }
}

#[tokio::test]
async fn a_report_that_intake_refused_is_corrected_as_json() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let report = CallReport {
            key: Some(Key::CallId("call-1".to_owned())),
            body: Some(Body::Record(FinishedRecord {
                started_at_unix_ms: 1_709_539_200_000,
                task_type: 1,
                connection_status: 1,
                ..FinishedRecord::default()
            })),
        };
        let receipt = node
            .intake()
            .submit_reports(reports::batch(1, vec![report]))
            .await;
        assert_eq!(receipt.expect("a receipt").into_inner().rejected.len(), 1);
        let id = id_of(&node, "hotline").await;
        let show = ["rejected", "show", &id, "--json"];
        assert_eq!(node.run(&show).await.exits(0).json()["payload"], Value::Null);
        let shown = node
            .run(&[&show[..], &["--reveal"]].concat())
            .await
            .exits(0)
            .json();
        let mut payload = shown["payload"].clone();
        payload["record"]["hotline"] = json!("Bürgertelefon");
        let corrected = node.file("report.json", payload.to_string().as_bytes());
        node.run(&["rejected", "retry", &id, "--payload", &corrected, "--wait"])
            .await
            .exits(0);
        assert_eq!(answered(&node).await, 1);
        assert_eq!(listed(&node, &[]).await, [] as [Value; 0]);
        assert_eq!(listed(&node, &["--discarded"]).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn open_items_are_counted_by_source_and_measured() {
    let node = testkit::Builder::on(Backend::Embedded)
        .set("ledger.sweep_every_s", "1")
        .start()
        .await;
    import(&node, &rows(), &[], 3).await;
    let counts = listed(&node, &["--counts"]).await;
    let count = |field: &str| json!({ "source": "hotline-export", "field": field, "items": 1 });
    assert_eq!(counts, [count("connection_status"), count("started_at")]);
    measured(&node, 2).await;
    let ids = [
        id_of(&node, "connection_status").await,
        id_of(&node, "started_at").await,
    ];
    let discard = ["rejected", "discard", "--reason", "tests", &ids[0], &ids[1]];
    node.run(&discard).await.exits(0);
    measured(&node, 0).await;
}

/// Waits until the metric says so.
async fn measured(node: &TestNode, items: u32) {
    let line = format!("nrwdirekt_rejected_items{{source=\"hotline-export\"}} {items}");
    let token = node.token();
    testkit::eventually(&line, async || {
        let metrics = node.get("/metrics", Some(&token)).await.body;
        metrics.contains(&line).then_some(())
    })
    .await;
}

/// Lines of a format that say nothing of each other, or little.
async fn import_lines(node: &TestNode, format: &str, text: &str, code: i32) {
    let file = node.file("lines", text.as_bytes());
    let import = ["import", "--format", format, "--source", "tk", "--wait", &file];
    node.run(&import).await.exits(code);
}

async fn retry_with(node: &TestNode, id: &str, payload: &str, code: i32) -> String {
    let file = node.file("payload", payload.as_bytes());
    let retry = ["rejected", "retry", id, "--payload", &file, "--wait"];
    node.run(&retry).await.exits(code).stdout
}

#[tokio::test]
async fn a_json_line_is_repaired_by_a_corrected_line() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let line = |status: &str| {
            let record = json!({
                "started_at": "2024-03-04T09:00:00+01:00",
                "task_type": "inbound_call",
                "hotline": "Bürgertelefon",
                "connection_status": status,
            });
            json!({ "call_id": "call-1", "record": record }).to_string()
        };
        import_lines(&node, "jsonl", &line("durchgestellt"), 3).await;
        let id = id_of(&node, "").await;
        let still = retry_with(&node, &id, &line("verbunden"), 3).await;
        assert!(still.contains("still rejected"), "{still}");
        let two = format!("{0}\n{0}\n", line("answered"));
        let refused = retry_with(&node, &id, &two, 3).await;
        assert!(refused.contains("exactly one row or line"), "{refused}");
        retry_with(&node, &id, &line("answered"), 0).await;
        assert_eq!(answered(&node).await, 1);
        assert_eq!(listed(&node, &[]).await, [] as [Value; 0]);
        import_lines(&node, "jsonl", &line("answered"), 0).await;
        assert_eq!(answered(&node).await, 1);
    })
    .await;
}

/// A detail of a call that was answered in a queue, under columns that no Asterisk has by itself.
const COLUMNS: &str =
    "uniqueid,linkedid,src,dst,dcontext,dstchannel,lastapp,lastdata,start,answer,end,billsec,disposition";

fn detail(unique: &str, disposition: &str) -> String {
    format!(
        "{unique},{unique},02114710100,600,incoming,PJSIP/2001-1,Queue,buerger,2024-03-04 09:00:00,\
         2024-03-04 09:00:05,2024-03-04 09:01:00,55,{disposition}"
    )
}

#[tokio::test]
async fn a_call_detail_record_is_repaired_under_the_heading_of_its_file() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let file = [COLUMNS, &detail("1709539200.1", "ERREICHT")].join("\n");
        import_lines(&node, "cdr", &file, 3).await;
        let id = id_of(&node, "disposition").await;
        retry_with(&node, &id, &detail("1709539200.1", "ANSWERED"), 0).await;
        assert_eq!(answered(&node).await, 1);
        assert_eq!(listed(&node, &[]).await, [] as [Value; 0]);
    })
    .await;
}

#[tokio::test]
async fn a_line_whose_call_has_others_is_repaired_in_its_file() {
    let node = TestNode::start(Backend::Embedded).await;
    let [good, bad] = ["ANSWERED", "ERREICHT"].map(|disposition| detail("1709539200.1", disposition));
    import_lines(&node, "cdr", &[COLUMNS, &good, &bad].join("\n"), 3).await;
    let id = id_of(&node, "disposition").await;
    let refused = retry_with(&node, &id, &good, 3).await;
    assert!(refused.contains("import the file again"), "{refused}");
    import_lines(&node, "queue-log", "1709539200|c1|buerger|NONE|", 3).await;
    let items = listed(&node, &[]).await;
    let line = items.iter().find(|item| item["format"] == "queue-log");
    let id = line.expect("the line of the queue log")["id"]
        .as_str()
        .expect("an id");
    let refused = node.run(&["rejected", "retry", id]).await.exits(3).stdout;
    assert!(refused.contains("import the file again"), "{refused}");
    assert_eq!(answered(&node).await, 1);
}
