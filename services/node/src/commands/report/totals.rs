//! `nrwdirekt report totals`.

use wire::v1::reporting as proto;
use wire::v1::reporting::reporting_client::ReportingClient;

use super::{form, intervals, refused};
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
    form::deliver(&reports::totals::report(&response, &within), &arguments.form)
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
