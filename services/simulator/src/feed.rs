//! Calls in the order in which a telephone system would send them, live, clean or dirty.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::event::{CallEvent, EventKind};
use domain::ids::{AgentName, CallId};
use domain::record::CallRecord;
use serde::{Deserialize, Serialize};

use crate::call::{SimulatedCall, SimulatedCallback};
use crate::dice::{Dice, Stream};
use crate::simulation::SimulatedDay;
use crate::truth::{Truth, can_lose_end};

/// What a feed tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedKind {
    /// Finished records, each once its call is over.
    Records,
    /// Life-cycle events as they happen.
    Events,
}

/// Something to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedItem {
    /// When it would be sent live.
    pub at: DateTime<Utc>,
    /// The call that it is about.
    pub call_id: CallId,
    /// What is sent.
    pub payload: FeedPayload,
}

/// What a feed sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedPayload {
    /// A finished record.
    Record(Box<CallRecord>),
    /// A life-cycle event.
    Event(CallEvent),
    /// A callback request that an agent logs; only with [`Feed::with_callbacks`].
    Callback(Box<SimulatedCallback>),
}

/// What goes wrong on the way of a feed. Everything arrives at last, but for the ends that are lost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dirt {
    /// Which items it hits.
    pub seed: u64,
    /// Share of the items that are sent again.
    pub duplicate_share: f64,
    /// How long after at most, in milliseconds.
    pub duplicate_ms_max: i64,
    /// Share of the items that come a little late, out of order.
    pub disorder_share: f64,
    /// How late at most, in milliseconds.
    pub disorder_ms_max: i64,
    /// Share of the items that come very late.
    pub late_share: f64,
    /// How late at most, in milliseconds.
    pub late_ms_max: i64,
    /// Share of the inbound calls in a feed of events whose end is never told.
    pub missing_end_share: f64,
}

impl Default for Dirt {
    fn default() -> Self {
        Self {
            seed: 0,
            duplicate_share: 0.02,
            duplicate_ms_max: 10 * 60 * 1000,
            disorder_share: 0.05,
            disorder_ms_max: 5000,
            late_share: 0.005,
            late_ms_max: 6 * 60 * 60 * 1000,
            missing_end_share: 0.005,
        }
    }
}

impl Dirt {
    /// Whether the end of a call never arrives: its `Ended`, and the after-call work of whoever spoke last. Hits only
    /// visits that this leaves open.
    pub fn loses_end(&self, call: &SimulatedCall) -> bool {
        can_lose_end(call) && self.dice_of(&call.call_id, 1).chance(self.missing_end_share)
    }

    /// The draws about one call: they do not depend on other calls.
    fn dice_of(&self, call_id: &CallId, purpose: u64) -> Dice {
        // FNV-1a.
        let bytes = call_id.as_str().bytes();
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Dice::from_parts(self.seed, (hash ^ purpose) as i64, Stream::Dirt)
    }

    /// How late an item comes.
    fn delay(&self, dice: &mut Dice) -> TimeDelta {
        let late_ms = if dice.chance(self.late_share) {
            dice.between_ms(0, self.late_ms_max)
        } else {
            0
        };
        let disorder_ms = if dice.chance(self.disorder_share) {
            dice.between_ms(0, self.disorder_ms_max)
        } else {
            0
        };
        TimeDelta::milliseconds(late_ms + disorder_ms)
    }
}

/// How fast a feed is sent: `speed` simulated seconds a second, from its first item on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// The simulated time at which sending begins.
    pub starts_at: DateTime<Utc>,
    /// Simulated seconds a second; 1 is live.
    pub speed: f64,
}

impl Pace {
    /// How long after the beginning an item is due. An unusable speed means at once.
    pub fn due(&self, item: &FeedItem) -> Duration {
        let simulated_s = (item.at - self.starts_at).num_milliseconds().max(0) as f64 / 1000.0;
        Duration::try_from_secs_f64(simulated_s / self.speed).unwrap_or(Duration::ZERO)
    }
}

/// The items of consecutive days, in the order in which they are sent. Holds no more than a day and what is late.
pub struct Feed<I> {
    days: I,
    kind: FeedKind,
    dirt: Option<Dirt>,
    with_callbacks: bool,
    pending: BinaryHeap<Pending>,
    added: u64,
    /// Until then everything is known that is to be sent.
    known_until: Option<DateTime<Utc>>,
    truth: Truth,
}

/// An item that waits for its time: the earliest first, of equal ones the first added.
struct Pending {
    item: FeedItem,
    added: u64,
}

