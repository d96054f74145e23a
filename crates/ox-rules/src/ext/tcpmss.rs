//! `-m tcpmss` and `-j TCPMSS`: the maximum segment size that a TCP packet announces.
//!
//! Kernel: net/netfilter/xt_tcpmss.c, net/netfilter/xt_TCPMSS.c; ABI: uapi/linux/netfilter/xt_tcpmss.h. The match reads
//! where a TCP header would be, also in a fragment that has none; the target never raises the size.
use super::Match;
use super::prelude::*;
use ox_packet::{Mss, set_mss};
use ox_wire::xtables::port::{XtTcpmssInfo, XtTcpmssMatchInfo};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tcpmss {
    mss: Inv<Ports>,
}

options! { Tcpmss;
    /// The size, or first and last of a range.
    MSS ["mss"] Inv<Sizes>, .needed() => |t, v| t.mss = Inv { is: v.is.0, not: v.not };
}

struct Sizes(Ports);

impl Value for Sizes {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N[:N]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        let end = |t: &str, default| if t.is_empty() { Some(default) } else { number(t, 65535).map(|n| n as u16) };
        let (lo, hi) = match text.split_once(':') {
            Some((lo, hi)) => (end(lo, 0), end(hi, u16::MAX)),
            None => (number(text, 65535).map(|n| n as u16), number(text, 65535).map(|n| n as u16)),
        };
        match (lo, hi) {
            (Some(lo), Some(hi)) if lo <= hi => Ok(Sizes(Ports { lo, hi })),
            (Some(_), Some(_)) => Err(format!("the range `{text}' runs backwards")),
            _ => Err(format!("`{text}' is not a size or a range of sizes from 0 to 65535")),
        }
    }
}

impl Ext for Tcpmss {
    const NAME: &'static str = "tcpmss";
    const ABOUT: &'static str = "Looks at the maximum segment size that a TCP packet announces.";
    const PROTO: Option<u8> = Some(6);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { mss } = *self;
        out.opt(mss.not, "--mss", mss.is);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { mss } = *self;
        out.word("tcpmss match ");
        out.raw(if mss.not { "!" } else { "" });
        mss.is.print(out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { mss } = *self;
        if nft.head.proto != Inv::plain(Proto::TCP) {
            return nft.no("tcpmss is only valid behind `-p tcp'");
        }
        if mss.not {
            return nft
                .no("packets without the option pass `! --mss', and nft asks for the size only where there is one");
        }
        let Ports { lo, hi } = mss.is;
        match lo == hi {
            true => nft.test("tcp option maxseg size", false, lo),
            false => nft.test("tcp option maxseg size", false, format_args!("{lo}-{hi}")),
        }
        Some(())
    }
}

/// The announced size; `None` if there is none.
fn announced(header: &[u8]) -> Result<Option<u16>, Stop> {
    let end = usize::from(header.get(12).copied().unwrap_or(0) >> 4) * 4;
    if header.len() < 20 || end < 20 || end > header.len() {
        return Err(Stop::Hotdrop);
    }
    let mut options = &header[20..end];
    while let Some((&kind, rest)) = options.split_first() {
        if let [2, 4, high, low, ..] = *options {
            return Ok(Some(u16::from_be_bytes([high, low])));
        }
        let skip = if kind < 2 { 1 } else { usize::from(rest.first().copied().unwrap_or(1)).max(1) };
        options = options.get(skip..).unwrap_or_default();
    }
    Ok(None)
}

impl Matching for Tcpmss {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { mss } = *self;
        Native::new("TCP segment size", Effect::Stable, move |at| {
            let size = announced(at.packet.supposed_transport())?;
            Ok(size.is_some_and(|n| mss.is.lo <= n && n <= mss.is.hi) != mss.not)
        })
        .into()
    }
}

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetMss {
    size: Option<Size>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    Fixed(u16),
    /// The path MTU without the headers.
    Path,
}

options! { SetMss;
    /// This size, at most.
    SET ["set-mss"] Bytes => |t, v| t.size = Some(Size::Fixed(v.0));
    /// What fits the path there and back.
    CLAMP ["clamp-mss-to-pmtu"] Flag => |t, _v| t.size = Some(Size::Path);
}

struct Bytes(u16);

impl Value for Bytes {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "BYTES";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        // 65535 without one IP header, as stock has it.
        let most = 65535 - header(cx.family);
        number(args[0], most)
            .map(|n| Bytes(n as u16))
            .ok_or_else(|| format!("`{}' is not a segment size: a number from 0 to {most} is expected", args[0]))
    }
}

/// Length of the IP header that is assumed.
fn header(family: Family) -> u32 {
    match family {
        Family::V4 => 20,
        Family::V6 => 40,
    }
}

