//! What other clocks than that of retention end: the plan tells of it, and the run proves what went.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{Backend, Builder, TestNode, eventually};

use super::retention::{days_later, of, retention};
use crate::backups::Safe;

/// The plan for so many days from now.
async fn plan_in(node: &TestNode, days: i64) -> Value {
    let at = chrono::Utc::now() + chrono::TimeDelta::days(days);
    retention(node, &["plan", "--at", &at.to_rfc3339()]).await
}

#[tokio::test]
async fn the_plan_says_of_everything_in_the_register_who_ends_it() {
    let node = Builder::on(Backend::Embedded)
        .set("retention.at", "")
        .start()
        .await;
    let register = node.run(&["privacy", "register", "--json"]).await.exits(0).json();
    let plan = retention(&node, &["plan"]).await;
    let rules = plan["rules"].as_array().expect("rules");
    let planned: BTreeSet<&str> = rules
        .iter()
        .filter_map(|rule| rule["procedure"].as_str())
        .collect();
    for entry in register["activities"].as_array().expect("activities") {
        let id = entry["id"].as_str().expect("an id");
        assert!(planned.contains(id), "{id} in {planned:?}");
    }
    for rule in rules {
        let (by, items) = (rule["ended_by"].as_str().expect("who"), &rule["items"]);
        // Of what goes with something else, or is kept elsewhere, nothing is counted, and that is no zero.
        assert_eq!(
            items.is_null(),
            rule["store"] == "bus" || !matches!(by, "run" | "own_clock") && rule["what"] != "entries",
            "{rule}"
        );
    }
    let text = node.run(&["privacy", "retention", "plan"]).await.exits(0).stdout;
    for line in [
        "accesses access-logs  2 days after reception (by a clock of its own)  before 20",
        "backups backups  42 days after reception (by a clock of its own)",
        "drafts desk-drafts  1 day after reception (not kept here)",
        "course_of_calls call-course  with what it belongs to",
        "users users  until people remove it",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

/// A case that is decided.
async fn decided_case(node: &TestNode) -> String {
    let open = ["privacy", "case", "open", "--kind", "access", "--json"];
    let opened = node.run(&open).await.exits(0).json();
    let number = opened["number"].to_string();
    let check = ["privacy", "case", "check", &number, "--how", "Personalausweis"];
    node.run(&check).await.exits(0);
    let decide = ["privacy", "case", "decide", &number, "--outcome", "granted"];
    node.run(&decide).await.exits(0);
    number
}

#[tokio::test]
async fn cases_go_three_years_after_they_were_handled_and_accesses_after_two_days() {
    Backend::each(|backend| async move {
        let mut node = Builder::on(backend).set("retention.at", "").start().await;
        let decided = decided_case(&node).await;
        let open = ["privacy", "case", "open", "--kind", "access", "--json"];
        let open = node.run(&open).await.exits(0).json()["number"].to_string();
        eventually("accesses to be written", async || {
            let in_three_days = plan_in(&node, 3).await;
            let accesses = of(&in_three_days, "accesses", "access-logs");
            (accesses["items"].as_i64() > Some(0)).then_some(())
        })
        .await;
        let now = retention(&node, &["plan"]).await;
        assert_eq!(of(&now, "accesses", "access-logs")["items"], 0);
        let cases = of(&now, "cases", "data-subject-cases");
        assert_eq!(
            (&cases["items"], &cases["period"], &cases["ended_by"]),
            (&json!(0), &json!("3 years"), &json!("run"))
        );
        let in_three_years = plan_in(&node, 1_100).await;
        assert_eq!(of(&in_three_years, "cases", "data-subject-cases")["items"], 1);

        days_later(&mut node, 1_100).await;
        let run = retention(&node, &["run"]).await;
        assert_eq!(of(&run, "cases", "data-subject-cases")["items"], 1);
        let accesses = of(&run, "accesses", "access-logs");
        assert!(accesses["items"].as_i64() > Some(0), "{accesses}");
        assert_eq!(accesses["ended_by"], "own_clock");
        let shows = async |number: &str| node.run(&["privacy", "case", "show", number]).await.code;
        assert_eq!((shows(&decided).await, shows(&open).await), (Some(2), Some(0)));
        // What was told once is not told again.
        let run = retention(&node, &["run"]).await;
        assert_eq!(of(&run, "cases", "data-subject-cases")["items"], 0);
        assert_eq!(of(&run, "accesses", "access-logs")["items"], 0);
    })
    .await;
}

#[tokio::test]
async fn backups_go_after_six_weeks_and_the_run_tells_how_many() {
    let safe = Safe::new().await;
    // The first one is made as soon as the node is up; no other in the time of this test.
    let node = safe.node(Backend::Embedded).set("retention.at", "");
    let mut node = node.start().await;
    safe.back_up(&node).await;
    let made = async |node: &TestNode| {
        let listed = node.run(&["backup", "list", "--json"]).await.exits(0).stdout;
        listed.matches("\"created_at\"").count() as u64
    };
    let before = made(&node).await;
    assert!(before > 0);
    let planned = async |node: &TestNode, days| {
        let plan = plan_in(node, days).await;
        of(&plan, "backups", "backups")["items"].as_u64()
    };
    assert_eq!(planned(&node, 41).await, Some(0));
    assert_eq!(planned(&node, 43).await, Some(before));
    days_later(&mut node, 43).await;
    let run = retention(&node, &["run"]).await;
    assert_eq!(of(&run, "backups", "backups")["items"].as_u64(), Some(before));
    let run = retention(&node, &["run"]).await;
    assert_eq!(of(&run, "backups", "backups")["items"], 0);
}
