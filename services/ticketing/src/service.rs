mod acts;
mod additions;
mod counts;
mod slots;

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use domain::ids::{DepartmentId, HotlineName, Identity, IdentityKey, TicketId};
use domain::local_time;
use domain::routing::{RoutingDecision, RoutingRequest, RoutingTable};
use domain::rulebook::Rulebook;
use domain::service_time::DuePolicy;
use domain::ticket::{Opening, Ticket, open, spoken_ticket_id, ticket_id};
use store::StoreError;
use store::tickets::{
    Acquaintance, AcquaintanceSearch, Citizen, ListPosition, Logged, NewTicket, TicketStore,
    TicketWithHistory,
};
use tonic::{Request, Response, Status};
use wire::tickets::{decision_to_wire, procedure_to_wire, ticket_to_wire};
use wire::v1::tickets as proto;

use crate::acts::{Act, ActRequest};
use crate::metrics;
use crate::requests::{LogRequest, citizen_search, invalid, list_filter, route_request, write_token};
use crate::schedule;

/// Tells the time; set by tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
/// Gives the rules that are in force now.
pub type CurrentRules = Arc<dyn Fn() -> Arc<Rulebook> + Send + Sync>;
/// Told the department of every new ticket, so that handover in the same process need not wait for its next look.
pub type Wake = Arc<dyn Fn(&DepartmentId) + Send + Sync>;

/// Numbers drawn for one ticket at most. A second one is needed once in 10¹² ÷ tickets.
const DRAWS: usize = 8;
/// Other open tickets of a citizen that an answer names, at most.
const OPEN_TICKETS: usize = 20;

/// What ticketing works with.
#[derive(Clone)]
pub struct TicketingParts {
    /// Keeps the tickets.
    pub store: Arc<dyn TicketStore>,
    /// Knows departments and procedures.
    pub rules: CurrentRules,
    /// How due times are computed.
    pub due_policy: DuePolicy,
    /// How long after it was settled a ticket can be reopened.
    pub reopen_within: TimeDelta,
    /// Makes identities of calls.
    pub identity_key: IdentityKey,
    /// Tells the time.
    pub clock: Clock,
    /// Told of every new ticket, where handover runs in the same process.
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

    /// The ticket with its history, and whether the request was known.
    async fn log(
        &self,
        sent: proto::LogCallbackRequest,
        address: Option<IpAddr>,
    ) -> Result<(TicketWithHistory, bool), Status> {
        let (ticket, repeated) = match sent.add_to.trim() {
            "" => match self.log_new(sent, address).await? {
                Outcome::New(new) => return Ok((*new, false)),
                Outcome::Known(ticket, repeated) => (*ticket, repeated),
            },
            _ => additions::add(&self.parts, sent).await?,
        };
        // The ticket is there: an answer without its history is better than an error.
        let found = self.parts.store.ticket(&ticket.id).await.ok().flatten();
        let history = found.map(|found| found.history).unwrap_or_default();
        Ok((TicketWithHistory { ticket, history }, repeated))
    }

    async fn log_new(
        &self,
        sent: proto::LogCallbackRequest,
        address: Option<IpAddr>,
    ) -> Result<Outcome, Status> {
        let rules = (self.parts.rules)();
        let request = LogRequest::checked(sent, &rules.register, &self.parts.identity_key)?;
        // Whole milliseconds, as the store keeps them: the first answer equals a repeated one.
        let at = (self.parts.clock)().trunc_subsecs(3);
        let decision = self.decide(&request, &rules.routing, at);
        let plan = schedule::plan(&request, decision, &rules.routing, self.parts.due_policy, at);
        let plan = match plan {
            Ok(plan) => plan,
            // What was logged in time stays logged, however late it is repeated.
            Err(faults) => {
                let known = self.logged_before(&request).await?;
                return known.map(Outcome::known).ok_or_else(|| invalid(&faults));
            }
        };
        let completed = request.completed(at, address);
        let actor = request.actor();
        for _ in 0..DRAWS {
            let id = ticket_id(uuid::Uuid::new_v4().as_u128());
            let transition = open(Opening {
                id: id.clone(),
                procedure: request.procedure.id.clone(),
                request: completed.clone(),
                hotline: request.hotline.clone(),
                category: request.category.clone(),
                call: request.call,
                actor: actor.clone(),
                decision: plan.decision.clone(),
                rules: Some(rules.version),
                at,
                due_at: plan.due_at,
            })
            .with_schedule(plan.schedule.clone(), plan.capacity)
            .with_mails(&rules.routing);
            let logged = TicketWithHistory {
                ticket: transition.ticket.clone(),
                history: transition.entries.clone(),
            };
            let new = NewTicket {
                transition,
                idempotency_key: request.idempotency_key.clone(),
                content: request.content,
                notice_identity: self.notice_identity(&request, &id),
            };
            match self.parts.store.log(new).await.map_err(|error| refused(&error))? {
                Logged::New => {
                    self.announce(&logged.ticket);
                    return Ok(Outcome::New(Box::new(logged)));
                }
                Logged::IdTaken => {}
                known => return additions::repeated(known).map(Outcome::known),
            }
        }
        tracing::error!("no free ticket number was found in {DRAWS} draws");
        Err(Status::internal("no free ticket number was found; try again"))
    }

