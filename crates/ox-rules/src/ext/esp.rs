//! `-m esp`: the IPsec encapsulating security payload.
//!
//! Kernel: net/netfilter/xt_esp.c; ABI: uapi/linux/netfilter/xt_esp.h.
use super::prelude::*;
use super::span::{self, Span};
use ox_wire::xtables::ipsec::XtEsp;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Esp {
    spi: Inv<Span>,
}

options! { Esp;
    /// Security parameters index, or first and last of a range.
    SPI ["espspi"] Inv<Span> => |e, v| e.spi = v;
}

impl Ext for Esp {
    const NAME: &'static str = "esp";
    const ABOUT: &'static str = "Looks at the security parameters index of an IPsec encapsulated packet.";
    const PROTO: Option<u8> = Some(50);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { spi } = *self;
        span::save(spi, "--espspi", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { spi } = *self;
        out.word("esp");
        if span::says(spi) {
            out.gap();
        }
        span::list(spi, "spi", out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { spi } = *self;
        span::translate("esp spi", spi, nft)
    }
}

impl Matching for Esp {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { spi } = *self;
        let index = Native::new("ESP index", Effect::Stable, move |at| {
            let index = span::word(at.packet.transport(), 0).ok_or(Stop::Hotdrop)?;
            Ok(span::holds(spi, index))
        });
        Pred::all([cx.xt_header(8), index.into()])
    }
}

impl Xt<0> for Esp {
    type Info = XtEsp;

    fn encode(&self, _: &Carry<'_>) -> Option<XtEsp> {
        let Self { spi } = *self;
        Some(XtEsp { spis: [spi.is.lo, spi.is.hi], invflags: spi.not.into(), ..Default::default() })
    }

    fn decode(info: &XtEsp, _: &Carry<'_>) -> Option<Self> {
        let XtEsp { spis: [lo, hi], invflags, _pad } = *info;
        Some(Self { spi: Inv { is: Span { lo, hi }, not: invflags != 0 } })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(V4, Filter, "-p 50 --espspi 0x5:", "-p esp -m esp --espspi 5:4294967295", "esp spis:5:4294967295");
        check(V4, Filter, "-p esp -m esp ! --espspi 6:5", "-p esp -m esp ! --espspi 6:5", "esp spis:!6:5");
        check(V4, Filter, "-p esp -m esp --espspi :", "-p esp -m esp", "esp");
        refused(V4, Filter, "-p esp -m esp --espspi x");
    }
}
