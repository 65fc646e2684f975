//! Publishing under a name that one instance holds: a transactional producer.
//!
//! An instance that lost the name learns it at its next step: the cluster refuses its epoch, so nothing of it can
//! land behind what its successor publishes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::producer::{BaseProducer, Producer, PurgeConfig};
use tokio::sync::oneshot::error::TryRecvError;

use super::context::{Batch, Reports};
use super::producing::record;
use super::settings::{self, DELIVERY_MS_MAX, KafkaSettings};
use super::topics::KnownTopics;
use super::{errors, off_the_runtime};
use crate::{BusError, Outgoing, Publisher, message};

/// How long taking over a name may take: the cluster ends the former owner's transaction first.
const TAKING_OVER_TIME: Duration = Duration::from_secs(45);
/// How long a step of a transaction may take.
const STEP_TIME: Duration = Duration::from_secs(15);
/// Between two looks for delivery reports. To wait inside of rdkafka's poll keeps a core busy for the last millisecond.
const BETWEEN_POLLS: Duration = Duration::from_micros(200);

pub(super) struct KafkaPublisher {
    known: Arc<KnownTopics>,
    producer: Arc<Mutex<Transactional>>,
}

struct Transactional {
    owner: String,
    native: BaseProducer<Reports>,
    /// What is left to do about the last transaction, before the next may begin.
    unsettled: Option<Settle>,
}

#[derive(Clone, Copy)]
enum Settle {
    Commit,
    Abort,
}

/// Why a transaction was not committed.
enum Failure {
    /// Its messages did not all reach the log; it was aborted.
    Sending(Code),
    Other(BusError),
}

impl KafkaPublisher {
    /// Takes the name over; blocks.
    pub(super) fn take_over(
        settings: &KafkaSettings,
        known: Arc<KnownTopics>,
        owner: &str,
    ) -> Result<Self, BusError> {
        let native = BaseProducer::from_config_and_context(&settings.transactional(owner), Reports)
            .map_err(|error| settings::refused(&error))?;
        let producer = Transactional {
            owner: owner.to_owned(),
            native,
            unsettled: None,
        };
        producer
            .native
            .init_transactions(TAKING_OVER_TIME)
            .map_err(|error| producer.error(&error))?;
        Ok(Self {
            known,
            producer: Arc::new(Mutex::new(producer)),
        })
    }
}

#[async_trait]
impl Publisher for KafkaPublisher {
    async fn publish(&mut self, topic: &str, messages: Vec<Outgoing>) -> Result<(), BusError> {
        message::check_sizes(topic, &messages)?;
        self.known.partitions(topic).await?;
        if messages.is_empty() {
            return Ok(());
        }
        let producer = Arc::clone(&self.producer);
        let to = topic.to_owned();
        let result = off_the_runtime(move || {
            let mut producer = producer.lock().unwrap_or_else(PoisonError::into_inner);
            producer.publish(&to, &messages)
        })
        .await?;
        if matches!(result, Err(BusError::UnknownTopic(_))) {
            self.known.forget(topic);
        }
        result
    }
}

impl Transactional {
    fn publish(&mut self, topic: &str, messages: &[Outgoing]) -> Result<(), BusError> {
        self.native.poll(Duration::ZERO);
        self.settle()?;
        match self.attempt(topic, messages) {
            // After a message that a broker refused, the first transaction fails too: its sequence numbers do not
            // follow. Its end makes new ones. Nothing was published, so it may be done again.
            Err(Failure::Sending(code)) if self.unsettled.is_none() && is_out_of_sequence(code) => {
                self.attempt(topic, messages)
            }
            result => result,
        }
        .map_err(|failure| match failure {
            Failure::Sending(code) => self.code(code, topic),
            Failure::Other(error) => error,
        })
    }

    /// One transaction.
    fn attempt(&mut self, topic: &str, messages: &[Outgoing]) -> Result<(), Failure> {
        self.native
            .begin_transaction()
            .map_err(|error| Failure::Other(self.error(&error)))?;
        self.unsettled = Some(Settle::Abort);
        if let Err(code) = self.send(topic, messages) {
            let code = self.reason(code);
            // The reason is that of the sending; what is left of the transaction is settled by the next call.
            return Err(match self.settle() {
                // A transaction that nothing could be added to cannot be ended either: that is no news.
                Err(error @ BusError::Fenced(_)) if !errors::is_forbidden(code) => Failure::Other(error),
                _ => Failure::Sending(code),
            });
        }
        self.unsettled = Some(Settle::Commit);
        self.settle().map_err(Failure::Other)
    }

