//! What is put right, restricted and lifted, and who is told.

use serde_json::{Value, json};
use testkit::{Backend, TestNode, eventually};

use super::{find, log};

/// The messages of a ticket on the topic of a department.
async fn messages(node: &TestNode, department: &str, ticket: &str) -> Vec<Value> {
    let consume = ["department", "consume", "--department", department, "--json"];
    let lines = node.run(&consume).await.exits(0).json_lines();
    lines.into_iter().filter(|line| line["key"] == ticket).collect()
}

/// The newest message once it says what is wanted.
async fn until_told(node: &TestNode, department: &str, ticket: &str, says: impl Fn(&Value) -> bool) -> Value {
    eventually(&format!("{department} is told"), || async {
        let mut messages = messages(node, department, ticket).await;
        messages.pop().filter(|message| says(&message["ticket"]))
    })
    .await
}

async fn department_of(node: &TestNode, ticket: &str) -> String {
    let shown = node
        .run(&["ticket", "show", ticket, "--json"])
        .await
        .exits(0)
        .json();
    shown["department"].as_str().expect("a department").to_owned()
}

async fn reply(node: &TestNode, department: &str, ticket: &str, kind: &str) -> testkit::Finished {
    let reply = [
        "department",
        "reply",
        "--department",
        department,
        "--ticket",
        ticket,
    ];
    node.run(&[&reply[..], &["--type", kind]].concat()).await
}

async fn recipients(node: &TestNode, further: &[&str]) -> Vec<Value> {
    let recipients = ["privacy", "recipients", "--json"];
    node.run(&[&recipients[..], further].concat())
        .await
        .exits(0)
        .json_lines()
}

/// Sends a ticket to another department; gives that one.
async fn reroute(node: &TestNode, ticket: &str, from: &str) -> String {
    let to = ["staatskanzlei", "ministerium-schule"]
        .into_iter()
        .find(|it| *it != from);
    let to = to.expect("another one");
    let reroute = [
        "ticket",
        "reroute",
        ticket,
        "--department",
        to,
        "--reason",
        "dort",
    ];
    node.run(&reroute).await.exits(0);
    to.to_owned()
}

const PHONE: [&str; 4] = ["--phone", "0221 4710123", "--name", "Gros"];

#[tokio::test]
async fn what_was_put_right_is_told_to_every_department_and_confirmed() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let ticket = log(&node, &PHONE).await;
        let from = department_of(&node, &ticket).await;
        until_told(&node, &from, &ticket, |it| it["state"] == "handed_over").await;
        let to = reroute(&node, &ticket, &from).await;
        until_told(&node, &from, &ticket, |it| it["state"] == "withdrawn").await;

        let rectify = ["privacy", "rectify", &ticket, "--reason", "Schreibfehler"];
        let right = ["--field", "name=Groß", "--idempotency-key", "k1", "--json"];
        let done = node.run(&[&rectify[..], &right].concat()).await.exits(0).json();
        assert_eq!(
            (&done["rectified"], &done["repeated"]),
            (&json!(["name"]), &json!(false))
        );
        let again = node.run(&[&rectify[..], &right].concat()).await.exits(0).json();
        assert_eq!(again["repeated"], true);
        node.run(&[&rectify[..], &["--field", "postal_code=K"]].concat())
            .await
            .fails_with("postal_code");
        node.run(&[&rectify[..], &["--field", "colour=rot"]].concat())
            .await
            .fails_with("colour");

        let now = until_told(&node, &to, &ticket, |it| it["request"]["name"] == "Groß").await;
        assert_eq!(now["ticket"]["rectified"]["fields"], json!(["name"]));
        let former = until_told(&node, &from, &ticket, |it| it["fields"] == json!(["name"])).await;
        assert_eq!(former["ticket"]["request"], json!({ "name": "Groß" }));
        assert_eq!(
            find(&node, &["--name", "groß"]).await["persons"][0]["name"],
            "Groß"
        );
        assert_eq!(find(&node, &["--name", "Gros"]).await["persons"], json!([]));

        assert_eq!(recipients(&node, &["--waiting"]).await.len(), 2);
        reply(&node, &from, &ticket, "rectification-confirmed")
            .await
            .exits(0);
        reply(&node, &from, &ticket, "rectification-confirmed")
            .await
            .exits(3);
        let waiting = recipients(&node, &["--waiting"]).await;
        assert_eq!((waiting.len(), &waiting[0]["department"]), (1, &json!(to)));
        let confirm = [
            "privacy",
            "confirm",
            &ticket,
            "--department",
            &to,
            "--of",
            "rectified",
        ];
        node.run(&[&confirm[..], &["--reason", "Schreiben vom 3.3."]].concat())
            .await
            .exits(0);
        assert_eq!(recipients(&node, &["--waiting"]).await.len(), 0);
        let all = recipients(&node, &["--ticket", &ticket]).await;
        let by_hand: Vec<&Value> = all.iter().filter(|it| it["by_hand"] == true).collect();
        assert_eq!((by_hand.len(), &by_hand[0]["department"]), (1, &json!(to)));
    })
    .await;
}

