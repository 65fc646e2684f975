//! Figures for supervisors: every count exact, every ratio with the policy that it was computed by.
//!
//! Owns the composition of stored counts into answers. Stores nothing and counts nothing.

mod agents;
mod agents_shown;
mod counted;
mod figures;
mod forecast;
mod live;
mod percentiles;
mod profile;
mod promise;
mod records;
mod rejected;
mod scope;
mod service;
mod shown_call;
mod statements;
mod sum;
mod visits;
mod waiting;

pub use agents_shown::AgentsShown;
pub use figures::{FiguresParts, FiguresService};
pub use live::{LiveParts, LiveService, describe_metrics};
pub use records::RecordsService;
pub use rejected::RejectedItemsService;
pub use service::{Clock, CurrentRules, ReportingService};
