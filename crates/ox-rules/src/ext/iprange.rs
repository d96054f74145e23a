//! `-m iprange`: addresses from here to there.
//!
//! Kernel: net/netfilter/xt_iprange.c; ABI: uapi/linux/netfilter/xt_iprange.h.
use super::prelude::*;
use crate::syntax::short_v4;
use ox_wire::xtables::host::XtIprangeMtinfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IpRange {
    src: Option<Inv<Range>>,
    dst: Option<Inv<Range>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Range {
    lo: u128,
    hi: u128,
}

options! { IpRange;
    /// First and last source address, or just one.
    SRC ["src-range"] Inv<Range> => |r, v| r.src = Some(v);
    /// First and last destination address, or just one.
    DST ["dst-range"] Inv<Range> => |r, v| r.dst = Some(v);
}

impl Value for Range {
    const HINT: &'static str = "FIRST[-LAST]";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let address = |text: &str| {
            read_addr(text, cx.family)
                .or_else(|| short_v4(text, cx.family))
                .ok_or_else(|| format!("`{text}' is not an address of this family"))
        };
        let (lo, hi) = args[0].split_once('-').unwrap_or((args[0], args[0]));
        Ok(Range { lo: address(lo)?, hi: address(hi)? })
    }
}

impl Range {
    fn print(self, out: &mut Out, family: Family) {
        out.gap();
        out.addr(family, self.lo);
        out.raw("-");
        out.addr(family, self.hi);
    }
}

impl Ext for IpRange {
    const NAME: &'static str = "iprange";
    const ABOUT: &'static str = "Asks whether the source or destination address lies between two others.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say --src-range or --dst-range".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, family: Family) {
        let Self { src, dst } = *self;
        for (range, option) in [(src, "--src-range"), (dst, "--dst-range")] {
            if let Some(r) = range {
                out.flag(r.not, option);
                r.is.print(out, family);
            }
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { src, dst } = *self;
        for (range, words) in [(src, "source IP range"), (dst, "destination IP range")] {
            if let Some(r) = range {
                out.word(words);
                out.raw(if r.not { " !" } else { "" });
                r.is.print(out, show.family);
            }
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { src, dst } = *self;
        let ip = nft.ip();
        for (end, range) in [("saddr", src), ("daddr", dst)] {
            let Some(Inv { is: Range { lo, hi }, not }) = range else { continue };
            if lo > hi {
                return nft.no("nft takes no range of addresses that runs backwards; no address is in it");
            }
            nft.say(format_args!("{ip} {end}"));
            if not {
                nft.word("!=");
            }
            nft.addr(lo);
            nft.raw("-");
            nft.raw_addr(hi);
        }
        Some(())
    }
}

impl Matching for IpRange {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { src, dst } = *self;
        let within = |field, range: Option<Inv<Range>>| {
            // A range that runs backwards has no address in it.
            range.map_or(Pred::Is(true), |r| Pred::range(field, r.is.lo, r.is.hi).not_if(r.not))
        };
        Pred::all([within(Field::Src, src), within(Field::Dst, dst)])
    }
}

impl Xt<1> for IpRange {
    type Info = XtIprangeMtinfo;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtIprangeMtinfo> {
        let Self { src, dst } = *self;
        let ends = |range: Option<Inv<Range>>| {
            range.map_or([[0; 16]; 2], |r| [inet(r.is.lo, cx.family), inet(r.is.hi, cx.family)])
        };
        let said = [src, dst].map(|r| r.is_some());
        let not = [src, dst].map(|r| r.is_some_and(|r| r.not));
        let flags = bits(said) | bits(not) << NOT;
        Some(XtIprangeMtinfo { src: ends(src), dst: ends(dst), flags, ..Default::default() })
    }

    fn decode(info: &XtIprangeMtinfo, cx: &Carry<'_>) -> Option<Self> {
        let XtIprangeMtinfo { src, dst, flags, _pad } = info;
        let range = |[lo, hi]: &[_; 2], bit: u8| {
            let is = Range { lo: addr(lo, cx.family), hi: addr(hi, cx.family) };
            (flags & 1 << bit != 0).then(|| Inv { is, not: flags & 1 << (bit + NOT) != 0 })
        };
        Some(Self { src: range(src, 0), dst: range(dst, 1) })
    }
}

/// Bits from those that say what is asked to those that deny it (`IPRANGE_SRC`, `IPRANGE_SRC_INV`).
const NOT: u8 = 4;
