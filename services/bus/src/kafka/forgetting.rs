//! Taking messages out of topics of Kafka, which can delete the beginning of a partition only, and files as a whole.
//!
//! A compacted topic loses superseded messages by itself. Of another topic the segment with the messages is closed first:
//! by time, and by an append. What stands before that append and is to stay is then appended again behind it, and
//! everything before it deleted. Whoever reads such a topic is used to messages that come twice.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::admin::ConfigResource;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::admin::{self, Admin};
use super::context::Logging;
use super::polling::{ALONE_PREFIX, received};
use super::{KafkaBus, errors, off_the_runtime, settings};
use crate::topics::HEARTBEAT_KEY;
use crate::{BusError, Forgetting, Forgotten, Outgoing, Positions, Received};

/// Type of the messages that close segments. Readers pass over it.
pub(super) const HEARTBEAT_TYPE: &str = "nrwdirekt.heartbeat.v1";
/// When a message that was appended again came first, in milliseconds since 1970.
const FIRST_APPENDED: &str = "first-appended-ms";
/// Without any message for so long, reading what is there has failed.
const SILENCE: Duration = Duration::from_secs(20);
/// Messages appended again together.
const TOGETHER: usize = 5_000;
/// How soon the answer may be another one.
const SOON: Duration = Duration::from_millis(500);
/// What brokers take beyond their times where the machine is busy, and clocks differ.
const RESERVE: Duration = Duration::from_secs(4);

/// The times of a topic and of the broker that say when bytes leave the disk.
pub(super) struct Times {
    compacted: bool,
    retention: Duration,
    segments: Duration,
    delete_delay: Duration,
    cleaner_looks: Duration,
    retention_looks: Duration,
}

impl Times {
    pub(super) async fn ask(bus: &KafkaBus, topic: &str) -> Result<Self, BusError> {
        let admin = Admin::new(&bus.settings)?;
        let name = topic.to_owned();
        let broker = bus.ask(move |asking| asking.broker(&name)).await?;
        let (of_topic, of_broker) = admin.describe_both(topic, broker).await?;
        let looks = ms(of_broker.as_ref(), "log.retention.check.interval.ms", 300_000);
        // A broker that was just started waits before it looks at all.
        let first_look = ms(of_broker.as_ref(), "log.initial.task.delay.ms", 0);
        Ok(Self {
            compacted: admin::value(&of_topic, "cleanup.policy").is_some_and(|it| it.contains("compact")),
            retention: ms(Some(&of_topic), "retention.ms", 604_800_000),
            segments: ms(Some(&of_topic), "segment.ms", 604_800_000),
            delete_delay: ms(Some(&of_topic), "file.delete.delay.ms", 60_000),
            cleaner_looks: ms(of_broker.as_ref(), "log.cleaner.backoff.ms", 15_000),
            retention_looks: looks.max(first_look),
        })
    }

    /// From the moment that no reader is given a message any more.
    fn after_forgetting(&self) -> Duration {
        match self.compacted {
            // Half a segment more for the heartbeat that closes the one with the newest message of the key.
            true => self.segments + self.segments / 2 + 2 * self.cleaner_looks + self.delete_delay + RESERVE,
            false => self.retention_looks + self.delete_delay + RESERVE,
        }
    }

    /// From the moment that a message is to be forgotten.
    pub(super) fn longest(&self) -> Duration {
        match self.compacted {
            true => self.after_forgetting(),
            false => self.segments + self.after_forgetting() + RESERVE,
        }
    }
}

/// A time of a resource; where it is not told, Kafka's default.
fn ms(resource: Option<&ConfigResource>, name: &str, default: u64) -> Duration {
    let value = resource.and_then(|resource| admin::value(resource, name));
    let value = value.and_then(|value| value.parse().ok());
    Duration::from_millis(value.unwrap_or(default))
}

