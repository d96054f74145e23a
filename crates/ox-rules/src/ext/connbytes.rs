//! `-m connbytes`: how much a connection has carried so far.
//!
//! Kernel: net/netfilter/xt_connbytes.c; ABI: uapi/linux/netfilter/xt_connbytes.h. The structure says `!` by swapping
//! the two bounds, so that `! 5:5` is `5:5`.
use super::prelude::*;
use ox_wire::xtables::rate::XtConnbytesInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connbytes {
    amount: Inv<Amount>,
    way: Way,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Amount {
    lo: u64,
    hi: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Way {
    Original,
    Reply,
    #[default]
    Both,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    Packets,
    Bytes,
    Average,
}

options! { Connbytes;
    /// Least amount, or least and greatest.
    AMOUNT ["connbytes"] Inv<Amount>, .needed() => |c, v| c.amount = v;
    /// Packets of which direction count: original, reply or both.
    DIR ["connbytes-dir"] Way, .needed() => |c, v| c.way = v;
    /// What is counted: packets, bytes, or avgpkt, the bytes of an average packet.
    MODE ["connbytes-mode"] Mode, .needed() => |c, v| c.mode = v;
}

impl Value for Amount {
    const HINT: &'static str = "N[:N]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        let end = |t: &str, default| if t.is_empty() { Some(default) } else { number_u64(t, u64::MAX) };
        let (lo, hi) = match text.split_once(':') {
            Some((lo, hi)) => (end(lo, 0), end(hi, u64::MAX)),
            None => (number_u64(text, u64::MAX), Some(u64::MAX)),
        };
        match (lo, hi) {
            (Some(lo), Some(hi)) if lo <= hi => Ok(Amount { lo, hi }),
            (Some(_), Some(_)) => Err(format!("the range `{text}' runs backwards")),
            _ => Err(format!("`{text}' is not a number or a range of numbers")),
        }
    }
}

impl Print for Amount {
    fn print(&self, out: &mut Out) {
        out.dec(self.lo);
        if self.hi != u64::MAX {
            out.raw(":");
            out.dec(self.hi);
        }
    }
}

impl Way {
    const fn name(self) -> &'static str {
        match self {
            Way::Original => "original",
            Way::Reply => "reply",
            Way::Both => "both",
        }
    }
}

impl Value for Way {
    const HINT: &'static str = "original|reply|both";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        [Way::Original, Way::Reply, Way::Both]
            .into_iter()
            .find(|w| w.name() == args[0])
            .ok_or_else(|| format!("`{}' is not a direction: original, reply or both", args[0]))
    }
}

impl Mode {
    const fn name(self) -> &'static str {
        match self {
            Mode::Packets => "packets",
            Mode::Bytes => "bytes",
            Mode::Average => "avgpkt",
        }
    }
}

impl Value for Mode {
    const HINT: &'static str = "packets|bytes|avgpkt";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        [Mode::Packets, Mode::Bytes, Mode::Average]
            .into_iter()
            .find(|m| m.name() == args[0])
            .ok_or_else(|| format!("`{}' cannot be counted: packets, bytes or avgpkt", args[0]))
    }
}

impl Ext for Connbytes {
    const NAME: &'static str = "connbytes";
    const ABOUT: &'static str = "Looks at how many packets or bytes a connection has carried so far.";
    const TRACKING: bool = true;
    const ACCOUNTING: bool = true;

