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
                let header = at.packet.supposed_transport();
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
pub struct SetEcn {
    ece: Option<bool>,
    cwr: Option<bool>,
    ect: Option<u8>,
}

options! { SetEcn;
    /// Take all bits of congestion notification out of a TCP header.
    REMOVE ["ecn-tcp-remove"] Flag, .excl(Self::CWR | Self::ECE) => |e, _v| *e = SetEcn::NONE;
    /// Set the CWR bit of the TCP header to 0 or 1.
    CWR ["ecn-tcp-cwr"] Bit, .excl(Self::REMOVE) => |e, v| e.cwr = Some(v.0);
    /// Set the ECE bit of the TCP header to 0 or 1.
    ECE ["ecn-tcp-ece"] Bit, .excl(Self::REMOVE) => |e, v| e.ece = Some(v.0);
    /// Set the two bits of the IP header, 0 to 3.
    ECT ["ecn-ip-ect"] Ect => |e, v| e.ect = Some(v.0);
}

impl SetEcn {
    /// Nothing but `--ecn-tcp-remove`, which forgets what was said before it.
    const NONE: Self = Self { ece: Some(false), cwr: Some(false), ect: None };
}

struct Bit(bool);

impl Value for Bit {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "0|1";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let bit = number(args[0], 1).map(|n| Bit(n == 1));
        bit.ok_or_else(|| format!("`{}' is neither 0 nor 1", args[0]))
    }
}

impl Ext for SetEcn {
    const NAME: &'static str = "ECN";
    const FAMILIES: Families = Families::V4;
    const ABOUT: &'static str = "Changes the bits of explicit congestion notification.";
    const TABLES: &'static [TableName] = &[TableName::Mangle];

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say what to do: --ecn-tcp-remove, for one".into()) } else { Ok(()) }
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let Self { ece, cwr, ect: _ } = self;
        if (ece.is_some() || cwr.is_some()) && at.head.proto != Inv::plain(Proto::TCP) {
            return Err(Refused::invalid("ECN changes TCP headers behind `-p tcp' only"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { ece, cwr, ect } = *self;
        if *self == Self::NONE {
            out.word("--ecn-tcp-remove");
            return;
        }
        for (name, bit) in [("--ecn-tcp-ece", ece), ("--ecn-tcp-cwr", cwr)] {
            if let Some(bit) = bit {
                out.opt(false, name, u8::from(bit));
            }
        }
        if let Some(ect) = ect {
            out.opt(false, "--ecn-ip-ect", ect);
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { ece, cwr, ect } = *self;
        out.word("ECN");
        if *self == Self::NONE {
            out.word("TCP remove");
            return;
        }
        for (name, bit) in [("ECE", ece), ("CWR", cwr)] {
            if let Some(bit) = bit {
                out.fmt(format_args!(" {name}={}", u8::from(bit)));
            }
        }
        if let Some(ect) = ect {
            out.fmt(format_args!(" ECT codepoint={ect}"));
        }
    }
}

impl Acting for SetEcn {
    /// Kernel: `ecn_tg`, which does nothing to the TCP bits when those asked for have their values already.
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { ece, cwr, ect } = *self;
        Act::Native(NativeAct::new("congestion bits", Effect::Stable, move |at| {
            let packet = &mut *at.packet;
            if let Some(ect) = ect {
                ox_packet::rewrite::set_ecn(&mut packet.bytes, &packet.layout, ect);
            }
            if (ece.is_some() || cwr.is_some()) && packet.layout.proto == Proto::TCP.0 {
                let (l4, end) = (packet.layout.l4, packet.layout.end);
                let Some(header) = packet.bytes.get_mut(l4..end).filter(|h| h.len() >= 20) else {
                    return Ok(Verdict::Drop);
                };
                let old = u16::from_be_bytes([header[12], header[13]]);
                let wanted = |bit: u16, to: Option<bool>| to.map_or(old & bit, |on| if on { bit } else { 0 });
                let new = old & !0x00c0 | wanted(0x40, ece) | wanted(0x80, cwr);
                if new != old {
                    let check = u16::from_be_bytes([header[16], header[17]]);
                    let check = ox_packet::checksum::replace2(check, old, new);
                    header[12..14].copy_from_slice(&new.to_be_bytes());
                    header[16..18].copy_from_slice(&check.to_be_bytes());
                }
            }
            packet.reread().map_err(|_| Stop::Unknown("the packet cannot be read any more"))?;
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
        let Self { ece, cwr, ect } = *self;
        let bit = |bit: u8, on: bool| if on { bit } else { 0 };
        Some(IptEcnTargetInfo {
            operation: bit(SET_IP, ect.is_some()) | bit(SET_ECE, ece.is_some()) | bit(SET_CWR, cwr.is_some()),
            ip_ect: ect.unwrap_or(0),
            proto: bit(1, ece == Some(true)) | bit(2, cwr == Some(true)),
        })
    }

    fn decode(info: &IptEcnTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let IptEcnTargetInfo { operation, ip_ect, proto } = *info;
        let said = |bit: u8, on: bool| (operation & bit != 0).then_some(on);
        let ect = (operation & SET_IP != 0).then_some(ip_ect);
        Some(Self { ece: said(SET_ECE, proto & 1 != 0), cwr: said(SET_CWR, proto & 2 != 0), ect })
    }

    /// Nobody looks at a value that is not set: stock keeps those that `--ecn-tcp-remove` made it forget.
    fn settle(info: &mut IptEcnTargetInfo, _: &Carry<'_>) {
        let on = |bit: u8| info.operation & bit != 0;
        info.ip_ect = if on(SET_IP) { info.ip_ect } else { 0 };
        info.proto &= bits([on(SET_ECE), on(SET_CWR)]);
    }
}

/// Bits of `operation` (`IPT_ECN_OP_SET_*`).
const SET_IP: u8 = 0x01;
const SET_ECE: u8 = 0x10;
const SET_CWR: u8 = 0x20;

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
        check(
            V4,
            Mangle,
            "-p tcp -j ECN --ecn-tcp-remove --ecn-ip-ect 2",
            "-p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 2",
            "ECN ECE=0 CWR=0 ECT codepoint=2",
        );
        check(V4, Mangle, "-j ECN --ecn-ip-ect 0", "-j ECN --ecn-ip-ect 0", "ECN ECT codepoint=0");
        refused(V4, Mangle, "-p tcp -j ECN");
        refused(V4, Mangle, "-p tcp -j ECN --ecn-tcp-cwr 2");
        refused(V4, Mangle, "-p tcp -j ECN --ecn-tcp-cwr 1 --ecn-tcp-remove");
    }

    #[test]
    fn bits_are_set_and_taken_out() {
        use super::super::trial::Trial;
        use ox_packet::{Build, tcp};
        let run = |options: &str| {
            let build = Build::tcp(([1, 1, 1, 1], 1), ([2, 2, 2, 2], 2), tcp::SYN | 0x40);
            let mut packet = crate::ir::Packet::new(build.bytes()).unwrap();
            Trial::of(&format!("-p tcp -j ECN {options}")).run(&mut packet, None).unwrap();
            assert!(ox_packet::validate(&packet.bytes, false).is_ok());
            (packet.bytes[33], packet.bytes[1] & 3)
        };
        assert_eq!(run("--ecn-tcp-remove"), (tcp::SYN, 0));
        assert_eq!(run("--ecn-tcp-cwr 1 --ecn-ip-ect 2"), (tcp::SYN | 0xc0, 2));
        assert_eq!(run("--ecn-tcp-ece 0"), (tcp::SYN, 0));
    }
}
