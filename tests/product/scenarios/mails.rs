//! Departments without Kafka are told by mail, through a real mail server.

use mail_parser::{Message, MessageParser};
use serde_json::Value;
use testkit::command::finish_with_input;
use testkit::{Backend, Builder, MailServer, TestNode, eventually};

const ROUTING: &str = r#"
clearing = "clearing"
department = [
    { id = "clearing", name = "Klärungsstelle" },
    { id = "ganz", name = "Ganz", mail = { address = "ganz@example.org", content = "whole" } },
    { id = "hinweis", name = "Hinweis", mail = { address = "hinweis@example.org", content = "notice" } },
    { id = "unbekannt", name = "Unbekannt", mail = { address = "unbekannt@example.org", content = "whole" } },
    { id = "zurueck", name = "Zurück", mail = { address = "kommtzurueck@example.org", content = "notice" } },
]
hotline = [{ name = "Ganz" }, { name = "Hinweis" }, { name = "Unbekannt" }, { name = "Zurück" }]
rule = [
    { id = "ganz", hotline = "Ganz", department = "ganz" },
    { id = "hinweis", hotline = "Hinweis", department = "hinweis" },
    { id = "unbekannt", hotline = "Unbekannt", department = "unbekannt" },
    { id = "zurueck", hotline = "Zurück", department = "zurueck" },
]
"#;

/// A node with these departments, and what keeps their file.
async fn node(server: &MailServer, backend: Backend) -> (TestNode, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let routing = folder.path().join("routing.toml");
    std::fs::write(&routing, ROUTING).expect("the folder can be written");
    let builder = Builder::on(backend)
        .set("routing.file", routing.to_str().expect("a path of text"))
        .set("mail.link", "https://example.org/tickets/{ticket}");
    (server.settings(builder).start().await, folder)
}

async fn log(node: &TestNode, hotline: &str, further: &[&str]) -> String {
    let command = [
        "callback",
        "log",
        "--json",
        "--hotline",
        hotline,
        "--phone",
        "0221 4710123",
        "--name",
        "Groß",
        "--street",
        "Königsallee",
        "--concern",
        "Fällt für mein Gewächshaus eine Gebühr an?",
    ];
    let logged = node.run(&[&command[..], further].concat()).await.exits(0).json();
    logged["ticket_id"].as_str().expect("a number").to_owned()
}

/// What `mail list` shows of a ticket.
async fn listed(node: &TestNode, ticket: &str) -> Option<Value> {
    let mails = node.run(&["mail", "list", "--json"]).await.exits(0).json_lines();
    mails.into_iter().find(|mail| mail["ticket_id"] == ticket)
}

/// The actions of a ticket's history with their notes.
async fn history(node: &TestNode, ticket: &str) -> Vec<(String, String)> {
    let shown = node
        .run(&["ticket", "show", ticket, "--json"])
        .await
        .exits(0)
        .json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = shown["history"].as_array().expect("a history");
    entries
        .iter()
        .map(|entry| (text(&entry["action"]), text(&entry["note"])))
        .collect()
}

fn parsed(mail: &[u8]) -> Message<'_> {
    MessageParser::default().parse(mail).expect("a mail")
}

