//! The gRPC service `nrwdirekt.privacy.v1.AccessLog`.

use std::sync::Arc;

use access::{AuditTrail, Clock};
use chrono::{Days, NaiveDate, TimeDelta};
use domain::audit::{AuditAction, AuditSubject};
use domain::local_time;
use store::StoreError;
use store::access_log::{AccessFilter, AccessLogStore, NotedAccess};
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use crate::asked::{given, time};
use crate::paging;

/// Local days that statistics tell of unless asked otherwise.
const DAYS: u64 = 30;
/// Local days that statistics tell of at most.
const DAYS_MAX: i64 = 400;
/// Counts that are answered at once.
const COUNTS_MAX: usize = 20_000;
/// Networks that are told.
const NETWORKS: usize = 100;

/// How long accesses are kept, by the rules in force.
pub type Kept = Arc<dyn Fn() -> TimeDelta + Send + Sync>;

/// Lists the access log, and counts it.
#[derive(Clone)]
pub struct AccessLogService {
    store: Arc<dyn AccessLogStore>,
    kept: Kept,
    clock: Clock,
    trail: AuditTrail,
}

impl AccessLogService {
    /// Reads the log of a store. What is older than `kept` says is never shown, swept or not.
    pub fn new(store: Arc<dyn AccessLogStore>, kept: Kept, clock: Clock, trail: AuditTrail) -> Self {
        Self {
            store,
            kept,
            clock,
            trail,
        }
    }
}

#[tonic::async_trait]
impl proto::access_log_server::AccessLog for AccessLogService {
    async fn list(
        &self,
        request: Request<proto::ListAccessesRequest>,
    ) -> Result<Response<proto::ListAccessesResponse>, Status> {
        let principal = principal(&request)?;
        let kept = (self.kept)();
        let asked = request.into_inner();
        let page = paging::size(asked.page_size);
        // One more than the page: its presence tells that there is a next one.
        let filter = filter(&asked, page + 1, (self.clock)() - kept)?;
        let mut accesses = self
            .store
            .accesses(filter)
            .await
            .map_err(|error| refused(&error))?;
        let next_page_token = paging::cut(&mut accesses, page, |noted| noted.number);
        let read = self
            .trail
            .entry(&principal, AuditAction::AccessLogRead, AuditSubject::none());
        self.trail.append(read.of_items(accesses.len())).await?;
        Ok(Response::new(proto::ListAccessesResponse {
            next_page_token,
            accesses: accesses.into_iter().map(shown).collect(),
            kept_s: kept.num_seconds(),
        }))
    }

    async fn statistics(
        &self,
        request: Request<proto::AccessStatisticsRequest>,
    ) -> Result<Response<proto::AccessStatisticsResponse>, Status> {
        principal(&request)?;
        let request = request.into_inner();
        let now = (self.clock)();
        let tomorrow = local_time::next(local_time::day_of(now));
        let to = day("to", &request.to)?.unwrap_or(tomorrow);
        let from = day("from", &request.from)?.unwrap_or(to - Days::new(DAYS));
        if to <= from || (to - from).num_days() > DAYS_MAX {
            return Err(Status::invalid_argument(format!(
                "to: give a day after `from`, {DAYS_MAX} days after it at most; it is exclusive"
            )));
        }
        let mut counts = self
            .store
            .access_counts(from, to, COUNTS_MAX + 1)
            .await
            .map_err(|error| refused(&error))?;
        let incomplete = counts.len() > COUNTS_MAX;
        counts.truncate(COUNTS_MAX);
        let networks = self
            .store
            .access_networks(now - (self.kept)(), NETWORKS)
            .await
            .map_err(|error| refused(&error))?;
        Ok(Response::new(proto::AccessStatisticsResponse {
            counts: counts
                .into_iter()
                .map(|count| proto::AccessCount {
                    day: count.day.to_string(),
                    resource: count.resource,
                    action: count.action,
                    outcome: count.outcome,
                    accesses: count.accesses,
                    bytes: count.bytes,
                })
                .collect(),
            networks: networks
                .into_iter()
                .map(|count| proto::AccessNetwork {
                    network: count.network,
                    accesses: count.accesses,
                    refused: count.refused,
                })
                .collect(),
            incomplete,
        }))
    }
}

fn filter(
    asked: &proto::ListAccessesRequest,
    most: usize,
    oldest: chrono::DateTime<chrono::Utc>,
) -> Result<AccessFilter, Status> {
    Ok(AccessFilter {
        from: time("from", &asked.from)?.map_or(oldest, |from| from.max(oldest)),
        to: time("to", &asked.to)?,
        resource: given(&asked.resource),
        outcome: given(&asked.outcome),
        before: paging::behind(&asked.page_token)?,
        most,
    })
}

fn day(field: &str, text: &str) -> Result<Option<NaiveDate>, Status> {
    match text.trim() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Status::invalid_argument(format!("{field}: give a day as YYYY-MM-DD"))),
    }
}

fn shown(noted: NotedAccess) -> proto::Access {
    let access = noted.access;
    proto::Access {
        number: noted.number,
        at_unix_ms: access.at.timestamp_millis(),
        resource: access.resource,
        action: access.action,
        outcome: access.outcome,
        bytes: access.bytes,
        ip_address: access.address,
        client: access.client,
    }
}

fn refused(error: &StoreError) -> Status {
    tracing::warn!(%error, "the access log cannot be read");
    match error.is_temporary() {
        true => Status::unavailable(format!("{error}; ask again")),
        false => Status::internal("the access log cannot be read; see the log of the server"),
    }
}
