//! A channel of a call, and its stay in a queue.

use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::VisitKey;

/// What is known of a channel.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) name: String,
    pub(super) started: DateTime<Utc>,
    pub(super) caller: String,
    pub(super) dialled: String,
    pub(super) context: String,
    /// The first queue that it came to, whether that took it or not.
    pub(super) first_queue: Option<String>,
    pub(super) stay: Option<Stay>,
    /// Its arrival was told.
    pub(super) told: bool,
    /// It was in a queue.
    pub(super) was_queued: bool,
    pub(super) was_refused: bool,
    /// An agent sent it elsewhere, and it has not come there yet.
    pub(super) sent_at: Option<DateTime<Utc>>,
    /// It talked with somebody outside of queues.
    pub(super) was_connected: bool,
}

/// A stay in a queue.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) queue: String,
    pub(super) since: DateTime<Utc>,
    timeout: Option<TimeDelta>,
    /// Its name, once it is certain that the queue took the call.
    pub(super) key: Option<VisitKey>,
    /// When it left the queue without an answer; how is seen by what comes next.
    pub(super) left: Option<DateTime<Utc>>,
    pub(super) answer: Option<Answer>,
    pub(super) digit_at: Option<DateTime<Utc>>,
}

/// A conversation with an agent.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The agent's channel.
    pub(super) channel: String,
    pub(super) bridge: String,
    /// The side that left the bridge, and when.
    pub(super) exit: Option<(DateTime<Utc>, Side)>,
    /// Music on hold plays to the caller.
    pub(super) music_since: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Caller,
    Agent,
}

/// A queue that has not taken a call within this time took it all the same, if the call was still in it.
const TAKEN_AFTER: TimeDelta = TimeDelta::seconds(1);
/// Both sides of a conversation leave its bridge within this time when it ends.
const TOGETHER: TimeDelta = TimeDelta::milliseconds(100);
/// A key that takes a caller out of a queue is pressed at most this long before.
const KEY_BEFORE: TimeDelta = TimeDelta::seconds(1);
/// How much earlier than its limit Asterisk ends a stay.
const TIMEOUT_SLACK: TimeDelta = TimeDelta::milliseconds(500);

impl Stay {
    /// Whether the application Queue was called with this.
    pub(super) fn is_of(&self, data: &str) -> bool {
        data.split(',')
            .next()
            .is_some_and(|queue| queue.trim() == self.queue)
    }

    /// `data`: what the application Queue was called with, `name,options,url,announcement,timeout,…`.
    pub(super) fn new(data: &str, since: DateTime<Utc>) -> Self {
        let mut parameters = data.split(',').map(str::trim);
        let queue = parameters.next().unwrap_or_default().to_owned();
        let timeout = parameters.nth(3).and_then(|seconds| seconds.parse().ok());
        Self {
            queue,
            since,
            timeout: timeout
                .filter(|seconds| *seconds > 0)
                .and_then(TimeDelta::try_seconds),
            key: None,
            left: None,
            answer: None,
            digit_at: None,
        }
    }

    pub(super) fn waits(&self) -> bool {
        self.left.is_none() && self.answer.is_none()
    }

    /// Whether a stay that ends was one, or a refusal.
    pub(super) fn was_taken(&self, at: DateTime<Utc>) -> bool {
        self.key.is_some() || at - self.since > TAKEN_AFTER
    }

    /// Whether it ended because the caller had waited as long as the queue lets wait.
    pub(super) fn timed_out(&self, at: DateTime<Utc>) -> bool {
        self.timeout
            .is_some_and(|timeout| at - self.since >= timeout - TIMEOUT_SLACK)
    }

    pub(super) fn left_by_key(&self, at: DateTime<Utc>) -> bool {
        self.digit_at.is_some_and(|digit_at| at - digit_at <= KEY_BEFORE)
    }
}

impl Answer {
    /// Somebody leaves the bridge: the first of both, unless that was long ago, for a consultation.
    pub(super) fn leaves(&mut self, side: Side, at: DateTime<Utc>) {
        if self.exit.is_none_or(|(before, _)| at - before > TOGETHER) {
            self.exit = Some((at, side));
        }
    }

    /// When the conversation ended, and who ended it, seen from a line at its end.
    pub(super) fn end(&self, at: DateTime<Utc>) -> (DateTime<Utc>, Option<Side>) {
        match self.exit {
            Some((exit, side)) if at - exit <= TOGETHER => (exit, Some(side)),
            _ => (at, None),
        }
    }
}
