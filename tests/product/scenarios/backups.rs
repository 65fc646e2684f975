//! Backups while a node runs, and what comes of them.

mod refused;
mod since;

use std::collections::BTreeMap;

use serde_json::Value;
use testkit::export::{self, Dress};
use testkit::{Backend, Builder, Dice, TestNode, eventually, reports};

use crate::backups::{Safe, names, words};
use crate::figures;

async fn log(node: &TestNode, phone: &str, name: &str) -> String {
    let command = [
        "callback",
        "log",
        "--json",
        "--hotline",
        "Steuern und Finanzen",
        "--phone",
        phone,
        "--name",
        name,
        "--concern",
        "Frage",
    ];
    let logged = node.run(&command).await;
    let logged = logged.exits(0).json();
    logged["ticket_id"].as_str().expect("a number").to_owned()
}

async fn ticket(node: &TestNode, id: &str) -> Value {
    node.run(&["ticket", "show", id, "--json"]).await.exits(0).json()
}

/// Imports invented rows, so that there is something to compare.
async fn import(node: &TestNode, rows: usize) {
    let file = node.file(
        "export.csv",
        &export::file(&export::invented(rows, &mut Dice::new()), Dress::German),
    );
    let import = ["import", "--format", "hotline-export", "--wait", "--json", &file];
    node.run(&import).await.exits(0);
}

/// What the department has on its topic, by ticket: the last version, or none after a tombstone.
async fn on_topic(node: &TestNode, department: &str) -> BTreeMap<String, Option<i64>> {
    let consumed = node
        .run(&["department", "consume", "--department", department, "--json"])
        .await
        .exits(0);
    let mut there = BTreeMap::new();
    for message in consumed.json_lines() {
        let key = message["key"].as_str().unwrap_or_default().to_owned();
        let version = message["headers"]["ce_ticketversion"]
            .as_str()
            .and_then(|it| it.parse().ok());
        there.insert(key, version.filter(|_| !message["ticket"].is_null()));
    }
    there
}

#[tokio::test]
async fn a_restored_node_tells_what_the_first_one_told() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        import(&node, 500).await;
        let id = log(&node, "0221 4710123", "Groß").await;
        let department = eventually("the ticket to be handed over", async || {
            let shown = ticket(&node, &id).await;
            (shown["state"] == "handed_over").then(|| shown["department"].as_str().expect("one").to_owned())
        })
        .await;
        let figures = figures::of_the_invented_week(&node).await;
        let before = ticket(&node, &id).await;
        let backup = safe.back_up(&node).await;
        node.kill().await;

        let mut second = node.successor().await;
        let restored = safe.restore(&backup, &second).await;
        second.start_again().await;
        assert_eq!(figures::of_the_invented_week(&second).await, figures);
        let told = safe.verify(&backup, Some(&safe.key())).await.1;
        assert_eq!(restored["figures"], told["figures"]);
        let after = ticket(&second, &id).await;
        for field in ["fields", "state", "department", "due_at", "created_at"] {
            assert_eq!(after[field], before[field], "{field}");
        }
        // The department has seen versions that the backup may not know: what comes now must be newer.
        let raised = before["version"].as_i64().expect("a version") + 10_000;
        assert_eq!(after["version"], raised);
        eventually("the ticket to be handed over anew", async || {
            let there = on_topic(&second, &department).await;
            (there.get(&id) == Some(&Some(raised))).then_some(())
        })
        .await;
        let audit = second
            .run(&["privacy", "audit", "verify", "--json"])
            .await
            .exits(0);
        assert_eq!(audit.json()["broken_at"], Value::Null);
        // It goes on to work.
        import(&second, 500).await;
        assert_ne!(log(&second, "0211 8371001", "Klein").await, id);
    })
    .await;
}

