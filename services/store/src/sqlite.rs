//! The store in SQLite files, for one process. Each file has one writer and several readers.

mod calls;
mod file;
mod tickets;

pub use calls::SqliteCalls;
pub use tickets::SqliteTickets;
