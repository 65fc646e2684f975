//! Figures of single agents.

use super::refused;
use chrono::NaiveDate;
use serde_json::json;
use wire::v1::reporting as proto;
use wire::v1::reporting::reporting_client::ReportingClient;

use crate::cli::ServerArguments;
use crate::client;
use crate::output::say;

/// Sums of single agents.
pub(super) async fn run(
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    json: bool,
    server: &ServerArguments,
) -> anyhow::Result<()> {
    let mut client = ReportingClient::new(client::connect(&server.server).await?);
    let date = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    let request = proto::AgentsRequest {
        from: date(from),
        to: date(to),
    };
    let response = client.agents(request).await.map_err(refused)?.into_inner();
    if response.too_few && !json {
        say!("fewer agents than agents.smallest_group: nothing is told");
        return Ok(());
    }
    if !json {
        say!(
            "{:30} {:>8} {:>10} {:>10} {:>10}",
            "agent",
            "answered",
            "talk s",
            "signed in",
            "paused"
        );
        for agent in &response.agents {
            let seconds = |ms: Option<i64>| ms.map_or("–".to_owned(), |ms| (ms / 1000).to_string());
            say!(
                "{:30} {:>8} {:>10} {:>10} {:>10}",
                agent.agent,
                agent.answered,
                agent.talk_ms / 1000,
                seconds(agent.signed_in_ms),
                seconds(agent.paused_ms)
            );
        }
        return Ok(());
    }
    let agent = |agent: &proto::AgentFigures| {
        let mut object = json!({
            "agent": agent.agent,
            "answered": agent.answered,
            "talk_ms": agent.talk_ms,
            "hold_ms": agent.hold_ms,
            "after_call_work_ms": agent.after_call_work_ms,
        });
        for (name, value) in [
            ("signed_in_ms", agent.signed_in_ms),
            ("paused_ms", agent.paused_ms),
        ] {
            if let Some(value) = value {
                object[name] = json!(value);
            }
        }
        object
    };
    let answer = json!({
        "from": response.from,
        "to": response.to,
        "zone": response.zone,
        "too_few": response.too_few,
        "agents": response.agents.iter().map(agent).collect::<Vec<_>>(),
    });
    say!("{}", serde_json::to_string_pretty(&answer)?);
    Ok(())
}
