//! `-m tcp`: the ports, flags and one option of a TCP header.
//!
//! Kernel: net/netfilter/xt_tcpudp.c `tcp_mt`; ABI: uapi/linux/netfilter/xt_tcpudp.h `struct xt_tcp`.
//! iptables-nft writes ports and flags as payload expressions, so a short header does not match there instead of
//! dropping the packet; with `--tcp-option`, or with no condition at all, it writes the xt match.
use super::prelude::*;
use ox_wire::xtables::port::XtTcp;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tcp {
    sport: Inv<Ports>,
    dport: Inv<Ports>,
    flags: Inv<Flags>,
    option: Inv<u8>,
}

/// Flags looked at, and those of them that must be set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Flags {
    mask: u8,
    set: u8,
}

/// `--syn`: SYN set, FIN, RST and ACK clear.
const SYN_ONLY: Flags = Flags { mask: 0x17, set: 0x02 };

/// Names in the order in which they print, with their bits.
const NAMES: [(&str, u8); 6] = [("FIN", 1), ("SYN", 2), ("RST", 4), ("PSH", 8), ("ACK", 16), ("URG", 32)];

options! { Tcp;
    /// Source port, or first and last port of a range.
    SPORT ["source-port", "sport"] Inv<Ports> => |t, v| t.sport = v;
    /// Destination port, or first and last port of a range.
    DPORT ["destination-port", "dport"] Inv<Ports> => |t, v| t.dport = v;
    /// Flags to look at, then those of them that must be set (FIN SYN RST PSH ACK URG, ALL, NONE).
    FLAGS ["tcp-flags"] Inv<Flags>, .excl(Self::SYN) => |t, v| t.flags = v;
    /// A packet that opens a connection: SYN without FIN, RST or ACK.
    SYN ["syn"] Inv<Flag>, .excl(Self::FLAGS) => |t, v| t.flags = Inv { is: SYN_ONLY, not: v.not };
    /// TCP option of this number is there.
    OPTION ["tcp-option"] Inv<OptionKind> => |t, v| t.option = Inv { is: v.is.0, not: v.not };
}

struct OptionKind(u8);

impl Value for OptionKind {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "NUMBER";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match number(args[0], 255) {
            Some(n @ 1..) => Ok(OptionKind(n as u8)),
            _ => Err(format!("`{}' is not a TCP option: a number from 1 to 255 is expected", args[0])),
        }
    }
}

impl Value for Flags {
    const FORMS: &'static [Form] = &[Form::Texts];
    const ARGS: u8 = 2;
    const HINT: &'static str = "MASK SET";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        Ok(Flags { mask: read_flags(args[0])?, set: read_flags(args[1])? })
    }
}

fn read_flags(text: &str) -> Result<u8, String> {
    let mut bits = 0;
    for name in text.split(',').filter(|n| !n.is_empty()) {
        bits |= match NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            Some(&(_, bit)) => bit,
            None if name.eq_ignore_ascii_case("ALL") => 0x3f,
            None if name.eq_ignore_ascii_case("NONE") => 0,
            None => return Err(format!("`{name}' is not a TCP flag: FIN SYN RST PSH ACK URG, ALL or NONE")),
        };
    }
    Ok(bits)
}

impl Ext for Tcp {
    const NAME: &'static str = "tcp";
    const ABOUT: &'static str = "Looks at the ports, the flags and the options of a TCP header.";

