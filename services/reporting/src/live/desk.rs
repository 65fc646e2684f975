//! The desk of one agent: the call that he or she is in, with the number of the citizen.

use std::sync::Arc;

use access::AuditTrail;
use domain::access::Principal;
use domain::audit::{AuditAction, AuditSubject};
use domain::ids::{AgentName, Identity};
use domain::live::{Phase, activities};
use domain::numbers::Number;
use domain::personal::Caller;
use futures::{Stream, StreamExt};
use store::calls::CallStore;
use store::live::{LiveVisit, Moment};
use tonic::Status;
use wire::v1::reporting as proto;

use super::LiveParts;
use super::feed::{Look, Taken};
use crate::service::status;

/// A desk that is watched.
pub(super) struct Desk {
    store: Arc<dyn CallStore>,
    audit: AuditTrail,
    watcher: Principal,
    agent: AgentName,
    /// Of the call that was shown last.
    known: Option<Known>,
    /// What was told last.
    told: Option<proto::Desk>,
}

/// What the store tells of a call, read once.
struct Known {
    call: Identity,
    phase: Phase,
    caller: String,
    kind: String,
}

impl Desk {
    /// The desk that somebody may watch: users their own, programs the one that they name.
    pub(super) fn of(parts: &LiveParts, watcher: Principal, named: &str) -> Result<Self, Status> {
        Ok(Self {
            store: Arc::clone(&parts.figures.store),
            audit: parts.figures.audit.clone(),
            agent: whose(&watcher, named)?,
            watcher,
            known: None,
            told: None,
        })
    }

    /// The desk after each look at the store that has changed it; the first look always has.
    pub(super) fn follow(
        self,
        looks: impl Stream<Item = Look> + Send + 'static,
    ) -> impl Stream<Item = Result<proto::Desk, Status>> + Send {
        futures::stream::unfold((Box::pin(looks), self), |(mut looks, mut desk)| async {
            loop {
                let told = match looks.next().await? {
                    Ok(taken) => desk.look(&taken).await.transpose(),
                    Err(error) => Some(Err(Status::unavailable(error))),
                };
                if let Some(told) = told {
                    return Some((told, (looks, desk)));
                }
            }
        })
    }

    async fn look(&mut self, taken: &Taken) -> Result<Option<proto::Desk>, Status> {
        let moment = &taken.moment;
        let call = match call_of(&self.agent, moment) {
            None => None,
            Some(visit) => Some(self.shown(visit).await?),
        };
        // Without the time: that something is the same again is not told.
        let desk = proto::Desk {
            at_unix_ms: 0,
            activity: activity(&self.agent, moment).to_owned(),
            call,
        };
        if self.told.as_ref() == Some(&desk) {
            return Ok(None);
        }
        self.told = Some(desk.clone());
        Ok(Some(proto::Desk {
            at_unix_ms: taken.at.timestamp_millis(),
            ..desk
        }))
    }

    async fn shown(&mut self, visit: &LiveVisit) -> Result<proto::RunningCall, Status> {
        let phase = visit.live.phase;
        // The number may come after the ringing has begun: it is looked for again when the call goes on.
        let is_known =
            |known: &&Known| known.call == visit.call && (known.phase == phase || !known.kind.is_empty());
        if self.known.as_ref().filter(is_known).is_none() {
            self.read(visit).await?;
        }
        let (caller, kind) = self
            .known
            .as_ref()
            .map(|known| (known.caller.clone(), known.kind.clone()))
            .unwrap_or_default();
        Ok(proto::RunningCall {
            identity: visit.call.to_hex(),
            caller,
            caller_kind: kind,
            hotline: visit.hotline.to_string(),
            phase: phase.name().to_owned(),
            phase_since_unix_ms: visit.live.since.timestamp_millis(),
            offered_at_unix_ms: visit.offered_at.timestamp_millis(),
            time_to_answer_ms: visit.time_to_answer_ms,
        })
    }

    /// Reads the number, and notes that the call is shown.
    async fn read(&mut self, visit: &LiveVisit) -> Result<(), Status> {
        let call = self
            .store
            .call(visit.call)
            .await
            .map_err(|error| status(&error))?;
        let record = call.and_then(|call| call.state.assembled().record);
        let (caller, kind) = match record.and_then(|record| record.caller) {
            None => Default::default(),
            Some(Caller::Withheld) => (String::new(), "withheld".to_owned()),
            Some(Caller::Given(given)) => {
                let kind = Number::read(given.reveal()).kind().to_owned();
                (given.reveal().to_owned(), kind)
            }
        };
        if self.known.as_ref().is_none_or(|known| known.call != visit.call) {
            let subject = AuditSubject::new("call", visit.call.to_hex());
            let note = self.audit.note(&self.watcher, AuditAction::DeskShown, subject);
            note.await?;
        }
        self.known = Some(Known {
            call: visit.call,
            phase: visit.live.phase,
            caller,
            kind,
        });
        Ok(())
    }
}

/// The agent whose desk it is.
fn whose(watcher: &Principal, named: &str) -> Result<AgentName, Status> {
    let acting = watcher.acting_agent(named);
    match (acting.as_str(), &watcher.agent) {
        ("", None) => Err(Status::failed_precondition(
            "agent: it is not known as what the telephone system knows you; say whose desk it is",
        )),
        ("", Some(agent)) => Ok(agent.clone()),
        (agent, _) => Ok(AgentName::new(agent)),
    }
}

/// The call of an agent: the conversation, else the one that rings, else the one that is worked on; of several the last.
fn call_of<'m>(agent: &AgentName, moment: &'m Moment) -> Option<&'m LiveVisit> {
    let own = moment
        .visits
        .iter()
        .filter(|visit| visit.live.agent.as_ref() == Some(agent) && visit.live.phase != Phase::Queued);
    let rank = |phase| match phase {
        Phase::Talking | Phase::OnHold => 2,
        Phase::Ringing => 1,
        Phase::AfterCallWork | Phase::Queued => 0,
    };
    own.max_by_key(|visit| (rank(visit.live.phase), visit.live.since, visit.call))
}

/// What the agent does; empty if he or she is not there. Only what was told of this one is read: many desks are watched.
fn activity(agent: &AgentName, moment: &Moment) -> &'static str {
    let reports = moment.agents.iter().filter(|report| report.agent == *agent);
    let visits = moment
        .visits
        .iter()
        .filter(|visit| visit.live.agent.as_ref() == Some(agent))
        .map(|visit| (&visit.hotline, &visit.live));
    activities(reports, visits)
        .get(agent)
        .map_or("", |doing| doing.activity.name())
}

#[cfg(test)]
mod tests;
