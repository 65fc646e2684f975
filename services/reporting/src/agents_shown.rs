//! Whether single agents are shown, to whom, and how far back: off unless the works council has agreed.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Principal, Role};
use domain::event::CallEvent;
use tonic::Status;
use wire::v1::reporting as proto;

/// What the works council has agreed to.
#[derive(Clone, Debug)]
pub struct AgentsShown {
    /// Names and figures of single agents may be shown at all.
    pub figures: bool,
    /// To whom.
    pub visible_to: Vec<Role>,
    /// What is older is not shown, though the call is kept.
    pub kept: TimeDelta,
    /// Of fewer agents together not even numbers are shown; 1: of whoever there is.
    pub smallest_group: u32,
}

impl AgentsShown {
    /// Nobody sees anything of single agents.
    pub fn off() -> Self {
        Self {
            figures: false,
            visible_to: Vec::new(),
            kept: TimeDelta::days(1),
            smallest_group: 1,
        }
    }

    /// Whether somebody sees names and figures of single agents.
    pub(crate) fn is_for(&self, principal: &Principal) -> bool {
        self.figures && principal.is_any(&self.visible_to)
    }

    /// Refuses whoever does not see them.
    pub(crate) fn admit(&self, principal: &Principal) -> Result<(), Status> {
        if !self.figures {
            return Err(Status::failed_precondition(
                "figures of single agents are off; `agents.figures = true` in the configuration turns them on",
            ));
        }
        match self.is_for(principal) {
            true => Ok(()),
            false => Err(Status::permission_denied(
                "figures of single agents are for the roles of `agents.visible_to` in the configuration",
            )),
        }
    }

    /// What is from before is not shown any more.
    pub(crate) fn oldest(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now - self.kept
    }

    /// Whether so many agents are too few to be told of.
    pub(crate) fn are_too_few(&self, agents: usize) -> bool {
        agents > 0 && agents < self.smallest_group as usize
    }

    /// Numbers of agents, unless they are too few.
    pub(crate) fn counts(&self, counts: proto::AgentCounts) -> Option<proto::AgentCounts> {
        let all = counts.ready + counts.talking + counts.after_call_work + counts.paused;
        (!self.are_too_few(usize::try_from(all).unwrap_or(0))).then_some(counts)
    }
}

/// Up to when names of agents are taken out of calls that are shown.
#[derive(Clone, Copy)]
pub(crate) enum Names {
    /// Of all.
    Hidden,
    /// Of what is from before.
    From(DateTime<Utc>),
}

impl Names {
    fn are_hidden(self, at: DateTime<Utc>) -> bool {
        match self {
            Self::Hidden => true,
            Self::From(oldest) => at < oldest,
        }
    }

    /// The name of an agent at a time, if it is shown.
    pub(crate) fn of<T>(self, name: Option<T>, at: DateTime<Utc>) -> Option<T> {
        name.filter(|_| !self.are_hidden(at))
    }

    /// Takes the name out of an event.
    pub(crate) fn hide_in(self, event: &mut CallEvent) {
        if !self.are_hidden(event.at) {
            return;
        }
        event.set_agent(None);
    }
}

/// How many visits name an agent.
pub(crate) fn named<'v>(visits: impl IntoIterator<Item = &'v proto::Visit>) -> usize {
    visits.into_iter().filter(|visit| visit.agent.is_some()).count()
}
