//! `-j CLASSIFY`: the class by which traffic control queues the packet.
//!
//! Kernel: net/netfilter/xt_CLASSIFY.c; ABI: uapi/linux/netfilter/xt_CLASSIFY.h.
use super::prelude::*;
use ox_wire::xtables::mark::XtClassifyTargetInfo;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Classify {
    class: Class,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Class {
    major: u16,
    minor: u16,
}

options! { Classify;
    /// Major and minor number of the class, in hexadecimal.
    CLASS ["set-class"] Class, .needed() => |c, v| c.class = v;
}

impl Value for Class {
    const HINT: &'static str = "MAJOR:MINOR";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let half = |text: &str| {
            let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
            digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
        };
        let class = args[0].split_once(':').and_then(|(a, b)| Some(Class { major: half(a)?, minor: half(b)? }));
        class.ok_or_else(|| format!("`{}' is not a class: two numbers up to ffff in hexadecimal, like 1:20", args[0]))
    }
}

impl Ext for Classify {
    const NAME: &'static str = "CLASSIFY";
    const ABOUT: &'static str = "Sets the class by which traffic control queues the packet, and goes on.";
    const HOOKS: HookSet = HookSet::of(&[Hook::Forward, Hook::Output, Hook::Postrouting]);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { class: Class { major, minor } } = *self;
        out.opt(false, "--set-class", format_args!("{major:04x}:{minor:04x}"));
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { class: Class { major, minor } } = *self;
        out.opt(false, "CLASSIFY set", format_args!("{major:x}:{minor:x}"));
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { class: Class { major, minor } } = *self;
        nft.word("meta priority set");
        match (major, minor) {
            (0xffff, 0xffff) => nft.word("root"),
            (0, 0) => nft.word("none"),
            (major, minor) => nft.say(format_args!("{major:x}:{minor:x}")),
        }
        Some(())
    }
}

impl Acting for Classify {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { class: Class { major, minor } } = *self;
        let priority = u32::from(major) << 16 | u32::from(minor);
        Act::Native(NativeAct::new("CLASSIFY", Effect::Stable, move |at| {
            at.packet.meta.priority = priority;
            Ok(Verdict::Continue)
        }))
    }
}

impl Xt<0> for Classify {
    type Info = XtClassifyTargetInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtClassifyTargetInfo> {
        let Self { class: Class { major, minor } } = *self;
        Some(XtClassifyTargetInfo { priority: u32::from(major) << 16 | u32::from(minor) })
    }

    fn decode(info: &XtClassifyTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let XtClassifyTargetInfo { priority } = *info;
        Some(Self { class: Class { major: (priority >> 16) as u16, minor: priority as u16 } })
    }
}
