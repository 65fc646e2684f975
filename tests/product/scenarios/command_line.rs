//! The command line: help, completions, and exit codes that mean something.

use testkit::command::alone;
use testkit::{Backend, Builder, TestNode};

/// A command, and what its help must mention.
type Explained = (&'static [&'static str], &'static [&'static str]);

/// What operators use.
const OF_OPERATORS: &[Explained] = &[
    (
        &[],
        &[
            "up",
            "serve",
            "config",
            "topics",
            "import",
            "report",
            "simulate",
            "callback",
            "Exit codes",
        ],
    ),
    (
        &["up"],
        &[
            "--data", "--config", "--empty", "--listen", "--bus", "--store", "--set",
        ],
    ),
    (
        &["serve"],
        &[
            "--role", "--data", "--config", "--listen", "--bus", "--store", "--set",
        ],
    ),
    (&["config"], &["show", "check", "sample"]),
    (&["config", "show"], &["--config", "--set", "--json"]),
    (&["config", "check"], &["--config", "--set"]),
    (&["config", "sample"], &["--routing"]),
    (&["topics"], &["apply", "check"]),
    (&["topics", "apply"], &["--bus", "--data", "--config", "--json"]),
    (&["topics", "check"], &["--bus", "--data", "--config", "--json"]),
];

/// What feeds, agents and departments use.
const OF_USERS: &[Explained] = &[
    (
        &["import"],
        &[
            "--format",
            "hotline-export",
            "--source",
            "--map",
            "--wait",
            "--json",
            "--server",
        ],
    ),
    (&["report"], &["totals", "rejected"]),
    (
        &["report", "totals"],
        &[
            "--from",
            "--to",
            "--by",
            "--within",
            "--json",
            "--server",
            "NRWDIREKT_SERVER",
        ],
    ),
    (&["report", "rejected"], &["--max", "--json", "--server"]),
    (
        &["simulate"],
        &[
            "--seed", "--from", "--to", "--as", "--speed", "--dirt", "--truth", "--wait", "--json",
        ],
    ),
    (
        &["callback", "log"],
        &[
            "--salutation",
            "--name",
            "--first-name",
            "--email",
            "--street",
            "--house-number",
            "--postal-code",
            "--town",
            "--phone",
            "--concern",
            "--hotline",
            "--call",
            "--category",
            "--add-to",
            "--json",
            "--server",
        ],
    ),
    (&["ticket", "show"], &["--json", "--server"]),
    (
        &["ticket", "find"],
        &[
            "--phone",
            "--name",
            "--postal-code",
            "--max",
            "--json",
            "--server",
        ],
    ),
    (
        &["ticket", "log"],
        &[
            "--procedure",
            "--field",
            "--hotline",
            "--category",
            "--add-to",
            "--json",
            "--server",
        ],
    ),
    (
        &["ticket", "list"],
        &[
            "--department",
            "--procedure",
            "--state",
            "--due-before",
            "--max",
            "--json",
            "--server",
        ],
    ),
    (
        &["route", "explain"],
        &[
            "--hotline",
            "--category",
            "--postal-code",
            "--concern",
            "--at",
            "--local",
            "--config",
            "--json",
            "--server",
        ],
    ),
    (&["register", "check"], &["--folder", "--config", "--json"]),
    (&["register", "list"], &["--folder", "--config", "--json"]),
    (&["register", "show"], &["--folder", "--config", "--json"]),
    (&["register", "schema"], &["--procedure", "--folder", "--config"]),
    (&["route", "check"], &["--config", "--rules", "--json"]),
    (&["calendar", "due"], &["--from", "--policy", "--hours", "--json"]),
    (&["calendar", "holidays"], &["--year", "--json"]),
    (
        &["department", "consume"],
        &["--department", "--follow", "--max", "--json", "--server"],
    ),
    (
        &["department", "acls"],
        &[
            "--department",
            "--own-principal",
            "--tool",
            "--bootstrap-server",
            "--config",
            "--set",
            "--json",
        ],
    ),
    (&["mail"], &["list", "retry", "bounced"]),
    (&["mail", "list"], &["--max", "--json", "--server"]),
    (&["mail", "bounced"], &["--recipient", "--server"]),
    (
        &["privacy", "find"],
        &[
            "--phone", "--name", "--email", "--ticket", "--max", "--json", "--server",
        ],
    ),
    (
        &["privacy", "access"],
        &["--phone", "--name", "--out", "--case", "--server"],
    ),
    (&["privacy", "portability"], &["--ticket", "--out", "--server"]),
    (
        &["privacy", "rectify"],
        &["--field", "--reason", "--case", "--json", "--server"],
    ),
    (
        &["privacy", "restrict"],
        &["--ticket", "--phone", "--reason", "--case", "--json", "--server"],
    ),
    (
        &["privacy", "lift"],
        &["--ticket", "--phone", "--reason", "--json", "--server"],
    ),
    (&["privacy", "recipients"], &["--overdue", "--json", "--server"]),
    (
        &["privacy", "confirm"],
        &["--department", "--of", "--reason", "--server"],
    ),
    (
        &["privacy", "case"],
        &[
            "open", "list", "show", "note", "check", "extend", "approve", "decide",
        ],
    ),
    (
        &["privacy", "erase"],
        &[
            "--ticket", "--phone", "--name", "--call", "--reason", "--json", "--server",
        ],
    ),
    (&["privacy", "orders"], &["--max", "--json", "--server"]),
    (
        &["department", "reply"],
        &["--department", "--ticket", "--type", "--json", "--server"],
    ),
];

