//! `nrwdirekt report intervals`.

use reports::intervals::Told;
use wire::v1::reporting as proto;

use super::{form, refused};
use crate::cli::IntervalsArguments;

/// Figures by interval.
pub(super) async fn run(arguments: IntervalsArguments) -> anyhow::Result<()> {
    let within = arguments.scope.within.clone();
    let request = proto::IntervalsRequest {
        scope: Some(super::scope(arguments.days, arguments.scope)),
        interval: arguments.interval,
    };
    let mut client = super::connect(&arguments.server).await?;
    let answer = client.intervals(request).await;
    let mut chunks = answer.map_err(refused)?.into_inner();
    let mut told = Told::default();
    while let Some(chunk) = chunks.message().await.map_err(refused)? {
        told.add(chunk);
    }
    form::deliver(&told.report(&within), &arguments.form)
}
