//! gRPC for departments without a Kafka of their own: the same messages, the same rules.

use std::sync::Arc;
use std::time::Duration;

use access::AuditTrail;
use bus::{Bus, BusError, Positions, Reader, Received, topics};
use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::{DepartmentId, ReplyId};
use store::recipients::RecipientStore;
use store::tickets::{ReplyOutcome, TicketStore, Verdict};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use wire::v1::tickets as proto;

use crate::envelope::{self, HEARTBEAT_TYPE};
use crate::inboxes::Inboxes;
use crate::reply;
use crate::supervisor::{Clock, CurrentRules};
use crate::told;

/// Messages that wait for a slow subscriber at most.
const MESSAGES_WAITING: usize = 64;
/// Messages read at once.
const MESSAGES_AT_ONCE: usize = 64;
/// How long a topic that is not empty may take to give its first message.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// The silence after messages that means that there are no more: offsets at the end may belong to no message.
const LAST_WAIT: Duration = Duration::from_millis(500);
/// How long a reply is waited for.
const REPLY_WAIT: Duration = Duration::from_secs(10);
/// How often the store is asked for the outcome of a reply.
const REPLY_POLL: Duration = Duration::from_millis(25);

/// What the service works with.
#[derive(Clone)]
pub struct HandoverServiceParts {
    /// Keeps the tickets.
    pub store: Arc<dyn TicketStore>,
    /// Knows what departments were told by right of citizens.
    pub recipients: Arc<dyn RecipientStore>,
    /// Carries the messages.
    pub bus: Arc<dyn Bus>,
    /// Knows the departments.
    pub rules: CurrentRules,
    /// Tells the time.
    pub clock: Clock,
    /// Ends the streams of subscribers.
    pub shutdown: CancellationToken,
    /// Noted in it is who reads and replies as which department.
    pub audit: AuditTrail,
}

/// The gRPC service `nrwdirekt.tickets.v1.Handover`.
#[derive(Clone)]
pub struct HandoverService {
    parts: Arc<HandoverServiceParts>,
    inboxes: Arc<Inboxes>,
}

impl HandoverService {
    /// The service with its parts.
    pub fn new(parts: HandoverServiceParts) -> Self {
        Self {
            inboxes: Arc::new(Inboxes::new(Arc::clone(&parts.store), Arc::clone(&parts.clock))),
            parts: Arc::new(parts),
        }
    }

    /// The department that somebody may act for. Another one looks as if it were not there.
    fn department(&self, principal: &Principal, id: &str) -> Result<DepartmentId, Status> {
        let id = DepartmentId::new(id);
        if id.as_str().is_empty() {
            return Err(Status::invalid_argument("department: name a department"));
        }
        match (self.parts.rules)().routing.department(&id) {
            Some(_) if principal.may_act_for(&id) => Ok(id),
            _ => Err(Status::not_found(
                "department: there is no department with this id",
            )),
        }
    }

    async fn outcome(&self, department: &DepartmentId, id: &ReplyId) -> Result<Option<ReplyOutcome>, Status> {
        self.parts
            .store
            .reply_outcome(department, id)
            .await
            .map_err(|error| {
                tracing::warn!(%error, "the outcome of a reply could not be read");
                Status::unavailable("the store is not available; repeat the reply with the same id")
            })
    }
}

#[tonic::async_trait]
impl proto::handover_server::Handover for HandoverService {
    type SubscribeStream = ReceiverStream<Result<proto::TicketMessage, Status>>;

