//! For data protection officers: the rights of data subjects, who has seen or done what, and whether the trail of it is
//! whole.
//!
//! Owns how everything that is kept of a person is found, and how the audit trail is read and checked. Notes nothing that
//! others do; each service notes for itself.

mod finder;
mod rights;
mod service;
mod told;
mod verify;

pub use finder::{Finder, Found, calls_of_ticket};
pub use rights::{RightsParts, RightsService, RightsSettings};
pub use service::AuditService;
