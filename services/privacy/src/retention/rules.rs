//! Which rules there are: those of the register, and those of the settings.

use chrono::{DateTime, NaiveDate, Utc};
use domain::local_time;
use domain::procedure::{
    self, AUDIT_TRAIL, CALL_RECORDS, Period, Procedure, ProcedureId, Register, RetentionEvent,
};
use store::retention::{
    AGENT_NAMES, AUDIT_ENTRIES, CALLS, IDENTITIES, REJECTED_ITEMS, REJECTED_REPLIES, RunLine,
};

use super::RetentionSettings;

/// The entry of the register that says what is kept of agents.
const AGENTS: &str = "agents";

/// What tickets are called in plans and runs.
pub(super) const TICKETS: &str = "tickets";

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Calls with their visits.
    Calls,
    /// Names of agents in calls.
    AgentNames,
    /// What is left of deleted calls.
    Identities,
    /// Items that could not be counted.
    RejectedItems,
    /// Replies of departments to tickets that are not known.
    RejectedReplies,
    /// Tickets of a procedure.
    Tickets(ProcedureId, RetentionEvent),
    /// The audit trail.
    AuditEntries,
}

/// How long something is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) what: What,
    /// Of the register; empty where the settings say it.
    pub(super) procedure: String,
    pub(super) after: &'static str,
    pub(super) period: Period,
    /// In German.
    pub(super) text: String,
}

/// The rules in force.
pub(super) fn rules(register: &Register, settings: &RetentionSettings) -> Vec<Rule> {
    let mut rules = Vec::new();
    let entry = |id: &str, what: What| {
        let entry = register.procedure(id)?;
        Some(Rule {
            what,
            ..of_register(entry)
        })
    };
    rules.extend(entry(CALL_RECORDS, What::Calls));
    let tickets = register.procedures().iter();
    rules.extend(
        tickets
            .filter(|procedure| procedure.ticket_rules().is_some())
            .map(of_register),
    );
    rules.push(Rule {
        what: What::AgentNames,
        procedure: AGENTS.to_owned(),
        after: "call",
        period: settings.agents,
        text: "Kennungen der Beschäftigten in Anrufen (agents.kept_days; zwei Tage, solange Zahlen einzelner Beschäftigter aus sind)."
            .to_owned(),
    });
    rules.push(Rule {
        what: What::Identities,
        procedure: String::new(),
        after: "deletion",
        period: settings.identities,
        text: "Pseudonyme Kennungen gelöschter Anrufe, damit eine Wiederholung nicht noch einmal zählt."
            .to_owned(),
    });
    rules.extend(entry(procedure::REJECTED_ITEMS, What::RejectedItems));
    rules.extend(entry(procedure::REJECTED_REPLIES, What::RejectedReplies));
    rules.extend(entry(AUDIT_TRAIL, What::AuditEntries));
    rules
}

fn of_register(procedure: &Procedure) -> Rule {
    let retention = &procedure.retention;
    Rule {
        what: What::Tickets(procedure.id.clone(), retention.after),
        procedure: procedure.id.to_string(),
        after: retention.after.name(),
        period: retention.period,
        text: retention.text.clone(),
    }
}

impl What {
    /// Its name for programs.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Calls => CALLS,
            Self::AgentNames => AGENT_NAMES,
            Self::Identities => IDENTITIES,
            Self::RejectedItems => REJECTED_ITEMS,
            Self::RejectedReplies => REJECTED_REPLIES,
            Self::Tickets(..) => TICKETS,
            Self::AuditEntries => AUDIT_ENTRIES,
        }
    }

    /// The unit of storage that holds it.
    pub(super) fn store(&self) -> &'static str {
        match self {
            Self::Calls | Self::AgentNames | Self::Identities | Self::RejectedItems => "calls",
            Self::Tickets(..) | Self::RejectedReplies => "tickets",
            Self::AuditEntries => "access",
        }
    }
}

impl Rule {
    /// The local day before which everything that began is past; `None` where the calendar ends.
    pub(super) fn over_before(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        self.period.over_before(local_time::day_of(at))
    }

    /// What a run did by it, with nothing done yet.
    pub(super) fn line(&self, at: DateTime<Utc>) -> RunLine {
        RunLine {
            what: self.what.name().to_owned(),
            procedure: self.procedure.clone(),
            after: self.after.to_owned(),
            period: self.period.text(),
            before: self
                .over_before(at)
                .map(|day| day.to_string())
                .unwrap_or_default(),
            ..RunLine::default()
        }
    }
}
