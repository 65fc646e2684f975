//! Reading: the thread that polls one consumer.
//!
//! The cluster gives partitions to the consumer in a rebalance. They are accepted without being read; then their
//! starts are asked for, compared with what the log holds, and only then assigned. librdkafka drops what it had
//! fetched for an earlier assignment or before a seek, and [`Shared`] drops what had already left it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;

use super::context::{log, log_error};
use super::errors;
use super::reading::Shared;
use super::settings::{self, KafkaSettings};
use super::topics::Asking;
use crate::{BusError, Received, StartPositions};

/// What the names of readers begin with that share with nobody; no prefix of an installation stands before it.
pub const ALONE_PREFIX: &str = "nrwdirekt-alone-";

/// How long one look for messages takes at most; also how soon a seek or the end is noticed.
const POLL_TIME: Duration = Duration::from_millis(50);
/// Messages taken in before the reader is woken, at most.
const MESSAGES_A_POLL: usize = 500;
/// After this time without room the partitions are paused and polling goes on, so that the group keeps this member.
const STALL_TIME: Duration = Duration::from_secs(60);
/// Between two attempts at what failed.
const RETRY_TIME: Duration = Duration::from_secs(1);
/// How long an answer of [`StartPositions`] may take.
const START_TIME: Duration = Duration::from_secs(10);
const SEEK_TIME: Duration = Duration::from_secs(10);

/// How the partitions are chosen.
pub(super) enum Membership {
    /// With others of a group.
    Group(String),
    /// All of them.
    Alone {
        /// Their number.
        partitions: u32,
    },
}

pub(super) struct Polling {
    pub(super) settings: KafkaSettings,
    pub(super) shared: Arc<Shared>,
    pub(super) membership: Membership,
    pub(super) starts: Arc<dyn StartPositions>,
    pub(super) asking: Arc<Asking>,
    pub(super) runtime: Handle,
}

struct Rebalancing {
    shared: Arc<Shared>,
}

impl ClientContext for Rebalancing {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        log_error(&error, reason);
    }
}

impl ConsumerContext for Rebalancing {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        event: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let result = if event == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let given = partitions.elements_for_topic(&self.shared.topic);
            self.shared.assign(
                given
                    .iter()
                    .map(|partition| partition.partition().unsigned_abs())
                    .collect(),
            );
            // Accepted, but nothing is read before the starts are known.
            consumer.assign(&TopicPartitionList::new())
        } else {
            self.shared.revoke();
            consumer.unassign()
        };
        if let Err(error) = result {
            self.shared.fail(errors::of(&error, &self.shared.topic));
        }
    }
}

type Native = BaseConsumer<Rebalancing>;

impl Polling {
    /// Makes the consumer and starts the thread.
    pub(super) fn start(self) -> Result<(), BusError> {
        let consumer = self.join()?;
        std::thread::Builder::new()
            .name("bus-reader".to_owned())
            .spawn(move || self.run(consumer))
            .map(|_| ())
            .map_err(|error| BusError::Unavailable(error.to_string()))
    }

    fn join(&self) -> Result<Native, BusError> {
        let group = match &self.membership {
            Membership::Group(group) => group.clone(),
            // Never joined: librdkafka wants a name before it lets anything be assigned.
            Membership::Alone { .. } => format!("{ALONE_PREFIX}{}", std::process::id()),
        };
        let context = Rebalancing {
            shared: Arc::clone(&self.shared),
        };
        let consumer = Native::from_config_and_context(&self.settings.consumer(&group), context)
            .map_err(|error| settings::refused(&error))?;
        match &self.membership {
            Membership::Group(_) => consumer
                .subscribe(&[&self.shared.topic])
                .map_err(|error| errors::of(&error, &self.shared.topic))?,
            Membership::Alone { partitions } => self.shared.assign((0..*partitions).collect()),
        }
        Ok(consumer)
    }

    fn run(self, mut consumer: Native) {
        loop {
            self.serve(&consumer);
            if self.stopped() {
                return;
            }
            // Only after a fatal error; what was read but not stored is read again.
            drop(consumer);
            consumer = loop {
                std::thread::sleep(RETRY_TIME);
                match self.join() {
                    Ok(consumer) => break consumer,
                    Err(error) => self.shared.fail(error),
                }
                if self.stopped() {
                    return;
                }
            };
        }
    }

