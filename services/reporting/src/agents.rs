//! Figures of single agents.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::agents::{AgentReport, attendance};
use domain::ids::AgentName;
use store::StoreError;
use store::calls::{CallStore, Period};
use wire::v1::reporting as proto;

/// How far before a period its beginning is looked for: nobody is signed in for longer.
const LOOK_BACK: TimeDelta = TimeDelta::hours(36);

/// The sums of every agent who did anything in the period, by name.
pub(crate) async fn figures(
    store: &dyn CallStore,
    period: Period,
    now: DateTime<Utc>,
) -> Result<Vec<proto::AgentFigures>, StoreError> {
    let wider = Period {
        from: period.from - LOOK_BACK,
        to: period.to,
    };
    let mut reports: BTreeMap<AgentName, Vec<AgentReport>> = BTreeMap::new();
    for report in store.agent_reports(wider).await? {
        reports.entry(report.agent.clone()).or_default().push(report);
    }
    let mut agents: BTreeMap<AgentName, proto::AgentFigures> = BTreeMap::new();
    for visits in store.agent_visits(period).await? {
        let figures = proto::AgentFigures {
            answered: visits.answered,
            talk_ms: visits.talk_ms,
            hold_ms: visits.hold_ms,
            after_call_work_ms: visits.after_call_work_ms,
            ..proto::AgentFigures::default()
        };
        agents.insert(visits.agent, figures);
    }
    for (agent, reports) in &reports {
        let told = attendance(reports, period.from, period.to.min(now));
        let in_period = reports.iter().any(|report| report.at >= period.from);
        if in_period || told.signed_in_ms.is_some_and(|signed_in_ms| signed_in_ms > 0) {
            let figures = agents.entry(agent.clone()).or_default();
            figures.signed_in_ms = told.signed_in_ms;
            figures.paused_ms = told.paused_ms;
        }
    }
    let named = |(agent, figures): (AgentName, proto::AgentFigures)| proto::AgentFigures {
        agent: agent.to_string(),
        ..figures
    };
    Ok(agents.into_iter().map(named).collect())
}