    fn check(&mut self, _: u32, cx: &Reading<'_>) -> Result<(), String> {
        // iptables-nft asks before it writes expressions, and takes `! -p tcp' as well as `-p tcp'.
        if self.is_native(cx.dialect) && cx.head.proto.is != Proto::TCP {
            return Err("it goes with `-p tcp'".into());
        }
        Ok(())
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        if !self.is_native(at.dialect) && at.head.proto != Inv::plain(Proto::TCP) {
            return Err(Refused::invalid("tcp is only valid behind `-p tcp'"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { sport, dport, flags, option } = *self;
        if !sport.is.is_all() || sport.not {
            out.opt(sport.not, "--sport", sport.is);
        }
        if !dport.is.is_all() || dport.not {
            out.opt(dport.not, "--dport", dport.is);
        }
        if option.is != 0 {
            out.opt(option.not, "--tcp-option", option.is);
        }
        if flags.is != Flags::default() || flags.not {
            out.flag(flags.not, "--tcp-flags");
            out.gap();
            print_flags(flags.is.mask, out);
            out.gap();
            print_flags(flags.is.set, out);
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { sport, dport, flags, option } = *self;
        out.word("tcp");
        super::ports::list(sport, "spt", out, show);
        super::ports::list(dport, "dpt", out, show);
        if option.is != 0 {
            out.word("option=");
            out.raw(if option.not { "!" } else { "" });
            option.is.print(out);
        }
        if flags.is != Flags::default() || flags.not {
            out.word("flags:");
            out.raw(if flags.not { "!" } else { "" });
            if show.numeric {
                out.fmt(format_args!("0x{:02X}/0x{:02X}", flags.is.mask, flags.is.set));
            } else {
                print_flags(flags.is.mask, out);
                out.raw("/");
                print_flags(flags.is.set, out);
            }
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { sport, dport, flags, option } = *self;
        super::ports::behind(Proto::TCP, nft)?;
        super::ports::translate("tcp sport", sport, nft)?;
        super::ports::translate("tcp dport", dport, nft)?;
        if option.is != 0 {
            // An option alone does not tell nft the protocol, which a translation of ports behind it asks for.
            if sport.is_default() && dport.is_default() && flags == Inv::default() {
                nft.needs_protocol();
            }
            nft.say(format_args!("tcp option {} {}", option.is, if option.not { "missing" } else { "exists" }));
        }
        let Inv { is: Flags { mask, set }, not } = flags;
        if flags == Inv::default() {
            return Some(());
        }
        if mask == 0 && set != 0 {
            return nft.no("it asks for flags of a mask without any; no packet has them");
        }
        let (mask_names, set_names) = (nft_flags(mask), nft_flags(set));
        // nft 1.0.6 reads no mask of one flag behind the slash.
        if mask.count_ones() == 1 {
            nft.say(format_args!("tcp flags & {mask_names} {} {set_names}", if not { "!=" } else { "==" }));
        } else {
            nft.test("tcp flags", not, format_args!("{set_names} / {mask_names}"));
        }
        Some(())
    }
}

/// Flags as nft writes them.
fn nft_flags(bits: u8) -> String {
    let names: Vec<String> =
        NAMES.iter().filter(|(_, bit)| bits & bit != 0).map(|(name, _)| name.to_ascii_lowercase()).collect();
    if names.is_empty() { "0x0".to_owned() } else { names.join(",") }
}

fn print_flags(bits: u8, out: &mut Out) {
    let mut first = true;
    for (name, bit) in NAMES {
        if bits & bit != 0 {
            if !first {
                out.raw(",");
            }
            out.raw(name);
            first = false;
        }
    }
    if first {
        out.raw("NONE");
    }
}

impl Tcp {
    /// Whether the kernel gets expressions of nf_tables instead of the xt match.
    pub(super) fn is_native(&self, dialect: Dialect) -> bool {
        dialect == Dialect::Nft && self.option.is == 0 && *self != Self::default()
    }

    /// The same without what iptables-nft writes nothing for, right or wrong.
    pub(super) fn written(&self) -> Self {
        let Self { sport, dport, flags, option } = self.clone();
        Self {
            sport: super::ports::written(sport),
            dport: super::ports::written(dport),
            flags: if flags.is.mask == 0 { Inv::default() } else { flags },
            option,
        }
    }

    /// Both conditions in one, if no part of the header is asked for twice.
    pub(super) fn merged(&self, other: &Self) -> Option<Self> {
        let Self { sport, dport, flags, option } = self.clone();
        Some(Self {
            sport: super::ports::either(sport, other.sport)?,
            dport: super::ports::either(dport, other.dport)?,
            flags: super::ports::either(flags, other.flags)?,
            option: super::ports::either(option, other.option)?,
        })
    }

    /// Whether SYN is among the flags asked for, as TCPMSS wants it (Kernel: xt_TCPMSS.c `find_syn_match`).
    pub(super) fn wants_syn(&self) -> bool {
        let Self { flags, sport: _, dport: _, option: _ } = self;
        flags.is.set & 0x02 != 0 && !flags.not
    }
}

impl Matching for Tcp {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        if self.is_native(cx.dialect) {
            let Self { sport, dport, flags, option: _ } = self.written();
            let mut all = super::ports::native(sport, dport, cx);
            if flags != Inv::default() {
                all.push(cx.native_header(14));
                let byte =
                    super::ports::payload("tcp flags", 13, move |b: [u8; 1]| b[0] & flags.is.mask == flags.is.set);
                let test = Pred::masked(Field::TcpFlags, flags.is.mask, flags.is.set);
                all.push(if cx.head.proto.not { byte } else { test }.not_if(flags.not));
            }
            return Pred::All(all);
        }
        let Self { sport, dport, flags, option } = *self;
        let mut all = vec![
            super::ports::overlapping_fragment(cx.family),
            cx.xt_header(20),
            super::ports::pred(sport, Field::Sport),
            super::ports::pred(dport, Field::Dport),
            Pred::masked(Field::TcpFlags, flags.is.mask, flags.is.set).not_if(flags.not),
        ];
        if option.is != 0 {
            all.push(has_option(option.is).not_if(option.not));
        }
        Pred::All(all)
    }
}

impl Xt<0> for Tcp {
    type Info = XtTcp;

    fn encode(&self, _: &Carry<'_>) -> Option<XtTcp> {
        let Self { sport, dport, flags, option } = *self;
        Some(XtTcp {
            spts: [sport.is.lo, sport.is.hi],
            dpts: [dport.is.lo, dport.is.hi],
            option: option.is,
            flg_mask: flags.is.mask,
            flg_cmp: flags.is.set,
            invflags: bits([sport.not, dport.not, flags.not, option.not]),
        })
    }

    fn decode(info: &XtTcp, _: &Carry<'_>) -> Option<Self> {
        let XtTcp { spts, dpts, option, flg_mask, flg_cmp, invflags } = *info;
        let [s, d, f, o] = unbits(invflags);
        Some(Self {
            sport: super::ports::pair(spts, s),
            dport: super::ports::pair(dpts, d),
            flags: Inv { is: Flags { mask: flg_mask, set: flg_cmp }, not: f },
            option: Inv { is: option, not: o },
        })
    }
}

/// Kernel: `tcp_find_option`: kind and length pairs up to the data offset; a data offset below the header, or options
/// that are not there, drop the packet.
fn has_option(kind: u8) -> Pred {
    Native::new("tcp option", Effect::Stable, move |at| {
        let header = at.packet.transport();
        let end = usize::from(header.get(12).copied().unwrap_or(0) >> 4) * 4;
        if end < 20 || end > header.len() {
            return Err(Stop::Hotdrop);
        }
        let mut options = &header[20..end];
        while let Some((&found, rest)) = options.split_first() {
            if found == kind {
                return Ok(true);
            }
            // End-of-list and padding are one byte long; any other says its length, and zero counts as one.
            let skip = if found < 2 { 1 } else { usize::from(rest.first().copied().unwrap_or(1)).max(1) };
            options = options.get(skip..).unwrap_or_default();
        }
        Ok(false)
    })
    .into()
}
