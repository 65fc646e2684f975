//! The gRPC service of history: intervals, percentiles, and what is made of them.

use std::sync::Arc;

use std::collections::BTreeSet;

use access::AuditTrail;
use chrono::{DateTime, NaiveDate, Utc};
use domain::audit::{AuditAction, AuditSubject};
use domain::counts::Interval;
use domain::figures::ServiceLevelTarget;
use domain::ids::HotlineName;
use domain::local_time;
use domain::policy::ServiceLevelPolicy;
use domain::rulebook::Rulebook;
use domain::span::{Span, Step, cut};
use futures::Stream;
use std::pin::Pin;
use store::calls::CallStore;
use store::tickets::TicketStore;
use tonic::{Request, Response, Status};
use wire::v1::reporting as proto;

use crate::counted::{CELLS_MAX, Counted, counted, too_many};
use crate::scope::{Policy, Scope, invalid, policy, promised};
use crate::service::{Clock, CurrentRules, status};
use crate::sum::{Sum, shown};
use crate::{forecast, percentiles, profile, promise, statements};

/// Intervals in a chunk of a stream.
pub(crate) const CHUNK: usize = 500;

/// What the figures are made from.
#[derive(Clone)]
pub struct FiguresParts {
    /// Keeps the counts.
    pub store: Arc<dyn CallStore>,
    /// Keeps the tickets, whose answers were promised.
    pub tickets: Arc<dyn TicketStore>,
    /// Knows hotlines, groups, policies and targets.
    pub rules: CurrentRules,
    /// Has the thresholds of built-in policies.
    pub policy: ServiceLevelPolicy,
    /// Tells the time.
    pub clock: Clock,
    /// Noted in it is who has seen or done what.
    pub audit: AuditTrail,
}

/// The gRPC service `nrwdirekt.reporting.v1.Figures`.
#[derive(Clone)]
pub struct FiguresService {
    parts: Arc<FiguresParts>,
}

/// What a report goes by: one version of the rules, one moment.
pub(crate) struct Asking {
    parts: Arc<FiguresParts>,
    pub(crate) book: Arc<Rulebook>,
    pub(crate) now: DateTime<Utc>,
}

impl FiguresService {
    /// The service with its parts.
    pub fn new(parts: FiguresParts) -> Self {
        Self {
            parts: Arc::new(parts),
        }
    }

    fn asking(&self) -> Asking {
        Asking::new(&self.parts)
    }
}

impl Asking {
    pub(crate) fn new(parts: &Arc<FiguresParts>) -> Self {
        Self {
            book: (parts.rules)(),
            now: (parts.clock)(),
            parts: Arc::clone(parts),
        }
    }

    pub(crate) async fn scope(&self, sent: Option<proto::Scope>) -> Result<Scope, Status> {
        let sent = sent.ok_or_else(|| invalid("scope: say what the report is about"))?;
        let scope = Scope::read(&sent, &self.book.figures, &self.parts.policy)?;
        self.check_known(&scope.hotlines).await?;
        Ok(scope)
    }

    /// A hotline that nobody has heard of is a slip of the pen, and not one without calls.
    async fn check_known(&self, hotlines: &[HotlineName]) -> Result<(), Status> {
        let named: BTreeSet<&HotlineName> =
            self.book.figures.named_hotlines().map(|(_, name)| name).collect();
        let is_new =
            |hotline: &&HotlineName| !self.book.routing.has_hotline(hotline) && !named.contains(hotline);
        let mut asked = hotlines.iter().filter(is_new).peekable();
        if asked.peek().is_none() {
            return Ok(());
        }
        let heard_of = self
            .parts
            .store
            .hotlines()
            .await
            .map_err(|error| status(&error))?;
        match asked.find(|hotline| !heard_of.contains(*hotline)) {
            None => Ok(()),
            Some(unknown) => Err(invalid(format!(
                "hotlines: nothing is known of {unknown:?}; use a name as `report totals --by hotline` shows it",
                unknown = unknown.as_str()
            ))),
        }
    }

