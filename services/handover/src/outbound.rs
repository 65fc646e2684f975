//! To one department: its pending hand-overs, results and tombstones.

use std::sync::Arc;

use bus::{BusError, Outgoing, Publisher, topics};
use chrono::{DateTime, TimeDelta, Utc};
use domain::ids::DepartmentId;
use domain::ticket::close;
use store::StoreError;
use store::tickets::{HandOver, HandOverKey, PendingResult, SetAside};

use crate::error::HandoverError;
use crate::supervisor::HandoverParts;
use crate::{envelope, metrics, strangers};

/// What the name of each department's publisher begins with.
pub const PUBLISHER_PREFIX: &str = "nrwdirekt-handover-";
/// How long a refused ticket waits for the first time; doubled each time.
const ASIDE_MIN: TimeDelta = TimeDelta::minutes(1);
/// How often it is doubled at most: about an hour.
const ASIDE_DOUBLINGS: u32 = 6;
/// How often tickets that have ended are looked for.
const CLOSING_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Publishes to one department, under the name that only one instance can have.
pub(crate) struct Outbound {
    parts: Arc<HandoverParts>,
    department: DepartmentId,
    publisher: Box<dyn Publisher>,
    /// When the topic of tickets last got a message from here.
    last_sent: DateTime<Utc>,
    last_closing: Option<DateTime<Utc>>,
    /// Whether the topic was compared with a store that may have been restored.
    is_compared: bool,
}

impl Outbound {
    /// Takes the department's publisher over.
    pub(crate) async fn open(
        parts: &Arc<HandoverParts>,
        department: &DepartmentId,
    ) -> Result<Self, HandoverError> {
        Ok(Self {
            parts: Arc::clone(parts),
            department: department.clone(),
            publisher: parts
                .bus
                .publisher(&format!("{PUBLISHER_PREFIX}{department}"))
                .await?,
            last_sent: (parts.clock)(),
            last_closing: None,
            is_compared: false,
        })
    }

    /// Publishes what is pending now. Returns whether more may be waiting.
    pub(crate) async fn step(&mut self) -> Result<bool, HandoverError> {
        self.compare().await?;
        let now = (self.parts.clock)();
        self.close_ended(now).await?;
        let most = self.parts.settings.batch;
        let pending = self.parts.store.pending(&self.department, now, most).await?;
        let more = pending.hand_overs.len() == most || pending.results.len() == most;
        self.hand_over(&pending.hand_overs).await?;
        self.send_results(&pending.results).await?;
        self.bury(pending.tombstones, now).await?;
        self.beat(now).await?;
        Ok(more)
    }

    /// Takes off the topic what a restored store does not know. Before anything else goes out: what the store knows follows.
    async fn compare(&mut self) -> Result<(), HandoverError> {
        if self.is_compared {
            return Ok(());
        }
        if let Some(found) = strangers::find(&self.parts, &self.department).await? {
            let count = found.tombstones.len();
            if count > 0 {
                self.send(found.tombstones).await?;
                metrics::published(&self.department, "tombstone", count);
            }
            let restores = &self.parts.restores;
            restores
                .mark_topic_checked(&self.department, found.restored_at)
                .await?;
        }
        self.is_compared = true;
        Ok(())
    }

    async fn hand_over(&mut self, hand_overs: &[HandOver]) -> Result<(), HandoverError> {
        if hand_overs.is_empty() {
            return Ok(());
        }
        let messages = hand_overs.iter().map(envelope::hand_over).collect();
        match self.send(messages).await {
            Ok(()) => self.mark(hand_overs).await,
            Err(BusError::TooLarge { .. } | BusError::Refused(_)) => self.hand_over_each(hand_overs).await,
            Err(error) => Err(error.into()),
        }
    }

