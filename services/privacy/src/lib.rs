//! For data protection officers: who has seen or done what, and whether the trail of it is whole; the register of what is
//! processed; the access log.
//!
//! Owns how the audit trail is read and checked, how the register is told, and how the access log is read. Notes nothing that
//! others do; each service notes for itself.

mod access_log;
mod register;
mod service;
mod verify;

pub use access_log::{AccessLogService, Kept};
pub use register::{CurrentRules, RegisterService, processing_register};
//! For data protection officers: the rights of data subjects, who has seen or done what, and whether the trail of it is
//! whole.
//!
//! Owns how everything that is kept of a person is found, and how the audit trail is read and checked. Notes nothing that
//! others do; each service notes for itself.

mod finder;
mod rights;
mod service;
mod verify;

pub use finder::{Finder, Found, calls_of_ticket};
pub use rights::{RightsParts, RightsService};
pub use service::AuditService;