impl Ext for SetMss {
    const NAME: &'static str = "TCPMSS";
    const ABOUT: &'static str = "Lowers the segment size that a TCP SYN announces, and goes on.";
    const PROTO: Option<u8> = Some(6);

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say --set-mss or --clamp-mss-to-pmtu".into()) } else { Ok(()) }
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        const ROUTED: HookSet = HookSet::of(&[Hook::Forward, Hook::Output, Hook::Postrouting]);
        if self.size == Some(Size::Path) && !ROUTED.covers(at.checked_hooks()) {
            return Err(Refused::invalid("--clamp-mss-to-pmtu can be asked only in FORWARD, OUTPUT and POSTROUTING"));
        }
        let syn = at.matches.iter().any(|m| matches!(m, Match::Tcp(tcp) if tcp.wants_syn()));
        if at.dialect == Dialect::Legacy && !syn {
            return Err(Refused::invalid("TCPMSS works only on SYN packets: add `--syn' or `--tcp-flags SYN,RST SYN'"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { size } = *self;
        match size {
            Some(Size::Fixed(n)) => out.opt(false, "--set-mss", n),
            Some(Size::Path) => out.word("--clamp-mss-to-pmtu"),
            None => {}
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { size } = *self;
        match size {
            Some(Size::Fixed(n)) => out.opt(false, "TCPMSS set", n),
            Some(Size::Path) => out.word("TCPMSS clamp to PMTU"),
            None => {}
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { size } = *self;
        nft.word("tcp option maxseg size set");
        match size? {
            Size::Fixed(n) => nft.value(n),
            Size::Path => nft.word("rt mtu"),
        }
        Some(())
    }
}

impl Acting for SetMss {
    fn act(&self, cx: &Lowering<'_>) -> Act {
        let Self { size } = *self;
        let Some(size) = size else { return Act::None };
        let headers = header(cx.family) + 20;
        Act::Native(NativeAct::new("TCPMSS", Effect::Stable, move |at| {
            let packet = &mut *at.packet;
            if packet.layout.shape.any(Shape::FRAGMENT) {
                return Ok(Verdict::Continue);
            }
            packet.meta.pulled = usize::MAX;
            let size = match size {
                Size::Fixed(n) => n,
                Size::Path => {
                    let (there, back) = at.env.path_mtu(packet);
                    let mtu = there.min(back);
                    if mtu <= headers {
                        return Ok(Verdict::Drop);
                    }
                    // The kernel keeps the low 16 bits.
                    (mtu - headers) as u16
                }
            };
            match set_mss(&mut packet.bytes, &packet.layout, size) {
                Mss::Broken => return Ok(Verdict::Drop),
                Mss::Kept => {}
                Mss::Lowered(_) | Mss::Inserted(_) => {
                    packet.reread().map_err(|_| Stop::Hotdrop)?;
                }
            }
            Ok(Verdict::Continue)
        }))
    }
}

impl Xt<0> for Tcpmss {
    type Info = XtTcpmssMatchInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtTcpmssMatchInfo> {
        let Self { mss } = *self;
        let Ports { lo, hi } = mss.is;
        Some(XtTcpmssMatchInfo { mss_min: lo, mss_max: hi, invert: mss.not.into(), ..Default::default() })
    }

    fn decode(info: &XtTcpmssMatchInfo, _: &Carry<'_>) -> Option<Self> {
        let XtTcpmssMatchInfo { mss_min, mss_max, invert, _pad } = *info;
        Some(Self { mss: Inv { is: Ports { lo: mss_min, hi: mss_max }, not: invert != 0 } })
    }
}

/// The size that stands for the path's (`XT_TCPMSS_CLAMP_PMTU`).
const CLAMP_PMTU: u16 = 0xffff;

impl Xt<0> for SetMss {
    type Info = XtTcpmssInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtTcpmssInfo> {
        let Self { size } = *self;
        let mss = match size? {
            Size::Fixed(n) => n,
            Size::Path => CLAMP_PMTU,
        };
        Some(XtTcpmssInfo { mss })
    }

    fn decode(info: &XtTcpmssInfo, _: &Carry<'_>) -> Option<Self> {
        let XtTcpmssInfo { mss } = *info;
        Some(Self { size: Some(if mss == CLAMP_PMTU { Size::Path } else { Size::Fixed(mss) }) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::announced;
    use crate::ir::Stop;
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(V4, Filter, "-p tcp -m tcpmss ! --mss :10", "-p tcp -m tcpmss ! --mss 0:10", "tcpmss match !0:10");
        check(V4, Filter, "-p tcp -m tcpmss --mss 5:5", "-p tcp -m tcpmss --mss 5", "tcpmss match 5");
        refused(V4, Filter, "-p tcp -m tcpmss --mss 10:5");
        refused(V4, Filter, "-p tcp -m tcpmss --mss 65536");
    }

    #[test]
    fn finds_the_option() {
        let mut header = vec![0u8; 32];
        header[12] = 8 << 4;
        header[20..32].copy_from_slice(&[1, 3, 3, 7, 2, 4, 5, 0xb4, 0, 0, 0, 0]);
        assert_eq!(announced(&header), Ok(Some(1460)));
        assert_eq!(announced(&header[..28]), Err(Stop::Hotdrop), "options cut off");
        header[25] = 5;
        assert_eq!(announced(&header), Ok(None), "an MSS option of another length is none");
        header[12] = 4 << 4;
        assert_eq!(announced(&header), Err(Stop::Hotdrop), "data offset inside the header");
    }
}
