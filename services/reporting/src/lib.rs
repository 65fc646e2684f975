//! Figures for supervisors: every count exact, every ratio with the policy that it was computed by.
//!
//! Owns the composition of stored counts into answers. Stores nothing and counts nothing.

mod agents;
mod records;
mod rejected;
mod service;
mod shown_call;
mod totals;

pub use records::RecordsService;
pub use rejected::RejectedItemsService;
pub use service::{Clock, ReportingService};
