//! `-m ipcomp`: the parameter index of compressed payload.
//!
//! Kernel: net/netfilter/xt_ipcomp.c; ABI: uapi/linux/netfilter/xt_ipcomp.h. Not given, the index asked for is 0.
use super::prelude::*;
use super::span::{self, Span};
use ox_wire::xtables::ipsec::XtIpcomp;

/// The match.
#[derive(Clone, Debug, PartialEq)]
pub struct Ipcomp {
    spi: Inv<Span>,
    reserved: bool,
}

impl Default for Ipcomp {
    fn default() -> Self {
        Self { spi: Inv::plain(Span { lo: 0, hi: 0 }), reserved: false }
    }
}

options! { Ipcomp;
    /// Compression parameter index, or first and last of a range.
    SPI ["ipcompspi"] Inv<Span> => |i, v| i.spi = v;
    /// Kept, but the kernel does not look at it.
    RES ["compres"] Flag => |i, _v| i.reserved = true;
}

impl Ext for Ipcomp {
    const NAME: &'static str = "ipcomp";
    const ABOUT: &'static str = "Looks at the parameter index of compressed payload.";
    const PROTO: Option<u8> = Some(108);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { spi, reserved } = *self;
        // Every index must be said: nothing said stands for 0.
        out.opt(spi.not, "--ipcompspi", spi.is);
        if reserved {
            out.word("--compres");
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { spi, reserved } = *self;
        out.word("comp ");
        span::list(spi, "spi", out);
        out.raw(if reserved { " reserved" } else { "" });
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { spi, reserved } = *self;
        if reserved {
            return nft.no("nft does not look at the reserved bits of this header");
        }
        // nft knows that the index has 16 bits.
        if spi.is.lo > 0xffff {
            return nft.no("no index of this header is beyond 16 bits");
        }
        let index = super::span::Span { hi: spi.is.hi.min(0xffff), ..spi.is };
        match super::span::says(spi) {
            true => super::span::translate("comp cpi", Inv { is: index, not: spi.not }, nft),
            false => Some(()),
        }
    }
}

impl Matching for Ipcomp {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { spi, reserved: _ } = *self;
        let index = Native::new("compression index", Effect::Stable, move |at| {
            let word = span::word(at.packet.transport(), 0).ok_or(Stop::Hotdrop)?;
            Ok(span::holds(spi, word & 0xffff))
        });
        Pred::all([cx.xt_header(4), index.into()])
    }
}

impl Xt<0> for Ipcomp {
    type Info = XtIpcomp;

    fn encode(&self, _: &Carry<'_>) -> Option<XtIpcomp> {
        let Self { spi, reserved } = *self;
        let Span { lo, hi } = spi.is;
        Some(XtIpcomp { spis: [lo, hi], invflags: spi.not.into(), hdrres: reserved.into(), ..Default::default() })
    }

    fn decode(info: &XtIpcomp, _: &Carry<'_>) -> Option<Self> {
        let XtIpcomp { spis: [lo, hi], invflags, hdrres, _pad } = *info;
        Some(Self { spi: Inv { is: Span { lo, hi }, not: invflags != 0 }, reserved: hdrres != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(V4, Filter, "-p 108 -m ipcomp", "-p 108 -m ipcomp --ipcompspi 0", "comp spi:0");
        check(V4, Filter, "-p 108 -m ipcomp --ipcompspi :", "-p 108 -m ipcomp --ipcompspi 0:4294967295", "comp ");
        check(
            V4,
            Filter,
            "-p 108 -m ipcomp --compres ! --ipcompspi 5:",
            "-p 108 -m ipcomp ! --ipcompspi 5:4294967295 --compres",
            "comp spis:!5:4294967295 reserved",
        );
    }
}
