use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use domain::ids::{AgentName, Identity, IdentityKey, TicketId};
use domain::routing::{RoutingRequest, RoutingTable};
use domain::service_time::{DuePolicy, ServiceCalendar};
use domain::ticket::{Actor, Opening, Ticket, open, spoken_ticket_id, ticket_id};
use store::StoreError;
use store::tickets::{ListPosition, Logged, NewTicket, TicketStore};
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use wire::tickets::{decision_to_wire, ticket_to_wire};
use wire::v1::tickets as proto;

use crate::metrics;
use crate::requests::{LogRequest, list_filter, route_request, write_token};

/// Tells the time; set by tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
/// Gives the routing table that holds now.
pub type CurrentRouting = Arc<dyn Fn() -> Arc<RoutingTable> + Send + Sync>;
/// Raised with every new ticket, so that handover in the same process need not wait for its next look.
pub type Wake = Arc<watch::Sender<u64>>;

/// Numbers drawn for one ticket at most. A second one is needed once in 10¹² ÷ tickets.
const DRAWS: usize = 8;

/// What ticketing works with.
#[derive(Clone)]
pub struct TicketingParts {
    /// Keeps the tickets.
    pub store: Arc<dyn TicketStore>,
    /// Finds the department.
    pub routing: CurrentRouting,
    /// Knows service time and holidays.
    pub calendar: ServiceCalendar,
    /// How due times are computed.
    pub due_policy: DuePolicy,
    /// Makes identities of calls.
    pub identity_key: IdentityKey,
    /// Tells the time.
    pub clock: Clock,
    /// Raised with every new ticket, where handover runs in the same process.
    pub wake: Option<Wake>,
}

/// The gRPC service `nrwdirekt.tickets.v1.Ticketing`.
#[derive(Clone)]
pub struct TicketingService {
    parts: Arc<TicketingParts>,
}

impl TicketingService {
    /// Ticketing with its parts.
    pub fn new(parts: TicketingParts) -> Self {
        Self {
            parts: Arc::new(parts),
        }
    }

    async fn log(&self, sent: proto::LogCallbackRequest) -> Result<(Ticket, bool), Status> {
        let request = LogRequest::checked(sent, &self.parts.identity_key)?;
        // Whole milliseconds, as the store keeps them: the first answer equals a repeated one.
        let at = (self.parts.clock)().trunc_subsecs(3);
        let routing = (self.parts.routing)();
        let postal_code = request.request.fields().postal_code.reveal();
        let decision = routing.route(
            &RoutingRequest {
                hotline: request.hotline.clone(),
                category: request.category.clone(),
                postal_code: (!postal_code.is_empty()).then(|| postal_code.to_owned()),
                concern: request.request.fields().concern.clone(),
                at,
            },
            &self.parts.calendar,
        );
        let actor = match &request.agent {
            Some(agent) => Actor::Agent(AgentName::new(agent)),
            None => Actor::System,
        };
        for _ in 0..DRAWS {
            let id = ticket_id(uuid::Uuid::new_v4().as_u128());
            let transition = open(Opening {
                id: id.clone(),
                request: request.request.clone(),
                hotline: request.hotline.clone(),
                category: request.category.clone(),
                call: request.call,
                actor: actor.clone(),
                decision: decision.clone(),
                at,
                due_at: self
                    .parts
                    .calendar
                    .due(at, self.parts.due_policy)
                    .trunc_subsecs(3),
            });
            let ticket = transition.ticket.clone();
            let new = NewTicket {
                transition,
                idempotency_key: request.idempotency_key.clone(),
                content: request.content,
                notice_identity: self.notice_identity(request.call, &id),
            };
            match self.parts.store.log(new).await.map_err(|error| refused(&error))? {
                Logged::New => {
                    self.announce(&ticket);
                    return Ok((ticket, false));
                }
                Logged::Repeated(ticket) => {
                    metrics::repeated();
                    return Ok((*ticket, true));
                }
                Logged::KeyTaken => {
                    return Err(Status::already_exists(
                        "idempotency_key: another request was logged under this key; choose a new one",
                    ));
                }
                Logged::IdTaken => {}
            }
        }
        tracing::error!("no free ticket number was found in {DRAWS} draws");
        Err(Status::internal("no free ticket number was found; try again"))
    }

