//! ox-test
#![forbid(unsafe_code)]
