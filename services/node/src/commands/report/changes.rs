//! `nrwdirekt report changes`.

use wire::v1::reporting as proto;

use super::{form, refused};
use crate::cli::ChangesArguments;

/// What has moved since a report.
pub(super) async fn run(arguments: ChangesArguments) -> anyhow::Result<()> {
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let request = proto::ChangesRequest {
        since: arguments.since.clone(),
        from: day(arguments.from),
        to: day(arguments.to),
        hotlines: arguments.hotlines,
    };
    let mut client = super::connect(&arguments.server).await?;
    let answer = client.changes(request).await;
    let answer = answer.map_err(refused)?.into_inner();
    form::deliver(
        &reports::changes::report(&arguments.since, &answer),
        &arguments.form,
    )
}
