//! What rules give away about their host: interfaces, networks, whose an address is.

use super::wanted::Wanted;
use ox_packet::Family;
use ox_rules::ir::{Act, Hook, NatKind, Program};
use ox_rules::model::{Iface, Inv, Net, Ruleset, TableName};
use std::collections::BTreeSet;

/// Facts that rules give away about their host.
#[derive(Debug, Default)]
pub struct Hints {
    /// Interfaces that rules name.
    pub ifaces: BTreeSet<String>,
    /// Networks that stand beside an interface.
    pub nets: Vec<(Net, String)>,
    /// Interfaces that packets are masqueraded on.
    pub outward: Vec<String>,
    /// Sources that are masqueraded.
    pub inside: Vec<Net>,
    /// Interfaces that FORWARD lets packets in by.
    pub inner: BTreeSet<String>,
    /// Addresses that must be this host's.
    pub own: BTreeSet<u128>,
    /// Addresses that must not be.
    pub others: BTreeSet<u128>,
    /// Networks that forwarding rules speak of.
    pub beyond: Vec<Net>,
    /// What comes in from outside is asked whether it is for this host, before it is routed.
    pub asks_local: bool,
    /// How many rules INPUT has, in all tables.
    pub input_rules: usize,
    /// How many FORWARD has.
    pub forward_rules: usize,
}

impl Hints {
    /// Whether a destination that nobody described is this host's, and why that is thought.
    pub fn ours(&self, wanted: &Wanted, src: u128) -> (bool, String) {
        let dst = wanted.dst;
        if wanted.oif.is_some() {
            return (false, "-o says that the packet leaves".into());
        }
        if self.own.contains(&dst) {
            return (true, "the rules treat it as one".into());
        }
        if self.others.contains(&dst) {
            return (false, "rules send packets for it on".into());
        }
        let came = wanted.iif.as_deref().unwrap_or_default();
        if self.inside.iter().any(|n| n.has(src)) && !self.outward.iter().any(|o| o == came) {
            return (false, "the packet comes from a network that the rules masquerade".into());
        }
        if bridge(came) {
            return (false, format!("packets from {came} usually pass through"));
        }
        if self.inner.contains(came) && !self.outward.iter().any(|o| o == came) {
            return (false, format!("FORWARD has rules for packets from {came}"));
        }
        if self.beyond.iter().any(|n| n.has(dst)) {
            return (false, "forwarding rules speak of its network".into());
        }
        if self.asks_local {
            return (true, "no rule says that it is somebody else's, and some ask whether it is ours".into());
        }
        if self.input_rules == 0 && self.forward_rules > 0 {
            return (false, "there are rules for forwarded packets only".into());
        }
        (true, "no rule says that it is somebody else's".into())
    }
}

/// Reads the hints out of rules, in one pass.
pub fn hints(rules: &[(&Ruleset, &Program)]) -> Hints {
    let mut hints = Hints::default();
    for (ruleset, program) in rules {
        for chain in &program.chains {
            let (t, c) = chain.origin;
            let model = &ruleset.tables[t as usize].chains[c as usize];
            let hook = model.base.map(|b| b.hook);
            let kube = model.name.as_str().starts_with("KUBE-");
            match hook {
                Some(Hook::Input) => hints.input_rules += model.rules.len(),
                Some(Hook::Forward) => hints.forward_rules += model.rules.len(),
                _ => {}
            }
            for (rule, lowered) in model.rules.iter().zip(chain.rules.clone()) {
                let head = &rule.head;
                // `-m addrtype --dst-type LOCAL` in the nat table: node ports, published ports.
                hints.asks_local |= ruleset.tables[t as usize].name == TableName::Nat
                    && rule.matches.iter().any(|m| m.name() == "addrtype");
                hints.head(head.src, head.dst, head.iif, head.oif, hook, kube, ruleset.family);
                if let Act::Nat(spec) = &program.rules[lowered as usize].act {
                    hints.nat(spec.kind, spec.addrs, head.src, head.dst, head.oif, kube, ruleset.family);
                }
            }
        }
    }
    for own in &hints.own {
        hints.others.remove(own);
    }
    hints
}