    /// The first local day from this one on that anything was counted on.
    pub(crate) async fn first_counted(&self, from: NaiveDate) -> Result<Option<NaiveDate>, Status> {
        let from = Interval::containing(local_time::start_of(from));
        let first = self.parts.store.next_counted(from).await;
        let first = first.map_err(|error| status(&error))?;
        Ok(first.map(|interval| local_time::day_of(interval.start())))
    }

    /// The policy of a name, the default one for none.
    pub(crate) fn policy(&self, name: &str) -> Result<Policy, Status> {
        policy(name, &self.book.figures, &self.parts.policy)
    }

    /// The policy of a target; `usual` where it names none.
    pub(crate) fn promised(&self, level: Option<&ServiceLevelTarget>, usual: &Policy) -> Policy {
        promised(level, usual.clone(), &self.book.figures, &self.parts.policy)
    }

    /// The hotlines of the rules.
    pub(crate) fn known(&self) -> Vec<HotlineName> {
        let hotlines = self.book.routing.hotlines().iter();
        hotlines.map(|hotline| hotline.name.clone()).collect()
    }

    /// The figures of a scope; hotlines of the rules have a group also without any.
    pub(crate) async fn figures(&self, scope: &Scope, spans: &[Span]) -> Result<Counted, Status> {
        self.counted(scope, spans, &self.known()).await
    }

    /// The same with those groups alone that something was counted for.
    pub(crate) async fn busy_figures(&self, scope: &Scope, spans: &[Span]) -> Result<Counted, Status> {
        self.counted(scope, spans, &[]).await
    }

    async fn counted(&self, scope: &Scope, spans: &[Span], known: &[HotlineName]) -> Result<Counted, Status> {
        let rules = &self.book.figures;
        counted(self.parts.store.as_ref(), scope, spans, rules, known, self.now).await
    }
}

/// The intervals of a scope.
pub(crate) fn spans(scope: &Scope, step: Step) -> Result<Vec<Span>, Status> {
    let most = (scope.to - scope.from).num_days() * step.most_a_day();
    if usize::try_from(most).is_ok_and(|most| most > CELLS_MAX) {
        return Err(too_many());
    }
    Ok(cut(step, scope.from, scope.to, scope.zone))
}

/// Reads the length of intervals.
pub(crate) fn step(name: &str) -> Result<Step, Status> {
    Step::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Step::ALL.iter().map(|step| step.name()).collect();
        invalid(format!("interval: use {}", names.join(", ")))
    })
}

