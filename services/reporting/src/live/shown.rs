//! The moment as it is told.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::figures::FiguresRules;
use domain::ids::{AgentName, HotlineName};
use domain::live::{Activity, Doing, Phase, activities};
use domain::record::TaskType;
use domain::span::Step;
use store::history::PeriodTally;
use store::live::LiveVisit;
use tonic::Status;
use wire::v1::reporting as proto;

use super::LiveParts;
use super::feed::Taken;
use super::running::{Clock, Running, has};
use crate::scope::{self, Grouping, Policy};
use crate::sum::{Sum, shown};

/// What somebody watches.
pub(super) struct Watched {
    pub(super) clock: Clock,
    hotlines: Vec<HotlineName>,
    pub(super) by: Grouping,
    pub(super) task_types: Vec<TaskType>,
    policy: String,
    within: Vec<u32>,
    /// Whether single agents are shown.
    with_agents: bool,
}

/// A queue while it is added up.
#[derive(Default)]
struct Queue {
    phases: BTreeMap<Phase, i64>,
    longest_since: Option<DateTime<Utc>>,
    agents: proto::AgentCounts,
    interval: Sum,
    day: Sum,
}

/// Everything while it is added up.
struct Adding<'a> {
    watched: &'a Watched,
    rules: &'a FiguresRules,
    policy: &'a Policy,
    taken: &'a Taken,
    running: Running,
    total: Queue,
    queues: BTreeMap<String, Queue>,
}

impl Watched {
    /// Checks what was sent.
    pub(super) fn read(sent: proto::WatchRequest, by: Grouping, with_agents: bool) -> Result<Self, Status> {
        Ok(Self {
            clock: Clock {
                zone: scope::zone(&sent.zone)?,
                step: step(&sent.interval)?,
            },
            hotlines: sent.hotlines.iter().map(HotlineName::new).collect(),
            by,
            task_types: scope::task_types(&sent.task_types)?,
            within: scope::thresholds(sent.within_seconds)?,
            policy: sent.policy,
            with_agents,
        })
    }

    /// None of a look that was taken before anybody watched by this clock.
    pub(super) fn shown(&self, parts: &LiveParts, taken: &Taken) -> Result<Option<proto::Moment>, Status> {
        let running = Running::of(self.clock, taken.at);
        let moment = &taken.moment;
        let figures = |span| running.figures(span, moment, &taken.sums);
        let (Some(interval), Some(day)) = (figures(running.interval), figures(running.day)) else {
            return Ok(None);
        };
        let book = (parts.figures.rules)();
        let policy = scope::policy(&self.policy, &book.figures, &parts.figures.policy)?;
        let mut adding = Adding {
            watched: self,
            rules: &book.figures,
            policy: &policy,
            taken,
            running,
            total: Queue::default(),
            queues: BTreeMap::new(),
        };
        let known = book.routing.hotlines().iter().map(|hotline| &hotline.name);
        for hotline in known
            .chain(&self.hotlines)
            .filter(|hotline| self.is_watched(hotline))
        {
            adding.queue(hotline);
        }
        adding.figures(interval, |queue| &mut queue.interval);
        adding.figures(day, |queue| &mut queue.day);
        for visit in &moment.visits {
            adding.visit(visit);
        }
        let live = moment.visits.iter().map(|visit| (&visit.hotline, &visit.live));
        let doing = activities(&moment.agents, live);
        doing.values().for_each(|agent| adding.agent(agent));
        let mut promised = super::promised::of(self, parts, &book, taken, running, (interval, day));
        let mut tell = |name: &str, queue: &Queue| proto::Queue {
            target: promised.remove(name),
            agents: parts.agents.counts(queue.agents),
            ..queue.shown(name, taken.at, &policy, &self.within)
        };
        let with_agents = self.with_agents && !parts.agents.are_too_few(doing.len());
        Ok(Some(proto::Moment {
            at_unix_ms: taken.at.timestamp_millis(),
            zone: self.clock.zone.name().to_owned(),
            day: running.date.to_string(),
            interval_start_unix_s: running.interval.start.timestamp(),
            interval_end_unix_s: running.interval.end.timestamp(),
            policy: Some(policy.shown()),
            total: Some(tell("", &adding.total)),
            queues: adding
                .queues
                .iter()
                .map(|(name, queue)| tell(name, queue))
                .collect(),
            agents_shown: with_agents,
            agents: match with_agents {
                true => doing.iter().map(agent_shown).collect(),
                false => Vec::new(),
            },
        }))
    }

    /// The queue that a hotline is shown in.
    pub(super) fn group(&self, rules: &FiguresRules, hotline: &HotlineName) -> String {
        let group = match self.by {
            Grouping::Group => rules.group_of(hotline),
            Grouping::None | Grouping::Hotline => None,
        };
        group.map_or_else(|| hotline.to_string(), |group| group.name.clone())
    }

    /// Whether the hotline is among those that are watched.
    pub(super) fn is_watched(&self, hotline: &HotlineName) -> bool {
        self.hotlines.is_empty() || self.hotlines.contains(hotline)
    }
}

