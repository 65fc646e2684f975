//! What would go.

use chrono::{DateTime, NaiveDate, Utc};
use domain::local_time;
use store::StoreError;
use store::retention::PastItems;

use super::Retention;
use super::rules::{EndedBy, Rule, What};

/// A rule, and what is past by it.
pub(super) struct Planned {
    pub(super) rule: Rule,
    /// As [`Rule::before`] tells it.
    pub(super) before: String,
    /// `None` where nothing is counted.
    pub(super) past: Option<PastItems>,
    /// Of these, so many cannot go yet.
    pub(super) waiting: u64,
}

impl Retention {
    /// What is past at a time, rule by rule.
    pub(super) async fn plan(&self, at: DateTime<Utc>) -> Result<Vec<Planned>, StoreError> {
        let register = (self.parts.rules)().register.clone();
        let mut plan = Vec::new();
        for rule in self.rules_of(&register) {
            plan.push(self.plan_rule(rule, at).await?);
        }
        Ok(plan)
    }

    async fn plan_rule(&self, rule: Rule, at: DateTime<Utc>) -> Result<Planned, StoreError> {
        let before = rule.before(at);
        let (past, waiting) = match rule.over_before(at) {
            Some(day) if rule.ended_by == EndedBy::Run => {
                let (past, waiting) = self.past_by_run(&rule, day).await?;
                (Some(past), waiting)
            }
            None if rule.ended_by == EndedBy::Run => (Some(PastItems::default()), 0),
            _ => (self.past_by_clock(&rule, at).await?, 0),
        };
        Ok(Planned {
            rule,
            before,
            past,
            waiting,
        })
    }

    async fn past_by_run(&self, rule: &Rule, day: NaiveDate) -> Result<(PastItems, u64), StoreError> {
        let before = local_time::start_of(day);
        let parts = &self.parts;
        Ok(match &rule.what {
            What::Calls => (parts.calls.past_calls(before).await?, 0),
            What::AgentNames => (parts.calls.past_agents(before).await?, 0),
            What::Identities => (parts.calls.past_identities(day).await?, 0),
            What::RejectedItems => (parts.calls.past_rejected(before).await?, 0),
            What::RejectedReplies => (parts.tickets.past_rejected_replies(before).await?, 0),
            What::AuditEntries => (parts.runs.past_audit(before).await?, 0),
            What::Cases => (parts.runs.past_cases(before).await?, 0),
            What::Tickets(procedure, after) => self.past_tickets(procedure, *after, before).await?,
            _ => (PastItems::default(), 0),
        })
    }
}
