//! What is kept no longer is deleted, the figures stay, and it can be proven.

use serde_json::{Value, json};
use testkit::export::{self, Dress, Row};
use testkit::{Backend, Builder, Dice, TestNode, eventually};

use crate::figures;

pub(super) const AHEAD: &str = "NRWDIREKT_TEST_CLOCK_AHEAD_S";

/// A node that deletes only when it is asked to.
async fn node(backend: Backend) -> TestNode {
    Builder::on(backend).set("retention.at", "").start().await
}

pub(super) async fn days_later(node: &mut TestNode, days: u32) {
    node.stop().await;
    node.set_variable(AHEAD, Some(&(u64::from(days) * 86_400).to_string()));
    node.start_again().await;
}

async fn import(node: &TestNode, rows: &[Row], options: &[&str], code: i32) -> Value {
    let file = node.file("export.csv", &export::file(rows, Dress::German));
    let arguments = [
        &["import", "--format", "hotline-export", "--json", &file],
        options,
    ]
    .concat();
    node.run(&arguments).await.exits(code).json()
}

pub(super) async fn retention(node: &TestNode, arguments: &[&str]) -> Value {
    let command = [&["privacy", "retention"], arguments, &["--json"]].concat();
    node.run(&command).await.exits(0).json()
}

/// What a plan or a run says about something.
pub(super) fn of<'a>(lines: &'a Value, what: &str, procedure: &str) -> &'a Value {
    let lines = lines["rules"].as_array().or(lines["outcome"].as_array());
    let mut lines = lines.expect("lines").iter();
    let found = lines.find(|line| line["what"] == what && line["procedure"] == procedure);
    found.unwrap_or_else(|| panic!("{what} {procedure}"))
}

/// Every report of the week, without the version of the figures.
async fn every_report(node: &TestNode) -> Vec<Value> {
    let (from, to) = export::INVENTED_DAYS;
    let period = ["--from", from, "--to", to, "--json"];
    let mut reports = Vec::new();
    for report in [
        &["totals", "--by", "hotline"][..],
        &["intervals", "--by", "hotline"],
        &["percentiles"],
        &["profile"],
        &["promise"],
    ] {
        let command = [&["report"], report, &period[..]].concat();
        let mut told = node.run(&command).await.exits(0).json();
        without_version(&mut told);
        reports.push(told);
    }
    reports
}

/// The version of the figures differs whenever anybody has written.
fn without_version(told: &mut Value) {
    match told {
        Value::Object(object) => {
            object.remove("as_of");
            object.values_mut().for_each(without_version);
        }
        Value::Array(array) => array.iter_mut().for_each(without_version),
        _ => {}
    }
}

