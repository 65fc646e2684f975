//! For data protection officers: the rights of data subjects; who has seen or done what, and whether the trail of it is
//! whole; the register of what is processed; the access log. For administrators: backups, taken by themselves or when asked for,
//! and removed when their time is over.
//!
//! Owns how everything that is kept of a person is found, told, put right and restricted, how orders to erase are carried out
//! to the last copy, what is deleted when its time is over, how the audit trail is read and checked, how the register is told,
//! how the access log is read, when backups are taken, and what is kept beside
//! them of what was done since. Notes nothing that others do; each service notes for itself. What
//! a backup is a copy of, only the node knows.

mod about;
mod access_log;
mod asked;
pub mod backups;
pub mod erasure;
mod finder;
mod hex;
pub mod journal;
pub mod metrics;
mod paging;
mod register;
mod retention;
mod rights;
mod service;
mod told;
mod verify;

use std::sync::Arc;

use domain::rulebook::Rulebook;

pub use access_log::{AccessLogService, Kept};
pub use finder::{Finder, Found, calls_of_ticket};
pub use register::{RegisterService, processing_register};
pub use retention::{
    ClockTerms, OwnClocks, Retention, RetentionParts, RetentionService, RetentionSettings, nightly,
};
pub use rights::{CaseGate, RightsParts, RightsService, RightsSettings};
pub use service::AuditService;

/// Gives the rules that are in force now.
pub type CurrentRules = Arc<dyn Fn() -> Arc<Rulebook> + Send + Sync>;
