//! Payloads of the kernel: see `ox_test::fuzz::structs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ox_test::fuzz::structs(bytes));
