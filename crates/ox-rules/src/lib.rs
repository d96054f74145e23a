//! ox-rules
#![forbid(unsafe_code)]
