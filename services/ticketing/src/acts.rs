//! What callers ask for with a ticket that is there, checked: every faulty field is named at once.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Principal;
use domain::audit::AuditAction;
use domain::ids::{AgentName, DepartmentId, Identity, IdentityKey, TicketId};
use domain::personal::Personal;
use domain::procedure::{FaultCode, FieldFault};
use domain::report::content_hash;
use domain::routing::RoutingTable;
use domain::ticket::{
    ActRefused, Actor, CLOSED_STAYS, NOTE_LENGTH_MAX, Reopening, Ticket, Transition, close_by_hand, erase,
    reopen, reroute, spoken_ticket_id, withdraw,
};
use tonic::Status;
use wire::v1::tickets as proto;

use crate::requests::{call_identity, check_key, invalid};

/// What is to be done with a ticket.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Withdraw,
    Close,
    Reopen { call: Option<Identity> },
    Reroute { to: DepartmentId },
    Erase,
}

impl Act {
    /// The name, for logs and metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Withdraw => "withdraw",
            Self::Close => "close",
            Self::Reopen { .. } => "reopen",
            Self::Reroute { .. } => "reroute",
            Self::Erase => "erase",
        }
    }

    /// As what it is noted.
    pub(crate) fn audit_action(&self) -> AuditAction {
        match self {
            Self::Erase => AuditAction::TicketErased,
            _ => AuditAction::TicketActed,
        }
    }
}

/// A request to do something with a ticket.
pub(crate) struct ActRequest {
    pub(crate) act: Act,
    pub(crate) ticket: TicketId,
    pub(crate) idempotency_key: String,
    /// Tells a repetition from another request under the same key.
    pub(crate) content: [u8; 32],
    reason: Personal,
    actor: Actor,
}

/// What a decision depends on besides the ticket.
pub(crate) struct Moment<'a> {
    pub(crate) routing: &'a RoutingTable,
    pub(crate) reopen_within: TimeDelta,
    /// When a ticket that is reopened now is due.
    pub(crate) due_at: DateTime<Utc>,
    pub(crate) at: DateTime<Utc>,
}

impl ActRequest {
    /// Checks a request for an act that needs no more than a reason.
    pub(crate) fn plain(act: Act, sent: &proto::ActOnTicketRequest) -> Result<Self, Status> {
        Self::checked(act, sent, "", Vec::new())
    }

    /// Checks a request to reopen a ticket.
    pub(crate) fn reopen(sent: proto::ReopenTicketRequest, key: &IdentityKey) -> Result<Self, Status> {
        let mut faults = Vec::new();
        let call = call_identity(sent.call.trim(), key, &mut faults);
        let plain = proto::ActOnTicketRequest {
            idempotency_key: sent.idempotency_key,
            ticket_id: sent.ticket_id,
            reason: sent.reason,
            agent: sent.agent,
        };
        Self::checked(Act::Reopen { call }, &plain, &sent.call, faults)
    }

    /// Checks a request to send a ticket elsewhere.
    pub(crate) fn reroute(sent: proto::RerouteTicketRequest) -> Result<Self, Status> {
        let mut faults = Vec::new();
        let to = sent.department.trim();
        if to.is_empty() {
            faults.push(FieldFault::of(
                "department",
                FaultCode::Required,
                "name the department that it goes to",
            ));
        }
        let plain = proto::ActOnTicketRequest {
            idempotency_key: sent.idempotency_key,
            ticket_id: sent.ticket_id,
            reason: sent.reason,
            agent: sent.agent,
        };
        let act = Act::Reroute {
            to: DepartmentId::new(to),
        };
        Self::checked(act, &plain, to, faults)
    }

    /// The request with the key that it is kept under.
    pub(crate) fn by(mut self, principal: &Principal) -> Self {
        self.idempotency_key = principal.kept_key(&self.idempotency_key);
        self
    }

    fn checked(
        act: Act,
        sent: &proto::ActOnTicketRequest,
        detail: &str,
        mut faults: Vec<FieldFault>,
    ) -> Result<Self, Status> {
        let [idempotency_key, reason, agent] =
            [&sent.idempotency_key, &sent.reason, &sent.agent].map(|text| text.trim());
        let ticket = spoken_ticket_id(&sent.ticket_id);
        if ticket.is_none() {
            faults.push(FieldFault::of(
                "ticket_id",
                FaultCode::NoTicketNumber,
                "give a number such as T-7K3M-9QXW",
            ));
        }
        if reason.is_empty() || reason.chars().count() > NOTE_LENGTH_MAX {
            let remedy = format!("say why, in 1 to {NOTE_LENGTH_MAX} characters");
            let code = if reason.is_empty() {
                FaultCode::Required
            } else {
                FaultCode::TooLong
            };
            faults.push(FieldFault::of("reason", code, remedy));
        } else if reason.chars().any(|c| c.is_control() && !"\n\r\t".contains(c)) {
            faults.push(FieldFault::of(
                "reason",
                FaultCode::ControlCharacters,
                "remove the control characters",
            ));
        }
        check_key(idempotency_key, &mut faults);
        domain::procedure::check_line("agent", agent, 200, &mut faults);
        match ticket {
            Some(ticket) if faults.is_empty() => Ok(Self {
                content: content_hash(&(act.name(), &ticket, reason, agent, detail.trim())),
                act,
                ticket,
                idempotency_key: idempotency_key.to_owned(),
                reason: Personal::new(reason),
                actor: match agent {
                    "" => Actor::System,
                    agent => Actor::Agent(AgentName::new(agent)),
                },
            }),
            _ => Err(invalid(&faults)),
        }
    }

    /// What the act makes of the ticket.
    pub(crate) fn decide(&self, ticket: &Ticket, moment: &Moment<'_>) -> Result<Transition, ActRefused> {
        let (reason, actor, at) = (self.reason.clone(), self.actor.clone(), moment.at);
        match &self.act {
            Act::Withdraw => withdraw(ticket, reason, actor, at),
            Act::Close => close_by_hand(ticket, reason, actor, at, CLOSED_STAYS),
            Act::Erase => erase(ticket, reason, actor, at),
            Act::Reroute { to } => reroute(ticket, to, reason, actor, moment.routing, at),
            Act::Reopen { call } => {
                let reopening = Reopening {
                    reason,
                    call: *call,
                    actor,
                    within: moment.reopen_within,
                    due_at: moment.due_at,
                    at,
                };
                reopen(ticket, reopening, moment.routing)
            }
        }
    }
}
