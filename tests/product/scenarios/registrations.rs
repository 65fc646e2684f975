//! Newsletters and accreditation to events: by public pages, confirmed by mail through a real mail server.

macro_rules! cases {
    ($($case:ident,)+) => {
        mod on_every_backend {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                testkit::Backend::each(super::$case).await;
            })+
        }
    };
}

mod gone;
mod persons;
mod restricted;
mod rules;

use chrono::{TimeDelta, Utc};
use mail_parser::MessageParser;
use serde_json::Value;
use testkit::command::finish_with_input;
use testkit::{Backend, Builder, MailServer, TestNode, eventually};

const AHEAD: &str = "NRWDIREKT_TEST_CLOCK_AHEAD_S";
const HOUR_S: i64 = 3_600;

/// Rules with two newsletters and an event whose deadline is in an hour.
fn routing() -> String {
    // Both ends of a test are in the same offset: the hour that happens twice is no time for tests.
    let local = |hours: i64| {
        let at = Utc::now() + TimeDelta::hours(hours);
        at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    format!(
        r#"
clearing = "clearing"
department = [
    {{ id = "clearing", name = "Klärungsstelle" }},
    {{ id = "presse", name = "Presseamt", mail = {{ address = "presseamt@example.org", content = "notice" }} }},
    {{ id = "andere", name = "Andere" }},
]
brochure = [
    {{ id = "wegweiser", title = "Wegweiser" }},
    {{ id = "atlas", title = "Atlas NRW", price_cents = 750 }},
]
newsletter = [
    {{ id = "presse", title = "Pressemitteilungen für Köln", department = "presse" }},
    {{ id = "termine", title = "Termine", department = "presse" }},
]
[[event]]
id = "sommerfest"
title = "Sommerfest"
place = "Düsseldorf"
begins = "{}"
deadline = "{}"
department = "presse"
item = [{{ title = "Rundgang", capacity = 1 }}, {{ title = "Rede" }}]
"#,
        local(48),
        local(1)
    )
}

/// The entry of a token, which is its name, in the configuration.
fn token(name: &str, role: &str, department: &str) -> String {
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(name.as_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{{ name = \"{name}\", sha256 = \"{hash}\", roles = [\"{role}\"], department = \"{department}\" }}"
    )
}

struct Office {
    node: TestNode,
    server: MailServer,
    folder: tempfile::TempDir,
}

impl Office {
    /// `None` where there are no scripts for a mail server.
    async fn on(backend: Backend) -> Option<Self> {
        Self::of(Builder::on(backend)).await
    }

    async fn of(builder: Builder) -> Option<Self> {
        let server = MailServer::start()?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("routing.toml");
        std::fs::write(&file, routing()).expect("the folder can be written");
        let tokens = [
            token("presse", "department", "presse"),
            token("andere", "department", "andere"),
        ];
        let builder = builder
            .set("routing.file", file.to_str().expect("a path of text"))
            .set("public.url", "https://example.org")
            .set("token", &format!("[{}]", tokens.join(", ")));
        Some(Self {
            node: server.settings(builder).start().await,
            server,
            folder,
        })
    }

    /// The same node, after some time.
    async fn after(&mut self, seconds: i64) {
        self.node.kill().await;
        self.node.set_variable(AHEAD, Some(&seconds.to_string()));
        self.node.start_again().await;
    }

    /// Sends a form; the answer has this status and says this.
    async fn form(&self, path: &str, form: &str, status: u16, says: &str) -> String {
        let answer = self.node.page(path, None, Some(form)).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert!(answer.body.contains(says), "{says} in {}", answer.body);
        assert!(answer.header("set-cookie").is_none(), "no cookie without need");
        answer.body
    }

    /// The links to a page of entries in the only mail to an address that has any.
    async fn links(&self, address: &str, page: &str) -> Vec<String> {
        let begin = format!("https://example.org/eintrag/{page}/");
        eventually(
            &format!("a mail to {address} with a link to {page}"),
            async || {
                let mails = self.server.mails_to(address).into_iter();
                let found: Vec<String> = mails.flat_map(|mail| links_in(&mail, &begin)).collect();
                (!found.is_empty()).then_some(found)
            },
        )
        .await
    }

    /// What is told of an offer.
    async fn offer(&self, command: &str, id: &str) -> Value {
        let told = self.node.run(&[command, "list", "--json"]).await.exits(0).json();
        let mut offers = told.as_array().expect("a list").clone().into_iter();
        offers.find(|offer| offer["id"] == id).expect("the offer")
    }
}

/// The paths of links in the text of a mail.
fn links_in(mail: &[u8], begin: &str) -> Vec<String> {
    let mail = MessageParser::default().parse(mail).expect("a mail");
    let text = mail.body_text(0).expect("a text").into_owned();
    let links = text.split_whitespace().filter(|word| word.starts_with(begin));
    links
        .map(|link| link.trim_start_matches("https://example.org").to_owned())
        .collect()
}

/// A form to subscribe.
fn subscription(email: &str, lists: &[&str]) -> String {
    let lists: Vec<String> = lists.iter().map(|list| format!("angebot={list}&")).collect();
    let email = email.replace('@', "%40");
    format!("{}feld.email={email}&einwilligung=ja", lists.concat())
}

/// A form for the event.
fn application(first_name: &str, item: &str) -> String {
    format!(
        "feld.first_name={first_name}&feld.name=Gro%C3%9F&feld.birth_date=1980-02-29&feld.birth_place=K%C3%B6ln\
         &feld.medium=Rundschau&feld.email={first_name}%40example.org&programm={item}&einwilligung=ja"
    )
}

async fn a_subscription_holds_once_it_is_confirmed_and_until_it_is_ended(backend: Backend) {
    let Some(office) = Office::on(backend).await else {
        return;
    };
    let page = office.node.page("/newsletter", None, None).await;
    assert!(page.body.contains("Pressemitteilungen für Köln"), "{}", page.body);
    assert!(page.header("set-cookie").is_none());

    office
        .form(
            "/newsletter",
            "feld.email=x",
            422,
            "Ohne Ihre Einwilligung geht es nicht.",
        )
        .await;
    let form = subscription("Erika@example.org", &["presse", "termine"]);
    let unknown = office.form("/newsletter", &form, 200, "Postfach").await;
    let [link] = office
        .links("erika@", "bestaetigen")
        .await
        .try_into()
        .expect("one link");
    let opened = office.node.page(&link, None, None).await;
    assert_eq!(opened.status, 200, "{}", opened.body);
    assert!(
        opened.body.contains("Pressemitteilungen für Köln"),
        "{}",
        opened.body
    );
    let counted = office.offer("newsletter", "presse").await;
    assert_eq!(
        (&counted["pending"], &counted["confirmed"]),
        (&1.into(), &0.into()),
        "opening changes nothing"
    );
    for _ in 0..2 {
        office.form(&link, "", 200, "Bestätigt").await;
    }
    let known = office.form("/newsletter", &form, 200, "Postfach").await;
    assert_eq!(unknown, known, "the answer does not tell who is known");

    let exported = office
        .node
        .run(&["newsletter", "export", "--list", "presse", "--json"])
        .await
        .exits(0)
        .json();
    let [entry] = &exported["entries"].as_array().expect("entries")[..] else {
        panic!("one entry: {exported}")
    };
    assert_eq!(entry["email"], "Erika@example.org");
    for time in ["consented_at", "confirmed_at"] {
        assert!(
            entry[time].as_str().is_some_and(|time| time.starts_with("20")),
            "{entry}"
        );
    }
    let told = office.links("erika@", "beenden").await;
    assert_eq!(told.len(), 2, "each newsletter can be ended by itself: {told:?}");
    let end = entry["end_link"]
        .as_str()
        .expect("a link")
        .trim_start_matches("https://example.org")
        .to_owned();
    assert!(told.contains(&end));
    let guessed = format!(
        "{}{}",
        &end[..end.len() - 1],
        if end.ends_with('0') { '1' } else { '0' }
    );
    office.form(&guessed, "", 404, "gilt nicht mehr").await;
    office
        .form(&end, "List-Unsubscribe=One-Click", 200, "gelöscht")
        .await;
    assert_eq!(office.node.page(&end, None, None).await.status, 404);
    assert_eq!(office.offer("newsletter", "presse").await["confirmed"], 0);
    assert_eq!(office.offer("newsletter", "termine").await["confirmed"], 1);

    let of_others = office.node.page("/newsletters", Some("andere"), None).await;
    assert!(!of_others.body.contains("Termine"), "{}", of_others.body);
    let refused = office
        .node
        .page("/newsletters/termine/export", Some("andere"), Some("form=csv"))
        .await;
    assert_eq!(refused.status, 404);
    let own = office
        .node
        .page("/newsletters/termine/export", Some("presse"), Some("form=csv"))
        .await;
    assert!(own.body.contains("Erika@example.org"), "{}", own.body);
    let noted = office
        .node
        .run(&[
            "privacy",
            "audit",
            "list",
            "--action",
            "entries_exported",
            "--json",
        ])
        .await;
    assert!(!noted.exits(0).stdout.contains("Erika"), "no names in the trail");
}

async fn who_cannot_be_reached_is_erased(backend: Backend) {
    let Some(office) = Office::on(backend).await else {
        return;
    };
    office
        .form(
            "/newsletter",
            &subscription("unbekannt@example.org", &["presse"]),
            200,
            "Postfach",
        )
        .await;
    eventually("the refused address to be gone", async || {
        (office.offer("newsletter", "presse").await["pending"] == 0).then_some(())
    })
    .await;
    office
        .form(
            "/newsletter",
            &subscription("kommtzurueck@example.org", &["presse"]),
            200,
            "Postfach",
        )
        .await;
    let report = office.server.mail_to("nrwdirekt+e.").await;
    for said in [
        "entries erased, because their address cannot be reached: 1",
        "nothing new",
    ] {
        let told = finish_with_input(office.node.command(&["mail", "bounced"]), &report)
            .await
            .exits(0)
            .stdout;
        assert!(told.contains(said), "{told}");
    }
    assert_eq!(office.offer("newsletter", "presse").await["pending"], 0);
}

async fn what_is_not_confirmed_is_gone_after_a_week(backend: Backend) {
    let Some(mut office) = Office::on(backend).await else {
        return;
    };
    office
        .form(
            "/newsletter",
            &subscription("erika@example.org", &["presse"]),
            200,
            "Postfach",
        )
        .await;
    let link = office.links("erika@", "bestaetigen").await.remove(0);
    office.after(8 * 24 * HOUR_S).await;
    office.form(&link, "", 404, "gilt nicht mehr").await;
    eventually("the entry to be gone", async || {
        (office.offer("newsletter", "presse").await["pending"] == 0).then_some(())
    })
    .await;
}

async fn an_accreditation_goes_with_its_export_after_the_deadline(backend: Backend) {
    let Some(mut office) = Office::on(backend).await else {
        return;
    };
    let list = office.node.page("/akkreditierung", None, None).await;
    assert!(list.body.contains("/akkreditierung/sommerfest"), "{}", list.body);
    let path = "/akkreditierung/sommerfest";
    office
        .form(path, "feld.birth_date=gestern", 422, "Ein Datum, zum Beispiel")
        .await;
    office
        .form(path, &application("erika", "Rundgang"), 200, "Postfach")
        .await;
    office
        .form(path, &application("max", "Rundgang"), 422, "Kein Platz mehr frei")
        .await;
    office
        .form(path, &application("max", "Rede"), 200, "Postfach")
        .await;
    let link = office.links("erika@", "bestaetigen").await.remove(0);
    office.form(&link, "", 200, "Sommerfest").await;
    let inside = office
        .node
        .page("/akkreditierungen/sommerfest", Some("presse"), None)
        .await;
    assert!(
        inside.body.contains("Groß, erika") && inside.body.contains("Rundgang"),
        "{}",
        inside.body
    );
    assert_eq!(
        office
            .node
            .page("/akkreditierungen/sommerfest", Some("andere"), None)
            .await
            .status,
        404
    );
    let clear = ["accreditation", "clear", "--event", "sommerfest"];
    office
        .node
        .run(&clear)
        .await
        .exits(2)
        .fails_with("the deadline is not over yet");

    office.after(2 * HOUR_S).await;
    assert_eq!(
        office.node.page(path, None, None).await.status,
        404,
        "the form is closed"
    );
    let reminder = office.server.mail_to("presseamt@").await;
    let links = links_in(&reminder, "https://example.org/akkreditierungen/");
    assert_eq!(links, ["/akkreditierungen/sommerfest"]);
    assert!(
        !String::from_utf8_lossy(&reminder).contains("erika"),
        "nothing about anybody"
    );
    office
        .node
        .run(&clear)
        .await
        .exits(2)
        .fails_with("export them first");
    let file = office.node.data().join("sommerfest.csv");
    let export = [
        "accreditation",
        "export",
        "--event",
        "sommerfest",
        "--format",
        "csv",
        "--clear",
        "--output",
    ];
    let output = file.to_str().expect("a path of text");
    office.node.run(&[&export[..], &[output]].concat()).await.exits(0);
    let text = std::fs::read_to_string(&file).expect("the file");
    assert!(
        text.contains("Groß") && text.contains("1980-02-29") && !text.contains("max@"),
        "{text}"
    );
    let left = office.offer("accreditation", "sommerfest").await;
    assert_eq!(
        (&left["confirmed"], &left["pending"]),
        (&0.into(), &0.into()),
        "{left}"
    );
    assert_eq!(left["erased"], 2, "a count remains: {left}");
    assert!(left["erased_at"].is_string(), "{left}");
}

/// How many of something a plan or a run tells of.
fn items(told: &Value, what: &str, procedure: &str) -> u64 {
    let lines = told["rules"].as_array().or(told["outcome"].as_array());
    let mut lines = lines.expect("lines").iter();
    let line = lines.find(|line| line["what"] == what && line["procedure"] == procedure);
    line.expect("a line")["items"].as_u64().expect("a number")
}

async fn plans_tell_what_becomes_of_entries_and_runs_prove_it(backend: Backend) {
    let builder = Builder::on(backend).set("retention.at", "");
    let Some(mut office) = Office::of(builder).await else {
        return;
    };
    let retention = async |office: &Office, arguments: &[&str]| {
        let command = [&["privacy", "retention"], arguments, &["--json"]].concat();
        office.node.run(&command).await.exits(0).json()
    };
    for person in ["erika", "max"] {
        let form = subscription(&format!("{person}@example.org"), &["presse", "termine"]);
        office.form("/newsletter", &form, 200, "Postfach").await;
    }
    let path = "/akkreditierung/sommerfest";
    office
        .form(path, &application("Anna", "Rede"), 200, "Postfach")
        .await;
    for person in ["erika@", "Anna@"] {
        let links = office.links(person, "bestaetigen").await;
        office.form(&links[0], "", 200, "Bestätigt").await;
    }
    let end = office.links("erika@", "beenden").await;
    let end = end[0].clone();
    office
        .form(&end, "List-Unsubscribe=One-Click", 200, "gelöscht")
        .await;

    let at = Utc::now() + TimeDelta::days(16);
    let plan = retention(&office, &["plan", "--at", &at.to_rfc3339()]).await;
    assert_eq!(items(&plan, "entries_unconfirmed", "newsletter"), 2, "{plan}");
    assert_eq!(items(&plan, "entries_unconfirmed", "media-accreditation"), 0);
    assert_eq!(items(&plan, "entries", "media-accreditation"), 1);
    assert_eq!(items(&plan, "entries", "newsletter"), 0);
    let now = retention(&office, &["plan"]).await;
    for (what, procedure) in [
        ("entries_unconfirmed", "newsletter"),
        ("entries", "media-accreditation"),
    ] {
        assert_eq!(items(&now, what, procedure), 0);
    }

    office.after(16 * 24 * HOUR_S).await;
    let run = retention(&office, &["run"]).await;
    assert_eq!(items(&run, "entries", "newsletter"), 1, "one was ended: {run}");
    assert_eq!(items(&run, "entries_unconfirmed", "newsletter"), 2, "{run}");
    assert_eq!(items(&run, "entries", "media-accreditation"), 1, "{run}");
    assert_eq!(run["rewritten"], serde_json::json!(["tickets"]), "{run}");
    let told = run.to_string();
    assert!(!told.contains("example.org"), "{told}");
    assert_eq!(office.offer("newsletter", "presse").await["pending"], 0);
    assert_eq!(office.offer("accreditation", "sommerfest").await["erased"], 1);
    let run = retention(&office, &["run"]).await;
    assert_eq!(items(&run, "entries", "newsletter"), 0);
}

async fn an_accreditation_that_nobody_exports_goes_by_itself(backend: Backend) {
    let Some(mut office) = Office::on(backend).await else {
        return;
    };
    office
        .form(
            "/akkreditierung/sommerfest",
            &application("erika", "Rede"),
            200,
            "Postfach",
        )
        .await;
    let link = office.links("erika@", "bestaetigen").await.remove(0);
    office.form(&link, "", 200, "Bestätigt").await;
    office.after(15 * 24 * HOUR_S).await;
    eventually("the entries to be erased", async || {
        (office.offer("accreditation", "sommerfest").await["erased"] == 1).then_some(())
    })
    .await;
}

async fn what_waits_for_the_mail_server_survives_a_kill(backend: Backend) {
    let Some(mut office) = Office::on(backend).await else {
        return;
    };
    office.server.stop();
    office
        .form(
            "/newsletter",
            &subscription("erika@example.org", &["presse"]),
            200,
            "Postfach",
        )
        .await;
    office.after(0).await;
    let waits = office.node.run(&["mail", "list", "--json"]).await.exits(0);
    let [mail] = &waits.json_lines()[..] else {
        panic!("one mail: {}", waits.stdout)
    };
    assert_eq!(
        (&mail["about"], &mail["procedure"]),
        (&"registration".into(), &"newsletter".into())
    );
    assert!(
        !waits.stdout.contains("erika") && mail["recipient"].as_str().is_some_and(|to| to.ends_with("rg"))
    );
    office.server.start_again();
    let link = office.links("erika@", "bestaetigen").await.remove(0);
    office.form(&link, "", 200, "Bestätigt").await;
    office.node.kill().await;
    office.node.start_again().await;
    assert_eq!(office.offer("newsletter", "presse").await["confirmed"], 1);
    assert_eq!(
        office
            .server
            .mails_to("erika@")
            .iter()
            .filter(|mail| { !links_in(mail, "https://example.org/eintrag/bestaetigen/").is_empty() })
            .count(),
        1,
        "one mail asks"
    );
}

async fn an_account_is_taken_only_for_what_is_to_be_paid(backend: Backend) {
    let Some(office) = Office::on(backend).await else {
        return;
    };
    let order = async |brochures: &str| {
        let ordered = format!("brochures={brochures}");
        let mut command = vec![
            "ticket",
            "log",
            "--procedure",
            "brochure-order",
            "--json",
            "--field",
            &ordered,
        ];
        for field in [
            "name=Groß",
            "street=Königsallee",
            "postal_code=40212",
            "town=Düsseldorf",
            "iban=DE02120300000000202051",
            "account_holder=Erika Groß",
        ] {
            command.extend(["--field", field]);
        }
        office.node.run(&command).await
    };
    order("2 x wegweiser")
        .await
        .exits(2)
        .fails_with("iban: leave it empty: what is ordered is free");
    order("1 x Landesplan")
        .await
        .exits(2)
        .fails_with("there are wegweiser, atlas");
    let logged = order("2 x wegweiser\n1 x Atlas NRW").await.exits(0).json();
    assert_eq!(logged["procedure"], "brochure-order");
}

async fn forms_are_limited_by_address(backend: Backend) {
    let Some(office) = Office::on(backend).await else {
        return;
    };
    for number in 0..100 {
        let form = subscription(&format!("nobody{number}@example.org"), &["unbekannt"]);
        let answer = office.node.page("/newsletter", None, Some(&form)).await;
        if answer.status == 429 {
            assert!(number >= 20, "an office can share an address: {number}");
            assert!(answer.body.contains("sehr viele Formulare"), "{}", answer.body);
            return;
        }
        assert_eq!(answer.status, 422, "{}", answer.body);
    }
    panic!("nobody was told to wait");
}

cases! {
    a_subscription_holds_once_it_is_confirmed_and_until_it_is_ended,
    who_cannot_be_reached_is_erased,
    what_is_not_confirmed_is_gone_after_a_week,
    an_accreditation_goes_with_its_export_after_the_deadline,
    an_accreditation_that_nobody_exports_goes_by_itself,
    plans_tell_what_becomes_of_entries_and_runs_prove_it,
    what_waits_for_the_mail_server_survives_a_kill,
    an_account_is_taken_only_for_what_is_to_be_paid,
    forms_are_limited_by_address,
}
