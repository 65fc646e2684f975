//! Which department is responsible and why, by a server and without one; checks of rules.

use serde_json::{Value, json};
use testkit::command::alone;
use testkit::{Backend, TestNode};

const FAULTY: &str = r#"
clearing = "clearing"
department = [{ id = "clearing", name = "Klärungsstelle" }, { id = "a", name = "A" }]
hotline = [{ name = "Eins" }]
rule = [
    { id = "alle", hotline = "Eins", department = "a" },
    { id = "nie", hotline = "Eins", keyword = "Steuer*", open = true, department = "clearing" },
    { id = "fremd", hotline = "Zwei", keyword = "*", department = "b" },
]
"#;

/// The keys that programs rely on.
fn check_cologne(explained: &Value) {
    assert_eq!(explained["department"], "finanzamt-koeln");
    assert_eq!(explained["rule"], "steuern-finanzamt");
    assert!(
        explained["because"]
            .as_str()
            .is_some_and(|it| it.contains("50667"))
    );
    assert_eq!(explained["ambiguous"], false);
    assert_eq!(
        explained["municipalities"],
        json!([{ "name": "Köln", "key": "05315000", "district": "Köln", "government": "Köln" }])
    );
}

const COLOGNE: [&str; 7] = [
    "route",
    "explain",
    "--hotline",
    "Steuern und Finanzen",
    "--postal-code",
    "50667",
    "--json",
];

#[tokio::test]
async fn a_server_explains_by_the_rules_that_it_works_with() {
    let node = TestNode::start(Backend::Embedded).await;
    check_cologne(&node.run(&COLOGNE).await.exits(0).json());
    let unknown = [
        "route",
        "explain",
        "--hotline",
        "Gibt es nicht",
        "--postal-code",
        "51467",
    ];
    let unknown = node
        .run(&[&unknown[..], &["--json"]].concat())
        .await
        .exits(0)
        .json();
    assert_eq!(
        (&unknown["department"], &unknown["rule"]),
        (&json!("clearing"), &Value::Null)
    );
    assert_eq!(unknown["ambiguous"], true);
    let keys = unknown["municipalities"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["key"]);
    assert_eq!(keys.collect::<Vec<_>>(), ["05315000", "05378004"]);
}

#[tokio::test]
async fn rules_are_explained_without_a_server() {
    check_cologne(
        &alone(&[&COLOGNE[..], &["--local"]].concat())
            .await
            .exits(0)
            .json(),
    );
    let keyword = [
        "route",
        "explain",
        "--local",
        "--hotline",
        "Bürgertelefon",
        "--concern",
        "Fragen zum ABITUR",
        "--at",
        "2026-12-23T16:30",
    ];
    let said = alone(&keyword).await.exits(0).stdout;
    assert!(said.starts_with("ministerium-schule\n"), "{said}");
    assert!(said.contains("Stichwort „Abitur*“"), "{said}");
}

#[tokio::test]
async fn every_fault_of_the_rules_is_listed() {
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("routing.toml");
    std::fs::write(&rules, FAULTY).expect("written");
    let config = folder.path().join("nrwdirekt.toml");
    std::fs::write(&config, "[routing]\nfile = \"routing.toml\"\n").expect("written");
    let [rules, config] = [rules, config].map(|path| path.to_string_lossy().into_owned());
    for source in [["--rules", &rules], ["--config", &config]] {
        let found = alone(&[&["route", "check", "--json"][..], &source].concat())
            .await
            .exits(2)
            .json();
        let faults: Vec<&str> = found["faults"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(
            faults[0].contains("no hotline `Zwei`") && faults[1].contains("no department `b`"),
            "{faults:?}"
        );
        assert!(faults[2].contains("`*` is no keyword"), "{faults:?}");
    }
    let reachable = FAULTY
        .lines()
        .filter(|line| !line.contains("fremd"))
        .collect::<Vec<_>>()
        .join("\n");
    std::fs::write(folder.path().join("routing.toml"), reachable).expect("written");
    let found = alone(&["route", "check", "--rules", &rules]).await.exits(2);
    assert_eq!(
        found.stdout,
        "rule `nie` can never decide: all its cases go to `alle`\n"
    );
    let sound = alone(&["route", "check"]).await.exits(0);
    assert!(sound.stdout.contains("rules are sound"), "{}", sound.stdout);
}
