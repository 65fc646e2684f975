//! `nrwdirekt report`.

use chrono::NaiveDate;
use serde_json::{Map, Value, json};
use wire::v1::reporting as proto;
use wire::v1::reporting::reporting_client::ReportingClient;

use crate::cli::{ServerArguments, TotalsArguments};
use crate::client;
use crate::exit::Failure;
use crate::output::say;

/// Sums over local days.
pub(crate) async fn totals(arguments: TotalsArguments) -> anyhow::Result<()> {
    let mut client = ReportingClient::new(client::connect(&arguments.server.server).await?);
    let request = proto::TotalsRequest {
        from: arguments.from.to_string(),
        to: arguments.to.to_string(),
        by_hotline: arguments.by.is_some(),
        within_seconds: arguments.within,
        task_types: arguments.task_type,
    };
    let response = client
        .totals(request)
        .await
        .map_err(|status| Failure::of_status(&status))?
        .into_inner();
    if arguments.json {
        say!("{}", serde_json::to_string_pretty(&as_json(&response))?);
    } else {
        print_table(&response);
    }
    Ok(())
}

/// Sums of single agents.
pub(crate) async fn agents(
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
    let response = client
        .agents(request)
        .await
        .map_err(|status| Failure::of_status(&status))?
        .into_inner();
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
        "agents": response.agents.iter().map(agent).collect::<Vec<_>>(),
    });
    say!("{}", serde_json::to_string_pretty(&answer)?);
    Ok(())
}

/// The stable form of the answer.
fn as_json(response: &proto::TotalsResponse) -> Value {
    let policy = response.policy.clone().unwrap_or_default();
    json!({
        "from": response.from,
        "to": response.to,
        "zone": response.zone,
        "policy": {
            "name": policy.name,
            "version": policy.version,
            "formula": policy.formula,
            "threshold_s": policy.threshold_seconds,
            "short_abandon_s": policy.short_abandon_seconds,
        },
        "total": response.total.as_ref().map(|total| group_json(total, false)),
        "groups": response.groups.iter().map(|group| group_json(group, true)).collect::<Vec<_>>(),
    })
}

fn group_json(group: &proto::Totals, named: bool) -> Value {
    let within = |within: &[proto::Within]| -> Value {
        within
            .iter()
            .map(|within| (within.seconds.to_string(), json!(within.visits)))
            .collect::<Map<_, _>>()
            .into()
    };
    let mut object = json!({
        "contacts": group.contacts,
        "not_offered": group.not_offered,
        "offered": group.offered,
        "answered": group.answered,
        "abandoned": group.abandoned,
        "short_abandoned": group.short_abandoned,
        "overflowed": group.overflowed,
        "diverted": group.diverted,
        "unresolved": group.unresolved,
        "waiting": group.waiting,
        "answered_within": within(&group.answered_within),
        "abandoned_within": within(&group.abandoned_within),
        "answered_without_time": group.answered_without_time,
        "time_to_answer_ms": group.time_to_answer_ms,
        "time_to_abandon_ms": group.time_to_abandon_ms,
        "talk_ms": group.talk_ms,
        "hold_ms": group.hold_ms,
        "after_call_work_ms": group.after_call_work_ms,
        "callbacks_logged": group.callbacks_logged,
    });
    if named {
        object["group"] = json!(group.group);
    }
    if let Some(longest_ms) = group.longest_time_to_answer_ms {
        object["longest_time_to_answer_ms"] = json!(longest_ms);
    }
    if let Some(level) = group.service_level {
        object["service_level"] = json!(level);
    }
    object
}

fn print_table(response: &proto::TotalsResponse) {
    let policy = response.policy.clone().unwrap_or_default();
    say!(
        "{} to {} (exclusive), {}",
        response.from,
        response.to,
        response.zone
    );
    say!(
        "service level: {} v{}, {} s: {}\n",
        policy.name,
        policy.version,
        policy.threshold_seconds,
        policy.formula
    );
    let width = response
        .groups
        .iter()
        .map(|group| group.group.chars().count())
        .max()
        .unwrap_or(0)
        .max(7);
    say!(
        "{:width$} {:>9} {:>11} {:>8} {:>9} {:>9} {:>10} {:>8} {:>10} {:>8} {:>8} {:>8}",
        "hotline",
        "contacts",
        "not offered",
        "offered",
        "answered",
        "abandoned",
        "overflowed",
        "diverted",
        "unresolved",
        "waiting",
        "level",
        "asa s"
    );
    for group in response.groups.iter().chain(&response.total) {
        let name = if group.group.is_empty() {
            "all"
        } else {
            &group.group
        };
        let level = group
            .service_level
            .map_or("–".to_owned(), |level| format!("{:.1} %", level * 100.0));
        let with_time = group.answered - group.answered_without_time;
        let asa = (with_time > 0).then(|| group.time_to_answer_ms as f64 / with_time as f64 / 1000.0);
        let asa = asa.map_or("–".to_owned(), |asa| format!("{asa:.1}"));
        say!(
            "{name:width$} {:>9} {:>11} {:>8} {:>9} {:>9} {:>10} {:>8} {:>10} {:>8} {level:>8} {asa:>8}",
            group.contacts,
            group.not_offered,
            group.offered,
            group.answered,
            group.abandoned,
            group.overflowed,
            group.diverted,
            group.unresolved,
            group.waiting
        );
    }
}
