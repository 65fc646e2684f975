mod acts;
mod additions;
mod counts;
mod planning;
mod preview;
mod slots;
mod viewer;

use std::net::IpAddr;
use std::sync::Arc;

use access::AuditTrail;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use domain::access::TicketView;
use domain::audit::AuditAction;
use domain::ids::{DepartmentId, Identity, IdentityKey, TicketId};
use domain::local_time;
use domain::procedure::{FaultCode, FieldFault, SLOTS};
use domain::rulebook::Rulebook;
use domain::service_time::DuePolicy;
use domain::ticket::{Opening, Ticket, open, spoken_ticket_id, ticket_id};
use store::StoreError;
use store::tickets::{ListPosition, Logged, NewTicket, TicketStore, TicketWithHistory};
use tonic::{Code, Request, Response, Status};
use wire::tickets::{decision_to_wire, procedure_to_wire};
use wire::v1::tickets as proto;

use crate::VideoServer;
use crate::acts::{Act, ActRequest};
use crate::metrics;
use crate::requests::{LogRequest, citizen_search, invalid, list_filter, route_request, write_token};
use viewer::Viewer;

/// Tells the time; set by tests.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
/// Gives the rules that are in force now.
pub type CurrentRules = Arc<dyn Fn() -> Arc<Rulebook> + Send + Sync>;
/// Told the department of every new ticket, so that handover in the same process need not wait for its next look.
pub type Wake = Arc<dyn Fn(&DepartmentId) + Send + Sync>;

/// Numbers drawn for one ticket at most. A second one is needed once in 10¹² ÷ tickets.
const DRAWS: usize = 8;

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
    /// Where appointments by video take place.
    pub video: Option<VideoServer>,
    /// Whether an erasure needs two persons: then tickets are erased by a case alone.
    pub erased_by_case: bool,
    /// Makes identities of calls.
    pub identity_key: IdentityKey,
    /// Tells the time.
    pub clock: Clock,
    /// Told of every new ticket, where handover runs in the same process.
    pub wake: Option<Wake>,
    /// Noted in it is who has seen or done what.
    pub audit: AuditTrail,
}

/// The gRPC service `nrwdirekt.tickets.v1.Ticketing`.
#[derive(Clone)]
pub struct TicketingService {
    parts: Arc<TicketingParts>,
    shown: Arc<preview::Shown>,
}

impl TicketingService {
    /// Ticketing with its parts.
    pub fn new(parts: TicketingParts) -> Self {
        Self {
            parts: Arc::new(parts),
            shown: Arc::default(),
        }
    }

    /// The ticket with its history, and whether the request was known.
    async fn log(
        &self,
        viewer: &Viewer<'_>,
        sent: proto::LogCallbackRequest,
        address: Option<IpAddr>,
    ) -> Result<(TicketWithHistory, bool), Status> {
        let (ticket, repeated) = match sent.add_to.trim() {
            "" => match self.log_new(viewer, sent, address).await? {
                Outcome::New(new) => return Ok((*new, false)),
                Outcome::Known(ticket, repeated) => (*ticket, repeated),
            },
            _ => additions::add(viewer, sent).await?,
        };
        // The ticket is there: an answer without its history is better than an error.
        let found = self.parts.store.ticket(&ticket.id).await.ok().flatten();
        let history = found.map(|found| found.history).unwrap_or_default();
        Ok((TicketWithHistory { ticket, history }, repeated))
    }