    fn stopped(&self) -> bool {
        self.shared.state().stopped
    }

    /// Polls until the reader ends, or the consumer met an error that it cannot recover from.
    fn serve(&self, consumer: &Native) {
        let mut next_attempt = Instant::now();
        while !self.stopped() {
            if Instant::now() >= next_attempt && !(self.begin(consumer) & self.seek(consumer)) {
                next_attempt = Instant::now() + RETRY_TIME;
            }
            if !self.shared.state().has_room() {
                self.wait_for_room(consumer);
                continue;
            }
            if let Err(code) = self.poll(consumer) {
                tracing::error!(%code, topic = self.shared.topic, "a Kafka consumer cannot go on; starting a new one");
                return;
            }
        }
    }

    /// Waits for messages, and takes those that are there in.
    fn poll(&self, consumer: &Native) -> Result<(), Code> {
        let mut time = POLL_TIME;
        for _ in 0..MESSAGES_A_POLL {
            match consumer.poll(time) {
                None => break,
                Some(Ok(message)) => self.shared.push(received(&message)),
                Some(Err(KafkaError::MessageConsumptionFatal(code))) => return Err(code),
                Some(Err(error)) => {
                    self.report(&error);
                    break;
                }
            }
            time = Duration::ZERO;
        }
        if time.is_zero() {
            self.shared.announce();
        }
        Ok(())
    }

    /// Asks for the starts of new partitions and begins to read them. False when that has to be tried again.
    fn begin(&self, consumer: &Native) -> bool {
        let unstarted = self.shared.state().unstarted.clone();
        if unstarted.is_empty() {
            return true;
        }
        let mut starts = Vec::with_capacity(unstarted.len());
        for partition in &unstarted {
            match self.start_of(*partition) {
                Ok(start) => starts.push((*partition, start)),
                Err(error) => {
                    self.shared.fail(error);
                    return false;
                }
            }
        }
        if let Err(error) = self.assign(consumer, &starts) {
            self.shared.fail(error);
            return false;
        }
        true
    }

    /// Where to begin with a partition, checked against what its log holds.
    fn start_of(&self, partition: u32) -> Result<Start, BusError> {
        let topic = &self.shared.topic;
        let asked = async { tokio::time::timeout(START_TIME, self.starts.start(topic, partition)).await };
        let position = self
            .runtime
            .block_on(asked)
            .map_err(|_| {
                BusError::Unavailable(format!(
                    "no answer where to start partition {partition} of {topic}"
                ))
            })?
            .map_err(|error| {
                BusError::Unavailable(format!(
                    "where to start partition {partition} of {topic}: {error}"
                ))
            })?;
        let (first, end) = self.asking.range(topic, partition)?;
        Ok(match position {
            None => Start::At(first),
            Some(position) if (first..=end).contains(&position) => Start::At(position),
            Some(position) => Start::Lost { position, first, end },
        })
    }

    fn assign(&self, consumer: &Native, starts: &[(u32, Start)]) -> Result<(), BusError> {
        let topic = &self.shared.topic;
        let mut list = TopicPartitionList::new();
        for (partition, start) in starts {
            if let Start::At(position) = start {
                list.add_partition_offset(topic, number(*partition), Offset::Offset(*position))
                    .map_err(|error| errors::of(&error, topic))?;
            }
        }
        {
            let mut state = self.shared.state();
            state.unstarted.clear();
            for (partition, start) in starts {
                state.assigned.insert(*partition, start.position());
            }
        }
        for (partition, start) in starts {
            if let Start::Lost { position, first, end } = start {
                self.shared.lose(*partition, *position, *first, *end);
            }
        }
        consumer.assign(&list).map_err(|error| {
            self.shared
                .assign(starts.iter().map(|(partition, _)| *partition).collect());
            errors::of(&error, topic)
        })
    }

