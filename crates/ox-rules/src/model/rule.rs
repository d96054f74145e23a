//! `Rule`: what it asks, what it does, what it counted, where it came from.

use super::chain::Counters;
use super::{Iface, Inv, Matches, Net, Target};

/// The part of a rule that needs no extension: `-s -d -i -o -p -f`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// `-s`
    pub src: Inv<Net>,
    /// `-d`
    pub dst: Inv<Net>,
    /// `-i`
    pub iif: Inv<Iface>,
    /// `-o`
    pub oif: Inv<Iface>,
    /// `-p`
    pub proto: Inv<Proto>,
    /// `-f` (true: second and further fragments) or `! -f` (false).
    pub frag: Option<bool>,
}

/// A protocol number; 0 stands for any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Proto(pub u8);

#[expect(missing_docs, reason = "the protocols' own names")]
impl Proto {
    pub const ANY: Self = Self(0);
    pub const ICMP: Self = Self(1);
    pub const TCP: Self = Self(6);
    pub const UDP: Self = Self(17);
    pub const DCCP: Self = Self(33);
    pub const GRE: Self = Self(47);
    pub const ESP: Self = Self(50);
    pub const AH: Self = Self(51);
    pub const ICMPV6: Self = Self(58);
    pub const MH: Self = Self(135);
    pub const SCTP: Self = Self(132);
    pub const UDPLITE: Self = Self(136);

    /// Whether it carries ports where TCP does.
    pub fn has_ports(self) -> bool {
        matches!(self, Self::TCP | Self::UDP | Self::DCCP | Self::SCTP | Self::UDPLITE)
    }
}

/// The targets that are verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// ACCEPT
    Accept,
    /// DROP
    Drop,
    /// RETURN
    Return,
    /// QUEUE
    Queue,
}

/// An extension that we do not know, kept word for word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// Its name, as after `-m` or `-j`.
    pub name: String,
    /// Its words as they stood, without `-m NAME` (or `-j NAME`).
    pub words: Vec<String>,
    /// What the kernel gave, where it comes from there.
    pub raw: Option<Raw>,
}

/// The kernel's payload of an extension that we cannot read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Revision of the match or target.
    pub revision: u8,
    /// Its bytes.
    pub info: Vec<u8>,
}

/// Whether a rule is as its line of the file says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fresh {
    /// As it was read.
    #[default]
    Kept,
    /// Changed since; it still belongs where its line stands.
    Changed,
    /// Added since; `line` is that of the text that added it.
    New,
}

/// Where a rule came from. Never compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Origin {
    /// Line of the file it stood on, from 1; 0 for none.
    pub line: u32,
    /// Whether it is still as that line says.
    pub fresh: Fresh,
}

impl Origin {
    /// Notes that the rule is no longer as its line says.
    pub fn touch(&mut self) {
        if self.fresh == Fresh::Kept {
            self.fresh = Fresh::Changed;
        }
    }
}

/// A rule.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// `-s -d -i -o -p -f`
    pub head: Head,
    /// Matches in the order given.
    pub matches: Matches,
    /// What happens to a packet that passes them all.
    pub target: Target,
    /// What passed so far.
    pub counters: Counters,
    /// Where it came from.
    pub origin: Origin,
}

impl Rule {
    /// Whether `-C` and `-D` take the two for the same rule: everything but counters, origin and run-time state.
    pub fn same(&self, other: &Self) -> bool {
        self.head == other.head
            && self.target == other.target
            && self.matches.len() == other.matches.len()
            && self.matches.iter().zip(&other.matches).all(|(a, b)| a == b)
    }
}
