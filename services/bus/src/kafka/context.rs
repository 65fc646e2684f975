//! What librdkafka tells its clients: log lines, errors, delivery reports.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::ProducerContext;
use tokio::sync::oneshot;

use crate::Positions;

/// Hands log lines on. They hold names of topics and brokers, never messages.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{line}"),
        RDKafkaLogLevel::Notice => tracing::info!(target: "librdkafka", facility, "{line}"),
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(target: "librdkafka", facility, "{line}");
        }
    }
}

/// Hands errors of a client on that belong to no request. librdkafka goes on by itself after them.
pub(super) fn log_error(error: &KafkaError, reason: &str) {
    tracing::debug!(target: "librdkafka", "{error}: {reason}");
}

/// The context of clients that only ask.
pub(super) struct Logging;

impl ClientContext for Logging {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

impl rdkafka::consumer::ConsumerContext for Logging {}

/// The context of producers: a delivery report counts for the batch that its message came in.
pub(super) struct Reports;

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Arc<Batch>;

    fn delivery(&self, result: &DeliveryResult<'_>, batch: Arc<Batch>) {
        match result {
            Ok(message) => batch.delivered(message.partition(), message.offset()),
            Err((error, _)) => {
                batch.failed(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown));
            }
        }
    }
}

/// The messages of one call, under way together: one shared counter instead of a future for each.
pub(super) struct Batch {
    /// Messages without a report.
    open: AtomicUsize,
    outcome: Mutex<Outcome>,
}

#[derive(Default)]
struct Outcome {
    positions: Positions,
    failure: Option<RDKafkaErrorCode>,
    done: Option<oneshot::Sender<BatchResult>>,
}

/// The position after the last message by partition, or why some of them were not appended.
pub(super) type BatchResult = Result<Positions, RDKafkaErrorCode>;

impl Batch {
    /// A batch of so many messages, and where its result will come.
    pub(super) fn new(messages: usize) -> (Arc<Self>, oneshot::Receiver<BatchResult>) {
        let (done, result) = oneshot::channel();
        let batch = Self {
            open: AtomicUsize::new(messages),
            outcome: Mutex::new(Outcome {
                done: Some(done),
                ..Outcome::default()
            }),
        };
        (Arc::new(batch), result)
    }

    fn delivered(&self, partition: i32, offset: i64) {
        {
            let mut outcome = self.outcome();
            let next = outcome.positions.entry(partition.unsigned_abs()).or_default();
            *next = (*next).max(offset + 1);
        }
        self.close(1);
    }

    /// One message was not appended.
    pub(super) fn failed(&self, code: RDKafkaErrorCode) {
        self.unsent(1, code);
    }

    /// So many messages will not be sent at all.
    pub(super) fn unsent(&self, messages: usize, code: RDKafkaErrorCode) {
        self.outcome().failure.get_or_insert(code);
        self.close(messages);
    }

    fn close(&self, messages: usize) {
        if self.open.fetch_sub(messages, Ordering::AcqRel) != messages {
            return;
        }
        let mut outcome = self.outcome();
        let result = match outcome.failure {
            Some(code) => Err(code),
            None => Ok(std::mem::take(&mut outcome.positions)),
        };
        if let Some(done) = outcome.done.take() {
            // Nobody waits any more when the caller was cancelled.
            let _ = done.send(result);
        }
    }

    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_comes_with_the_last_report() {
        let (batch, mut result) = Batch::new(3);
        batch.delivered(1, 10);
        batch.delivered(1, 11);
        assert!(result.try_recv().is_err());
        batch.delivered(0, 4);
        assert_eq!(result.try_recv().unwrap(), Ok(Positions::from([(0, 5), (1, 12)])));
    }

    #[test]
    fn one_failure_fails_the_batch_with_its_reason() {
        let (batch, mut result) = Batch::new(4);
        batch.delivered(0, 1);
        batch.failed(RDKafkaErrorCode::MessageTimedOut);
        batch.unsent(2, RDKafkaErrorCode::Fatal);
        assert_eq!(result.try_recv().unwrap(), Err(RDKafkaErrorCode::MessageTimedOut));
    }
}