    async fn logged_before(&self, request: &LogRequest) -> Result<Option<(Ticket, bool)>, Status> {
        let store = &self.parts.store;
        let logged = store
            .logged_before(&request.idempotency_key, request.content)
            .await;
        let logged = logged.map_err(|error| refused(&error))?;
        logged.map(additions::repeated).transpose()
    }

    /// The department that the register names, else the one that routing finds.
    fn decide(&self, request: &LogRequest, routing: &RoutingTable, at: DateTime<Utc>) -> RoutingDecision {
        let rules = request.procedure.ticket_rules();
        let fixed = rules.and_then(|rules| rules.department.clone());
        let is_known = |department: &DepartmentId| routing.department(department).is_some();
        if let Some(department) = fixed.filter(is_known) {
            return RoutingDecision {
                department,
                rule: None,
                because: request.procedure.because(),
                municipalities: Vec::new(),
                ambiguous: false,
            };
        }
        let postal_code = request.request.fields().get("postal_code");
        let asked = RoutingRequest {
            hotline: request.hotline.clone().unwrap_or_else(|| HotlineName::new("")),
            category: request.category.clone(),
            postal_code: postal_code.map(|code| code.reveal().to_owned()),
            concern: request.concern(),
            at,
        };
        routing.route(&asked, routing.calendar())
    }

    /// Only callbacks are told to the topic of calls.
    fn notice_identity(&self, request: &LogRequest, id: &TicketId) -> Option<Identity> {
        let own = || {
            let parts: [&[u8]; 2] = [b"ticket", id.as_str().as_bytes()];
            self.parts.identity_key.keyed(&parts)
        };
        let rules = request.procedure.ticket_rules()?;
        rules.counts_as_callback.then(|| request.call.unwrap_or_else(own))
    }

    fn announce(&self, ticket: &Ticket) {
        metrics::logged(&ticket.department);
        tracing::info!(ticket = %ticket.id, procedure = %ticket.procedure, department = %ticket.department, "ticket logged");
        self.parts.wake(&ticket.department);
    }

    /// Since when tickets were settled that can be reopened now.
    fn recent_since(&self) -> DateTime<Utc> {
        (self.parts.clock)() - self.parts.reopen_within
    }

    /// Other tickets of the citizen: owed an answer, and settled lately.
    async fn others_of(&self, ticket: &Ticket) -> Acquaintance {
        let fields = ticket.request.fields();
        let mut citizens = Vec::new();
        if let Some(phone) = fields.get("phone") {
            citizens.push(Citizen::by_phone(phone.reveal()));
        }
        if let (Some(name), Some(postal_code)) = (fields.get("name"), fields.get("postal_code")) {
            citizens.push(Citizen::by_name(name.reveal(), Some(postal_code.reveal())));
        }
        let search = AcquaintanceSearch {
            citizens,
            settled_since: self.recent_since(),
            most: OPEN_TICKETS + 1,
        };
        let found = self.parts.store.acquaintance(search).await;
        // The ticket is there: an answer without its neighbours is better than an error.
        let mut others = found.unwrap_or_else(|error| {
            tracing::warn!(%error, "other tickets of a citizen were not looked up");
            Acquaintance::default()
        });
        for tickets in [&mut others.owed, &mut others.settled] {
            tickets.retain(|other| other.id != ticket.id);
            tickets.truncate(OPEN_TICKETS);
        }
        others
    }
}

