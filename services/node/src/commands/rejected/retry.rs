//! `nrwdirekt rejected retry`.

use std::process::ExitCode;

use serde_json::json;
use wire::calls::REPORT_FORMAT;
use wire::v1::calls as calls_proto;
use wire::v1::calls::intake_client::IntakeClient;
use wire::v1::reporting as proto;
use wire::v1::reporting::rejected_items_client::RejectedItemsClient;
use wire::v1::reporting::reporting_client::ReportingClient;

use super::reading::Again;
use super::{Client, item};
use crate::cli::RetryArguments;
use crate::client::{self, Connection};
use crate::commands::import;
use crate::exit::{self, Failure};
use crate::output::say;

/// What became of an item: nothing more to say, or why it stays.
type Outcome = Result<(), String>;

/// Reads items again and reports them.
pub(crate) async fn run(arguments: RetryArguments) -> anyhow::Result<ExitCode> {
    let payload = match &arguments.payload {
        None => None,
        Some(_) if arguments.ids.len() > 1 => {
            return Err(Failure::usage(
                "--payload: give one ID only; the file replaces what it delivered",
            ));
        }
        Some(path) => Some(
            std::fs::read(path)
                .map_err(|error| Failure::usage(format!("--payload {}: {error}", path.display())))?,
        ),
    };
    let again = Again {
        map: import::map_with(arguments.map.as_deref())?,
        double_hour: arguments.double_hour,
    };
    let connection = client::connect(&arguments.server.server).await?;
    let mut retrial = Retrial {
        client: RejectedItemsClient::new(connection.clone()),
        intake: IntakeClient::new(connection.clone()),
        run: uuid::Uuid::now_v7().to_string(),
        by: arguments.by,
        positions: Vec::new(),
    };
    let mut stay = false;
    for id in &arguments.ids {
        let outcome = retrial.retry(id, &again, payload.as_deref()).await?;
        stay |= outcome.is_err();
        print(id, &outcome, arguments.json);
    }
    if arguments.wait {
        wait_for_figures(&connection, &retrial.positions).await?;
    }
    Ok(match stay {
        true => ExitCode::from(exit::REJECTED),
        false => ExitCode::SUCCESS,
    })
}

fn print(id: &str, outcome: &Outcome, as_json: bool) {
    match (outcome, as_json) {
        (Ok(()), true) => say!("{}", json!({ "id": id, "outcome": "accepted" })),
        (Ok(()), false) => say!("{id}  accepted"),
        (Err(reason), true) => say!("{}", json!({ "id": id, "outcome": "rejected", "reason": reason })),
        (Err(reason), false) => say!("{id}  still rejected: {reason}"),
    }
}

struct Retrial {
    client: Client,
    intake: IntakeClient<Connection>,
    run: String,
    by: String,
    positions: Vec<calls_proto::Position>,
}

impl Retrial {
    /// Reports an item. A row is removed by the ledger, in the transaction that counts it. A report, whose correction
    /// may be about another call, is discarded here once its correction is durable: whoever is cut off in between
    /// does it again, and it counts once.
    async fn retry(&mut self, id: &str, again: &Again, payload: Option<&[u8]>) -> anyhow::Result<Outcome> {
        let rejected = item(&mut self.client, id, true).await?;
        let about = rejected.item.clone().unwrap_or_default();
        if about.discard.is_some() {
            return Ok(Err("it was discarded; what was delivered is deleted".to_owned()));
        }
        let report = match again.report(&rejected, payload.unwrap_or(&rejected.payload)) {
            Ok(report) => report,
            Err(fault) => return Ok(Err(fault)),
        };
        let batch = calls_proto::ReportBatch {
            batch: 1,
            source: about.source,
            import_run: self.run.clone(),
            reports: vec![report],
            ..calls_proto::ReportBatch::default()
        };
        let receipt = self.intake.submit_reports(batch).await;
        let receipt = receipt
            .map_err(|status| Failure::of_status(&status))?
            .into_inner();
        if let Some(rejection) = receipt.rejected.first() {
            return Ok(Err(format!("{}: {}", rejection.field, rejection.reason)));
        }
        self.positions.extend(receipt.positions);
        if about.format == REPORT_FORMAT {
            let request = proto::DiscardItemsRequest {
                ids: vec![id.to_owned()],
                by: self.by.clone(),
                reason: "repaired: its correction was accepted".to_owned(),
            };
            let discarded = self.client.discard_items(request).await;
            discarded.map_err(|status| Failure::of_status(&status))?;
        }
        Ok(Ok(()))
    }
}

/// Waits until everything sent is counted.
async fn wait_for_figures(
    connection: &Connection,
    positions: &[calls_proto::Position],
) -> anyhow::Result<()> {
    let mut client = ReportingClient::new(connection.clone());
    let positions = positions.iter().map(|position| proto::Position {
        partition: position.partition,
        next_offset: position.next_offset,
    });
    let request = proto::AwaitFiguresRequest {
        positions: positions.collect(),
        wait_ms: 10_000,
    };
    loop {
        let answer = client.await_figures(request.clone()).await;
        let answer = answer.map_err(|status| Failure::of_status(&status))?;
        if answer.get_ref().reached {
            return Ok(());
        }
    }
}
