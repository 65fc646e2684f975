//! Deleting what is kept no longer.
//!
//! The register says how long records of calls and tickets are kept, the settings say it of the rest. What loops of the
//! services end by clocks of their own is planned, carried out where it is left, and told here as well. A run takes its
//! periods from the moment in which it was begun; what it deletes is counted in the transactions that delete. So one that
//! was cut short is gone on with by whoever starts next, and tells the whole in the end. Figures are left as they are.

mod calls;
mod cases;
mod clocks;
mod nightly;
mod pace;
mod plan;
mod rules;
mod run;
mod scrubbing;
mod service;
mod tickets;
mod trail;

use std::sync::Arc;

use access::{AuditTrail, Clock};
use domain::procedure::{Period, Register};
use store::retention::{CallRetention, RunStore, TicketRetention};
use store::scrub::Scrub;
use store::tickets::TicketStore;

pub use clocks::{ClockTerms, OwnClocks};
pub use nightly::nightly;
pub use service::RetentionService;
pub(crate) use trail::note_of_cut;

use crate::CurrentRules;

/// What retention works with.
#[derive(Clone)]
pub struct RetentionParts {
    /// Calls, visits, rejected items.
    pub calls: Arc<dyn CallRetention>,
    /// Tickets that can go.
    pub tickets: Arc<dyn TicketRetention>,
    /// Tickets that are to be ended first, and the lease of the run.
    pub ticket_store: Arc<dyn TicketStore>,
    /// The last copies of calls.
    pub scrub_calls: Arc<dyn Scrub>,
    /// The last copies of tickets.
    pub scrub_tickets: Arc<dyn Scrub>,
    /// Runs, and the beginning of the audit trail.
    pub runs: Arc<dyn RunStore>,
    /// Knows the register.
    pub rules: CurrentRules,
    /// Notes that a run was begun.
    pub trail: AuditTrail,
    /// Tells the time.
    pub clock: Clock,
    /// How long the rest is kept.
    pub settings: RetentionSettings,
    /// What ends something by itself.
    pub clocks: OwnClocks,
}

/// What the register does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionSettings {
    /// Names this instance.
    pub instance: String,
    /// When it runs by itself, local time; `None`: never.
    pub at: Option<chrono::NaiveTime>,
    /// How long names of agents are kept in calls.
    pub agents: Period,
    /// How long identities are kept after their calls were deleted.
    pub identities: Period,
}

/// Retention of a node.
pub struct Retention {
    parts: RetentionParts,
    /// Held while a run is under way here.
    turn: tokio::sync::Mutex<()>,
}

impl Retention {
    /// Retention with its parts.
    pub fn new(parts: RetentionParts) -> Arc<Self> {
        Arc::new(Self {
            parts,
            turn: tokio::sync::Mutex::new(()),
        })
    }

    /// The rules by a register.
    fn rules_of(&self, register: &Register) -> Vec<rules::Rule> {
        rules::rules(register, &self.parts.settings, &self.parts.clocks.terms)
    }
}