#[tokio::test]
async fn calls_go_when_their_time_is_over_and_every_figure_stays() {
    Backend::each(|backend| async move {
        let mut dice = Dice::new();
        let rows = export::invented(200, &mut dice);
        let mut node = node(backend).await;
        import(&node, &rows, &["--wait"], 0).await;
        let before = every_report(&node).await;
        let plan = retention(&node, &["plan"]).await;
        let calls = of(&plan, "calls", "call-records");
        // They were received today, however old they are.
        assert_eq!(
            (&calls["items"], &calls["period"]),
            (&json!(0), &json!("180 days"))
        );

        days_later(&mut node, 182).await;
        let plan = retention(&node, &["plan"]).await;
        assert_eq!(of(&plan, "calls", "call-records")["items"], 200);
        let run = retention(&node, &["run"]).await;
        let calls = of(&run, "calls", "call-records");
        assert_eq!(
            (&calls["items"], &run["started_by"]),
            (&json!(200), &json!("operator"))
        );
        let dropped = match backend {
            Backend::Embedded => json!([]),
            _ => json!(["2024-03"]),
        };
        assert_eq!(calls["parts_dropped"], dropped);
        assert_eq!(
            (&run["rewritten"], &run["pending"], &run["kept"]),
            (&json!(["calls"]), &json!([]), &json!([])),
            "{run}"
        );
        assert!(calls["longest_step_ms"].is_u64(), "{calls}");
        assert_eq!(every_report(&node).await, before);
        let list = [
            "call",
            "list",
            "--from",
            "2024-03-04",
            "--to",
            "2024-03-11",
            "--json",
        ];
        assert_eq!(node.run(&list).await.exits(0).json(), json!([]));

        // The same file again, a corrected one in its place, and a correction of a single call.
        let again = import(&node, &rows, &["--wait"], 0).await;
        figures::check(
            &again,
            &json!({ "accepted": 200, "duplicate": 200, "past_retention": 0 }),
        );
        let mut corrected = rows[20..].to_vec();
        corrected.splice(0..10, export::invented(10, &mut dice));
        let told = import(&node, &corrected, &["--replace", "2024-03-04..2024-03-11"], 0).await;
        assert_eq!(told["retracted"], 0);
        let past_retention = told["past_retention"].as_u64().expect("a number");
        assert_eq!(told["duplicate"].as_u64(), Some(180 - past_retention));
        assert_eq!(every_report(&node).await, before);
        let list = ["rejected", "list", "--reason", "past retention", "--json"];
        let late = node.run(&list).await.exits(0).json_lines();
        assert!((1..=10).contains(&late.len()), "{late:?}");
        assert_eq!(late.len() as u64, past_retention);
        let text = node.file("corrected.csv", &export::file(&corrected, Dress::German));
        let text = [
            "import",
            "--format",
            "hotline-export",
            "--replace",
            "2024-03-04..2024-03-11",
            &text,
        ];
        let text = node.run(&text).await.exits(0).stdout;
        assert!(
            text.contains(&format!(", {past_retention} past retention)")),
            "{text}"
        );
        let id = late[0]["id"].as_str().expect("an id");
        let retried = node.run(&["rejected", "retry", id]).await.exits(3);
        assert!(retried.stdout.contains("past retention"), "{}", retried.stdout);

        let run = retention(&node, &["run"]).await;
        assert_eq!(of(&run, "calls", "call-records")["items"], 0);
        let runs = ["privacy", "retention", "runs", "--json"];
        let runs = node.run(&runs).await.exits(0).json_lines();
        assert_eq!(runs.len(), 2);
        assert_eq!(of(&runs[1], "calls", "call-records")["items"], 200);
        assert_ne!(runs[0]["finished_at"], Value::Null);
        let noted = ["privacy", "audit", "list", "--action", "retention_run", "--json"];
        assert_eq!(node.run(&noted).await.exits(0).json_lines().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn nothing_of_a_deleted_call_is_left_in_the_data_folder() {
    let mut node = node(Backend::Embedded).await;
    let row = Row::answered("2024-03-04 09:00:00", "Bürgertelefon").caller("02219998887");
    import(&node, &[row], &["--wait"], 0).await;
    days_later(&mut node, 182).await;
    retention(&node, &["run"]).await;
    for name in ["calls.db", "calls.db-wal"] {
        let bytes = std::fs::read(node.data().join(name)).unwrap_or_default();
        let found = bytes.windows(11).any(|window| window == b"02219998887");
        assert!(!found, "{name}");
    }
}

pub(super) async fn log(node: &TestNode, procedure: &str, fields: &[&str]) -> String {
    let mut command = vec!["ticket", "log", "--json", "--procedure", procedure];
    command.extend(fields.iter().flat_map(|field| ["--field", field]));
    let logged = node.run(&command).await.exits(0).json();
    logged["ticket_id"].as_str().expect("a number").to_owned()
}

pub(super) async fn is_there(node: &TestNode, ticket: &str) -> bool {
    node.run(&["ticket", "show", ticket]).await.code == Some(0)
}

#[tokio::test]
async fn tickets_go_by_the_period_of_their_procedure_and_leave_the_topic_first() {
    Backend::each(|backend| async move {
        let mut node = node(backend).await;
        let order = [
            "brochures=Wegweiser, 1",
            "first_name=Erika",
            "name=Mustermann",
            "street=Königsallee",
            "house_number=1",
            "postal_code=40212",
            "town=Düsseldorf",
            "country=Deutschland",
            "email=erika@example.org",
        ];
        let sent = log(&node, "brochure-order", &order).await;
        let unsent = log(&node, "brochure-order", &order).await;
        let letter = log(
            &node,
            "letter",
            &["name=Groß", "town=Köln", "message=Bitte um Auskunft"],
        )
        .await;
        for ticket in [&sent, &letter] {
            let close = [
                "ticket", "close", ticket, "--reason", "erledigt", "--agent", "anna",
            ];
            node.run(&close).await.exits(0);
        }
        days_later(&mut node, 80).await;
        let run = retention(&node, &["run"]).await;
        assert_eq!(of(&run, "tickets", "brochure-order")["items"], 0);

        days_later(&mut node, 95).await;
        let plan = retention(&node, &["plan"]).await;
        let orders = of(&plan, "tickets", "brochure-order");
        assert_eq!(
            (&orders["items"], &orders["after"]),
            (&json!(1), &json!("dispatched"))
        );
        let at = chrono::Utc::now() + chrono::TimeDelta::days(3_700);
        let in_ten_years = retention(&node, &["plan", "--at", &at.to_rfc3339()]).await;
        assert_eq!(of(&in_ten_years, "tickets", "letter")["items"], 1);
        let run = retention(&node, &["run"]).await;
        assert_eq!(of(&run, "tickets", "brochure-order")["items"], 1);
        assert!(!is_there(&node, &sent).await);
        assert!(is_there(&node, &unsent).await && is_there(&node, &letter).await);
    })
    .await;
}

#[tokio::test]
async fn the_trail_is_cut_by_whole_days_and_the_rest_is_proven() {
    Backend::each(|backend| async move {
        let mut node = Builder::on(backend).set("retention.at", "").start().await;
        let ticket = log(
            &node,
            "letter",
            &["name=Groß", "town=Köln", "message=Bitte um Auskunft"],
        )
        .await;
        let verify = ["privacy", "audit", "verify", "--json"];
        node.run(&["ticket", "show", &ticket]).await.exits(0);
        let early = node.run(&verify).await.exits(0).json();
        let (former, former_at) = (
            early["head"].clone(),
            early["entries"].as_i64().expect("a number"),
        );
        for _ in 0..2 {
            node.run(&["ticket", "show", &ticket]).await.exits(0);
        }
        let whole = node.run(&verify).await.exits(0).json();
        assert_eq!((&whole["begins_at"], &whole["cut_at"]), (&json!(1), &Value::Null));
        let entries = whole["entries"].as_i64().expect("a number");

        days_later(&mut node, 1_100).await;
        node.run(&["ticket", "show", &ticket]).await.exits(0);
        let run = retention(&node, &["run"]).await;
        assert_eq!(of(&run, "audit_entries", "audit-trail")["items"], entries);
        let rest = node.run(&verify).await.exits(0).json();
        assert_eq!(
            (&rest["begins_at"], &rest["broken_at"]),
            (&json!(entries + 1), &Value::Null)
        );
        // Read, begun, cut.
        assert_eq!(rest["entries"], 3);
        let head = rest["head"].as_str().expect("a head");
        let found = node.run(&[&verify[..], &["--head", head]].concat()).await;
        let found = found.exits(0).json();
        assert_eq!(
            (&found["noted_at"], &found["noted_cut_at"]),
            (&json!(entries + 3), &Value::Null)
        );
        // One that was noted before the cut is still known, and when its entry went.
        for (head, number) in [(&former, former_at), (&whole["head"], entries)] {
            let head = head.as_str().expect("a head");
            let found = node.run(&[&verify[..], &["--head", head]].concat()).await;
            let found = found.exits(0).json();
            assert_eq!(found["noted_at"], number, "{found}");
            assert!(found["noted_cut_at"].is_string(), "{found}");
        }
        let invented = "ab".repeat(32);
        let found = node.run(&[&verify[..], &["--head", &invented]].concat()).await;
        assert_eq!(found.exits(1).json()["noted_at"], Value::Null);
        let text = node.run(&["privacy", "audit", "verify"]).await.exits(0).stdout;
        assert!(
            text.contains(&format!("begins with entry {}", entries + 1)),
            "{text}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_stays_of_a_cut_cannot_be_changed_unseen() {
    let mut node = node(Backend::Embedded).await;
    let ticket = log(
        &node,
        "letter",
        &["name=Groß", "town=Köln", "message=Bitte um Auskunft"],
    )
    .await;
    node.run(&["ticket", "show", &ticket]).await.exits(0);
    days_later(&mut node, 1_100).await;
    retention(&node, &["run"]).await;
    let verify = ["privacy", "audit", "verify", "--json"];
    node.run(&verify).await.exits(0);
    for forge in [
        // A head that never was one.
        "UPDATE audit_cut_parts SET heads = zeroblob(length(heads))",
        "DELETE FROM audit_cut_parts",
    ] {
        node.stop().await;
        let store = rusqlite::Connection::open(node.data().join("access.db")).expect("the file");
        store.execute_batch(forge).expect("done");
        drop(store);
        node.start_again().await;
        let found = node.run(&verify).await.exits(1).json();
        assert!(found["broken_at"].is_i64(), "{forge}: {found}");
    }
}

#[tokio::test]
async fn a_cut_that_retention_did_not_make_is_found() {
    let mut node = node(Backend::Embedded).await;
    let ticket = log(
        &node,
        "letter",
        &["name=Groß", "town=Köln", "message=Bitte um Auskunft"],
    )
    .await;
    for _ in 0..3 {
        node.run(&["ticket", "show", &ticket]).await.exits(0);
    }
    node.stop().await;
    let store = rusqlite::Connection::open(node.data().join("access.db")).expect("the file");
    let forge = "INSERT INTO audit_anchor (single, number, hash, cut_at_ms)
            SELECT 1, number, hash, 0 FROM audit_entries WHERE number = 2;
         DELETE FROM audit_entries WHERE number <= 2;";
    store.execute_batch(forge).expect("done");
    drop(store);
    node.start_again().await;
    let verify = ["privacy", "audit", "verify", "--json"];
    let found = node.run(&verify).await.exits(1).json();
    assert_eq!(found["broken_at"], 3);
}

#[tokio::test]
async fn retention_runs_by_itself_at_its_time_of_the_night() {
    // Within the second minute from now, and after the node's clock has begun.
    let soon = chrono::Utc::now().with_timezone(&domain::local_time::ZONE) + chrono::TimeDelta::seconds(120);
    let node = Builder::on(Backend::Embedded)
        .set("retention.at", &soon.format("%H:%M").to_string())
        .variable(AHEAD, "60")
        .start()
        .await;
    let run = eventually("it has run", || async {
        let runs = ["privacy", "retention", "runs", "--json"];
        let runs = node.run(&runs).await.exits(0).json_lines();
        runs.into_iter().find(|run| run["finished_at"] != Value::Null)
    })
    .await;
    assert_eq!(run["started_by"], "retention");
    assert_eq!(of(&run, "calls", "call-records")["items"], 0);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    for (setting, said) in [
        ("retention.at=25:00", "retention.at: use a local time"),
        ("retention.identity_years=0", "retention.identity_years: use 1 to"),
    ] {
        testkit::command::alone(&["config", "check", "--set", setting])
            .await
            .fails_with(said);
    }
}
