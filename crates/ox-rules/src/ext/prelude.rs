//! What every extension file imports.

#[allow(unused_imports, reason = "a prelude: each file uses its part")]
pub(super) use super::abi::{
    Carry, Xt, addr, bits, chars, from_iface, iface, inet, inet_mask, settle_mask, text, unbits,
};
#[allow(unused_imports, reason = "a prelude: each file uses its part")]
pub(super) use super::{Acting, Ext, Families, Matching, Place, Refused, Shared};
#[allow(unused_imports, reason = "a prelude: each file uses its part")]
pub(super) use crate::bytes;
#[allow(unused_imports, reason = "a prelude: each file uses its part")]
pub(super) use crate::ir::{
    Act, At, CellKey, Conn, ConnKind, Dialect, Dir, Effect, HZ, Header, Hook, HookSet, LogKind, LogSpec, Lowering,
    NatKind, NatSpec, Native, NativeAct, Pred, RejectWith, Stop, TICK_NS, Verdict, addr_type, cell, jiffies, status,
};
#[allow(unused_imports, reason = "a prelude: each file uses its part")]
pub(super) use crate::model::{Inv, Net, Proto, TableName, prefix_mask};
#[allow(unused_imports, reason = "a prelude: each file uses its part")]
pub(super) use crate::syntax::{
    Addr, Flag, Form, Masked, Names, Nft, Out, Ports, Print, Reading, Show, Text, Texts, Value, cut, decimal, fraction,
    number, number_u64, options, parts, read_addr, read_net, read_port, read_protocol, read_service,
};
#[allow(unused_imports, reason = "a prelude: each file uses its part")]
pub(super) use ox_packet::{Family, Field, Shape, ct};
