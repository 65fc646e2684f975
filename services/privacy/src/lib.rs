//! For data protection officers: who has seen or done what, and whether the trail of it is whole. For administrators: backups,
//! taken by themselves or when asked for, and removed when their time is over.
//!
//! Owns how the audit trail is read and checked, and when backups are taken. Notes nothing that others do; each service notes
//! for itself. What a backup is a copy of, only the node knows.

pub mod backups;
pub mod metrics;
mod service;
mod verify;

pub use service::AuditService;
