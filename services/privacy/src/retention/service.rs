//! The gRPC service `nrwdirekt.privacy.v1.Retention`.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::local_time;
use store::StoreError;
use store::retention::{Rewritten, Run, RunId, RunLine};
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::privacy as proto;

use super::Retention;
use super::plan::Planned;
use super::rules::EndedBy;
use super::run::RunFault;

/// Runs on a page unless asked otherwise.
const PAGE: usize = 50;
/// Runs on a page at most.
const PAGE_MAX: usize = 500;

/// Says what would go, lets it go, and says what went.
#[derive(Clone)]
pub struct RetentionService {
    retention: Arc<Retention>,
}

impl RetentionService {
    /// The service of a node's retention.
    pub fn new(retention: Arc<Retention>) -> Self {
        Self { retention }
    }

    fn shown(&self, run: Run) -> proto::RetentionRun {
        shown_run(run, (self.retention.parts.clock)())
    }
}

#[tonic::async_trait]
impl proto::retention_server::Retention for RetentionService {
    async fn plan(
        &self,
        request: Request<proto::RetentionPlanRequest>,
    ) -> Result<Response<proto::RetentionPlan>, Status> {
        principal(&request)?;
        let asked = request.into_inner().at;
        let at = match asked.trim() {
            "" => (self.retention.parts.clock)(),
            text => local_time::instant(text).ok_or_else(|| {
                Status::invalid_argument(
                    "at: give a day as YYYY-MM-DD, or a time as 2024-10-27T02:30:00+02:00",
                )
            })?,
        };
        let plan = self.retention.plan(at).await.map_err(|error| refused(&error))?;
        Ok(Response::new(proto::RetentionPlan {
            at_unix_ms: at.timestamp_millis(),
            rules: plan.into_iter().map(shown_rule).collect(),
        }))
    }

    async fn run(
        &self,
        request: Request<proto::RetentionRunRequest>,
    ) -> Result<Response<proto::RetentionRun>, Status> {
        let principal = principal(&request)?.clone();
        let retention = Arc::clone(&self.retention);
        // It goes on when nobody waits for the answer any more.
        let run = tokio::spawn(async move { retention.run(&principal).await });
        let run = run
            .await
            .map_err(|_| Status::internal("the run broke down; it is gone on with"))?;
        let run = run.map_err(|fault| match fault {
            RunFault::Store(error) => refused(&error),
            RunFault::Elsewhere => Status::failed_precondition(fault.to_string()),
            RunFault::TrailUnavailable => Status::unavailable(fault.to_string()),
        })?;
        Ok(Response::new(self.shown(run)))
    }

    async fn list_runs(
        &self,
        request: Request<proto::ListRetentionRunsRequest>,
    ) -> Result<Response<proto::ListRetentionRunsResponse>, Status> {
        principal(&request)?;
        let asked = request.into_inner();
        let before: Option<RunId> = match asked.page_token.as_str() {
            "" => None,
            token => Some(token.parse().map_err(|_| {
                Status::invalid_argument("page_token: repeat the next_page_token of the page before")
            })?),
        };
        let most = match asked.page_size as usize {
            0 => PAGE,
            wanted => wanted.min(PAGE_MAX),
        };
        let runs = self.retention.parts.runs.runs(before, most + 1).await;
        let mut runs = runs.map_err(|error| refused(&error))?;
        let more = runs.len() > most;
        runs.truncate(most);
        let last = runs.last().filter(|_| more);
        Ok(Response::new(proto::ListRetentionRunsResponse {
            next_page_token: last.map(|last| last.id.to_string()).unwrap_or_default(),
            runs: runs.into_iter().map(|run| self.shown(run)).collect(),
        }))
    }
}

fn shown_rule(planned: Planned) -> proto::PlannedRule {
    let Planned {
        rule,
        before,
        past,
        waiting,
    } = planned;
    proto::PlannedRule {
        what: rule.what.name().to_owned(),
        ended_by: rule.ended_by.name().to_owned(),
        store: rule.what.store().to_owned(),
        procedure: rule.procedure,
        after: rule.after.to_owned(),
        period: rule.term.text(),
        text: rule.text,
        before,
        items: past.map(|past| count(past.items)),
        oldest_unix_ms: past
            .and_then(|past| past.oldest)
            .map(|oldest| oldest.timestamp_millis()),
        waiting: count(waiting),
    }
}

fn shown_run(run: Run, now: DateTime<Utc>) -> proto::RetentionRun {
    let is_clean = |it: &Rewritten| {
        it.at_ms.is_some() && it.until_ms.is_some_and(|until| until <= now.timestamp_millis())
    };
    let (clean, pending): (Vec<_>, Vec<_>) = run.rewritten.iter().partition(|it| is_clean(it));
    let kept: BTreeSet<&String> = run.rewritten.iter().flat_map(|it| &it.kept).collect();
    proto::RetentionRun {
        rewritten: clean.into_iter().map(|it| it.unit.clone()).collect(),
        pending: pending
            .into_iter()
            .map(|it| proto::RetentionPending {
                place: it.unit.clone(),
                until_unix_ms: it.until_ms,
            })
            .collect(),
        kept: kept.into_iter().cloned().collect(),
        run: run.id,
        started_at_unix_ms: run.started_at.timestamp_millis(),
        started_by: run.started_by,
        finished_at_unix_ms: run.finished_at.map(|at| at.timestamp_millis()),
        outcome: run.outcome.into_iter().map(shown_line).collect(),
    }
}

fn shown_line(line: RunLine) -> proto::RetentionOutcome {
    proto::RetentionOutcome {
        what: line.what,
        ended_by: match line.ended_by.as_str() {
            "" => EndedBy::Run.name().to_owned(),
            _ => line.ended_by,
        },
        procedure: line.procedure,
        after: line.after,
        period: line.period,
        before: line.before,
        items: count(line.items),
        waiting: count(line.waiting),
        visits: count(line.visits),
        parts: line.parts,
        longest_step_ms: count(line.longest_step_ms),
    }
}

fn count(items: u64) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}

fn refused(error: &StoreError) -> Status {
    tracing::warn!(%error, "retention could not ask the store");
    match error.is_temporary() {
        true => Status::unavailable(format!("{error}; ask again, what was begun is gone on with")),
        false => Status::internal("the store cannot be used; see the log of the server"),
    }
}
