//! Turns requests of citizens into tickets.
//!
//! Owns validation at the edge, the choice of the department and of the due time, and the promise of an answer: a
//! ticket that was acknowledged is in the store together with its pending hand-over. Publishes nothing; that is
//! handover's.

mod acts;
mod leftovers;
pub mod metrics;
mod registrations;
mod requests;
mod rules;
mod schedule;
mod service;
mod video;

pub use registrations::{MailWays, RegistrationsParts, RegistrationsService, ReturnAddress};
pub use rules::{RulesParts, RulesService};
pub use service::{Clock, CurrentRules, TicketingParts, TicketingService, Wake};
pub use video::VideoServer;
