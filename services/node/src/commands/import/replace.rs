//! `nrwdirekt import --replace FROM..TO`: what is no longer in the file is retracted.

use std::str::FromStr;

use chrono::NaiveDate;
use wire::v1::calls as proto;
use wire::v1::calls::intake_client::IntakeClient;

use super::{Import, Summary};
use crate::client::{Connection, Outage};

/// Local days, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days {
    from: NaiveDate,
    to: NaiveDate,
}

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let remedy = || {
            "give local days as FROM..TO, such as 2025-03-01..2025-04-01; the last one is not included"
                .to_owned()
        };
        let (from, to) = text.split_once("..").ok_or_else(remedy)?;
        let from: NaiveDate = from.trim().parse().map_err(|_| remedy())?;
        let to: NaiveDate = to.trim().parse().map_err(|_| remedy())?;
        (from < to).then_some(Self { from, to }).ok_or_else(remedy)
    }
}

/// Retracts the calls of the source that began in the period and were not imported. Returns how many.
pub(super) async fn finish(
    connection: &Connection,
    import: &Import,
    days: Days,
    summary: &mut Summary,
) -> anyhow::Result<u64> {
    let positions = summary.positions.iter();
    let request = proto::FinishReplacementRequest {
        source: import.source.clone(),
        import_run: import.run.clone(),
        from: days.from.to_string(),
        to: days.to.to_string(),
        positions: positions
            .map(|(partition, next_offset)| proto::Position {
                partition: *partition,
                next_offset: *next_offset,
            })
            .collect(),
    };
    let mut client = IntakeClient::new(connection.clone());
    let mut outage = Outage::new();
    let response = loop {
        match client.finish_replacement(request.clone()).await {
            Ok(response) => break response.into_inner(),
            Err(status) => outage.wait(&status).await?,
        }
    };
    summary.reach(&response.positions);
    Ok(response.retracted)
}
