//! What goes on at this moment, and the figures beside it, in one snapshot.

use chrono::{DateTime, NaiveDate, Utc};
use domain::agents::AgentReport;
use domain::counts::Interval;
use domain::ids::{HotlineName, Identity};
use domain::live::{Live, Phase};
use domain::record::TaskType;

use crate::StoreError;
use crate::history::{FiguresVersion, PeriodTally, Periods};
use crate::packing::unknown;
use crate::periods::group;

/// What is asked about the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveQuery {
    /// The running interval.
    pub interval: Interval,
    /// The running local day.
    pub day: NaiveDate,
    /// Visits whose phase began before are left out: their end was lost.
    pub visits_since: DateTime<Utc>,
    /// What was told of agents before is left out; without it, agents are.
    pub agents_since: Option<DateTime<Utc>>,
    /// Quarter-hours that days of other zones are made of.
    pub quarters: Option<QuarterQuery>,
}

/// Which quarter-hours are told beside the moment, half-open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarterQuery {
    /// The first.
    pub from: Interval,
    /// The one after the last.
    pub to: Interval,
    /// Only those that have moved since this state of the figures, if that can be told.
    pub since: Option<FiguresVersion>,
}

/// Quarter-hours as they are in the snapshot of the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarters {
    /// The state of the figures that this is.
    pub version: FiguresVersion,
    /// Those that are told: the others are as they were. None: all that were asked for are told.
    pub moved: Option<Vec<Interval>>,
    /// By hotline and task type.
    pub rows: Vec<PeriodTally>,
}

/// What goes on, in no order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Visits that are not over and count.
    pub visits: Vec<LiveVisit>,
    /// The running interval by hotline and task type.
    pub interval: Vec<PeriodTally>,
    /// The running day by hotline and task type.
    pub day: Vec<PeriodTally>,
    /// The last report of each agent, hotline and state.
    pub agents: Vec<AgentReport>,
    /// The quarter-hours that were asked for.
    pub quarters: Option<Quarters>,
}

/// A visit that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveVisit {
    /// The call that it belongs to.
    pub call: Identity,
    /// Whose queue.
    pub hotline: HotlineName,
    /// What kind of contact.
    pub task_type: TaskType,
    /// When it entered the queue.
    pub offered_at: DateTime<Utc>,
    /// How long the citizen waited until the answer, ringing included; absent before it, or if it was not told.
    pub time_to_answer_ms: Option<i64>,
    /// Where it stands.
    pub live: Live,
}

impl QuarterQuery {
    /// What to read: all of it, or each that has moved.
    pub(crate) fn periods(&self, moved: Option<&[Interval]>) -> Vec<Periods> {
        let of = |from, to| Periods::Intervals { from, to };
        match moved {
            None => vec![of(self.from, self.to)],
            Some(moved) => moved.iter().map(|moved| of(*moved, moved.next())).collect(),
        }
    }
}

/// What is read of a visit: the call, name of the hotline, task type, times, phase and agent.
pub(crate) struct LiveColumns {
    pub(crate) call: Identity,
    pub(crate) hotline: String,
    pub(crate) task_type: i16,
    pub(crate) offered_at_ms: i64,
    pub(crate) phase: i16,
    pub(crate) since_ms: i64,
    pub(crate) agent: Option<String>,
    pub(crate) wait_ms: Option<i64>,
    pub(crate) ring_ms: Option<i64>,
}

impl LiveColumns {
    /// In the order of the fields.
    pub(crate) const SELECT: &'static str =
        "identity, name, visits.task_type, offered_at_ms, phase, phase_since_ms, phase_agent, visits.wait_ms,
         visits.ring_ms";

    pub(crate) fn visit(self) -> Result<LiveVisit, StoreError> {
        let (hotline, task_type) = group(self.hotline, self.task_type)?;
        let phase = Phase::from_code(self.phase).ok_or_else(|| unknown("phase of a visit"))?;
        let waited_ms = self.wait_ms.map(|wait_ms| wait_ms + self.ring_ms.unwrap_or(0));
        let time = |ms| DateTime::from_timestamp_millis(ms).ok_or_else(|| unknown("time of a visit"));
        Ok(LiveVisit {
            call: self.call,
            hotline,
            task_type,
            offered_at: time(self.offered_at_ms)?,
            time_to_answer_ms: waited_ms.filter(|_| !phase.is_waiting()),
            live: Live {
                phase,
                since: time(self.since_ms)?,
                agent: self.agent.map(domain::ids::AgentName::new),
            },
        })
    }
}
