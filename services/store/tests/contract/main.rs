//! One contract for every store: the same cases on SQLite and PostgreSQL.

mod calls;
mod tickets;
