//! `-j SNPT` and `-j DNPT`: translate one IPv6 prefix into another without state, leaving checksums true.
//!
//! Kernel: net/ipv6/netfilter/ip6t_NPT.c; ABI: uapi/linux/netfilter_ipv6/ip6t_NPT.h; RFC 6296.
use super::prelude::*;
use crate::ir::Packet;
use ox_wire::xtables::ipv6::Ip6tNptTginfo;
use std::mem::offset_of;

/// The two prefixes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Prefixes {
    src: Prefix,
    dst: Prefix,
}

/// A prefix; the bits behind it are kept as typed, since the kernel refuses them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Prefix {
    addr: u128,
    len: u8,
}

impl Value for Prefix {
    const HINT: &'static str = "PREFIX/LENGTH";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let typed = args[0];
        let (addr, len) = match typed.split_once('/') {
            Some((addr, len)) => (addr, number(len, 128)),
            None => (typed, Some(128)),
        };
        match (read_addr(addr, Family::V6), len) {
            (Some(addr), Some(len)) => Ok(Prefix { addr, len: len as u8 }),
            _ => Err(format!("`{typed}' is not an IPv6 prefix, like fd00::/64")),
        }
    }
}

impl Prefixes {
    fn admit(&self) -> Result<(), Refused> {
        let Self { src, dst } = self;
        for p in [src, dst] {
            if p.len > 64 {
                return Err(Refused::invalid("a prefix has 64 bits at most"));
            }
            if p.addr & !prefix_mask(Family::V6, p.len) != 0 {
                return Err(Refused::invalid("the bits behind a prefix must be zero"));
            }
        }
        Ok(())
    }

    fn print(&self, dashes: &str, out: &mut Out) {
        for (name, p) in [("src-pfx ", self.src), ("dst-pfx ", self.dst)] {
            out.word(dashes);
            out.raw(name);
            out.addr(Family::V6, p.addr);
            out.fmt(format_args!("/{}", p.len));
        }
    }

    /// Kernel: `ip6t_npt_map_pfx`: the new prefix, and one word adjusted so that the sum of all stays what it was.
    /// `None` where no word can be.
    fn map(&self, addr: u128) -> Option<u128> {
        let len = self.src.len.max(self.dst.len);
        let mask = prefix_mask(Family::V6, len);
        let moved = addr & !mask | self.dst.addr & mask;
        let word = |i: u32| (moved >> (112 - 16 * i)) as u16;
        let i = if len <= 48 { 3 } else { (4..8).find(|&i| word(i) != 0xffff)? };
        let adjustment = fold(sum(self.src.addr) + u32::from(!fold(sum(self.dst.addr))));
        let adjusted = match fold(u32::from(word(i)) + u32::from(adjustment)) {
            0xffff => 0,
            n => n,
        };
        let shift = 112 - 16 * i;
        Some(moved & !(0xffff << shift) | u128::from(adjusted) << shift)
    }

    /// Rewrites an address of the packet, and the other one of a packet quoted in an ICMPv6 error if it is of ours.
    fn act(self, name: &'static str, source: bool) -> Act {
        Act::Native(NativeAct::new(name, Effect::Stable, move |at| {
            let place = |source: bool| if source { 8 } else { 24 };
            if rewrite(at.packet, place(source), |a| self.map(a)).is_none() {
                // The kernel answers with a parameter problem as well.
                return Ok(Verdict::Drop);
            }
            let quoted = (at.packet.key.proto == 58 && at.packet.key.icmp_type < 128)
                .then(|| ox_packet::inner(&at.packet.bytes, &at.packet.layout))
                .flatten();
            if let Some((start, ..)) = quoted {
                let ours = prefix_mask(Family::V6, self.src.len);
                rewrite(
                    at.packet,
                    start + place(!source),
                    |a| {
                        if a & ours == self.src.addr { self.map(a) } else { None }
                    },
                );
            }
            at.packet.reread().map_err(|_| Stop::Unknown("the packet cannot be read any more"))?;
            Ok(Verdict::Continue)
        }))
    }
}

fn rewrite(packet: &mut Packet, at: usize, map: impl Fn(u128) -> Option<u128>) -> Option<()> {
    let bytes = packet.bytes.get_mut(at..)?.first_chunk_mut::<16>()?;
    *bytes = map(u128::from_be_bytes(*bytes))?.to_be_bytes();
    Some(())
}

