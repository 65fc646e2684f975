//! Backups and restores that are disturbed.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use testkit::{Backend, Dice, OwnServers, TestNode, eventually, reports};

use super::erasure::entries::{entries, registering, subscribe};
use super::erasure::files_with;
use super::load::Load;
use crate::backups::{Safe, names, words};
use crate::figures;

/// Starts the node so that a file at its limit is an error, and not the end.
const WITH_LIMITED_FILES: &str = r#"trap "" XFSZ && exec "$@""#;

#[tokio::test]
async fn a_backup_under_load_has_all_that_was_acknowledged_before_it() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        let mut dice = Dice::new();
        let mut load = Load::of(600);
        let mut early = Load::of(100);
        early.send(node.connection()).await.expect("nothing fails");
        let connection = node.connection();
        let backing_up = async {
            tokio::time::sleep(dice.duration(Duration::from_millis(5), Duration::from_millis(300))).await;
            let backup = safe.back_up(&node).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            backup
        };
        let (sent, backup) = tokio::join!(load.send(connection), backing_up);
        sent.expect("nothing fails");
        node.kill().await;

        let mut second = node.successor().await;
        safe.restore(&backup, &second).await;
        second.start_again().await;
        // On a bus of its own the positions of the receipts may lie behind the end: the figures are waited for.
        let answered = async |node: &TestNode| {
            figures::total(&node.totals(reports::DAY.0, reports::DAY.1).await).answered
        };
        eventually("everything of before the backup", async || {
            (answered(&second).await >= early.acknowledged()).then_some(())
        })
        .await;
        // Whatever is missing is sent again, and then the figures are those of a node that nothing happened to.
        load.send_everything_again(&second).await;
        load.check_complete(&second).await;
    })
    .await;
}

#[tokio::test]
async fn a_restore_that_is_killed_leaves_nothing_that_a_node_takes() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let node = safe.node(backend).start().await;
        let mut load = Load::of(100);
        load.send(node.connection()).await.expect("nothing fails");
        load.check_complete(&node).await;
        let expected = figures::report(&node, reports::DAY).await;
        let log = ["callback", "log", "--json", "--hotline", "Steuern und Finanzen"];
        let citizen = ["--name", "Gros", "--phone", "0221 4710123", "--concern", "Frage"];
        let logged = node.run(&[&log[..], &citizen].concat()).await.exits(0).json();
        let ticket = logged["ticket_id"].as_str().expect("a number").to_owned();
        let backup = safe.back_up(&node).await;
        let restrict = ["privacy", "restrict", "--ticket", &ticket, "--reason", "so"];
        node.run(&restrict).await.exits(0);

        let mut second = node.successor().await;
        let restoring = safe.restoring(&backup, &second);
        let mut dice = Dice::new();
        for _ in 0..8 {
            let mut command = testkit::command::command(second.home(), &words(&restoring));
            let mut running = command.spawn().expect("the program can be started");
            tokio::time::sleep(dice.duration(Duration::from_millis(5), Duration::from_millis(500))).await;
            running.kill().await.expect("it can be killed");
            if second.data().exists() && second.store().is_none() {
                break;
            }
            if second.store().is_some() && !second.data().exists() {
                // There is nothing yet, or what is half: no node takes it.
                let mut beside = second.beside("reporting").prepare().await;
                beside.try_to_start().await.expect_err("refused");
            }
            let half = second.home().join("data.part");
            if half.join("restoring").exists() {
                let half = half.to_str().expect("a path of text");
                let up = ["up", "--empty", "--data", half, "--listen", "127.0.0.1:0"];
                let refused = testkit::command::finish(testkit::command::command(second.home(), &up)).await;
                refused.exits(2).fails_with("run `nrwdirekt restore` again");
            }
        }
        if !second.data().exists() {
            safe.restore(&backup, &second).await;
        } else if second.store().is_some() {
            // Cut at its last step, which is done now; or through, and then nothing is written over.
            let again = safe.run(&words(&restoring)).await;
            assert!(matches!(again.code, Some(0 | 2)), "{again:?}");
        }
        assert!(!second.home().join("data.part").exists());
        second.start_again().await;
        assert_eq!(figures::report(&second, reports::DAY).await, expected);
        let shown = second
            .run(&["ticket", "show", &ticket, "--json"])
            .await
            .exits(0)
            .json();
        let history = shown["history"].as_array().expect("a history").iter();
        let restricted = history.filter(|entry| entry["action"] == "restricted");
        assert_eq!(restricted.count(), 1, "done again, and once: {shown}");
    })
    .await;
}