/// What was found in a partition.
#[derive(Default)]
struct Found {
    /// The last message that is to be forgotten: its offset, and when it was appended.
    last: Option<(i64, i64)>,
    /// The first message behind it that was appended so much later that it closed the segment.
    closing: Option<i64>,
}

pub(super) async fn forget(
    bus: &KafkaBus,
    topic: &str,
    what: Forgetting,
    read_up_to: Positions,
) -> Result<Forgotten, BusError> {
    let times = Times::ask(bus, topic).await?;
    let done = Forgotten::Done {
        stays: times.after_forgetting(),
    };
    if times.compacted || what.is_of_nothing() {
        return Ok(done);
    }
    let ranges = ranges(bus, topic).await?;
    let (segments, searched) = (times.segments, what.clone());
    let look = move |found: &mut Found, message: &Received, appended_ms: i64| {
        let is_meant = searched.means(message) && {
            let instead = (searched.instead)(message);
            instead.is_none() || instead != message.payload
        };
        if is_meant {
            *found = Found {
                last: Some((message.offset, appended_ms)),
                closing: None,
            };
        } else if let (Some((_, last_ms)), None) = (found.last, found.closing)
            && u128::from(appended_ms.abs_diff(last_ms)) > segments.as_millis()
        {
            found.closing = Some(message.offset);
        }
    };
    let mut waits = None;
    for (partition, found) in search(bus, topic, ranges.clone(), look).await? {
        let Some((last, last_ms)) = found.last else {
            continue;
        };
        let read = read_up_to.get(&partition).copied().unwrap_or(0);
        if read <= last {
            waits = waits.max(Some(SOON));
            continue;
        }
        match found.closing {
            Some(closing) if read > closing => {
                let begin = ranges.get(&partition).map_or(0, |range| range.0);
                append_again(bus, topic, partition, (begin, closing), &what, times.retention).await?;
                delete_before(bus, topic, partition, closing).await?;
            }
            Some(_) => waits = waits.max(Some(SOON)),
            None => {
                let age = Duration::from_millis(now_ms().saturating_sub(last_ms).unsigned_abs());
                let left = (segments + Duration::from_millis(50)).saturating_sub(age);
                if left.is_zero() {
                    close_segment(bus, topic, partition).await?;
                }
                waits = waits.max(Some(left.max(SOON)));
            }
        }
    }
    Ok(waits.map_or(done, |again_in| Forgotten::Later { again_in }))
}

/// By partition its first position and its end.
type Ranges = BTreeMap<u32, (i64, i64)>;

async fn ranges(bus: &KafkaBus, topic: &str) -> Result<Ranges, BusError> {
    let partitions = bus.known.partitions(topic).await?;
    let name = topic.to_owned();
    bus.ask(move |asking| {
        (0..partitions)
            .map(|partition| Ok((partition, asking.range(&name, partition)?)))
            .collect()
    })
    .await
}

/// Reads ranges from their beginning to their end.
async fn search<T: Default + Send + 'static>(
    bus: &KafkaBus,
    topic: &str,
    ranges: Ranges,
    mut look: impl FnMut(&mut T, &Received, i64) + Send + 'static,
) -> Result<BTreeMap<u32, T>, BusError> {
    let name = format!("{ALONE_PREFIX}forgetting-{}", std::process::id());
    let mut config = bus.settings.consumer(&name);
    config.set("enable.partition.eof", "true");
    let topic = topic.to_owned();
    off_the_runtime(move || {
        let mut left: Ranges = ranges
            .into_iter()
            .filter(|(_, (first, end))| first < end)
            .collect();
        let mut found = BTreeMap::new();
        if left.is_empty() {
            return Ok(found);
        }
        let consumer: BaseConsumer<Logging> = BaseConsumer::from_config_and_context(&config, Logging)
            .map_err(|error| settings::refused(&error))?;
        let mut assigned = TopicPartitionList::new();
        for (partition, (first, _)) in &left {
            assigned
                .add_partition_offset(&topic, number(*partition), Offset::Offset(*first))
                .map_err(|error| errors::of(&error, &topic))?;
        }
        consumer
            .assign(&assigned)
            .map_err(|error| errors::of(&error, &topic))?;
        let mut heard = Instant::now();
        while !left.is_empty() {
            match consumer.poll(Duration::from_millis(100)) {
                Some(Ok(message)) => {
                    heard = Instant::now();
                    let appended_ms = message.timestamp().to_millis().unwrap_or(0);
                    let message = received(&message);
                    let end = left.get(&message.partition).map_or(0, |range| range.1);
                    if message.offset < end {
                        let of = found.entry(message.partition).or_default();
                        look(of, &message, appended_ms);
                    }
                    if message.offset + 1 >= end {
                        left.remove(&message.partition);
                    }
                }
                // The end may be the mark of a transaction, which is no message.
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    left.remove(&partition.unsigned_abs());
                }
                Some(Err(error)) => return Err(errors::of(&error, &topic)),
                None if heard.elapsed() > SILENCE => {
                    return Err(BusError::Unavailable(format!(
                        "topic {topic} could not be read to its end"
                    )));
                }
                None => {}
            }
        }
        Ok(found)
    })
    .await?
}

