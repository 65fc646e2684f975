//! What the topic knows and the store does not: a store that was set back to a backup has forgotten what it published
//! since. Nothing else would ever take that away.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use bus::{Bus, BusError, Positions, topics};
use chrono::{DateTime, NaiveDate};
use domain::counts::Interval;
use domain::ids::HotlineName;
use domain::local_time;
use store::StoreError;
use store::calls::CallStore;
use store::changes::ChangeQuery;
use store::history::FiguresVersion;

use super::PublishingError;

type Key = (Interval, HotlineName);

/// Messages read at once at most.
const MESSAGES: usize = 2_000;
/// Behind the last message Kafka may have marks that nobody reads: without news for so long, that was all.
const QUIET: Duration = Duration::from_secs(10);
/// The same where less depends on it.
const SOON: Duration = Duration::from_secs(2);
/// So many places from the end there is a message, though Kafka puts marks between them.
const LAST: i64 = 10;
/// Local days that are remembered: messages of a day lie together.
const DAYS: usize = 8;

/// What the store has ever counted, day by day as it is asked for.
struct Known<'a> {
    store: &'a dyn CallStore,
    days: BTreeMap<NaiveDate, HashSet<Key>>,
}

/// Whether the last message on the topic is of a state of the figures that the store cannot compare its own with.
pub(super) async fn is_ahead(
    bus: &dyn Bus,
    store: &dyn CallStore,
    ends: &Positions,
) -> Result<bool, PublishingError> {
    let Some(last) = last_version(bus, ends).await? else {
        return Ok(false);
    };
    match store.changes_since(&last, ChangeQuery::all(1)).await {
        Err(StoreError::UnknownVersion(_)) => Ok(true),
        known => Ok(known.map(|_| false)?),
    }
}

/// The state of the figures that the last message on the topic is of; none on an empty one.
async fn last_version(bus: &dyn Bus, ends: &Positions) -> Result<Option<FiguresVersion>, PublishingError> {
    let near_the_end = |(partition, end): (&u32, &i64)| (*partition, (end - LAST).max(0));
    let mut reader = bus
        .reader_alone(topics::INTERVALS, ends.iter().map(near_the_end).collect())
        .await?;
    let mut last = None;
    let mut is_read = false;
    while !is_read {
        let messages = match reader.next(MESSAGES, SOON).await {
            // Compaction has left less than that: all of it is near the end.
            Err(BusError::Lost { .. }) => {
                reader = bus.reader_alone(topics::INTERVALS, Positions::new()).await?;
                continue;
            }
            messages => messages?,
        };
        is_read = messages.is_empty();
        for message in messages {
            let version = message.header("ce_figuresversion").map(FiguresVersion::new);
            last = version.or(last);
            is_read |= ends
                .get(&message.partition)
                .is_none_or(|end| message.offset + 1 >= *end);
        }
    }
    Ok(last)
}

/// The keys that have a state on the topic before `ends`, and that the store never counted.
pub(super) async fn find(
    bus: &dyn Bus,
    store: &dyn CallStore,
    ends: &Positions,
) -> Result<BTreeSet<Key>, PublishingError> {
    let mut known = Known {
        store,
        days: BTreeMap::new(),
    };
    let mut strangers = BTreeSet::new();
    let mut unread: Positions = ends.clone();
    unread.retain(|_, end| *end > 0);
    if unread.is_empty() {
        return Ok(strangers);
    }
    let mut reader = bus.reader_alone(topics::INTERVALS, Positions::new()).await?;
    while !unread.is_empty() {
        let messages = reader.next(MESSAGES, QUIET).await?;
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let Some(end) = unread.get(&message.partition).copied() else {
                continue;
            };
            if message.offset < end
                && let Some(key) = read_key(&message.key)
                && !known.has(&key).await?
            {
                match message.payload {
                    Some(_) => strangers.insert(key),
                    None => strangers.remove(&key),
                };
            }
            if message.offset + 1 >= end {
                unread.remove(&message.partition);
            }
        }
    }
    Ok(strangers)
}

impl Known<'_> {
    async fn has(&mut self, key: &Key) -> Result<bool, PublishingError> {
        let day = local_time::day_of(key.0.start());
        if !self.days.contains_key(&day) {
            if self.days.len() >= DAYS {
                self.days.clear();
            }
            let [from, to] =
                [day, local_time::next(day)].map(|day| Interval::containing(local_time::start_of(day)));
            let counted = self.store.counted(from, to).await?;
            self.days.insert(day, counted.into_iter().collect());
        }
        Ok(self.days.get(&day).is_some_and(|keys| keys.contains(key)))
    }
}

/// The key of a quarter-hour, unless somebody else wrote it.
fn read_key(key: &[u8]) -> Option<Key> {
    let (start, hotline) = std::str::from_utf8(key).ok()?.split_once('/')?;
    let start = DateTime::parse_from_rfc3339(start).ok()?.to_utc();
    let (interval, name) = (Interval::containing(start), HotlineName::new(hotline));
    let is_ours = interval.start() == start && name.as_str() == hotline;
    is_ours.then_some((interval, name))
}
