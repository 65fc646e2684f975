//! `backup`: how fast a node backs up what it keeps, beside copying the same files; and how fast it takes calls in meanwhile,
//! beside the same without a backup.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::stream;
use testkit::{Backend, Builder, TestNode, command};
use tokio_stream::StreamExt;
use wire::v1::reporting::Position;

use crate::figures::{Figure, median, rate};
use crate::fixture::Calls;

/// How many calls there are, unless this variable says otherwise.
const CALLS: usize = 100_000;
const CALLS_VARIABLE: &str = "NRWDIREKT_BENCH_BACKUP_CALLS";
/// Calls that are taken in while it is measured how fast that goes, at most.
const CALLS_A_ROUND: usize = 20_000;
const ROUNDS: usize = 3;
const FILES: [&str; 4] = ["calls.db", "tickets.db", "access.db", "bus.db"];
const COPYING: &str = "copying the same files, with fsync";
const WITHOUT: &str = "the same calls without a backup";

/// A node with calls.
struct Filled {
    node: TestNode,
    calls: Calls,
    sent: usize,
    /// Calls that are taken in in a round.
    a_round: usize,
}

/// On embedded storage.
pub(crate) async fn measure() -> anyhow::Result<Vec<Figure>> {
    let count = match std::env::var(CALLS_VARIABLE) {
        Ok(text) => text
            .parse()
            .with_context(|| format!("{CALLS_VARIABLE}: {text}"))?,
        Err(_) => CALLS,
    };
    let folder = tempfile::tempdir()?;
    let mut filled = Filled::with(count, folder.path()).await?;
    let (mut backed_up, mut copied) = (Vec::new(), Vec::new());
    let (mut meanwhile, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bytes = filled.bytes()?;
        let begun = Instant::now();
        filled.node.run(&["backup"]).await.exits(0);
        backed_up.push(megabytes_a_second(bytes, begun.elapsed()));
        let begun = Instant::now();
        let bytes = filled.copy_to(folder.path())?;
        copied.push(megabytes_a_second(bytes, begun.elapsed()));
        alone.push(filled.take_in(filled.a_round).await?);
        meanwhile.push(filled.take_in_during_backups().await?);
    }
    filled.node.stop().await;
    Ok(vec![
        Figure::new("backup", median(backed_up), "MB/s")
            .beside(COPYING, median(copied))
            .at_least(0.1),
        Figure::new("backup_intake", median(meanwhile), "calls/s")
            .beside(WITHOUT, median(alone))
            .at_least(0.5),
    ])
}

impl Filled {
    async fn with(count: usize, folder: &Path) -> anyhow::Result<Self> {
        let key = folder.join("key.txt");
        let key = key.to_str().context("a temporary folder has a name in UTF-8")?;
        let made = command::finish(command::command(
            folder,
            &["backup", "key", "--json", "--to", key],
        ))
        .await;
        let made = made.exits(0).json();
        let recipient = made["recipient"].as_str().context("a public key")?;
        let node = Builder::on(Backend::Embedded)
            .set("backup.recipient", recipient)
            .start()
            .await;
        let mut filled = Self {
            node,
            calls: Calls::new()?,
            sent: 0,
            a_round: (count / 5).clamp(1, CALLS_A_ROUND),
        };
        filled.take_in(count).await?;
        Ok(filled)
    }

    /// Takes calls in until they are in the figures. Gives how many a second were acknowledged.
    async fn take_in(&mut self, count: usize) -> anyhow::Result<f64> {
        let batches = self.calls.batches(self.sent, count);
        self.sent += count;
        let begun = Instant::now();
        let mut intake = self.node.intake();
        let mut receipts = intake.stream_reports(stream::iter(batches)).await?.into_inner();
        let mut positions = std::collections::BTreeMap::new();
        let mut accepted = 0;
        while let Some(receipt) = receipts.next().await {
            let receipt = receipt?;
            accepted += receipt.accepted as usize;
            let reached = receipt.positions.into_iter();
            positions.extend(reached.map(|at| (at.partition, at.next_offset)));
        }
        let took = begun.elapsed();
        ensure!(accepted == count, "{accepted} of {count} calls were accepted");
        let position = |(partition, next_offset)| Position {
            partition,
            next_offset,
        };
        self.node
            .await_figures(positions.into_iter().map(position).collect())
            .await;
        Ok(rate(count, took))
    }

    /// The same while one backup after the other is made.
    async fn take_in_during_backups(&mut self) -> anyhow::Result<f64> {
        let mut backing_up = self.node.command(&["backup"]).spawn()?;
        let (ended, mut end) = tokio::sync::oneshot::channel::<()>();
        let backups = tokio::spawn({
            let again = (0..1000)
                .map(|_| self.node.command(&["backup"]))
                .collect::<Vec<_>>();
            async move {
                for mut next in again {
                    tokio::select! {
                        done = backing_up.wait() => ensure!(done?.success(), "a backup failed"),
                        _ = &mut end => break,
                    }
                    backing_up = next.spawn()?;
                }
                ensure!(backing_up.wait().await?.success(), "a backup failed");
                Ok(())
            }
        });
        let rate = self.take_in(self.a_round).await;
        let _ = ended.send(());
        backups.await??;
        rate
    }

    fn files(&self) -> Vec<PathBuf> {
        FILES.iter().map(|name| self.node.data().join(name)).collect()
    }

    fn bytes(&self) -> anyhow::Result<u64> {
        let lengths: io::Result<Vec<u64>> = self
            .files()
            .iter()
            .map(|file| Ok(fs::metadata(file)?.len()))
            .collect();
        Ok(lengths?.into_iter().sum())
    }

    fn copy_to(&self, folder: &Path) -> anyhow::Result<u64> {
        let mut bytes = 0;
        for file in self.files() {
            let copy = folder.join("copy");
            bytes += fs::copy(&file, &copy)?;
            File::open(&copy)?.sync_all()?;
            fs::remove_file(&copy)?;
        }
        Ok(bytes)
    }
}

fn megabytes_a_second(bytes: u64, took: Duration) -> f64 {
    bytes as f64 / 1e6 / took.as_secs_f64()
}