/// Appends again what stays of a range.
async fn append_again(
    bus: &KafkaBus,
    topic: &str,
    partition: u32,
    range: (i64, i64),
    what: &Forgetting,
    retention: Duration,
) -> Result<(), BusError> {
    let what = what.clone();
    let oldest_ms = now_ms() - i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    let keep = move |kept: &mut Vec<Outgoing>, message: &Received, appended_ms: i64| {
        let first = message.header(FIRST_APPENDED).and_then(|ms| ms.parse().ok());
        let first_ms: i64 = first.unwrap_or(appended_ms);
        if message.key == HEARTBEAT_KEY.as_bytes() || first_ms < oldest_ms {
            return;
        }
        let payload = match what.means(message) {
            true => match (what.instead)(message) {
                None => return,
                instead => instead,
            },
            false => message.payload.clone(),
        };
        kept.push(again(message, payload, first_ms));
    };
    let kept = search(bus, topic, BTreeMap::from([(partition, range)]), keep).await?;
    let mut kept = kept.into_values().flatten().peekable();
    while kept.peek().is_some() {
        let some: Vec<Outgoing> = kept.by_ref().take(TOGETHER).collect();
        bus.producer.append(topic, some).await?;
    }
    Ok(())
}

fn again(message: &Received, payload: Option<Vec<u8>>, first_ms: i64) -> Outgoing {
    let mut headers: Vec<(&'static str, Cow<'static, str>)> =
        vec![(FIRST_APPENDED, first_ms.to_string().into())];
    for name in [
        "ce_specversion",
        "ce_id",
        "ce_type",
        "ce_source",
        "ce_subject",
        "ce_time",
        "content-type",
    ] {
        if let Some(value) = message.header(name) {
            headers.push((name, value.to_owned().into()));
        }
    }
    Outgoing {
        key: message.key.clone(),
        headers,
        payload,
    }
}

async fn delete_before(bus: &KafkaBus, topic: &str, partition: u32, position: i64) -> Result<(), BusError> {
    let admin = Admin::new(&bus.settings)?;
    let mut positions = TopicPartitionList::new();
    positions
        .add_partition_offset(topic, number(partition), Offset::Offset(position))
        .map_err(|error| errors::of(&error, topic))?;
    admin.delete_before(topic, &positions).await
}

/// Appends something that says nothing.
async fn close_segment(bus: &KafkaBus, topic: &str, partition: u32) -> Result<(), BusError> {
    let heartbeat = Outgoing {
        key: HEARTBEAT_KEY.as_bytes().to_vec(),
        headers: vec![("ce_type", HEARTBEAT_TYPE.into())],
        payload: None,
    };
    bus.producer.append_to(topic, number(partition), heartbeat).await
}

fn number(partition: u32) -> i32 {
    i32::try_from(partition).unwrap_or(i32::MAX)
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX)
}
