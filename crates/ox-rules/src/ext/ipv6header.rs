//! `-m ipv6header`: which extension headers a packet has.
//!
//! Kernel: net/ipv6/netfilter/ip6t_ipv6header.c; ABI: uapi/linux/netfilter_ipv6/ip6t_ipv6header.h.
use super::prelude::*;
use ox_packet::{Ipv6, proto};
use ox_wire::xtables::ipv6::Ip6tIpv6headerInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ipv6header {
    headers: Inv<Headers>,
    soft: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Headers(u8);

/// Name, other name, number and bit, in the order in which they print.
const NAMES: [(&str, &str, u8, u8); 8] = [
    ("hop-by-hop", "hop", proto::HOPOPTS, 128),
    ("ipv6-opts", "dst", proto::DSTOPTS, 64),
    ("ipv6-route", "route", proto::ROUTING, 32),
    ("ipv6-frag", "frag", proto::FRAGMENT, 16),
    ("ah", "auth", proto::AH, 8),
    ("esp", "esp", 50, 4),
    ("ipv6-nonxt", "none", proto::NONE, 2),
    ("protocol", "prot", 255, 1),
];

/// The bit of a transport header.
const PROTO: u8 = 1;

options! { Ipv6header;
    /// The headers, separated by commas: hop dst route frag auth esp none prot, or their numbers.
    HEADER ["header"] Inv<Headers>, .needed() => |i, v| i.headers = v;
    /// These headers and perhaps others.
    SOFT ["soft"] Flag => |i, _v| i.soft = true;
}

impl Value for Headers {
    const FORMS: &'static [Form] = &[Form::Texts];
    const HINT: &'static str = "HEADER,…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let mut bits = 0;
        for name in args[0].split(',') {
            // A number is one more name to stock, which knows it in one spelling only.
            let is = |(long, short, kind, _): &&(&str, &str, u8, u8)| {
                *long == name || *short == name || kind.to_string() == name
            };
            let found = NAMES.iter().find(is);
            bits |= found.ok_or_else(|| format!("`{name}' is not a header: hop dst route frag auth esp none prot"))?.3;
        }
        Ok(Headers(bits))
    }
}

impl Headers {
    fn print(self, out: &mut Out) {
        let mut comma = "";
        for (name, ..) in NAMES.iter().filter(|n| self.0 & n.3 != 0) {
            out.raw(comma);
            out.raw(name);
            comma = ",";
        }
    }
}

impl Ext for Ipv6header {
    const NAME: &'static str = "ipv6header";
    const FAMILIES: Families = Families::V6;
    const ABOUT: &'static str = "Asks which extension headers the packet has.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { headers, soft } = *self;
        out.flag(headers.not, "--header");
        out.gap();
        headers.is.print(out);
        if soft {
            out.word("--soft");
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { headers, soft } = *self;
        out.word("ipv6header flags:");
        out.raw(if headers.not { "!" } else { "" });
        if show.numeric {
            out.fmt(format_args!("0x{:02X}", headers.is.0));
        } else {
            headers.is.print(out);
        }
        if soft {
            out.word("soft");
        }
    }
}

/// The bits of the headers that are there; `None` where the kernel gives up.
fn present(packet: &[u8]) -> Result<Option<u8>, Stop> {
    let Some(ip) = Ipv6::new(packet) else { return Err(Stop::Hotdrop) };
    let (mut next, mut at, mut bits) = (ip.next_header(), 40, 0);
    while let Some(&(.., bit)) = NAMES.iter().find(|n| n.2 == next && n.3 != PROTO) {
        if next == proto::NONE {
            bits |= bit;
            break;
        }
        let Some(&[following, units]) = packet.get(at..).and_then(|h: &[u8]| h.first_chunk()) else { return Ok(None) };
        bits |= bit;
        if bit == 4 {
            break;
        }
        at += match next {
            proto::FRAGMENT => 8,
            proto::AH => (usize::from(units) + 2) * 4,
            _ => (usize::from(units) + 1) * 8,
        };
        next = following;
        if at > packet.len() {
            break;
        }
    }
    if next != proto::NONE && next != 50 {
        bits |= PROTO;
    }
    Ok(Some(bits))
}

impl Matching for Ipv6header {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { headers, soft } = *self;
        Native::new("extension headers", Effect::Stable, move |at| {
            let packet = at.packet.bytes.get(..at.packet.layout.end).unwrap_or(&at.packet.bytes);
            let Some(bits) = present(packet)? else { return Ok(false) };
            let want = headers.is.0;
            if soft {
                // Negated, each single one must be absent.
                let flip = if headers.not { 0xff } else { 0 };
                return Ok((bits ^ want ^ flip) & want == 0);
            }
            Ok((bits == want) != headers.not)
        })
        .into()
    }
}

/// Flags are all bits of a byte or none.
impl Xt<0> for Ipv6header {
    type Info = Ip6tIpv6headerInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<Ip6tIpv6headerInfo> {
        let Self { headers, soft } = *self;
        let all = |on: bool| if on { u8::MAX } else { 0 };
        Some(Ip6tIpv6headerInfo { matchflags: headers.is.0, invflags: all(headers.not), modeflag: all(soft) })
    }

    fn decode(info: &Ip6tIpv6headerInfo, _: &Carry<'_>) -> Option<Self> {
        let Ip6tIpv6headerInfo { matchflags, invflags, modeflag } = *info;
        Some(Self { headers: Inv { is: Headers(matchflags), not: invflags != 0 }, soft: modeflag != 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::present;
    use crate::model::TableName::Filter;
    use ox_packet::Family::V6;

    #[test]
    fn reads_and_prints() {
        check(
            V6,
            Filter,
            "-m ipv6header --soft ! --header prot,frag,0,auth",
            "-m ipv6header ! --header hop-by-hop,ipv6-frag,ah,protocol --soft",
            "ipv6header flags:!0x99 soft",
        );
        refused(V6, Filter, "-m ipv6header --soft");
        refused(V6, Filter, "-m ipv6header --header proto");
    }

    #[test]
    fn headers_are_found() {
        let mut packet = vec![0u8; 64];
        packet[6] = 6;
        assert_eq!(present(&packet), Ok(Some(1)), "tcp alone");
        packet[6] = 0;
        packet[40] = 44;
        packet[48] = 59;
        assert_eq!(present(&packet), Ok(Some(128 | 16 | 2)));
        assert_eq!(present(&packet[..49]), Ok(None), "no room for the next header");
    }
}
