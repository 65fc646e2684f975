//! `nrwdirekt rejected retry`.

use std::process::ExitCode;

use domain::ids::CallId;
use serde_json::json;
use wire::v1::calls as calls_proto;
use wire::v1::calls::intake_client::IntakeClient;
use wire::v1::reporting as proto;
use wire::v1::reporting::records_client::RecordsClient;
use wire::v1::reporting::rejected_items_client::RejectedItemsClient;
use wire::v1::reporting::reporting_client::ReportingClient;

use super::reading::{Again, IN_ITS_FILE, Repaired};
use super::{Client, item};
use crate::cli::RetryArguments;
use crate::client::{self, Connection};
use crate::exit::{self, Failure};
use crate::output::say;

/// The field of items whose call was deleted when its period was over.
const PAST_RETENTION: &str = store::rejected::PAST_RETENTION;

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
        map: arguments.map.clone(),
        double_hour: arguments.double_hour,
    };
    let connection = client::connect(&arguments.server.server).await?;
    let mut retrial = Retrial {
        client: RejectedItemsClient::new(connection.clone()),
        records: RecordsClient::new(connection.clone()),
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
    records: RecordsClient<Connection>,
    intake: IntakeClient<Connection>,
    run: String,
    by: String,
    positions: Vec<calls_proto::Position>,
}

impl Retrial {
    /// Reports an item. A row is removed by the ledger, in the transaction that counts it. A report or line, whose
    /// correction may be about another call, is discarded here once its correction is durable: whoever is cut off in
    /// between does it again, and it counts once.
    async fn retry(&mut self, id: &str, again: &Again, payload: Option<&[u8]>) -> anyhow::Result<Outcome> {
        let rejected = item(&mut self.client, id, true).await?;
        let about = rejected.item.clone().unwrap_or_default();
        if about.discard.is_some() {
            return Ok(Err("it was discarded; what was delivered is deleted".to_owned()));
        }
        // Nothing of it is there to be read again, and nothing could be corrected by it.
        if about.field == PAST_RETENTION {
            return Ok(Err(about.reason));
        }
        let repaired = match again.read(&rejected, payload.unwrap_or(&rejected.payload))? {
            Ok(repaired) => repaired,
            Err(fault) => return Ok(Err(fault)),
        };
        if let Repaired::PartOfCall(call, _) = &repaired
            && self.is_known(&about.source, call).await?
        {
            return Ok(Err(format!("other lines of its call are counted; {IN_ITS_FILE}")));
        }
        let is_row = matches!(repaired, Repaired::Row(_));
        let mut batch = calls_proto::ReportBatch {
            batch: 1,
            source: about.source,
            import_run: self.run.clone(),
            ..calls_proto::ReportBatch::default()
        };
        match repaired {
            Repaired::Row(report) | Repaired::Call(report) | Repaired::PartOfCall(_, report) => {
                batch.reports.push(report);
            }
            Repaired::Agent(report) => batch.agents.push(report),
        }
        let receipt = self.intake.submit_reports(batch).await;
        let receipt = receipt
            .map_err(|status| Failure::of_status(&status))?
            .into_inner();
        if let Some(rejection) = receipt.rejected.first() {
            return Ok(Err(format!("{}: {}", rejection.field, rejection.reason)));
        }
        self.positions.extend(receipt.positions);
        if !is_row {
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

    /// Whether a call has been heard of.
    async fn is_known(&mut self, source: &str, call: &CallId) -> anyhow::Result<bool> {
        let request = proto::GetCallRequest {
            id: format!("{source}/{call}"),
            reveal: false,
        };
        match self.records.get_call(request).await {
            Ok(_) => Ok(true),
            Err(status) if status.code() == tonic::Code::NotFound => Ok(false),
            Err(status) => Err(Failure::of_status(&status)),
        }
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