fn sum(addr: u128) -> u32 {
    (0..8).map(|i| u32::from((addr >> (16 * i)) as u16)).sum()
}

fn fold(sum: u32) -> u16 {
    let once = (sum & 0xffff) + (sum >> 16);
    ((once & 0xffff) + (once >> 16)) as u16
}

impl Prefixes {
    fn encode(&self) -> Ip6tNptTginfo {
        let Self { src, dst } = *self;
        Ip6tNptTginfo {
            src_pfx: inet(src.addr, Family::V6),
            dst_pfx: inet(dst.addr, Family::V6),
            src_pfx_len: src.len,
            dst_pfx_len: dst.len,
            ..Default::default()
        }
    }

    fn decode(info: &Ip6tNptTginfo) -> Self {
        let Ip6tNptTginfo { src_pfx, dst_pfx, src_pfx_len, dst_pfx_len, adjustment: _ } = info;
        let prefix = |pfx, len| Prefix { addr: addr(pfx, Family::V6), len };
        Self { src: prefix(src_pfx, *src_pfx_len), dst: prefix(dst_pfx, *dst_pfx_len) }
    }
}

macro_rules! target {
    ($(#[$doc:meta])* $ty:ident $name:literal $source:literal, $about:literal, $hooks:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $ty(Prefixes);

        options! { $ty;
            /// The prefix that packets have.
            SRC ["src-pfx"] Prefix, .needed() => |n, v| n.0.src = v;
            /// The prefix that they get.
            DST ["dst-pfx"] Prefix, .needed() => |n, v| n.0.dst = v;
        }

        impl Ext for $ty {
            const NAME: &'static str = $name;
            const FAMILIES: Families = Families::V6;
            const ABOUT: &'static str = $about;
            const TABLES: &'static [TableName] = &[TableName::Mangle];
            const HOOKS: HookSet = $hooks;

            fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
                self.0.admit()
            }

            fn save(&self, out: &mut Out, _: Family) {
                self.0.print("--", out);
            }

            fn list(&self, out: &mut Out, _: &Show<'_>) {
                out.word($name);
                self.0.print("", out);
            }
        }

        impl Xt<0> for $ty {
            type Info = Ip6tNptTginfo;
            const COMPARE: usize = offset_of!(Ip6tNptTginfo, adjustment);

            fn encode(&self, _: &Carry<'_>) -> Option<Ip6tNptTginfo> {
                Some(self.0.encode())
            }

            fn decode(info: &Ip6tNptTginfo, _: &Carry<'_>) -> Option<Self> {
                Some(Self(Prefixes::decode(info)))
            }
        }

        impl Acting for $ty {
            fn act(&self, _: &Lowering<'_>) -> Act {
                self.0.act($name, $source)
            }
        }
    };
}

target! {
    /// `SNPT`
    Snpt "SNPT" true, "Translates the prefix of the source.", HookSet::of(&[Hook::Input, Hook::Postrouting])
}
target! {
    /// `DNPT`
    Dnpt "DNPT" false, "Translates the prefix of the destination.", HookSet::of(&[Hook::Prerouting, Hook::Output])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::{Prefix, Prefixes, fold, sum};
    use crate::model::TableName::Mangle;
    use ox_packet::Family::V6;

    #[test]
    fn reads_and_prints() {
        check(
            V6,
            Mangle,
            "-j SNPT --dst-pfx 2001:db8::/64 --src-pfx fd00::/48",
            "-j SNPT --src-pfx fd00::/48 --dst-pfx 2001:db8::/64",
            "SNPT src-pfx fd00::/48 dst-pfx 2001:db8::/64",
        );
        refused(V6, Mangle, "-j DNPT --src-pfx fd00::/48");
        refused(V6, Mangle, "-j DNPT --src-pfx 1.2.3.4/8 --dst-pfx fd00::/48");
    }

    /// The example of RFC 6296, section 3.
    #[test]
    fn sums_stay() {
        let number = |text: &str| u128::from(text.parse::<std::net::Ipv6Addr>().expect("an address"));
        let prefixes = Prefixes {
            src: Prefix { addr: number("fd01:203:405::"), len: 48 },
            dst: Prefix { addr: number("2001:db8:1::"), len: 48 },
        };
        let from = number("fd01:203:405:1::1234");
        let to = prefixes.map(from).expect("it can be mapped");
        assert_eq!(to, number("2001:db8:1:d550::1234"));
        assert_eq!(fold(sum(from)), fold(sum(to)), "the checksum of a packet stays true");
    }
}
