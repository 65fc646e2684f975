//! The store in PostgreSQL, for several instances of each role.
//!
//! [`Database`] is the pool that the stores share. `up` calls [`Database::migrate`] first, `serve` does not:
//! connecting checks the schema and says what to do when it does not fit.

mod access;
mod calls;
mod database;
mod dump;
mod errors;
mod owed;
mod restore;
mod schema;
mod scrub;
mod tallies;
mod tickets;
mod tls;
mod values;

pub use access::PostgresAccess;
pub use calls::PostgresCalls;
pub use database::Database;
pub use dump::Piece;
pub use restore::Restoring;
pub use tickets::PostgresTickets;
