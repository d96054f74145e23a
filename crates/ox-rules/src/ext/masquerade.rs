//! `-j MASQUERADE`: rewrite the source to the address of the interface the packet leaves by.
//!
//! Kernel: net/netfilter/xt_MASQUERADE.c; ABI: uapi/linux/netfilter/nf_nat.h.
use super::nat::{ByFamily, from_ports_by_family, ports_by_family, size_by_family};
use super::nat::{Choice, PortRange, Range, spec};
use super::prelude::*;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Masquerade {
    ports: Option<PortRange>,
    choice: Choice,
}

options! { Masquerade;
    /// Source ports to use.
    PORTS ["to-ports"] PortRange => |t, v| t.ports = Some(v);
    /// Choose ports in random order.
    RANDOM ["random"] Flag => |t, _v| t.choice.random = true;
    /// Choose ports wholly at random.
    FULLY ["random-fully"] Flag => |t, _v| t.choice.fully = true;
}

impl Ext for Masquerade {
    const NAME: &'static str = "MASQUERADE";
    const ABOUT: &'static str = "Rewrites the source to the address of the interface the packet leaves by.";
    const TABLES: &'static [TableName] = &[TableName::Nat];
    const TRACKING: bool = true;
    const HOOKS: HookSet = HookSet::of(&[Hook::Postrouting]);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { ports, choice } = *self;
        if let Some(ports) = ports {
            out.opt(false, "--to-ports", ports);
        }
        choice.print("--", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { ports, choice } = *self;
        if let Some(ports) = ports {
            out.opt(false, "masq ports:", ports);
        }
        choice.print("", out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { ports, choice } = *self;
        super::nat::translate("masquerade", Range { addrs: None, ports }, choice, nft)
    }
}

impl Acting for Masquerade {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { ports, choice } = *self;
        spec(NatKind::Masquerade, Range { addrs: None, ports }, choice)
    }
}

impl Xt<0> for Masquerade {
    type Info = ByFamily;

    fn size(family: Family) -> usize {
        size_by_family(family)
    }

    fn encode(&self, cx: &Carry<'_>) -> Option<ByFamily> {
        let Self { ports, choice } = *self;
        ports_by_family(ports, choice, cx.family)
    }

    fn decode(info: &ByFamily, cx: &Carry<'_>) -> Option<Self> {
        let (ports, choice) = from_ports_by_family(info, cx.family)?;
        Some(Self { ports, choice })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        for (typed, printed, listed) in [
            ("-j MASQUERADE", "-j MASQUERADE", ""),
            (
                "-p tcp -j MASQUERADE --random-f --to 80-90 --random",
                "-p tcp -j MASQUERADE --to-ports 80-90 --random --random-fully",
                "masq ports: 80-90 random random-fully",
            ),
        ] {
            check(V4, TableName::Nat, typed, printed, listed);
        }
        refused(V4, TableName::Nat, "-j MASQUERADE --to-ports 80");
        refused(V4, TableName::Nat, "-p tcp -j MASQUERADE --to-ports 80:90");
        refused(V4, TableName::Nat, "-p tcp -j MASQUERADE --to-ports 80-90/3");
        refused(V4, TableName::Nat, "-j MASQUERADE --persistent");
    }
}
