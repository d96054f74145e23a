//! `-j AUDIT`: write an audit record, and go on.
//!
//! Kernel: net/netfilter/xt_AUDIT.c; ABI: uapi/linux/netfilter/xt_AUDIT.h.
use super::prelude::*;
use ox_wire::xtables::security::XtAuditInfo;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Kind {
    #[default]
    Accept,
    Drop,
    Reject,
}

options! { Audit;
    /// What the record says was done: accept, drop or reject.
    KIND ["type"] Kind, .needed() => |a, v| a.kind = v;
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Kind::Accept => "accept",
            Kind::Drop => "drop",
            Kind::Reject => "reject",
        }
    }
}

impl Value for Kind {
    const HINT: &'static str = "accept|drop|reject";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        [Kind::Accept, Kind::Drop, Kind::Reject]
            .into_iter()
            .find(|k| k.name().eq_ignore_ascii_case(args[0]))
            .ok_or_else(|| format!("`{}' is not a type: accept, drop or reject", args[0]))
    }
}

impl Ext for Audit {
    const NAME: &'static str = "AUDIT";
    const ABOUT: &'static str = "Writes an audit record about the packet, and goes on.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { kind } = *self;
        out.opt(false, "--type", kind.name());
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { kind } = *self;
        out.opt(false, "AUDIT", kind.name());
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { kind: _ } = *self;
        nft.word("log level audit");
        Some(())
    }
}

impl Acting for Audit {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { kind: _ } = *self;
        Act::Native(NativeAct::new("audit record", Effect::Stable, |_| Ok(Verdict::Continue)))
    }
}

impl Xt<0> for Audit {
    type Info = XtAuditInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtAuditInfo> {
        let Self { kind } = *self;
        Some(XtAuditInfo { r#type: kind as u8 })
    }

    fn decode(info: &XtAuditInfo, _: &Carry<'_>) -> Option<Self> {
        let XtAuditInfo { r#type } = *info;
        Some(Self { kind: [Kind::Accept, Kind::Drop, Kind::Reject].into_iter().find(|k| *k as u8 == r#type)? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(V4, Filter, "-j AUDIT --type DROP", "-j AUDIT --type drop", "AUDIT drop");
        refused(V4, Filter, "-j AUDIT");
        refused(V4, Filter, "-j AUDIT --type nosuch");
    }
}
