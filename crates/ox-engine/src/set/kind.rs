//! What kinds of sets there are, and what an element of each is made of.
//!
//! Kernel: net/netfilter/ipset/ip_set_{bitmap,hash}_*.c `*_type` (dimension, family, features).

use ox_packet::Family;

/// One dimension of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// An address.
    Ip,
    /// A network.
    Net,
    /// A protocol and its port, or ICMP type and code.
    Port,
    /// A MAC address.
    Mac,
    /// An interface.
    Iface,
    /// A packet mark.
    Mark,
    /// Another set.
    Set,
}

/// How the elements are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// A bit for each of a range.
    Bitmap,
    /// A hash table.
    Hash,
    /// A list in order.
    List,
}

/// A kind of set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// `hash:ip`, `hash:net,port`, …
    pub name: &'static str,
    /// How elements are kept.
    pub store: Store,
    /// What they are made of.
    pub parts: &'static [Part],
}

use Part::{Iface, Ip, Mac, Mark, Net, Port};
use Store::{Bitmap, Hash, List};

const KINDS: &[Kind] = &[
    Kind { name: "bitmap:ip", store: Bitmap, parts: &[Ip] },
    Kind { name: "bitmap:ip,mac", store: Bitmap, parts: &[Ip, Mac] },
    Kind { name: "bitmap:port", store: Bitmap, parts: &[Port] },
    Kind { name: "hash:ip", store: Hash, parts: &[Ip] },
    Kind { name: "hash:ip,mac", store: Hash, parts: &[Ip, Mac] },
    Kind { name: "hash:ip,mark", store: Hash, parts: &[Ip, Mark] },
    Kind { name: "hash:ip,port", store: Hash, parts: &[Ip, Port] },
    Kind { name: "hash:ip,port,ip", store: Hash, parts: &[Ip, Port, Ip] },
    Kind { name: "hash:ip,port,net", store: Hash, parts: &[Ip, Port, Net] },
    Kind { name: "hash:mac", store: Hash, parts: &[Mac] },
    Kind { name: "hash:net", store: Hash, parts: &[Net] },
    Kind { name: "hash:net,iface", store: Hash, parts: &[Net, Iface] },
    Kind { name: "hash:net,net", store: Hash, parts: &[Net, Net] },
    Kind { name: "hash:net,port", store: Hash, parts: &[Net, Port] },
    Kind { name: "hash:net,port,net", store: Hash, parts: &[Net, Port, Net] },
    Kind { name: "list:set", store: List, parts: &[Part::Set] },
];

impl Kind {
    /// A kind by its name.
    pub fn by_name(name: &str) -> Option<Self> {
        KINDS.iter().find(|k| k.name == name).copied()
    }

    /// Whether elements of it belong to a family. The others take packets of both.
    pub fn has_family(self) -> bool {
        !matches!(self.parts, [Port] | [Mac] | [Part::Set])
    }

    /// The only family its elements can have, if there is one.
    pub fn only(self) -> Option<Family> {
        (self.has_family() && self.store == Bitmap).then_some(Family::V4)
    }

    /// Whether elements hold networks, among which some may be exceptions (`nomatch`).
    pub fn nets(self) -> bool {
        self.parts.contains(&Net)
    }
}
