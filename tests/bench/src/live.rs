//! `live`: from the receipt for an event to the figure on the stream that contains it.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use chrono::Utc;
use domain::event::{CallEvent, EventKind};
use domain::ids::HotlineName;
use testkit::{Backend, Builder, TestNode, reports};
use tokio::task::JoinHandle;
use wire::v1::calls::call_report::Key;
use wire::v1::reporting::live_client::LiveClient;
use wire::v1::reporting::{Moment, WatchRequest};

use crate::figures::{Figure, percentile};

/// Events in a batch, and batches in a second: 1,000 events a second.
const A_BATCH: usize = 10;
const BATCHES_A_SECOND: u32 = 100;
const SECONDS: u32 = 20;
const HOTLINES: usize = 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// A count, and when it was acknowledged or seen.
type Step = (i64, Instant);

/// On embedded storage, and on PostgreSQL and Kafka.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, backend) in [("embedded", Backend::Embedded), ("kafka", Backend::PostgresKafka)] {
        let mut node = Builder::on(backend).start().await;
        let times = delays(&node).await?;
        node.stop().await;
        for (figure, share) in [("p50", 0.5), ("p99", 0.99)] {
            let figure = Figure::new(&format!("live_{name}_{figure}"), percentile(&times, share), "ms");
            figures.push(figure);
        }
    }
    Ok(figures)
}

/// Milliseconds from each receipt to the moment that contains its events.
async fn delays(node: &TestNode) -> anyhow::Result<Vec<f64>> {
    let last = i64::try_from(A_BATCH)? * i64::from(BATCHES_A_SECOND * SECONDS);
    let watching = watch(node, last);
    let mut intake = node.intake();
    let mut acknowledged = Vec::new();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / BATCHES_A_SECOND);
    for batch in 0..BATCHES_A_SECOND * SECONDS {
        ticks.tick().await;
        let sent = reports::batch(
            u64::from(batch) + 1,
            (0..A_BATCH).map(|n| queued(batch, n)).collect(),
        );
        let receipt = intake.submit_reports(sent).await?.into_inner();
        ensure!(receipt.accepted as usize == A_BATCH, "an event was refused");
        acknowledged.push((i64::from(batch + 1) * i64::try_from(A_BATCH)?, Instant::now()));
    }
    let seen = tokio::time::timeout(PATIENCE, watching).await???;
    let delay = |(count, at): &Step| {
        let first = seen.partition_point(|(seen, _)| seen < count);
        let (_, seen_at) = seen.get(first).context("everything was seen")?;
        Ok(seen_at.saturating_duration_since(*at).as_secs_f64() * 1000.0)
    };
    acknowledged.iter().map(delay).collect()
}

/// Reports so many events a second, until it is dropped.
pub(crate) async fn feed(node: &TestNode, events_a_second: u32) -> anyhow::Result<()> {
    if events_a_second == 0 {
        return Ok(());
    }
    let mut intake = node.intake();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / events_a_second);
    for number in 0_u32.. {
        ticks.tick().await;
        let event = queued(number, 0);
        intake
            .submit_reports(reports::batch(u64::from(number) + 1, vec![event]))
            .await?;
    }
    Ok(())
}

/// Watches until so many visits were offered.
fn watch(node: &TestNode, last: i64) -> JoinHandle<anyhow::Result<Vec<Step>>> {
    let mut client = LiveClient::new(node.connection());
    tokio::spawn(async move {
        let mut moments = client.watch(WatchRequest::default()).await?.into_inner();
        let mut seen: Vec<Step> = Vec::new();
        while seen.last().is_none_or(|(count, _)| *count < last) {
            let moment = moments.message().await?.context("the stream goes on")?;
            seen.push((offered(moment), Instant::now()));
        }
        Ok(seen)
    })
}

fn offered(moment: Moment) -> i64 {
    let day = moment.total.and_then(|total| total.day);
    day.map_or(0, |day| day.offered)
}

fn queued(batch: u32, n: usize) -> wire::v1::calls::CallReport {
    let kind = EventKind::Queued {
        hotline: HotlineName::new(format!(
            "hotline-{:02}",
            (batch as usize * A_BATCH + n) % HOTLINES
        )),
    };
    let id = format!("live-{batch}-{n}");
    wire::calls::event_report(Key::CallId(id), &CallEvent::new(Utc::now(), kind))
}
