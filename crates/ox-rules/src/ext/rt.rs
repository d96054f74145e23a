//! `-m rt`: the IPv6 routing header.
//!
//! Kernel: net/ipv6/netfilter/ip6t_rt.c; ABI: uapi/linux/netfilter_ipv6/ip6t_rt.h.
use super::exthdr::{self, Found};
use super::prelude::*;
use super::span::{self, Span};
use ox_wire::xtables::ipv6::Ip6tRt;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rt {
    kind: Option<Inv<u32>>,
    left: Inv<Span>,
    len: Option<Inv<u32>>,
    reserved: bool,
    addrs: Vec<u128>,
    loose: bool,
}

options! { Rt;
    /// Type of the header.
    TYPE ["rt-type"] Inv<u32> => |r, v| r.kind = Some(v);
    /// Segments left, or first and last of a range.
    SEGSLEFT ["rt-segsleft"] Inv<Span> => |r, v| r.left = v;
    /// Length of the header in bytes.
    LEN ["rt-len"] Inv<u32> => |r, v| r.len = Some(v);
    /// The reserved word is zero (type 0).
    RES ["rt-0-res"] Flag => |r, _v| { r.type_zero()?; r.reserved = true; Ok(()) };
    /// The addresses of the route, in order (type 0).
    ADDRS ["rt-0-addrs"] Addrs => |r, v| { r.type_zero()?; r.addrs = v.0; Ok(()) };
    /// The addresses need only be among those of the route (type 0).
    LOOSE ["rt-0-not-strict"] Flag => |r, _v| {
        if r.addrs.is_empty() {
            return Err("`--rt-0-addrs' must come before it".to_owned());
        }
        r.loose = true;
        Ok(())
    };
}

struct Addrs(Vec<u128>);

impl Value for Addrs {
    const FORMS: &'static [Form] = &[Form::Texts];
    const HINT: &'static str = "ADDRESS,…";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let addrs: Vec<u128> = args[0].split(',').map(|a| super::host(a, cx)).collect::<Result<_, _>>()?;
        if addrs.len() > 16 {
            return Err(format!("{} addresses are too many: 16 at most", addrs.len()));
        }
        Ok(Addrs(addrs))
    }
}

impl Rt {
    fn type_zero(&self) -> Result<(), String> {
        match self.kind {
            Some(Inv { is: 0, not: false }) => Ok(()),
            _ => Err("`--rt-type 0' must come before it".into()),
        }
    }

    fn print_addrs(&self, out: &mut Out) {
        for (i, &addr) in self.addrs.iter().enumerate() {
            out.raw(if i == 0 { " " } else { "," });
            out.addr(Family::V6, addr);
        }
    }
}

impl Ext for Rt {
    const NAME: &'static str = "rt";
    const FAMILIES: Families = Families::V6;
    const ABOUT: &'static str = "Looks at the routing header.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { kind, left, len, reserved, addrs, loose } = self;
        if let Some(kind) = kind {
            out.opt(kind.not, "--rt-type", kind.is);
        }
        span::save(*left, "--rt-segsleft", out);
        if let Some(len) = len {
            out.opt(len.not, "--rt-len", len.is);
        }
        if *reserved {
            out.word("--rt-0-res");
        }
        if !addrs.is_empty() {
            out.word("--rt-0-addrs");
            self.print_addrs(out);
        }
        if *loose {
            out.word("--rt-0-not-strict");
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { kind, left, len, reserved, addrs, loose } = self;
        let not = |not| if not { "!" } else { "" };
        out.word("rt");
        if let Some(kind) = kind {
            out.fmt(format_args!(" type:{}{}", not(kind.not), kind.is));
        }
        if span::says(*left) {
            out.gap();
            span::list(*left, "segsleft", out);
        }
        if let Some(len) = len {
            out.fmt(format_args!(" length:{}{}", not(len.not), len.is));
        }
        out.raw(if *reserved { " reserved" } else { "" });
        if !addrs.is_empty() {
            out.raw(" 0-addrs");
            self.print_addrs(out);
        }
        out.raw(if *loose { " 0-not-strict" } else { "" });
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { kind, left, len, reserved, addrs, loose: _ } = self;
        if *reserved || !addrs.is_empty() {
            return nft.no("nft does not look at what is in a routing header of type 0");
        }
        if kind.is_none() && !span::says(*left) && len.is_none() {
            nft.word("exthdr rt exists");
        }
        if let Some(kind) = kind {
            if kind.is > 255 {
                return nft.no("a routing header has a type from 0 to 255");
            }
            nft.test("rt type", kind.not, kind.is);
        }
        if left.is.lo > 255 || (left.is.hi > 255 && left.is.hi != u32::MAX) {
            return nft.no("a routing header has up to 255 segments left");
        }
        let left = Inv { is: span::Span { hi: left.is.hi.min(255), ..left.is }, not: left.not };
        if span::says(left) && (left.is.lo, left.is.hi) != (0, 255) {
            span::translate("rt seg-left", left, nft)?;
        }
        match len {
            Some(len) => exthdr::translate_length("rt hdrlength", *len, (8, 8), nft),
            None => Some(()),
        }
    }
}

