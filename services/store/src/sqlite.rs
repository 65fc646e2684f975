//! The store in SQLite files, for one process. Each file has one writer and several readers.

mod access;
mod calls;
mod file;
pub mod snapshot;
mod tallies;
mod tickets;

pub use access::SqliteAccess;
pub use calls::SqliteCalls;
pub use tickets::SqliteTickets;
