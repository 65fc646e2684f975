//! Reports about agents.

use chrono::{DateTime, Utc};
use domain::agents::{AcceptedAgentReport, AgentReport, AgentState};
use domain::ids::{AgentName, HotlineName, Identity, ImportRun, SourceName};
use prost::Message;

use super::{LONGEST_NAME, ReportRejection, UnreadableReport, event_time};
use crate::v1::calls as wire;

/// Checks a report about an agent, as seen from `now`.
///
/// # Errors
/// [`ReportRejection`] for what can never be used.
pub fn checked_agent(report: &wire::AgentReport, now: DateTime<Utc>) -> Result<AgentReport, ReportRejection> {
    for (field, text) in [
        ("agent", &report.agent),
        ("hotline", &report.hotline),
        ("reason", &report.reason),
    ] {
        if text.chars().count() > LONGEST_NAME {
            return Err(ReportRejection::Malformed {
                field,
                remedy: "at most 200 characters",
            });
        }
    }
    let report = agent_from_wire(report)?;
    domain::record::plausible_time(report.at, now).map_err(event_time)?;
    Ok(report)
}

/// The report as delivered.
///
/// # Errors
/// [`ReportRejection`] when something required is missing or unknown.
pub fn agent_from_wire(report: &wire::AgentReport) -> Result<AgentReport, ReportRejection> {
    let agent = AgentName::new(&report.agent);
    if agent.as_str().is_empty() {
        return Err(ReportRejection::Missing { field: "agent" });
    }
    let at = match report.at_unix_ms {
        0 => return Err(ReportRejection::Missing { field: "at" }),
        ms => crate::time(ms).ok_or(ReportRejection::Malformed {
            field: "at",
            remedy: "milliseconds since 1970, UTC",
        })?,
    };
    let state = match report.state {
        0 => return Err(ReportRejection::Missing { field: "state" }),
        code => i16::try_from(code)
            .ok()
            .and_then(AgentState::from_code)
            .ok_or(ReportRejection::Unknown { field: "state" })?,
    };
    Ok(AgentReport {
        agent,
        hotline: Some(HotlineName::new(&report.hotline)).filter(|name| !name.as_str().is_empty()),
        at,
        state,
        reason: Some(report.reason.trim().to_owned()).filter(|reason| !reason.is_empty()),
    })
}

/// The report for the wire.
pub fn agent_to_wire(report: &AgentReport) -> wire::AgentReport {
    wire::AgentReport {
        agent: report.agent.to_string(),
        hotline: report
            .hotline
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
        at_unix_ms: report.at.timestamp_millis(),
        state: i32::from(report.state.code()),
        reason: report.reason.clone().unwrap_or_default(),
    }
}

/// The message for the topic of calls.
pub fn encode_agent(accepted: &AcceptedAgentReport) -> Vec<u8> {
    let stored = wire::StoredReport {
        identity: accepted.identity.0.to_vec(),
        source: accepted.source.to_string(),
        call_id: None,
        import_run: accepted.run.to_string(),
        received_at_unix_ms: accepted.received_at.timestamp_millis(),
        confirms: false,
        body: Some(wire::stored_report::Body::Agent(agent_to_wire(&accepted.report))),
    };
    stored.encode_to_vec()
}

/// The report about an agent in a message of the topic.
pub(super) fn stored(
    stored: &wire::StoredReport,
    report: &wire::AgentReport,
) -> Result<AcceptedAgentReport, UnreadableReport> {
    let identity = stored.identity.as_slice().try_into();
    Ok(AcceptedAgentReport {
        identity: Identity(identity.map_err(|_| UnreadableReport::Part("identity"))?),
        source: SourceName::new(&stored.source),
        run: ImportRun::new(&stored.import_run),
        received_at: crate::time(stored.received_at_unix_ms).ok_or(UnreadableReport::Part("received_at"))?,
        report: agent_from_wire(report)?,
    })
}
