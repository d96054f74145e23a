//! `Act`: what a target does.

use super::env::At;
use super::native::{Effect, Stop};
use super::program::ChainId;
use ox_packet::Field;
use std::fmt;
use std::sync::Arc;

/// How a walk of a hook ends, or goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The packet passes this table.
    Accept,
    /// The packet is discarded.
    Drop,
    /// Back to the calling chain, or to the policy of a built-in one.
    Return,
    /// Somebody else has the packet now.
    Stolen,
    /// To user space.
    Queue {
        /// First queue.
        num: u16,
        /// How many queues share the load (1: just `num`).
        total: u16,
        /// Accept when nobody listens.
        bypass: bool,
        /// Choose the queue by processor (`--queue-cpu-fanout`) instead of by flow hash.
        fanout: bool,
    },
    /// On with the next rule.
    Continue,
}

/// What a rule does to a packet that matched.
#[derive(Clone, Debug)]
pub enum Act {
    /// Nothing: the rule only counts.
    None,
    /// Ends, returns or goes on.
    Verdict(Verdict),
    /// `-j CHAIN`: call and come back.
    Call(ChainId),
    /// `-g CHAIN`: go, and return to where this chain would have returned.
    Goto(ChainId),
    /// `field = (field & !mask) ^ value` on [`Field::Mark`], [`Field::Tos`] or [`Field::Ttl`]; then on.
    Set {
        /// Which field.
        field: Field,
        /// Bits cleared.
        mask: u32,
        /// Bits flipped afterwards.
        value: u32,
    },
    /// Set up address translation for the connection; ends the table.
    Nat(NatSpec),
    /// Answer with an error and drop.
    Reject(RejectWith),
    /// Write a log record; on.
    Log(LogSpec),
    /// A function.
    Native(NativeAct),
    /// Nobody here knows what it does; the text says why.
    Unknown(&'static str),
}

/// Which manipulation is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NatKind {
    /// SNAT: the source becomes one of the range.
    Source,
    /// DNAT: the destination becomes one of the range.
    Destination,
    /// MASQUERADE: the source becomes the leaving interface's address.
    Masquerade,
    /// REDIRECT: the destination becomes this host (the interface's first address, or loopback on OUTPUT).
    Redirect,
    /// NETMAP: the host part stays, the network part is replaced (destination on PREROUTING/OUTPUT, else source).
    Netmap,
}

/// Kernel: uapi/linux/netfilter/nf_nat.h `nf_nat_range2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NatSpec {
    /// What is rewritten.
    pub kind: NatKind,
    /// First and last address, when given (`NF_NAT_RANGE_MAP_IPS`). For NETMAP: network address and mask.
    pub addrs: Option<(u128, u128)>,
    /// First and last port, when given (`NF_NAT_RANGE_PROTO_SPECIFIED`). For ICMP: ids.
    pub ports: Option<(u16, u16)>,
    /// `--to-destination a:lo-hi/base`: the port that maps to `lo` (`NF_NAT_RANGE_PROTO_OFFSET`).
    pub base: Option<u16>,
    /// `--random`.
    pub random: bool,
    /// `--random-fully`.
    pub random_fully: bool,
    /// `--persistent`.
    pub persistent: bool,
}

/// What REJECT sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectWith {
    /// ICMP type 3 with this code, or ICMPv6 type 1 with this code.
    Unreachable(u8),
    /// A TCP RST.
    TcpReset,
    /// The deprecated IPv4 echo reply.
    EchoReply,
}

/// Who gets a log record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogKind {
    /// The kernel log.
    Kernel,
    /// An nfnetlink_log group.
    Nflog,
    /// A netlink group of ipt_ULOG.
    Ulog,
    /// The packet is marked for tracing (TRACE).
    Trace,
}

/// A log record to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSpec {
    /// Where to.
    pub kind: LogKind,
    /// Text in front.
    pub prefix: String,
    /// syslog level (LOG).
    pub level: u8,
    /// LOG's `--log-…` bits as in uapi/linux/netfilter/nf_log.h.
    pub flags: u8,
    /// NFLOG or ULOG group.
    pub group: u16,
}

/// The function of a [`NativeAct`].
pub type Run = dyn Fn(&mut At<'_>) -> Result<Verdict, Stop> + Send + Sync;

/// A target as a function over the packet, its connection and the world.
#[derive(Clone)]
pub struct NativeAct {
    /// What it is, for people.
    pub name: &'static str,
    /// What doing it disturbs besides the packet itself.
    pub effect: Effect,
    /// The function; says [`Verdict::Continue`] to go on.
    pub run: Arc<Run>,
}

impl NativeAct {
    /// A native act. Writes go to [`At::packet`] and [`At::conn`].
    pub fn new(
        name: &'static str,
        effect: Effect,
        run: impl Fn(&mut At<'_>) -> Result<Verdict, Stop> + Send + Sync + 'static,
    ) -> Self {
        Self { name, effect, run: Arc::new(run) }
    }
}

impl fmt::Debug for NativeAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NativeAct({}, {:?})", self.name, self.effect)
    }
}
