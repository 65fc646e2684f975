//! Tickets: ended where they are not, taken from the topics of departments, and only then deleted.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::personal::Personal;
use domain::procedure::{ProcedureId, RetentionEvent};
use domain::retention::period_of_ticket_began;
use domain::ticket::{Actor, TicketState, close_by_hand};
use store::StoreError;
use store::retention::{AgedQuery, AgedTicket, PastItems, RunId, TicketPurge};
use store::tickets::ListPosition;

use super::Retention;
use super::pace::Pace;
use super::run::{Held, RunFault};

/// Tickets that are looked at together.
const PAGE: usize = 500;
/// What the history of a ticket says that had to be ended.
const ENDED_BECAUSE: &str = "Die Aufbewahrungsfrist ist abgelaufen.";

/// Whether a ticket waits for a department's topic.
fn must_wait(aged: &AgedTicket) -> bool {
    !is_ended(aged) || aged.is_on_its_way
}

fn is_ended(aged: &AgedTicket) -> bool {
    matches!(aged.ticket.state, TicketState::Closed | TicketState::Erased)
}

/// Reads tickets that may be past, page by page.
struct Pages<'a> {
    retention: &'a Retention,
    query: AgedQuery,
    after: RetentionEvent,
    is_over: bool,
}

impl<'a> Pages<'a> {
    fn new(
        retention: &'a Retention,
        procedure: &ProcedureId,
        after: RetentionEvent,
        before: DateTime<Utc>,
    ) -> Self {
        let query = AgedQuery {
            procedure: procedure.clone(),
            created_before: before,
            after: None,
            most: PAGE,
        };
        Self {
            retention,
            query,
            after,
            is_over: false,
        }
    }

    /// The tickets of the next page that are past, each with the begin of its period; `None` after the last page.
    async fn next(&mut self) -> Result<Option<Vec<(DateTime<Utc>, AgedTicket)>>, StoreError> {
        if self.is_over {
            return Ok(None);
        }
        let page = self
            .retention
            .parts
            .tickets
            .aged_tickets(self.query.clone())
            .await?;
        self.is_over = page.len() < self.query.most;
        if let Some(last) = page.last() {
            self.query.after = Some(ListPosition {
                at: last.ticket.created_at,
                id: last.ticket.id.clone(),
            });
        }
        let past = page.into_iter().filter_map(|aged| {
            let began = period_of_ticket_began(&aged.ticket, self.after)?;
            (began < self.query.created_before).then_some((began, aged))
        });
        Ok(Some(past.collect()))
    }
}

impl Retention {
    /// Tickets that are past, and how many of them have to be ended first, or wait for their end on a topic.
    pub(super) async fn past_tickets(
        &self,
        procedure: &ProcedureId,
        after: RetentionEvent,
        before: DateTime<Utc>,
    ) -> Result<(PastItems, u64), StoreError> {
        let (mut past, mut waiting) = (PastItems::default(), 0);
        let mut pages = Pages::new(self, procedure, after, before);
        while let Some(page) = pages.next().await? {
            for (began, aged) in page {
                past.items += 1;
                past.oldest = past.oldest.into_iter().chain([began]).min();
                waiting += u64::from(must_wait(&aged));
            }
        }
        Ok((past, waiting))
    }

    /// Deletes tickets of a procedure that are past and on no topic, and begins to take the others from theirs. Returns how
    /// many of those there are, and the longest time for which others could not write.
    pub(super) async fn purge_tickets(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        procedure: &ProcedureId,
        after: RetentionEvent,
        before: DateTime<Utc>,
    ) -> Result<(u64, Duration), RunFault> {
        let mut waiting = 0;
        let mut pace = Pace::new();
        let mut pages = Pages::new(self, procedure, after, before);
        while let Some(page) = pages.next().await? {
            let (wait, gone): (Vec<_>, Vec<_>) = page.into_iter().map(|(_, aged)| aged).partition(must_wait);
            waiting += wait.len() as u64;
            for aged in wait {
                held.keep().await?;
                self.end(aged).await?;
            }
            let mut gone = &gone[..];
            while !gone.is_empty() {
                held.keep().await?;
                let (together, rest) = gone.split_at(pace.step().most.min(gone.len()));
                gone = rest;
                let tickets = together.iter().map(|aged| &aged.ticket);
                let purge = TicketPurge {
                    run,
                    procedure: procedure.clone(),
                    tickets: tickets
                        .map(|ticket| (ticket.id.clone(), ticket.history_length))
                        .collect(),
                };
                let purged = self.parts.tickets.purge_tickets(purge).await?;
                pace.pause(purged).await;
            }
        }
        Ok((waiting, pace.longest()))
    }

    /// Deletes replies that were rejected because no such ticket was known.
    pub(super) async fn purge_rejected_replies(
        &self,
        held: &mut Held<'_>,
        run: RunId,
        before: DateTime<Utc>,
    ) -> Result<Duration, RunFault> {
        let mut pace = Pace::new();
        loop {
            held.keep().await?;
            let step = pace.step();
            let gone = self
                .parts
                .tickets
                .purge_rejected_replies(run, before, step)
                .await?;
            if gone.items == 0 {
                return Ok(pace.longest());
            }
            pace.pause(gone).await;
        }
    }

    /// Ends a ticket, so that its department's topic loses it now. One that was erased waits for the confirmation, or for
    /// its thirty days.
    async fn end(&self, aged: AgedTicket) -> Result<(), StoreError> {
        let now = (self.parts.clock)();
        let because = Personal::new(ENDED_BECAUSE);
        match close_by_hand(&aged.ticket, because, Actor::System, now, TimeDelta::zero()) {
            Ok(transition) => match self.parts.ticket_store.record(transition).await {
                // It has news: the next look decides.
                Err(StoreError::Conflict(_)) => Ok(()),
                outcome => outcome,
            },
            Err(_) if aged.ticket.state == TicketState::Closed => {
                self.parts.tickets.hasten_ends(&[aged.ticket.id], now).await
            }
            Err(_) => Ok(()),
        }
    }
}
