//! What the roles keep: one method a unit of work, and queries. Two implementations with one contract.
//!
//! Owns transactions and their atomicity, migrations, and what makes a commit durable. Decides nothing: the rules
//! are those of `domain`. [`calls`] is for intake, ledger and reporting, [`tickets`] for ticketing and handover, [`users`] and [`audit`]
//! for the gate and whoever notes what is done, [`retention`] for whoever deletes what is kept no longer.

pub mod access_log;
pub mod answers;
pub mod audit;
pub mod backups;
mod batch;
pub mod calls;
pub mod cases;
pub mod changes;
pub mod citizen_mails;
pub mod clocks;
pub mod entries;
pub mod erasure;
mod error;
pub mod former_events;
pub mod history;
#[cfg(test)]
mod json_fields;
pub mod live;
pub mod mails;
mod packed_tally;
mod packing;
mod periods;
pub mod persons;
pub mod postgres;
pub mod publications;
pub mod recipients;
pub mod rejected;
pub mod retention;
pub mod rules;
pub mod schedule;
pub mod scrub;
pub mod sqlite;
pub mod statements;
mod ticket_columns;
pub mod tickets;
mod told;
pub mod users;

pub use error::StoreError;
