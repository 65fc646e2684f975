use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Bus, topics};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use domain::ids::ImportRun;
use domain::local_time;
use domain::policy::ServiceLevelPolicy;
use domain::record::TaskType;
use store::StoreError;
use store::calls::{CallStore, DayRange, Period};
use tonic::{Request, Response, Status};
use wire::v1::reporting as proto;

use crate::totals::{Sums, lies_on_an_edge};

/// Tells the time; set by tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The longest that a caller may wait for figures in one call.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// No report is older.
const EARLIEST: NaiveDate = NaiveDate::from_ymd_opt(1990, 1, 1).expect("a date");
const LARGEST_PAGE: u32 = 500;
const USUAL_PAGE: u32 = 100;

/// The gRPC service `nrwdirekt.reporting.v1.Reporting`.
#[derive(Clone)]
pub struct ReportingService {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn CallStore>,
    bus: Arc<dyn Bus>,
    policy: ServiceLevelPolicy,
    agent_figures: bool,
    clock: Clock,
}

impl ReportingService {
    /// Reports from a store; the bus only tells which incarnation of the topic positions belong to. `agent_figures`:
    /// figures of single agents may be shown.
    pub fn new(
        store: Arc<dyn CallStore>,
        bus: Arc<dyn Bus>,
        policy: ServiceLevelPolicy,
        agent_figures: bool,
        clock: Clock,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                bus,
                policy,
                agent_figures,
                clock,
            }),
        }
    }
}

#[tonic::async_trait]
impl proto::reporting_server::Reporting for ReportingService {
    async fn totals(
        &self,
        request: Request<proto::TotalsRequest>,
    ) -> Result<Response<proto::TotalsResponse>, Status> {
        let request = request.into_inner();
        let days = DayRange {
            from: day("from", &request.from)?,
            to: day("to", &request.to)?,
        };
        if days.to <= days.from {
            return Err(Status::invalid_argument(
                "to: give a day after `from`; it is exclusive",
            ));
        }
        if let Some(seconds) = request
            .within_seconds
            .iter()
            .find(|seconds| !lies_on_an_edge(**seconds))
        {
            return Err(Status::invalid_argument(format!(
                "within: {seconds} s has no exact answer; use 0 to 120, or 135, 150, 180, 240, 300, 420, 600, 900, 1800, 3600"
            )));
        }
        let task_types = task_types(&request.task_types)?;
        let policy = &self.inner.policy;
        let now = (self.inner.clock)();
        let threshold = TimeDelta::seconds(policy.threshold_seconds);
        let store = &self.inner.store;
        let waiting = store
            .waiting_since(now - threshold, days)
            .await
            .map_err(|error| status(&error))?;
        let stored = store.day_totals(days).await.map_err(|error| status(&error))?;
        let sums = Sums::of(stored, waiting, &task_types);
        let groups = if request.by_hotline {
            sums.groups(policy, &request.within_seconds)
        } else {
            Vec::new()
        };
        Ok(Response::new(proto::TotalsResponse {
            from: request.from,
            to: request.to,
            zone: local_time::ZONE.name().to_owned(),
            policy: Some(shown_policy(policy)),
            total: Some(sums.total(policy, &request.within_seconds)),
            groups,
        }))
    }

