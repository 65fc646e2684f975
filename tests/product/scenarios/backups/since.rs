//! What was done by right of persons since a backup, after a restore.

use serde_json::{Value, json};
use testkit::{Backend, TestNode, eventually};

use super::{log, ticket};
use crate::backups::{Safe, names, words};

const AHEAD: &str = "NRWDIREKT_TEST_CLOCK_AHEAD_S";
const CRASH: &str = "NRWDIREKT_TEST_CRASH";

const CALLS: &str = "\
Zeitstempel;Task Typ;Anrufer/Absender (Telefonnummer);Eingangsthema (angerufene Hotline);Verbindungsstatus
03.03.2025 09:00:12;Anruf eingehend;0221 4710123;Bürgertelefon;Verbunden
03.03.2025 09:03:40;Anruf eingehend;0211 8371001;Bürgertelefon;Verbunden
";
const DAY: [&str; 4] = ["--from", "2025-03-03", "--to", "2025-03-04"];

async fn privacy(node: &TestNode, words: &[&str]) -> Value {
    let reason = ["--reason", "auf Antrag", "--json"];
    let words = [&["privacy"][..], words, &reason].concat();
    node.run(&words).await.exits(0).json()
}

async fn case(node: &TestNode, words: &[&str]) -> Value {
    let words = [&["privacy", "case"][..], words, &["--json"]].concat();
    node.run(&words).await.exits(0).json()
}

async fn totals(node: &TestNode) -> Value {
    let totals = [&["report", "totals", "--json"][..], &DAY].concat();
    let mut totals = node.run(&totals).await.exits(0).json();
    totals["as_of"] = Value::Null;
    totals
}

async fn calls(node: &TestNode) -> usize {
    let list = [&["call", "list", "--json"][..], &DAY].concat();
    let listed = node.run(&list).await.exits(0).json();
    listed.as_array().map_or(0, Vec::len)
}

/// What the files beside the backups are about.
fn subjects(safe: &Safe) -> Vec<String> {
    let names = names(&safe.backups().join("acts")).into_iter();
    names
        .map(|name| name.split('.').next().unwrap_or_default().to_owned())
        .collect()
}

fn actions(shown: &Value) -> Vec<&str> {
    let history = shown["history"].as_array().into_iter().flatten();
    history.filter_map(|entry| entry["action"].as_str()).collect()
}

/// Nothing of a person can be read beside the backups.
fn nothing_is_readable(safe: &Safe, text: &str) {
    let folder = safe.backups().join("acts");
    for name in names(&folder) {
        let bytes = std::fs::read(folder.join(&name)).expect("there");
        let is_there = bytes.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!is_there, "{name} can be read");
    }
}

