//! `-j NETMAP`: replace the network part of an address, keep the host part.
//!
//! Kernel: net/netfilter/xt_NETMAP.c; ABI: uapi/linux/netfilter/nf_nat.h.
use super::nat::{ByFamily, Choice, Range, by_family, from_by_family, size_by_family};
use super::prelude::*;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Netmap {
    to: Net,
}

options! { Netmap;
    /// The new network, as an address and a prefix length.
    TO ["to"] To, .needed() => |t, v| t.to = v.0;
}

struct To(Net);

impl Value for To {
    const HINT: &'static str = "ADDRESS[/LENGTH]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let typed = args[0];
        let net = read_net(typed, cx.family, cx.names)?.into_iter().next();
        let net = net.ok_or_else(|| format!("`{typed}' has no address in this family"))?;
        match net.prefix_len(cx.family) {
            Some(_) => Ok(To(net)),
            None => Err(format!("the mask of `{typed}' is not a prefix: hosts could not be told from networks")),
        }
    }
}

impl Netmap {
    fn print(&self, family: Family, out: &mut Out) {
        let Self { to } = self;
        out.addr(family, to.addr());
        out.fmt(format_args!("/{}", to.prefix_len(family).unwrap_or_default()));
    }
}

impl Ext for Netmap {
    const NAME: &'static str = "NETMAP";
    const ABOUT: &'static str = "Maps a network one-to-one onto another: the network part is replaced.";
    const TABLES: &'static [TableName] = &[TableName::Nat];
    const TRACKING: bool = true;
    const HOOKS: HookSet = HookSet::of(&[Hook::Prerouting, Hook::Input, Hook::Output, Hook::Postrouting]);

    fn save(&self, out: &mut Out, family: Family) {
        out.word("--to ");
        self.print(family, out);
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        out.word("to:");
        self.print(show.family, out);
    }
}

impl Acting for Netmap {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { to } = self;
        Act::Nat(NatSpec {
            kind: NatKind::Netmap,
            addrs: Some((to.addr(), to.mask())),
            ports: None,
            base: None,
            random: false,
            random_fully: false,
            persistent: false,
        })
    }
}

/// The network is said by its first and last address.
impl Xt<0> for Netmap {
    type Info = ByFamily;

    fn size(family: Family) -> usize {
        size_by_family(family)
    }

    fn encode(&self, cx: &Carry<'_>) -> Option<ByFamily> {
        let Self { to } = self;
        let hosts = prefix_mask(cx.family, u8::MAX) & !to.mask();
        let addrs = Some((to.addr(), to.addr() | hosts));
        by_family(Range { addrs, ports: None }, Choice::default(), cx.family)
    }

    fn decode(info: &ByFamily, cx: &Carry<'_>) -> Option<Self> {
        let (range, _) = from_by_family(info, cx.family)?;
        let (first, last) = range.addrs?;
        let to = Net::new(first, prefix_mask(cx.family, u8::MAX) & !(first ^ last));
        to.prefix_len(cx.family)?;
        Some(Self { to })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        check(V4, TableName::Nat, "-j NETMAP --to 1.2.3.4", "-j NETMAP --to 1.2.3.4/32", "to:1.2.3.4/32");
        check(V4, TableName::Nat, "-j NETMAP --to 1.2.3.4/255.255.0.0", "-j NETMAP --to 1.2.0.0/16", "to:1.2.0.0/16");
        check(V6, TableName::Nat, "-j NETMAP --to fe80::1/64", "-j NETMAP --to fe80::/64", "to:fe80::/64");
        refused(V4, TableName::Nat, "-j NETMAP");
        refused(V4, TableName::Nat, "-j NETMAP --to 1.2.3.4/255.255.0.255");
        refused(V4, TableName::Nat, "-j NETMAP --to 1.2.3.4/33");
    }
}