    async fn log_new(
        &self,
        viewer: &Viewer<'_>,
        sent: proto::LogCallbackRequest,
        address: Option<IpAddr>,
    ) -> Result<Outcome, Status> {
        let rules = (self.parts.rules)();
        // Whole milliseconds, as the store keeps them: the first answer equals a repeated one.
        let at = (self.parts.clock)().trunc_subsecs(3);
        let considered = planning::consider(&self.parts, &rules, sent, at);
        let faults = considered.faults();
        let request = considered.read.checked().map_err(|_| invalid(&faults))?;
        let request = request.by(&viewer.principal);
        let Some(plan) = considered.plan.filter(|_| faults.is_empty()) else {
            // What was logged in time stays logged, however late it is repeated.
            let known = self.logged_before(&request).await?;
            return known.map(Outcome::known).ok_or_else(|| invalid(&faults));
        };
        let completed = request.completed(at, address, self.parts.video.as_ref());
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
            .with_note(request.chosen.as_ref().map(|chosen| chosen.reason.clone()))
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
        self.parts.recent_since()
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
    /// Since when tickets were settled that can be reopened now.
    fn recent_since(&self) -> DateTime<Utc> {
        (self.clock)() - self.reopen_within
    }

    fn wake(&self, department: &DepartmentId) {
        if let Some(wake) = &self.wake {
            wake(department);
        }
    }
}

fn not_for_them() -> Status {
    Status::permission_denied("tickets of citizens are not for this role")
}

fn key_taken() -> Status {
    let remedy = "another request was logged under this key; choose a new one";
    named_refusal(
        Code::AlreadyExists,
        "idempotency_key",
        FaultCode::KeyTaken,
        remedy,
    )
}

/// A refusal for one faulty field.
pub(crate) fn named_refusal(code: Code, field: &str, fault: FaultCode, remedy: &str) -> Status {
    let fault = FieldFault::of(field, fault, remedy);
    wire::faults::refusal(code, format!("{field}: {remedy}"), &[fault])
}

/// A page of a list that was read with one ticket more: its presence tells that there is a next page.
fn page(
    viewer: &Viewer<'_>,
    mut tickets: Vec<Ticket>,
    most: usize,
    place: impl Fn(&Ticket) -> String,
) -> proto::ListTicketsResponse {
    let more = tickets.len() >= most;
    tickets.truncate(most - 1);
    proto::ListTicketsResponse {
        next_page_token: tickets.last().filter(|_| more).map(place).unwrap_or_default(),
        tickets: viewer.all_seen(&tickets),
    }
}

#[tonic::async_trait]
impl proto::ticketing_server::Ticketing for TicketingService {
    async fn log_callback(
        &self,
        request: Request<proto::LogCallbackRequest>,
    ) -> Result<Response<proto::LogCallbackResponse>, Status> {
        let viewer = Viewer::of(&self.parts, &request)?;
        let address = request.remote_addr().map(|address| address.ip());
        let mut sent = request.into_inner();
        sent.agent = viewer.principal.acting_agent(&sent.agent);
        let (logged, repeated) = self.log(&viewer, sent, address).await?;
        let TicketWithHistory { ticket, history } = logged;
        let others = preview::others(&self.parts, ticket.request.fields(), Some(&ticket.id)).await;
        let (open_tickets, recent_tickets) =
            (viewer.all_seen(&others.owed), viewer.all_seen(&others.settled));
        let mut done = vec![viewer.did(AuditAction::TicketLogged, &ticket.id)];
        match open_tickets.len() + recent_tickets.len() {
            0 => {}
            others => done.push(viewer.searched(others)),
        }
        self.parts.audit.append_done(done).await?;
        Ok(Response::new(proto::LogCallbackResponse {
            ticket: viewer.acted_on(&ticket, &history),
            repeated,
            open_tickets,
            recent_tickets,
        }))
    }

