//! `nrwdirekt route`: by the rules of a server, or of a configuration.

use std::process::ExitCode;

use anyhow::Context;
use chrono::Utc;
use domain::ids::HotlineName;
use domain::personal::Personal;
use domain::routing::{RoutingConfig, RoutingFault, RoutingRequest, RoutingTable};
use serde_json::json;
use wire::v1::tickets as proto;
use wire::v1::tickets::ticketing_client::TicketingClient;

use super::calendar::moment;
use crate::cli::{RouteCheckArguments, RouteExplainArguments, RulesSource};
use crate::config;
use crate::exit::{self, Failure};
use crate::output::{note, say};

/// Exit code of rules with faults: wrong input.
const FAULTY: u8 = 2;

/// Which department a concern would go to.
pub(crate) async fn explain(arguments: RouteExplainArguments) -> anyhow::Result<()> {
    let request = proto::ExplainRouteRequest {
        hotline: arguments.hotline,
        category: arguments.category.unwrap_or_default(),
        postal_code: arguments.postal_code.unwrap_or_default(),
        concern: arguments.concern.unwrap_or_default(),
        at_unix_ms: arguments
            .at
            .map(|at| moment(at).map(|at| at.timestamp_millis()))
            .transpose()?,
    };
    let answer = if arguments.local || arguments.source.is_given() {
        by_configuration(&arguments.source, &request)?
    } else {
        by_server(arguments.server.as_deref(), &arguments.source, request).await?
    };
    if arguments.json {
        say!("{}", as_json(&answer));
        return Ok(());
    }
    say!("{}", answer.department);
    say!("{}", answer.because);
    for place in &answer.municipalities {
        say!(
            "  {}  {}, {}, Regierungsbezirk {}",
            place.key,
            place.name,
            place.district,
            place.government
        );
    }
    Ok(())
}

async fn by_server(
    named: Option<&str>,
    source: &RulesSource,
    request: proto::ExplainRouteRequest,
) -> anyhow::Result<proto::ExplainRouteResponse> {
    let connection = match crate::client::connect(named.unwrap_or(config::DEFAULT_URL)).await {
        Ok(connection) => connection,
        Err(error) if named.is_none() && exit::is_no_server(&error) => {
            note!("no server runs here: explained by the built-in rules");
            return by_configuration(source, &request);
        }
        Err(error) => return Err(error),
    };
    let answer = TicketingClient::new(connection).explain_route(request).await;
    Ok(answer.map_err(|status| Failure::of_status(&status))?.into_inner())
}

fn by_configuration(
    source: &RulesSource,
    request: &proto::ExplainRouteRequest,
) -> anyhow::Result<proto::ExplainRouteResponse> {
    let (name, rules) = source.read()?;
    let table = RoutingTable::new(rules).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::usage(format!("{name}: {}", faults.join("; ")))
    })?;
    if request.hotline.trim().is_empty() {
        return Err(Failure::usage(
            "hotline: name the hotline that the citizen called",
        ));
    }
    let given = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let asked = RoutingRequest {
        hotline: HotlineName::new(&request.hotline),
        category: given(&request.category),
        postal_code: given(&request.postal_code),
        concern: Personal::new(&request.concern),
        at: request.at_unix_ms.and_then(wire::time).unwrap_or_else(Utc::now),
    };
    let decision = table.route(&asked, table.calendar());
    Ok(wire::tickets::decision_to_wire(&decision, None))
}

fn as_json(answer: &proto::ExplainRouteResponse) -> serde_json::Value {
    let municipality = |place: &proto::Municipality| {
        json!({
            "name": place.name,
            "key": place.key,
            "district": place.district,
            "government": place.government,
        })
    };
    json!({
        "department": answer.department,
        "rule": Some(&answer.rule).filter(|rule| !rule.is_empty()),
        "rules_version": Some(answer.rules_version).filter(|version| *version != 0),
        "because": answer.because,
        "ambiguous": answer.ambiguous,
        "municipalities": answer.municipalities.iter().map(municipality).collect::<Vec<_>>(),
    })
}

/// Lists every fault of the rules.
pub(crate) fn check(arguments: &RouteCheckArguments) -> anyhow::Result<ExitCode> {
    let (name, rules) = arguments.source.read()?;
    let counts = (rules.rules.len(), rules.departments.len(), rules.hotlines.len());
    let faults: Vec<String> = match RoutingTable::new(rules) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(RoutingFault::to_string).collect(),
    };
    if arguments.json {
        say!("{}", json!({ "faults": faults }));
    } else if faults.is_empty() {
        let (rules, departments, hotlines) = counts;
        say!("{name}: {rules} rules are sound, for {departments} departments and {hotlines} hotlines");
    } else {
        faults.iter().for_each(|fault| say!("{fault}"));
    }
    Ok(match faults.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(FAULTY),
    })
}

impl RulesSource {
    fn is_given(&self) -> bool {
        self.rules.is_some() || self.config.config.is_some() || !self.config.set.is_empty()
    }

    /// The rules, unchecked, and where they are written.
    fn read(&self) -> anyhow::Result<(String, RoutingConfig)> {
        let Some(path) = &self.rules else {
            return config::written_routing(&self.config);
        };
        let text = std::fs::read_to_string(path).with_context(|| format!("--rules {}", path.display()))?;
        let rules = toml::from_str(&text)
            .map_err(|error| Failure::usage(format!("--rules {}: {error}", path.display())))?;
        Ok((path.display().to_string(), rules))
    }
}
