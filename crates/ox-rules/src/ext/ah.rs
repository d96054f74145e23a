//! `-m ah`: the IPsec authentication header.
//!
//! Kernel: net/ipv4/netfilter/ipt_ah.c, net/ipv6/netfilter/ip6t_ah.c; ABI: uapi/linux/netfilter_ipv4/ipt_ah.h,
//! uapi/linux/netfilter_ipv6/ip6t_ah.h. In IPv6 it is an extension header, looked for wherever it stands.
use super::exthdr::{self, Found};
use super::prelude::*;
use super::span::{self, Span};
use ox_wire::xtables::ipsec::{Ip6tAh, IptAh};

/// The IPv4 match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ah {
    spi: Inv<Span>,
}

options! { Ah;
    /// Security parameters index, or first and last of a range.
    SPI ["ahspi"] Inv<Span> => |a, v| a.spi = v;
}

impl Ext for Ah {
    const NAME: &'static str = "ah";
    const FAMILIES: Families = Families::V4;
    const ABOUT: &'static str = "Looks at the security parameters index of an IPsec authentication header.";
    const PROTO: Option<u8> = Some(51);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { spi } = *self;
        span::save(spi, "--ahspi", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { spi } = *self;
        out.word("ah ");
        span::list(spi, "spi", out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { spi } = *self;
        span::translate("ah spi", spi, nft)
    }
}

impl Matching for Ah {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { spi } = *self;
        let index = Native::new("AH index", Effect::Stable, move |at| {
            let index = span::word(at.packet.transport(), 4).ok_or(Stop::Hotdrop)?;
            Ok(span::holds(spi, index))
        });
        Pred::all([cx.xt_header(12), index.into()])
    }
}

/// The IPv6 match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ah6 {
    spi: Inv<Span>,
    len: Inv<u32>,
    reserved: bool,
}

options! { Ah6;
    /// Security parameters index, or first and last of a range.
    SPI ["ahspi"] Inv<Span> => |a, v| a.spi = v;
    /// Length of the header in bytes; 0 for any.
    LEN ["ahlen"] Inv<u32> => |a, v| a.len = v;
    /// The reserved bytes must be zero.
    RES ["ahres"] Flag => |a, _v| a.reserved = true;
}

impl Ext for Ah6 {
    const NAME: &'static str = "ah";
    const FAMILIES: Families = Families::V6;
    const ABOUT: &'static str = "Looks at the IPsec authentication header among the extension headers.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { spi, len, reserved } = *self;
        span::save(spi, "--ahspi", out);
        if len.is != 0 || len.not {
            out.opt(len.not, "--ahlen", len.is);
        }
        if reserved {
            out.word("--ahres");
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { spi, len, reserved } = *self;
        // The missing blank before `length' and the second one before `reserved' are stock's.
        out.word("ah ");
        span::list(spi, "spi", out);
        if len.is != 0 || len.not {
            out.fmt(format_args!("length:{}{}", if len.not { "!" } else { "" }, len.is));
        }
        out.raw(if reserved { " reserved" } else { "" });
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { spi, len, reserved } = *self;
        if !nft.head.proto.is_default() {
            return nft
                .no("nft takes the authentication header for the packet's protocol, so no other can be asked for");
        }
        if !span::says(spi) && len.is == 0 && !reserved {
            nft.word("meta l4proto ah");
        }
        span::translate("ah spi", spi, nft)?;
        if len.is != 0 {
            exthdr::translate_length("ah hdrlength", len, (4, 8), nft)?;
        }
        if reserved {
            nft.word("ah reserved 0");
        }
        Some(())
    }
}

impl Matching for Ah6 {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { spi, len, reserved } = *self;
        Native::new("AH header", Effect::Stable, move |at| {
            let header = match exthdr::find(at.packet, ox_packet::proto::AH)? {
                Found::Header(header) => header,
                Found::Absent => return Ok(false),
            };
            let (Some(index), Some(word)) = (span::word(header, 4), span::word(header, 0)) else {
                return Err(Stop::Hotdrop);
            };
            let length = ((word >> 16 & 0xff) + 2) * 4;
            if header.len() < 12 || header.len() < length as usize {
                return Err(Stop::Hotdrop);
            }
            Ok(span::holds(spi, index)
                && (len.is == 0 || (len.is == length) != len.not)
                && !(reserved && word & 0xffff != 0))
        })
        .into()
    }
}

impl Xt<0> for Ah {
    type Info = IptAh;

    fn encode(&self, _: &Carry<'_>) -> Option<IptAh> {
        let Self { spi } = *self;
        Some(IptAh { spis: [spi.is.lo, spi.is.hi], invflags: spi.not.into(), ..Default::default() })
    }

    fn decode(info: &IptAh, _: &Carry<'_>) -> Option<Self> {
        let IptAh { spis: [lo, hi], invflags, _pad } = *info;
        Some(Self { spi: Inv { is: Span { lo, hi }, not: invflags != 0 } })
    }
}

impl Xt<0> for Ah6 {
    type Info = Ip6tAh;

    fn encode(&self, _: &Carry<'_>) -> Option<Ip6tAh> {
        let Self { spi, len, reserved } = *self;
        Some(Ip6tAh {
            spis: [spi.is.lo, spi.is.hi],
            hdrlen: len.is,
            hdrres: reserved.into(),
            invflags: bits([spi.not, len.not]),
            ..Default::default()
        })
    }

    fn decode(info: &Ip6tAh, _: &Carry<'_>) -> Option<Self> {
        let Ip6tAh { spis: [lo, hi], hdrlen, hdrres, invflags, _pad } = *info;
        let [not_spi, not_len] = unbits(invflags);
        let spi = Inv { is: Span { lo, hi }, not: not_spi };
        Some(Self { spi, len: Inv { is: hdrlen, not: not_len }, reserved: hdrres != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        for (typed, printed, listed) in [
            ("-p ah -m ah", "-p ah -m ah", "ah "),
            ("-p ah --ahspi 0x10", "-p ah -m ah --ahspi 16", "ah spi:16"),
            ("-p ah -m ah ! --ahspi 5:", "-p ah -m ah ! --ahspi 5:4294967295", "ah spis:!5:4294967295"),
            ("-p ah -m ah --ahspi :", "-p ah -m ah", "ah "),
        ] {
            check(V4, Filter, typed, printed, listed);
        }
        check(
            V6,
            Filter,
            "-m ah --ahres ! --ahlen 12 --ahspi 5",
            "-m ah --ahspi 5 ! --ahlen 12 --ahres",
            "ah spi:5length:!12 reserved",
        );
        check(V6, Filter, "-m ah --ahlen 0", "-m ah", "ah ");
        check(V6, Filter, "-m ah ! --ahlen 0", "-m ah ! --ahlen 0", "ah length:!0");
        refused(V4, Filter, "-p ah -m ah --ahspi 4294967296");
        refused(V4, Filter, "-p ah -m ah --ahlen 12");
        refused(V6, Filter, "-m ah ! --ahres");
    }
}