impl Matching for Rt {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { kind, left, len, reserved, addrs, loose } = self.clone();
        Native::new("routing header", Effect::Stable, move |at| {
            let header = match exthdr::find(at.packet, ox_packet::proto::ROUTING)? {
                Found::Header(header) => header,
                Found::Absent => return Ok(false),
            };
            let Some(&[_, units, this, segments]) = header.first_chunk() else { return Err(Stop::Hotdrop) };
            let size = (usize::from(units) + 1) * 8;
            if header.len() < size {
                return Err(Stop::Hotdrop);
            }
            let same = |want: Option<Inv<u32>>, n: u32| want.is_none_or(|w| (w.is == n) != w.not);
            let mut holds = span::holds(left, segments.into()) && same(len, size as u32) && same(kind, this.into());
            if holds && reserved {
                holds = span::word(header, 4).ok_or(Stop::Hotdrop)? == 0;
            }
            if addrs.is_empty() {
                return Ok(holds);
            }
            let mut route = header[8..size].chunks_exact(16).map(|a| a.first_chunk().map(|a| u128::from_be_bytes(*a)));
            Ok(holds
                && if loose {
                    addrs.iter().all(|&a| route.any(|r| r == Some(a)))
                } else {
                    route.eq(addrs.iter().map(|&a| Some(a)))
                })
        })
        .into()
    }
}

impl Xt<0> for Rt {
    type Info = Ip6tRt;

    fn encode(&self, _: &Carry<'_>) -> Option<Ip6tRt> {
        let Self { kind, left, len, reserved, addrs, loose } = self;
        let mut info = Ip6tRt {
            rt_type: kind.map_or(0, |k| k.is),
            segsleft: [left.is.lo, left.is.hi],
            hdrlen: len.map_or(0, |l| l.is),
            flags: bits([kind.is_some(), span::says(*left), len.is_some(), *reserved, !addrs.is_empty(), *loose]),
            invflags: bits([kind.is_some_and(|k| k.not), left.not, len.is_some_and(|l| l.not)]),
            addrnr: addrs.len() as u8,
            ..Default::default()
        };
        for (slot, &a) in info.addrs.iter_mut().zip(addrs) {
            *slot = inet(a, Family::V6);
        }
        Some(info)
    }

    fn decode(info: &Ip6tRt, _: &Carry<'_>) -> Option<Self> {
        let Ip6tRt { rt_type, segsleft: [lo, hi], hdrlen, flags, invflags, addrs, addrnr, _between, _pad } = info;
        let [kind, _, len, reserved, _, loose] = unbits(*flags);
        let [not_kind, not_left, not_len] = unbits(*invflags);
        Some(Self {
            kind: kind.then_some(Inv { is: *rt_type, not: not_kind }),
            left: Inv { is: Span { lo: *lo, hi: *hi }, not: not_left },
            len: len.then_some(Inv { is: *hdrlen, not: not_len }),
            reserved,
            addrs: addrs.get(..usize::from(*addrnr))?.iter().map(|a| addr(a, Family::V6)).collect(),
            loose,
        })
    }

    /// Every number is the same asked for or not.
    fn settle(info: &mut Ip6tRt, _: &Carry<'_>) {
        if info.segsleft == [0, u32::MAX] && info.invflags & 2 == 0 {
            info.flags &= !2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V6;

    #[test]
    fn reads_and_prints() {
        check(
            V6,
            Filter,
            "-m rt --rt-type 0 ! --rt-len 2 --rt-segsleft 1: --rt-0-addrs ::1,fe80::2 --rt-0-not-strict --rt-0-res",
            "-m rt --rt-type 0 --rt-segsleft 1:4294967295 ! --rt-len 2 --rt-0-res --rt-0-addrs ::1,fe80::2 --rt-0-not-strict",
            "rt type:0 segslefts:1:4294967295 length:!2 reserved 0-addrs ::1,fe80::2 0-not-strict",
        );
        for typed in
            ["--rt-0-res", "--rt-type 1 --rt-0-addrs ::1", "! --rt-type 0 --rt-0-res", "--rt-type 0 --rt-0-not-strict"]
        {
            refused(V6, Filter, &format!("-m rt {typed}"));
        }
    }
}
