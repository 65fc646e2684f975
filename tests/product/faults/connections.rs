//! Connections that break, stand still or are refused.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::export::{self, Dress};
use testkit::proxy::{Cut, FaultProxy, Traffic};
use testkit::{Backend, Dice, Finished, TestNode, eventually, reports};
use tokio::process::Command;

use super::load::Load;
use crate::figures;

/// Cuts at random places, both before batches arrive and before receipts do.
fn cuts(count: usize, most_sent: u64, most_received: u64, dice: &mut Dice) -> Vec<Cut> {
    let cut = |number: usize| match number % 2 {
        0 => Cut::Sent(dice.between(200, most_sent)),
        _ => Cut::Received(dice.between(50, most_received)),
    };
    (0..count).map(cut).collect()
}

#[tokio::test]
async fn a_stream_that_is_cut_is_resumed_without_loss_or_double_count() {
    Backend::each(|backend| async move {
        let mut dice = Dice::new();
        let node = TestNode::start(backend).await;
        let proxy = FaultProxy::before(node.port()).await;
        proxy.cut_next(cuts(8, 60_000, 1_000, &mut dice));
        // More than all connections that are cut can carry: a batch takes 2,000 bytes at least, a receipt 25.
        let mut load = Load::of(400);
        while !load.is_done() {
            // Cut, until no cut is left.
            let _ = load.send(node.connection_by(&proxy.url())).await;
        }
        assert_eq!(proxy.cuts_left(), 0, "every cut was made");
        load.check_complete(&node).await;
    })
    .await;
}

/// An import by way of the proxy.
fn import(node: &TestNode, proxy: &FaultProxy, file: &str) -> Command {
    let mut command = node.command(&[
        "import",
        "--format",
        "hotline-export",
        "--wait",
        "--json",
        "--server",
        &proxy.url(),
        file,
    ]);
    // The operator's token is found by the node's port, not by the proxy's.
    command.env("NRWDIREKT_TOKEN", node.token());
    command
}

async fn check_imported(node: &TestNode, import: Finished, rows: usize) {
    let told: Value = import.exits(0).json();
    let expected = json!({ "read": rows, "accepted": rows, "duplicate": 0, "rejected": 0 });
    figures::check(&told, &expected);
    assert_eq!(
        figures::of_the_invented_week(node).await["total"]["contacts"],
        rows
    );
}

#[tokio::test]
async fn an_import_goes_on_after_cuts_and_counts_once() {
    Backend::each(|backend| async move {
        let mut dice = Dice::new();
        let node = TestNode::start(backend).await;
        let rows = export::invented(4_000, &mut dice);
        let file = node.file("export.csv", &export::file(&rows, Dress::Commas));
        let proxy = FaultProxy::before(node.port()).await;
        proxy.cut_next(cuts(4, 200_000, 600, &mut dice));
        let import = testkit::command::finish(import(&node, &proxy, &file)).await;
        check_imported(&node, import, rows.len()).await;
    })
    .await;
}

#[tokio::test]
async fn an_import_waits_while_the_way_to_the_node_is_blocked() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let rows = export::invented(4_000, &mut Dice::new());
        let file = node.file("export.csv", &export::file(&rows, Dress::German));
        let proxy = FaultProxy::before(node.port()).await;
        let importing = tokio::spawn(testkit::command::finish(import(&node, &proxy, &file)));
        eventually("the first rows to be counted", async || {
            let totals = node
                .totals(export::INVENTED_DAYS.0, export::INVENTED_DAYS.1)
                .await;
            (figures::total(&totals).contacts > 0).then_some(())
        })
        .await;
        for blocked in [Traffic::Stands, Traffic::Refused] {
            proxy.traffic(blocked);
            // How long is of no meaning: what counts is the end.
            tokio::time::sleep(Duration::from_millis(300)).await;
            proxy.traffic(Traffic::Passes);
        }
        check_imported(&node, importing.await.expect("no panic"), rows.len()).await;
    })
    .await;
}

#[tokio::test]
async fn the_same_batch_five_times_counts_once() {
    Backend::each(|backend| async move {
        let node = TestNode::start(backend).await;
        let batch = reports::batch(1, reports::calls(0, 50));
        let mut receipts = Vec::new();
        for _ in 0..5 {
            receipts.push(
                node.intake()
                    .submit_reports(batch.clone())
                    .await
                    .expect("a receipt")
                    .into_inner(),
            );
        }
        let stream = tokio_stream::iter(vec![batch.clone(); 5]);
        let mut answers = node
            .intake()
            .stream_reports(stream)
            .await
            .expect("receipts")
            .into_inner();
        while let Some(receipt) = answers.message().await.expect("no failure") {
            receipts.push(receipt);
        }
        assert_eq!(receipts.len(), 10);
        assert!(
            receipts
                .iter()
                .all(|receipt| receipt.accepted == 50 && receipt.batch == 1)
        );
        node.await_figures(reports::positions(&receipts)).await;
        let totals = node.totals(reports::DAY.0, reports::DAY.1).await;
        assert_eq!(figures::total(&totals).answered, 50);
        let run = wire::v1::reporting::GetImportRunRequest {
            import_run: batch.import_run,
        };
        let run = node
            .reporting()
            .get_import_run(run)
            .await
            .expect("the run")
            .into_inner();
        assert_eq!(run.new_reports, 50);
    })
    .await;
}

#[tokio::test]
async fn receipts_come_in_the_order_of_the_batches() {
    Backend::first(|backend| async move {
        let node = TestNode::start(backend).await;
        let batches: Vec<_> = (0..40_u32)
            .map(|number| {
                reports::batch(
                    u64::from(number),
                    reports::calls(number * 300, 1 + number * 7 % 300),
                )
            })
            .collect();
        let stream = tokio_stream::iter(batches);
        let mut receipts = node
            .intake()
            .stream_reports(stream)
            .await
            .expect("receipts")
            .into_inner();
        let mut numbers = Vec::new();
        while let Some(receipt) = receipts.message().await.expect("no failure") {
            numbers.push(receipt.batch);
        }
        assert_eq!(numbers, (0..40).collect::<Vec<_>>());
    })
    .await;
}
