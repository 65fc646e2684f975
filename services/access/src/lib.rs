//! Who is who: tokens, users and their sessions, and the gate that every call goes through.
//!
//! Owns how somebody proves who he or she is, and the audit trail's way into the store. What a role may do is decided by
//! `domain::access`; the gate applies it to methods, and services apply it to what they answer. Must not know pages.

mod gate;
mod sessions;
pub mod testing;
mod trail;

pub use domain::access::TokenHash;
pub use gate::{Gate, KnownToken};
pub use sessions::{SessionsParts, SessionsService};
pub use trail::AuditTrail;

/// Tells the time; set by tests.
pub type Clock = std::sync::Arc<dyn Fn() -> chrono::DateTime<chrono::Utc> + Send + Sync>;
