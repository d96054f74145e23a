//! `-j RATEEST`: measure the rate of packets under a name, and go on.
//!
//! Kernel: net/netfilter/xt_RATEEST.c; ABI: uapi/linux/netfilter/xt_RATEEST.h. The interval is kept as a power of two of
//! a quarter second, the averaging time as a power of two of the interval.
use super::prelude::*;
use ox_wire::xtables::rate::XtRateestTargetInfo;
use std::mem::offset_of;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetRateest {
    name: String,
    /// As typed, microseconds.
    typed: (f64, f64),
    interval: u32,
    ewma: u32,
}

options! { SetRateest;
    /// Name of the estimator.
    NAME ["rateest-name"] Text, .needed() => |r, v| { r.name = v.0; Ok(()) };
    /// How often the rate is taken: 250ms to 8s.
    INTERVAL ["rateest-interval"] Time, .needed() => |r, v| r.typed.0 = v.0;
    /// Over what time it is averaged.
    EWMA ["rateest-ewmalog"] Time, .needed() => |r, v| r.typed.1 = v.0;
}

/// Microseconds.
struct Time(f64);

impl Value for Time {
    const HINT: &'static str = "TIME";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0];
        let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let unit = match &text[end..] {
            "s" | "sec" | "secs" => Some(1e6),
            "ms" | "msec" | "msecs" => Some(1e3),
            "" | "us" | "usec" | "usecs" => Some(1.0),
            _ => None,
        };
        match (text[..end].parse::<f64>(), unit) {
            (Ok(n), Some(unit)) if n >= 0.0 && n * unit <= f64::from(u32::MAX) => Ok(Time((n * unit).trunc())),
            _ => Err(format!("`{text}' is not a time: a number with s, ms or us is expected")),
        }
    }
}

/// A quarter second.
const QUARTER: f64 = 250_000.0;

impl SetRateest {
    fn print(&self, dashes: &str, out: &mut Out) {
        let Self { name, typed: _, interval, ewma } = self;
        let prefix = if dashes.is_empty() { "" } else { "--rateest-" };
        out.word(prefix);
        out.raw("name");
        out.quoted(name);
        let time = |us: f64, out: &mut Out| match us {
            us if us >= 1e6 => out.fmt(format_args!(" {:.1}s", us / 1e6)),
            us if us >= 1e3 => out.fmt(format_args!(" {:.1}ms", us / 1e3)),
            us => out.fmt(format_args!(" {us:.0}us")),
        };
        let interval = QUARTER * f64::from(1u32 << interval);
        out.word(prefix);
        out.raw("interval");
        time(interval, out);
        out.word(prefix);
        out.raw("ewmalog");
        time(interval * f64::from(1u32 << ewma), out);
    }
}

impl Ext for SetRateest {
    const NAME: &'static str = "RATEEST";
    const ABOUT: &'static str = "Measures the rate of packets under a name, and goes on.";

    fn check(&mut self, _: u32, _: &Reading<'_>) -> Result<(), String> {
        let (interval, ewma) = self.typed;
        if self.name.is_empty() || bytes::len(&self.name) > 15 {
            return Err("the name has 1 to 15 bytes".into());
        }
        let step = (0..=5u32).find(|&n| interval <= QUARTER * f64::from(1u32 << n));
        self.interval = step.ok_or("the interval is longer than 8 seconds")?;
        let longer = |n: &u32| interval / -(1.0 - 1.0 / f64::from(1u32 << n)).ln() > ewma;
        let log = (1..32u32).find(longer).map_or(31, |n| n - 1);
        if log == 0 || log >= 31 {
            return Err("the time of --rateest-ewmalog does not go with the interval".into());
        }
        self.ewma = log;
        // What was typed is forgotten, so that rules compare by what is kept.
        self.typed = (0.0, 0.0);
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        self.print("--", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        self.print("", out);
    }
}

impl Acting for SetRateest {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let Self { name: _, typed: _, interval: _, ewma: _ } = self;
        Act::Native(NativeAct::new("rate estimator", Effect::Mutates, |_| Ok(Verdict::Continue)))
    }
}

impl Xt<0> for SetRateest {
    type Info = XtRateestTargetInfo;
    const COMPARE: usize = offset_of!(XtRateestTargetInfo, _between);

    fn encode(&self, _: &Carry<'_>) -> Option<XtRateestTargetInfo> {
        let Self { name, typed: _, interval, ewma } = self;
        Some(XtRateestTargetInfo {
            name: chars(name)?,
            // Two steps below a second is a quarter of it.
            interval: i8::try_from(*interval).ok()? - 2,
            ewma_log: u8::try_from(*ewma).ok()?,
            ..Default::default()
        })
    }

    fn decode(info: &XtRateestTargetInfo, _: &Carry<'_>) -> Option<Self> {
        let XtRateestTargetInfo { name, interval, ewma_log, _between, est: _ } = info;
        let interval = u32::try_from(interval.checked_add(2)?).ok().filter(|&n| n < 6)?;
        let ewma = u32::from(*ewma_log);
        (ewma < 32).then_some(())?;
        Some(Self { name: text(name)?.into_owned(), typed: (0.0, 0.0), interval, ewma })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Mangle;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(
            V4,
            Mangle,
            "-j RATEEST --rateest-name RE --rateest-interval 500ms --rateest-ewma 3s",
            "-j RATEEST --rateest-name RE --rateest-interval 500.0ms --rateest-ewmalog 2.0s",
            "name RE interval 500.0ms ewmalog 2.0s",
        );
        for rest in ["10s --rateest-ewmalog 3s", "250ms", "0.25 --rateest-ewmalog 0"] {
            refused(V4, Mangle, &format!("-j RATEEST --rateest-name RE --rateest-interval {rest}"));
        }
    }
}