    /// Sends the messages and waits for the report of each.
    fn send(&self, topic: &str, messages: &[Outgoing]) -> Result<(), Code> {
        let (batch, mut result) = Batch::new(messages.len());
        let mut remaining = messages.len();
        for message in messages {
            if let Err((error, record)) = self.native.send(record(topic, message, Arc::clone(&batch))) {
                drop(record);
                batch.unsent(remaining, error.rdkafka_error_code().unwrap_or(Code::Fail));
                break;
            }
            remaining -= 1;
        }
        let deadline = Instant::now() + Duration::from_millis(DELIVERY_MS_MAX);
        loop {
            self.native.poll(Duration::ZERO);
            match result.try_recv() {
                Ok(outcome) => return outcome.map(|_| ()),
                Err(TryRecvError::Closed) => return Err(Code::Fail),
                Err(TryRecvError::Empty) if Instant::now() > deadline => return Err(Code::MessageTimedOut),
                Err(TryRecvError::Empty) => std::thread::sleep(BETWEEN_POLLS),
            }
        }
    }

    /// Messages of a transaction that has failed are thrown away; that a right is missing is told by its end alone.
    fn reason(&self, code: Code) -> Code {
        if !matches!(code, Code::PurgeQueue | Code::PurgeInflight) {
            return code;
        }
        let told = match self.native.commit_transaction(STEP_TIME) {
            Err(error) if requires_abort(&error) => error.rdkafka_error_code(),
            _ => None,
        };
        told.filter(|code| errors::is_forbidden(*code)).unwrap_or(code)
    }

    /// Brings the last transaction to its end.
    fn settle(&mut self) -> Result<(), BusError> {
        let result = match self.unsettled {
            None => return Ok(()),
            Some(Settle::Commit) => self.native.commit_transaction(STEP_TIME),
            Some(Settle::Abort) => self.abort(),
        };
        match result {
            Ok(()) => {
                self.unsettled = None;
                Ok(())
            }
            Err(error) => {
                let translated = self.error(&error);
                if requires_abort(&error) {
                    self.unsettled = Some(Settle::Abort);
                    if self.abort().is_ok() {
                        self.unsettled = None;
                    }
                }
                Err(translated)
            }
        }
    }

    fn abort(&self) -> Result<(), KafkaError> {
        if self.native.in_flight_count() > 0 {
            // The abort waits for the reports of what was sent, but does not serve them.
            self.native.purge(PurgeConfig::default().queue());
            self.native.flush(STEP_TIME)?;
        }
        self.native.abort_transaction(STEP_TIME)
    }

    fn error(&self, error: &KafkaError) -> BusError {
        match error.rdkafka_error_code() {
            Some(code) => self.code(code, &format!("of publisher {}", self.owner)),
            None => BusError::Unavailable(error.to_string()),
        }
    }

    /// A fatal error ends the hold on the name, whatever its reason: taking it again must be decided by who knows
    /// whether this instance is still the one to hold it.
    fn code(&self, code: Code, topic: &str) -> BusError {
        if errors::is_forbidden(code) {
            return errors::of_code(code, topic);
        }
        let fatal = self.native.client().fatal_error();
        if let Some((cause, reason)) = &fatal
            && !errors::is_fenced(*cause)
            && *cause != Code::InvalidTransactionalState
        {
            tracing::error!(owner = self.owner, %cause, reason, "a publisher cannot go on");
        }
        if fatal.is_some() || errors::is_fenced(code) {
            return BusError::Fenced(self.owner.clone());
        }
        errors::of_code(code, topic)
    }
}

fn is_out_of_sequence(code: Code) -> bool {
    matches!(
        code,
        Code::OutOfOrderSequenceNumber | Code::PurgeQueue | Code::PurgeInflight | Code::UnknownProducerId
    )
}

fn requires_abort(error: &KafkaError) -> bool {
    matches!(error, KafkaError::Transaction(error) if error.txn_requires_abort())
}