type Told<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl proto::figures_server::Figures for FiguresService {
    type IntervalsStream = Told<proto::IntervalsChunk>;
    type PercentilesByIntervalStream = Told<proto::PercentilesChunk>;

    async fn intervals(
        &self,
        request: Request<proto::IntervalsRequest>,
    ) -> Result<Response<Self::IntervalsStream>, Status> {
        let asking = self.asking();
        let request = request.into_inner();
        let scope = asking.scope(request.scope).await?;
        let step = step(&request.interval)?;
        let spans = spans(&scope, step)?;
        let counted = asking.figures(&scope, &spans).await?;
        let head = proto::IntervalsChunk {
            head: Some(head(&scope, step, &counted)),
            intervals: Vec::new(),
        };
        let chunks = chunks(scope, spans, counted);
        let all = std::iter::once(head).chain(chunks).map(Ok);
        Ok(Response::new(Box::pin(tokio_stream::iter(all))))
    }

    async fn percentiles(
        &self,
        request: Request<proto::PercentilesRequest>,
    ) -> Result<Response<proto::PercentilesResponse>, Status> {
        let told = percentiles::whole(&self.asking(), request.into_inner()).await?;
        Ok(Response::new(told))
    }

    async fn percentiles_by_interval(
        &self,
        request: Request<proto::PercentilesRequest>,
    ) -> Result<Response<Self::PercentilesByIntervalStream>, Status> {
        let told = percentiles::by_interval(&self.asking(), request.into_inner()).await?;
        Ok(Response::new(Box::pin(tokio_stream::iter(told.map(Ok)))))
    }

    async fn promise(
        &self,
        request: Request<proto::PromiseRequest>,
    ) -> Result<Response<proto::PromiseResponse>, Status> {
        let told = promise::promise(&self.asking(), &self.parts.tickets, request.into_inner()).await?;
        Ok(Response::new(told))
    }

    async fn profile(
        &self,
        request: Request<proto::ProfileRequest>,
    ) -> Result<Response<proto::ProfileResponse>, Status> {
        let told = profile::told(&self.asking(), request.into_inner()).await?;
        Ok(Response::new(told))
    }

    async fn forecast(
        &self,
        request: Request<proto::ForecastRequest>,
    ) -> Result<Response<proto::ForecastResponse>, Status> {
        let told = forecast::forecast(&self.asking(), request.into_inner()).await?;
        Ok(Response::new(told))
    }

    async fn changes(
        &self,
        request: Request<proto::ChangesRequest>,
    ) -> Result<Response<proto::ChangesResponse>, Status> {
        let told = statements::changes(self.parts.store.as_ref(), request.into_inner()).await?;
        Ok(Response::new(told))
    }

    async fn seal(&self, request: Request<proto::SealRequest>) -> Result<Response<proto::Statement>, Status> {
        let principal = wire::access::principal(&request)?;
        let mut request = request.into_inner();
        request.by = principal.acting_name(&request.by);
        let store = self.parts.store.as_ref();
        // Noted before it is done: what is sealed cannot be sealed again to be noted.
        let subject = AuditSubject::new("statement", format!("{}..{}", request.from, request.to));
        let audit = &self.parts.audit;
        statements::check(&self.asking(), &request)?;
        audit
            .note(&principal, AuditAction::FiguresSealed, subject)
            .await?;
        let sealed = statements::seal(&self.asking(), store, request).await?;
        Ok(Response::new(sealed))
    }

    async fn statements(
        &self,
        _request: Request<proto::StatementsRequest>,
    ) -> Result<Response<proto::StatementsResponse>, Status> {
        let told = statements::list(self.parts.store.as_ref()).await?;
        Ok(Response::new(told))
    }

    async fn get_statement(
        &self,
        request: Request<proto::StatementRequest>,
    ) -> Result<Response<proto::StatementResponse>, Status> {
        let store = self.parts.store.as_ref();
        let told = statements::show(&self.asking(), store, request.into_inner()).await?;
        Ok(Response::new(told))
    }
}

fn head(scope: &Scope, step: Step, counted: &Counted) -> proto::IntervalsHead {
    let shown = |name: &str, sum: &Sum| shown(name, sum, &scope.policy.policy, &scope.within);
    proto::IntervalsHead {
        from: scope.from.to_string(),
        to: scope.to.to_string(),
        zone: scope.zone_name(),
        as_of: counted.version.to_string(),
        policy: Some(scope.policy.shown()),
        interval: step.name().to_owned(),
        total: Some(shown("", &counted.total.whole())),
        groups: counted
            .groups
            .iter()
            .map(|(name, row)| shown(name, &row.whole()))
            .collect(),
    }
}

/// Every interval of the total, then of each group; made as they are sent.
fn chunks(
    scope: Scope,
    spans: Vec<Span>,
    counted: Counted,
) -> impl Iterator<Item = proto::IntervalsChunk> + Send {
    let rows: Vec<_> = std::iter::once(counted.total)
        .chain(counted.groups.into_values())
        .collect();
    places(rows.len(), spans.len()).map(move |(group, first)| {
        let figures = spans.iter().zip(rows[group].sums()).skip(first).take(CHUNK);
        let intervals = figures.map(|(span, sum)| proto::IntervalFigures {
            group: u32::try_from(group).unwrap_or(u32::MAX),
            start_unix_s: span.start.timestamp(),
            end_unix_s: span.end.timestamp(),
            figures: Some(shown("", sum, &scope.policy.policy, &scope.within)),
        });
        proto::IntervalsChunk {
            head: None,
            intervals: intervals.collect(),
        }
    })
}

/// Where the chunks of some rows begin: row by row, and the first interval of each.
pub(crate) fn places(rows: usize, intervals: usize) -> impl Iterator<Item = (usize, usize)> + Send {
    let chunks = intervals.div_ceil(CHUNK);
    (0..rows).flat_map(move |row| (0..chunks).map(move |chunk| (row, chunk * CHUNK)))
}
