//! A new procedure is a new file: logged, validated, handed over to its department, and no code.

use serde_json::{Value, json};
use testkit::command::alone;
use testkit::{Backend, Builder, TestNode};

const LOST_PROPERTY: &str = r#"
id = "lost-property"
title = "Fundsache"
kind = "ticket"
purpose = "Rückgabe verlorener Gegenstände"
legal_basis = ["Art. 6 Abs. 1 Buchst. e DSGVO in Verbindung mit § 3 Abs. 1 DSG NRW"]
recipients = ["Klärungsstelle"]
department = "clearing"
reachable_by = ["email", "phone"]
concern = ["thing"]
retention = { after = "last_handled", months = 6, text = "Sechs Monate nach der letzten Bearbeitung." }
field = [
    { id = "thing", title = "Gegenstand", type = "text", longest = 500, required = true },
    { id = "found_on", title = "Fundtag", type = "date", required = true },
    { id = "place", title = "Ort", type = "choice", options = ["Bahn", "Amt"] },
    { id = "reward_iban", title = "Finderlohn auf", type = "iban", requires = ["name"] },
    { id = "name", title = "Name", type = "line" },
    { id = "email", title = "E-Mail-Adresse", type = "email" },
    { id = "phone", title = "Telefonnummer", type = "phone" },
    { id = "user", title = "Benutzer", type = "line", from_system = true },
]
"#;

/// A folder of the register with one file.
fn folder(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("lost-property.toml"), text).expect("a file");
    folder
}

fn path(folder: &tempfile::TempDir) -> &str {
    folder.path().to_str().expect("a path of text")
}

