//! The topics, their names and their policies.

use std::time::Duration;

use domain::ids::DepartmentId;

/// Key of the heartbeats that let a quiet compacted topic be compacted.
pub const HEARTBEAT_KEY: &str = "heartbeat";

/// Call reports on their way from intake to the ledger.
pub const CALLS: &str = "nrwdirekt.calls.v1";

/// The figures of quarter-hours: the current state of each hotline's.
pub const INTERVALS: &str = "nrwdirekt.intervals.v1";

/// The tickets of a department: the current state of each.
pub fn tickets(department: &DepartmentId) -> String {
    format!("nrwdirekt.tickets.{department}.v1")
}

/// What a department reports about its tickets.
pub fn ticket_replies(department: &DepartmentId) -> String {
    format!("nrwdirekt.ticket-replies.{department}.v1")
}

/// What became of a department's replies.
pub fn ticket_reply_results(department: &DepartmentId) -> String {
    format!("nrwdirekt.ticket-reply-results.{department}.v1")
}

/// How a topic loses what is no longer needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleanup {
    /// Messages go after this time since they were appended.
    Delete {
        /// How long they stay.
        retention: Duration,
    },
    /// Of each key the last message stays; a tombstone removes it and goes after this time.
    Compact {
        /// How long tombstones stay.
        tombstones: Duration,
        /// How long a superseded message may stay at most, given later appends.
        longest_lag: Duration,
    },
}

/// A topic as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// Its number of partitions; fixed for ever, because keys would move.
    pub partitions: u32,
    /// How it loses what is no longer needed.
    pub cleanup: Cleanup,
    /// A part of it that is this old is closed with the next append, and can go then. The embedded bus knows no parts.
    pub segments: Duration,
}

/// How soon topics let go of what is to be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Topics with personal data close their segments after this time, and superseded messages become free to go.
    pub segments: Duration,
    /// A quiet topic of tickets gets a heartbeat this often.
    pub heartbeat: Duration,
}

impl Pace {
    /// The pace with which an erasure is through after a time: a quarter of it for a segment to be closed, an eighth for
    /// the append that closes it; the rest is for the brokers' own looks.
    pub fn of(bound: Duration) -> Self {
        const SHORTEST: Duration = Duration::from_millis(500);
        Self {
            segments: (bound / 4).clamp(SHORTEST, DAY),
            heartbeat: (bound / 8).clamp(SHORTEST, HOUR),
        }
    }
}

/// Something about a topic that is not as wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicFault {
    /// The topic.
    pub topic: String,
    /// What is wrong and what to do.
    pub fault: String,
    /// Whether the node cannot work with it; otherwise it is a warning.
    pub fatal: bool,
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The topic of the figures of quarter-hours, where they are published. One partition: whoever reads it has the changes
/// in the order in which they came.
pub fn intervals() -> TopicSpec {
    compacted(INTERVALS.to_owned(), DAY)
}

fn compacted(name: String, segments: Duration) -> TopicSpec {
    TopicSpec {
        name,
        partitions: 1,
        cleanup: Cleanup::Compact {
            tombstones: 30 * DAY,
            longest_lag: segments,
        },
        segments,
    }
}

/// Every topic that an installation cannot do without.
pub fn wanted<'a>(
    call_partitions: u32,
    departments: impl Iterator<Item = &'a DepartmentId>,
    pace: Pace,
) -> Vec<TopicSpec> {
    let segments = pace.segments;
    let delete = |name: String, partitions: u32, days: u32| TopicSpec {
        name,
        partitions,
        cleanup: Cleanup::Delete {
            retention: days * DAY,
        },
        segments,
    };
    let mut topics = vec![delete(CALLS.to_owned(), call_partitions, 7)];
    for department in departments {
        topics.push(compacted(tickets(department), segments));
        topics.push(delete(ticket_replies(department), 1, 30));
        topics.push(delete(ticket_reply_results(department), 1, 30));
    }
    topics
}
