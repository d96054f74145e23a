//! `-m ecn` and `-j ECN`: the bits of explicit congestion notification.
//!
//! Kernel: net/netfilter/xt_ecn.c, net/ipv4/netfilter/ipt_ECN.c; ABI: uapi/linux/netfilter/xt_ecn.h,
//! uapi/linux/netfilter_ipv4/ipt_ECN.h.
use super::prelude::*;
use ox_wire::xtables::mark::{IptEcnTargetInfo, XtEcnInfo};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ecn {
    ece: Option<Inv<Flag>>,
    cwr: Option<Inv<Flag>>,
    ect: Option<Inv<Ect>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Ect(u8);

impl Value for Ect {
    const HINT: &'static str = "0..3";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match number(args[0], 3) {
            Some(n) => Ok(Ect(n as u8)),
            None => Err(format!("`{}' does not fit the two bits: a number from 0 to 3 is expected", args[0])),
        }
    }
}

options! { Ecn;
    /// The TCP flag ECE is set.
    ECE ["ecn-tcp-ece"] Inv<Flag> => |e, v| e.ece = Some(v);
    /// The TCP flag CWR is set.
    CWR ["ecn-tcp-cwr"] Inv<Flag> => |e, v| e.cwr = Some(v);
    /// The two bits in the IP header have this value.
    ECT ["ecn-ip-ect"] Inv<Ect> => |e, v| e.ect = Some(v);
}

