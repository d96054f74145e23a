//! `-m devgroup`: the group of the interface a packet comes in or leaves by.
//!
//! Kernel: net/netfilter/xt_devgroup.c; ABI: uapi/linux/netfilter/xt_devgroup.h.
use super::named;
use super::prelude::*;
use ox_wire::xtables::host::XtDevgroupInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Devgroup {
    src: Option<Inv<Id>>,
    dst: Option<Inv<Id>>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Id(Masked);

/// Group 0, as iproute2's table names it.
const ZERO: &str = "default";

impl Value for Id {
    const HINT: &'static str = "GROUP[/MASK]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        named::read(args[0], ZERO).map(Id)
    }
}

options! { Devgroup;
    /// Group of the interface the packet came in by.
    SRC ["src-group"] Inv<Id> => |d, v| d.src = Some(v);
    /// Group of the interface the packet leaves by.
    DST ["dst-group"] Inv<Id> => |d, v| d.dst = Some(v);
}

impl Ext for Devgroup {
    const NAME: &'static str = "devgroup";
    const ABOUT: &'static str = "Compares the device group of the interfaces.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen == 0 { Err("say which group: --src-group or --dst-group".into()) } else { Ok(()) }
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let Self { src, dst } = self;
        if src.is_some() && !HookSet::of(&[Hook::Prerouting, Hook::Input, Hook::Forward]).covers(at.checked_hooks()) {
            return Err(Refused::invalid("--src-group is used where packets do not come in"));
        }
        if dst.is_some() && !HookSet::of(&[Hook::Forward, Hook::Output, Hook::Postrouting]).covers(at.checked_hooks()) {
            return Err(Refused::invalid("--dst-group is used where packets do not leave"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { src, dst } = *self;
        for (name, group) in [("--src-group", src), ("--dst-group", dst)] {
            if let Some(group) = group {
                out.flag(group.not, name);
                named::print(group.is.0, ZERO, false, out);
            }
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { src, dst } = *self;
        for (name, group) in [("src-group", src), ("dst-group", dst)] {
            if let Some(group) = group {
                out.flag(group.not, name);
                named::print(group.is.0, ZERO, show.numeric, out);
            }
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { src, dst } = *self;
        for (key, group) in [("iifgroup", src), ("oifgroup", dst)] {
            match group {
                Some(Inv { is: Id(Masked { value: 0, mask: u32::MAX }), not }) => nft.test(key, not, "default"),
                Some(Inv { is: Id(mark), not }) => super::mark::translate_mark(key, Inv { is: mark, not }, nft)?,
                None => {}
            }
        }
        Some(())
    }
}

impl Matching for Devgroup {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { src, dst } = *self;
        Pred::all([src, dst].into_iter().flatten().map(|group| match group.is.0.mask {
            0 => Pred::Is(!group.not),
            _ => Native::unknown("device group", "the groups of the interfaces").into(),
        }))
    }
}

impl Xt<0> for Devgroup {
    type Info = XtDevgroupInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtDevgroupInfo> {
        let Self { src, dst } = *self;
        let part =
            |group: Option<Inv<Id>>| group.map_or((false, false, 0, 0), |g| (true, g.not, g.is.0.value, g.is.0.mask));
        let ((in_said, in_not, src_group, src_mask), (out_said, out_not, dst_group, dst_mask)) = (part(src), part(dst));
        let flags = bits([in_said, in_not, out_said, out_not]).into();
        Some(XtDevgroupInfo { flags, src_group, src_mask, dst_group, dst_mask })
    }

    fn decode(info: &XtDevgroupInfo, _: &Carry<'_>) -> Option<Self> {
        let XtDevgroupInfo { flags, src_group, src_mask, dst_group, dst_mask } = *info;
        let [in_said, in_not, out_said, out_not] = unbits(flags as u8);
        let part = |said: bool, not, value, mask| said.then_some(Inv { is: Id(Masked { value, mask }), not });
        Some(Self {
            src: part(in_said, in_not, src_group, src_mask),
            dst: part(out_said, out_not, dst_group, dst_mask),
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
        check(
            V4,
            Filter,
            "-m devgroup --dst-group 0x10 ! --src-group 32/0xf0",
            "-m devgroup ! --src-group 0x20/0xf0 --dst-group 0x10",
            "! src-group 0x20/0xf0 dst-group 0x10",
        );
        check(V4, Filter, "-m devgroup --src-group 0", "-m devgroup --src-group default", "src-group 0x0");
        refused(V4, Filter, "-m devgroup");
        refused(V4, Filter, "-m devgroup --src-group nosuch");
    }
}
