//! The moment: one look at the store for everybody who watches.

mod desk;
mod feed;
mod gauges;
mod promised;
mod running;
mod shown;
mod targets;

use std::pin::Pin;
use std::sync::Arc;

use chrono::TimeDelta;
use domain::audit::{AuditAction, AuditSubject};
use futures::Stream;
use tokio_stream::StreamExt;
use tonic::{Request, Response, Status};
use wire::access::principal;
use wire::v1::reporting as proto;

use crate::agents_shown::AgentsShown;
use crate::figures::FiguresParts;
use crate::scope::{self, Grouping};
use desk::Desk;
use feed::Feed;
pub use gauges::describe as describe_metrics;
use shown::Watched;

/// What the moment is told from.
#[derive(Clone)]
pub struct LiveParts {
    /// Store, rules, policies and clock.
    pub figures: FiguresParts,
    /// Whether single agents may be shown, and to whom.
    pub agents: AgentsShown,
    /// A visit that has stood still for longer has lost its end.
    pub horizon: TimeDelta,
}

/// The gRPC service `nrwdirekt.reporting.v1.Live`.
#[derive(Clone)]
pub struct LiveService {
    parts: Arc<LiveParts>,
    feed: Arc<Feed>,
}

impl LiveService {
    /// The service with its parts.
    pub fn new(parts: LiveParts) -> Self {
        let parts = Arc::new(parts);
        Self {
            feed: Arc::new(Feed::new(Arc::clone(&parts))),
            parts,
        }
    }

    /// Looks at the store while somebody watches, and now and then for the metrics, until it is dropped.
    pub async fn run(self) {
        self.feed.run().await;
    }
}

#[tonic::async_trait]
impl proto::live_server::Live for LiveService {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<proto::Moment, Status>> + Send>>;
    type WatchDeskStream = Pin<Box<dyn Stream<Item = Result<proto::Desk, Status>> + Send>>;

    async fn watch_desk(
        &self,
        request: Request<proto::WatchDeskRequest>,
    ) -> Result<Response<Self::WatchDeskStream>, Status> {
        let watcher = principal(&request)?;
        let desk = Desk::of(&self.parts, watcher, &request.get_ref().agent)?;
        Ok(Response::new(Box::pin(desk.follow(self.feed.looks()))))
    }

    async fn watch(
        &self,
        request: Request<proto::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let watcher = principal(&request)?;
        // Agents see queues; single agents are for those whom the works council has agreed to.
        let with_agents = self.parts.agents.is_for(&watcher);
        let request = request.into_inner();
        let by = match request.by() {
            proto::Grouping::Group => Grouping::Group,
            _ => Grouping::Hotline,
        };
        // What is asked for must be right from the beginning; the rules may change while it is watched.
        let figures = &self.parts.figures;
        scope::policy(&request.policy, &(figures.rules)().figures, &figures.policy)?;
        let watched = Watched::read(request, by, with_agents)?;
        if with_agents {
            let subject = AuditSubject::none();
            let note = figures
                .audit
                .note(&watcher, AuditAction::AgentFiguresRead, subject);
            note.await?;
        }
        let parts = Arc::clone(&self.parts);
        let looks = self.feed.watch(watched.clock);
        let moments = looks.filter_map(move |taken| match taken {
            Ok(taken) => watched.shown(&parts, &taken).transpose(),
            Err(why) => Some(Err(Status::unavailable(why))),
        });
        Ok(Response::new(Box::pin(moments)))
    }
}
