//! `nrwdirekt report profile`.

use wire::v1::reporting as proto;

use super::{form, refused};
use crate::cli::ProfileArguments;
use crate::exit::Failure;

/// What a week is like.
pub(super) async fn run(arguments: ProfileArguments) -> anyhow::Result<()> {
    if arguments.scope.by.is_some() {
        return Err(Failure::usage(
            "--by: a profile is one sum; choose hotlines by --hotline",
        ));
    }
    let within = arguments.scope.within.clone();
    let request = proto::ProfileRequest {
        scope: Some(super::scope(arguments.days, arguments.scope)),
        interval: arguments.interval,
        service_days: arguments.service_days,
    };
    let mut client = super::connect(&arguments.server).await?;
    let answer = client.profile(request).await;
    let answer = answer.map_err(refused)?.into_inner();
    form::deliver(&reports::profile::report(&answer, &within), &arguments.form)
}
