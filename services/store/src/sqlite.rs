//! The store in SQLite files, for one process. Each file has one writer and several readers.

mod access;
mod calls;
mod file;
mod owed;
pub mod snapshot;
mod tallies;
mod tickets;

pub use access::SqliteAccess;
pub use calls::SqliteCalls;
pub use tickets::SqliteTickets;

/// By unit, the newest tables that this program knows.
pub fn newest_schemas() -> [(&'static str, i32); 3] {
    let newest = |runner: refinery::Runner| {
        let versions = runner.get_migrations().iter().map(refinery::Migration::version);
        versions.max().unwrap_or(0)
    };
    [
        ("access", newest(access::migrations())),
        ("calls", newest(calls::migrations())),
        ("tickets", newest(tickets::migrations())),
    ]
}
