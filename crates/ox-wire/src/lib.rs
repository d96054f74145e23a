//! The kernel's languages as plain data: structures that lie in memory as the kernel's do, and nothing that knows
//! what they mean.
#![forbid(unsafe_code)]

pub mod xtables;
