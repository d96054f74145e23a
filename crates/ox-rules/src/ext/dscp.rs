//! `-m dscp` and `-j DSCP`: the upper six bits of the IPv4 TOS byte or IPv6 traffic class.
//!
//! Kernel: net/netfilter/xt_dscp.c `dscp_mt`, net/netfilter/xt_DSCP.c `dscp_tg`; ABI: uapi/linux/netfilter/xt_dscp.h,
//! xt_DSCP.h.
use super::prelude::*;
use ox_wire::xtables::mark::{XtDscpInfo, XtDscpTargetInfo};

/// The classes that have names (RFC 2474, 2597, 3246).
const CLASSES: [(&str, u8); 22] = [
    ("CS0", 0x00),
    ("CS1", 0x08),
    ("CS2", 0x10),
    ("CS3", 0x18),
    ("CS4", 0x20),
    ("CS5", 0x28),
    ("CS6", 0x30),
    ("CS7", 0x38),
    ("BE", 0x00),
    ("AF11", 0x0a),
    ("AF12", 0x0c),
    ("AF13", 0x0e),
    ("AF21", 0x12),
    ("AF22", 0x14),
    ("AF23", 0x16),
    ("AF31", 0x1a),
    ("AF32", 0x1c),
    ("AF33", 0x1e),
    ("AF41", 0x22),
    ("AF42", 0x24),
    ("AF43", 0x26),
    ("EF", 0x2e),
];

/// Six bits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bits(u8);

impl Value for Bits {
    const HINT: &'static str = "VALUE";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        number(args[0], 63).map(|n| Bits(n as u8)).ok_or_else(|| {
            format!("`{}' is not a number from 0 to 63 (classes by name go with the -class option)", args[0])
        })
    }
}

impl Print for Bits {
    fn print(&self, out: &mut Out) {
        out.fmt(format_args!("0x{:02x}", self.0));
    }
}

struct Class(u8);

impl Value for Class {
    const HINT: &'static str = "CLASS";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match CLASSES.iter().find(|(name, _)| name.eq_ignore_ascii_case(args[0])) {
            Some(&(_, bits)) => Ok(Class(bits)),
            None => Err(format!("`{}' is not a class: BE, EF, CS0 to CS7, AF11 to AF43", args[0])),
        }
    }
}

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dscp {
    bits: Inv<Bits>,
}

options! { Dscp;
    /// The six bits as a number.
    DSCP ["dscp"] Inv<Bits>, .excl(Self::CLASS) => |d, v| d.bits = v;
    /// The class by name: BE, EF, CS0 to CS7, AF11 to AF43.
    CLASS ["dscp-class"] Inv<Class>, .excl(Self::DSCP) => |d, v| d.bits = Inv { is: Bits(v.is.0), not: v.not };
}

impl Ext for Dscp {
    const NAME: &'static str = "dscp";
    const ABOUT: &'static str = "Compares the differentiated services bits of the IP header.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say --dscp or --dscp-class".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { bits } = *self;
        out.opt(bits.not, "--dscp", bits.is);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { bits } = *self;
        out.word("DSCP match");
        out.word(if bits.not { "!" } else { "" });
        bits.is.print(out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { bits } = *self;
        nft.test(&format!("{} dscp", nft.ip()), bits.not, bits.is);
        Some(())
    }
}

impl Matching for Dscp {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { bits } = *self;
        Pred::masked(Field::Tos, 0xfcu8, bits.is.0 << 2).not_if(bits.not)
    }
}

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetDscp {
    bits: Bits,
}

options! { SetDscp;
    /// The six bits as a number.
    DSCP ["set-dscp"] Bits, .excl(Self::CLASS) => |d, v| d.bits = v;
    /// The class by name: BE, EF, CS0 to CS7, AF11 to AF43.
    CLASS ["set-dscp-class"] Class, .excl(Self::DSCP) => |d, v| d.bits = Bits(v.0);
}

impl Ext for SetDscp {
    const NAME: &'static str = "DSCP";
    const ABOUT: &'static str = "Sets the differentiated services bits of the IP header and goes on.";
    const TABLES: &'static [TableName] = &[TableName::Mangle];

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say --set-dscp or --set-dscp-class".into()) } else { Ok(()) }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { bits } = *self;
        out.opt(false, "--set-dscp", bits);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { bits } = *self;
        out.word("DSCP set");
        out.value(bits);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { bits } = *self;
        nft.test(&format!("{} dscp set", nft.ip()), false, bits);
        Some(())
    }
}

impl Acting for SetDscp {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { bits } = *self;
        Act::Set { field: Field::Tos, mask: 0xfc, value: u32::from(bits.0) << 2 }
    }
}

impl Xt<0> for Dscp {
    type Info = XtDscpInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtDscpInfo> {
        let Self { bits } = *self;
        Some(XtDscpInfo { dscp: bits.is.0, invert: bits.not.into() })
    }

    fn decode(info: &XtDscpInfo, _: &Carry<'_>) -> Option<Self> {
        let XtDscpInfo { dscp, invert } = *info;
        (dscp < 64).then_some(Self { bits: Inv { is: Bits(dscp), not: invert != 0 } })
    }
}

impl Xt<0> for SetDscp {
    type Info = XtDscpTargetInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtDscpTargetInfo> {
        let Self { bits } = *self;
        Some(XtDscpTargetInfo { dscp: bits.0 })
    }

    fn decode(info: &XtDscpTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let XtDscpTargetInfo { dscp } = *info;
        (dscp < 64).then_some(Self { bits: Bits(dscp) })
    }
}
