//! From one department: its replies, each settled once.

use std::sync::Arc;
use std::time::Duration;

use bus::{BusError, Positions, Reader, Received, topics};
use domain::ids::{DepartmentId, TicketId};
use domain::ticket::{ReplyRejection, Transition, apply_reply};
use store::tickets::{ReplyAdvance, ReplyOutcome, Settled, Settlement, Verdict, reply_place};

use crate::error::HandoverError;
use crate::reply::Incoming;
use crate::supervisor::HandoverParts;
use crate::{metrics, reply, stray};

/// Replies read at once.
const REPLIES_AT_ONCE: usize = 100;
/// How often a reply is decided anew because its ticket was changed meanwhile.
const DECISIONS: usize = 5;

/// Reads the replies of one department.
pub(crate) struct Inbound {
    parts: Arc<HandoverParts>,
    department: DepartmentId,
    topic_id: String,
    reader: Box<dyn Reader>,
    /// As the store has them.
    positions: Positions,
}

impl Inbound {
    /// Starts reading where the store says that reading stopped.
    pub(crate) async fn open(
        parts: &Arc<HandoverParts>,
        department: &DepartmentId,
    ) -> Result<Self, HandoverError> {
        let topic = topics::ticket_replies(department);
        let topic_id = reply_place(&topic, &parts.bus.topic_id(&topic).await?);
        let positions = parts.store.reply_positions(&topic_id).await?;
        Ok(Self {
            parts: Arc::clone(parts),
            department: department.clone(),
            reader: parts.bus.reader_alone(&topic, positions.clone()).await?,
            topic_id,
            positions,
        })
    }

    /// Settles the next replies; waits at most `wait` for the first. Returns how many there were. After an error
    /// reading has to be opened again.
    pub(crate) async fn step(&mut self, wait: Duration) -> Result<usize, HandoverError> {
        let messages = match self.reader.next(REPLIES_AT_ONCE, wait).await {
            Err(error @ BusError::Lost { .. }) => return self.go_on_after_loss(error).await,
            messages => messages?,
        };
        for message in &messages {
            self.settle(message).await?;
        }
        Ok(messages.len())
    }

    /// Replies went from the topic before they were read. What is left is read from its beginning: replies that were
    /// settled before are recognised by their id.
    async fn go_on_after_loss(&mut self, error: BusError) -> Result<usize, HandoverError> {
        tracing::error!(department = %self.department, %error, "replies of a department may be lost");
        metrics::replies_lost(&self.department);
        if let BusError::Lost { partition, first, .. } = error {
            self.reader.seek(partition, first).await?;
        }
        Ok(0)
    }

    async fn settle(&mut self, message: &Received) -> Result<(), HandoverError> {
        let advance = ReplyAdvance {
            topic_id: self.topic_id.clone(),
            partition: message.partition,
            expected: self.positions.get(&message.partition).copied().unwrap_or(0),
            next: message.offset + 1,
        };
        if message.payload.is_none() {
            self.parts.store.skip_replies(advance.clone()).await?;
        } else {
            self.settle_reply(message, &advance).await?;
        }
        self.positions.insert(advance.partition, advance.next);
        Ok(())
    }

    async fn settle_reply(
        &mut self,
        message: &Received,
        advance: &ReplyAdvance,
    ) -> Result<(), HandoverError> {
        let incoming = reply::read(message);
        let mut decision = 1;
        loop {
            let decided = self.decide(&incoming).await?;
            let verdict = match &decided {
                Ok(transition) => Verdict::Applied {
                    state: transition.ticket.state,
                    version: transition.ticket.version,
                },
                Err(rejection) => Verdict::Rejected {
                    code: rejection.code().to_owned(),
                    reason: rejection.to_string(),
                },
            };
            // What is applied is about a ticket that is there.
            let stray_for = match &decided {
                Ok(_) => Vec::new(),
                Err(_) => stray::tickets(&self.parts, message, &incoming).await?,
            };
            let at = (self.parts.clock)();
            let settlement = Settlement {
                department: self.department.clone(),
                reply: incoming.id.clone(),
                outcome: ReplyOutcome {
                    ticket: incoming.ticket.clone(),
                    verdict,
                    at,
                },
                transition: decided.as_ref().ok().cloned(),
                stray_for,
                advance: advance.clone(),
            };
            match self
                .parts
                .store
                .settle_reply(settlement)
                .await
                .map_err(HandoverError::from)
            {
                Ok(settled) => {
                    self.tell(&incoming.ticket, &decided, &settled);
                    return Ok(());
                }
                Err(error) if error.is_conflict() && decision < DECISIONS => decision += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn decide(
        &mut self,
        incoming: &Incoming,
    ) -> Result<Result<Transition, ReplyRejection>, HandoverError> {
        let reply = match &incoming.reply {
            Ok(reply) => reply,
            Err(rejection) => return Ok(Err(rejection.clone())),
        };
        let Some(found) = self.parts.store.ticket(&incoming.ticket).await? else {
            return Ok(Err(ReplyRejection::UnknownTicket));
        };
        let rules = (self.parts.rules)();
        let now = (self.parts.clock)();
        let decided = apply_reply(&found.ticket, &self.department, reply, incoming.seen, &rules, now);
        Ok(decided.map(|transition| transition.with_mails(&rules.routing)))
    }

    fn tell(&self, ticket: &TicketId, decided: &Result<Transition, ReplyRejection>, settled: &Settled) {
        let outcome = match (settled, decided) {
            (Settled::Before(_), _) => "repeated",
            (Settled::Now, Ok(_)) => "applied",
            (Settled::Now, Err(rejection)) => rejection.code(),
        };
        metrics::reply(&self.department, outcome);
        tracing::info!(%ticket, department = %self.department, outcome, "reply settled");
        self.parts.wake.raise(&self.department);
        if let (Settled::Now, Ok(transition)) = (settled, decided) {
            transition
                .departments()
                .for_each(|department| self.parts.wake.raise(department));
        }
    }
}