const CALLS: &str = "\
Zeitstempel;Task Typ;Anrufer/Absender (Telefonnummer);Eingangsthema (angerufene Hotline);Verbindungsstatus
03.03.2025 09:00:12;Anruf eingehend;0221 4710123;Bürgertelefon;Verbunden
03.03.2025 09:03:40;Anruf eingehend;0211 8371001;Bürgertelefon;Verbunden
";

async fn totals(node: &TestNode) -> Value {
    let totals = [
        "report",
        "totals",
        "--from",
        "2025-03-03",
        "--to",
        "2025-03-04",
        "--json",
    ];
    let mut totals = node.run(&totals).await.exits(0).json();
    totals["as_of"] = Value::Null;
    totals
}

async fn calls(node: &TestNode) -> usize {
    let list = [
        "call",
        "list",
        "--from",
        "2025-03-03",
        "--to",
        "2025-03-04",
        "--json",
    ];
    let listed = node.run(&list).await.exits(0).json();
    listed.as_array().map_or(0, Vec::len)
}

async fn listed(node: &TestNode) -> usize {
    node.run(&["ticket", "list", "--json"])
        .await
        .exits(0)
        .json_lines()
        .len()
}

#[tokio::test]
async fn what_is_restricted_is_kept_and_in_no_list_until_that_is_lifted() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let file = node.file("calls.csv", CALLS.as_bytes());
        node.run(&["import", "--format", "hotline-export", "--wait", &file])
            .await
            .exits(0);
        let ticket = log(&node, &PHONE).await;
        let other = log(&node, &["--phone", "0211 8371001"]).await;
        let department = department_of(&node, &ticket).await;
        until_told(&node, &department, &ticket, |it| it["state"] == "handed_over").await;
        let before = totals(&node).await;

        let restrict = [
            "privacy",
            "restrict",
            "--phone",
            "0221/4710123",
            "--reason",
            "Richtigkeit bestritten",
        ];
        let key = ["--idempotency-key", "k1", "--json"];
        let done = node.run(&[&restrict[..], &key].concat()).await.exits(0).json();
        assert_eq!(
            (&done["restricted"], &done["calls"]),
            (&json!([ticket]), &json!(1))
        );
        node.run(&[&restrict[..], &key].concat()).await.exits(0);
        assert_eq!((listed(&node).await, calls(&node).await), (1, 1));
        let found = node
            .run(&["ticket", "find", "--phone", "0221 4710123", "--json"])
            .await;
        assert_eq!(found.exits(0).json_lines().len(), 0);
        let found = find(&node, &["--phone", "0221 4710123"]).await;
        assert_eq!(found["persons"][0]["tickets"][0]["restricted"], true);
        assert_eq!(found["calls"][0]["restricted"], true);
        assert_eq!(totals(&node).await, before);

        let told = until_told(&node, &department, &ticket, |it| it["state"] == "restricted").await;
        assert!(!told.to_string().contains("4710123"));
        reply(&node, &department, &ticket, "accepted").await.exits(3);
        reply(&node, &department, &ticket, "restriction-confirmed")
            .await
            .exits(0);
        assert_eq!(recipients(&node, &["--waiting"]).await.len(), 0);
        node.run(&["ticket", "close", &ticket, "--reason", "x"])
            .await
            .fails_with("restricted");
        reply(&node, &department, &other, "accepted").await.exits(0);

        let lift = [
            "privacy",
            "lift",
            "--phone",
            "0221 4710123",
            "--reason",
            "geklärt",
            "--json",
        ];
        let done = node.run(&lift).await.exits(0).json();
        assert_eq!((&done["lifted"], &done["calls"]), (&json!([ticket]), &json!(1)));
        until_told(&node, &department, &ticket, |it| it["request"]["name"] == "Gros").await;
        assert_eq!((listed(&node).await, calls(&node).await), (2, 2));
        reply(&node, &department, &ticket, "accepted").await.exits(0);
    })
    .await;
}

