//! `nrwdirekt report totals`.

use serde_json::json;
use wire::v1::reporting as proto;
use wire::v1::reporting::reporting_client::ReportingClient;

use super::figures::{as_of_line, figures_json, group_json, policy_json, policy_line};
use super::form::Report;
use super::sheet::{Cell, Column, Sheet};
use super::{columns, intervals, refused};
use crate::cli::{DaysArguments, GroupBy, IntervalsArguments, ScopeArguments, TotalsArguments};
use crate::client::{self, Connection};

/// Sums over local days.
pub(super) async fn run(arguments: TotalsArguments) -> anyhow::Result<()> {
    if let Some(interval) = arguments.interval {
        return intervals::run(IntervalsArguments {
            days: arguments.days,
            scope: arguments.scope,
            interval,
            form: arguments.form,
            server: arguments.server,
        })
        .await;
    }
    let mut client = ReportingClient::new(client::connect(&arguments.server.server).await?);
    let within = arguments.scope.within.clone();
    let response = ask(&mut client, arguments.days, arguments.scope)
        .await
        .map_err(refused)?;
    report(&response, &within).deliver(&arguments.form)
}

/// Asks for sums.
pub(super) async fn ask(
    client: &mut ReportingClient<Connection>,
    days: DaysArguments,
    scope: ScopeArguments,
) -> Result<proto::TotalsResponse, tonic::Status> {
    let request = proto::TotalsRequest {
        from: days.from.to_string(),
        to: days.to.to_string(),
        by_hotline: scope.by == Some(GroupBy::Hotline),
        by_group: scope.by == Some(GroupBy::Group),
        within_seconds: scope.within,
        task_types: scope.task_type,
        hotlines: scope.hotlines,
        zone: scope.zone,
        policy: scope.policy,
    };
    Ok(client.totals(request).await?.into_inner())
}

fn report(response: &proto::TotalsResponse, within: &[u32]) -> Report {
    let policy = response.policy.clone().unwrap_or_default();
    Report {
        json: json!({
            "from": response.from,
            "to": response.to,
            "zone": response.zone,
            "as_of": response.as_of,
            "policy": policy_json(&policy),
            "total": response.total.as_ref().map(figures_json),
            "groups": response.groups.iter().map(group_json).collect::<Vec<_>>(),
        }),
        preface: vec![
            format!(
                "{} to {} (exclusive), {}",
                response.from, response.to, response.zone
            ),
            policy_line(&policy),
            as_of_line(&response.as_of),
        ],
        sheets: vec![sheet(response.groups.iter().chain(&response.total), within)],
    }
}

/// Groups and the total, one below the other.
pub(super) fn sheet<'a>(groups: impl Iterator<Item = &'a proto::Totals>, within: &[u32]) -> Sheet {
    let mut all = vec![Column::new("hotline", "Gruppe")];
    all.extend(columns::columns(within));
    let rows = groups.map(|group| {
        let mut row = vec![Cell::group(&group.group)];
        row.extend(columns::cells(group));
        row
    });
    let rows = rows.collect();
    Sheet::new("Summen", all, rows)
}
