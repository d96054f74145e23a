//! `-j CHECKSUM`: fills in a checksum that was left to the network card.
//!
//! Kernel: net/netfilter/xt_CHECKSUM.c; ABI: uapi/linux/netfilter/xt_CHECKSUM.h.
use super::prelude::*;
use ox_wire::xtables::port::XtChecksumInfo;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checksum {
    fill: bool,
}

options! { Checksum;
    /// Compute the checksum that the network card was to compute.
    FILL ["checksum-fill"] Flag, .needed() => |c, _v| c.fill = true;
}

impl Ext for Checksum {
    const NAME: &'static str = "CHECKSUM";
    const ABOUT: &'static str = "Fills in a checksum that was left to the network card, and goes on.";
    const TABLES: &'static [TableName] = &[TableName::Mangle];

    fn save(&self, out: &mut Out, _: Family) {
        let Self { fill } = *self;
        if fill {
            out.word("--checksum-fill");
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { fill } = *self;
        out.word("CHECKSUM");
        if fill {
            out.word("fill");
        }
    }
}

impl Acting for Checksum {
    fn act(&self, _: &Lowering<'_>) -> Act {
        // Most packets here are whole, as on the wire, and these are not touched.
        Act::Native(NativeAct::new("CHECKSUM", Effect::Stable, |at| {
            at.packet.meta.partial = false;
            Ok(Verdict::Continue)
        }))
    }
}

impl Xt<0> for Checksum {
    type Info = XtChecksumInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtChecksumInfo> {
        let Self { fill } = *self;
        Some(XtChecksumInfo { operation: bits([fill]) })
    }

    fn decode(info: &XtChecksumInfo, _: &Carry<'_>) -> Option<Self> {
        let XtChecksumInfo { operation } = *info;
        let [fill] = unbits(operation);
        Some(Self { fill })
    }
}
