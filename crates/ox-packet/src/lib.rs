//! Bytes ↔ headers: reading, building, checking and showing packets.
//!
//! No I/O, no clock, nothing of the rules: a [`Key`] is what classifiers look at, and every other file reads or writes
//! one protocol's header.
//!
//! ```
//! use ox_packet::{Build, Key, extract, rewrite, show, tcp};
//!
//! let mut packet = Build::tcp(([192, 0, 2, 7], 40_000), ([10, 96, 0, 10], 53), tcp::SYN).bytes();
//! let mut key = Key::default();
//! let at = extract(&packet, &mut key)?;
//! assert_eq!((key.dport, key.tcp_flags), (53, tcp::SYN));
//!
//! // What DNAT does, checksums included.
//! rewrite::set_dst(&mut packet, &at, u32::from_be_bytes([10, 1, 0, 5]).into());
//! rewrite::set_dport(&mut packet, &at, 8053);
//! assert_eq!(show(&packet), "TCP 192.0.2.7:40000 > 10.1.0.5:8053 [S] len 40");
//! # Ok::<(), ox_packet::Malformed>(())
//! ```
#![forbid(unsafe_code)]

pub mod bpf;
mod build;
pub mod checksum;
pub mod dccp;
pub mod ether;
mod extract;
mod fragment;
pub mod gre;
pub mod icmp;
pub mod icmp6;
pub mod ipsec;
pub mod ipv4;
pub mod ipv6;
pub mod jhash;
mod key;
mod l4;
pub mod mh;
pub mod proto;
mod reply;
pub mod rewrite;
pub mod sctp;
mod show;
pub mod tcp;
mod tcpopt;
pub mod udp;
mod validate;
mod view;

pub use build::{Build, Ext, ip_address, ip_number};
pub use dccp::{Dccp, DccpMut};
pub use ether::{Ether, EtherMut};
pub use extract::{Layout, extract, inner, layout, quoted};
pub use fragment::{split, split_as};
pub use gre::{Gre, GreMut};
pub use icmp::{Icmp, IcmpMut};
pub use icmp6::{Icmp6, Icmp6Mut};
pub use ipsec::{Ah, AhMut, Esp, EspMut};
pub use ipv4::{Ipv4, Ipv4Mut};
pub use ipv6::{Ipv6, Ipv6Mut};
pub use key::{Family, Field, Key, Shape, ct, iface_name, iface_number, pkttype};
pub use l4::L4;
pub use mh::{Mh, MhMut};
pub use reply::{Sender, echo_reply, icmp_error, reject_answers, tcp_reset};
pub use sctp::{Sctp, SctpMut};
pub use show::{show, show_key, tcp_flags};
pub use tcp::{Tcp, TcpMut};
pub use tcpopt::{Mss, set_mss, strip_options};
pub use udp::{Udp, UdpMut};
pub use validate::{Malformed, validate};
