//! The node ends in the middle of work: by a kill, or because it was asked to.

use std::time::Duration;

use testkit::export::{self, Dress};
use testkit::{Backend, Dice, TestNode, eventually};

use super::load::Load;
use crate::figures;

/// Lets a moment pass that has no meaning: the dice chose it.
async fn pass(moment: Duration) {
    tokio::time::sleep(moment).await;
}

#[tokio::test]
async fn whatever_is_acknowledged_is_there_after_kills_and_counts_once() {
    Backend::each(|backend| async move {
        let mut dice = Dice::new();
        let mut node = TestNode::start(backend).await;
        let mut load = Load::of(500);
        for _ in 0..3 {
            let moment = dice.duration(Duration::from_millis(5), Duration::from_millis(400));
            let connection = node.connection();
            let kill = async {
                pass(moment).await;
                node.kill().await;
            };
            // Cut or done: either way the receipts are remembered.
            let _ = tokio::join!(load.send(connection), kill);
            node.start_again().await;
            load.check_counted(&node).await;
        }
        while !load.is_done() {
            load.send(node.connection()).await.expect("nothing fails now");
        }
        load.check_complete(&node).await;
        load.send_everything_again(&node).await;
        load.check_complete(&node).await;
    })
    .await;
}

#[tokio::test]
async fn an_import_that_is_killed_with_its_node_and_repeated_gives_the_undisturbed_figures() {
    Backend::each(|backend| async move {
        let mut dice = Dice::new();
        let rows = export::invented(3_000, &mut dice);
        let content = export::file(&rows, Dress::German);
        let import = ["import", "--format", "hotline-export", "--wait", "--json"];

        let undisturbed = TestNode::start(backend).await;
        let file = undisturbed.file("export.csv", &content);
        undisturbed.run(&[&import[..], &[&file]].concat()).await.exits(0);
        let expected = figures::of_the_invented_week(&undisturbed).await;

        let mut node = TestNode::start(backend).await;
        let file = node.file("export.csv", &content);
        let arguments = [&import[..], &[&file]].concat();
        for _ in 0..3 {
            let mut importing = node
                .command(&arguments)
                .spawn()
                .expect("the program can be started");
            pass(dice.duration(Duration::from_millis(20), Duration::from_millis(900))).await;
            node.kill().await;
            importing.kill().await.expect("the process can be killed");
            node.start_again().await;
        }
        let again = node.run(&arguments).await.exits(0).json();
        assert_eq!(again["accepted"], 3_000);
        assert_eq!(figures::of_the_invented_week(&node).await, expected);
    })
    .await;
}

#[tokio::test]
async fn an_import_waits_for_a_node_that_is_killed_and_started_again() {
    Backend::each(|backend| async move {
        let rows = export::invented(3_000, &mut Dice::new());
        let mut node = TestNode::start(backend).await;
        let file = node.file("export.csv", &export::file(&rows, Dress::German));
        let importing = node.command(&["import", "--format", "hotline-export", "--wait", "--json", &file]);
        let importing = tokio::spawn(testkit::command::finish(importing));
        eventually("the first rows to be counted", async || {
            let totals = node
                .totals(export::INVENTED_DAYS.0, export::INVENTED_DAYS.1)
                .await;
            (figures::total(&totals).contacts > 0).then_some(())
        })
        .await;
        node.kill().await;
        node.start_again().await;
        let import = importing.await.expect("no panic").exits(0).json();
        figures::check(
            &import,
            &serde_json::json!({ "read": 3_000, "accepted": 3_000, "duplicate": 0 }),
        );
        assert_eq!(
            figures::of_the_invented_week(&node).await["total"]["contacts"],
            3_000
        );
    })
    .await;
}

#[tokio::test]
async fn a_node_that_is_asked_to_end_under_load_loses_nothing_acknowledged() {
    Backend::each(|backend| async move {
        let mut dice = Dice::new();
        let mut node = TestNode::start(backend).await;
        let mut load = Load::of(500);
        for _ in 0..2 {
            let moment = dice.duration(Duration::from_millis(5), Duration::from_millis(300));
            let connection = node.connection();
            let stop = async {
                pass(moment).await;
                node.stop().await;
            };
            // Cut or done: either way the receipts are remembered.
            let _ = tokio::join!(load.send(connection), stop);
            node.start_again().await;
            load.check_counted(&node).await;
        }
        while !load.is_done() {
            load.send(node.connection()).await.expect("nothing fails now");
        }
        load.check_complete(&node).await;
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_stays_open_does_not_keep_a_node_from_ending() {
    Backend::each(|backend| async move {
        let mut node = TestNode::start(backend).await;
        let open = tokio_stream::pending::<wire::v1::calls::ReportBatch>();
        let receipts = node
            .intake()
            .stream_reports(open)
            .await
            .expect("a stream")
            .into_inner();
        node.stop().await;
        drop(receipts);
    })
    .await;
}

#[tokio::test]
async fn a_callback_whose_answer_is_lost_with_the_node_is_asked_for_again_and_logged_once() {
    Backend::each(|backend| async move {
        let mut node = TestNode::start(backend).await;
        let log = [
            "callback",
            "log",
            "--hotline",
            "Umwelt",
            "--phone",
            "0221 4710123",
            "--concern",
            "Lärm",
            "--json",
        ];
        let dies =
            |node: &mut TestNode| node.set_variable("NRWDIREKT_TEST_CRASH", Some("tickets.log:after:1"));
        node.stop().await;
        dies(&mut node);
        node.start_again().await;
        let asking = tokio::spawn(testkit::command::finish(node.command(&log)));
        until_dead(&mut node).await;
        node.set_variable("NRWDIREKT_TEST_CRASH", None);
        node.start_again().await;
        let asked = asking.await.expect("no panic").exits(0);
        assert_eq!(asked.json()["repeated"], true, "{asked:?}");

        // Whoever does not wait is told by which key it is done once.
        node.stop().await;
        dies(&mut node);
        node.start_again().await;
        let mut impatient = node.command(&log);
        impatient.env("NRWDIREKT_PATIENCE_S", "0");
        let asked = testkit::command::finish(impatient).await.exits(4);
        let named = asked
            .stderr
            .split_once("--idempotency-key ")
            .expect("the remedy")
            .1;
        let key = named.split('`').next().expect("a key");
        until_dead(&mut node).await;
        node.set_variable("NRWDIREKT_TEST_CRASH", None);
        node.start_again().await;
        let again = [&log[..], &["--idempotency-key", key]].concat();
        assert_eq!(node.run(&again).await.exits(0).json()["repeated"], true);
        let list = ["ticket", "list", "--json"];
        assert_eq!(node.run(&list).await.exits(0).json_lines().len(), 2);
    })
    .await;
}

async fn until_dead(node: &mut TestNode) {
    let dying = std::cell::RefCell::new(node);
    eventually("the node to die", async || dying.borrow_mut().ended()).await;
}
