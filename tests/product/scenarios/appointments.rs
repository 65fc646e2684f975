//! Wished windows, slots that are booked and moved, and due times that are warned of.

use mail_parser::MessageParser;
use serde_json::{Value, json};
use testkit::{Backend, Builder, MailServer, TestNode, eventually};

const RULES: &str = r#"
clearing = "clearing"
[[department]]
id = "clearing"
name = "Klärungsstelle"
[[department]]
id = "buergeramt"
name = "Bürgeramt"
[[hotline]]
name = "Bürgertelefon"

# Every logged ticket is due soon at once.
[escalation]
warn_before_minutes = 80000

[[booking]]
department = "buergeramt"
service = "Beglaubigung"
capacity = 1
days_ahead = 60

[booking.hours]
monday = ["00:00-24:00"]
tuesday = ["00:00-24:00"]
wednesday = ["00:00-24:00"]
thursday = ["00:00-24:00"]
friday = ["00:00-24:00"]
"#;

async fn start(backend: Backend) -> (TestNode, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let routing = folder.path().join("routing.toml");
    std::fs::write(&routing, RULES).expect("a file");
    let builder = Builder::on(backend).set("routing.file", routing.to_str().expect("text"));
    (builder.start().await, folder)
}

/// When free slots begin. The first one may be past when it is booked.
async fn free_slots(node: &TestNode) -> Vec<String> {
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
    let begin = |slot: &Value| slot["starts_at"].as_str().expect("a time").to_owned();
    slots.iter().map(begin).collect()
}

fn log(slots: &str) -> Vec<String> {
    let fields = [
        "service=Beglaubigung".to_owned(),
        format!("slots={slots}"),
        "first_name=Erika".to_owned(),
        "name=Mustermann".to_owned(),
        "email=erika@example.org".to_owned(),
    ];
    let mut arguments: Vec<String> = ["ticket", "log", "--procedure", "appointment", "--json"]
        .map(str::to_owned)
        .into();
    arguments.extend(fields.into_iter().flat_map(|field| ["--field".to_owned(), field]));
    arguments
}

async fn book(node: &TestNode, slots: &str) -> testkit::Finished {
    let arguments = log(slots);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    node.run(&arguments).await
}

#[tokio::test]
async fn slots_are_booked_once_moved_and_freed() {
    Backend::each(|backend| async move {
        let (node, _folder) = start(backend).await;
        let slots = free_slots(&node).await;
        let (first, second) = (&slots[1], &slots[2]);
        let ticket = book(&node, first).await.exits(0).json();
        assert_eq!(ticket["department"], "buergeramt");
        assert_eq!(ticket["due_at"], json!(first));
        assert_eq!(ticket["appointment"]["slots"], json!([first]));
        book(&node, first).await.exits(2).fails_with("is booked out");
        assert!(!free_slots(&node).await.contains(first));

        let id = ticket["ticket_id"].as_str().expect("a number");
        let rebook = ["ticket", "rebook", id, "--slot", second, "--json"];
        let moved = node.run(&rebook).await.exits(0).json();
        assert_eq!(moved["due_at"], json!(second));
        let free = free_slots(&node).await;
        assert!(free.contains(first) && !free.contains(second), "{free:?}");
        book(&node, "2020-01-06T09:00")
            .await
            .exits(2)
            .fails_with("slots: ");
    })
    .await;
}