#[tokio::test]
async fn who_was_erased_since_the_backup_does_not_come_back_with_it() {
    const NAME: &str = "Zwetschgenbaum";
    const ADDRESS: &str = "zwetschgenbaum@example.org";
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let builder = safe.node(backend).set("privacy.erasure_bound_s", "10");
        let mut node = registering(builder, folder.path()).start().await;
        for address in [ADDRESS, "nachbarskind@example.org"] {
            subscribe(&node, address).await;
        }
        let log = async |name: &str, phone: &str| {
            let words = [
                "callback",
                "log",
                "--json",
                "--hotline",
                "Steuern und Finanzen",
                "--name",
                name,
                "--phone",
                phone,
                "--concern",
                "Frage",
            ];
            let logged = node.run(&words).await.exits(0).json();
            logged["ticket_id"].as_str().expect("a number").to_owned()
        };
        let ticket = log(NAME, "0221 4783119").await;
        let other = log("Nachbarskind", "0211 8371001").await;
        let backup = safe.back_up(&node).await;
        let erase = [
            "privacy", "erase", "--ticket", &ticket, "--reason", "Art. 17", "--json",
        ];
        let order = node.run(&erase).await.exits(0).json();
        let order = order["order"].as_str().expect("a number").to_owned();
        let by_person = [
            "privacy", "erase", "--email", ADDRESS, "--reason", "Art. 17", "--json",
        ];
        let of_entries = node.run(&by_person).await.exits(0).json();
        assert_eq!(of_entries["entries"], 1, "{of_entries}");
        assert!(names(&safe.backups()).contains(&"erasures.jsonl".to_owned()));
        node.kill().await;

        let mut second = node.successor().await;
        let restored = safe.restore(&backup, &second).await;
        assert_eq!(restored["erasures_entered"], 2, "{restored}");
        second.start_again().await;
        // From the first answer on: it was erased before anything was served.
        let shown = second
            .run(&["ticket", "show", &ticket, "--json"])
            .await
            .exits(0)
            .json();
        assert_eq!(shown["state"], "erased", "{shown}");
        assert!(!shown.to_string().contains(NAME), "{shown}");
        assert_eq!(entries(&second, ADDRESS).await, Vec::<Value>::new());
        assert_eq!(entries(&second, "nachbarskind@example.org").await.len(), 1);
        let found = second
            .run(&["ticket", "find", "--phone", "0221 4783119", "--json"])
            .await;
        assert_eq!(found.exits(0).stdout, "");
        let shown = second
            .run(&["ticket", "show", &other, "--json"])
            .await
            .exits(0)
            .json();
        assert!(shown.to_string().contains("Nachbarskind"), "{shown}");
        if backend == Backend::Embedded {
            eventually("every place to be clean", async || {
                let list = ["privacy", "orders", "--json"];
                let orders = second.run(&list).await.exits(0).json_lines();
                assert!(
                    orders.iter().any(|state| state["order"] == order.as_str()),
                    "{orders:?}"
                );
                let is_clean = |state: &Value| state["pending"] == serde_json::json!([]);
                orders.iter().all(is_clean).then_some(())
            })
            .await;
            for name in names(&second.data()) {
                let bytes = std::fs::read(second.data().join(&name)).unwrap_or_default();
                let is_there = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
                assert!(
                    !is_there(NAME) && !is_there(ADDRESS),
                    "{name} still has the person"
                );
            }
        }
        // Restored once more, with the journal gone astray and given by hand.
        let third = second.successor().await;
        let journal = safe.path("journal.jsonl");
        std::fs::rename(safe.backups().join("erasures.jsonl"), &journal).expect("moved");
        let mut restoring = safe.restoring(&backup, &third);
        restoring.extend(["--erasures".to_owned(), journal]);
        let restored = safe.run(&words(&restoring)).await.exits(0).json();
        assert_eq!(restored["erasures_entered"], 2, "{restored}");
        if backend == Backend::Embedded {
            let fourth = second.successor().await;
            let mut restoring = safe.restoring(&backup, &fourth);
            let old = node.data().to_str().expect("a path of text").to_owned();
            restoring.extend(["--old-data".to_owned(), old]);
            let restored = safe.run(&words(&restoring)).await.exits(0).json();
            assert_eq!(restored["erasures_entered"], 2, "{restored}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_erased_since_the_backup_is_in_no_file_of_postgresql_either() {
    const NAME: &str = "Zwetschgenbaum";
    let Some(servers) = OwnServers::start() else {
        return;
    };
    let safe = Safe::new().await;
    let mut node = safe.node(Backend::PostgresKafka).start().await;
    let log = ["callback", "log", "--json", "--hotline", "Steuern und Finanzen"];
    let citizen = ["--name", NAME, "--phone", "0221 4783119", "--concern", "Frage"];
    let logged = node.run(&[&log[..], &citizen].concat()).await.exits(0).json();
    let ticket = logged["ticket_id"].as_str().expect("a number").to_owned();
    let backup = safe.back_up(&node).await;
    let rectify = [
        "privacy",
        "rectify",
        &ticket,
        "--reason",
        "so",
        "--field",
        "name=Quittenhild",
    ];
    node.run(&rectify).await.exits(0);
    let erase = [
        "privacy", "erase", "--ticket", &ticket, "--reason", "Art. 17", "--json",
    ];
    let order = node.run(&erase).await.exits(0).json();
    let order = order["order"].as_str().expect("a number").to_owned();
    node.kill().await;

    // A server of its own, with nothing in its folder but what is restored.
    let builder = safe.node(Backend::Embedded).set("privacy.erasure_bound_s", "10");
    let mut second = builder
        .argument("--store")
        .argument(&servers.store)
        .prepare()
        .await;
    safe.restore(&backup, &second).await;
    let [postgres, _] = servers.folders();
    let found = async || (!files_with(&postgres, NAME).is_empty()).then_some(());
    eventually("the person to be in the files", found).await;
    second.start_again().await;
    eventually("every place to be clean", async || {
        let state = second
            .run(&["privacy", "orders", &order, "--json"])
            .await
            .exits(0)
            .json();
        (state["pending"] == serde_json::json!([])).then_some(())
    })
    .await;
    for text in [NAME, "Quittenhild"] {
        for folder in [&postgres, &second.data(), &safe.backups()] {
            assert_eq!(files_with(folder, text), Vec::<PathBuf>::new(), "{text}");
        }
    }
}

#[tokio::test]
async fn a_full_disk_leaves_no_backup_and_the_next_one_is_whole() {
    Backend::first(|backend| async move {
        let safe = Safe::new().await;
        let node = safe
            .node(backend)
            .launched_by(&["sh", "-c", WITH_LIMITED_FILES, "sh"])
            .start()
            .await;
        let mut load = Load::of(100);
        load.send(node.connection()).await.expect("nothing fails");
        load.check_complete(&node).await;
        safe.back_up(&node).await;
        let before = names(&safe.backups());
        // Less than the copies of the databases, and than the backup.
        for bytes in [300_000, 60_000] {
            node.limit_file_size(Some(bytes));
            let refused = node.run(&["backup"]).await;
            node.limit_file_size(None);
            assert_ne!(refused.code, Some(0), "{refused:?}");
            assert_eq!(names(&safe.backups()), before, "nothing is left");
            let copies = names(&node.data())
                .into_iter()
                .filter(|name| name.ends_with(".copy"));
            assert_eq!(copies.count(), 0, "no copy of a database is left");
        }
        let backup = safe.back_up(&node).await;
        let (code, told) = safe.verify(&backup, Some(&safe.key())).await;
        assert_eq!(code, Some(0), "{told}");
    })
    .await;
}

#[tokio::test]
async fn a_node_that_is_killed_while_it_backs_up_leaves_no_backup_that_looks_whole() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        let mut load = Load::of(200);
        load.send(node.connection()).await.expect("nothing fails");
        let mut dice = Dice::new();
        for _ in 0..3 {
            let mut asking = node
                .command(&["backup"])
                .spawn()
                .expect("the program can be started");
            tokio::time::sleep(dice.duration(Duration::from_millis(1), Duration::from_millis(120))).await;
            node.kill().await;
            asking.kill().await.expect("it can be killed");
            for name in names(&safe.backups())
                .iter()
                .filter(|name| name.ends_with(".age"))
            {
                let path = safe.backups().join(name);
                let (code, told) = safe.verify(path.to_str().expect("text"), Some(&safe.key())).await;
                assert_eq!(code, Some(0), "{told}");
            }
            node.start_again().await;
            // What was cut does not show in the next one, and nothing is left of it.
            safe.back_up(&node).await;
            let is_copy = |name: &String| name.ends_with(".copy");
            assert!(!names(&node.data()).iter().any(is_copy), "a copy is left");
        }
        let parts = names(&safe.backups())
            .into_iter()
            .filter(|name| name.ends_with(".part"));
        assert_eq!(parts.count(), 0);
        load.check_complete(&node).await;
    })
    .await;
}
