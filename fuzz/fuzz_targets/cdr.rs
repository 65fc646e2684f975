//! `cargo +nightly fuzz run cdr fuzz/seeds/cdr`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| importer::fuzzing::cdr(bytes));
