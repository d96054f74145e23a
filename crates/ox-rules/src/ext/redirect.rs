//! `-j REDIRECT`: send a connection to this host itself.
//!
//! Kernel: net/netfilter/xt_REDIRECT.c, net/netfilter/nf_nat_redirect.c; ABI: uapi/linux/netfilter/nf_nat.h.
use super::nat::{ByFamily, from_ports_by_family, ports_by_family, size_by_family};
use super::nat::{Choice, PortRange, Range, spec};
use super::prelude::*;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Redirect {
    ports: Option<PortRange>,
    random: bool,
}

options! { Redirect;
    /// Local ports to send it to.
    PORTS ["to-ports"] PortRange => |t, v| t.ports = Some(v);
    /// Choose ports in random order.
    RANDOM ["random"] Flag => |t, _v| t.random = true;
}

impl Ext for Redirect {
    const NAME: &'static str = "REDIRECT";
    const ABOUT: &'static str = "Sends a connection to this host itself, perhaps to other ports.";
    const TABLES: &'static [TableName] = &[TableName::Nat];
    const TRACKING: bool = true;
    const HOOKS: HookSet = HookSet::of(&[Hook::Prerouting, Hook::Output]);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { ports, random } = *self;
        if let Some(ports) = ports {
            out.opt(false, "--to-ports", ports);
        }
        if random {
            out.word("--random");
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { ports, random } = *self;
        if let Some(ports) = ports {
            out.opt(false, "redir ports", ports);
        }
        if random {
            out.word("random");
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { ports, random } = *self;
        let choice = Choice { random, ..Choice::default() };
        super::nat::translate("redirect", Range { addrs: None, ports }, choice, nft)
    }
}

impl Acting for Redirect {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { ports, random } = *self;
        spec(NatKind::Redirect, Range { addrs: None, ports }, Choice { random, ..Choice::default() })
    }
}

impl Xt<0> for Redirect {
    type Info = ByFamily;

    fn size(family: Family) -> usize {
        size_by_family(family)
    }

    fn encode(&self, cx: &Carry<'_>) -> Option<ByFamily> {
        let Self { ports, random } = *self;
        ports_by_family(ports, Choice { random, ..Choice::default() }, cx.family)
    }

    fn decode(info: &ByFamily, cx: &Carry<'_>) -> Option<Self> {
        let (ports, Choice { random, .. }) = from_ports_by_family(info, cx.family)?;
        Some(Self { ports, random })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        for (typed, printed, listed) in [
            ("-j REDIRECT", "-j REDIRECT", ""),
            (
                "-p tcp -j REDIRECT --random --to 8-9",
                "-p tcp -j REDIRECT --to-ports 8-9 --random",
                "redir ports 8-9 random",
            ),
            ("! -p udp -j REDIRECT --to 53-53", "! -p udp -j REDIRECT --to-ports 53", "redir ports 53"),
        ] {
            check(V4, TableName::Nat, typed, printed, listed);
            check(V6, TableName::Nat, typed, printed, listed);
        }
        refused(V4, TableName::Nat, "-j REDIRECT --to-ports 80");
        refused(V4, TableName::Nat, "-p tcp -j REDIRECT --to-ports 80-90/3");
        refused(V4, TableName::Nat, "-p tcp -j REDIRECT --to-ports 90-80");
        refused(V4, TableName::Nat, "-j REDIRECT --random-fully");
    }
}
