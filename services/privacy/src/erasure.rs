//! Erasing what is known about a person, in every copy.
//!
//! An order is durable before anything is done. The runner then goes from place to place; each step may be done twice, so
//! that whatever cuts it is made good by doing it again.

mod answer;
mod error;
mod forgetting;
mod journal;
mod late;
mod measuring;
mod owed;
mod planning;
mod runner;
mod service;
mod steps;
mod stray_replies;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use access::AuditTrail;
use bus::Bus;
use chrono::{DateTime, Utc};
use domain::ids::DepartmentId;
use domain::rulebook::Rulebook;
use store::calls::CallStore;
use store::erasure::{CallErasure, ErasureStore, TicketErasure};
use store::persons::PersonEntries;
use store::scrub::Scrub;
use store::tickets::TicketStore;

use crate::Finder;
use crate::journal::ActJournal;

pub use error::ErasureError;
pub(crate) use measuring::Measured;
pub use runner::ErasureRunner;
pub use service::ErasuresService;

/// The rules of the moment.
pub type CurrentRules = Arc<dyn Fn() -> Arc<Rulebook> + Send + Sync>;

/// What erasing works with.
pub struct ErasureParts {
    /// Where orders are.
    pub orders: Arc<dyn ErasureStore>,
    /// Where tickets are.
    pub tickets: Arc<dyn TicketStore>,
    /// What is left to do of tickets.
    pub of_tickets: Arc<dyn TicketErasure>,
    /// Finds what is kept of a person.
    pub finder: Finder,
    /// Where calls are.
    pub calls: Arc<dyn CallStore>,
    /// Where entries are.
    pub entries: Arc<dyn PersonEntries>,
    /// Takes persons out of calls.
    pub callers: Arc<dyn CallErasure>,
    /// Every unit of the store with personal data.
    pub scrubs: Vec<Arc<dyn Scrub>>,
    /// Where messages are.
    pub bus: Arc<dyn Bus>,
    /// The rules of the moment.
    pub rules: CurrentRules,
    /// Tells the time.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// Tells handover that there is something for a department.
    pub wake: Arc<dyn Fn(&DepartmentId) + Send + Sync>,
    /// Called when an order was entered: whoever keeps a suppression list looks.
    pub entered: Arc<dyn Fn() + Send + Sync>,
    /// Into the audit trail.
    pub audit: AuditTrail,
    /// Stands before an erasure that a case asks for, or that needs one.
    pub gate: crate::CaseGate,
    /// Within what time an erasure is to be through.
    pub bound: Duration,
    /// The file of erasures that lies beside backups.
    pub journal: Option<PathBuf>,
    /// What was done since backups, beside them: a ticket that is erased is erased there, too.
    pub acts: Option<Arc<ActJournal>>,
}
