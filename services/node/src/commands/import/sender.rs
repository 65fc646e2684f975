//! Sends batches to intake and waits for their receipts, through interruptions.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use wire::v1::calls as proto;
use wire::v1::calls::intake_client::IntakeClient;

use super::Summary;
use crate::client::{Connection, Outage};

/// Batches that may be without a receipt at a time.
const IN_FLIGHT: usize = 4;

/// How a batch stream ended.
enum Ended {
    /// Every batch has its receipt.
    Done,
    /// The connection or the server failed; what has no receipt is to be sent again.
    Cut(Status),
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