    fn check(&mut self, _: u32, _: &Reading<'_>) -> Result<(), String> {
        self.amount.not &= self.amount.is.lo != self.amount.is.hi;
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { amount, way, mode } = *self;
        out.opt(amount.not, "--connbytes", amount.is);
        out.opt(false, "--connbytes-mode", mode.name());
        out.opt(false, "--connbytes-dir", way.name());
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { amount, way, mode } = *self;
        out.opt(amount.not, "connbytes", amount.is);
        out.opt(false, "connbytes mode", mode.name());
        out.opt(false, "connbytes direction", way.name());
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { amount, way, mode } = *self;
        let way = match way {
            Way::Both => "",
            way => &format!("{} ", way.name()),
        };
        let Inv { is: Amount { lo, hi }, not } = amount;
        let key = format!("ct {way}{}", mode.name());
        match (hi, not) {
            _ if lo == hi => nft.test(&key, not, lo),
            (u64::MAX, false) => nft.say(format_args!("{key} ge {lo}")),
            (u64::MAX, true) => nft.say(format_args!("{key} lt {lo}")),
            (hi, not) => nft.test(&key, not, format_args!("{lo}-{hi}")),
        }
        Some(())
    }
}

impl Matching for Connbytes {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { amount, way, mode } = *self;
        Native::new("connection's counters", Effect::Stable, move |at| {
            let Some(conn) = at.conn.as_deref() else { return Ok(false) };
            let count = |counters: [u64; 2]| match way {
                Way::Original => counters[0],
                Way::Reply => counters[1],
                Way::Both => counters[0].wrapping_add(counters[1]),
            };
            let (packets, bytes) = (count(conn.packets), count(conn.bytes));
            let what = match mode {
                Mode::Packets => packets,
                Mode::Bytes => bytes,
                Mode::Average => bytes.checked_div(packets).unwrap_or(0),
            };
            Ok((amount.is.lo <= what && what <= amount.is.hi) != amount.not)
        })
        .into()
    }
}

impl Xt<0> for Connbytes {
    type Info = XtConnbytesInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtConnbytesInfo> {
        let Self { amount, way, mode } = *self;
        let Amount { lo, hi } = amount.is;
        // A range that runs backwards is one that must not hold.
        let (from, to) = if amount.not { (hi, lo) } else { (lo, hi) };
        Some(XtConnbytesInfo { from, to, what: mode as u8, direction: way as u8, ..Default::default() })
    }

    fn decode(info: &XtConnbytesInfo, _: &Carry<'_>) -> Option<Self> {
        let XtConnbytesInfo { from, to, what, direction, _pad } = *info;
        let not = from > to;
        let amount = Inv { is: if not { Amount { lo: to, hi: from } } else { Amount { lo: from, hi: to } }, not };
        let way = [Way::Original, Way::Reply, Way::Both].into_iter().find(|w| *w as u8 == direction)?;
        let mode = [Mode::Packets, Mode::Bytes, Mode::Average].into_iter().find(|m| *m as u8 == what)?;
        Some(Self { amount, way, mode })
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
            (
                "-m connbytes --connbytes-dir reply ! --connbytes 100:200 --connbytes-mode avgpkt",
                "-m connbytes ! --connbytes 100:200 --connbytes-mode avgpkt --connbytes-dir reply",
                "! connbytes 100:200 connbytes mode avgpkt connbytes direction reply",
            ),
            (
                "-m connbytes --connbytes : --connbytes-dir both --connbytes-mode bytes",
                "-m connbytes --connbytes 0 --connbytes-mode bytes --connbytes-dir both",
                "connbytes 0 connbytes mode bytes connbytes direction both",
            ),
            (
                "-m connbytes ! --connbytes 5:5 --connbytes-dir both --connbytes-mode bytes",
                "-m connbytes --connbytes 5:5 --connbytes-mode bytes --connbytes-dir both",
                "connbytes 5:5 connbytes mode bytes connbytes direction both",
            ),
        ] {
            check(V4, Filter, typed, printed, listed);
        }
        refused(V4, Filter, "-m connbytes --connbytes 5 --connbytes-dir both");
        refused(V4, Filter, "-m connbytes --connbytes 9:5 --connbytes-dir both --connbytes-mode bytes");
        refused(V4, Filter, "-m connbytes --connbytes 5 --connbytes-dir orig --connbytes-mode bytes");
    }
}
