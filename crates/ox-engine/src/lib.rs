//! ox-engine
#![forbid(unsafe_code)]