    /// Does the seeks that the reader asked for. False when one has to be tried again.
    fn seek(&self, consumer: &Native) -> bool {
        let topic = &self.shared.topic;
        let seeks = self.shared.state().seeks.clone();
        for (partition, position) in seeks {
            match self.asking.range(topic, partition) {
                Err(error) => {
                    self.shared.fail(error);
                    return false;
                }
                Ok((first, end)) if !(first..=end).contains(&position) => {
                    self.shared.lose(partition, position, first, end);
                }
                Ok(_) => {
                    if let Err(error) = self.seek_one(consumer, partition, position) {
                        self.shared.fail(errors::of(&error, topic));
                        return false;
                    }
                }
            }
            let mut state = self.shared.state();
            if state.seeks.get(&partition) == Some(&position) {
                state.seeks.remove(&partition);
            }
            if let Some(next) = state.assigned.get_mut(&partition) {
                *next = position;
            }
        }
        true
    }

    fn seek_one(&self, consumer: &Native, partition: u32, position: i64) -> Result<(), KafkaError> {
        let topic = &self.shared.topic;
        let is_read = consumer
            .assignment()?
            .find_partition(topic, number(partition))
            .is_some();
        if is_read
            && consumer
                .seek(topic, number(partition), Offset::Offset(position), SEEK_TIME)
                .is_ok()
        {
            return Ok(());
        }
        // Its start was lost, or its topic was away: assign all anew, from where they are.
        let mut list = TopicPartitionList::new();
        let assigned = self.shared.state().assigned.clone();
        for (other, next) in assigned {
            let from = if other == partition { position } else { next };
            list.add_partition_offset(topic, number(other), Offset::Offset(from))?;
        }
        consumer.assign(&list)
    }

    /// Waits while the reader has enough. Group members must poll now and then: after a while, paused.
    fn wait_for_room(&self, consumer: &Native) {
        if self.shared.wait_for_room(STALL_TIME) {
            return;
        }
        let Ok(all) = consumer.assignment() else {
            return;
        };
        if consumer.pause(&all).is_err() {
            return;
        }
        while !self.shared.wait_for_room(Duration::ZERO) {
            if self.poll(consumer).is_err() {
                return;
            }
        }
        // A rebalance in the meantime has made the list stale; what is not assigned any more is passed over.
        if let Ok(all) = consumer.assignment()
            && let Err(error) = consumer.resume(&all)
        {
            self.shared.fail(errors::of(&error, &self.shared.topic));
        }
    }

    /// Tells the reader about an error, unless librdkafka deals with it alone.
    fn report(&self, error: &KafkaError) {
        match error.rdkafka_error_code() {
            Some(Code::AutoOffsetReset | Code::OffsetOutOfRange) => self.find_lost(),
            Some(
                Code::BrokerTransportFailure
                | Code::Resolve
                | Code::PollExceeded
                | Code::AssignmentLost
                | Code::NotCoordinator,
            ) => {
                tracing::debug!(%error, topic = self.shared.topic, "passing error of a Kafka consumer");
            }
            _ => self.shared.fail(errors::of(error, &self.shared.topic)),
        }
    }

    /// The log has lost the position of some partition while it was read: says of which.
    fn find_lost(&self) {
        let assigned = self.shared.state().assigned.clone();
        for (partition, position) in assigned {
            match self.asking.range(&self.shared.topic, partition) {
                Ok((first, end)) if !(first..=end).contains(&position) => {
                    self.shared.lose(partition, position, first, end);
                }
                Ok(_) => {}
                Err(error) => self.shared.fail(error),
            }
        }
    }
}

enum Start {
    At(i64),
    Lost { position: i64, first: i64, end: i64 },
}

impl Start {
    fn position(&self) -> i64 {
        match self {
            Self::At(position) | Self::Lost { position, .. } => *position,
        }
    }
}

fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

pub(super) fn received(message: &BorrowedMessage<'_>) -> Received {
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        (0..headers.count())
            .filter_map(|index| header(headers, index))
            .collect()
    });
    Received {
        partition: message.partition().unsigned_abs(),
        offset: message.offset(),
        key: message.key().unwrap_or_default().to_vec(),
        headers,
        payload: message.payload().map(<[u8]>::to_vec),
    }
}

/// A header as text. rdkafka panics on a name that is not UTF-8, which a foreign client may have sent: such a header
/// is left out.
fn header<H: Headers>(headers: &H, index: usize) -> Option<(String, String)> {
    let read = || {
        let header = headers.try_get(index)?;
        let value = String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned();
        Some((header.key.to_owned(), value))
    };
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)).ok()?
}