impl PartialEq for Pending {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Pending {}

impl PartialOrd for Pending {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pending {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives the greatest first.
        (other.item.at, other.added).cmp(&(self.item.at, self.added))
    }
}

impl<I: Iterator<Item = SimulatedDay>> Feed<I> {
    /// A clean feed of consecutive days.
    pub fn new(days: I, kind: FeedKind) -> Self {
        Self {
            days,
            kind,
            dirt: None,
            with_callbacks: false,
            pending: BinaryHeap::new(),
            added: 0,
            known_until: None,
            truth: Truth::default(),
        }
    }

    /// Makes it dirty.
    pub fn with_dirt(mut self, dirt: Dirt) -> Self {
        self.dirt = Some(dirt);
        self
    }

    /// Sends the callback requests too, each once, when the agent logs it.
    pub fn with_callbacks(mut self) -> Self {
        self.with_callbacks = true;
        self
    }

    /// Counts the truth with these thresholds in whole seconds. To be called before the first item.
    pub fn with_thresholds(mut self, within_seconds: &[i64]) -> Self {
        self.truth = Truth::new(within_seconds);
        self
    }

    /// What a correct processor reports of the days that were begun, once everything has arrived: complete when the
    /// feed has ended.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    fn load(&mut self, day: SimulatedDay) {
        self.known_until = Some(day.ends_at);
        for call in day.calls {
            self.truth.add(&call, self.kind, self.dirt.as_ref());
            self.load_call(call);
        }
    }

    fn load_call(&mut self, mut call: SimulatedCall) {
        if let Some(callback) = call.callback.take_if(|_| self.with_callbacks) {
            self.push(
                callback.at,
                &call.call_id,
                FeedPayload::Callback(Box::new(callback)),
            );
        }
        let mut dice = self.dirt.map(|dirt| (dirt, dirt.dice_of(&call.call_id, 2)));
        match self.kind {
            FeedKind::Records => {
                let payload = FeedPayload::Record(Box::new(call.record));
                self.send(call.finished_at, &call.call_id, payload, &mut dice);
            }
            FeedKind::Events => {
                if self.dirt.is_some_and(|dirt| dirt.loses_end(&call)) {
                    lose_end(&mut call);
                }
                for event in call.events {
                    self.send(event.at, &call.call_id, FeedPayload::Event(event), &mut dice);
                }
            }
        }
    }

    /// Sends an item, with the dirt that hits it.
    fn send(
        &mut self,
        at: DateTime<Utc>,
        call_id: &CallId,
        payload: FeedPayload,
        dice: &mut Option<(Dirt, Dice)>,
    ) {
        let Some((dirt, dice)) = dice else {
            return self.push(at, call_id, payload);
        };
        let sent_at = at + dirt.delay(dice);
        if dice.chance(dirt.duplicate_share) {
            let again_at = sent_at + TimeDelta::milliseconds(dice.between_ms(0, dirt.duplicate_ms_max));
            self.push(again_at, call_id, payload.clone());
        }
        self.push(sent_at, call_id, payload);
    }

    fn push(&mut self, at: DateTime<Utc>, call_id: &CallId, payload: FeedPayload) {
        self.added += 1;
        let item = FeedItem {
            at,
            call_id: call_id.clone(),
            payload,
        };
        self.pending.push(Pending {
            item,
            added: self.added,
        });
    }
}

/// Takes the end away, and the after-call work that would betray it.
fn lose_end(call: &mut SimulatedCall) {
    let spoke_last: Option<AgentName> = call.visits.last().and_then(|visit| visit.agent.clone());
    let Some(end) = call
        .events
        .iter()
        .position(|event| matches!(event.kind, EventKind::Ended { .. }))
    else {
        return;
    };
    let mut position = 0;
    call.events.retain(|event| {
        position += 1;
        match &event.kind {
            EventKind::Ended { .. } => false,
            EventKind::AfterCallWorkStarted { agent } | EventKind::AfterCallWorkEnded { agent } => {
                position <= end || spoke_last.is_none() || *agent != spoke_last
            }
            _ => true,
        }
    });
}

impl<I: Iterator<Item = SimulatedDay>> Iterator for Feed<I> {
    type Item = FeedItem;

    fn next(&mut self) -> Option<FeedItem> {
        loop {
            let next_at = self.pending.peek().map(|pending| pending.item.at);
            if next_at.is_some() && next_at < self.known_until {
                break;
            }
            let Some(day) = self.days.next() else { break };
            self.load(day);
        }
        self.pending.pop().map(|pending| pending.item)
    }
}
