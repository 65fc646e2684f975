//! The agents of the house: who is on duty when, who is free, who has been free the longest.

use std::collections::VecDeque;

use chrono::{NaiveDate, TimeDelta};
use domain::ids::AgentName;

use crate::arrivals::{DayBounds, local_ms};
use crate::profile::{Profile, ShiftProfile};

/// Breaks of a shift are spread over so many minutes around its middle.
const BREAK_STAGGER_MINUTES: usize = 120;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Away,
    Idle,
    Busy,
}

struct Agent {
    name: AgentName,
    team: usize,
    presence: Presence,
    /// When he or she takes calls, half-open, in milliseconds.
    duty: Vec<(i64, i64)>,
}

/// Everybody who answers in the house.
pub(super) struct Agents {
    agents: Vec<Agent>,
    /// By team, the one that has been free the longest first.
    idle: Vec<VecDeque<usize>>,
    /// The hotlines of a team.
    hotlines: Vec<Vec<usize>>,
    /// The teams of a hotline.
    teams: Vec<Vec<usize>>,
}

impl Agents {
    /// The agents of a day; nobody comes when there is no service.
    pub(super) fn of_day(date: NaiveDate, profile: &Profile, bounds: &DayBounds) -> Self {
        let hotlines: Vec<Vec<usize>> = profile
            .teams
            .iter()
            .map(|team| {
                team.hotlines
                    .iter()
                    .filter_map(|hotline| profile.position(hotline))
                    .collect()
            })
            .collect();
        // A team that names the hotline earlier is asked first: it is its main skill.
        let teams = (0..profile.hotlines.len())
            .map(|hotline| {
                let mut teams: Vec<usize> = (0..hotlines.len())
                    .filter(|team| hotlines[*team].contains(&hotline))
                    .collect();
                teams.sort_by_key(|team| hotlines[*team].iter().position(|served| *served == hotline));
                teams
            })
            .collect();
        let mut agents = Vec::new();
        for (team, members) in profile.teams.iter().enumerate() {
            let shifts = spread_over_shifts(members.agents, &profile.shifts);
            for (member, shift) in shifts.into_iter().enumerate() {
                let name = AgentName::new(format!("{}-{:03}", members.name, member + 1));
                let duty = if bounds.service.is_some() {
                    duty(date, profile, shift, member)
                } else {
                    Vec::new()
                };
                agents.push(Agent {
                    name,
                    team,
                    presence: Presence::Away,
                    duty,
                });
            }
        }
        Self {
            agents,
            idle: vec![VecDeque::new(); profile.teams.len()],
            hotlines,
            teams,
        }
    }

    /// When agents come, or come back from their break.
    pub(super) fn starts(&self) -> Vec<(i64, usize)> {
        let with_index = self.agents.iter().enumerate();
        with_index
            .flat_map(|(index, agent)| agent.duty.iter().map(move |(from, _)| (*from, index)))
            .collect()
    }

    pub(super) fn name(&self, agent: usize) -> &AgentName {
        &self.agents[agent].name
    }

    /// The hotlines that an agent serves.
    pub(super) fn hotlines_of(&self, agent: usize) -> &[usize] {
        &self.hotlines[self.agents[agent].team]
    }

    /// Takes the agent that has been free the longest for a hotline, if one is on duty.
    pub(super) fn take_idle(&mut self, hotline: usize, at: i64) -> Option<usize> {
        for team in &self.teams[hotline] {
            while let Some(agent) = self.idle[*team].pop_front() {
                if self.is_on_duty(agent, at) {
                    self.agents[agent].presence = Presence::Busy;
                    return Some(agent);
                }
                self.agents[agent].presence = Presence::Away;
            }
        }
        None
    }

    /// Somebody comes, or has finished with a call. Returns whether he or she can take another one now, and is then
    /// busy until [`Agents::wait_for_call`] or the next call's end.
    pub(super) fn claim(&mut self, agent: usize, at: i64, finished: bool) -> bool {
        let on_duty = self.is_on_duty(agent, at);
        let presence = &mut self.agents[agent].presence;
        if *presence == Presence::Idle || (*presence == Presence::Busy && !finished) {
            return false;
        }
        *presence = if on_duty { Presence::Busy } else { Presence::Away };
        on_duty
    }

    /// Nobody waits: the agent does.
    pub(super) fn wait_for_call(&mut self, agent: usize) {
        let known = &mut self.agents[agent];
        known.presence = Presence::Idle;
        self.idle[known.team].push_back(agent);
    }

    fn is_on_duty(&self, agent: usize, at: i64) -> bool {
        self.agents[agent]
            .duty
            .iter()
            .any(|(from, to)| (*from..*to).contains(&at))
    }
}

/// Gives every shift its share of the agents, evenly mixed.
fn spread_over_shifts(agents: usize, shifts: &[ShiftProfile]) -> Vec<ShiftProfile> {
    let weight_sum: f64 = shifts.iter().map(|shift| shift.weight).sum();
    let mut given = vec![0.0; shifts.len()];
    let mut spread = Vec::with_capacity(agents);
    for count in 1..=agents {
        let lacks = |shift: usize| {
            shifts[shift].weight / weight_sum.max(f64::MIN_POSITIVE) * count as f64 - given[shift]
        };
        let neediest = (0..shifts.len())
            .max_by(|left, right| lacks(*left).total_cmp(&lacks(*right)))
            .unwrap_or(0);
        given[neediest] += 1.0;
        spread.push(shifts[neediest]);
    }
    spread
}

/// When an agent takes calls: the shift without its break.
fn duty(date: NaiveDate, profile: &Profile, shift: ShiftProfile, member: usize) -> Vec<(i64, i64)> {
    let at = |time| local_ms(profile.zone, date.and_time(time));
    let (from, to) = (at(shift.from), at(shift.to));
    let break_ms = TimeDelta::minutes(i64::from(shift.break_minutes)).num_milliseconds();
    if break_ms == 0 || break_ms >= to - from {
        return vec![(from, to)];
    }
    let stagger = TimeDelta::minutes(((member * 7) % BREAK_STAGGER_MINUTES) as i64).num_milliseconds();
    let latest = to - break_ms;
    let starts = (from + (to - from - break_ms) / 2 - BREAK_STAGGER_MINUTES as i64 * 30_000 + stagger)
        .clamp(from, latest);
    vec![(from, starts), (starts + break_ms, to)]
}