    async fn preview_callback(
        &self,
        request: Request<proto::LogCallbackRequest>,
    ) -> Result<Response<proto::PreviewCallbackResponse>, Status> {
        let viewer = Viewer::of(&self.parts, &request)?;
        preview::preview(&viewer, &self.shown, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn describe_routing(
        &self,
        _: Request<proto::DescribeRoutingRequest>,
    ) -> Result<Response<proto::DescribeRoutingResponse>, Status> {
        Ok(Response::new(preview::describe(&(self.parts.rules)())))
    }

    async fn get_ticket(
        &self,
        request: Request<proto::GetTicketRequest>,
    ) -> Result<Response<proto::Ticket>, Status> {
        let viewer = Viewer::of(&self.parts, &request)?;
        let id = spoken_ticket_id(&request.into_inner().ticket_id)
            .ok_or_else(|| Status::invalid_argument("ticket_id: give a number such as T-7K3M-9QXW"))?;
        let found = self
            .parts
            .store
            .ticket(&id)
            .await
            .map_err(|error| refused(&error))?;
        // What must not be seen is not there.
        let seen = found.and_then(|found| viewer.seen(&found.ticket, &found.history));
        let seen = seen.ok_or_else(|| Status::not_found(format!("there is no ticket {id}")))?;
        viewer.note_read(&seen).await?;
        Ok(Response::new(seen))
    }

    async fn withdraw_ticket(
        &self,
        request: Request<proto::ActOnTicketRequest>,
    ) -> Result<Response<proto::ActOnTicketResponse>, Status> {
        acts::plain(&self.parts, Act::Withdraw, request).await
    }

    async fn close_ticket(
        &self,
        request: Request<proto::ActOnTicketRequest>,
    ) -> Result<Response<proto::ActOnTicketResponse>, Status> {
        acts::plain(&self.parts, Act::Close, request).await
    }

    async fn erase_ticket(
        &self,
        request: Request<proto::ActOnTicketRequest>,
    ) -> Result<Response<proto::ActOnTicketResponse>, Status> {
        if self.parts.erased_by_case {
            return Err(Status::failed_precondition(
                "ticket_id: an erasure needs two persons here (privacy.two_persons); use privacy erase with --case",
            ));
        }
        acts::plain(&self.parts, Act::Erase, request).await
    }

    async fn reopen_ticket(
        &self,
        request: Request<proto::ReopenTicketRequest>,
    ) -> Result<Response<proto::ActOnTicketResponse>, Status> {
        let viewer = Viewer::of(&self.parts, &request)?;
        let mut sent = request.into_inner();
        sent.agent = viewer.principal.acting_agent(&sent.agent);
        let request = ActRequest::reopen(sent, &self.parts.identity_key)?;
        acts::perform(&viewer, request).await
    }

    async fn reroute_ticket(
        &self,
        request: Request<proto::RerouteTicketRequest>,
    ) -> Result<Response<proto::ActOnTicketResponse>, Status> {
        let viewer = Viewer::of(&self.parts, &request)?;
        let mut sent = request.into_inner();
        sent.agent = viewer.principal.acting_agent(&sent.agent);
        let request = ActRequest::reroute(sent)?;
        acts::perform(&viewer, request).await
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
        let viewer = Viewer::of(&self.parts, &request)?;
        let rules = (self.parts.rules)();
        let now = (self.parts.clock)();
        let mut filter = list_filter(&request.into_inner(), rules.routing.escalation(), now)?;
        match &viewer.view {
            TicketView::Whole | TicketView::Masked => {}
            TicketView::Of {
                others_masked: true, ..
            } => {}
            // Whatever was asked for: somebody else's tickets are not there.
            TicketView::Of { department, .. } => match &filter.department {
                Some(asked) if asked != department => {
                    return Ok(Response::new(proto::ListTicketsResponse::default()));
                }
                _ => filter.department = Some(department.clone()),
            },
            TicketView::Nothing => return Err(not_for_them()),
        }
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
        let page = page(&viewer, tickets, most, place);
        viewer.note_listed(&page.tickets).await?;
        Ok(Response::new(page))
    }

    async fn count_tickets(
        &self,
        request: Request<proto::CountTicketsRequest>,
    ) -> Result<Response<proto::CountTicketsResponse>, Status> {
        counts::count(&self.parts, request).await.map(Response::new)
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
        let viewer = Viewer::of(&self.parts, &request)?;
        let ticket = slots::rebook(&viewer, request.into_inner()).await?;
        let done = viewer.did(AuditAction::TicketActed, &ticket.id).because("rebook");
        self.parts.audit.append_done(vec![done]).await?;
        Ok(Response::new(proto::RebookTicketResponse {
            ticket: viewer.acted_on(&ticket, &[]),
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
        let viewer = Viewer::of(&self.parts, &request)?;
        if viewer.view != TicketView::Whole {
            return Err(not_for_them());
        }
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
        let page = page(&viewer, tickets, most, place);
        self.parts
            .audit
            .append(viewer.searched(page.tickets.len()))
            .await?;
        Ok(Response::new(page))
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
        StoreError::SlotTaken(at) => {
            let remedy = format!(
                "{} is booked out; choose another one: `nrwdirekt slot list` says what is free",
                local_time::write(*at)
            );
            named_refusal(Code::FailedPrecondition, SLOTS, FaultCode::SlotTaken, &remedy)
        }
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
mod tests_preview;
#[cfg(test)]
mod tests_slots;
