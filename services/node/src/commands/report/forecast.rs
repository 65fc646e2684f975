//! `nrwdirekt staffing forecast`.

use wire::v1::reporting as proto;

use super::{form, refused};
use crate::cli::ForecastArguments;

/// The agents that the next days need.
pub(crate) async fn run(arguments: ForecastArguments) -> anyhow::Result<()> {
    let wanted = arguments.wanted;
    let request = proto::ForecastRequest {
        hotlines: arguments.hotlines,
        from: arguments.from.map(|from| from.to_string()).unwrap_or_default(),
        days: arguments.days,
        weeks: arguments.weeks,
        interval: arguments.interval,
        target: wanted.target,
        within_seconds: wanted.within,
        shrinkage: wanted.shrinkage,
        max_occupancy: wanted.max_occupancy,
    };
    let mut client = super::connect(&arguments.server).await?;
    let answer = client.forecast(request).await;
    let answer = answer.map_err(refused)?.into_inner();
    form::deliver(&reports::forecast::report(&answer), &arguments.form)
}