#[tokio::test]
async fn a_department_sees_the_wished_window_and_that_it_is_due_soon() {
    Backend::each(|backend| async move {
        let (node, _folder) = start(backend).await;
        let slots = free_slots(&node).await;
        let (from, until) = (&slots[0], &slots[2]);
        let log = [
            "callback",
            "log",
            "--hotline",
            "Bürgertelefon",
            "--phone",
            "0221 4710123",
        ];
        let log = [&log[..], &["--concern", "Frage", "--json", "--wished-from"]].concat();
        let past = [
            &log[..],
            &["2020-01-06T09:00", "--wished-until", "2020-01-06T10:00"],
        ]
        .concat();
        node.run(&past)
            .await
            .exits(2)
            .fails_with("wished_until: the window is past");
        let service_time = [&log[..], &[from, "--wished-until", "2020-01-06T10:00"]].concat();
        node.run(&service_time)
            .await
            .exits(2)
            .fails_with("wished_until: ");
        let day_after =
            chrono::DateTime::parse_from_rfc3339(until).expect("a time") + chrono::TimeDelta::days(7);
        let until = day_after.to_rfc3339();
        let wished = [&log[..], &[from, "--wished-until", &until]].concat();
        let ticket = node.run(&wished).await.exits(0).json();
        assert_eq!(ticket["wished"], json!({ "from": from, "until": until }));
        assert_eq!(ticket["due_at"], json!(until));

        let id = ticket["ticket_id"].as_str().expect("a number");
        let consume = ["department", "consume", "--department", "clearing", "--json"];
        let told = eventually("the warning", || async {
            let messages = node.run(&consume).await.exits(0).json_lines();
            messages
                .into_iter()
                .find(|message| message.to_string().contains("due_soon"))
        })
        .await;
        assert!(told.to_string().contains(id), "{told}");
        let soon = node
            .run(&["ticket", "list", "--due-soon", "--json"])
            .await
            .exits(0)
            .json_lines();
        assert_eq!((soon.len(), &soon[0]["alarm"]), (1, &json!("due_soon")));
        let overdue = node
            .run(&["ticket", "list", "--overdue", "--json"])
            .await
            .exits(0)
            .json_lines();
        assert_eq!(overdue.len(), 0);
        let metrics = node.get("/metrics", Some(&node.token())).await;
        assert!(
            metrics
                .body
                .contains("nrwdirekt_tickets_overdue{department=\"clearing\"} 0"),
            "{}",
            metrics.body
        );
    })
    .await;
}

#[tokio::test]
async fn an_appointment_by_video_has_a_room_of_its_own_in_its_ticket() {
    let folder = tempfile::tempdir().expect("a folder");
    let routing = folder.path().join("routing.toml");
    std::fs::write(&routing, RULES).expect("a file");
    let builder = |backend| Builder::on(backend).set("routing.file", routing.to_str().expect("text"));
    let node = builder(Backend::Embedded)
        .set("video.server", "https://meet.example.org/")
        .start()
        .await;
    let slots = free_slots(&node).await;
    let by_video = |slot: &str| [log(slot), vec!["--field".to_owned(), "video=true".to_owned()]].concat();
    let mut links = Vec::new();
    for slot in &slots[2..4] {
        let command = by_video(slot);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let logged = node.run(&command).await.exits(0).json();
        let ticket = logged["ticket_id"].as_str().expect("a number");
        let shown = node
            .run(&["ticket", "show", ticket, "--json"])
            .await
            .exits(0)
            .json();
        let link = shown["fields"]["video_link"].as_str().expect("a link").to_owned();
        let room = link
            .strip_prefix("https://meet.example.org/nrwdirekt-")
            .expect("a room");
        assert_eq!(room.len(), 64, "{link}");
        links.push(link);
    }
    assert_ne!(links[0], links[1]);
    let plain = book(&node, &slots[4]).await.exits(0).json();
    let plain = plain["ticket_id"].as_str().expect("a number");
    let shown = node
        .run(&["ticket", "show", plain, "--json"])
        .await
        .exits(0)
        .json();
    assert!(shown["fields"].get("video_link").is_none(), "{shown}");

    let without = builder(Backend::Embedded).start().await;
    let slot = &free_slots(&without).await[2];
    let command = by_video(slot);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    let refused = without.run(&command).await.exits(2);
    assert!(
        refused.stderr.contains("video: leave it out"),
        "{}",
        refused.stderr
    );
}

