//! `-j DNAT`: rewrite the destination of a connection.
//!
//! Kernel: net/netfilter/xt_nat.c `xt_dnat_target_v2`; ABI: uapi/linux/netfilter/nf_nat.h.
use super::nat::{self, Choice, Range, read_range};
use super::prelude::*;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dnat {
    to: Range,
    choice: Choice,
}

struct To(Range);

impl Value for To {
    const HINT: &'static str = "ADDRESS[-ADDRESS][:PORT[-PORT[/BASE]]]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        read_range(args[0], true, cx).map(To)
    }
}

options! { Dnat;
    /// New destination: an address or a range, and ports; with /BASE, port BASE goes to the first of them, and so on.
    TO ["to-destination"] To, .needed() => |t, v| t.to = v.0;
    /// Choose ports in random order.
    RANDOM ["random"] Flag => |t, _v| t.choice.random = true;
    /// Give a client the same address each time.
    PERSISTENT ["persistent"] Flag => |t, _v| t.choice.persistent = true;
}

impl Ext for Dnat {
    const NAME: &'static str = "DNAT";
    const ABOUT: &'static str = "Rewrites the destination of a connection, and of its answers back.";
    const TABLES: &'static [TableName] = &[TableName::Nat];
    const TRACKING: bool = true;
    const HOOKS: HookSet = HookSet::of(&[Hook::Prerouting, Hook::Output]);

    fn save(&self, out: &mut Out, family: Family) {
        let Self { to, choice } = self;
        nat::save("--to-destination", to, *choice, family, out);
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { to, choice } = self;
        nat::list(to, *choice, show, out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { to, choice } = *self;
        nat::translate("dnat", to, choice, nft)
    }
}

impl Acting for Dnat {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { to, choice } = *self;
        nat::spec(NatKind::Destination, to, choice)
    }
}

nat::revisions! { Dnat }

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        for (typed, printed, listed) in [
            ("-p tcp -j DNAT --to :80-90/100", "-p tcp -j DNAT --to-destination :80-90/100", "to::80-90/100"),
            (
                "-p tcp -j DNAT --persistent --to 1.2.3.4:80-0x60/0x10",
                "-p tcp -j DNAT --to-destination 1.2.3.4:80-96/16 --persistent",
                "to:1.2.3.4:80-96/16 persistent",
            ),
            ("-p icmp -j DNAT --to 1.2.3.4:5", "-p icmp -j DNAT --to-destination 1.2.3.4:5", "to:1.2.3.4:5"),
        ] {
            check(V4, TableName::Nat, typed, printed, listed);
        }
        for (typed, printed, listed) in [
            (
                "-p tcp -j DNAT --to [fe80::1]:80-90/100",
                "-p tcp -j DNAT --to-destination [fe80::1]:80-90/100",
                "to:[fe80::1]:80-90/100",
            ),
            ("-j DNAT --to ::", "-j DNAT --to-destination ::", "to:::"),
            ("-j DNAT --to ::1:80", "-j DNAT --to-destination ::0.1.0.128", "to:::0.1.0.128"),
        ] {
            check(V6, TableName::Nat, typed, printed, listed);
        }
    }

    #[test]
    fn refuses() {
        for typed in [
            "-p tcp -j DNAT --to 1.2.3.4:80-90/0",
            "-p tcp -j DNAT --to 1.2.3.4:80/90",
            "-p tcp -j DNAT --to 1.2.3.4:80-90/",
            "-p tcp -j DNAT --to 1.2.3.4:80-90/70000",
            "-p tcp -j DNAT --to 1.2.3.4:80-90-100",
            "-p tcp -j DNAT --to [1.2.3.4]:80",
            "-j DNAT --to 1.2.3.4 --random-fully",
            "-j DNAT --to \"\"",
            "-p tcp -j DNAT --to 1.2.3.4/24",
        ] {
            refused(V4, TableName::Nat, typed);
        }
        refused(V6, TableName::Nat, "-p ipv6-icmp -j DNAT --to [fe80::1]:80");
        refused(V6, TableName::Nat, "-p tcp -j DNAT --to [fe80::1");
    }
}
