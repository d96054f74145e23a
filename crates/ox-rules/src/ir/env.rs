//! The world as rules may ask about it: time, chance, routes, sockets, sets, state cells.
//!
//! The engine implements [`Env`]; an extension's native lives in the extension's file and sees only this.

use super::conn::{Conn, ConnKind, Dir, Entry, Tuple};
use super::native::Stop;
use super::packet::Packet;
use std::any::Any;

/// The five places in Linux's IP stack where chains hang, numbered as the kernel does (`enum nf_inet_hooks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "the chains' own names")]
pub enum Hook {
    Prerouting,
    Input,
    Forward,
    Output,
    Postrouting,
}

impl Hook {
    /// All five, in the kernel's numbering.
    pub const ALL: [Hook; 5] = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];

    /// The built-in chain's name.
    pub const fn name(self) -> &'static str {
        match self {
            Hook::Prerouting => "PREROUTING",
            Hook::Input => "INPUT",
            Hook::Forward => "FORWARD",
            Hook::Output => "OUTPUT",
            Hook::Postrouting => "POSTROUTING",
        }
    }
}

/// A set of hooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HookSet(pub u8);

impl HookSet {
    /// Every hook.
    pub const ALL: Self = Self(0x1f);
    /// No hook.
    pub const NONE: Self = Self(0);

    /// The set of these hooks.
    pub const fn of(hooks: &[Hook]) -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < hooks.len() {
            bits |= 1 << hooks[i] as u8;
            i += 1;
        }
        Self(bits)
    }

    /// Whether a hook is in it.
    pub const fn has(self, hook: Hook) -> bool {
        self.0 & (1 << hook as u8) != 0
    }

    /// Whether every hook of `other` is in it.
    pub const fn covers(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }
}

/// A moment, as the kernel keeps several clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Wall clock: nanoseconds since 1970 UTC.
    pub wall: u64,
    /// Monotonic nanoseconds since some start.
    pub mono: u64,
}

/// Who sent a packet from this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// User.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
    /// The socket is the kernel's own and has no user (ICMP errors).
    pub nobody: bool,
}

/// Bits of an address's type, as `-m addrtype` asks (ABI: uapi/linux/netfilter/xt_addrtype.h).
#[expect(missing_docs, reason = "named as in rtnetlink")]
pub mod addr_type {
    pub const UNSPEC: u16 = 1 << 0;
    pub const UNICAST: u16 = 1 << 1;
    pub const LOCAL: u16 = 1 << 2;
    pub const BROADCAST: u16 = 1 << 3;
    pub const ANYCAST: u16 = 1 << 4;
    pub const MULTICAST: u16 = 1 << 5;
    pub const BLACKHOLE: u16 = 1 << 6;
    pub const UNREACHABLE: u16 = 1 << 7;
    pub const PROHIBIT: u16 = 1 << 8;
}

/// What a reverse route look-up finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteAnswer {
    /// Type of the route (one bit of [`addr_type`]).
    pub kind: u16,
    /// Interface it leaves by; 0 if none.
    pub oif: u128,
}

/// A question to an ipset (Kernel: net/netfilter/xt_set.c).
#[derive(Clone, Copy, Debug)]
pub struct SetQuery<'a> {
    /// Name of the set.
    pub name: &'a str,
    /// `src`/`dst` for each dimension: true is source.
    pub dims: &'a [bool],
    /// Flags and comparisons of `-m set` as in uapi/linux/netfilter/ipset/ip_set.h.
    pub flags: u32,
    /// `--packets-…` comparison: operator (0 none, 1 eq, 2 ne, 3 lt, 4 gt) and value.
    pub packets: (u8, u64),
    /// `--bytes-…` comparison, likewise.
    pub bytes: (u8, u64),
}

/// A change of an ipset by `-j SET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetChange {
    /// Add the packet's element.
    Add {
        /// Seconds, when given.
        timeout: Option<u32>,
        /// Overwrite timeout and such of an existing element.
        exist: bool,
    },
    /// Remove it.
    Del,
}

/// What an element of an ipset with `skbinfo` says about packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetInfo {
    /// Bits to flip in the packet's mark, after clearing those of the mask.
    pub mark: u32,
    /// Bits of the mark to clear.
    pub mask: u32,
    /// Priority.
    pub priority: u32,
}

/// Which state cell a native wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CellKey<'a> {
    /// The rule's own (limit, quota, statistic nth, connlimit): one for each occurrence in the ruleset.
    Own,
    /// Shared by name in the network namespace: (kind, name), as recent and hashlimit tables are.
    Named(&'static str, &'a str),
}

