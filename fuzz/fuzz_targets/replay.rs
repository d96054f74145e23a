//! Captures: see `ox_test::fuzz::replay`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ox_test::fuzz::replay(bytes));
