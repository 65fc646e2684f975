//! `nrwdirekt report live`.

use chrono_tz::Tz;
use reports::figures::{figures_json, policy_json, policy_line};
use reports::intervals::{time, time_of_ms, zone};
use serde_json::{Value, json};
use wire::v1::reporting as proto;
use wire::v1::reporting::live_client::LiveClient;

use super::refused;
use crate::cli::LiveArguments;
use crate::client;
use crate::exit::Failure;
use crate::output::say;

/// The moment, once or until it is interrupted.
pub(super) async fn run(arguments: LiveArguments) -> anyhow::Result<()> {
    let mut client = LiveClient::new(client::connect(&arguments.server.server).await?)
        .max_decoding_message_size(super::ANSWER_BYTES_MAX);
    let by = super::grouping(Some(arguments.by));
    let request = proto::WatchRequest {
        hotlines: arguments.hotlines,
        by: by.into(),
        task_types: arguments.task_type,
        policy: arguments.policy,
        within_seconds: arguments.within,
        zone: arguments.zone,
        interval: arguments.interval,
    };
    let mut moments = client.watch(request).await.map_err(refused)?.into_inner();
    while let Some(moment) = moments.message().await.map_err(refused)? {
        match (arguments.json, arguments.follow) {
            (true, true) => say!("{}", as_json(&moment)),
            (true, false) => say!("{}", serde_json::to_string_pretty(&as_json(&moment))?),
            (false, _) => print(&moment),
        }
        if !arguments.follow {
            return Ok(());
        }
    }
    Err(Failure::server("the server ended the stream; ask again"))
}

/// The stable form.
fn as_json(moment: &proto::Moment) -> Value {
    let zone = zone(&moment.zone);
    let mut object = json!({
        "at": time_of_ms(moment.at_unix_ms, zone),
        "zone": moment.zone,
        "day": moment.day,
        "interval": {
            "start": time(moment.interval_start_unix_s, zone),
            "end": time(moment.interval_end_unix_s, zone),
        },
        "policy": moment.policy.as_ref().map(policy_json),
        "total": moment.total.as_ref().map(queue_json),
        "groups": moment.queues.iter().map(named_json).collect::<Vec<_>>(),
    });
    if moment.agents_shown {
        object["agents"] = moment
            .agents
            .iter()
            .map(|agent| agent_json(agent, zone))
            .collect();
    }
    object
}

fn named_json(queue: &proto::Queue) -> Value {
    let mut object = queue_json(queue);
    object["group"] = json!(queue.group);
    object
}

fn queue_json(queue: &proto::Queue) -> Value {
    let agents = queue.agents.map(|agents| {
        json!({
            "ready": agents.ready,
            "talking": agents.talking,
            "after_call_work": agents.after_call_work,
            "paused": agents.paused,
        })
    });
    let mut object = json!({
        "waiting": queue.waiting,
        "ringing": queue.ringing,
        "talking": queue.talking,
        "on_hold": queue.on_hold,
        "after_call_work": queue.after_call_work,
        "agents": agents,
        "interval": queue.interval.as_ref().map(figures_json),
        "day": queue.day.as_ref().map(figures_json),
    });
    if let Some(longest_ms) = queue.longest_wait_ms {
        object["longest_wait_ms"] = json!(longest_ms);
    }
    object
}

fn agent_json(agent: &proto::Agent, zone: Tz) -> Value {
    json!({
        "agent": agent.agent,
        "activity": agent.activity,
        "since": time_of_ms(agent.since_unix_ms, zone),
        "hotlines": agent.hotlines,
    })
}

fn print(moment: &proto::Moment) {
    say!("{}", time_of_ms(moment.at_unix_ms, zone(&moment.zone)));
    say!("{}\n", policy_line(&moment.policy.clone().unwrap_or_default()));
    let names = moment.queues.iter().map(|queue| queue.group.chars().count());
    let width = names.max().unwrap_or(0).max(7);
    say!(
        "{:width$} {:>7} {:>7} {:>7} {:>5} {:>6} {:>6} {:>8} {:>8} {:>9} {:>9}",
        "hotline",
        "waiting",
        "longest",
        "talking",
        "hold",
        "ready",
        "paused",
        "offered",
        "answered",
        "abandoned",
        "level"
    );
    for queue in moment.queues.iter().chain(&moment.total) {
        let name = if queue.group.is_empty() {
            "all"
        } else {
            &queue.group
        };
        let longest = queue.longest_wait_ms.map_or("–".to_owned(), |ms| {
            format!("{}:{:02}", ms / 60_000, ms / 1000 % 60)
        });
        let day = queue.day.clone().unwrap_or_default();
        let agents = |of: fn(&proto::AgentCounts) -> i64| {
            let told = queue.agents.as_ref().map(of);
            told.map_or("–".to_owned(), |count| count.to_string())
        };
        let level = day
            .service_level
            .map_or("–".to_owned(), |level| format!("{:.1} %", level * 100.0));
        say!(
            "{name:width$} {:>7} {longest:>7} {:>7} {:>5} {:>6} {:>6} {:>8} {:>8} {:>9} {level:>9}",
            queue.waiting,
            queue.talking,
            queue.on_hold,
            agents(|agents| agents.ready),
            agents(|agents| agents.paused),
            day.offered,
            day.answered,
            day.abandoned
        );
    }
}
