//! Restores that are refused, with what is to be done, and leave everything as it was.

use testkit::{Backend, TestNode};

use super::{import, log};
use crate::backups::{Safe, names, words};

/// Files of 512 bytes times 200 at most, less than a database; one at its limit is an error, and not the end.
const WITH_SMALL_FILES: &str = r#"trap "" XFSZ && ulimit -f 200 && exec "$0" "$@""#;

/// A restore that is refused, with these words; nothing is there afterwards.
async fn refused(safe: &Safe, backup: &str, into: &TestNode, with: &[&str], says: &str) {
    let mut command = safe.restoring(backup, into);
    command.extend(with.iter().map(|&word| word.to_owned()));
    let refused = safe.run(&words(&command)).await.exits(2);
    refused.fails_with(says);
    assert!(!into.data().exists(), "{says}: a folder is left");
    assert!(
        !into.home().join("data.part").exists(),
        "{says}: half a folder is left"
    );
}

#[tokio::test]
async fn what_cannot_be_restored_leaves_nothing_and_does_not_spoil_the_next_restore() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let node = safe.node(backend).start().await;
        import(&node, 50).await;
        let backup = safe.back_up(&node).await;
        let second = node.successor().await;
        let other = Safe::new().await;
        let mut wrong = safe.restoring(&backup, &second);
        let key = wrong.iter().position(|word| word == "--key").expect("given");
        wrong[key + 1] = other.key();
        let told = safe.run(&words(&wrong)).await.exits(2);
        told.fails_with("--key: the key does not open this backup");

        let whole = std::fs::read(&backup).expect("there");
        let cut = safe.path("cut.age");
        for (bytes, says) in [
            (whole.len() - 1, "damaged"),
            (whole.len() / 2, "damaged"),
            (20, "--from"),
            (0, "--from"),
        ] {
            std::fs::write(&cut, &whole[..bytes]).expect("written");
            refused(&safe, &cut, &second, &[], says).await;
        }
        let text = safe.path("text.age");
        std::fs::write(&text, "Liebe Kolleginnen und Kollegen").expect("written");
        refused(&safe, &text, &second, &[], "this is no backup of nrwdirekt").await;
        refused(&safe, &safe.path("none.age"), &second, &[], "--from").await;
        refused(&safe, &backup, &second, &["--acts", &safe.path("none")], "--acts").await;
        match second.store() {
            Some(_) => {}
            None => {
                let store = ["--store", "postgres://nobody@127.0.0.1:1/none"];
                refused(&safe, &backup, &second, &store, "leave --store out").await;
            }
        }
        safe.restore(&backup, &second).await;
    })
    .await;
}

#[tokio::test]
async fn a_file_of_what_was_done_that_cannot_be_opened_is_named() {
    Backend::first(|backend| async move {
        let safe = Safe::new().await;
        let node = safe.node(backend).start().await;
        let ticket = log(&node, "0221 4710123", "Gros").await;
        let backup = safe.back_up(&node).await;
        let restrict = ["privacy", "restrict", "--ticket", &ticket, "--reason", "so"];
        node.run(&restrict).await.exits(0);
        let folder = safe.backups().join("acts");
        let name = names(&folder)
            .into_iter()
            .find(|name| name.contains(&ticket))
            .expect("it is written");
        let whole = std::fs::read(folder.join(&name)).expect("there");
        std::fs::write(folder.join(&name), &whole[..whole.len() - 1]).expect("cut");
        let second = node.successor().await;
        refused(&safe, &backup, &second, &[], &name).await;
        std::fs::write(folder.join(&name), &whole).expect("whole again");
        let restored = safe.restore(&backup, &second).await;
        assert_eq!(restored["acts_redone"]["tickets"], 1, "{restored}");
    })
    .await;
}

#[tokio::test]
async fn a_backup_of_a_newer_program_is_refused() {
    Backend::first(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        import(&node, 10).await;
        node.stop().await;
        let newer = rusqlite::Connection::open(node.data().join("tickets.db")).expect("a database");
        let changed = newer.execute(
            "UPDATE refinery_schema_history SET version = 9000
             WHERE version = (SELECT max(version) FROM refinery_schema_history)",
            [],
        );
        assert_eq!(changed.expect("changed"), 1);
        drop(newer);
        let recipient = node
            .arguments()
            .iter()
            .find(|it| it.starts_with("backup.recipient="));
        let recipient = recipient.expect("set").clone();
        let to = safe.path("newer.age");
        let data = node.data();
        let data = data.to_str().expect("a path of text");
        let make = ["backup", "--set", &recipient, "--to", &to, "--data", data];
        safe.run(&make).await.exits(0);
        let second = node.successor().await;
        refused(&safe, &to, &second, &[], "newer").await;
    })
    .await;
}

#[tokio::test]
async fn two_restores_at_once_are_one_and_a_refusal() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let node = safe.node(backend).start().await;
        import(&node, 500).await;
        let backup = safe.back_up(&node).await;
        let mut second = node.successor().await;
        let restoring = safe.restoring(&backup, &second);
        let restoring = words(&restoring);
        let (one, two) = tokio::join!(safe.run(&restoring), safe.run(&restoring));
        let done = [&one, &two].into_iter().filter(|it| it.code == Some(0)).count();
        assert_eq!(done, 1, "{one:?} {two:?}");
        let refused = [one, two].into_iter().find(|it| it.code != Some(0));
        refused.expect("one").exits(2);
        second.start_again().await;
        assert_eq!(
            crate::figures::of_the_invented_week(&second).await,
            crate::figures::of_the_invented_week(&node).await
        );
    })
    .await;
}

#[tokio::test]
async fn a_full_disk_leaves_nothing_and_the_next_restore_is_whole() {
    Backend::first(|backend| async move {
        let safe = Safe::new().await;
        let node = safe.node(backend).start().await;
        import(&node, 500).await;
        let backup = safe.back_up(&node).await;
        let second = node.successor().await;
        let restoring = safe.restoring(&backup, &second);
        let plain = testkit::command::command(second.home(), &words(&restoring));
        let mut command = tokio::process::Command::new("sh");
        command
            .args(["-c", WITH_SMALL_FILES])
            .arg(plain.as_std().get_program())
            .args(plain.as_std().get_args());
        let refused = command.output().await.expect("it can be started");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_ne!(refused.status.code(), Some(0), "{said}");
        assert!(said.contains("no room"), "{said}");
        assert!(!second.data().exists() && !second.home().join("data.part").exists());
        safe.restore(&backup, &second).await;
    })
    .await;
}