/// The length of the running interval.
fn step(name: &str) -> Result<Step, Status> {
    let step = match name {
        "" => Some(Step::QuarterHour),
        name => Step::from_name(name),
    };
    let is_short = |step: &Step| !matches!(step, Step::Week | Step::Month);
    step.filter(is_short).ok_or_else(|| {
        scope::invalid(
            "interval: use 15m, 30m, 1h or 1d; `report intervals` tells of weeks and months, running ones too",
        )
    })
}

impl Adding<'_> {
    fn queue(&mut self, hotline: &HotlineName) -> &mut Queue {
        let group = self.group(hotline);
        self.queues.entry(group).or_default()
    }

    fn group(&self, hotline: &HotlineName) -> String {
        self.watched.group(self.rules, hotline)
    }

    fn figures(&mut self, rows: &[PeriodTally], of: fn(&mut Queue) -> &mut Sum) {
        for row in rows {
            let Some(hotline) = row.hotline.as_ref().filter(|it| self.watched.is_watched(it)) else {
                continue;
            };
            let (watched, policy) = (self.watched, self.policy.of(Some(hotline)));
            let add = |sum: &mut Sum| {
                sum.contacts += row.tally.counts.get(domain::counts::Figure::Contacts);
                if watched.task_types.contains(&row.task_type) {
                    sum.count(&row.tally, &policy);
                }
            };
            add(of(&mut self.total));
            add(of(self.queue(hotline)));
        }
    }

    fn visit(&mut self, visit: &LiveVisit) {
        let is_asked = self.watched.task_types.contains(&visit.task_type);
        if is_asked && self.watched.is_watched(&visit.hotline) {
            let (taken, running, policy) = (self.taken, self.running, self.policy);
            self.total.visit(visit, taken, running, policy);
            self.queue(&visit.hotline).visit(visit, taken, running, policy);
        }
    }

    /// Whoever takes calls of all hotlines counts for each.
    fn agent(&mut self, agent: &Doing) {
        if agent.hotlines.is_empty() {
            self.total.agent(agent.activity);
            self.queues
                .values_mut()
                .for_each(|queue| queue.agent(agent.activity));
            return;
        }
        let watched = agent
            .hotlines
            .iter()
            .filter(|hotline| self.watched.is_watched(hotline));
        let mut groups: Vec<String> = watched.map(|hotline| self.group(hotline)).collect();
        groups.sort_unstable();
        groups.dedup();
        if !groups.is_empty() {
            self.total.agent(agent.activity);
        }
        for group in groups {
            self.queues.entry(group).or_default().agent(agent.activity);
        }
    }
}

impl Queue {
    fn visit(&mut self, visit: &LiveVisit, taken: &Taken, running: Running, policy: &Policy) {
        *self.phases.entry(visit.live.phase).or_default() += 1;
        if !visit.live.phase.is_waiting() {
            return;
        }
        let longest = self.longest_since.unwrap_or(visit.offered_at);
        self.longest_since = Some(longest.min(visit.offered_at));
        // Nothing can be told yet of those who have not waited for the threshold.
        let policy = policy.of(Some(&visit.hotline));
        if taken.at - visit.offered_at <= TimeDelta::seconds(policy.threshold_seconds) {
            if has(running.interval, visit.offered_at) {
                self.interval.leave_out(1, &policy);
            }
            if has(running.day, visit.offered_at) {
                self.day.leave_out(1, &policy);
            }
        }
    }

    fn agent(&mut self, activity: Activity) {
        let counts = &mut self.agents;
        *match activity {
            Activity::Ready => &mut counts.ready,
            Activity::Talking => &mut counts.talking,
            Activity::AfterCallWork => &mut counts.after_call_work,
            Activity::Paused => &mut counts.paused,
        } += 1;
    }

    fn shown(&self, name: &str, at: DateTime<Utc>, policy: &Policy, within: &[u32]) -> proto::Queue {
        let phase = |phase| self.phases.get(&phase).copied().unwrap_or(0);
        let figures = |sum: &Sum| Some(shown(name, sum, &policy.policy, within));
        proto::Queue {
            group: name.to_owned(),
            waiting: phase(Phase::Queued) + phase(Phase::Ringing),
            ringing: phase(Phase::Ringing),
            talking: phase(Phase::Talking),
            on_hold: phase(Phase::OnHold),
            after_call_work: phase(Phase::AfterCallWork),
            longest_wait_ms: self
                .longest_since
                .map(|since| (at - since).num_milliseconds().max(0)),
            agents: None,
            interval: figures(&self.interval),
            day: figures(&self.day),
            target: None,
        }
    }
}

fn agent_shown((name, doing): (&AgentName, &Doing)) -> proto::Agent {
    proto::Agent {
        agent: name.to_string(),
        activity: doing.activity.name().to_owned(),
        since_unix_ms: doing.since.timestamp_millis(),
        hotlines: doing.hotlines.iter().map(ToString::to_string).collect(),
    }
}
