//! `-j SNAT`: rewrite the source of a connection.
//!
//! Kernel: net/netfilter/xt_nat.c `xt_snat_target_v2`; ABI: uapi/linux/netfilter/nf_nat.h.
use super::nat::{self, Choice, Range, read_range};
use super::prelude::*;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snat {
    to: Range,
    choice: Choice,
}

struct To(Range);

impl Value for To {
    const HINT: &'static str = "ADDRESS[-ADDRESS][:PORT[-PORT]]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        read_range(args[0], false, cx).map(To)
    }
}

options! { Snat;
    /// New source: an address or a range, and a port or a range of ports (IPv6: `[address]:port`).
    TO ["to-source"] To, .needed() => |t, v| t.to = v.0;
    /// Choose ports in random order.
    RANDOM ["random"] Flag => |t, _v| t.choice.random = true;
    /// Choose ports wholly at random.
    FULLY ["random-fully"] Flag => |t, _v| t.choice.fully = true;
    /// Give a client the same address each time.
    PERSISTENT ["persistent"] Flag => |t, _v| t.choice.persistent = true;
}

impl Ext for Snat {
    const NAME: &'static str = "SNAT";
    const ABOUT: &'static str = "Rewrites the source of a connection, and of its answers back.";
    const TABLES: &'static [TableName] = &[TableName::Nat];
    const TRACKING: bool = true;
    const HOOKS: HookSet = HookSet::of(&[Hook::Postrouting, Hook::Input]);

    fn save(&self, out: &mut Out, family: Family) {
        let Self { to, choice } = self;
        nat::save("--to-source", to, *choice, family, out);
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { to, choice } = self;
        nat::list(to, *choice, show, out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { to, choice } = *self;
        nat::translate("snat", to, choice, nft)
    }
}

impl Acting for Snat {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { to, choice } = *self;
        nat::spec(NatKind::Source, to, choice)
    }
}

nat::revisions! { Snat }

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        let nat = crate::model::TableName::Nat;
        for (typed, printed, listed) in [
            ("-j SNAT --to 1.2.3.4", "-j SNAT --to-source 1.2.3.4", "to:1.2.3.4"),
            ("-j SNAT --to-s 1.2.3.9-1.2.3.4", "-j SNAT --to-source 1.2.3.9-1.2.3.4", "to:1.2.3.9-1.2.3.4"),
            ("-j SNAT --to 1.2.3.4-1.2.3.4", "-j SNAT --to-source 1.2.3.4", "to:1.2.3.4"),
            ("-p tcp -j SNAT --to :0x50-90", "-p tcp -j SNAT --to-source :80-90", "to::80-90"),
            (
                "-p udp -j SNAT --persistent --random-fully --random --to 1.2.3.4-1.2.3.5:7-7",
                "-p udp -j SNAT --to-source 1.2.3.4-1.2.3.5:7 --random --random-fully --persistent",
                "to:1.2.3.4-1.2.3.5:7 random random-fully persistent",
            ),
        ] {
            check(V4, nat, typed, printed, listed);
        }
        for (typed, printed, listed) in [
            ("-j SNAT --to [fe80::1]", "-j SNAT --to-source fe80::1", "to:fe80::1"),
            (
                "-p tcp -j SNAT --to [fe80::1-fe80::3]:8-9",
                "-p tcp -j SNAT --to-source [fe80::1-fe80::3]:8-9",
                "to:[fe80::1-fe80::3]:8-9",
            ),
            ("-p tcp -j SNAT --to []:8", "-p tcp -j SNAT --to-source :8", "to::8"),
        ] {
            check(V6, nat, typed, printed, listed);
        }
    }

    #[test]
    fn refuses() {
        for typed in [
            "-j SNAT",
            "-j SNAT --random",
            "-j SNAT --to 1.2.3.4:80",
            "-p udplite -j SNAT --to 1.2.3.4:80",
            "-p tcp -j SNAT --to 1.2.3.4:90-80",
            "-p tcp -j SNAT --to 1.2.3.4:80-90/100",
            "-p tcp -j SNAT --to 1.2.3.4:",
            "-p tcp -j SNAT --to 1.2.3.4-",
            "-p tcp -j SNAT --to 1.2.3",
            "-p tcp -j SNAT --to 1.2.3.4:80:90",
            "-p tcp -j SNAT ! --to 1.2.3.4",
            "-p tcp -j SNAT --to 1.2.3.4 --to 1.2.3.4",
        ] {
            super::super::tests::refused(V4, crate::model::TableName::Nat, typed);
        }
    }
}
