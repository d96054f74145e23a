//! `-m addrtype`: what routing says of an address (ours, broadcast, multicast, unreachable, …).
//!
//! Kernel: net/netfilter/xt_addrtype.c, net/ipv6/addrconf_core.c `__ipv6_addr_type`; ABI:
//! uapi/linux/netfilter/xt_addrtype.h `struct xt_addrtype_info_v1`.
use super::prelude::*;
use ox_wire::xtables::host::{XtAddrtypeInfo, XtAddrtypeInfoV1};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddrType {
    src: Inv<Types>,
    dst: Inv<Types>,
    limit: Option<Limit>,
}

/// Bits as in [`addr_type`]; none: not asked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Types(u16);

/// Which interface's view counts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    In,
    Out,
}

/// In the order of their bits.
const NAMES: [&str; 12] = [
    "UNSPEC",
    "UNICAST",
    "LOCAL",
    "BROADCAST",
    "ANYCAST",
    "MULTICAST",
    "BLACKHOLE",
    "UNREACHABLE",
    "PROHIBIT",
    "THROW",
    "NAT",
    "XRESOLVE",
];

options! { AddrType;
    /// Types of the source address, separated by commas: LOCAL, UNICAST, BROADCAST, MULTICAST and so on.
    SRC ["src-type"] Inv<Types> => |a, v| a.src = v;
    /// Types of the destination address, likewise.
    DST ["dst-type"] Inv<Types> => |a, v| a.dst = v;
    /// As seen from the interface the packet came in by.
    IN ["limit-iface-in"] Flag, .excl(Self::OUT) => |a, _v| a.limit = Some(Limit::In);
    /// As seen from the interface the packet leaves by.
    OUT ["limit-iface-out"] Flag, .excl(Self::IN) => |a, _v| a.limit = Some(Limit::Out);
}

impl Value for Types {
    const FORMS: &'static [Form] = &[Form::Texts];
    const HINT: &'static str = "TYPE[,TYPE]…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let mut bits = 0;
        for part in args[0].split(',') {
            let begins =
                |n: &&str| n.len() >= part.len() && n.as_bytes()[..part.len()].eq_ignore_ascii_case(part.as_bytes());
            // Of several that begin so, the first is meant.
            match NAMES.iter().position(begins).filter(|_| !part.is_empty()) {
                Some(i) => bits |= 1 << i,
                None => return Err(format!("`{part}' is not a type of address; there are: {}", NAMES.join(" "))),
            }
        }
        Ok(Types(bits))
    }
}

impl Print for Types {
    fn print(&self, out: &mut Out) {
        let mut first = true;
        for (_, name) in NAMES.iter().enumerate().filter(|(i, _)| self.0 & 1 << i != 0) {
            out.raw(if first { "" } else { "," });
            out.raw(name);
            first = false;
        }
    }
}

impl Ext for AddrType {
    const NAME: &'static str = "addrtype";
    const ABOUT: &'static str = "Asks what routing says of the source or destination address.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen & (Self::SRC | Self::DST) == 0 { Err("say --src-type or --dst-type".into()) } else { Ok(()) }
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let Self { src, dst, limit } = *self;
        let hooks = at.checked_hooks();
        if limit == Some(Limit::Out) && (hooks.has(Hook::Prerouting) || hooks.has(Hook::Input)) {
            return Err(Refused::invalid("--limit-iface-out cannot be asked in PREROUTING and INPUT"));
        }
        if limit == Some(Limit::In) && (hooks.has(Hook::Postrouting) || hooks.has(Hook::Output)) {
            return Err(Refused::invalid("--limit-iface-in cannot be asked in POSTROUTING and OUTPUT"));
        }
        let asked = src.is.0 | dst.is.0;
        let not_in_v6 = asked & (addr_type::BLACKHOLE | addr_type::BROADCAST) != 0 || asked >= addr_type::PROHIBIT;
        if at.family == Family::V6 && not_in_v6 {
            return Err(Refused::invalid(
                "IPv6 addresses are never BROADCAST, BLACKHOLE, PROHIBIT and what follows it",
            ));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { src, dst, limit } = *self;
        for (types, option) in [(src, "--src-type"), (dst, "--dst-type")] {
            if types.is.0 != 0 {
                out.opt(types.not, option, types.is);
            }
        }
        match limit {
            Some(Limit::In) => out.word("--limit-iface-in"),
            Some(Limit::Out) => out.word("--limit-iface-out"),
            None => {}
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { src, dst, limit } = *self;
        out.word("ADDRTYPE match");
        for (types, word) in [(src, "src-type"), (dst, "dst-type")] {
            if types.is.0 != 0 {
                out.word(word);
                out.raw(if types.not { " !" } else { " " });
                types.is.print(out);
            }
        }
        match limit {
            Some(Limit::In) => out.word("limit-in"),
            Some(Limit::Out) => out.word("limit-out"),
            None => {}
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { src, dst, limit } = *self;
        let limit = match limit {
            Some(Limit::In) => " . iif",
            Some(Limit::Out) => " . oif",
            None => "",
        };
        for (key, types) in [("saddr", src), ("daddr", dst)] {
            if types.is.0 == 0 {
                continue;
            }
            if nft.family == Family::V6 {
                // There the forms of an address are asked for by the match, and routing only for the rest.
                let routed = types.is.0 & !(addr_type::LOCAL | addr_type::ANYCAST | addr_type::UNREACHABLE) == 0;
                if types.is.0 == addr_type::UNICAST {
                    nft.test(&format!("ip6 {key}"), !types.not, "{ ::, ::ffff:0:0/96, ff00::/8 }");
                    continue;
                }
                if !routed && types.is.0.count_ones() > 1 {
                    return nft.no("of several types of IPv6 addresses all must hold, and nft asks for one of them");
                }
            }
            // What follows PROHIBIT has no name in nft.
            if types.is.0 >= addr_type::PROHIBIT << 1 {
                return nft.no("nft does not know the types THROW, NAT and XRESOLVE");
            }
            let names: Vec<String> =
                (0..NAMES.len()).filter(|i| types.is.0 & 1 << i != 0).map(|i| NAMES[i].to_ascii_lowercase()).collect();
            let key = format!("fib {key}{limit} type");
            match names.as_slice() {
                [one] => nft.test(&key, types.not, &one[..]),
                names => nft.test(&key, types.not, format_args!("{{ {} }}", names.join(", "))),
            }
        }
        Some(())
    }
}

impl Matching for AddrType {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { src, dst, limit } = *self;
        let family = cx.family;
        let test = |types: Inv<Types>, source: bool| -> Pred {
            if types.is.0 == 0 {
                return Pred::Is(true);
            }
            let name = if source { "source address type" } else { "destination address type" };
            let native = Native::new(name, Effect::Stable, move |at| {
                let key = &at.packet.key;
                let dev = match limit {
                    Some(Limit::In) => key.iif,
                    Some(Limit::Out) => key.oif,
                    None => 0,
                };
                let address = if source { key.src } else { key.dst };
                Ok(match family {
                    Family::V4 => at.env.addr_type(family, address, dev) & types.is.0 != 0,
                    Family::V6 => is_v6(types.is.0, address, || at.env.addr_type(family, address, dev)),
                })
            });
            Pred::from(native).not_if(types.not)
        };
        Pred::all([test(src, true), test(dst, false)])
    }
}

/// Kernel: `match_type6`. Multicast, unicast and unspecified are read off the address, and *all* that are asked must
/// hold; the rest is asked of routing, where one is enough.
fn is_v6(asked: u16, address: u128, routed: impl FnOnce() -> u16) -> bool {
    const ROUTED: u16 = addr_type::LOCAL | addr_type::ANYCAST | addr_type::UNREACHABLE;
    let multicast = address >> 120 == 0xff;
    // The kernel calls neither `::' nor IPv4-mapped addresses unicast.
    let unicast = !multicast && address != 0 && address >> 32 != 0xffff;
    if asked & addr_type::MULTICAST != 0 && !multicast
        || asked & addr_type::UNICAST != 0 && !unicast
        || asked & addr_type::UNSPEC != 0 && address != 0
    {
        return false;
    }
    asked & ROUTED == 0 || asked & ROUTED & routed() != 0
}

impl Xt<1> for AddrType {
    type Info = XtAddrtypeInfoV1;

