//! `nrwdirekt report promise`.

use wire::v1::reporting as proto;

use super::{form, refused};
use crate::cli::PromiseArguments;

/// How the targets of the rules were kept.
pub(super) async fn run(arguments: PromiseArguments) -> anyhow::Result<()> {
    let request = proto::PromiseRequest {
        from: arguments.days.from.to_string(),
        to: arguments.days.to.to_string(),
        zone: arguments.zone,
        interval: arguments.interval,
        by: super::grouping(arguments.by).into(),
        policy: arguments.policy,
    };
    let mut client = super::connect(&arguments.server).await?;
    let answer = client.promise(request).await;
    let answer = answer.map_err(refused)?.into_inner();
    form::deliver(&reports::promise::report(&answer), &arguments.form)
}
