//! `-j LOG`: describe the packet in the kernel log, and go on.
//!
//! Kernel: net/netfilter/xt_LOG.c, net/netfilter/nf_log_syslog.c; ABI: uapi/linux/netfilter/xt_LOG.h (30 bytes of
//! prefix, zero included).
use super::prelude::*;
use ox_wire::xtables::report::XtLogInfo;

/// The target.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    level: Level,
    prefix: String,
    flags: u8,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level(WARNING), prefix: String::new(), flags: 0 }
    }
}

/// syslog's number for a warning, which is not printed.
const WARNING: u8 = 4;

/// Longest prefix that the kernel keeps; stock cuts the rest off.
const PREFIX: usize = 29;

/// What is printed beside the ordinary, with its bit (ABI: uapi/linux/netfilter/nf_log.h).
const FLAGS: [(&str, u8); 5] =
    [("tcp-sequence", 1), ("tcp-options", 2), ("ip-options", 4), ("uid", 8), ("macdecode", 32)];

/// Names in listings, by number.
const NAMES: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

options! { Log;
    /// syslog level: a number from 0 to 7, or its name. 4, warning, if not given.
    LEVEL ["log-level"] Level => |l, v| l.level = v;
    /// Words in front of the record, at most 29 bytes.
    PREFIX ["log-prefix"] Text => |l, v| l.prefix(v.0);
    /// Print TCP sequence numbers.
    SEQ ["log-tcp-sequence"] Flag => |l, _v| l.flags |= 1;
    /// Print TCP options.
    TCPOPT ["log-tcp-options"] Flag => |l, _v| l.flags |= 2;
    /// Print IP options.
    IPOPT ["log-ip-options"] Flag => |l, _v| l.flags |= 4;
    /// Print the user who owns the sending socket.
    UID ["log-uid"] Flag => |l, _v| l.flags |= 8;
    /// Print MAC addresses and the protocol apart.
    MAC ["log-macdecode"] Flag => |l, _v| l.flags |= 32;
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Level(u8);

impl Value for Level {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "LEVEL";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let typed = args[0];
        if let Some(n) = number(typed, 7) {
            return Ok(Level(n as u8));
        }
        // These long forms are what stock reads, though it lists the short ones: both are read here.
        let long = match typed {
            "panic" => "emerg",
            "error" => "err",
            "warning" => "warn",
            other => other,
        };
        match NAMES.iter().position(|&n| n == long) {
            Some(n) => Ok(Level(n as u8)),
            None => Err(format!("`{typed}' is not a level: 0 to 7, or one of {}", NAMES.join(" "))),
        }
    }
}

/// ` prefix "…"`, if there is one.
pub(super) fn translate_prefix(prefix: &str, nft: &mut Nft<'_>) -> Option<()> {
    if prefix.is_empty() {
        return Some(());
    }
    let bytes = prefix.as_bytes();
    if bytes.windows(2).any(|w| w[0] == b'$' && (w[1].is_ascii_alphabetic() || w[1] == b'_')) {
        return nft.no("nft would take the `$' in the prefix for a variable");
    }
    nft.word("prefix");
    nft.quoted(prefix)
}

impl Log {
    fn prefix(&mut self, text: String) -> Result<(), String> {
        if text.is_empty() {
            return Err("a prefix has at least one character".into());
        }
        if text.contains('\n') {
            return Err("a prefix cannot hold a line break".into());
        }
        self.prefix = bytes::cut(&text, PREFIX).to_owned();
        Ok(())
    }
}

impl Ext for Log {
    const NAME: &'static str = "LOG";
    const ABOUT: &'static str = "Describes the packet in the kernel log, and goes on with the next rule.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { level, prefix, flags } = self;
        if !prefix.is_empty() {
            out.word("--log-prefix");
            out.quoted(prefix);
        }
        if level.0 != WARNING {
            out.opt(false, "--log-level", level.0);
        }
        for (name, bit) in FLAGS {
            if flags & bit != 0 {
                out.word("--log-");
                out.raw(name);
            }
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { level, prefix, flags } = self;
        out.word("LOG");
        if show.numeric {
            out.opt(false, "flags", *flags);
            out.opt(false, "level", level.0);
        } else {
            out.opt(false, "level", NAMES.get(usize::from(level.0)).copied().unwrap_or("?"));
            for (name, bit) in FLAGS {
                if flags & bit != 0 {
                    out.word(name);
                }
            }
        }
        if !prefix.is_empty() {
            out.fmt(format_args!(" prefix \"{prefix}\""));
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { level, prefix, flags } = self;
        nft.word("log");
        translate_prefix(prefix, nft)?;
        if level.0 != WARNING {
            nft.say(format_args!("level {}", NAMES.get(usize::from(level.0))?));
        }
        let has = |bit: u8| flags & bit != 0;
        if FLAGS.iter().all(|&(_, bit)| has(bit)) {
            nft.word("flags all");
            return Some(());
        }
        match (has(1), has(2)) {
            (true, true) => nft.word("flags tcp sequence,options"),
            (true, false) => nft.word("flags tcp sequence"),
            (false, true) => nft.word("flags tcp options"),
            (false, false) => {}
        }
        for (bit, words) in [(4, "flags ip options"), (8, "flags skuid"), (32, "flags ether")] {
            if has(bit) {
                nft.word(words);
            }
        }
        Some(())
    }
}

impl Acting for Log {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { level, prefix, flags } = self;
        Act::Log(LogSpec { kind: LogKind::Kernel, prefix: prefix.clone(), level: level.0, flags: *flags, group: 0 })
    }
}

impl Xt<0> for Log {
    type Info = XtLogInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtLogInfo> {
        let Self { level, prefix, flags } = self;
        Some(XtLogInfo { level: level.0, logflags: *flags, prefix: chars(prefix)? })
    }

    fn decode(info: &XtLogInfo, _: &Carry<'_>) -> Option<Self> {
        let XtLogInfo { level, logflags, prefix } = info;
        let known: u8 = FLAGS.iter().map(|(_, bit)| bit).sum();
        if *level > 7 || logflags & !known != 0 {
            return None;
        }
        Some(Self { level: Level(*level), prefix: text(prefix)?.into_owned(), flags: *logflags })
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
            ("-j LOG", "-j LOG", "LOG flags 0 level 4"),
            ("-j LOG --log-level warning", "-j LOG", "LOG flags 0 level 4"),
            ("-j LOG --log-level 0x3", "-j LOG --log-level 3", "LOG flags 0 level 3"),
            ("-j LOG --log-level panic", "-j LOG --log-level 0", "LOG flags 0 level 0"),
            (
                "-j LOG --log-prefix \"a b: \" --log-tcp-s --log-tcp-o --log-ip --log-uid --log-m --log-level info",
                "-j LOG --log-prefix \"a b: \" --log-level 6 --log-tcp-sequence --log-tcp-options --log-ip-options --log-uid --log-macdecode",
                "LOG flags 47 level 6 prefix \"a b: \"",
            ),
            (
                "-j LOG --log-prefix 123456789012345678901234567890",
                "-j LOG --log-prefix 12345678901234567890123456789",
                "LOG flags 0 level 4 prefix \"12345678901234567890123456789\"",
            ),
        ] {
            check(V4, Filter, typed, printed, listed);
        }
        for typed in [
            "-j LOG --log-level 8",
            "-j LOG --log-level none",
            "-j LOG --log-prefix \"\"",
            "-j LOG ! --log-uid",
            "-j LOG --log-uid --log-uid",
        ] {
            refused(V4, Filter, typed);
        }
    }
}
