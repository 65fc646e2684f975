//! Rules in versions: applied while the node runs, remembered by tickets, and gone back to.

use serde_json::{Value, json};
use testkit::{Backend, Builder, TestNode};

const RULES: &str = r#"
clearing = "clearing"
[[department]]
id = "clearing"
name = "Klärungsstelle"
[[hotline]]
name = "Umwelt"
"#;

const MORE_RULES: &str = r#"
clearing = "clearing"
[[department]]
id = "clearing"
name = "Klärungsstelle"
[[department]]
id = "umweltamt"
name = "Umweltamt"
[[hotline]]
name = "Umwelt"
[[rule]]
id = "umwelt"
hotlines = ["Umwelt"]
department = "umweltamt"
"#;

const PROCEDURE: &str = r#"
id = "noise"
title = "Lärm melden"
kind = "ticket"
purpose = "Lärmschutz"
legal_basis = ["Art. 6 Abs. 1 Buchst. e DSGVO"]
recipients = ["Umweltamt"]
department = "umweltamt"
concern = ["noise"]
retention = { after = "last_handled", years = 1, text = "Ein Jahr." }
field = [{ id = "noise", title = "Lärm", type = "line", required = true }]
"#;

async fn start(backend: Backend) -> (TestNode, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let routing = folder.path().join("routing.toml");
    std::fs::write(&routing, RULES).expect("a file");
    let builder = Builder::on(backend).set("routing.file", routing.to_str().expect("text"));
    (builder.start().await, folder)
}

async fn log(node: &TestNode, key: &str) -> Value {
    let log = ["callback", "log", "--json", "--hotline", "Umwelt", "--phone"];
    let log = [
        &log[..],
        &["0221 4710123", "--concern", "Lärm", "--idempotency-key", key],
    ]
    .concat();
    node.run(&log).await.exits(0).json()
}

async fn rules_version(node: &TestNode, ticket: &Value) -> Value {
    let id = ticket["ticket_id"].as_str().expect("a number");
    let shown = node.run(&["ticket", "show", id, "--json"]).await.exits(0).json();
    shown["rules_version"].clone()
}

#[tokio::test]
async fn rules_are_applied_without_a_restart_and_tickets_remember_their_version() {
    Backend::each(|backend| async move {
        let (mut node, folder) = start(backend).await;
        let before = log(&node, "1").await;
        assert_eq!(before["department"], "clearing");
        assert_eq!(rules_version(&node, &before).await, 1);

        let more = node.file("more.toml", MORE_RULES.as_bytes());
        let apply = ["config", "apply", "--json", "--routing", &more];
        let apply_with_note = [&apply[..], &["--note", "Umweltamt", "--expect", "1"]].concat();
        let applied = node.run(&apply_with_note).await.exits(0).json();
        assert_eq!(applied["version"], 2);
        assert_eq!(applied["added_departments"], json!(["umweltamt"]));
        let after = log(&node, "2").await;
        assert_eq!(after["department"], "umweltamt");
        assert_eq!(rules_version(&node, &after).await, 2);
        assert_eq!(rules_version(&node, &before).await, 1);
        // The new department has its topics, and is served.
        let consume = [
            "department",
            "consume",
            "--json",
            "--follow",
            "--max",
            "1",
            "--department",
        ];
        let message = node.run(&[&consume[..], &["umweltamt"]].concat()).await.exits(0);
        assert_eq!(message.json_lines()[0]["ticket"]["ticket_id"], after["ticket_id"]);

        // The same again is no version; another newest version than expected is told.
        assert_eq!(node.run(&apply).await.exits(0).json()["unchanged"], true);
        node.run(&apply_with_note)
            .await
            .fails_with("version 2 is in force");

        // A start with the configuration of the first version does not go back to it; applying that version does.
        node.stop().await;
        node.start_again().await;
        assert_eq!(log(&node, "3").await["department"], "umweltamt");
        let back = node.run(&["config", "apply", "--json", "--version", "1"]).await;
        let back = back.exits(0).json();
        assert_eq!(
            (&back["version"], &back["removed_departments"]),
            (&json!(3), &json!(["umweltamt"]))
        );
        assert_eq!(log(&node, "4").await["department"], "clearing");
        let history = node.run(&["config", "history", "--json"]).await.exits(0).json();
        let notes: Vec<_> = history
            .as_array()
            .expect("a list")
            .iter()
            .map(|it| &it["note"])
            .collect();
        assert_eq!(notes, ["", "Umweltamt", "configuration at the start of a node"]);

        // An edited file is taken up at the next start.
        std::fs::write(
            folder.path().join("routing.toml"),
            format!("# edited\n{MORE_RULES}"),
        )
        .expect("a file");
        node.stop().await;
        node.start_again().await;
        assert_eq!(log(&node, "5").await["department"], "umweltamt");
    })
    .await;
}

#[tokio::test]
async fn faulty_rules_are_refused_whole_with_every_fault() {
    let (node, folder) = start(Backend::Embedded).await;
    let faulty = MORE_RULES.replace("hotlines = [\"Umwelt\"]", "hotlines = [\"Wald\"]");
    let faulty = node.file("faulty.toml", faulty.as_bytes());
    let register = folder.path().join("register");
    std::fs::create_dir(&register).expect("a folder");
    std::fs::write(register.join("noise.toml"), "id = 3").expect("a file");
    let apply = ["config", "apply", "--routing", &faulty, "--register"];
    let refused = node
        .run(&[&apply[..], &[register.to_str().expect("text")]].concat())
        .await;
    for fault in ["routing.toml: rule `umwelt`", "register/noise.toml"] {
        assert!(refused.stderr.contains(fault), "{}", refused.stderr);
    }
    let history = node.run(&["config", "history", "--json"]).await.exits(0).json();
    assert_eq!(history.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn procedures_are_applied_with_the_rules_they_belong_to() {
    let (node, folder) = start(Backend::Embedded).await;
    let more = node.file("more.toml", MORE_RULES.as_bytes());
    let register = folder.path().join("register");
    std::fs::create_dir(&register).expect("a folder");
    std::fs::write(register.join("noise.toml"), PROCEDURE).expect("a file");
    let register = register.to_str().expect("text");
    let log = [
        "ticket",
        "log",
        "--json",
        "--procedure",
        "noise",
        "--field",
        "noise=Presslufthammer",
    ];
    node.run(&log).await.fails_with("procedure");
    let alone = ["config", "apply", "--register", register];
    node.run(&alone).await.fails_with("umweltamt");
    let both = [&alone[..], &["--routing", &more]].concat();
    let dry = node
        .run(&[&both[..], &["--dry-run", "--json"]].concat())
        .await
        .exits(0)
        .json();
    assert_eq!(dry["version"], 2);
    node.run(&log).await.fails_with("procedure");
    node.run(&both).await.exits(0);
    assert_eq!(node.run(&log).await.exits(0).json()["department"], "umweltamt");

    let written = folder.path().join("written");
    let written = written.to_str().expect("text");
    node.run(&["config", "rules", "--write", written]).await.exits(0);
    let kept = |name: &str| std::fs::read_to_string(format!("{written}/{name}")).expect("a file");
    assert_eq!(
        (kept("routing.toml"), kept("register/noise.toml")),
        (MORE_RULES.to_owned(), PROCEDURE.to_owned())
    );
}
