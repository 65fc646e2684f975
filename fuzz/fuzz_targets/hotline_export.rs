//! `cargo +nightly fuzz run hotline_export fuzz/seeds/hotline_export`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| importer::fuzzing::hotline_export(bytes));