    fn encode(&self, _: &Carry<'_>) -> Option<XtAddrtypeInfoV1> {
        let Self { src, dst, limit } = *self;
        let flags = bits([src.not, dst.not, limit == Some(Limit::In), limit == Some(Limit::Out)]);
        Some(XtAddrtypeInfoV1 { source: src.is.0, dest: dst.is.0, flags: flags.into() })
    }

    fn decode(info: &XtAddrtypeInfoV1, _: &Carry<'_>) -> Option<Self> {
        let XtAddrtypeInfoV1 { source, dest, flags } = *info;
        let [src, dst, inward, outward] = unbits(flags as u8);
        Some(Self {
            src: Inv { is: Types(known(source)?), not: src },
            dst: Inv { is: Types(known(dest)?), not: dst },
            limit: if inward { Some(Limit::In) } else { outward.then_some(Limit::Out) },
        })
    }
}

/// IPv4 alone, and as every interface sees it.
impl Xt<0> for AddrType {
    type Info = XtAddrtypeInfo;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtAddrtypeInfo> {
        let Self { src, dst, limit } = *self;
        (limit.is_none() && cx.family == Family::V4).then(|| XtAddrtypeInfo {
            source: src.is.0,
            dest: dst.is.0,
            invert_source: src.not.into(),
            invert_dest: dst.not.into(),
        })
    }

    fn decode(info: &XtAddrtypeInfo, _: &Carry<'_>) -> Option<Self> {
        let XtAddrtypeInfo { source, dest, invert_source, invert_dest } = *info;
        Some(Self {
            src: Inv { is: Types(known(source)?), not: invert_source != 0 },
            dst: Inv { is: Types(known(dest)?), not: invert_dest != 0 },
            limit: None,
        })
    }
}

/// Types that have a name.
fn known(types: u16) -> Option<u16> {
    (types >> NAMES.len() == 0).then_some(types)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_types_read_off_the_address_must_all_hold() {
        let address = |text: &str| u128::from(text.parse::<std::net::Ipv6Addr>().expect("an address"));
        let is = |asked, text, routed| is_v6(asked, address(text), || routed);
        assert!(is(addr_type::MULTICAST, "ff02::1", 0) && !is(addr_type::MULTICAST, "fe80::1", 0));
        assert!(is(addr_type::UNICAST, "fe80::1", 0) && is(addr_type::UNICAST, "::1", 0));
        assert!(!is(addr_type::UNICAST, "::ffff:1.2.3.4", 0) && !is(addr_type::UNICAST, "::", 0));
        assert!(!is(addr_type::UNICAST | addr_type::MULTICAST, "ff02::1", 0), "no address is both");
        assert!(is(addr_type::LOCAL | addr_type::ANYCAST, "::1", addr_type::LOCAL), "of routing's, one is enough");
        assert!(!is(addr_type::LOCAL | addr_type::MULTICAST, "fe80::1", addr_type::LOCAL));
    }
}
