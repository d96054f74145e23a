//! `-j NFQUEUE`: let a program decide, through one queue or several that share the load.
//!
//! Kernel: net/netfilter/xt_NFQUEUE.c; ABI: uapi/linux/netfilter/xt_NFQUEUE.h. Which of several queues a packet goes to
//! follows from a hash of its addresses, see `ox_packet::jhash::nfqueue`.
use super::prelude::*;
use ox_wire::xtables::report::{XtNfqInfo, XtNfqInfoV1, XtNfqInfoV2, XtNfqInfoV3};

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nfqueue {
    first: u16,
    last: u16,
    bypass: bool,
    fanout: bool,
}

options! { Nfqueue;
    /// Queue to send to. 0 if not given.
    NUM ["queue-num"] u16, .excl(Self::BALANCE) => |q, v| (q.first, q.last) = (v, v);
    /// First and last queue that share the load; a connection stays with one.
    BALANCE ["queue-balance"] Balance, .excl(Self::NUM) => |q, v| (q.first, q.last) = (v.0, v.1);
    /// Accept packets when no program listens, instead of dropping them.
    BYPASS ["queue-bypass"] Flag => |q, _v| q.bypass = true;
    /// Choose the queue by processor instead of by connection.
    FANOUT ["queue-cpu-fanout"] Flag, .also(Self::BALANCE) => |q, _v| q.fanout = true;
}

struct Balance(u16, u16);

impl Value for Balance {
    const HINT: &'static str = "FIRST:LAST";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        let wrong = || format!("`{text}' is not a range of queues: FIRST:LAST, from 0 to 65535, is expected");
        let (first, last) = text.split_once(':').ok_or_else(wrong)?;
        let one = |t: &str, default| if t.is_empty() { Some(default) } else { number(t, 65535).map(|n| n as u16) };
        match (one(first, 0), one(last, u16::MAX)) {
            (Some(first), Some(last)) if first < last => Ok(Balance(first, last)),
            (Some(_), Some(_)) => Err(format!("`{text}' runs backwards: the first queue must be below the last")),
            _ => Err(wrong()),
        }
    }
}

impl Nfqueue {
    fn print(&self, dashes: &str, prefix: &str, out: &mut Out) {
        let Self { first, last, bypass, fanout } = *self;
        out.word(dashes);
        out.raw(prefix);
        if first == last {
            out.fmt(format_args!("num {first}"));
        } else {
            out.fmt(format_args!("balance {first}:{last}"));
        }
        for (on, name) in [(bypass, "bypass"), (fanout, "cpu-fanout")] {
            if on {
                out.word(dashes);
                out.raw(prefix);
                out.raw(name);
            }
        }
    }
}

