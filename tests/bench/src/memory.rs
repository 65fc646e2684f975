//! `memory`: what the embedded node holds when nothing happens, and while calls come in as fast as it takes them.

use std::time::Duration;

use futures::stream;
use testkit::{Backend, Builder, TestNode};
use tokio_stream::StreamExt;
use wire::v1::reporting::Position;

use crate::figures::{Figure, median};
use crate::fixture::Calls;

const CALLS: usize = 200_000;
const CALLS_A_STREAM: usize = 20_000;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The node as it is released, on embedded storage.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut node = Builder::on(Backend::Embedded).start().await;
    let mut idle = Vec::new();
    for _ in 0..40 {
        tokio::time::sleep(LOOK_EVERY).await;
        idle.push(mebibytes(&node));
    }
    let load = tokio::spawn(load(node.intake()));
    let mut most: f64 = 0.0;
    while !load.is_finished() {
        most = most.max(mebibytes(&node));
        tokio::time::sleep(LOOK_EVERY).await;
    }
    node.await_figures(load.await??).await;
    most = most.max(mebibytes(&node));
    node.stop().await;
    Ok(vec![
        Figure::new("memory_idle", median(idle), "MiB").at_most(80.0),
        Figure::new("memory_load", most, "MiB").at_most(300.0),
    ])
}

type Intake = wire::v1::calls::intake_client::IntakeClient<testkit::Connection>;

/// Sends calls as fast as they are taken. Returns where the last ones stand on the bus.
async fn load(mut intake: Intake) -> anyhow::Result<Vec<Position>> {
    let calls = Calls::new()?;
    let mut positions = std::collections::BTreeMap::new();
    for from in (0..CALLS).step_by(CALLS_A_STREAM) {
        let batches = calls.batches(from, CALLS_A_STREAM);
        let mut receipts = intake.stream_reports(stream::iter(batches)).await?.into_inner();
        while let Some(receipt) = receipts.next().await {
            let reached = receipt?.positions;
            positions.extend(reached.into_iter().map(|at| (at.partition, at.next_offset)));
        }
    }
    let position = |(partition, next_offset)| Position {
        partition,
        next_offset,
    };
    Ok(positions.into_iter().map(position).collect())
}

fn mebibytes(node: &TestNode) -> f64 {
    node.resident_bytes() as f64 / f64::from(1 << 20)
}
