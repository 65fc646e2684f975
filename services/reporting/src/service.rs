use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Bus, topics};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::ImportRun;
use domain::local_time;
use domain::rulebook::Rulebook;
use store::StoreError;
use store::calls::{CallStore, Period};
use store::persons::PersonCalls;
use tonic::{Request, Response, Status};
use wire::v1::reporting as proto;

use crate::agents_shown::AgentsShown;
use crate::figures::{Asking, FiguresParts};
use crate::scope::day;
use crate::sum::{Sum, shown};

/// Tells the time; set by tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
/// Gives the rules that are in force now.
pub type CurrentRules = Arc<dyn Fn() -> Arc<Rulebook> + Send + Sync>;

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
    persons: Arc<dyn PersonCalls>,
    bus: Arc<dyn Bus>,
    figures: Arc<FiguresParts>,
    agents: AgentsShown,
    clock: Clock,
}

impl ReportingService {
    /// Reports figures; the bus only tells which incarnation of the topic positions belong to. `agents`: who may see
    /// figures of single agents. `persons` knows whose data is restricted.
    pub fn new(
        figures: FiguresParts,
        persons: Arc<dyn PersonCalls>,
        bus: Arc<dyn Bus>,
        agents: AgentsShown,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store: Arc::clone(&figures.store),
                persons,
                bus,
                clock: Arc::clone(&figures.clock),
                figures: Arc::new(figures),
                agents,
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
        let asking = Asking::new(&self.inner.figures);
        let scope = asking.scope(Some(scope(&request))).await?;
        let counted = asking.busy_figures(&scope, &[scope.span()]).await?;
        let told = |name: &str, sum: &Sum| shown(name, sum, &scope.policy.policy, &scope.within);
        Ok(Response::new(proto::TotalsResponse {
            from: request.from,
            to: request.to,
            zone: scope.zone_name(),
            policy: Some(scope.policy.shown()),
            total: Some(told("", &counted.total.whole())),
            groups: counted
                .groups
                .iter()
                .map(|(name, row)| told(name, &row.whole()))
                .collect(),
            as_of: counted.version.to_string(),
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
            past_retention: counts.past_retention,
            flagged: counts.flagged,
        }))
    }

    async fn agents(
        &self,
        request: Request<proto::AgentsRequest>,
    ) -> Result<Response<proto::AgentsResponse>, Status> {
        let principal = wire::access::principal(&request)?;
        let rules = &self.inner.agents;
        rules.admit(&principal)?;
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
        let oldest = rules.oldest(now);
        let period = Period {
            from: local_time::start_of(from).max(oldest),
            to: local_time::start_of(to).max(oldest),
        };
        let mut agents = crate::agents::figures(&*self.inner.store, period, now)
            .await
            .map_err(|error| status(&error))?;
        let audit = &self.inner.figures.audit;
        let read = audit.entry(&principal, AuditAction::AgentFiguresRead, AuditSubject::none());
        let too_few = rules.are_too_few(agents.len());
        if too_few {
            agents.clear();
        }
        audit.append(read.of_items(agents.len())).await?;
        Ok(Response::new(proto::AgentsResponse {
            from: from.to_string(),
            to: to.to_string(),
            zone: local_time::ZONE.name().to_owned(),
            agents,
            too_few,
        }))
    }

    async fn list_rejected(
        &self,
        request: Request<proto::ListRejectedRequest>,
    ) -> Result<Response<proto::ListRejectedResponse>, Status> {
        crate::rejected::list(&*self.inner.store, &*self.inner.persons, request.into_inner())
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

fn scope(request: &proto::TotalsRequest) -> proto::Scope {
    let by = match (request.by_group, request.by_hotline) {
        (true, _) => proto::Grouping::Group,
        (_, true) => proto::Grouping::Hotline,
        _ => proto::Grouping::Unspecified,
    };
    proto::Scope {
        from: request.from.clone(),
        to: request.to.clone(),
        zone: request.zone.clone(),
        by: by.into(),
        hotlines: request.hotlines.clone(),
        task_types: request.task_types.clone(),
        policy: request.policy.clone(),
        within_seconds: request.within_seconds.clone(),
    }
}

pub(crate) fn status(error: &StoreError) -> Status {
    if error.is_temporary() {
        return Status::unavailable(format!("{error}; ask again"));
    }
    match error {
        StoreError::UnknownVersion(_) => Status::invalid_argument(error.to_string()),
        _ => Status::internal(error.to_string()),
    }
}
