//! `-j IDLETIMER`: restart a timer whose file in sysfs tells programs when traffic has ceased, and go on.
//!
//! Kernel: net/netfilter/xt_IDLETIMER.c; ABI: uapi/linux/netfilter/xt_IDLETIMER.h (28 bytes of label, zero included).
use super::prelude::*;
use crate::bytes::cut;
use ox_wire::xtables::report::{IdletimerTgInfo, IdletimerTgInfoV1};
use std::mem::offset_of;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Idletimer {
    timeout: u32,
    label: String,
    alarm: bool,
}

options! { Idletimer;
    /// Seconds without a packet after which traffic counts as idle.
    TIMEOUT ["timeout"] u32, .needed() => |i, v| i.timeout = v;
    /// Name of the timer; rules with the same name share it.
    LABEL ["label"] Text, .needed() => |i, v| i.label = cut(&v.0, 27).to_owned();
    /// Count time that the machine is suspended, too.
    ALARM ["alarm"] Flag => |i, _v| i.alarm = true;
}

impl Ext for Idletimer {
    const NAME: &'static str = "IDLETIMER";
    const ABOUT: &'static str = "Restarts a timer that tells programs when traffic has ceased, and goes on.";

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        let Self { timeout, label, alarm: _ } = self;
        // In milliseconds it must fit an int.
        if *timeout == 0 || *timeout >= 2_147_483 {
            return Err(Refused::invalid("the time-out must be 1 to 2147482 seconds"));
        }
        if label.is_empty() {
            return Err(Refused::invalid("the label must not be empty"));
        }
        Ok(())
    }

    fn shared(&self) -> Option<Shared<'_>> {
        Some(Shared { what: "timer", name: &self.label, terms: self.alarm.into() })
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { timeout, label, alarm } = self;
        out.opt(false, "--timeout", *timeout);
        out.word("--label");
        out.guarded(label);
        if *alarm {
            out.word("--alarm");
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { timeout, label, alarm } = self;
        out.word("timeout:");
        timeout.print(out);
        out.fmt(format_args!(" label:{label}"));
        if *alarm {
            // A label may end in a blank.
            out.raw(" alarm");
        }
    }
}

impl Acting for Idletimer {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { timeout: _, label: _, alarm: _ } = self;
        Act::Native(NativeAct::new("idle timer", Effect::Mutates, |_| Ok(Verdict::Continue)))
    }
}

impl Xt<1> for Idletimer {
    type Info = IdletimerTgInfoV1;
    const COMPARE: usize = offset_of!(IdletimerTgInfoV1, _between);

    fn encode(&self, _: &Carry<'_>) -> Option<IdletimerTgInfoV1> {
        let Self { timeout, label, alarm } = self;
        let (label, timer_type) = (chars(label)?, u8::from(*alarm));
        Some(IdletimerTgInfoV1 { timeout: *timeout, label, timer_type, ..Default::default() })
    }

    fn decode(info: &IdletimerTgInfoV1, _: &Carry<'_>) -> Option<Self> {
        let IdletimerTgInfoV1 { timeout, label, send_nl_msg: _, timer_type, _between, timer: _ } = info;
        Some(Self { timeout: *timeout, label: text(label)?.into_owned(), alarm: *timer_type != 0 })
    }
}

/// It knows no other clock.
impl Xt<0> for Idletimer {
    type Info = IdletimerTgInfo;
    const COMPARE: usize = offset_of!(IdletimerTgInfo, timer);

    fn encode(&self, _: &Carry<'_>) -> Option<IdletimerTgInfo> {
        let Self { timeout, label, alarm } = self;
        let label = chars(label)?;
        (!alarm).then(|| IdletimerTgInfo { timeout: *timeout, label, ..Default::default() })
    }

    fn decode(info: &IdletimerTgInfo, _: &Carry<'_>) -> Option<Self> {
        let IdletimerTgInfo { timeout, label, timer: _ } = info;
        Some(Self { timeout: *timeout, label: text(label)?.into_owned(), alarm: false })
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
            "-j IDLETIMER --alarm --label a --timeout 600",
            "-j IDLETIMER --timeout 600 --label a --alarm",
            "timeout:600 label:a alarm",
        );
        refused(V4, Filter, "-j IDLETIMER --timeout 600");
        refused(V4, Filter, "-j IDLETIMER --label a");
    }
}
