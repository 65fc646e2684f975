//! `cargo +nightly fuzz run cel fuzz/seeds/cel`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| importer::fuzzing::cel(bytes));