/// `ticket log` with these fields.
fn log<'a>(procedure: &'a str, fields: &[&'a str]) -> Vec<&'a str> {
    let mut command = vec![
        "ticket",
        "log",
        "--json",
        "--agent",
        "anna",
        "--procedure",
        procedure,
    ];
    command.extend(fields.iter().flat_map(|field| ["--field", field]));
    command
}

async fn handed_over(node: &TestNode, department: &str) -> Value {
    let consume = ["department", "consume", "--json", "--follow", "--max", "1"];
    let consume = [&consume[..], &["--department", department]].concat();
    let message = node.run(&consume).await.exits(0).json_lines().remove(0);
    message["ticket"].clone()
}

#[tokio::test]
async fn a_new_file_is_a_new_procedure() {
    Backend::each(|backend| async move {
        let folder = folder(LOST_PROPERTY);
        let node = Builder::on(backend)
            .set("register.folder", path(&folder))
            .start()
            .await;
        let given = [
            "thing=Regenschirm",
            "found_on=2026-12-23",
            "place=Bahn",
            "reward_iban=DE89 3704 0044 0532 0130 00",
            "name=Groß",
            "email=gross@example.org",
        ];
        let ticket = node.run(&log("lost-property", &given)).await.exits(0).json();
        assert_eq!(
            (&ticket["procedure"], &ticket["department"], &ticket["hotline"]),
            (&json!("lost-property"), &json!("clearing"), &json!(""))
        );
        assert_eq!(
            ticket["because"],
            "Verfahren „Fundsache“: Zuständigkeit laut Verzeichnis."
        );

        let message = handed_over(&node, "clearing").await;
        assert_eq!(message["procedure"], "lost-property");
        assert_eq!(message.get("hotline"), None);
        assert_eq!(
            message["request"],
            json!({
                "thing": "Regenschirm", "found_on": "2026-12-23", "place": "Bahn", "name": "Groß",
                "reward_iban": "DE89 3704 0044 0532 0130 00", "email": "gross@example.org", "user": "anna",
            })
        );

        let listed = ["ticket", "list", "--json", "--procedure", "lost-property"];
        let listed = node.run(&listed).await.exits(0).json_lines();
        assert_eq!((listed.len(), &listed[0]["ticket_id"]), (1, &ticket["ticket_id"]));
        let none = ["ticket", "list", "--json", "--procedure", "letter"];
        assert_eq!(node.run(&none).await.exits(0).json_lines(), [Value::Null; 0]);
    })
    .await;
}

#[tokio::test]
async fn every_fault_of_a_request_is_named_and_nothing_repeated() {
    let folder = folder(LOST_PROPERTY);
    let node = Builder::on(Backend::Embedded)
        .set("register.folder", path(&folder))
        .start()
        .await;
    let faulty = [
        "found_on=geheim",
        "place=geheim",
        "reward_iban=DE88 3704 0044 0532 0130 00",
        "user=geheim",
        "shoe_size=geheim",
    ];
    let refused = node.run(&log("lost-property", &faulty)).await.exits(2);
    for field in [
        "thing",
        "found_on",
        "place",
        "reward_iban",
        "name",
        "email",
        "user",
        "shoe_size",
    ] {
        assert!(
            refused.stderr.contains(&format!("{field}: ")),
            "{field}: {}",
            refused.stderr
        );
    }
    assert!(!refused.stderr.contains("geheim") && !refused.stderr.contains("3704"));
    let account = [
        "concern=Frage",
        "phone=0221 4710123",
        "iban=DE89370400440532013000",
    ];
    let mut callback = log("callback", &account);
    callback.extend(["--hotline", "Umwelt"]);
    let refused = node.run(&callback).await.exits(2);
    assert!(
        refused.stderr.contains("iban: leave it out"),
        "{}",
        refused.stderr
    );
    let no_hotline = log("callback", &account[..2]);
    assert!(node.run(&no_hotline).await.exits(2).stderr.contains("hotline: "));
    let record = node.run(&log("call-records", &["caller=115"])).await.exits(2);
    assert!(record.stderr.contains("procedure: choose from callback, "));
}

#[tokio::test]
async fn an_order_is_found_by_the_citizen_like_a_callback() {
    let node = TestNode::start(Backend::Embedded).await;
    let order = [
        "brochures=1 × Landesplan",
        "name=Groß",
        "street=Domkloster",
        "postal_code=50667",
        "town=Köln",
    ];
    let mut order = log("brochure-order", &order);
    order.extend(["--hotline", "Umwelt"]);
    let ticket = node.run(&order).await.exits(0).json();
    assert_eq!(
        (&ticket["procedure"], &ticket["hotline"]),
        (&json!("brochure-order"), &json!("Umwelt"))
    );
    let id = ticket["ticket_id"].as_str().expect("a number");
    let shown = node.run(&["ticket", "show", id, "--json"]).await.exits(0).json();
    assert_eq!(
        (&shown["fields"]["user"], &shown["fields"]["ip_address"]),
        (&json!("anna"), &json!("127.0.0.1"))
    );
    let found = [
        "ticket",
        "find",
        "--json",
        "--name",
        "GROSS",
        "--postal-code",
        "50667",
    ];
    let found = node.run(&found).await.exits(0).json_lines();
    assert_eq!(found[0]["ticket_id"], ticket["ticket_id"]);
}

#[tokio::test]
async fn the_register_is_checked_shown_and_refused_at_the_start() {
    let checked = alone(&["register", "check", "--json"]).await.exits(0).json();
    assert_eq!(checked["faults"], json!([]));
    let built_in = checked["procedures"].as_u64().expect("a number");
    let sound = folder(LOST_PROPERTY);
    let checked = ["register", "check", "--json", "--folder", path(&sound)];
    assert_eq!(alone(&checked).await.exits(0).json()["procedures"], built_in + 1);
    let listed = alone(&["register", "list", "--json", "--folder", path(&sound)])
        .await
        .exits(0)
        .json();
    let listed = listed["procedures"].as_array().expect("a list").clone();
    assert_eq!(listed.len() as u64, built_in + 1);
    let show = [
        "register",
        "show",
        "lost-property",
        "--json",
        "--folder",
        path(&sound),
    ];
    let shown = alone(&show).await.exits(0).json();
    assert_eq!(Some(&shown), listed.last());
    assert_eq!(shown["retention"]["months"], 6);
    let schema = [
        "register",
        "schema",
        "--procedure",
        "lost-property",
        "--folder",
        path(&sound),
    ];
    assert_eq!(
        alone(&schema).await.exits(0).json()["properties"]["place"]["enum"],
        json!(["Bahn", "Amt"])
    );
    alone(&["register", "show", "4711"]).await.exits(2);

    let broken = folder(
        &LOST_PROPERTY
            .replace("type = \"date\"", "type = \"day\"")
            .replace("months = 6, ", ""),
    );
    let refused = alone(&["register", "check", "--json", "--folder", path(&broken)])
        .await
        .exits(2)
        .json();
    let faults = refused["faults"].as_array().expect("faults");
    assert_eq!(faults.len(), 2, "{faults:?}");
    let named = |fault: &Value| {
        fault
            .as_str()
            .is_some_and(|it| it.contains("lost-property.toml: "))
    };
    assert!(faults.iter().all(named), "{faults:?}");
    let setting = format!("register.folder={}", path(&broken));
    let refused = alone(&["config", "check", "--set", &setting]).await.exits(2);
    assert!(
        refused.stderr.contains("field found_on.type: choose from"),
        "{}",
        refused.stderr
    );
    let foreign = folder(&LOST_PROPERTY.replace("department = \"clearing\"", "department = \"nobody\""));
    let setting = format!("register.folder={}", path(&foreign));
    let refused = alone(&["config", "check", "--set", &setting]).await.exits(2);
    assert!(
        refused.stderr.contains("procedure lost-property: department: "),
        "{}",
        refused.stderr
    );
}
