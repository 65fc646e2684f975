//! The handler that intake is compared with: takes the same stream and hands the bytes of each report to rdkafka,
//! without looking at them.

use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::fixture::BATCHES_IN_FLIGHT;
use crate::kafka::BareProducer;
use crate::unseen::intake_server::Intake;
use crate::unseen::{UnseenBatch, UnseenReceipt};

/// Hands on what comes.
pub(super) struct Forwarding {
    pub(super) producer: Arc<BareProducer>,
}

#[tonic::async_trait]
impl Intake for Forwarding {
    type StreamReportsStream = Pin<Box<dyn Stream<Item = Result<UnseenReceipt, Status>> + Send>>;

    async fn stream_reports(
        &self,
        request: Request<Streaming<UnseenBatch>>,
    ) -> Result<Response<Self::StreamReportsStream>, Status> {
        let producer = Arc::clone(&self.producer);
        let receipts = request
            .into_inner()
            .map(move |batch| {
                let producer = Arc::clone(&producer);
                async move {
                    let UnseenBatch { batch, reports, .. } = batch?;
                    let accepted = reports.len() as u32;
                    let appended = producer.append(reports).await;
                    appended.map_err(|error| Status::unavailable(error.to_string()))?;
                    Ok(UnseenReceipt { batch, accepted })
                }
            })
            .buffered(BATCHES_IN_FLIGHT);
        Ok(Response::new(Box::pin(receipts)))
    }
}
