//! `nrwdirekt report percentiles`.

use reports::percentiles::Told;
use wire::v1::reporting as proto;

use super::{form, refused};
use crate::cli::PercentilesArguments;

/// Percentiles over a range, and by interval where they are asked for.
pub(super) async fn run(arguments: PercentilesArguments) -> anyhow::Result<()> {
    let per_cents = arguments.percentiles;
    let request = proto::PercentilesRequest {
        scope: Some(super::scope(arguments.days, arguments.scope)),
        per_cents: per_cents.clone(),
        interval: arguments.interval.unwrap_or_default(),
    };
    let mut client = super::connect(&arguments.server).await?;
    let told = match request.interval.as_str() {
        "" => Told {
            head: client.percentiles(request).await.map_err(refused)?.into_inner(),
            intervals: Vec::new(),
        },
        _ => {
            let answer = client.percentiles_by_interval(request).await;
            let mut chunks = answer.map_err(refused)?.into_inner();
            let mut told = Told::default();
            while let Some(chunk) = chunks.message().await.map_err(refused)? {
                told.add(chunk);
            }
            told
        }
    };
    form::deliver(&told.report(&per_cents), &arguments.form)
}
