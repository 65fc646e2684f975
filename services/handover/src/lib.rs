//! Brings tickets to departments, and their replies back.
//!
//! Owns the topics of departments: what is in their messages, in which order, and who publishes. Delivers at least
//! once, and in the order of versions: one instance has a department at a time (a lease in the store, and a fenced
//! publisher on the bus), and a pending hand-over goes away only if its version is still the one that was published.
//! Replies are settled once for each id. Routes nothing and validates no requests; that is ticketing's.

mod citizens;
mod due_times;
mod entries;
mod envelope;
mod error;
mod inbound;
mod inboxes;
mod lines;
pub mod mail;
pub mod metrics;
mod notices;
mod outbound;
pub mod payload;
mod reply;
mod service;
mod settings;
mod strangers;
mod stray;
mod supervisor;
mod told;
mod wake;

pub use entries::EntryParts;
pub use envelope::{
    ERASED_TYPE, HEARTBEAT_TYPE, RECTIFIED_TYPE, REMOVED_TYPE, REPLY_RESULT_TYPE, REPLY_TYPE,
    RESTRICTED_TYPE, TICKET_TYPE, WITHDRAWN_TYPE,
};
pub use outbound::PUBLISHER_PREFIX;
pub use service::{HandoverService, HandoverServiceParts};
pub use settings::HandoverSettings;
pub use store::tickets::reply_place;
pub use supervisor::{Clock, CurrentRules, HandoverLoop, HandoverParts};
pub use wake::Wake;

#[cfg(test)]
mod tests;