#[tokio::test]
async fn every_command_explains_itself_and_its_flags() {
    for (command, mentioned) in [OF_OPERATORS, OF_USERS].concat() {
        let help = alone(&[command, &["--help"]].concat()).await.exits(0);
        for word in mentioned {
            assert!(
                help.stdout.contains(word),
                "help of {command:?} does not mention {word}:\n{}",
                help.stdout
            );
        }
    }
}

#[tokio::test]
async fn shells_get_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let completions = alone(&["completions", shell]).await.exits(0).stdout;
        assert!(
            completions.contains("hotline-export"),
            "{shell} completes values of flags"
        );
    }
}

#[tokio::test]
async fn wrong_usage_ends_with_2_and_says_what_is_wrong() {
    let cases: [(&[&str], &str); 14] = [
        (&["imprt"], "imprt"),
        (&["import", "--format", "hotline-export"], "FILE"),
        (&["import", "--format", "unknown", "x.csv"], "unknown"),
        (
            &["report", "totals", "--from", "1999-13-01", "--to", "1999-02-08"],
            "--from",
        ),
        (&["up"], "--data"),
        (&["up", "--data", "d", "--set", "ledger.batch"], "KEY=VALUE"),
        (&["up", "--data", "d", "--set", "ledger.unknown=1"], "unknown"),
        (&["up", "--data", "d", "--set", "ledger.batch=0"], "ledger.batch"),
        (&["up", "--data", "d", "--bus", "carrier-pigeon"], "bus.url"),
        (&["up", "--data", "d", "--store", "mysql://x"], "store.url"),
        (
            &["up", "--data", "d", "--listen", "0.0.0.0:7115"],
            "tls_certificate",
        ),
        (&["up", "--data", "d", "--listen", "[::]:7115"], "tls_certificate"),
        (
            &["config", "check", "--set", "service_level.threshold_s=121"],
            "service_level.threshold_s",
        ),
        (&["topics", "check"], "--data"),
    ];
    for (command, named) in cases {
        let finished = alone(command).await.exits(2);
        assert!(
            finished.stderr.contains(named),
            "{command:?} does not name {named}:\n{}",
            finished.stderr
        );
        assert_eq!(finished.stdout, "", "{command:?}");
    }
}