    /// One by one, so that what the bus refuses does not hold up the others.
    async fn hand_over_each(&mut self, hand_overs: &[HandOver]) -> Result<(), HandoverError> {
        for hand_over in hand_overs {
            match self.send(vec![envelope::hand_over(hand_over)]).await {
                Ok(()) => self.mark(std::slice::from_ref(hand_over)).await?,
                Err(error @ (BusError::TooLarge { .. } | BusError::Refused(_))) => {
                    self.set_aside(hand_over, &error).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn set_aside(&mut self, hand_over: &HandOver, error: &BusError) -> Result<(), HandoverError> {
        let key = &hand_over.key;
        let wait = ASIDE_MIN * (1 << hand_over.refusals.min(ASIDE_DOUBLINGS));
        let retry_at = (self.parts.clock)() + wait;
        tracing::error!(ticket = %key.ticket, department = %key.department, %error, %retry_at, "a ticket was set aside");
        metrics::set_aside(&self.department);
        let aside = SetAside {
            error: error.to_string(),
            retry_at,
        };
        Ok(self.parts.store.set_aside(key.clone(), aside).await?)
    }

    async fn mark(&mut self, hand_overs: &[HandOver]) -> Result<(), HandoverError> {
        let now = (self.parts.clock)();
        let keys: Vec<HandOverKey> = hand_overs.iter().map(|hand_over| hand_over.key.clone()).collect();
        self.parts.store.mark_published(keys, now).await?;
        metrics::published(&self.department, "ticket", hand_overs.len());
        for hand_over in hand_overs {
            metrics::handed_over(now - hand_over.since);
        }
        Ok(())
    }

    async fn send_results(&mut self, results: &[PendingResult]) -> Result<(), HandoverError> {
        if results.is_empty() {
            return Ok(());
        }
        let messages = results
            .iter()
            .map(|result| envelope::reply_result(&self.department, result))
            .collect();
        self.publisher
            .publish(&topics::ticket_reply_results(&self.department), messages)
            .await?;
        let sequences = results.iter().map(|result| result.sequence).collect();
        self.parts.store.mark_results_published(sequences).await?;
        metrics::published(&self.department, "result", results.len());
        Ok(())
    }

    async fn bury(&mut self, due: Vec<HandOverKey>, now: DateTime<Utc>) -> Result<(), HandoverError> {
        if due.is_empty() {
            return Ok(());
        }
        let count = due.len();
        self.send(due.iter().map(|key| envelope::tombstone(key, now)).collect())
            .await?;
        self.parts.store.mark_tombstoned(due).await?;
        metrics::published(&self.department, "tombstone", count);
        Ok(())
    }

    async fn beat(&mut self, now: DateTime<Utc>) -> Result<(), HandoverError> {
        if between(self.last_sent, now) < self.parts.settings.heartbeat {
            return Ok(());
        }
        self.send(vec![envelope::heartbeat(&self.department, now)])
            .await?;
        metrics::published(&self.department, "heartbeat", 1);
        Ok(())
    }

    async fn close_ended(&mut self, now: DateTime<Utc>) -> Result<(), HandoverError> {
        if self
            .last_closing
            .is_some_and(|last| between(last, now) < CLOSING_EVERY)
        {
            return Ok(());
        }
        let settings = &self.parts.settings;
        let before = now - settings.ended_stays;
        let ended = self
            .parts
            .store
            .ended_before(&self.department, before, settings.batch)
            .await?;
        for ticket in &ended {
            if let Some(transition) = close(ticket, now, settings.closed_stays) {
                match self.parts.store.record(transition).await {
                    // It has news: it is not to be closed.
                    Ok(()) | Err(StoreError::Conflict(_)) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        if ended.len() < settings.batch {
            self.last_closing = Some(now);
        }
        Ok(())
    }

    /// To the topic of tickets.
    async fn send(&mut self, messages: Vec<Outgoing>) -> Result<(), BusError> {
        self.publisher
            .publish(&topics::tickets(&self.department), messages)
            .await?;
        self.last_sent = (self.parts.clock)();
        Ok(())
    }
}

/// The time between two moments, whichever a clock that was set anew showed first.
fn between(one: DateTime<Utc>, other: DateTime<Utc>) -> TimeDelta {
    (other - one).abs()
}
