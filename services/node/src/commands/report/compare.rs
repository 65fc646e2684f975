//! `nrwdirekt report compare`.

use wire::v1::reporting::reporting_client::ReportingClient;

use super::refusal::refused_beside;
use super::{form, refused, totals};
use crate::cli::{CompareArguments, DaysArguments};
use crate::client;

/// Two periods side by side, by one policy.
pub(super) async fn run(arguments: CompareArguments) -> anyhow::Result<()> {
    let mut client = ReportingClient::new(client::connect(&arguments.server.server).await?);
    let other = DaysArguments {
        from: arguments.with_from,
        to: arguments.with_to,
    };
    let within = arguments.scope.within.clone();
    let this = totals::ask(&mut client, arguments.days, arguments.scope.clone())
        .await
        .map_err(refused)?;
    let other = totals::ask(&mut client, other, arguments.scope)
        .await
        .map_err(refused_beside)?;
    let report = reports::compare::report(&this, &other, &within);
    form::deliver(&report, &arguments.form)
}