impl Hints {
    #[expect(clippy::too_many_arguments, reason = "the parts of a rule's head")]
    fn head(
        &mut self,
        src: Inv<Net>,
        dst: Inv<Net>,
        iif: Inv<Iface>,
        oif: Inv<Iface>,
        hook: Option<Hook>,
        kube: bool,
        family: Family,
    ) {
        let exact = |i: Inv<Iface>| (!i.is.is_any() && !i.is.is_wild()).then(|| i.is.stem().into_owned());
        self.ifaces.extend(exact(iif));
        self.ifaces.extend(exact(oif));
        let plain = |n: Inv<Net>| (!n.not && !n.is.is_any()).then_some(n.is);
        let len = |n: Net| n.prefix_len(family).unwrap_or(0);
        let wide = |n: Net| (8..if family == Family::V4 { 32 } else { 128 }).contains(&len(n));
        for (net, iface, not) in [(src, iif, iif.not), (dst, oif, oif.not)] {
            if let (Some(net), Some(dev), false) = (plain(net).filter(|&n| wide(n)), exact(iface), not)
                && !self.nets.iter().any(|(n, _)| *n == net)
            {
                self.nets.push((net, dev));
            }
        }
        // `-s NET ! -o BRIDGE -j MASQUERADE`: the network is behind the bridge.
        if let (Some(net), Some(dev), true) = (plain(src).filter(|&n| wide(n)), exact(oif), oif.not)
            && !self.nets.iter().any(|(n, _)| *n == net)
        {
            self.nets.push((net, dev));
        }
        if hook == Some(Hook::Forward) {
            self.inner.extend(exact(iif).filter(|_| !iif.not));
            self.beyond.extend(plain(dst));
            self.beyond.extend(plain(src));
        }
        if let Some(net) = plain(dst).filter(|&n| !wide(n) && !loopback(family, n.addr())) {
            match hook {
                Some(Hook::Input) => drop(self.own.insert(net.addr())),
                _ if kube => drop(self.others.insert(net.addr())),
                _ => {}
            }
        }
        if kube {
            self.beyond.extend(plain(src).filter(|&n| wide(n)));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a rule that translates")]
    fn nat(
        &mut self,
        kind: NatKind,
        addrs: Option<(u128, u128)>,
        src: Inv<Net>,
        dst: Inv<Net>,
        oif: Inv<Iface>,
        kube: bool,
        family: Family,
    ) {
        let plain = |n: Inv<Net>| (!n.not && !n.is.is_any()).then_some(n.is);
        match kind {
            NatKind::Source | NatKind::Masquerade => {
                if !oif.not && !oif.is.is_any() && !oif.is.is_wild() {
                    self.outward.push(oif.is.stem().into_owned());
                }
                self.inside.extend(plain(src));
                self.own.extend(addrs.filter(|(a, b)| a == b && kind == NatKind::Source).map(|a| a.0));
            }
            NatKind::Destination => {
                if let Some((a, b)) = addrs.filter(|&(a, _)| !loopback(family, a)) {
                    self.others.extend([a, b]);
                }
                if !kube {
                    self.own.extend(plain(dst).filter(|n| n.mask().count_ones() >= 32).map(|n| n.addr()));
                }
            }
            NatKind::Redirect | NatKind::Netmap => {}
        }
    }
}

/// Names of bridges, tunnels and virtual cables behind which containers and machines sit.
pub fn bridge(name: &str) -> bool {
    const STEMS: [&str; 16] = [
        "cni",
        "docker",
        "br-",
        "virbr",
        "cali",
        "veth",
        "lxc",
        "lxdbr",
        "podman",
        "flannel",
        "vnet",
        "tap",
        "cilium",
        "wg",
        "tun",
        "nodelocaldns",
    ];
    STEMS.iter().any(|s| name.starts_with(s))
}

/// Names of interfaces with a cable at the end.
pub fn wire(name: &str) -> bool {
    ["eth", "en", "wan", "ppp", "bond", "wl", "ext", "red"].iter().any(|s| name.starts_with(s))
}

pub fn loopback(family: Family, addr: u128) -> bool {
    match family {
        Family::V4 => addr >> 24 == 127,
        Family::V6 => addr == 1,
    }
}

/// Broadcast to all, and multicast.
pub fn everybody(family: Family, addr: u128) -> bool {
    match family {
        Family::V4 => addr == 0xffff_ffff || addr >> 28 == 0xe,
        Family::V6 => addr >> 120 == 0xff,
    }
}

/// An address set aside for examples: 203.0.113.N, 2001:db8::N.
pub fn example(family: Family, n: u128) -> u128 {
    match family {
        Family::V4 => 0xcb00_7100 + n,
        Family::V6 => (0x2001_0db8u128 << 96) + n,
    }
}
