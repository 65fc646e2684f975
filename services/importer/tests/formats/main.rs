//! The file formats, from the bytes of a file to its items: one program, because each costs its linking.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod cdr;
mod cel;
mod fuzz_seeds;
mod hotline_export;
mod hotline_export_identity;
mod hotline_export_writer;
mod jsonl;
mod queue_log;
mod support;
