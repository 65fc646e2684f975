//! A steady load of batches over a stream, by a client that remembers its receipts and comes back after every cut.

use std::collections::BTreeMap;

use testkit::reports;
use testkit::{Connection, TestNode};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use wire::v1::calls::intake_client::IntakeClient;
use wire::v1::calls::{BatchReceipt, ReportBatch};

use crate::figures;

/// Calls in a batch.
pub(super) const CALLS_A_BATCH: u32 = 20;
/// Batches that may be without a receipt at a time.
const IN_FLIGHT: usize = 4;

/// Batches to send, and the receipts that came.
pub(super) struct Load {
    batches: Vec<ReportBatch>,
    pub(super) receipts: BTreeMap<u64, BatchReceipt>,
}

impl Load {
    /// So many batches of calls that are all different.
    pub(super) fn of(batches: u32) -> Self {
        let batch = |number: u32| {
            let calls = reports::calls(number * CALLS_A_BATCH, CALLS_A_BATCH);
            reports::batch(u64::from(number), calls)
        };
        Self::with((0..batches).map(batch).collect())
    }

    /// These batches.
    pub(super) fn with(batches: Vec<ReportBatch>) -> Self {
        Self {
            batches,
            receipts: BTreeMap::new(),
        }
    }

    /// Every call in it.
    pub(super) fn calls(&self) -> i64 {
        self.batches.iter().map(|batch| batch.reports.len() as i64).sum()
    }

    /// The calls that a receipt confirms.
    pub(super) fn acknowledged(&self) -> i64 {
        self.receipts
            .values()
            .map(|receipt| i64::from(receipt.accepted))
            .sum()
    }

    /// Whether every batch has its receipt.
    pub(super) fn is_done(&self) -> bool {
        self.receipts.len() == self.batches.len()
    }

    /// Sends what has no receipt, on one stream, until it is done or the stream fails.
    pub(super) async fn send(&mut self, connection: Connection) -> Result<(), Status> {
        let missing = self
            .batches
            .iter()
            .filter(|batch| !self.receipts.contains_key(&batch.batch));
        let mut missing = missing.cloned().collect::<Vec<_>>().into_iter();
        let (sending, requests) = mpsc::channel(IN_FLIGHT);
        let mut sending = Some(sending);
        let mut client = IntakeClient::new(connection);
        let mut receipts = client
            .stream_reports(ReceiverStream::new(requests))
            .await?
            .into_inner();
        let mut in_flight = 0;
        loop {
            while let (Some(open), true) = (&sending, in_flight < IN_FLIGHT) {
                let Some(batch) = missing.next() else {
                    sending = None;
                    break;
                };
                let sent = open.try_send(batch);
                sent.map_err(|_| Status::unavailable("the stream is gone"))?;
                in_flight += 1;
            }
            match receipts.message().await? {
                Some(receipt) => {
                    in_flight -= 1;
                    self.receipts.insert(receipt.batch, receipt);
                }
                None if self.is_done() => return Ok(()),
                None => return Err(Status::unavailable("the stream ended")),
            }
        }
    }

    /// Sends everything once more, whatever has a receipt.
    pub(super) async fn send_everything_again(&mut self, node: &TestNode) {
        self.receipts.clear();
        self.send(node.connection()).await.expect("nothing fails now");
    }

    /// Fails unless the figures hold everything acknowledged, and nothing that was not sent; each call once.
    pub(super) async fn check_counted(&self, node: &TestNode) {
        node.await_figures(reports::positions(self.receipts.values()))
            .await;
        let totals = node.totals(reports::DAY.0, reports::DAY.1).await;
        let answered = figures::total(&totals).answered;
        let bounds = self.acknowledged()..=self.calls();
        assert!(
            bounds.contains(&answered),
            "{answered} calls are counted, not {bounds:?}"
        );
    }

    /// Fails unless the figures are exactly those of a node that nothing happened to.
    pub(super) async fn check_complete(&self, node: &TestNode) {
        node.await_figures(reports::positions(self.receipts.values()))
            .await;
        let totals = node.totals(reports::DAY.0, reports::DAY.1).await;
        let total = figures::total(&totals);
        let waits = (0..self.calls()).map(|number| number % 97 * 500);
        assert_eq!((total.contacts, total.answered), (self.calls(), self.calls()));
        assert_eq!(total.time_to_answer_ms, waits.sum::<i64>(), "Σ time to answer");
        assert_eq!(total.talk_ms, self.calls() * 60_000, "Σ talk");
        assert_eq!(total.waiting + total.unresolved + total.abandoned, 0);
    }
}
