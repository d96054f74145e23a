//! Rules and packets: see `ox_test::fuzz::trace`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ox_test::fuzz::trace(bytes));
