//! When the period of a ticket is over, to the second, whatever its procedure and however it was settled.

use chrono::{DateTime, Days, Months, TimeDelta, Utc};
use domain::local_time;
use serde_json::{Value, json};
use testkit::{Backend, Builder, TestNode, eventually};

use super::retention::{AHEAD, days_later, is_there, log, of, retention};

const LETTER: [&str; 3] = ["name=Groß", "town=Köln", "message=Bitte um Auskunft"];

/// The first moment at which what was settled then is past, by a period of whole months.
fn limit(settled: DateTime<Utc>, months: u32) -> DateTime<Utc> {
    let ends = local_time::day_of(settled).checked_add_months(Months::new(months));
    let after = ends.and_then(|day| day.checked_add_days(Days::new(1)));
    local_time::start_of(after.expect("a day"))
}

async fn shown(node: &TestNode, ticket: &str) -> Value {
    let show = ["ticket", "show", ticket, "--json"];
    node.run(&show).await.exits(0).json()
}

/// What is past of a procedure, one second before a moment, and at it.
async fn past_around(node: &TestNode, procedure: &str, moment: DateTime<Utc>) -> [i64; 2] {
    let mut past = [0; 2];
    for (place, at) in [moment - TimeDelta::seconds(1), moment].into_iter().enumerate() {
        let plan = retention(node, &["plan", "--at", &at.to_rfc3339()]).await;
        past[place] = of(&plan, "tickets", procedure)["items"]
            .as_i64()
            .expect("a number");
    }
    past
}

/// The department says how it went, once it has the ticket.
async fn reply(node: &TestNode, ticket: &str, kind: &str) {
    let department = eventually("the hand-over", async || {
        let shown = shown(node, ticket).await;
        let has_it = shown["state"] == "handed_over";
        has_it.then(|| shown["department"].as_str().expect("one").to_owned())
    })
    .await;
    let reply = [
        "department",
        "reply",
        "--department",
        &department,
        "--ticket",
        ticket,
    ];
    node.run(&[&reply[..], &["--type", kind]].concat()).await.exits(0);
    let said = kind.replace('-', "_");
    eventually("the reply", async || {
        (shown(node, ticket).await["state"] == said.as_str()).then_some(())
    })
    .await;
}

async fn callback(node: &TestNode, fields: &[&str]) -> String {
    let command = ["callback", "log", "--json", "--hotline", "Bürgertelefon"];
    let logged = node.run(&[&command, fields].concat()).await.exits(0).json();
    logged["ticket_id"].as_str().expect("a number").to_owned()
}

async fn act(node: &TestNode, ticket: &str, act: &str) {
    let command = ["ticket", act, ticket, "--reason", "erledigt", "--agent", "anna"];
    node.run(&command).await.exits(0);
}

/// When the last thing was done to it.
async fn settled_at(node: &TestNode, ticket: &str) -> DateTime<Utc> {
    let shown = shown(node, ticket).await;
    let history = shown["history"].as_array().expect("a history");
    let at = history.last().expect("an entry")["at"].as_str().expect("a time");
    DateTime::parse_from_rfc3339(at).expect("RFC 3339").to_utc()
}

/// A procedure, how many months it is kept, what is asked for, and how that ends.
const CASES: [(&str, u32, &[&str], &str); 5] = [
    (
        "callback",
        120,
        &["--phone", "0221 4710123", "--concern", "Frage zum Bescheid"],
        "unreachable",
    ),
    (
        "contact-form",
        120,
        &["email=erika@example.org", "message=Bitte um Auskunft"],
        "answered",
    ),
    (
        "email",
        120,
        &["email=erika@example.org", "message=Bitte um Auskunft"],
        "withdraw",
    ),
    ("letter", 120, &LETTER, "close"),
    (
        "brochure-order",
        3,
        &[
            "brochures=Wegweiser, 1",
            "first_name=Erika",
            "name=Mustermann",
            "street=Königsallee",
            "postal_code=40212",
            "town=Düsseldorf",
        ],
        "answered",
    ),
];

#[tokio::test]
async fn every_period_ends_at_a_local_midnight_however_a_ticket_was_settled() {
    Backend::each(|backend| async move {
        let mut node = Builder::on(backend).set("retention.at", "").start().await;
        let mut tickets = Vec::new();
        for (procedure, months, fields, how) in CASES {
            let ticket = match procedure {
                "callback" => callback(&node, fields).await,
                _ => log(&node, procedure, fields).await,
            };
            match how {
                "withdraw" | "close" => act(&node, &ticket, how).await,
                kind => reply(&node, &ticket, kind).await,
            }
            let limit = limit(settled_at(&node, &ticket).await, months);
            assert_eq!(past_around(&node, procedure, limit).await, [0, 1], "{procedure}");
            tickets.push(ticket);
        }
        // Nobody has answered it: its period has not begun.
        let unsettled = log(&node, "letter", &LETTER).await;

        days_later(&mut node, 3_660).await;
        let run = retention(&node, &["run"]).await;
        for (procedure, ..) in CASES {
            let line = of(&run, "tickets", procedure);
            assert_eq!(
                (&line["items"], &line["waiting"]),
                (&json!(1), &json!(0)),
                "{procedure}"
            );
        }
        for ticket in &tickets {
            assert!(!is_there(&node, ticket).await, "{ticket}");
        }
        assert!(is_there(&node, &unsettled).await);
    })
    .await;
}

