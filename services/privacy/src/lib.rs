//! For data protection officers: the rights of data subjects; who has seen or done what, and whether the trail of it is
//! whole; the register of what is processed; the access log.
//!
//! Owns how everything that is kept of a person is found, told, put right and restricted, how orders to erase are carried out
//! to the last copy, how the audit trail is read and checked, how the register is told, and how the access log is read. Notes
//! nothing that others do; each service notes for itself.

mod access_log;
pub mod erasure;
mod finder;
mod register;
mod rights;
mod service;
mod told;
mod verify;

pub use access_log::{AccessLogService, Kept};
pub use finder::{Finder, Found, calls_of_ticket};
pub use register::{CurrentRules, RegisterService, processing_register};
pub use rights::{CaseGate, RightsParts, RightsService, RightsSettings};
pub use service::AuditService;
