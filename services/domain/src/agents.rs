//! What agents do when: the base of live states and of figures per agent.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{AgentName, HotlineName, Identity, ImportRun, SourceName};
use crate::record::named_enum;

named_enum! {
    /// What an agent is doing.
    AgentState {
        /// Signed in, and ready unless something else is told.
        SignedIn 1 "signed_in",
        /// Takes calls.
        Ready 2 "ready",
        /// Takes no calls for now.
        Paused 3 "paused",
        /// Has a call.
        Talking 4 "talking",
        /// Finishes what a call left to do.
        AfterCallWork 5 "after_call_work",
        /// Gone.
        SignedOut 6 "signed_out",
    }
}

/// A change of what an agent does, as a telephone system tells it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AgentReport {
    /// Who.
    pub agent: AgentName,
    /// For which hotline alone; without it, for all.
    pub hotline: Option<HotlineName>,
    /// Since when, by the source's clock.
    pub at: DateTime<Utc>,
    /// What the agent does from then on.
    pub state: AgentState,
    /// Why, where the source says so; a word of the house such as "Pause", no free text about a person.
    pub reason: Option<String>,
}

/// A report about an agent, accepted by intake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedAgentReport {
    /// Keyed hash of source and agent: keeps the agent's reports in order on the bus.
    pub identity: Identity,
    /// The feed it came from.
    pub source: SourceName,
    /// The import or connection that brought it.
    pub run: ImportRun,
    /// When intake accepted it.
    pub received_at: DateTime<Utc>,
    /// What is reported.
    pub report: AgentReport,
}

/// How long an agent was there, in milliseconds; absent where nothing was told of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attendance {
    /// Signed in to at least one hotline.
    pub signed_in_ms: Option<i64>,
    /// Signed in, but paused wherever signed in.
    pub paused_ms: Option<i64>,
}

/// How an agent stands with one hotline, or with all.
#[derive(Clone, Copy, Default)]
struct Standing {
    signed_in: bool,
    paused: bool,
}

/// Sums what the reports about one agent tell, between `from` and `to`. The order of the reports does not matter;
/// those before `from` tell how the period begins. A pause counts only where the agent is paused everywhere: who is
/// paused for one of two hotlines still takes calls of the other.
pub fn attendance<'a>(
    reports: impl IntoIterator<Item = &'a AgentReport>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Attendance {
    let mut reports: Vec<_> = reports.into_iter().filter(|report| report.at < to).collect();
    // Within an instant, leaving comes last and a pause before its end.
    let rank = |state: AgentState| match state {
        AgentState::SignedIn => 0,
        AgentState::Paused => 1,
        AgentState::Ready => 2,
        AgentState::Talking => 3,
        AgentState::AfterCallWork => 4,
        AgentState::SignedOut => 5,
    };
    reports.sort_by_key(|report| (report.at, rank(report.state)));
    let mut standings: BTreeMap<Option<&HotlineName>, Standing> = BTreeMap::new();
    let mut attendance = Attendance::default();
    let mut since = from;
    for report in reports {
        let at = report.at.clamp(from, to);
        add(&mut attendance, &standings, (at - since).num_milliseconds());
        since = at;
        tell(&mut standings, report);
        if standings.values().any(|standing| standing.signed_in) {
            attendance.signed_in_ms.get_or_insert(0);
        }
        if report.state == AgentState::Paused {
            attendance.paused_ms.get_or_insert(0);
        }
    }
    add(
        &mut attendance,
        &standings,
        (to - since).num_milliseconds().max(0),
    );
    attendance
}

fn tell<'a>(standings: &mut BTreeMap<Option<&'a HotlineName>, Standing>, report: &'a AgentReport) {
    let everywhere = report.hotline.is_none();
    match report.state {
        AgentState::SignedIn => {
            let standing = standings.entry(report.hotline.as_ref()).or_default();
            standing.signed_in = true;
            standing.paused = false;
        }
        AgentState::SignedOut if everywhere => standings.clear(),
        AgentState::SignedOut => {
            standings.remove(&report.hotline.as_ref());
        }
        state => {
            let paused = state == AgentState::Paused;
            // A member for good is never signed in: what is told of him or her is told of a standing of its own.
            let own = standings.entry(report.hotline.as_ref()).or_default();
            own.paused = paused;
            if everywhere {
                standings
                    .values_mut()
                    .for_each(|standing| standing.paused = paused);
            }
        }
    }
}

fn add(attendance: &mut Attendance, standings: &BTreeMap<Option<&HotlineName>, Standing>, span_ms: i64) {
    if standings.values().any(|standing| standing.signed_in)
        && let Some(signed_in_ms) = &mut attendance.signed_in_ms
    {
        *signed_in_ms += span_ms;
    }
    let paused = !standings.is_empty() && standings.values().all(|standing| standing.paused);
    if paused && let Some(paused_ms) = &mut attendance.paused_ms {
        *paused_ms += span_ms;
    }
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

    fn minutes(reports: &[AgentReport], from: i64, to: i64) -> (Option<i64>, Option<i64>) {
        let told = attendance(reports, at(from), at(to));
        let minutes = |ms: i64| ms / 60_000;
        (told.signed_in_ms.map(minutes), told.paused_ms.map(minutes))
    }

    #[test]
    fn hotlines_overlap_and_count_once() {
        let reports = [
            report(0, Some("Steuern"), AgentState::SignedIn),
            report(10, Some("Schule"), AgentState::SignedIn),
            report(30, Some("Steuern"), AgentState::SignedOut),
            report(50, Some("Schule"), AgentState::SignedOut),
        ];
        assert_eq!(minutes(&reports, 0, 100), (Some(50), None));
        assert_eq!(minutes(&reports, 20, 40), (Some(20), None));
        let mut shuffled = reports.to_vec();
        shuffled.reverse();
        assert_eq!(minutes(&shuffled, 0, 100), (Some(50), None));
    }

    #[test]
    fn who_is_paused_for_one_hotline_of_two_is_not_paused() {
        let reports = [
            report(0, Some("Steuern"), AgentState::SignedIn),
            report(0, Some("Schule"), AgentState::SignedIn),
            report(10, Some("Steuern"), AgentState::Paused),
            report(20, Some("Schule"), AgentState::Paused),
            report(35, Some("Steuern"), AgentState::Ready),
        ];
        assert_eq!(minutes(&reports, 0, 60), (Some(60), Some(15)));
    }

    #[test]
    fn a_member_for_good_is_paused_without_ever_signing_in() {
        let reports = [
            report(5, Some("Steuern"), AgentState::Paused),
            report(9, Some("Steuern"), AgentState::Ready),
        ];
        assert_eq!(minutes(&reports, 0, 60), (None, Some(4)));
    }

    #[test]
    fn a_pause_everywhere_and_a_sign_out_everywhere_hold_for_every_hotline() {
        let reports = [
            report(0, Some("Steuern"), AgentState::SignedIn),
            report(10, None, AgentState::Paused),
            report(15, None, AgentState::Ready),
            report(40, None, AgentState::SignedOut),
        ];
        assert_eq!(minutes(&reports, 0, 60), (Some(40), Some(5)));
    }
}
