//! `cargo +nightly fuzz run jsonl fuzz/seeds/jsonl`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| importer::fuzzing::jsonl(bytes));
