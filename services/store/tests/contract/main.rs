//! One contract for every store: the same cases on SQLite and PostgreSQL.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]

mod access_log;
mod agents;
mod answers;
mod audit;
mod call_records;
mod calls;
mod changes;
mod citizens;
mod entries;
mod erasure;
mod figures;
mod history;
mod inventory;
mod life_cycle;
mod live;
mod mails;
mod persons;
mod postgres;
mod postgres_calls;
mod postgres_tickets;
mod procedures;
mod publications;
mod rejected;
mod replacements;
mod restores;
mod retention;
mod rights;
mod rules;
mod settling;
mod slots;
mod statements;
mod tickets;
mod users;
mod visits;