#[tokio::test]
async fn rejected_rows_of_a_restricted_person_are_in_no_list_and_come_in_restricted() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let row = "03.03.2025 10:00:00;Anruf eingehend;(0221) 471-0123;Bürgertelefon;Durchgestellt\n";
        let file = node.file("calls.csv", format!("{CALLS}{row}").as_bytes());
        let import = ["import", "--format", "hotline-export", "--wait"];
        node.run(&[&import[..], &[&file]].concat()).await.exits(3);
        log(&node, &PHONE).await;
        let rejected = async |node: &TestNode| {
            let list = ["rejected", "list", "--json"];
            node.run(&list).await.exits(0).json_lines()
        };
        let [item] = &rejected(&node).await[..] else {
            panic!("one row")
        };
        let id = item["id"].as_str().expect("an id").to_owned();
        let of = ["--phone", "0221 4710123", "--reason", "so", "--json"];
        let restricted = node.run(&[&["privacy", "restrict"][..], &of].concat()).await;
        let restricted = restricted.exits(0).json();
        assert_eq!(
            (&restricted["calls"], &restricted["rejected_items"]),
            (&json!(1), &json!(1))
        );
        assert_eq!(rejected(&node).await, [] as [Value; 0]);
        let map = node.file(
            "map.toml",
            b"[connection_status]\nanswered = [\"Durchgestellt\"]\n",
        );
        let discard = ["rejected", "discard", &id, "--reason", "so"];
        let (show, retry) = (
            ["rejected", "show", &id],
            ["rejected", "retry", &id, "--map", &map],
        );
        for refused in [&show[..], &retry, &discard] {
            node.run(refused).await.fails_with("Art. 18");
        }
        // The same file with the word: the row counts, and is nobody's to see.
        assert_eq!(calls(&node).await, 1);
        node.run(&[&import[..], &["--map", &map, &file]].concat())
            .await
            .exits(0);
        assert_eq!(calls(&node).await, 1);
        let lifted = node.run(&[&["privacy", "lift"][..], &of].concat()).await;
        assert_eq!(lifted.exits(0).json()["calls"], 2);
        assert_eq!(calls(&node).await, 3);
    })
    .await;
}

#[tokio::test]
async fn what_is_put_right_while_restricted_is_told_when_that_is_lifted() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let ticket = log(&node, &PHONE).await;
        let department = department_of(&node, &ticket).await;
        until_told(&node, &department, &ticket, |it| it["state"] == "handed_over").await;
        let of = ["--ticket", &ticket, "--reason", "bestritten"];
        node.run(&[&["privacy", "restrict"][..], &of].concat())
            .await
            .exits(0);
        node.run(&[&["privacy", "restrict"][..], &of].concat())
            .await
            .fails_with("restricted");
        let rectify = [
            "privacy",
            "rectify",
            &ticket,
            "--field",
            "name=Groß",
            "--reason",
            "so",
        ];
        node.run(&rectify).await.exits(0);
        until_told(&node, &department, &ticket, |it| it["state"] == "restricted").await;
        node.run(&[&["privacy", "lift"][..], &of].concat()).await.exits(0);
        let now = until_told(&node, &department, &ticket, |it| it["request"]["name"] == "Groß").await;
        assert_eq!(now["ticket"]["rectified"]["fields"], json!(["name"]));
        let waiting = recipients(&node, &["--waiting"]).await;
        assert_eq!((waiting.len(), &waiting[0]["told_of"]), (1, &json!("rectified")));
    })
    .await;
}

#[tokio::test]
async fn what_was_said_in_a_later_call_is_put_right_and_what_was_wrong_is_kept_nowhere() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let ticket = log(&node, &PHONE).await;
        let from = department_of(&node, &ticket).await;
        let more = [
            "callback",
            "log",
            "--hotline",
            "Bürgertelefon",
            "--add-to",
            &ticket,
        ];
        let said = ["--concern", "Haus Nummer sieben", "--phone", "0211 8371001"];
        node.run(&[&more[..], &said].concat()).await.exits(0);
        until_told(&node, &from, &ticket, |it| {
            it["added"][0]["phone"] == "0211 8371001"
        })
        .await;
        let to = reroute(&node, &ticket, &from).await;

        let rectify = ["privacy", "rectify", &ticket, "--reason", "verhört"];
        let right = [
            "--field",
            "added.1.concern=Haus Nummer acht",
            "--field",
            "added.1.phone=",
            "--json",
        ];
        let done = node.run(&[&rectify[..], &right].concat()).await.exits(0).json();
        let fields = json!(["added.1.concern", "added.1.phone"]);
        assert_eq!(done["rectified"], fields);
        node.run(&[&rectify[..], &["--field", "added.2.concern=x"]].concat())
            .await
            .fails_with("added.2.concern");
        let says = |it: &Value| it["added"][0]["concern"] == "Haus Nummer acht";
        let now = until_told(&node, &to, &ticket, says).await;
        assert_eq!(now["ticket"]["rectified"]["fields"], fields);
        let former = until_told(&node, &from, &ticket, |it| it["fields"] == fields).await;
        let request = json!({ "added.1.concern": "Haus Nummer acht" });
        assert_eq!(former["ticket"]["request"], request);
        let shown = node.run(&["ticket", "show", &ticket, "--json"]).await;
        let shown = shown.exits(0).json().to_string();
        assert!(shown.contains("Haus Nummer acht"), "{shown}");
        assert!(!shown.contains("sieben") && !shown.contains("8371001"), "{shown}");
        assert_eq!(
            find(&node, &["--phone", "0211 8371001"]).await["persons"],
            json!([])
        );
    })
    .await;
}
