//! Figures for supervisors: every count exact, every ratio with the policy that it was computed by.
//!
//! Owns the composition of stored counts into answers. Stores nothing and counts nothing.

mod agents;
mod service;
mod totals;

pub use service::{Clock, ReportingService};