#[tokio::test]
async fn a_restricted_ticket_stays_until_that_is_lifted_and_goes_with_the_next_run() {
    Backend::each(|backend| async move {
        let mut node = Builder::on(backend).set("retention.at", "").start().await;
        let ticket = log(&node, "letter", &LETTER).await;
        act(&node, &ticket, "close").await;
        let of_it = ["--ticket", &ticket, "--reason", "Art. 18 DSGVO"];
        node.run(&[&["privacy", "restrict"][..], &of_it].concat())
            .await
            .exits(0);
        days_later(&mut node, 3_660).await;
        let plan = retention(&node, &["plan"]).await;
        assert_eq!(of(&plan, "tickets", "letter")["items"], 0);
        let run = retention(&node, &["run"]).await;
        assert_eq!(of(&run, "tickets", "letter")["items"], 0);
        assert!(is_there(&node, &ticket).await);

        node.run(&[&["privacy", "lift"][..], &of_it].concat())
            .await
            .exits(0);
        let run = retention(&node, &["run"]).await;
        let line = of(&run, "tickets", "letter");
        assert_eq!(
            (&line["items"], &line["waiting"]),
            (&json!(1), &json!(0)),
            "{line}"
        );
        assert!(!is_there(&node, &ticket).await);
    })
    .await;
}

const RULES: &str = r#"
clearing = "clearing"
[[department]]
id = "clearing"
name = "Klärungsstelle"
[[department]]
id = "buergeramt"
name = "Bürgeramt"

[[booking]]
department = "buergeramt"
service = "Beglaubigung"
capacity = 2
days_ahead = 60

[booking.hours]
monday = ["09:00-16:00"]
tuesday = ["09:00-16:00"]
wednesday = ["09:00-16:00"]
thursday = ["09:00-16:00"]
friday = ["09:00-16:00"]
"#;

/// The last message of a ticket on the topic of a department.
async fn on_topic(node: &TestNode, ticket: &str) -> Value {
    let consume = ["department", "consume", "--department", "buergeramt", "--json"];
    let messages = node.run(&consume).await.exits(0).json_lines();
    let of_it = messages.into_iter().rfind(|message| message["key"] == ticket);
    of_it.map_or(Value::Null, |message| message["ticket"].clone())
}

#[tokio::test]
async fn an_appointment_goes_at_midnight_after_its_day_and_leaves_the_topic_though_nobody_answered() {
    Backend::each(|backend| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let routing = folder.path().join("routing.toml");
        std::fs::write(&routing, RULES).expect("a file");
        let mut node = Builder::on(backend)
            .set("retention.at", "")
            .set("routing.file", routing.to_str().expect("text"))
            .start()
            .await;
        let list = [
            "slot",
            "list",
            "--department",
            "buergeramt",
            "--free",
            "--max",
            "6",
            "--json",
        ];
        let slots = node.run(&list).await.exits(0).json_lines();
        let slot = slots[2]["starts_at"].as_str().expect("a time").to_owned();
        let fields = [
            "service=Beglaubigung".to_owned(),
            format!("slots={slot}"),
            "first_name=Erika".to_owned(),
            "name=Mustermann".to_owned(),
            "email=erika@example.org".to_owned(),
        ];
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let ticket = log(&node, "appointment", &fields).await;
        eventually("the hand-over", async || {
            (!on_topic(&node, &ticket).await.is_null()).then_some(())
        })
        .await;
        let begins = local_time::instant(&slot).expect("a time");
        let midnight = limit(begins, 0);
        assert_eq!(past_around(&node, "appointment", midnight).await, [0, 1]);

        node.stop().await;
        let ahead = midnight + TimeDelta::hours(1) - Utc::now();
        node.set_variable(AHEAD, Some(&ahead.num_seconds().to_string()));
        node.start_again().await;
        let run = retention(&node, &["run"]).await;
        let line = of(&run, "tickets", "appointment");
        assert_eq!(
            (&line["items"], &line["waiting"]),
            (&json!(1), &json!(0)),
            "{line}"
        );
        assert!(!is_there(&node, &ticket).await);
        assert!(on_topic(&node, &ticket).await.is_null());
    })
    .await;
}
