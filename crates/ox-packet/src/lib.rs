//! Bytes ↔ headers: reading, building, checking and showing packets.
//!
//! No I/O, no clock, nothing of the rules: a [`Key`] is what classifiers look at, and every other file reads or writes
//! one protocol's header.
#![forbid(unsafe_code)]

pub mod checksum;
pub mod dccp;
pub mod ether;
mod extract;
pub mod gre;
pub mod icmp;
pub mod icmp6;
pub mod ipsec;
pub mod ipv4;
pub mod ipv6;
mod key;
pub mod mh;
pub mod proto;
pub mod sctp;
pub mod tcp;
pub mod udp;
mod view;

pub use dccp::{Dccp, DccpMut};
pub use ether::{Ether, EtherMut};
pub use extract::{Layout, Malformed, extract, layout, validate};
pub use gre::{Gre, GreMut};
pub use icmp::{Icmp, IcmpMut};
pub use icmp6::{Icmp6, Icmp6Mut};
pub use ipsec::{Ah, AhMut, Esp, EspMut};
pub use ipv4::{Ipv4, Ipv4Mut};
pub use ipv6::{Ipv6, Ipv6Mut};
pub use key::{Family, Field, Key, Shape, ct, iface_name, iface_number, pkttype};
pub use mh::{Mh, MhMut};
pub use sctp::{Sctp, SctpMut};
pub use tcp::{Tcp, TcpMut};
pub use udp::{Udp, UdpMut};
