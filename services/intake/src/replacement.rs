//! Imports that replace a period: what is no longer in the feed is retracted.

use std::collections::BTreeMap;

use bus::topics;
use chrono::NaiveDate;
use domain::ids::{ImportRun, SourceName};
use domain::local_time;
use domain::report::{CallReport, ReportBody};
use store::calls::{CallOrder, CallQuery, StoredCall};
use tonic::Status;
use wire::v1::calls as proto;

use crate::envelope::ce_source;
use crate::service::{Inner, bus_status, shown_positions, store_status};

/// Calls that are looked at together.
const CALLS_A_PAGE: usize = 1000;

impl Inner {
    /// Retracts the calls of a source that began in a period and were not in an import. Done again, it finds nothing
    /// left to retract.
    pub(crate) async fn replace(
        &self,
        request: proto::FinishReplacementRequest,
    ) -> Result<proto::FinishReplacementResponse, Status> {
        let (from, to) = (day("from", &request.from)?, day("to", &request.to)?);
        if to <= from {
            return Err(Status::invalid_argument(
                "to: give a day after `from`; it is exclusive",
            ));
        }
        self.check_counted(&request.positions).await?;
        let run = ImportRun::new(&request.import_run);
        let mut query = CallQuery {
            from: local_time::start_of(from),
            to: local_time::start_of(to),
            hotline: None,
            source: Some(SourceName::new(&request.source)),
            status: None,
            number: None,
            agent: None,
            with_restricted: true,
            order: CallOrder::OldestFirst,
            after: None,
            most: CALLS_A_PAGE,
        };
        if !self.brought_any(&run, query.clone()).await? {
            return Err(Status::failed_precondition(
                "from, to: the import brought no call that began in these days, so nothing is retracted; look at the days",
            ));
        }
        let mut retracted = 0;
        let mut reached = BTreeMap::new();
        loop {
            let page = self.store.calls(query.clone()).await;
            let page = page.map_err(|error| store_status(&error))?;
            query.after = page.last().and_then(StoredCall::place);
            let is_last = page.len() < CALLS_A_PAGE || query.after.is_none();
            let gone = self.not_in_import(&run, page).await?;
            if !gone.is_empty() {
                retracted += gone.len() as u64;
                let ce_source = ce_source(&SourceName::new(&request.source));
                let messages = gone
                    .iter()
                    .map(|report| self.envelopes.of_call(report, &ce_source))
                    .collect();
                let positions = self.bus.publish(topics::CALLS, messages).await;
                reached.extend(positions.map_err(|error| bus_status(&error))?);
            }
            if is_last {
                break;
            }
        }
        tracing::info!(retracted, run = run.as_str(), "an import has replaced a period");
        Ok(proto::FinishReplacementResponse {
            retracted,
            positions: shown_positions(reached),
        })
    }

    /// Whether any call of a period was in an import; also true when there is no call at all.
    async fn brought_any(&self, run: &ImportRun, mut query: CallQuery) -> Result<bool, Status> {
        let mut is_empty = true;
        loop {
            let page = self.store.calls(query.clone()).await;
            let page = page.map_err(|error| store_status(&error))?;
            is_empty &= page.is_empty();
            let identities = page.iter().map(|call| call.identity).collect();
            let confirmed = self.store.confirmed(run, identities).await;
            if !confirmed.map_err(|error| store_status(&error))?.is_empty() {
                return Ok(true);
            }
            query.after = page.last().and_then(StoredCall::place);
            if page.len() < CALLS_A_PAGE || query.after.is_none() {
                return Ok(is_empty);
            }
        }
    }

    /// The retractions of those of some calls that an import did not bring.
    async fn not_in_import(
        &self,
        run: &ImportRun,
        calls: Vec<StoredCall>,
    ) -> Result<Vec<CallReport>, Status> {
        let identities = calls.iter().map(|call| call.identity).collect();
        let confirmed = self.store.confirmed(run, identities).await;
        let confirmed = confirmed.map_err(|error| store_status(&error))?;
        let now = (self.clock)();
        let gone = calls
            .into_iter()
            .filter(|call| !call.state.retracted && !confirmed.contains(&call.identity));
        let retraction = |call: StoredCall| CallReport {
            identity: call.identity,
            source: call.source,
            call_id: call.call_id,
            run: run.clone(),
            received_at: now,
            confirms: false,
            body: ReportBody::Retracted,
        };
        Ok(gone.map(retraction).collect())
    }

    /// What an import has brought is known only once the figures contain it.
    async fn check_counted(&self, positions: &[proto::Position]) -> Result<(), Status> {
        let topic_id = self.bus.topic_id(topics::CALLS).await;
        let topic_id = topic_id.map_err(|error| bus_status(&error))?;
        let reached = self.store.positions(&topic_id).await;
        let reached = reached.map_err(|error| store_status(&error))?;
        let is_counted = |position: &proto::Position| {
            let next = reached.get(&position.partition);
            next.is_some_and(|next| *next >= position.next_offset)
        };
        match !positions.is_empty() && positions.iter().all(is_counted) {
            true => Ok(()),
            false => Err(Status::failed_precondition(
                "positions: give those of all receipts of the import, and wait until the figures contain them",
            )),
        }
    }
}

fn day(field: &str, text: &str) -> Result<NaiveDate, Status> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .map_err(|_| Status::invalid_argument(format!("{field}: give a day as YYYY-MM-DD")))
}