fn body(mail: &Message<'_>) -> String {
    mail.body_text(0).expect("a text").into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_says_as_much_as_its_department_is_to_be_told() {
    let Some(server) = MailServer::start() else { return };
    let (node, _folder) = node(&server, Backend::Embedded).await;
    let ticket = log(&node, "Ganz", &[]).await;
    let raw = server.mail_to("ganz@").await;
    let mail = parsed(&raw);
    let subject = mail.subject().expect("a subject");
    assert!(
        subject.starts_with(&format!("Rückrufbitte {ticket}, fällig ")),
        "{subject}"
    );
    for said in [
        "Name: Groß",
        "Straße: Königsallee",
        "Anliegen: Fällt für mein Gewächshaus eine Gebühr an?",
        "Zuständig, weil: ",
    ] {
        assert!(body(&mail).contains(said), "{said} in {}", body(&mail));
    }
    let expected = format!("{ticket}.1.ganz@example.org");
    assert_eq!(mail.message_id(), Some(expected.as_str()));
    assert_eq!(
        mail.header_raw("Auto-Submitted").map(str::trim),
        Some("auto-generated")
    );
    let comes_back_to = format!("<nrwdirekt+{ticket}.1.ganz@example.org>");
    assert_eq!(
        mail.header_raw("Return-path").map(str::trim),
        Some(comes_back_to.as_str())
    );
    assert!(
        String::from_utf8(raw.clone()).is_ok_and(|mail| mail.is_ascii()),
        "only ASCII on the way"
    );

    let ticket = log(&node, "Hinweis", &[]).await;
    let raw = server.mail_to("hinweis@").await;
    let body = body(&parsed(&raw));
    assert!(
        body.contains(&format!("https://example.org/tickets/{ticket}")),
        "{body}"
    );
    assert!(
        body.contains("Hotline: Hinweis") && body.contains("Fällig: "),
        "{body}"
    );
    for personal in ["Groß", "4710123", "Königsallee", "Gewächshaus"] {
        assert!(!body.contains(personal), "{personal} in {body}");
    }
    assert!(
        history(&node, &ticket)
            .await
            .contains(&("mailed".into(), "hinweis".into()))
    );
    eventually("nothing to wait any more", async || {
        listed(&node, &ticket).await.is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_or_comes_back_is_seen_and_holds_up_nothing() {
    let Some(server) = MailServer::start() else { return };
    let (node, _folder) = node(&server, Backend::Embedded).await;
    let refused = log(&node, "Unbekannt", &[]).await;
    let failed = eventually("the refusal to be seen", async || {
        listed(&node, &refused)
            .await
            .filter(|mail| mail["state"] == "failed")
    })
    .await;
    let error = failed["error"].as_str().expect("a reason");
    assert!(error.contains("no such mailbox"), "{error}");
    let entry = ("mail_failed".to_owned(), "unbekannt: 550 5.1.1".to_owned());
    assert!(history(&node, &refused).await.contains(&entry));
    let metrics = node.get("/metrics", Some(&node.token())).await.body;
    let counted = "nrwdirekt_mails_total{department=\"unbekannt\",outcome=\"failed\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    let number = failed["id"].to_string();
    node.run(&["mail", "retry", &number]).await.exits(0);
    eventually("a second refusal", async || {
        let history = history(&node, &refused).await;
        (history.iter().filter(|it| **it == entry).count() == 2).then_some(())
    })
    .await;
    node.run(&["mail", "retry", "999"]).await.exits(2);

    let ticket = log(&node, "Zurück", &[]).await;
    let report = server.mail_to("nrwdirekt+").await;
    for said in ["the mail failed", "nothing new"] {
        let command = node.command(&["mail", "bounced"]);
        let told = finish_with_input(command, &report).await.exits(0).stdout;
        assert!(told.contains(said), "{told}");
    }
    let came_back = history(&node, &ticket).await;
    let failures: Vec<_> = came_back.iter().filter(|it| it.0 == "mail_failed").collect();
    assert_eq!(
        failures,
        [&("mail_failed".to_owned(), "zurueck: 5.0.0".to_owned())]
    );
    let kept = listed(&node, &ticket).await.expect("it is kept aside");
    assert_eq!(kept["state"], "failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_logged_while_the_mail_server_is_away_goes_out_afterwards() {
    let Some(mut server) = MailServer::start() else {
        return;
    };
    let (mut node, _folder) = node(&server, Backend::Embedded).await;
    server.stop();
    let ticket = log(&node, "Ganz", &[]).await;
    let waiting = eventually("the list to say why it waits", async || {
        listed(&node, &ticket)
            .await
            .filter(|mail| !mail["error"].is_null())
    })
    .await;
    assert_eq!(
        (&waiting["state"], &waiting["attempts"]),
        (&"waits".into(), &0.into())
    );
    node.kill().await;
    node.start_again().await;
    log(&node, "Ganz", &["--add-to", &ticket]).await;
    server.start_again();
    let raw = server.mail_to("ganz@").await;
    assert!(body(&parsed(&raw)).contains("Anruf vom "), "the newest news");
    assert_eq!(server.mails_to("ganz@").len(), 1, "one mail for both");
}
