//! `-j NFLOG`: hand a copy of the packet to a program that listens on a group, and go on.
//!
//! Kernel: net/netfilter/xt_NFLOG.c; ABI: uapi/linux/netfilter/xt_NFLOG.h (64 bytes of prefix, zero included).
//! iptables-nft writes it as the log expression, which takes a prefix of 127 bytes and has no `--nflog-range`.
use super::prelude::*;
use crate::bytes::cut;
use ox_wire::xtables::report::XtNflogInfo;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nflog {
    prefix: String,
    group: u16,
    range: u32,
    size: Option<u32>,
    threshold: u16,
}

options! { Nflog;
    /// Group to send to. 0 if not given.
    GROUP ["nflog-group"] u16 => |l, v| l.group = v;
    /// Words that go with the copy.
    PREFIX ["nflog-prefix"] Prefix => |l, v| l.prefix = v.0;
    /// Never had an effect; use --nflog-size.
    RANGE ["nflog-range"] Bytes, .excl(Self::SIZE) => |l, v| l.range = v.0;
    /// How many bytes of the packet to copy.
    SIZE ["nflog-size"] u32, .excl(Self::RANGE) => |l, v| l.size = Some(v);
    /// How many packets the kernel gathers before it sends them.
    THRESHOLD ["nflog-threshold"] u16 => |l, v| l.threshold = v;
}

struct Prefix(String);

impl Value for Prefix {
    const HINT: &'static str = "TEXT";
    fn read(args: &[&str], _: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        if text.is_empty() {
            return Err("a prefix has at least one character".into());
        }
        if text.contains('\n') {
            return Err("a prefix cannot hold a line break".into());
        }
        let max = if cx.dialect == Dialect::Nft { 127 } else { 63 };
        Ok(Prefix(cut(text, max).to_owned()))
    }
}

struct Bytes(u32);

impl Value for Bytes {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N";
    fn read(args: &[&str], not: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let n = u32::read(args, not, cx)?;
        Ok(Bytes(if cx.dialect == Dialect::Nft { 0 } else { n }))
    }
}

impl Nflog {
    fn print(&self, dashes: &str, out: &mut Out) {
        let Self { prefix, group, range, size, threshold } = self;
        if !prefix.is_empty() {
            out.word(dashes);
            out.raw("nflog-prefix");
            out.quoted(prefix);
        }
        let mut number = |name: &str, n: u32| {
            out.word(dashes);
            out.raw(name);
            out.value(n);
        };
        if *group != 0 {
            number("nflog-group", (*group).into());
        }
        if let Some(size) = *size {
            number("nflog-size", size);
        } else if *range != 0 {
            number("nflog-range", *range);
        }
        if *threshold != 0 {
            number("nflog-threshold", (*threshold).into());
        }
    }
}

impl Ext for Nflog {
    const NAME: &'static str = "NFLOG";
    const ABOUT: &'static str = "Hands a copy of the packet to a program listening on a group, and goes on.";

    fn save(&self, out: &mut Out, _: Family) {
        self.print("--", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        self.print("", out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { prefix, group, range: _, size, threshold } = self;
        nft.word("log");
        super::log::translate_prefix(prefix, nft)?;
        if let Some(size) = size {
            nft.say(format_args!("snaplen {size}"));
        }
        if *threshold != 0 {
            nft.say(format_args!("queue-threshold {threshold}"));
        }
        nft.say(format_args!("group {group}"));
        Some(())
    }
}

impl Acting for Nflog {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { prefix, group, range: _, size: _, threshold: _ } = self;
        Act::Log(LogSpec { kind: LogKind::Nflog, prefix: prefix.clone(), level: 0, flags: 0, group: *group })
    }
}

/// `XT_NFLOG_F_COPY_LEN`: the length is that of the copy.
const COPY_LEN: u16 = 1;

impl Xt<0> for Nflog {
    type Info = XtNflogInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtNflogInfo> {
        let Self { prefix, group, range, size, threshold } = self;
        Some(XtNflogInfo {
            len: size.unwrap_or(*range),
            group: *group,
            threshold: *threshold,
            flags: size.map_or(0, |_| COPY_LEN),
            pad: 0,
            prefix: chars(prefix)?,
        })
    }

    fn decode(info: &XtNflogInfo, _: &Carry<'_>) -> Option<Self> {
        let XtNflogInfo { len, group, threshold, flags, pad: _, prefix } = info;
        let (range, size) = if flags & COPY_LEN != 0 { (0, Some(*len)) } else { (*len, None) };
        Some(Self { prefix: text(prefix)?.into_owned(), group: *group, range, size, threshold: *threshold })
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
            ("-j NFLOG", "-j NFLOG", ""),
            ("-j NFLOG --nflog-group 0 --nflog-thr 0", "-j NFLOG", ""),
            ("-j NFLOG --nflog-size 0", "-j NFLOG --nflog-size 0", "nflog-size 0"),
            (
                "-j NFLOG --nflog-range 5 --nflog-threshold 3 --nflog-group 0x2 --nflog-prefix \"a b\"",
                "-j NFLOG --nflog-prefix \"a b\" --nflog-group 2 --nflog-threshold 3",
                "nflog-prefix \"a b\" nflog-group 2 nflog-threshold 3",
            ),
        ] {
            check(V4, Filter, typed, printed, listed);
        }
        refused(V4, Filter, "-j NFLOG --nflog-size 10 --nflog-range 5");
        refused(V4, Filter, "-j NFLOG --nflog-group 65536");
        refused(V4, Filter, "-j NFLOG --nflog-prefix \"\"");
    }
}