    async fn await_figures(
        &self,
        request: Request<proto::AwaitFiguresRequest>,
    ) -> Result<Response<proto::AwaitFiguresResponse>, Status> {
        let request = request.into_inner();
        let deadline = Instant::now() + LONGEST_WAIT.min(Duration::from_millis(u64::from(request.wait_ms)));
        let topic_id = self
            .inner
            .bus
            .topic_id(topics::CALLS)
            .await
            .map_err(|error| Status::unavailable(format!("{error}; ask again")))?;
        loop {
            let reached = self
                .inner
                .store
                .positions(&topic_id)
                .await
                .map_err(|error| status(&error))?;
            let reached = request.positions.iter().all(|position| {
                reached
                    .get(&position.partition)
                    .is_some_and(|next| *next >= position.next_offset)
            });
            if reached || Instant::now() >= deadline {
                return Ok(Response::new(proto::AwaitFiguresResponse { reached }));
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn get_import_run(
        &self,
        request: Request<proto::GetImportRunRequest>,
    ) -> Result<Response<proto::ImportRun>, Status> {
        let run = ImportRun::new(request.into_inner().import_run);
        let counts = self
            .inner
            .store
            .import_run(&run)
            .await
            .map_err(|error| status(&error))?;
        Ok(Response::new(proto::ImportRun {
            import_run: run.to_string(),
            new_reports: counts.new_reports,
            flagged: counts.flagged,
        }))
    }

    async fn agents(
        &self,
        request: Request<proto::AgentsRequest>,
    ) -> Result<Response<proto::AgentsResponse>, Status> {
        if !self.inner.agent_figures {
            return Err(Status::failed_precondition(
                "figures of single agents are off; `agents.figures = true` in the configuration turns them on",
            ));
        }
        let request = request.into_inner();
        let now = (self.inner.clock)();
        let asked = |field, text: &str, otherwise| match text {
            "" => Ok(otherwise),
            text => day(field, text),
        };
        let from = asked("from", &request.from, EARLIEST)?;
        let to = asked("to", &request.to, local_time::day_of(now) + Days::new(1))?;
        if to <= from {
            return Err(Status::invalid_argument(
                "to: give a day after `from`; it is exclusive",
            ));
        }
        let period = Period {
            from: local_time::start_of(from),
            to: local_time::start_of(to),
        };
        let agents = crate::agents::figures(&*self.inner.store, period, now)
            .await
            .map_err(|error| status(&error))?;
        Ok(Response::new(proto::AgentsResponse {
            from: from.to_string(),
            to: to.to_string(),
            zone: local_time::ZONE.name().to_owned(),
            agents,
        }))
    }

    async fn list_rejected(
        &self,
        request: Request<proto::ListRejectedRequest>,
    ) -> Result<Response<proto::ListRejectedResponse>, Status> {
        crate::rejected::list(&*self.inner.store, request.into_inner())
            .await
            .map(Response::new)
    }
}

/// How many items a page has, of the number that was asked for.
pub(crate) fn page_size(asked: u32) -> usize {
    match asked {
        0 => USUAL_PAGE as usize,
        size => size.min(LARGEST_PAGE) as usize,
    }
}

fn shown_policy(policy: &ServiceLevelPolicy) -> proto::Policy {
    proto::Policy {
        name: policy.name.clone(),
        version: policy.version,
        formula: policy.variant.formula().to_owned(),
        threshold_seconds: policy.threshold_seconds as u32,
        short_abandon_seconds: policy.short_abandon_seconds as u32,
    }
}

fn task_types(names: &[String]) -> Result<Vec<TaskType>, Status> {
    if names.is_empty() {
        return Ok(vec![TaskType::InboundCall]);
    }
    let known = |name: &String| {
        TaskType::from_name(name).ok_or_else(|| {
            let all: Vec<&str> = TaskType::ALL.iter().map(|task_type| task_type.name()).collect();
            Status::invalid_argument(format!("task_types: use {}", all.join(", ")))
        })
    };
    names.iter().map(known).collect()
}

fn day(field: &str, text: &str) -> Result<NaiveDate, Status> {
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok();
    day.filter(|day| (1990..=2200).contains(&chrono::Datelike::year(day)))
        .ok_or_else(|| Status::invalid_argument(format!("{field}: give a day from 1990 on as YYYY-MM-DD")))
}

pub(crate) fn status(error: &StoreError) -> Status {
    if error.is_temporary() {
        Status::unavailable(format!("{error}; ask again"))
    } else {
        Status::internal(error.to_string())
    }
}
