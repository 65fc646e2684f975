use std::time::Duration;

use chrono::TimeDelta;
use domain::ticket::CLOSED_STAYS;

/// How handover works. The defaults suit any installation; tests shorten them.
#[derive(Clone, Debug)]
pub struct HandoverSettings {
    /// Names this instance among others: unique, and new at every start.
    pub instance: String,
    /// How long a lease holds without being renewed; renewed three times as often.
    pub lease: Duration,
    /// How often the store is asked for work that nobody announced.
    pub poll: Duration,
    /// How often due times are looked at.
    pub look_at_due_times: Duration,
    /// Messages published together at most.
    pub batch: usize,
    /// The longest pause while bus or store are away.
    pub pause_max: Duration,
    /// A quiet topic of tickets gets a heartbeat this often, so that it can be compacted.
    pub heartbeat: TimeDelta,
    /// An answered, unreachable or withdrawn ticket without further news is closed after this time.
    pub ended_stays: TimeDelta,
    /// A closed ticket leaves its department's topic after this time.
    pub closed_stays: TimeDelta,
}

impl HandoverSettings {
    /// The defaults, for an instance of this name.
    pub fn of(instance: impl Into<String>) -> Self {
        Self {
            instance: instance.into(),
            lease: Duration::from_secs(15),
            poll: Duration::from_secs(2),
            look_at_due_times: Duration::from_secs(10),
            batch: 100,
            pause_max: Duration::from_secs(30),
            heartbeat: TimeDelta::hours(1),
            ended_stays: TimeDelta::days(14),
            closed_stays: CLOSED_STAYS,
        }
    }
}
