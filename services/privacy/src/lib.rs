//! For data protection officers: who has seen or done what, and whether the trail of it is whole; the register of what is
//! processed; the access log.
//!
//! Owns how the audit trail is read and checked, how the register is told, and how the access log is read. Notes nothing that
//! others do; each service notes for itself.

mod access_log;
mod register;
mod service;
mod verify;

pub use access_log::{AccessLogService, Kept};
pub use register::{CurrentRules, RegisterService, processing_register};
pub use service::AuditService;