impl Ext for Ecn {
    const NAME: &'static str = "ecn";
    const ABOUT: &'static str = "Looks at the bits of explicit congestion notification.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say which bits: --ecn-tcp-ece, --ecn-tcp-cwr or --ecn-ip-ect".into()) } else { Ok(()) }
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let Self { ece, cwr, ect: _ } = self;
        if (ece.is_some() || cwr.is_some()) && at.head.proto != Inv::plain(Proto::TCP) {
            return Err(Refused::invalid("the TCP flags of ecn are only valid behind `-p tcp'"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { ece, cwr, ect } = *self;
        if let Some(v) = ece {
            out.flag(v.not, "--ecn-tcp-ece");
        }
        if let Some(v) = cwr {
            out.flag(v.not, "--ecn-tcp-cwr");
        }
        if let Some(v) = ect {
            out.opt(v.not, "--ecn-ip-ect", v.is.0);
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { ece, cwr, ect } = *self;
        out.word("ECN match");
        let not = |not| if not { "!" } else { "" };
        if let Some(v) = ece {
            out.fmt(format_args!(" {}ECE", not(v.not)));
        }
        if let Some(v) = cwr {
            out.fmt(format_args!(" {}CWR", not(v.not)));
        }
        if let Some(v) = ect {
            out.fmt(format_args!(" {}ECT={}", not(v.not), v.is.0));
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { ece, cwr, ect } = *self;
        if (ece.is_some() || cwr.is_some()) && nft.head.proto != Inv::plain(Proto::TCP) {
            return nft.no("the TCP flags of ecn are only valid behind `-p tcp'");
        }
        for (flag, want) in [("ecn", ece), ("cwr", cwr)] {
            // Compared for equality, the other flags would have to be clear.
            match want {
                Some(Inv { not: false, .. }) => nft.say(format_args!("tcp flags {flag}")),
                Some(Inv { not: true, .. }) => nft.say(format_args!("tcp flags & {flag} == 0x0")),
                None => {}
            }
        }
        if let Some(Inv { is: Ect(n), not }) = ect {
            let name = ["not-ect", "ect1", "ect0", "ce"].get(usize::from(n)).copied().unwrap_or("ce");
            nft.test(&format!("{} ecn", nft.ip()), not, name);
        }
        Some(())
    }
}

impl Matching for Ecn {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { ece, cwr, ect } = *self;
        let mut all = Vec::new();
        if let Some(v) = ect {
            all.push(Pred::masked(Field::Tos, 3u8, v.is.0).not_if(v.not));
        }
        if ece.is_some() || cwr.is_some() {
            // The kernel reads where a TCP header would be, also in a fragment that has none; too short does not match.
            let flags = Native::new("TCP congestion flags", Effect::Stable, move |at| {
                let header = at.packet.transport();
                let (Some(&flags), true) = (header.get(13), header.len() >= 20) else { return Ok(false) };
                let holds = |want: Option<Inv<Flag>>, bit: u8| want.is_none_or(|w| (flags & bit != 0) != w.not);
                Ok(holds(ece, 0x40) && holds(cwr, 0x80))
            });
            all.push(flags.into());
        }
        Pred::All(all)
    }
}

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetEcn;

options! { SetEcn;
    /// Take all bits of congestion notification out of a TCP header.
    REMOVE ["ecn-tcp-remove"] Flag => |_e, _v| ();
}

impl Ext for SetEcn {
    const NAME: &'static str = "ECN";
    const FAMILIES: Families = Families::V4;
    const ABOUT: &'static str = "Takes explicit congestion notification out of TCP packets.";
    const TABLES: &'static [TableName] = &[TableName::Mangle];

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say what to do: --ecn-tcp-remove".into()) } else { Ok(()) }
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let Self = self;
        if at.head.proto != Inv::plain(Proto::TCP) {
            return Err(Refused::invalid("ECN is only valid behind `-p tcp'"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self = self;
        out.word("--ecn-tcp-remove");
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self = self;
        out.word("ECN TCP remove");
    }
}

impl Acting for SetEcn {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self = self;
        Act::Native(NativeAct::new("remove ECN", Effect::Stable, |at| {
            let (l4, end) = (at.packet.layout.l4, at.packet.layout.end);
            let Some(header) = at.packet.bytes.get_mut(l4..end).filter(|h| h.len() >= 20) else {
                return Ok(Verdict::Drop);
            };
            let old = u16::from_be_bytes([header[12], header[13]]);
            let new = old & !0x00c0;
            if new != old {
                let check = u16::from_be_bytes([header[16], header[17]]);
                let check = ox_packet::checksum::replace2(check, old, new);
                header[12..14].copy_from_slice(&new.to_be_bytes());
                header[16..18].copy_from_slice(&check.to_be_bytes());
                at.packet.reread().map_err(|_| Stop::Unknown("the packet cannot be read any more"))?;
            }
            Ok(Verdict::Continue)
        }))
    }
}

/// `XT_ECN_OP_MATCH_…`, what is asked and what of it stands behind a `!`.
const MATCH_IP: u8 = 0x01;
const MATCH_ECE: u8 = 0x10;
const MATCH_CWR: u8 = 0x20;

impl Xt<0> for Ecn {
    type Info = XtEcnInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtEcnInfo> {
        let Self { ece, cwr, ect } = *self;
        let mut info = XtEcnInfo { ip_ect: ect.map_or(0, |v| v.is.0), ..Default::default() };
        for (bit, not) in
            [(MATCH_IP, ect.map(|v| v.not)), (MATCH_ECE, ece.map(|v| v.not)), (MATCH_CWR, cwr.map(|v| v.not))]
        {
            if let Some(not) = not {
                info.operation |= bit;
                info.invert |= if not { bit } else { 0 };
            }
        }
        Some(info)
    }

    fn decode(info: &XtEcnInfo, _: &Carry<'_>) -> Option<Self> {
        let XtEcnInfo { operation, invert, ip_ect, tcp_ect: _ } = *info;
        let asked = |bit: u8| (operation & bit != 0).then_some(invert & bit != 0);
        Some(Self {
            ece: asked(MATCH_ECE).map(|not| Inv { is: Flag, not }),
            cwr: asked(MATCH_CWR).map(|not| Inv { is: Flag, not }),
            ect: asked(MATCH_IP).map(|not| Inv { is: Ect(ip_ect), not }),
        })
    }
}

/// The kernel could set single bits; no program says so.
impl Xt<0> for SetEcn {
    type Info = IptEcnTargetInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<IptEcnTargetInfo> {
        let Self = self;
        // `IPT_ECN_OP_SET_ECE`, `IPT_ECN_OP_SET_CWR`: to nothing.
        Some(IptEcnTargetInfo { operation: 0x10 | 0x20, ..Default::default() })
    }

    fn decode(_: &IptEcnTargetInfo, _: &Carry<'_>) -> Option<Self> {
        Some(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::{Filter, Mangle};
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        check(
            V6,
            Filter,
            "-p tcp -m ecn ! --ecn-ip-ect 2 --ecn-tcp-cwr ! --ecn-tcp-ece",
            "-p tcp -m ecn ! --ecn-tcp-ece --ecn-tcp-cwr ! --ecn-ip-ect 2",
            "ECN match !ECE CWR !ECT=2",
        );
        check(V4, Mangle, "-p tcp -j ECN --ecn-tcp-rem", "-p tcp -j ECN --ecn-tcp-remove", "ECN TCP remove");
        refused(V4, Filter, "-m ecn");
        refused(V4, Filter, "-m ecn --ecn-ip-ect 4");
        refused(V4, Mangle, "-p tcp -j ECN");
    }
}
