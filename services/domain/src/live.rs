//! What goes on at this moment: visits that are not over, and what agents do.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::agents::{AgentReport, AgentState};
use crate::ids::{AgentName, HotlineName};
use crate::record::named_enum;

named_enum! {
    /// Where a visit that is not over stands. Ringing counts as waiting.
    Phase {
        /// In the queue.
        Queued 1 "queued",
        /// Ringing at an agent's place.
        Ringing 2 "ringing",
        /// In conversation.
        Talking 3 "talking",
        /// On hold.
        OnHold 4 "on_hold",
        /// The citizen is gone, the agent finishes what is left to do.
        AfterCallWork 5 "after_call_work",
    }
}

impl Phase {
    /// Whether the citizen still waits for an agent.
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Queued | Self::Ringing)
    }
}

/// The phase of a visit, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Where it stands.
    pub phase: Phase,
    /// Since when, by the clock of the source.
    pub since: DateTime<Utc>,
    /// Who rings, talks or works on it.
    pub agent: Option<AgentName>,
}

named_enum! {
    /// What an agent does at this moment.
    Activity {
        /// Takes calls, and has none.
        Ready 1 "ready",
        /// Has a call, held ones too.
        Talking 2 "talking",
        /// Finishes what a call left to do.
        AfterCallWork 3 "after_call_work",
        /// Takes no calls for now, of any hotline.
        Paused 4 "paused",
    }
}

/// What an agent does, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doing {
    /// What.
    pub activity: Activity,
    /// Since when, as far as it is known.
    pub since: DateTime<Utc>,
    /// The hotlines that the agent takes calls of; empty: of all, or nothing was told.
    pub hotlines: Vec<HotlineName>,
}

/// What was last told of an agent and one hotline, or all.
#[derive(Clone, Copy, Default)]
struct Told {
    signed_in: Option<DateTime<Utc>>,
    signed_out: Option<DateTime<Utc>>,
    activity: Option<(DateTime<Utc>, AgentState)>,
}

impl Told {
    fn take(&mut self, report: &AgentReport) {
        match report.state {
            AgentState::SignedIn => self.signed_in = self.signed_in.max(Some(report.at)),
            AgentState::SignedOut => self.signed_out = self.signed_out.max(Some(report.at)),
            state => self.activity = self.activity.max(Some((report.at, state))),
        }
    }

    /// The later of what was told of a hotline, and of all of them.
    fn or(self, everywhere: Self) -> Self {
        Self {
            signed_in: self.signed_in.max(everywhere.signed_in),
            signed_out: self.signed_out.max(everywhere.signed_out),
            activity: self.activity.max(everywhere.activity),
        }
    }

    /// Whether the agent is there: signed in since the last sign-out, or a member for good of whom something is told.
    fn is_there(self) -> bool {
        let last = self.signed_in.max(self.activity.map(|(at, _)| at));
        last.is_some() && last >= self.signed_out
    }

    /// What the agent does there, as the reports alone tell, and since when. A sign-in ends a pause.
    fn doing(self) -> (AgentState, DateTime<Utc>) {
        let told = self
            .activity
            .filter(|(at, _)| self.signed_in.is_none_or(|since| since <= *at));
        let (at, state) = told.unwrap_or((self.signed_in.unwrap_or_default(), AgentState::Ready));
        (state, at)
    }
}

/// What agents do, as their reports and the visits that they have tell. The order does not matter; of the reports the last
/// of each agent, hotline and state are enough. Who is signed out and has no call is left out.
pub fn activities<'a>(
    reports: impl IntoIterator<Item = &'a AgentReport>,
    visits: impl IntoIterator<Item = (&'a HotlineName, &'a Live)>,
) -> BTreeMap<AgentName, Doing> {
    let mut told: BTreeMap<&AgentName, BTreeMap<Option<&HotlineName>, Told>> = BTreeMap::new();
    for report in reports {
        let of_agent = told.entry(&report.agent).or_default();
        of_agent.entry(report.hotline.as_ref()).or_default().take(report);
    }
    let mut doing: BTreeMap<AgentName, Doing> = told
        .iter()
        .filter_map(|(agent, of_agent)| Some(((*agent).clone(), by_reports(of_agent)?)))
        .collect();
    for (hotline, live) in visits {
        let (Some(agent), Some(activity)) = (&live.agent, by_visit(live.phase)) else {
            continue;
        };
        let known = doing.entry(agent.clone()).or_insert_with(|| Doing {
            activity,
            since: live.since,
            hotlines: vec![hotline.clone()],
        });
        // Of two visits the conversation is what the agent does.
        if known.activity != Activity::Talking || activity == Activity::Talking {
            known.activity = activity;
            known.since = live.since;
        }
    }
    doing
}