    fn notice_identity(&self, call: Option<Identity>, id: &TicketId) -> Identity {
        call.unwrap_or_else(|| {
            self.parts
                .identity_key
                .keyed(&[b"ticket", id.as_str().as_bytes()])
        })
    }

    fn announce(&self, ticket: &Ticket) {
        metrics::logged(&ticket.department);
        tracing::info!(ticket = %ticket.id, department = %ticket.department, "callback logged");
        if let Some(wake) = &self.parts.wake {
            wake.send_modify(|raised| *raised += 1);
        }
    }
}

#[tonic::async_trait]
impl proto::ticketing_server::Ticketing for TicketingService {
    async fn log_callback(
        &self,
        request: Request<proto::LogCallbackRequest>,
    ) -> Result<Response<proto::LogCallbackResponse>, Status> {
        let (ticket, repeated) = self.log(request.into_inner()).await?;
        let found = self.parts.store.ticket(&ticket.id).await;
        // The ticket is there: an answer without its history is better than an error.
        let history = found
            .ok()
            .flatten()
            .map(|found| found.history)
            .unwrap_or_default();
        Ok(Response::new(proto::LogCallbackResponse {
            ticket: Some(ticket_to_wire(&ticket, &history)),
            repeated,
        }))
    }

    async fn get_ticket(
        &self,
        request: Request<proto::GetTicketRequest>,
    ) -> Result<Response<proto::Ticket>, Status> {
        let id = spoken_ticket_id(&request.into_inner().ticket_id)
            .ok_or_else(|| Status::invalid_argument("ticket_id: give a number such as T-7K3M-9QXW"))?;
        let found = self
            .parts
            .store
            .ticket(&id)
            .await
            .map_err(|error| refused(&error))?;
        let found = found.ok_or_else(|| Status::not_found(format!("there is no ticket {id}")))?;
        Ok(Response::new(ticket_to_wire(&found.ticket, &found.history)))
    }

    async fn explain_route(
        &self,
        request: Request<proto::ExplainRouteRequest>,
    ) -> Result<Response<proto::ExplainRouteResponse>, Status> {
        let asked = route_request(request.into_inner(), (self.parts.clock)())?;
        let decision = (self.parts.routing)().route(&asked, &self.parts.calendar);
        Ok(Response::new(decision_to_wire(&decision)))
    }

    async fn list_tickets(
        &self,
        request: Request<proto::ListTicketsRequest>,
    ) -> Result<Response<proto::ListTicketsResponse>, Status> {
        let filter = list_filter(&request.into_inner())?;
        let page = filter.most - 1;
        let mut tickets = self
            .parts
            .store
            .list(filter)
            .await
            .map_err(|error| refused(&error))?;
        let more = tickets.len() > page;
        tickets.truncate(page);
        let next_page_token = match tickets.last() {
            Some(last) if more => write_token(&ListPosition {
                created_at: last.created_at,
                id: last.id.clone(),
            }),
            _ => String::new(),
        };
        Ok(Response::new(proto::ListTicketsResponse {
            tickets: tickets.iter().map(|ticket| ticket_to_wire(ticket, &[])).collect(),
            next_page_token,
        }))
    }
}

/// What a caller is told when the store did not do it: nothing of the request was kept.
fn refused(error: &StoreError) -> Status {
    tracing::warn!(%error, "a request was refused by the store");
    match error {
        StoreError::Unavailable(_) => Status::unavailable("the store is not available; try again"),
        StoreError::NoRoom => {
            Status::unavailable("the store has no room on its disk; make room, then try again")
        }
        StoreError::Conflict(_) => Status::aborted("somebody else changed it at the same time; try again"),
        StoreError::Unusable(_) => Status::internal("the store cannot be used; see the log of the server"),
    }
}

#[cfg(test)]
mod tests;
