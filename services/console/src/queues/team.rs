//! What agents do now, and their figures where they may be shown.

use std::collections::BTreeMap;

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use tonic::{Code, Status};
use wire::v1::reporting as proto;

use crate::Console;
use crate::days::{Days, DaysAsked};
use crate::format;
use crate::layout::Layout;
use crate::trouble::Trouble;
use crate::visitor::Visitor;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    days: DaysAsked,
    /// `jetzt`: without the figures of a period, which the page has already.
    #[serde(default)]
    nur: String,
}

#[derive(Template, WebTemplate)]
#[template(path = "queues/team.html")]
struct TeamPage {
    layout: Layout,
    at: String,
    total: [String; 4],
    queues: Vec<(String, [String; 4])>,
    /// What each does; none where single agents are not shown.
    agents: Option<Vec<Shown>>,
    days: Days,
    figures: Vec<proto::AgentFigures>,
}

/// An agent now.
struct Shown {
    name: String,
    activity: &'static str,
    class: &'static str,
    since: String,
    hotlines: String,
}

pub(super) async fn page(
    State(console): State<Console>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Trouble> {
    let days = asked.days.read((console.clock)())?;
    let services = &visitor.services;
    let mut moments = services
        .live()
        .watch(proto::WatchRequest::default())
        .await?
        .into_inner();
    let moment = moments.message().await?;
    let moment = moment.ok_or_else(|| Status::unavailable("the moment is not told"))?;
    let figures = match moment.agents_shown && asked.nur != "jetzt" {
        true => figures(&visitor, &days).await?,
        false => Vec::new(),
    };
    let page = TeamPage {
        layout: Layout::of(&visitor, "Team", "/agenten")
            .with_style("queues.css")
            .with_style("history.css"),
        at: format::clock(moment.at_unix_ms),
        total: counts(moment.total.as_ref().and_then(|all| all.agents.as_ref())),
        queues: moment
            .queues
            .iter()
            .map(|queue| (queue.group.clone(), counts(queue.agents.as_ref())))
            .collect(),
        agents: moment.agents_shown.then(|| shown(&moment)),
        days,
        figures,
    };
    Ok(page.into_response())
}

/// How many do what; dashes where they are too few to be told of.
fn counts(agents: Option<&proto::AgentCounts>) -> [String; 4] {
    let of: [fn(&proto::AgentCounts) -> i64; 4] = [
        |agents| agents.ready,
        |agents| agents.talking,
        |agents| agents.after_call_work,
        |agents| agents.paused,
    ];
    of.map(|of| super::tiles::told(agents, of))
}

async fn figures(visitor: &Visitor, days: &Days) -> Result<Vec<proto::AgentFigures>, Status> {
    let request = proto::AgentsRequest {
        from: days.from.to_string(),
        to: days.end().to_string(),
    };
    match visitor.services.reporting().agents(request).await {
        Ok(answer) => Ok(answer.into_inner().agents),
        // The configuration has changed in between.
        Err(status) if status.code() == Code::FailedPrecondition => Ok(Vec::new()),
        Err(status) => Err(status),
    }
}

/// Agents by what they do, and by name.
fn shown(moment: &proto::Moment) -> Vec<Shown> {
    let by_activity: BTreeMap<(u8, &str), &proto::Agent> = moment
        .agents
        .iter()
        .map(|agent| ((told(&agent.activity).0, agent.agent.as_str()), agent))
        .collect();
    let agents = by_activity.into_values().map(|agent| {
        let (_, activity, class) = told(&agent.activity);
        Shown {
            name: agent.agent.clone(),
            activity,
            class,
            since: format::duration(moment.at_unix_ms - agent.since_unix_ms),
            hotlines: match agent.hotlines.is_empty() {
                true => "alle".to_owned(),
                false => agent.hotlines.join(", "),
            },
        }
    });
    agents.collect()
}

/// Place in the list, word and colour of an activity.
fn told(activity: &str) -> (u8, &'static str, &'static str) {
    match activity {
        "ready" => (0, "frei", "good"),
        "talking" => (1, "im Gespräch", "info"),
        "after_call_work" => (2, "Nachbearbeitung", "warning"),
        "paused" => (3, "Pause", "plain"),
        _ => (4, "unbekannt", "plain"),
    }
}
