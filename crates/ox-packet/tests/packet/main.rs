//! What holds for every packet: reading, building, rewriting, answering.

mod answers;
mod arbitrary;
mod identity;
mod kernel;
mod robust;
