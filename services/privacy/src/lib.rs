//! For data protection officers: who has seen or done what, whether the trail of it is whole, and what is deleted when.
//!
//! Owns how the audit trail is read and checked, and retention. Notes nothing that others do; each service notes for
//! itself.

mod hex;
mod retention;
mod service;
mod verify;

pub use retention::{CurrentRules, Retention, RetentionParts, RetentionService, RetentionSettings, nightly};
pub use service::AuditService;