#[tokio::test]
async fn what_was_done_by_right_since_the_backup_is_done_again() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        let file = node.file("calls.csv", CALLS.as_bytes());
        node.run(&["import", "--format", "hotline-export", "--wait", &file])
            .await
            .exits(0);
        let person = log(&node, "0221 4710123", "Gros").await;
        let erased = log(&node, "0221 4710199", "Zwetschgenbaum").await;
        let lifted = log(&node, "0221 4710188", "Lift").await;
        case(&node, &["open", "--kind", "access"]).await;
        let figures = totals(&node).await;
        let backup = safe.back_up(&node).await;

        privacy(&node, &["rectify", &person, "--field", "name=Groß"]).await;
        let done = privacy(&node, &["restrict", "--phone", "0221 4710123"]).await;
        assert_eq!(done["calls"], 1, "{done}");
        privacy(&node, &["rectify", &erased, "--field", "name=Pflaumenbaum"]).await;
        privacy(&node, &["restrict", "--ticket", &lifted]).await;
        privacy(&node, &["lift", "--ticket", &lifted]).await;
        let lost = log(&node, "0221 4710177", "Verloren").await;
        privacy(&node, &["restrict", "--ticket", &lost]).await;
        case(&node, &["check", "1", "--how", "Ausweis gesehen"]).await;
        case(&node, &["open", "--kind", "objection", "--phone", "0221 4710123"]).await;
        assert!(subjects(&safe).contains(&format!("ticket-{erased}")));
        privacy(&node, &["erase", "--ticket", &erased]).await;
        let mut expected = vec!["calls".to_owned(), "case-1".to_owned(), "case-2".to_owned()];
        expected.extend([&person, &lifted, &lost].map(|ticket| format!("ticket-{ticket}")));
        expected.sort();
        assert_eq!(
            subjects(&safe),
            expected,
            "the erased one is gone from there, too"
        );
        nothing_is_readable(&safe, "Groß");
        node.kill().await;

        let mut second = node.successor().await;
        let restored = safe.restore(&backup, &second).await;
        let redone = &restored["acts_redone"];
        let counts = json!({ "tickets": 2, "calls": 1, "cases": 2, "entries": 0, "restricted_entries": 0,
            "of_lost_tickets": 1, "refused": [], "of_another_installation": 0 });
        assert_eq!(redone, &counts);
        second.start_again().await;
        let shown = ticket(&second, &person).await;
        assert_eq!(shown["fields"]["name"], "Groß", "{shown}");
        assert!(actions(&shown).ends_with(&["rectified", "restricted"]), "{shown}");
        let shown = ticket(&second, &lifted).await;
        assert!(
            actions(&shown).ends_with(&["restricted", "restriction_lifted"]),
            "{shown}"
        );
        assert_eq!(ticket(&second, &erased).await["state"], "erased");
        let listed = second
            .run(&["ticket", "list", "--json"])
            .await
            .exits(0)
            .json_lines();
        let listed: Vec<&Value> = listed.iter().map(|it| &it["ticket_id"]).collect();
        assert!(
            !listed.contains(&&json!(person)) && listed.contains(&&json!(lifted)),
            "{listed:?}"
        );
        assert_eq!((calls(&second).await, totals(&second).await), (1, figures));
        let waiting = ["privacy", "recipients", "--waiting", "--json"];
        let waiting = second.run(&waiting).await.exits(0).json_lines();
        assert!(
            waiting
                .iter()
                .any(|it| it["ticket_id"] == json!(person) && it["told_of"] == "restricted")
        );
        let first = case(&second, &["show", "1"]).await;
        assert_eq!(first["identity_check"]["text"], "Ausweis gesehen", "{first}");
        assert_eq!(case(&second, &["show", "2"]).await["kind"], "objection");
        assert_eq!(case(&second, &["open", "--kind", "access"]).await["number"], 3);

        // A backup that knows all of it gets nothing again, and an older one the same as before.
        let newer = safe.back_up(&second).await;
        let third = second.successor().await;
        let restored = safe.restore(&newer, &third).await;
        let counts = json!({ "tickets": 0, "calls": 0, "cases": 0, "entries": 0, "restricted_entries": 0,
            "of_lost_tickets": 1, "refused": [], "of_another_installation": 0 });
        assert_eq!(restored["acts_redone"], counts);
        let fourth = second.successor().await;
        let restored = safe.restore(&backup, &fourth).await;
        assert_eq!(restored["acts_redone"]["tickets"], 2, "{restored}");
    })
    .await;
}