impl Ext for Nfqueue {
    const NAME: &'static str = "NFQUEUE";
    const ABOUT: &'static str = "Lets a program decide about the packet, through one queue or several.";

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        let Self { first, last, bypass: _, fanout: _ } = *self;
        // The number of queues is kept in 16 bits, where 65536 is none.
        if first == 0 && last == u16::MAX {
            return Err(Refused::invalid("NFQUEUE can share among 65535 queues at most"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        self.print("--", "queue-", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        out.word("NFQUEUE");
        self.print("", "", out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { first, last, bypass, fanout } = *self;
        if first == last {
            nft.say(format_args!("queue num {first}"));
        } else {
            nft.say(format_args!("queue num {first}-{last}"));
        }
        match (bypass, fanout) {
            (true, true) => nft.word("bypass,fanout"),
            (true, false) => nft.word("bypass"),
            (false, true) => nft.word("fanout"),
            (false, false) => {}
        }
        Some(())
    }
}

impl Acting for Nfqueue {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { first, last, bypass, fanout } = *self;
        let total = last.saturating_sub(first).saturating_add(1);
        Act::Verdict(Verdict::Queue { num: first, total, bypass, fanout })
    }
}

impl Xt<3> for Nfqueue {
    type Info = XtNfqInfoV3;

    fn encode(&self, _: &Carry<'_>) -> Option<XtNfqInfoV3> {
        let Self { first, last, bypass, fanout } = *self;
        let queues_total = last.checked_sub(first)?.checked_add(1)?;
        Some(XtNfqInfoV3 { queuenum: first, queues_total, flags: bits([bypass, fanout]).into() })
    }

    fn decode(info: &XtNfqInfoV3, _: &Carry<'_>) -> Option<Self> {
        let XtNfqInfoV3 { queuenum, queues_total, flags } = *info;
        let last = queuenum.checked_add(queues_total.checked_sub(1)?)?;
        let [bypass, fanout] = unbits(flags as u8);
        Some(Self { first: queuenum, last, bypass, fanout })
    }
}

/// It cannot choose by processor.
impl Xt<2> for Nfqueue {
    type Info = XtNfqInfoV2;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtNfqInfoV2> {
        let XtNfqInfoV3 { queuenum, queues_total, flags: _ } = <Self as Xt<3>>::encode(self, cx)?;
        (!self.fanout).then_some(XtNfqInfoV2 { queuenum, queues_total, bypass: self.bypass.into() })
    }

    fn decode(info: &XtNfqInfoV2, cx: &Carry<'_>) -> Option<Self> {
        let XtNfqInfoV2 { queuenum, queues_total, bypass: flags } = *info;
        <Self as Xt<3>>::decode(&XtNfqInfoV3 { queuenum, queues_total, flags }, cx)
    }
}

/// Nor does it accept what nobody takes.
impl Xt<1> for Nfqueue {
    type Info = XtNfqInfoV1;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtNfqInfoV1> {
        let XtNfqInfoV3 { queuenum, queues_total, flags } = <Self as Xt<3>>::encode(self, cx)?;
        (flags == 0).then_some(XtNfqInfoV1 { queuenum, queues_total })
    }

    fn decode(info: &XtNfqInfoV1, cx: &Carry<'_>) -> Option<Self> {
        let XtNfqInfoV1 { queuenum, queues_total } = *info;
        <Self as Xt<3>>::decode(&XtNfqInfoV3 { queuenum, queues_total, flags: 0 }, cx)
    }
}

/// There is one queue.
impl Xt<0> for Nfqueue {
    type Info = XtNfqInfo;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtNfqInfo> {
        let XtNfqInfoV1 { queuenum, queues_total } = <Self as Xt<1>>::encode(self, cx)?;
        (queues_total == 1).then_some(XtNfqInfo { queuenum })
    }

    fn decode(info: &XtNfqInfo, cx: &Carry<'_>) -> Option<Self> {
        let XtNfqInfo { queuenum } = *info;
        <Self as Xt<1>>::decode(&XtNfqInfoV1 { queuenum, queues_total: 1 }, cx)
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
            ("-j NFQUEUE", "-j NFQUEUE --queue-num 0", "NFQUEUE num 0"),
            (
                "-j NFQUEUE --queue-num 0x5 --queue-by",
                "-j NFQUEUE --queue-num 5 --queue-bypass",
                "NFQUEUE num 5 bypass",
            ),
            (
                "-j NFQUEUE --queue-cpu-fanout --queue-bypass --queue-balance :3",
                "-j NFQUEUE --queue-balance 0:3 --queue-bypass --queue-cpu-fanout",
                "NFQUEUE balance 0:3 bypass cpu-fanout",
            ),
            ("-j NFQUEUE --queue-balance 3:", "-j NFQUEUE --queue-balance 3:65535", "NFQUEUE balance 3:65535"),
        ] {
            check(V4, Filter, typed, printed, listed);
        }
        for typed in [
            "-j NFQUEUE --queue-balance 3:3",
            "-j NFQUEUE --queue-balance 5:3",
            "-j NFQUEUE --queue-balance 3",
            "-j NFQUEUE --queue-num 3 --queue-balance 1:2",
            "-j NFQUEUE --queue-num 3 --queue-cpu-fanout",
            "-j NFQUEUE --queue-num 65536",
            "-j NFQUEUE --queue-num -1",
        ] {
            refused(V4, Filter, typed);
        }
    }
}
