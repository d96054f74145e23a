//! `-m dccp`: ports, type and one option of a DCCP header.
//!
//! Kernel: net/netfilter/xt_dccp.c; ABI: uapi/linux/netfilter/xt_dccp.h.
use super::ports::Resolved;
use super::prelude::*;
use ox_wire::xtables::port::XtDccpInfo;
use std::cmp::Ordering;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dccp {
    sport: Option<Inv<Ports>>,
    dport: Option<Inv<Ports>>,
    types: Option<Inv<Types>>,
    option: Inv<u8>,
}

/// Bit `n` stands for type `n`; INVALID for those that have no name.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Types(u16);

const NAMES: [&str; 10] =
    ["REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK"];
const INVALID: u16 = 0xfc00;

options! { Dccp;
    /// Source port, or first and last port of a range.
    SPORT ["source-port", "sport"] Inv<Resolved> => |d, v| d.sport = Some(Inv { is: v.is.0, not: v.not });
    /// Destination port, or first and last port of a range.
    DPORT ["destination-port", "dport"] Inv<Resolved> => |d, v| d.dport = Some(Inv { is: v.is.0, not: v.not });
    /// Packet types, separated by commas (REQUEST RESPONSE DATA ACK DATAACK CLOSEREQ CLOSE RESET SYNC SYNCACK INVALID).
    TYPES ["dccp-types"] Inv<Types> => |d, v| d.types = Some(v);
    /// DCCP option of this number is there.
    OPTION ["dccp-option"] Inv<OptionKind> => |d, v| d.option = Inv { is: v.is.0, not: v.not };
}

impl Value for Types {
    const FORMS: &'static [Form] = &[Form::Texts];
    const HINT: &'static str = "TYPE,…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let mut bits = 0;
        for name in args[0].split(',').filter(|n| !n.is_empty()) {
            bits |= match NAMES.iter().position(|n| n.eq_ignore_ascii_case(name)) {
                Some(n) => 1 << n,
                None if name.eq_ignore_ascii_case("INVALID") => INVALID,
                None => return Err(format!("`{name}' is not a DCCP type: {} INVALID", NAMES.join(" "))),
            };
        }
        match bits {
            0 => Err("at least one type is expected".into()),
            bits => Ok(Types(bits)),
        }
    }
}

struct OptionKind(u8);

impl Value for OptionKind {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "NUMBER";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match number(args[0], 255) {
            Some(n @ 1..) => Ok(OptionKind(n as u8)),
            _ => Err(format!("`{}' is not a DCCP option: a number from 1 to 255 is expected", args[0])),
        }
    }
}

impl Types {
    fn print(self, numeric: bool, out: &mut Out) {
        let mut comma = "";
        for n in (0..16u16).filter(|n| self.0 & 1 << n != 0) {
            match NAMES.get(usize::from(n)) {
                _ if numeric => out.fmt(format_args!("{comma}{n}")),
                Some(name) => out.fmt(format_args!("{comma}{name}")),
                None => {
                    out.fmt(format_args!("{comma}INVALID"));
                    return;
                }
            }
            comma = ",";
        }
    }
}

