//! `-j ULOG`: hand a copy of the packet to a program over netlink, and go on. Linux 3.17 dropped it for NFLOG; old dumps
//! have it.
//!
//! Kernel: net/ipv4/netfilter/ipt_ULOG.c (until 3.16); ABI: linux/netfilter_ipv4/ipt_ULOG.h (32 groups, 32 bytes of prefix,
//! zero included).
use super::prelude::*;
use crate::bytes::cut;
use ox_wire::xtables::report::IptUlogInfo;

/// The target.
#[derive(Clone, Debug, PartialEq)]
pub struct Ulog {
    group: u16,
    range: u32,
    threshold: u16,
    prefix: String,
}

impl Default for Ulog {
    fn default() -> Self {
        Self { group: 1, range: 0, threshold: 1, prefix: String::new() }
    }
}

options! { Ulog;
    /// Netlink group, 1 to 32.
    GROUP ["ulog-nlgroup"] Within<1, 32> => |u, v| u.group = v.0;
    /// How many bytes of the packet to copy; 0 for all.
    RANGE ["ulog-cprange"] u32 => |u, v| u.range = v;
    /// How many packets the kernel gathers before it sends them, 1 to 50.
    THRESHOLD ["ulog-qthreshold"] Within<1, 50> => |u, v| u.threshold = v.0;
    /// Words that go with the copy.
    PREFIX ["ulog-prefix"] Prefix => |u, v| u.prefix = v.0;
}

/// A number between two others.
struct Within<const LO: u16, const HI: u16>(u16);

impl<const LO: u16, const HI: u16> Value for Within<LO, HI> {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let n = number(args[0], HI.into()).map(|n| n as u16).filter(|&n| n >= LO);
        n.map(Self).ok_or_else(|| format!("`{}' is not a number from {LO} to {HI}", args[0]))
    }
}

struct Prefix(String);

impl Value for Prefix {
    const HINT: &'static str = "TEXT";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            "" => Err("a prefix has at least one character".into()),
            text if text.contains('\n') => Err("a prefix cannot hold a line break".into()),
            text => Ok(Prefix(cut(text, 31).to_owned())),
        }
    }
}

impl Ext for Ulog {
    const NAME: &'static str = "ULOG";
    const FAMILIES: Families = Families::V4;
    const ABOUT: &'static str =
        "Hands a copy of the packet to a program, and goes on. Linux has NFLOG for it since 3.17.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { group, range, threshold, prefix } = self;
        if !prefix.is_empty() {
            out.word("--ulog-prefix");
            out.quoted(prefix);
        }
        if *group != 1 {
            out.opt(false, "--ulog-nlgroup", group);
        }
        if *range != 0 {
            out.opt(false, "--ulog-cprange", range);
        }
        if *threshold != 1 {
            out.opt(false, "--ulog-qthreshold", threshold);
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { group, range, threshold, prefix } = self;
        out.word("ULOG");
        out.fmt(format_args!(" copy_range {range} nlgroup {group}"));
        if !prefix.is_empty() {
            out.fmt(format_args!(" prefix \"{prefix}\""));
        }
        out.fmt(format_args!(" queue_threshold {threshold}"));
    }
}

impl Acting for Ulog {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { group, range: _, threshold: _, prefix } = self;
        Act::Log(LogSpec { kind: LogKind::Ulog, prefix: prefix.clone(), level: 0, flags: 0, group: *group })
    }
}

/// Groups are bits there.
impl Xt<0> for Ulog {
    type Info = IptUlogInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<IptUlogInfo> {
        let Self { group, range, threshold, prefix } = self;
        Some(IptUlogInfo {
            nl_group: 1u32.checked_shl(u32::from(*group).checked_sub(1)?)?,
            copy_range: (*range).into(),
            qthreshold: (*threshold).into(),
            prefix: chars(prefix)?,
            ..Default::default()
        })
    }

    fn decode(info: &IptUlogInfo, _: &Carry<'_>) -> Option<Self> {
        let IptUlogInfo { nl_group, _gap, copy_range, qthreshold, prefix } = info;
        Some(Self {
            group: nl_group.trailing_zeros() as u16 + 1,
            range: u32::try_from(*copy_range).ok()?,
            threshold: u16::try_from(*qthreshold).ok()?,
            prefix: text(prefix)?.into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        let four = |typed: &str, printed: &str, listed: &str| {
            check(V4, Filter, &format!("-j ULOG{typed}"), &format!("-j ULOG{printed}"), listed);
        };
        four("", "", "ULOG copy_range 0 nlgroup 1 queue_threshold 1");
        four(" --ulog-nlgroup 1 --ulog-qthreshold 1", "", "ULOG copy_range 0 nlgroup 1 queue_threshold 1");
        four(
            " --ulog-qthreshold 50 --ulog-cprange 100 --ulog-nlgroup 32 --ulog-prefix \"a b\"",
            " --ulog-prefix \"a b\" --ulog-nlgroup 32 --ulog-cprange 100 --ulog-qthreshold 50",
            "ULOG copy_range 100 nlgroup 32 prefix \"a b\" queue_threshold 50",
        );
        four(
            " --ulog-prefix abcdefghijklmnopqrstuvwxyzabcdefg",
            " --ulog-prefix abcdefghijklmnopqrstuvwxyzabcde",
            "ULOG copy_range 0 nlgroup 1 prefix \"abcdefghijklmnopqrstuvwxyzabcde\" queue_threshold 1",
        );
        for rest in ["--ulog-nlgroup 0", "--ulog-nlgroup 33", "--ulog-qthreshold 51", "--ulog-prefix \"\""] {
            refused(V4, Filter, &format!("-j ULOG {rest}"));
        }
        refused(V6, Filter, "-j ULOG --ulog-nlgroup 1");
    }
}