fn by_visit(phase: Phase) -> Option<Activity> {
    match phase {
        Phase::Talking | Phase::OnHold => Some(Activity::Talking),
        Phase::AfterCallWork => Some(Activity::AfterCallWork),
        Phase::Queued | Phase::Ringing => None,
    }
}

fn by_reports(told: &BTreeMap<Option<&HotlineName>, Told>) -> Option<Doing> {
    let everywhere = told.get(&None).copied().unwrap_or_default();
    let standings: Vec<(Option<&HotlineName>, Told)> = match told.keys().any(Option::is_some) {
        true => told
            .iter()
            .filter(|(hotline, _)| hotline.is_some())
            .map(|(hotline, of_hotline)| (*hotline, of_hotline.or(everywhere)))
            .filter(|(_, standing)| standing.is_there())
            .collect(),
        false => vec![(None, everywhere)],
    };
    let standings: Vec<_> = standings
        .into_iter()
        .filter(|(_, standing)| standing.is_there())
        .collect();
    // Busy anywhere is busy; ready anywhere is ready; paused only where paused everywhere.
    let rank = |state: AgentState| match state {
        AgentState::Talking => 0,
        AgentState::AfterCallWork => 1,
        AgentState::Paused => 3,
        _ => 2,
    };
    let (state, since) = standings
        .iter()
        .map(|(_, standing)| standing.doing())
        .min_by_key(|(state, since)| (rank(*state), std::cmp::Reverse(*since)))?;
    Some(Doing {
        activity: match state {
            AgentState::Talking => Activity::Talking,
            AgentState::AfterCallWork => Activity::AfterCallWork,
            AgentState::Paused => Activity::Paused,
            _ => Activity::Ready,
        },
        since,
        hotlines: standings
            .iter()
            .filter_map(|(hotline, _)| hotline.cloned())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use chrono::{TimeDelta, TimeZone};

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 2, 8, 0, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn report(minutes: i64, hotline: Option<&str>, state: AgentState) -> AgentReport {
        AgentReport {
            agent: AgentName::new("Anna"),
            hotline: hotline.map(HotlineName::new),
            at: at(minutes),
            state,
            reason: None,
        }
    }

    fn live(minutes: i64, phase: Phase) -> Live {
        Live {
            phase,
            since: at(minutes),
            agent: Some(AgentName::new("Anna")),
        }
    }

    fn does(reports: &[AgentReport], visits: &[Live]) -> Option<(Activity, i64)> {
        let steuern = HotlineName::new("Steuern");
        let doing = activities(reports, visits.iter().map(|live| (&steuern, live)))
            .remove(&AgentName::new("Anna"))?;
        Some((doing.activity, (doing.since - at(0)).num_minutes()))
    }

    #[test]
    fn an_agent_is_ready_until_something_else_is_told() {
        let mut reports = vec![report(0, Some("Steuern"), AgentState::SignedIn)];
        assert_eq!(does(&reports, &[]), Some((Activity::Ready, 0)));
        reports.push(report(5, Some("Steuern"), AgentState::Paused));
        assert_eq!(does(&reports, &[]), Some((Activity::Paused, 5)));
        reports.push(report(9, Some("Steuern"), AgentState::Ready));
        reports.reverse();
        assert_eq!(does(&reports, &[]), Some((Activity::Ready, 9)));
        reports.push(report(20, None, AgentState::SignedOut));
        assert_eq!(does(&reports, &[]), None);
    }

    #[test]
    fn a_call_tells_more_than_the_reports() {
        let reports = [report(0, None, AgentState::SignedIn)];
        assert_eq!(
            does(&reports, &[live(3, Phase::Talking)]),
            Some((Activity::Talking, 3))
        );
        assert_eq!(does(&[], &[live(3, Phase::OnHold)]), Some((Activity::Talking, 3)));
        let both = [live(3, Phase::Talking), live(2, Phase::AfterCallWork)];
        assert_eq!(does(&reports, &both), Some((Activity::Talking, 3)));
        assert_eq!(
            does(&reports, &[live(4, Phase::Ringing)]),
            Some((Activity::Ready, 0))
        );
    }

    #[test]
    fn a_pause_for_one_hotline_of_two_leaves_an_agent_ready() {
        let reports = [
            report(0, Some("Steuern"), AgentState::SignedIn),
            report(0, Some("Schule"), AgentState::SignedIn),
            report(10, Some("Steuern"), AgentState::Paused),
        ];
        assert_eq!(does(&reports, &[]), Some((Activity::Ready, 0)));
        let everywhere = report(12, None, AgentState::Paused);
        let reports: Vec<_> = reports.into_iter().chain([everywhere]).collect();
        assert_eq!(does(&reports, &[]), Some((Activity::Paused, 12)));
    }
}