/// The texts of the mails to the citizen, once there are so many.
async fn mails(server: &MailServer, count: usize) -> Vec<String> {
    eventually(&format!("{count} mails to the citizen"), async || {
        let mails = server.mails_to("erika@example.org");
        let text = |mail: &Vec<u8>| {
            let mail = MessageParser::default().parse(mail).expect("a mail");
            let subject = mail.subject().unwrap_or_default().to_owned();
            format!("{subject}\n{}", mail.body_text(0).expect("a text"))
        };
        (mails.len() >= count).then(|| mails.iter().map(text).collect())
    })
    .await
}

/// As a mail says when it is.
fn local(slot: &str) -> String {
    let at = chrono::DateTime::parse_from_rfc3339(slot).expect("a time");
    at.with_timezone(&domain::local_time::ZONE)
        .format("%d.%m.%Y, %H:%M")
        .to_string()
}

async fn the_citizen_is_mailed_the_link_the_new_time_and_the_end(backend: Backend) {
    let Some(mut server) = MailServer::start() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let routing = folder.path().join("routing.toml");
    std::fs::write(&routing, RULES).expect("a file");
    let builder = Builder::on(backend)
        .set("routing.file", routing.to_str().expect("text"))
        .set("video.server", "https://meet.example.org");
    let node = server.settings(builder).start().await;
    let slots = free_slots(&node).await;
    let logged = async |slot: &str, video: &str| {
        let command = [log(slot), vec!["--field".to_owned(), format!("video={video}")]].concat();
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        let logged = node.run(&command).await.exits(0).json();
        logged["ticket_id"].as_str().expect("a number").to_owned()
    };
    // Who does not meet by video is not written to.
    logged(&slots[5], "false").await;
    let ticket = logged(&slots[2], "true").await;
    let show = ["ticket", "show", &ticket, "--json"];
    let shown = node.run(&show).await.exits(0).json();
    let link = shown["fields"]["video_link"].as_str().expect("a link").to_owned();
    let first = mails(&server, 1).await;
    for text in [
        "Ihr Videotermin\n",
        &link,
        &local(&slots[2]),
        "Beglaubigung",
        "Bürgeramt",
        &ticket,
    ] {
        assert!(first[0].contains(text), "{text} in {}", first[0]);
    }

    server.stop();
    node.run(&["ticket", "rebook", &ticket, "--slot", &slots[3]])
        .await
        .exits(0);
    let waits = eventually("the mail to wait", async || {
        let listed = node.run(&["mail", "list", "--json"]).await.exits(0).json_lines();
        listed.into_iter().find(|mail| mail["about"] == "appointment")
    })
    .await;
    assert_eq!(
        (&waits["ticket_id"], &waits["recipient"]),
        (&json!(ticket), &Value::Null)
    );
    server.start_again();
    let second = mails(&server, 2).await;
    assert!(
        second
            .iter()
            .any(|mail| mail.contains(&local(&slots[3])) && mail.contains(&link)),
        "{second:?}"
    );

    let withdraw = ["ticket", "withdraw", &ticket, "--reason", "kommt nicht"];
    node.run(&withdraw).await.exits(0);
    let third = mails(&server, 3).await;
    let end = third
        .iter()
        .find(|mail| mail.starts_with("Ihr Videotermin findet nicht statt"));
    let end = end.expect("a mail that says so");
    assert!(end.contains(&local(&slots[3])) && !end.contains(&link), "{end}");
    let listed = node.run(&["mail", "list", "--json"]).await.exits(0).stdout;
    assert_eq!(listed, "", "none waits");
    let log = node.log();
    assert!(
        !log.contains("meet.example.org/nrwdirekt-") && !log.contains("erika@"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_citizen_is_mailed_of_an_appointment_by_video() {
    Backend::each(the_citizen_is_mailed_the_link_the_new_time_and_the_end).await;
}
