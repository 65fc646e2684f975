//! What a node logs, measures and answers as errors says nothing about citizens.

use testkit::export::{self, Dress, Row};
use testkit::{Backend, Builder, TestNode};

/// What a citizen is known by, and what was said.
const MARKS: [&str; 8] = [
    "Lautenschläger",
    "Gerlinde",
    "4710815",
    "gerlinde.l@example.org",
    "Nachtigallenweg",
    "Kummerkasten",
    "geheimes-kennwort",
    "Tippfehlername",
];

/// Everything that this program says; of the libraries what installations see.
const LOGGED: &str = "info,nrwdirekt=debug,access=debug,intake=debug,ledger=debug,ticketing=debug,handover=debug,\
                      reporting=debug,privacy=debug,console=debug,store=debug,bus=debug";

/// The same names as a browser and a log in JSON would write them.
fn spellings(mark: &str) -> [String; 3] {
    let encoded: String = mark
        .bytes()
        .map(|byte| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect();
    let escaped = mark
        .escape_unicode()
        .to_string()
        .replace("\\u{", "\\u")
        .replace('}', "");
    [mark.to_owned(), encoded, escaped]
}

async fn log_a_callback(node: &TestNode) -> String {
    let log = [
        "callback",
        "log",
        "--json",
        "--hotline",
        "Umwelt",
        "--name",
        "Lautenschläger",
        "--first-name",
        "Gerlinde",
        "--phone",
        "0221 4710815",
        "--email",
        "gerlinde.l@example.org",
        "--street",
        "Nachtigallenweg",
        "--postal-code",
        "50667",
        "--concern",
        "Kummerkasten",
    ];
    let logged = node.run(&log).await.exits(0).json();
    logged["ticket_id"].as_str().expect("a number").to_owned()
}

/// Whatever can be done with a citizen's data from outside, right and wrong.
async fn everything(node: &TestNode) {
    let ticket = log_a_callback(node).await;
    for (command, codes) in [
        (vec!["ticket", "show", ticket.as_str()], [0, 0]),
        (vec!["ticket", "find", "--phone", "+49 221 4710815"], [0, 0]),
        (vec!["ticket", "find", "--name", "Lautenschläger"], [0, 0]),
        (vec!["ticket", "show", "Lautenschläger"], [2, 2]),
        (vec!["call", "list", "--number", "0221 4710815"], [0, 2]),
        (vec!["call", "show", "Lautenschläger"], [2, 2]),
        (
            vec![
                "callback",
                "log",
                "--hotline",
                "Umwelt",
                "--phone",
                "4710815 Gerlinde",
                "--email",
                "gerlinde.l@example.org@",
                "--concern",
                "Kummerkasten",
                "--postal-code",
                "Nachtigallenweg",
            ],
            [2, 2],
        ),
        (
            vec![
                "ticket",
                "close",
                ticket.as_str(),
                "--reason",
                "Kummerkasten von Lautenschläger",
            ],
            [0, 0],
        ),
    ] {
        let done = node.run(&command).await;
        let code = done.code;
        assert!(
            code.is_some_and(|code| codes.contains(&code)),
            "{command:?}: {done:?}"
        );
    }
    let rows = [
        Row::answered("2024-03-04 09:00:00", "Bürgertelefon")
            .instead(domain::record::Field::Caller, "0221 4710815"),
        Row::answered("2024-03-04 09:00:00", "Bürgertelefon")
            .instead(domain::record::Field::ConnectionStatus, "Lautenschläger"),
        Row::answered("2024-03-04 09:00:00", "Bürgertelefon")
            .instead(domain::record::Field::StartedAt, "Nachtigallenweg"),
    ];
    let file = node.file("export.csv", &export::file(&rows, Dress::German));
    node.run(&["import", "--format", "hotline-export", "--wait", &file])
        .await
        .exits(3);
    for form in [
        "name=Tippfehlername&kennwort=geheimes-kennwort",
        "name=gerlinde.l%40example.org&kennwort=geheimes-kennwort",
        "kennwort=geheimes-kennwort",
    ] {
        node.page("/anmelden", None, Some(form)).await;
    }
    for path in [
        "/vorgaenge/Lautenschl%C3%A4ger",
        "/vorgaenge?suche=gerlinde.l%40example.org",
        "/Nachtigallenweg",
        "/anmelden?weiter=/Kummerkasten",
    ] {
        node.page(path, None, None).await;
    }
}

#[tokio::test]
async fn neither_log_nor_metrics_say_anything_about_citizens() {
    Backend::each(|backend| async move {
        let mut node = Builder::on(backend)
            .variable("NRWDIREKT_LOG", LOGGED)
            .start()
            .await;
        everything(&node).await;
        let metrics = node.get("/metrics", Some(&node.token())).await.body;
        assert!(metrics.contains("nrwdirekt_"), "{metrics}");
        // Once more, with a store and a bus that recover from a kill.
        node.kill().await;
        node.start_again().await;
        log_a_callback(&node).await;
        node.stop().await;
        let log = node.log();
        assert!(!log.is_empty());
        for mark in MARKS {
            for spelling in spellings(mark) {
                let line = log.lines().find(|line| line.contains(&spelling));
                assert!(line.is_none(), "{spelling} is in the log: {line:?}");
                assert!(!metrics.contains(&spelling), "{spelling} is in the metrics");
            }
        }
    })
    .await;
}
