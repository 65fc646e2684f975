//! For data protection officers: who has seen or done what, and whether the trail of it is whole.
//!
//! Owns how the audit trail is read and checked. Notes nothing that others do; each service notes for itself.

mod service;
mod verify;

pub use service::AuditService;
