//! `-m rpfilter`: the route back to the source leaves by the interface the packet came in by.
//!
//! Kernel: net/ipv4/netfilter/ipt_rpfilter.c, net/ipv6/netfilter/ip6t_rpfilter.c; ABI: uapi/linux/netfilter/xt_rpfilter.h.
use super::prelude::*;
use ox_packet::{iface_number, pkttype};
use ox_wire::xtables::host::XtRpfilterInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RpFilter {
    loose: bool,
    validmark: bool,
    accept_local: bool,
    invert: bool,
}

options! { RpFilter;
    /// A route back by any interface will do.
    LOOSE ["loose"] Flag => |r, _v| r.loose = true;
    /// Let the packet's mark take part in the look-up.
    VALIDMARK ["validmark"] Flag => |r, _v| r.validmark = true;
    /// Sources that are addresses of this host pass as well.
    ACCEPT_LOCAL ["accept-local"] Flag => |r, _v| r.accept_local = true;
    /// Match packets that fail the test instead.
    INVERT ["invert"] Flag => |r, _v| r.invert = true;
}

impl Ext for RpFilter {
    const NAME: &'static str = "rpfilter";
    const ABOUT: &'static str = "Tests whether the answer would leave by the interface the packet came in by.";
    const TABLES: &'static [TableName] = &[TableName::Raw, TableName::Mangle];
    const HOOKS: HookSet = HookSet::of(&[Hook::Prerouting]);

    fn save(&self, out: &mut Out, _: Family) {
        for (on, name) in self.named() {
            if on {
                out.word("--");
                out.raw(name);
            }
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        out.word("rpfilter");
        for (on, name) in self.named() {
            if on {
                out.word(name);
            }
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { loose, validmark, accept_local, invert } = *self;
        if accept_local {
            if !invert {
                return nft.no("nft cannot ask for a way back or an address of this host at once");
            }
            nft.word("fib saddr type != local");
        }
        nft.word("fib saddr");
        nft.raw(if validmark { " . mark" } else { "" });
        nft.raw(if loose { "" } else { " . iif" });
        nft.word(if invert { "oif 0" } else { "oif != 0" });
        Some(())
    }
}

impl RpFilter {
    fn named(&self) -> [(bool, &'static str); 4] {
        let Self { loose, validmark, accept_local, invert } = *self;
        [(loose, "loose"), (validmark, "validmark"), (accept_local, "accept-local"), (invert, "invert")]
    }
}

/// Sources that no route can lead back to and that pass all the same.
///
/// IPv4: nobody yet, calling everybody or a group on the link (DHCP). IPv6: no address at all.
fn unroutable(family: Family, src: u128, dst: u128) -> bool {
    match family {
        Family::V4 => src == 0 && (dst == 0xffff_ffff || dst & 0xffff_ff00 == 0xe000_0000),
        Family::V6 => src == 0,
    }
}

impl Matching for RpFilter {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { loose, validmark, accept_local, invert } = *self;
        let family = cx.family;
        Pred::from(Native::new("reverse path", Effect::Stable, move |at| {
            let key = &at.packet.key;
            let looped = key.pkttype == pkttype::LOOPBACK || key.iif == iface_number("lo");
            if looped || unroutable(family, key.src, key.dst) {
                return Ok(true);
            }
            let iif = key.iif;
            let Some(route) = at.env.reverse_route(at.packet, validmark) else { return Ok(false) };
            let by_dev = loose || route.oif == iif;
            Ok(match (route.kind, family) {
                (addr_type::UNICAST, _) => by_dev,
                // IPv6 asks nothing more of a local route.
                (addr_type::LOCAL, Family::V6) => accept_local,
                (addr_type::LOCAL, Family::V4) => accept_local && by_dev,
                _ => false,
            })
        }))
        .not_if(invert)
    }
}

impl Xt<0> for RpFilter {
    type Info = XtRpfilterInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtRpfilterInfo> {
        let Self { loose, validmark, accept_local, invert } = *self;
        Some(XtRpfilterInfo { flags: bits([loose, validmark, accept_local, invert]) })
    }

    fn decode(info: &XtRpfilterInfo, _: &Carry<'_>) -> Option<Self> {
        let XtRpfilterInfo { flags } = *info;
        let [loose, validmark, accept_local, invert] = unbits(flags);
        Some(Self { loose, validmark, accept_local, invert })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;
    use crate::ir::RouteAnswer;

    #[test]
    fn text() {
        check(
            Family::V4,
            TableName::Raw,
            "-m rpfilter --invert --accept-local --validmark --loose",
            "-m rpfilter --loose --validmark --accept-local --invert",
            "rpfilter loose validmark accept-local invert",
        );
        refused(Family::V4, TableName::Raw, "-m rpfilter ! --loose");
    }

    #[test]
    fn way_back() {
        let (eth0, eth1) = (iface_number("eth0"), iface_number("eth1"));
        let to = |kind, oif| Some(RouteAnswer { kind, oif });
        for (options, route, fits) in [
            ("", to(addr_type::UNICAST, eth0), true),
            ("", to(addr_type::UNICAST, eth1), false),
            ("--invert", to(addr_type::UNICAST, eth1), true),
            ("--loose", to(addr_type::UNICAST, eth1), true),
            ("--loose", to(addr_type::BLACKHOLE, 0), false),
            ("--loose", None, false),
            ("--loose", to(addr_type::LOCAL, eth1), false),
            ("--loose --accept-local", to(addr_type::LOCAL, eth1), true),
            ("--accept-local", to(addr_type::LOCAL, eth1), false),
        ] {
            let mut trial = Trial::of(&format!("-m rpfilter {options}"));
            trial.world.route = route;
            let mut packet = udp([10, 0, 0, 1], [2, 2, 2, 2]);
            packet.key.iif = eth0;
            assert_eq!(trial.takes(&mut packet), Ok(fits), "{options} {route:?}");
        }
        // DHCP, before there is an address; and what loops.
        let mut trial = Trial::of("-m rpfilter");
        assert_eq!(trial.takes(&mut udp([0; 4], [255; 4])), Ok(true));
        let mut looped = udp([127, 0, 0, 1], [127, 0, 0, 1]);
        looped.key.iif = iface_number("lo");
        assert_eq!(trial.takes(&mut looped), Ok(true));
    }
}