#[tokio::test]
async fn what_the_server_refuses_is_wrong_usage_too() {
    let node = TestNode::start(Backend::Embedded).await;
    let file = node.file("no-export.csv", "eins;zwei\n1;2\n".as_bytes());
    let cases: [(&[&str], &str); 4] = [
        (
            &["report", "totals", "--from", "1999-02-08", "--to", "1999-02-08"],
            "to",
        ),
        (
            &[
                "report",
                "totals",
                "--from",
                "1999-02-01",
                "--to",
                "1999-02-08",
                "--within",
                "125",
            ],
            "125",
        ),
        (
            &[
                "report",
                "totals",
                "--from",
                "1999-02-01",
                "--to",
                "1999-02-08",
                "--task-type",
                "smoke",
            ],
            "inbound_call",
        ),
        (&["import", "--format", "hotline-export", &file], "no-export.csv"),
    ];
    for (command, named) in cases {
        let finished = node.run(command).await.exits(2);
        assert!(
            finished.stderr.contains(named),
            "{command:?} does not name {named}:\n{}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    let node = TestNode::start(Backend::Embedded).await;
    let import = node
        .run(&["import", "--format", "hotline-export", "missing.csv"])
        .await
        .exits(2);
    assert!(import.stderr.contains("missing.csv"), "{}", import.stderr);
}

#[tokio::test]
async fn without_a_server_commands_end_with_4_and_say_how_to_start_one() {
    let node = Builder::on(Backend::Embedded).prepare().await;
    let file = node.file(
        "export.csv",
        &testkit::export::file(&[], testkit::export::Dress::German),
    );
    let commands: [&[&str]; 3] = [
        &["report", "totals", "--from", "1999-02-01", "--to", "1999-02-08"],
        &["report", "rejected"],
        &["import", "--format", "hotline-export", &file],
    ];
    for command in commands {
        let finished = node.run(command).await.exits(4);
        assert!(
            finished.stderr.contains("nrwdirekt up"),
            "{command:?}:\n{}",
            finished.stderr
        );
        assert_eq!(finished.stdout, "", "{command:?}");
    }
}

#[tokio::test]
async fn with_a_wrong_token_commands_end_with_4() {
    let node = TestNode::start(Backend::Embedded).await;
    let rows = [testkit::export::Row::answered(
        "2024-03-04 09:00:00",
        "Bürgertelefon",
    )];
    let file = node.file(
        "export.csv",
        &testkit::export::file(&rows, testkit::export::Dress::German),
    );
    let commands: [&[&str]; 3] = [
        &["report", "totals", "--from", "1999-02-01", "--to", "1999-02-08"],
        &["report", "rejected"],
        &["import", "--format", "hotline-export", &file],
    ];
    for command in commands {
        let mut wrong = node.command(command);
        wrong.env("NRWDIREKT_TOKEN", "wrong");
        let finished = testkit::command::finish(wrong).await.exits(4);
        assert!(
            finished.stderr.contains("token"),
            "{command:?}:\n{}",
            finished.stderr
        );
    }
}

#[tokio::test]
async fn a_folder_in_use_is_refused() {
    let mut node = TestNode::start(Backend::Embedded).await;
    let data = node.data();
    let data = data.to_str().expect("a path of text");
    let second = node
        .run(&["up", "--empty", "--data", data, "--listen", "127.0.0.1:0"])
        .await
        .exits(2);
    assert!(second.stderr.contains("another node"), "{}", second.stderr);
    assert_eq!(second.stdout, "", "it never said that it was ready");
    node.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_refused_with_the_remedy() {
    let node = TestNode::start(Backend::Embedded).await;
    let data = node.home().join("other");
    let data = data.to_str().expect("a path of text");
    let listen = format!("127.0.0.1:{}", node.port());
    let second = node
        .run(&["up", "--empty", "--data", data, "--listen", &listen])
        .await;
    assert!(second.stderr.contains("--listen"), "{}", second.stderr);
    assert_ne!(second.code, Some(0));
}

#[tokio::test]
async fn the_sample_is_a_configuration_and_is_what_applies_without_one() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let sample = alone(&["config", "sample"]).await.exits(0).stdout;
    let routing = alone(&["config", "sample", "--routing"]).await.exits(0).stdout;
    let config = home.path().join("nrwdirekt.toml");
    let named = "file = \"routing.toml\"";
    assert!(
        sample.contains(&format!("# {named}")),
        "the sample shows how a file of rules is named"
    );
    let with_routing = sample.replace(&format!("# {named}"), named);
    std::fs::write(&config, with_routing).expect("a file");
    std::fs::write(home.path().join("routing.toml"), routing).expect("a file");
    let config = config.to_str().expect("a path of text");
    alone(&["config", "check", "--config", config]).await.exits(0);
    let from_sample = alone(&[
        "config",
        "show",
        "--config",
        config,
        "--set",
        "routing.file=x",
        "--json",
    ])
    .await;
    let built_in = alone(&["config", "show", "--set", "routing.file=x", "--json"]).await;
    assert_eq!(from_sample.exits(0).json(), built_in.exits(0).json());
}

#[tokio::test]
async fn secrets_are_masked_when_the_configuration_is_shown() {
    let shown = alone(&[
        "config",
        "show",
        "--set",
        "store.url=postgres://hotline:geheim-1@db.example/hotline",
        "--set",
        "bus.kafka={\"sasl.password\" = \"geheim-2\", \"ssl.key.password\" = \"geheim-3\"}",
    ])
    .await
    .exits(0);
    assert!(!shown.stdout.contains("geheim"), "{}", shown.stdout);
    assert!(
        shown.stdout.contains("hotline:***@db.example"),
        "{}",
        shown.stdout
    );
}

#[tokio::test]
async fn serving_some_roles_on_storage_that_was_not_prepared_is_refused_with_the_remedy() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let data = home.path().join("data");
    let data = data.to_str().expect("a path of text");
    let serve = [
        "serve",
        "--role",
        "intake",
        "--data",
        data,
        "--listen",
        "127.0.0.1:0",
    ];
    let serve = testkit::command::finish(testkit::command::command(home.path(), &serve)).await;
    assert_ne!(serve.code, Some(0));
    assert!(
        serve.stderr.contains("run `nrwdirekt up` once"),
        "{}",
        serve.stderr
    );
    assert_eq!(serve.stdout, "", "it never said that it was ready");
}