#[tokio::test]
async fn what_kafka_still_has_is_read_again_and_tickets_that_are_lost_leave_their_topic() {
    Backend::on_servers(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        let send = async |node: &TestNode, number: u64, first: u32| {
            let batch = reports::batch(number, reports::calls(first, 30));
            let receipt = node
                .intake()
                .submit_reports(batch)
                .await
                .expect("taken")
                .into_inner();
            node.await_figures(reports::positions([&receipt])).await;
        };
        send(&node, 1, 0).await;
        let known = log(&node, "0221 4710123", "Groß").await;
        let backup = safe.back_up(&node).await;
        send(&node, 2, 30).await;
        let lost = log(&node, "0211 8371001", "Klein").await;
        let department = ticket(&node, &lost).await["department"]
            .as_str()
            .expect("one")
            .to_owned();
        eventually("both tickets to be on the topic", async || {
            let there = on_topic(&node, &department).await;
            [&known, &lost]
                .iter()
                .all(|id| there.contains_key(*id))
                .then_some(())
        })
        .await;
        let figures = figures::report(&node, reports::DAY).await;
        node.kill().await;

        let mut second = node.successor().await;
        safe.restore(&backup, &second).await;
        second.start_again().await;
        // Reports since the backup are on the topic: the ledger reads on from the position of the backup.
        eventually("the figures of before", async || {
            (figures::report(&second, reports::DAY).await == figures).then_some(())
        })
        .await;
        eventually("the lost ticket to be taken off the topic", async || {
            let there = on_topic(&second, &department).await;
            let is_newer = there
                .get(&known)
                .copied()
                .flatten()
                .is_some_and(|version| version > 10_000);
            (there.get(&lost) == Some(&None) && is_newer).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_backup_is_verified_with_and_without_the_key() {
    Backend::first(|backend| async move {
        let safe = Safe::new().await;
        let node = safe.node(backend).start().await;
        import(&node, 50).await;
        let backup = safe.back_up(&node).await;

        let (code, told) = safe.verify(&backup, None).await;
        assert_eq!(
            (code, &told["whole"], &told["opened"]),
            (Some(0), &true.into(), &false.into())
        );
        let (code, told) = safe.verify(&backup, Some(&safe.key())).await;
        assert_eq!(
            (code, &told["whole"], &told["opened"]),
            (Some(0), &true.into(), &true.into())
        );
        assert_eq!(
            told["figures"]["contacts"],
            figures::of_the_invented_week(&node).await["total"]["contacts"]
        );

        let other = safe.path("other.txt");
        safe.run(&["backup", "key", "--to", &other]).await.exits(0);
        safe.run(&["backup", "key", "--to", &other]).await.exits(2);
        let (code, told) = safe.verify(&backup, Some(&other)).await;
        assert_eq!(code, Some(2));
        assert!(told.to_string().contains("made for another recipient"), "{told}");

        let content = std::fs::read(&backup).expect("the backup");
        let nowhere = |needle: &str| {
            !content
                .windows(needle.len())
                .any(|part| part == needle.as_bytes())
        };
        assert!(
            nowhere("SQLite format") && nowhere("nrwdirekt.calls"),
            "it is encrypted"
        );
        let mut dice = Dice::new();
        for _ in 0..5 {
            let mut bad = content.clone();
            let place = dice.between(0, bad.len() as u64 - 1) as usize;
            bad[place] ^= 1 << dice.between(0, 7);
            std::fs::write(&backup, &bad).expect("written");
            for key in [None, Some(safe.key())] {
                let (code, told) = safe.verify(&backup, key.as_deref()).await;
                assert_eq!(
                    (code, &told["whole"]),
                    (Some(1), &false.into()),
                    "bit in {place}: {told}"
                );
            }
            let label = backup.replace(".age", ".json");
            std::fs::rename(&label, safe.path("label")).expect("moved");
            let (code, told) = safe.verify(&backup, Some(&safe.key())).await;
            assert!(matches!(code, Some(1 | 2)), "bit in {place}, no label: {told}");
            std::fs::rename(safe.path("label"), &label).expect("moved");
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_recipient_none_is_made_and_the_remedy_is_told() {
    Backend::first(|backend| async move {
        let node = TestNode::start(backend).await;
        let refused = node.run(&["backup"]).await.exits(2);
        refused.fails_with("backup.recipient");
        assert_eq!(node.run(&["backup", "list"]).await.exits(0).stdout, "");
        let mut wrong = Builder::on(backend)
            .set("backup.recipient", "age1nobody")
            .prepare()
            .await;
        wrong.try_to_start().await.expect_err("refused");
        assert!(wrong.log().contains("backup.recipient"), "{}", wrong.log());
    })
    .await;
}

#[tokio::test]
async fn backups_come_by_themselves_and_go_after_six_weeks() {
    Backend::first(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        let listed = async |node: &TestNode| {
            node.run(&["backup", "list", "--json"])
                .await
                .exits(0)
                .json_lines()
        };
        let first = eventually("the first backup", async || {
            listed(&node).await.into_iter().next()
        })
        .await;
        node.stop().await;
        // A day later another one is due, after 42 days the first one goes.
        for (days, count) in [(2, 2), (43, 2)] {
            let ahead = (days * 86_400).to_string();
            node.set_variable("NRWDIREKT_TEST_CLOCK_AHEAD_S", Some(&ahead));
            node.start_again().await;
            eventually("the backups of that day", async || {
                let there = listed(&node).await;
                let has_first = there.iter().any(|backup| backup["id"] == first["id"]);
                (there.len() == count && has_first == (days < 42)).then_some(())
            })
            .await;
            let metrics = node.get("/metrics", Some(&node.token())).await.body;
            assert!(metrics.contains("nrwdirekt_backup_age_seconds"), "{metrics}");
            node.stop().await;
        }
        let files = names(&safe.backups());
        let backups = files.iter().filter(|name| name.starts_with("nrwdirekt-"));
        assert_eq!(backups.count(), 4, "two backups with their labels: {files:?}");
    })
    .await;
}

#[tokio::test]
async fn a_stopped_node_and_a_database_are_backed_up_without_a_server() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        import(&node, 50).await;
        let figures = figures::of_the_invented_week(&node).await;
        let data = node.data();
        let data = data.to_str().expect("a path of text");
        let recipient = node
            .arguments()
            .iter()
            .find(|it| it.starts_with("backup.recipient="));
        let recipient = recipient.expect("set").clone();
        let to = safe.path("one.age");
        let mut command = vec!["backup", "--json", "--set", &recipient, "--to", &to];
        let store = node.store().map(str::to_owned);
        match &store {
            Some(store) => command.extend(["--store", store]),
            None => command.extend(["--data", data]),
        }
        if store.is_none() {
            safe.run(&command)
                .await
                .exits(2)
                .fails_with("another node is using this folder");
        }
        node.stop().await;
        safe.run(&command).await.exits(0);
        let mut second = node.successor().await;
        safe.restore(&to, &second).await;
        second.start_again().await;
        assert_eq!(figures::of_the_invented_week(&second).await, figures);
    })
    .await;
}

#[tokio::test]
async fn a_restore_writes_over_nothing() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let node = safe.node(backend).start().await;
        import(&node, 20).await;
        let backup = safe.back_up(&node).await;
        let over = safe.run(&words(&safe.restoring(&backup, &node))).await.exits(2);
        over.fails_with("another node is using this folder");
        let second = node.successor().await;
        std::fs::create_dir(second.data()).expect("made");
        std::fs::write(second.data().join("letter"), "mine").expect("written");
        let over = safe.run(&words(&safe.restoring(&backup, &second))).await.exits(2);
        over.fails_with("it is not empty");
        std::fs::remove_file(second.data().join("letter")).expect("removed");
        safe.restore(&backup, &second).await;
        if let Some(store) = second.store() {
            let other = safe.path("other");
            let words = [
                "restore",
                "--from",
                &backup,
                "--key",
                &safe.key(),
                "--data",
                &other,
                "--store",
                store,
            ];
            safe.run(&words)
                .await
                .exits(2)
                .fails_with("the database is not empty");
        }
    })
    .await;
}
