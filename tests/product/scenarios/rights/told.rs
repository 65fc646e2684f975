//! A person is told what is kept of him or her.

use serde_json::{Value, json};
use testkit::{Backend, TestNode};

use super::log;

fn schema() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../schemas/privacy/portability.v1.schema.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).expect("the schema")).expect("JSON")
}

pub(in super::super) fn follows_the_schema(told: &Value) {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema())
        .expect("a schema");
    let faults: Vec<String> = validator
        .iter_errors(told)
        .map(|error| error.to_string())
        .collect();
    assert!(faults.is_empty(), "{faults:?} in {told}");
}

const CALLS: &str = "\
Zeitstempel;Task Typ;Anrufer/Absender (Telefonnummer);Eingangsthema (angerufene Hotline);Verbindungsstatus;Kunden Wartezeit
03.03.2025 09:00:12;Anruf eingehend;0221 4710123;Bürgertelefon;Verbunden;00:00:14
04.03.2025 09:03:40;Anruf eingehend;+492214710123;Steuern und Finanzen;Abbruch Warteschlange;00:01:10
";

async fn import(node: &TestNode) {
    let file = node.file("calls.csv", CALLS.as_bytes());
    let import = ["import", "--format", "hotline-export", "--wait", &file];
    node.run(&import).await.exits(0);
}

#[tokio::test]
async fn a_person_is_told_all_that_is_kept_as_document_and_as_data() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        import(&node).await;
        let citizen = [
            "--phone",
            "0221 4710123",
            "--name",
            "Groß <b>",
            "--first-name",
            "Erika",
            "--agent",
            "kim.geheim",
        ];
        let ticket = log(&node, &citizen).await;
        node.run(&["ticket", "show", &ticket]).await.exits(0);
        let number = ["--phone", "+49 (221) 471 0123"];
        let portability = ["privacy", "portability"];
        let told = node
            .run(&[&portability[..], &number].concat())
            .await
            .exits(0)
            .json();
        follows_the_schema(&told);
        assert_eq!(
            told["person"],
            json!({ "name": "Groß <b>", "first_name": "Erika" })
        );
        assert_eq!(told["tickets"][0]["ticket_id"], ticket.as_str());
        assert_eq!(told["tickets"][0]["fields"]["concern"], "Frage zum Bescheid");
        assert_eq!(told["tickets"][0]["history"][0]["by"], "agent");
        assert_eq!(told["calls"].as_array().map(Vec::len), Some(2));
        assert_eq!(told["calls"][0]["record"]["wait_ms"], 70_000);
        let seen = told["tickets"][0]["seen"].to_string();
        assert!(seen.contains("ticket_read"), "{seen}");
        let purposes: Vec<&Value> = told["purposes"]
            .as_array()
            .expect("purposes")
            .iter()
            .map(|purpose| &purpose["procedure"])
            .collect();
        assert_eq!(purposes, ["call-records", "callback"]);
        assert!(!told.to_string().contains("kim.geheim"), "an agent is named");

        let file = node.home().join("auskunft.html");
        let out = ["--out", file.to_str().expect("a path")];
        let access = ["privacy", "access"];
        node.run(&[&access[..], &number, &out].concat()).await.exits(0);
        let document = std::fs::read_to_string(&file).expect("the document");
        for text in [
            "Auskunft über Ihre personenbezogenen Daten",
            "Erika Groß &lt;b&gt;",
            "Rückrufbitte",
            ticket.as_str(),
            "Frage zum Bescheid",
            "Kunden Wartezeit",
            "00:01:10",
            "Zehn Jahre",
            "Art. 6 Abs. 1",
        ] {
            assert!(document.contains(text), "{text} is missing");
        }
        for never in ["kim.geheim", "<b>", "http://", "https://", "<script"] {
            assert!(!document.contains(never), "{never} is there");
        }
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().expect("a file").permissions());
        assert_eq!(mode & 0o077, 0, "others can read it");
    })
    .await;
}

#[tokio::test]
async fn nobody_is_told_what_is_another_s() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        import(&node).await;
        let of = |name| ["--phone", "0221 4710123", "--name", name];
        log(&node, &of("Groß")).await;
        log(&node, &of("Klein")).await;
        let access = ["privacy", "portability"];
        node.run(&[&access[..], &["--phone", "0221 4710123"]].concat())
            .await
            .fails_with("2 persons are known by this");
        let told = node
            .run(&[&access[..], &of("klein")].concat())
            .await
            .exits(0)
            .json();
        follows_the_schema(&told);
        assert_eq!(told["tickets"].as_array().map(Vec::len), Some(1));
        assert_eq!((&told["calls"], &told["calls_left_out"]), (&json!([]), &json!(2)));
        assert!(!told.to_string().contains("Groß"));
        // Nobody of this name is known to have the number: its calls are nobody's to tell.
        let told = node
            .run(&[&access[..], &of("Fremd")].concat())
            .await
            .exits(0)
            .json();
        assert_eq!((&told["tickets"], &told["calls"]), (&json!([]), &json!([])));
        assert_eq!(told["calls_left_out"], 2);
        let nobody = ["--email", "niemand@example.org"];
        let told = node.run(&[&access[..], &nobody].concat()).await.exits(0).json();
        follows_the_schema(&told);
        assert_eq!((&told["tickets"], &told["calls"]), (&json!([]), &json!([])));
    })
    .await;
}