    async fn subscribe(
        &self,
        request: Request<proto::SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let principal = wire::access::principal(&request)?;
        let request = request.into_inner();
        let department = self.department(&principal, &request.department)?;
        let topic = topics::tickets(&department);
        let ends = self
            .parts
            .bus
            .ends(&topic)
            .await
            .map_err(|error| refused(&error))?;
        let reader = self
            .parts
            .bus
            .reader_alone(&topic, Positions::new())
            .await
            .map_err(|error| refused(&error))?;
        let subject = AuditSubject::new("department", department.as_str());
        let audit = &self.parts.audit;
        audit
            .note(&principal, AuditAction::DepartmentRead, subject)
            .await?;
        let (messages, stream) = mpsc::channel(MESSAGES_WAITING);
        let subscription = Subscription {
            reader,
            ends,
            follow: request.follow,
            messages,
        };
        let shutdown = self.parts.shutdown.clone();
        tokio::spawn(async move {
            // Dropping the sender ends the stream of the subscriber.
            tokio::select! {
                () = subscription.serve() => {}
                () = shutdown.cancelled() => {}
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    type WatchInboxStream = ReceiverStream<Result<proto::InboxMoment, Status>>;

    async fn watch_inbox(
        &self,
        request: Request<proto::WatchInboxRequest>,
    ) -> Result<Response<Self::WatchInboxStream>, Status> {
        let principal = wire::access::principal(&request)?;
        let department = self.department(&principal, &request.get_ref().department)?;
        let (moments, stream) = mpsc::channel(1);
        let inboxes = Arc::clone(&self.inboxes);
        let shutdown = self.parts.shutdown.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = inboxes.watch(department, moments) => {}
                () = shutdown.cancelled() => {}
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn list_told(
        &self,
        request: Request<proto::ListToldRequest>,
    ) -> Result<Response<proto::ListToldResponse>, Status> {
        let principal = wire::access::principal(&request)?;
        let request = request.into_inner();
        let department = self.department(&principal, &request.department)?;
        told::list(&self.parts, &principal, department, &request)
            .await
            .map(Response::new)
    }

    async fn reply(
        &self,
        request: Request<proto::ReplyRequest>,
    ) -> Result<Response<proto::ReplyResponse>, Status> {
        let principal = wire::access::principal(&request)?;
        let request = request.into_inner();
        let department = self.department(&principal, &request.department)?;
        let id = ReplyId::new(&request.reply_id);
        if !reply::is_usable(id.as_str()) {
            return Err(Status::invalid_argument(
                "reply_id: choose one for each reply, such as a random UUID, and repeat it when the reply is repeated",
            ));
        }
        if let Some(outcome) = self.outcome(&department, &id).await? {
            return Ok(Response::new(settled(&outcome)));
        }
        let payload = request.payload.into_bytes();
        let key = reply::named_ticket(&payload)
            .map(|ticket| ticket.to_string())
            .unwrap_or_default();
        // Noted before it is sent: from then on it is on its way, whatever becomes of this call.
        let subject = match key.as_str() {
            "" => AuditSubject::new("department", department.as_str()),
            ticket => AuditSubject::new("ticket", ticket),
        };
        let audit = &self.parts.audit;
        audit
            .note(&principal, AuditAction::DepartmentReplied, subject)
            .await?;
        let message = envelope::reply(&department, &id, &key, payload, (self.parts.clock)());
        let topic = topics::ticket_replies(&department);
        self.parts
            .bus
            .publish(&topic, vec![message])
            .await
            .map_err(|error| refused(&error))?;

        let deadline = tokio::time::Instant::now() + REPLY_WAIT;
        while tokio::time::Instant::now() < deadline && !self.parts.shutdown.is_cancelled() {
            if let Some(outcome) = self.outcome(&department, &id).await? {
                return Ok(Response::new(settled(&outcome)));
            }
            tokio::time::sleep(REPLY_POLL).await;
        }
        Ok(Response::new(proto::ReplyResponse {
            pending: true,
            ..Default::default()
        }))
    }
}

fn settled(outcome: &ReplyOutcome) -> proto::ReplyResponse {
    match &outcome.verdict {
        Verdict::Applied { state, .. } => proto::ReplyResponse {
            applied: true,
            state: state.name().to_owned(),
            ..Default::default()
        },
        Verdict::Rejected { code, reason } => proto::ReplyResponse {
            code: code.clone(),
            reason: reason.clone(),
            ..Default::default()
        },
    }
}

/// A department that reads its topic through the house.
struct Subscription {
    reader: Box<dyn Reader>,
    ends: Positions,
    follow: bool,
    messages: mpsc::Sender<Result<proto::TicketMessage, Status>>,
}

impl Subscription {
    async fn serve(mut self) {
        let mut reached = Positions::new();
        let mut wait = FIRST_WAIT;
        while self.follow || !self.is_at_end(&reached) {
            let messages = tokio::select! {
                messages = self.reader.next(MESSAGES_AT_ONCE, wait) => messages,
                () = self.messages.closed() => return,
            };
            let messages = match messages {
                Ok(messages) => messages,
                Err(BusError::Lost { partition, first, .. }) => {
                    // The beginning was deleted meanwhile: what is left is all there is.
                    match self.reader.seek(partition, first).await {
                        Ok(()) => continue,
                        Err(error) => return self.give_up(&error).await,
                    }
                }
                Err(error) => return self.give_up(&error).await,
            };
            if messages.is_empty() && !self.follow {
                return;
            }
            for message in messages {
                reached.insert(message.partition, message.offset + 1);
                let hidden = message.header("ce_type") == Some(HEARTBEAT_TYPE);
                if !hidden && self.messages.send(Ok(ticket_message(message))).await.is_err() {
                    return;
                }
            }
            wait = LAST_WAIT;
        }
    }

    fn is_at_end(&self, reached: &Positions) -> bool {
        self.ends.iter().all(|(partition, end)| {
            *end == 0 || reached.get(partition).is_some_and(|position| position >= end)
        })
    }

    async fn give_up(&mut self, error: &BusError) {
        let _ = self.messages.send(Err(refused(error))).await;
    }
}

fn ticket_message(message: Received) -> proto::TicketMessage {
    proto::TicketMessage {
        offset: message.offset,
        key: String::from_utf8_lossy(&message.key).into_owned(),
        headers: message.headers.into_iter().collect(),
        payload: message
            .payload
            .map(|payload| String::from_utf8_lossy(&payload).into_owned()),
    }
}

fn refused(error: &BusError) -> Status {
    tracing::warn!(%error, "a department was refused by the bus");
    match error {
        BusError::Unavailable(_) => Status::unavailable("the bus is not available; try again"),
        BusError::NoRoom => Status::unavailable("the bus has no room on its disk; make room, then try again"),
        BusError::TooLarge { .. } => {
            Status::resource_exhausted("payload: the message is too large; shorten it")
        }
        BusError::UnknownTopic(_) => {
            Status::failed_precondition("the department has no topics yet; run `nrwdirekt topics apply`")
        }
        _ => Status::internal("the bus refused; see the log of the server"),
    }
}
