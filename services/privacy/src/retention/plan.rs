//! What would go.

use chrono::{DateTime, Utc};
use domain::local_time;
use store::StoreError;
use store::retention::PastItems;

use super::Retention;
use super::rules::{Rule, What, rules};

/// A rule, and what is past by it.
pub(super) struct Planned {
    pub(super) rule: Rule,
    /// The local day; empty where the calendar ends.
    pub(super) before: String,
    pub(super) past: PastItems,
    /// Of these, so many cannot go yet.
    pub(super) waiting: u64,
}

impl Retention {
    /// What is past at a time, rule by rule.
    pub(super) async fn plan(&self, at: DateTime<Utc>) -> Result<Vec<Planned>, StoreError> {
        let register = (self.parts.rules)().register.clone();
        let mut plan = Vec::new();
        for rule in rules(&register, &self.parts.settings) {
            plan.push(self.plan_rule(rule, at).await?);
        }
        Ok(plan)
    }

    async fn plan_rule(&self, rule: Rule, at: DateTime<Utc>) -> Result<Planned, StoreError> {
        let Some(day) = rule.over_before(at) else {
            return Ok(Planned {
                rule,
                before: String::new(),
                past: PastItems::default(),
                waiting: 0,
            });
        };
        let before = local_time::start_of(day);
        let parts = &self.parts;
        let (past, waiting) = match &rule.what {
            What::Calls => (parts.calls.past_calls(before).await?, 0),
            What::AgentNames => (parts.calls.past_agents(before).await?, 0),
            What::Identities => (parts.calls.past_identities(day).await?, 0),
            What::RejectedItems => (parts.calls.past_rejected(before).await?, 0),
            What::RejectedReplies => (parts.tickets.past_rejected_replies(before).await?, 0),
            What::AuditEntries => (parts.runs.past_audit(before).await?, 0),
            What::Tickets(procedure, after) => self.past_tickets(procedure, *after, before).await?,
        };
        Ok(Planned {
            rule,
            before: day.to_string(),
            past,
            waiting,
        })
    }
}
