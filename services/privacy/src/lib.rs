//! For data protection officers: who has seen or done what, whether the trail of it is whole, and erasing what is known
//! about a person to the last copy.
//!
//! Owns how the audit trail is read and checked, and how orders to erase are carried out. Notes nothing that others do; each
//! service notes for itself.

pub mod erasure;
mod service;
mod verify;

pub use service::AuditService;
