//! Meaning: what a rule asks of a packet ([`Pred`]) and does to it ([`Act`]).
//!
//! Everything downstream (engine, later solver and compilers) reads this and nothing else of a rule. What cannot be
//! said as tests over [`ox_packet::Key`] fields is [`Native`]: a function with an [`Effect`] that tells the others how
//! careful to be.

mod act;
mod conn;
mod env;
mod jiffies;
mod lower;
mod native;
mod packet;
mod pred;
mod program;
mod shares;

pub use act::{Act, LogKind, LogSpec, NatKind, NatSpec, NativeAct, RejectWith, Verdict};
pub use conn::{Conn, ConnKind, Dir, Entry, Tuple, status};
pub use env::{
    At, CellKey, Env, Hook, HookSet, Now, Owner, RouteAnswer, SetChange, SetInfo, SetQuery, SocketAnswer, addr_type,
    cell,
};
pub use jiffies::{HZ, TICK_NS, jiffies};
pub use lower::{Dialect, Lowering, lower};
pub use native::{Effect, Eval, Native, Stop};
pub use packet::{ByStack, Link, Meta, Packet, Template};
pub use pred::{Header, Pred, Test};
pub use program::{BaseChain, ChainId, Op, Part, ProgChain, ProgRule, Program, RuleId, Step};
pub use shares::Shares;
