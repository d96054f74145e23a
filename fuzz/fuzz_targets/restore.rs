//! Restore text: see `ox_test::fuzz::restore`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ox_test::fuzz::restore(bytes));