/// What came of a request for a new ticket.
enum Outcome {
    New(Box<TicketWithHistory>),
    /// Of one that was made before, and whether it was repeated.
    Known(Box<Ticket>, bool),
}

impl Outcome {
    fn known((ticket, repeated): (Ticket, bool)) -> Self {
        Self::Known(Box::new(ticket), repeated)
    }
}

impl TicketingParts {
    fn wake(&self, department: &DepartmentId) {
        if let Some(wake) = &self.wake {
            wake(department);
        }
    }
}

fn key_taken() -> Status {
    Status::already_exists("idempotency_key: another request was logged under this key; choose a new one")
}

/// A page of a list that was read with one ticket more: its presence tells that there is a next page.
fn page(
    mut tickets: Vec<Ticket>,
    most: usize,
    place: impl Fn(&Ticket) -> String,
) -> proto::ListTicketsResponse {
    let more = tickets.len() >= most;
    tickets.truncate(most - 1);
    proto::ListTicketsResponse {
        next_page_token: tickets.last().filter(|_| more).map(place).unwrap_or_default(),
        tickets: tickets.iter().map(|ticket| ticket_to_wire(ticket, &[])).collect(),
    }
}

#[tonic::async_trait]
impl proto::ticketing_server::Ticketing for TicketingService {
    async fn log_callback(
        &self,
        request: Request<proto::LogCallbackRequest>,
    ) -> Result<Response<proto::LogCallbackResponse>, Status> {
        let address = request.remote_addr().map(|address| address.ip());
        let (logged, repeated) = self.log(request.into_inner(), address).await?;
        let TicketWithHistory { ticket, history } = logged;
        let others = self.others_of(&ticket).await;
        let without_history =
            |tickets: &[Ticket]| tickets.iter().map(|ticket| ticket_to_wire(ticket, &[])).collect();
        Ok(Response::new(proto::LogCallbackResponse {
            ticket: Some(ticket_to_wire(&ticket, &history)),
            repeated,
            open_tickets: without_history(&others.owed),
            recent_tickets: without_history(&others.settled),
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

    async fn withdraw_ticket(
        &self,
        request: Request<proto::ActOnTicketRequest>,
    ) -> Result<Response<proto::ActOnTicketResponse>, Status> {
        let request = ActRequest::plain(Act::Withdraw, request.get_ref())?;
        acts::perform(&self.parts, request).await
    }

    async fn close_ticket(
        &self,
        request: Request<proto::ActOnTicketRequest>,
    ) -> Result<Response<proto::ActOnTicketResponse>, Status> {
        let request = ActRequest::plain(Act::Close, request.get_ref())?;
        acts::perform(&self.parts, request).await
    }

    async fn erase_ticket(
        &self,
        request: Request<proto::ActOnTicketRequest>,
    ) -> Result<Response<proto::ActOnTicketResponse>, Status> {
        let request = ActRequest::plain(Act::Erase, request.get_ref())?;
        acts::perform(&self.parts, request).await
    }

    async fn reopen_ticket(
        &self,
        request: Request<proto::ReopenTicketRequest>,
    ) -> Result<Response<proto::ActOnTicketResponse>, Status> {
        let request = ActRequest::reopen(request.into_inner(), &self.parts.identity_key)?;
        acts::perform(&self.parts, request).await
    }

    async fn reroute_ticket(
        &self,
        request: Request<proto::RerouteTicketRequest>,
    ) -> Result<Response<proto::ActOnTicketResponse>, Status> {
        let request = ActRequest::reroute(request.into_inner())?;
        acts::perform(&self.parts, request).await
    }

    async fn explain_route(
        &self,
        request: Request<proto::ExplainRouteRequest>,
    ) -> Result<Response<proto::ExplainRouteResponse>, Status> {
        let asked = route_request(request.into_inner(), (self.parts.clock)())?;
        let rules = (self.parts.rules)();
        let decision = rules.routing.route(&asked, rules.routing.calendar());
        Ok(Response::new(decision_to_wire(&decision, Some(rules.version))))
    }

    async fn list_tickets(
        &self,
        request: Request<proto::ListTicketsRequest>,
    ) -> Result<Response<proto::ListTicketsResponse>, Status> {
        let rules = (self.parts.rules)();
        let now = (self.parts.clock)();
        let filter = list_filter(&request.into_inner(), rules.routing.escalation(), now)?;
        let (most, by_due) = (filter.most, filter.due_before.is_some());
        let tickets = self.parts.store.list(filter).await;
        let tickets = tickets.map_err(|error| refused(&error))?;
        let place = |last: &Ticket| {
            let at = if by_due { last.due_at } else { last.created_at };
            write_token(&ListPosition {
                at,
                id: last.id.clone(),
            })
        };
        Ok(Response::new(page(tickets, most, place)))
    }

    async fn count_tickets(
        &self,
        request: Request<proto::CountTicketsRequest>,
    ) -> Result<Response<proto::CountTicketsResponse>, Status> {
        counts::count(&self.parts, request).await.map(Response::new)
    }

    async fn describe_routing(
        &self,
        _: Request<proto::DescribeRoutingRequest>,
    ) -> Result<Response<proto::DescribeRoutingResponse>, Status> {
        let rules = (self.parts.rules)();
        let departments = rules.routing.departments();
        let name = |it: &domain::routing::Department| proto::DepartmentName {
            id: it.id.to_string(),
            name: it.name.clone(),
        };
        Ok(Response::new(proto::DescribeRoutingResponse {
            departments: departments.iter().map(name).collect(),
            rules_version: rules.version.0,
            ..proto::DescribeRoutingResponse::default()
        }))
    }

    async fn list_slots(
        &self,
        request: Request<proto::ListSlotsRequest>,
    ) -> Result<Response<proto::ListSlotsResponse>, Status> {
        slots::list(&self.parts, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn rebook_ticket(
        &self,
        request: Request<proto::RebookTicketRequest>,
    ) -> Result<Response<proto::RebookTicketResponse>, Status> {
        let ticket = slots::rebook(&self.parts, request.into_inner()).await?;
        Ok(Response::new(proto::RebookTicketResponse {
            ticket: Some(ticket_to_wire(&ticket, &[])),
        }))
    }

    async fn list_procedures(
        &self,
        _: Request<proto::ListProceduresRequest>,
    ) -> Result<Response<proto::ListProceduresResponse>, Status> {
        let rules = (self.parts.rules)();
        let procedures = rules.register.procedures();
        Ok(Response::new(proto::ListProceduresResponse {
            procedures: procedures.iter().map(procedure_to_wire).collect(),
        }))
    }

    async fn get_procedure(
        &self,
        request: Request<proto::GetProcedureRequest>,
    ) -> Result<Response<proto::Procedure>, Status> {
        let asked = request.into_inner().procedure;
        let rules = (self.parts.rules)();
        let found = rules.register.procedure(asked.trim());
        found
            .map(|procedure| Response::new(procedure_to_wire(procedure)))
            .ok_or_else(|| Status::not_found("procedure: there is none of this id; ListProcedures names all"))
    }

    async fn find_tickets(
        &self,
        request: Request<proto::FindTicketsRequest>,
    ) -> Result<Response<proto::ListTicketsResponse>, Status> {
        let search = citizen_search(&request.into_inner(), self.recent_since())?;
        let most = search.most;
        let tickets = self.parts.store.find(search).await;
        let tickets = tickets.map_err(|error| refused(&error))?;
        let place = |last: &Ticket| {
            write_token(&ListPosition {
                at: last.created_at,
                id: last.id.clone(),
            })
        };
        Ok(Response::new(page(tickets, most, place)))
    }
}

/// What a caller is told when the store did not do it: nothing of the request was kept.
pub(crate) fn refused(error: &StoreError) -> Status {
    tracing::warn!(%error, "a request was refused by the store");
    match error {
        StoreError::Unavailable(_) => Status::unavailable("the store is not available; try again"),
        StoreError::NoRoom => {
            Status::unavailable("the store has no room on its disk; make room, then try again")
        }
        StoreError::Conflict(_) => Status::aborted("somebody else changed it at the same time; try again"),
        StoreError::SlotTaken(at) => Status::failed_precondition(format!(
            "slots: {} is booked out; choose another one: `nrwdirekt slot list` says what is free",
            local_time::write(*at)
        )),
        StoreError::UnknownVersion(_) | StoreError::Unusable(_) => {
            Status::internal("the store cannot be used; see the log of the server")
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_counts;
#[cfg(test)]
mod tests_slots;
