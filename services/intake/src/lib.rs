//! Takes reports about calls from telephone systems and importers.
//!
//! Owns validation, the identity of calls, and the promise of a receipt: what was accepted is on the bus, what was
//! refused for good is in the store with its reason. Counts nothing; that is the ledger's.

mod envelope;
pub mod metrics;
mod replacement;
mod service;

pub use service::{Clock, CurrentSuppression, IntakeService, KnownHotlines};