/// What a walk needs to know of the world. Every answer is a function of its inputs and the seed it was made with.
pub trait Env {
    /// The moment at which the packet is here.
    fn now(&self) -> Now;
    /// Yes with probability `of_2_31` / 2^31 (`-m statistic --mode random`). Explorers follow both.
    fn chance(&mut self, of_2_31: u32) -> bool;
    /// A uniform number.
    fn random(&mut self) -> u32;
    /// Minutes to add to UTC for the kernel's time zone (`-m time --kerneltz`).
    fn kernel_zone(&self) -> i32 {
        0
    }
    /// Whether IPsec carries packets here at all; `None`: nobody said.
    fn ipsec(&self) -> Option<bool> {
        None
    }
    /// Whether fingerprints of operating systems are loaded; `None`: nobody said.
    fn fingerprints(&self) -> Option<bool> {
        None
    }
    /// Who owns the sending socket. `Ok(None)`: the packet has no socket.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where nobody said.
    fn owner(&self, packet: &Packet) -> Result<Option<Owner>, Stop>;
    /// Whether a socket on this host would take the packet: `Ok(Some(transparent))`. `wildcard`: bound-to-any counts too.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where nobody said.
    fn socket(&self, packet: &Packet) -> Result<Option<SocketAnswer>, Stop>;
    /// Whether a local socket listens at (addr, port) for the packet's protocol, for TPROXY.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where nobody said.
    fn listener(&self, packet: &Packet, addr: u128, port: u16) -> Result<bool, Stop>;
    /// Type bits of an address, seen from an interface (0: from anywhere).
    fn addr_type(&self, family: ox_packet::Family, addr: u128, dev: u128) -> u16;
    /// The route back to the packet's source, as rpfilter looks it up; `loose` as `--loose`, with the mark if `mark`.
    fn reverse_route(&self, packet: &Packet, mark: bool) -> Option<RouteAnswer>;
    /// The first address of an interface (MASQUERADE, REDIRECT, TPROXY), scope permitting.
    fn iface_addr(&self, family: ox_packet::Family, dev: u128) -> Option<u128>;
    /// Path MTU towards the packet's destination, and back to its source (TCPMSS --clamp-mss-to-pmtu).
    fn path_mtu(&self, packet: &Packet) -> (u32, u32);
    /// Whether the packet's element is in a set.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where the contents were not given.
    fn set_test(&mut self, query: &SetQuery<'_>, packet: &Packet) -> Result<bool, Stop>;
    /// Adds or removes the packet's element.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where the contents were not given.
    fn set_change(&mut self, query: &SetQuery<'_>, change: SetChange, packet: &Packet) -> Result<(), Stop>;
    /// What the packet's element in a set says (`-j SET --map-set`); `Ok(None)`: it is not in the set.
    ///
    /// # Errors
    /// [`Stop::Unknown`] where the contents were not given.
    fn set_map(&mut self, query: &SetQuery<'_>, packet: &Packet) -> Result<Option<SetInfo>, Stop> {
        let _ = (query, packet);
        Err(Stop::Unknown("the contents of the ipset"))
    }
    /// The entry of the connection table that has this tuple in one of its directions, in these zones (connlimit).
    fn entry(&self, tuple: &Tuple, zones: [u16; 2]) -> Option<Entry>;
    /// Counts on a named accounting object; says whether `-m nfacct` matches: yes unless the object has a quota and is
    /// still under it.
    fn account(&mut self, name: &str, bytes: u32) -> bool;
    /// A rule answers the packet at hand (SYNPROXY); the answer belongs to its connection.
    fn answer(&mut self, answer: Packet) {
        let _ = answer;
    }
    /// A rule sends a copy of the packet at hand through a gateway (TEE), by an interface where that is not 0.
    fn copy(&mut self, copy: Packet, gateway: u128, oif: u128) {
        let _ = (copy, gateway, oif);
    }
    /// A state cell, empty at first.
    fn cell(&mut self, site: u32, key: CellKey<'_>) -> &mut Option<Box<dyn Any + Send>>;
}

/// What is known of the socket a packet belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketAnswer {
    /// Has IP_TRANSPARENT.
    pub transparent: bool,
    /// Listening on the wildcard address.
    pub wildcard: bool,
    /// The socket's mark.
    pub mark: u32,
}

/// Where a native is asked: the packet, its connection, the hook, the world, and which rule asks.
pub struct At<'a> {
    /// The packet; targets may change it (and keep its key true).
    pub packet: &'a mut Packet,
    /// Its connection, if it has one.
    pub conn: Option<&'a mut Conn>,
    /// How the packet relates to the connection.
    pub kind: ConnKind,
    /// Which way it goes.
    pub dir: Dir,
    /// Where we are.
    pub hook: Hook,
    /// Which occurrence in the program asks; the key of its own state cell.
    pub site: u32,
    /// The world.
    pub env: &'a mut dyn Env,
}

impl At<'_> {
    /// The state cell of type `T`, made by `init` when it is first asked for. One key, one type.
    pub fn cell<T: Any + Send>(&mut self, key: CellKey<'_>, init: impl FnOnce() -> T) -> &mut T {
        cell(self.env, self.site, key, init)
    }
}

/// As [`At::cell`], for when the packet is borrowed at the same time.
pub fn cell<'e, T: Any + Send>(
    env: &'e mut dyn Env,
    site: u32,
    key: CellKey<'_>,
    init: impl FnOnce() -> T,
) -> &'e mut T {
    let slot = env.cell(site, key);
    if slot.as_ref().is_none_or(|b| !b.is::<T>()) {
        *slot = Some(Box::new(init()));
    }
    match slot.as_mut().and_then(|b| b.downcast_mut::<T>()) {
        Some(t) => t,
        None => unreachable!("the cell was just filled with this type"),
    }
}