impl Ext for Dccp {
    const NAME: &'static str = "dccp";
    const ABOUT: &'static str = "Looks at the ports, the type and the options of a DCCP header.";
    const PROTO: Option<u8> = Some(33);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { sport, dport, types, option } = *self;
        if let Some(ports) = sport {
            save_ports(ports, "--sport", out);
        }
        if let Some(ports) = dport {
            save_ports(ports, "--dport", out);
        }
        if let Some(types) = types {
            out.flag(types.not, "--dccp-types");
            out.gap();
            types.is.print(false, out);
        }
        if option.is != 0 {
            out.opt(option.not, "--dccp-option", option.is);
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { sport, dport, types, option } = *self;
        out.word("dccp");
        super::ports::list(sport.unwrap_or_default(), "spt", out, show);
        super::ports::list(dport.unwrap_or_default(), "dpt", out, show);
        if let Some(types) = types {
            out.raw(if types.not { " ! " } else { " " });
            types.is.print(show.numeric, out);
        }
        if option.is != 0 {
            out.fmt(format_args!(" option={}{}", if option.not { "!" } else { "" }, option.is));
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { sport, dport, types, option } = *self;
        for (key, ports) in [("dccp sport", sport), ("dccp dport", dport)] {
            if let Some(Inv { is: Ports { lo, hi }, not }) = ports {
                match lo.cmp(&hi) {
                    Ordering::Equal => nft.test(key, not, lo),
                    Ordering::Less => nft.test(key, not, format_args!("{lo}-{hi}")),
                    Ordering::Greater => return nft.no("nft has no range that runs backwards, in which no port is"),
                }
            }
        }
        if option.is != 0 {
            return nft.no("nft does not look at DCCP options");
        }
        let Some(Inv { is: Types(bits), not }) = types else { return Some(()) };
        let mut names: Vec<String> =
            (0..NAMES.len()).filter(|n| bits & 1 << n != 0).map(|n| NAMES[n].to_ascii_lowercase()).collect();
        if bits & INVALID != 0 {
            names.push("10-15".to_owned());
        }
        match names.as_slice() {
            [] => return nft.no("nft cannot ask for no type at all"),
            [one] => nft.test("dccp type", not, &one[..]),
            names => nft.test("dccp type", not, format_args!("{{ {} }}", names.join(", "))),
        }
        Some(())
    }
}

/// Unlike tcp's, a full range is printed too.
fn save_ports(ports: Inv<Ports>, name: &str, out: &mut Out) {
    out.opt(ports.not, name, ports.is);
}

impl Matching for Dccp {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { sport, dport, types, option } = *self;
        let mut all = vec![
            cx.xt_header(12),
            super::ports::pred(sport.unwrap_or_default(), Field::Sport),
            super::ports::pred(dport.unwrap_or_default(), Field::Dport),
        ];
        if let Some(types) = types {
            let kind = Native::new("DCCP type", Effect::Stable, move |at| {
                let header = ox_packet::Dccp::new(at.packet.transport()).ok_or(Stop::Hotdrop)?;
                Ok((types.is.0 & 1 << header.kind() != 0) != types.not)
            });
            all.push(kind.into());
        }
        if option.is != 0 {
            all.push(has_option(option.is).not_if(option.not));
        }
        Pred::All(all)
    }
}

/// Kernel: `dccp_find_option`, which walks as if these were TCP's options: only numbers 0 and 1 stand alone.
fn has_option(kind: u8) -> Pred {
    Native::new("DCCP option", Effect::Stable, move |at| {
        let header = ox_packet::Dccp::new(at.packet.transport()).ok_or(Stop::Hotdrop)?;
        let mut options = header.option_bytes().ok_or(Stop::Hotdrop)?;
        while let Some((&found, rest)) = options.split_first() {
            if found == kind {
                return Ok(true);
            }
            let skip = if found < 2 { 1 } else { usize::from(rest.first().copied().unwrap_or(1)).max(1) };
            options = options.get(skip..).unwrap_or_default();
        }
        Ok(false)
    })
    .into()
}

impl Xt<0> for Dccp {
    type Info = XtDccpInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtDccpInfo> {
        let Self { sport, dport, types, option } = *self;
        let range = |ports: Option<Inv<Ports>>| ports.map_or([0, 0], |p| [p.is.lo, p.is.hi]);
        let said = [sport.is_some(), dport.is_some(), types.is_some(), option.is != 0];
        let not = |p: Option<Inv<Ports>>| p.is_some_and(|p| p.not);
        Some(XtDccpInfo {
            dpts: range(dport),
            spts: range(sport),
            flags: bits(said).into(),
            invflags: bits([not(sport), not(dport), types.is_some_and(|t| t.not), option.not]).into(),
            typemask: types.map_or(0, |t| t.is.0),
            option: option.is,
            ..Default::default()
        })
    }

    fn decode(info: &XtDccpInfo, _: &Carry<'_>) -> Option<Self> {
        let XtDccpInfo { dpts, spts, flags, invflags, typemask, option, _pad } = *info;
        let [s, d, t, o] = unbits(flags as u8);
        let [not_s, not_d, not_t, not_o] = unbits(invflags as u8);
        Some(Self {
            sport: s.then_some(super::ports::pair(spts, not_s)),
            dport: d.then_some(super::ports::pair(dpts, not_d)),
            types: t.then_some(Inv { is: Types(typemask), not: not_t }),
            option: Inv { is: if o { option } else { 0 }, not: not_o },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        for (typed, printed, listed) in [
            ("-p dccp --sport :", "-p dccp -m dccp --sport 0:65535", "dccp"),
            ("-p dccp ! --dport :", "-p dccp -m dccp ! --dport 0:65535", "dccp dpts:!0:65535"),
            (
                "-p dccp ! --dccp-option 3 ! --dccp-types reset,invalid --sport 8",
                "-p dccp -m dccp --sport 8 ! --dccp-types RESET,INVALID ! --dccp-option 3",
                "dccp spt:8 ! 7,10,11,12,13,14,15 option=!3",
            ),
        ] {
            check(V4, Filter, typed, printed, listed);
        }
        refused(V4, Filter, "-p dccp --dccp-types nosuch");
        refused(V4, Filter, "-p dccp --dccp-option 0");
    }
}
