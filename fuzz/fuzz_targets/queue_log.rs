//! `cargo +nightly fuzz run queue_log fuzz/seeds/queue_log`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| importer::fuzzing::queue_log(bytes));
