//! How many agents an offered load needs: Erlang C, by the recursion of Erlang B.
//!
//! Callers come at random, wait in one queue in the order of their arrival, and never hang up: real queues, whose callers
//! do, need no more agents than this says. Formulas: A. K. Erlang, as in ITU-D, *Teletraffic Engineering Handbook* (Erlang's
//! loss system, Erlang's delay system).

use thiserror::Error;

/// The most work that is computed, in erlangs: each agent is one step of the recursion.
const ERLANGS_MAX: f64 = 1_000_000.0;
/// What a division may be off by without a person more: 9 ÷ (1 − 0.1) is ten.
const ROUNDING: f64 = 1e-9;

/// What comes in during an interval, on average.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Visits offered.
    pub offered: f64,
    /// Length of the interval in seconds.
    pub interval_seconds: f64,
    /// Average handling time of a visit in seconds: talk, hold and after-call work.
    pub handling_seconds: f64,
}

impl Load {
    /// Agents that would be busy all the time.
    pub fn erlangs(&self) -> f64 {
        self.offered * self.handling_seconds / self.interval_seconds
    }
}

/// What is promised to callers, and to agents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Requirement {
    /// The share of visits that is answered in time, below 1.
    pub target: f64,
    /// What in time is, in seconds.
    pub within_seconds: f64,
    /// The share of their time that agents are busy at most; 1 limits nothing.
    pub max_occupancy: f64,
    /// The share of their paid time that agents are away: breaks, training, illness.
    pub shrinkage: f64,
}

/// How many people a load needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Staffing {
    /// The least number of agents that meets target and occupancy; 0 where nothing comes in.
    pub agents: u32,
    /// People to plan, so that as many agents are there: agents ÷ (1 − shrinkage), rounded up.
    pub positions: u32,
    /// What callers and agents meet then; absent where nothing comes in.
    pub queue: Option<Queue>,
}

/// What a queue with so many agents is like. Unrounded fractions between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queue {
    /// The share answered in time: 1 − waiting probability × e^(−(agents − erlangs) × within ÷ handling time).
    pub service_level: f64,
    /// Erlangs ÷ agents.
    pub occupancy: f64,
    /// The share of callers who must wait at all: Erlang C.
    pub waiting_probability: f64,
}

/// A number that no staffing can be computed from.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field}: {remedy}")]
pub struct StaffingFault {
    /// Which one.
    pub field: &'static str,
    /// What to give instead.
    pub remedy: &'static str,
}

/// The least number of agents for a load.
///
/// # Errors
/// The first number that is out of its range.
pub fn staff(load: Load, requirement: Requirement) -> Result<Staffing, StaffingFault> {
    check(load, requirement)?;
    let erlangs = load.erlangs();
    if erlangs == 0.0 {
        return Ok(Staffing {
            agents: 0,
            positions: 0,
            queue: None,
        });
    }
    let mut erlang_b = ErlangB::new(erlangs);
    loop {
        erlang_b.add_agent();
        let Some(queue) = erlang_b.queue(load.handling_seconds, requirement.within_seconds) else {
            continue;
        };
        let is_busy = queue.occupancy > requirement.max_occupancy + ROUNDING;
        if !is_busy && queue.service_level >= requirement.target {
            return Ok(Staffing {
                agents: erlang_b.agents,
                positions: positions(erlang_b.agents, requirement.shrinkage),
                queue: Some(queue),
            });
        }
    }
}

/// Agents ÷ (1 − shrinkage), rounded up.
fn positions(agents: u32, shrinkage: f64) -> u32 {
    let exact = f64::from(agents) / (1.0 - shrinkage);
    (exact - ROUNDING * exact.max(1.0)).ceil() as u32
}

fn check(load: Load, requirement: Requirement) -> Result<(), StaffingFault> {
    let fault = |field, remedy| Err(StaffingFault { field, remedy });
    let is_amount = |value: f64| value.is_finite() && value >= 0.0;
    if !is_amount(load.offered) {
        return fault("offered", "give 0 or more visits an interval");
    }
    if !(is_amount(load.interval_seconds) && load.interval_seconds > 0.0) {
        return fault("interval", "give a length above 0");
    }
    if !is_amount(load.handling_seconds) || (load.handling_seconds == 0.0 && load.offered > 0.0) {
        return fault("aht", "give an average handling time above 0 seconds");
    }
    if load.erlangs() > ERLANGS_MAX {
        return fault(
            "offered",
            "more work than a million agents do; is the interval right?",
        );
    }
    if !(0.0..1.0).contains(&requirement.target) {
        return fault(
            "target",
            "give a share from 0 to below 1: no number of agents answers every call in time",
        );
    }
    if !is_amount(requirement.within_seconds) {
        return fault("within", "give 0 or more seconds");
    }
    if !(requirement.max_occupancy >= 0.01 && requirement.max_occupancy <= 1.0) {
        return fault("max_occupancy", "give a share from 0.01 to 1");
    }
    if !(0.0..=0.99).contains(&requirement.shrinkage) {
        return fault("shrinkage", "give a share from 0 to 0.99");
    }
    Ok(())
}

/// The probability that all of so many agents are busy and a caller is lost, one agent after another:
/// B(0) = 1, B(n) = a B(n−1) ÷ (n + a B(n−1)). Free of factorials, so it is stable for any number of agents.
struct ErlangB {
    erlangs: f64,
    agents: u32,
    blocked: f64,
}

impl ErlangB {
    fn new(erlangs: f64) -> Self {
        Self {
            erlangs,
            agents: 0,
            blocked: 1.0,
        }
    }

    fn add_agent(&mut self) {
        self.agents += 1;
        let weighted = self.erlangs * self.blocked;
        self.blocked = weighted / (f64::from(self.agents) + weighted);
    }

    /// The queue where callers wait instead: C = n B ÷ (n − a (1 − B)). None while it grows without end.
    fn queue(&self, handling_seconds: f64, within_seconds: f64) -> Option<Queue> {
        let agents = f64::from(self.agents);
        let spare = agents - self.erlangs;
        if spare <= 0.0 {
            return None;
        }
        let waiting = agents * self.blocked / (agents - self.erlangs * (1.0 - self.blocked));
        let late = waiting * (-spare * within_seconds / handling_seconds).exp();
        Some(Queue {
            service_level: 1.0 - late,
            occupancy: self.erlangs / agents,
            waiting_probability: waiting,
        })
    }
}

#[cfg(test)]
mod tests;
