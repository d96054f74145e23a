//! Command lines: see `ox_test::fuzz::argv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ox_test::fuzz::argv(bytes));
