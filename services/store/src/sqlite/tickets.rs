//! `tickets.db`.

/// The tickets in SQLite.
pub struct SqliteTickets;
