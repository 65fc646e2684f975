//! Sends batches to intake and waits for their receipts, through interruptions.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use wire::v1::calls as proto;
use wire::v1::calls::intake_client::IntakeClient;

use super::{PATIENCE, Summary};
use crate::client::Connection;
use crate::exit::Failure;

/// Batches that may be without a receipt at a time.
const IN_FLIGHT: usize = 4;

/// How a batch stream ended.
enum Ended {
    /// Every batch has its receipt.
    Done,
    /// The connection or the server failed; what has no receipt is to be sent again.
    Cut(Status),
}

/// An outage of the server, as long as it lasts.
pub(crate) struct Outage {
    since: Option<Instant>,
    pause: Duration,
    /// Patience has no end until this happens.
    until: Option<CancellationToken>,
}

impl Outage {
    pub(crate) fn new() -> Self {
        Self {
            since: None,
            pause: Duration::from_millis(100),
            until: None,
        }
    }

    /// The server is there again.
    pub(crate) fn over(&mut self) {
        *self = Self {
            until: self.until.take(),
            ..Self::new()
        };
    }

    /// Waits a little, if the failure may pass and has not lasted too long.
    ///
    /// # Errors
    /// What the server said, when waiting is of no use.
    pub(crate) async fn wait(&mut self, status: &Status) -> anyhow::Result<()> {
        let passing = matches!(
            status.code(),
            Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Aborted
        );
        if !passing {
            return Err(Failure::of_status(status));
        }
        if self.until.as_ref().is_some_and(|until| !until.is_cancelled()) {
            self.since = None;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() > PATIENCE {
            return Err(Failure::server(format!(
                "{}; what was acknowledged is safe, run the command again for the rest",
                status.message()
            )));
        }
        tracing::debug!(code = ?status.code(), "waiting for the server");
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(2));
        Ok(())
    }
}

/// Sends every batch until it has its receipt.
pub(crate) async fn send(
    connection: &Connection,
    batches: &mut mpsc::Receiver<proto::ReportBatch>,
    summary: &mut Summary,
) -> anyhow::Result<()> {
    let mut without_receipt: VecDeque<proto::ReportBatch> = VecDeque::new();
    let mut outage = Outage::new();
    outage.until.clone_from(&summary.patient_until);
    loop {
        let before = summary.accepted + summary.rejected;
        match stream(connection, batches, &mut without_receipt, summary).await {
            Ended::Done => return Ok(()),
            Ended::Cut(status) => {
                if summary.accepted + summary.rejected > before {
                    outage.over();
                }
                outage.wait(&status).await?;
            }
        }
    }
}

/// One stream: what has no receipt first, then new batches.
async fn stream(
    connection: &Connection,
    batches: &mut mpsc::Receiver<proto::ReportBatch>,
    without_receipt: &mut VecDeque<proto::ReportBatch>,
    summary: &mut Summary,
) -> Ended {
    let (outgoing, requests) = mpsc::channel(IN_FLIGHT);
    for batch in without_receipt.iter() {
        // The channel has room for all of them: there are never more than IN_FLIGHT.
        let _ = outgoing.try_send(batch.clone());
    }
    let mut outgoing = Some(outgoing);
    let mut client = IntakeClient::new(connection.clone());
    let response = match client.stream_reports(ReceiverStream::new(requests)).await {
        Ok(response) => response,
        Err(status) => return Ended::Cut(status),
    };
    let mut receipts = response.into_inner();
    loop {
        let may_send = outgoing.is_some() && without_receipt.len() < IN_FLIGHT;
        tokio::select! {
            batch = batches.recv(), if may_send => match batch {
                Some(batch) => {
                    without_receipt.push_back(batch.clone());
                    if let Some(outgoing) = &outgoing {
                        let _ = outgoing.try_send(batch);
                    }
                }
                None => outgoing = None,
            },
            receipt = receipts.message() => match receipt {
                Ok(Some(receipt)) => {
                    if without_receipt.front().is_some_and(|batch| batch.batch == receipt.batch) {
                        without_receipt.pop_front();
                        summary.receive(&receipt);
                    }
                }
                Ok(None) if without_receipt.is_empty() && outgoing.is_none() => return Ended::Done,
                Ok(None) => return Ended::Cut(Status::unavailable("the server ended the stream")),
                Err(status) => return Ended::Cut(status),
            },
        }
    }
}