#[tokio::test]
async fn an_old_store_tells_what_the_files_do_not() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        let person = log(&node, "0221 4710123", "Gros").await;
        let backup = safe.back_up(&node).await;
        privacy(&node, &["rectify", &person, "--field", "name=Groß"]).await;
        privacy(&node, &["restrict", "--ticket", &person]).await;
        case(&node, &["open", "--kind", "access"]).await;
        node.kill().await;
        std::fs::remove_dir_all(safe.backups().join("acts")).expect("removed");

        let restoring = |into: &TestNode, old: &TestNode| {
            let mut words = safe.restoring(&backup, into);
            let data = old.data().to_str().expect("a path of text").to_owned();
            words.extend(match old.store() {
                Some(store) => ["--old-store".to_owned(), store.to_owned()],
                None => ["--old-data".to_owned(), data],
            });
            words
        };
        let mut second = node.successor().await;
        let restored = safe.run(&words(&restoring(&second, &node))).await.exits(0).json();
        assert_eq!(restored["acts_redone"]["tickets"], 1, "{restored}");
        assert_eq!(restored["acts_redone"]["cases"], 1, "{restored}");
        second.start_again().await;
        let shown = ticket(&second, &person).await;
        assert_eq!(shown["fields"]["name"], "Groß");
        assert!(actions(&shown).ends_with(&["rectified", "restricted"]), "{shown}");

        let mut other = safe.node(backend).start().await;
        other.kill().await;
        let third = node.successor().await;
        let refused = safe.run(&words(&restoring(&third, &other))).await;
        refused.exits(2).fails_with("another installation");
        assert!(!third.data().exists() && !third.home().join("data.part").exists());
        // Nothing is left in the database either.
        safe.restore(&backup, &third).await;
    })
    .await;
}

#[tokio::test]
async fn an_act_that_a_kill_cut_short_is_beside_the_backups_after_the_next_start() {
    Backend::each(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        let person = log(&node, "0221 4710123", "Gros").await;
        let backup = safe.back_up(&node).await;
        let subject = format!("ticket-{person}");
        node.stop().await;
        node.set_variable(CRASH, Some("tickets.add:after:1"));
        node.start_again().await;
        let restrict = ["privacy", "restrict", "--ticket", &person, "--reason", "so"];
        let mut restrict = node.command(&restrict);
        restrict.env("NRWDIREKT_PATIENCE_S", "0");
        let restricted = testkit::command::finish(restrict).await.exits(4);
        assert!(
            restricted.stderr.contains("--idempotency-key"),
            "it was not answered: {restricted:?}"
        );
        assert!(!subjects(&safe).contains(&subject), "it was killed before");
        node.set_variable(CRASH, None);
        node.kill().await;
        node.start_again().await;
        assert!(subjects(&safe).contains(&subject), "from the first answer on");
        node.kill().await;
        let second = node.successor().await;
        let restored = safe.restore(&backup, &second).await;
        assert_eq!(restored["acts_redone"]["tickets"], 1, "{restored}");
    })
    .await;
}

#[tokio::test]
async fn a_full_folder_holds_up_no_act_and_it_is_written_later() {
    Backend::first(|backend| async move {
        let safe = Safe::new().await;
        let node = safe.node(backend).start().await;
        let person = log(&node, "0221 4710123", "Gros").await;
        safe.back_up(&node).await;
        // In its place is something that is no folder.
        let folder = safe.backups().join("acts");
        std::fs::write(&folder, "in the way").expect("written");
        privacy(&node, &["restrict", "--ticket", &person]).await;
        std::fs::remove_file(&folder).expect("removed");
        eventually("it to be written", async || {
            subjects(&safe)
                .contains(&format!("ticket-{person}"))
                .then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn what_no_backup_needs_any_more_is_removed_and_without_backups_nothing_is_written() {
    Backend::first(|backend| async move {
        let safe = Safe::new().await;
        let mut node = safe.node(backend).start().await;
        let person = log(&node, "0221 4710123", "Gros").await;
        privacy(&node, &["restrict", "--ticket", &person]).await;
        case(&node, &["open", "--kind", "access"]).await;
        for (days, count) in [(41, 2), (43, 0)] {
            node.stop().await;
            node.set_variable(AHEAD, Some(&(days * 86_400).to_string()));
            node.start_again().await;
            assert_eq!(subjects(&safe).len(), count, "after {days} days");
        }
        let plain = TestNode::start(backend).await;
        let person = log(&plain, "0221 4710123", "Gros").await;
        privacy(&plain, &["restrict", "--ticket", &person]).await;
        assert!(!plain.data().join("backups").exists());
    })
    .await;
}
