//! `-j RATEEST`: its options, and what it counts.
use super::super::prelude::*;
use super::{Pace, estimator, paces};

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetRateest {
    pub(super) name: String,
    /// As typed, microseconds.
    pub(super) typed: (f64, f64),
    pub(super) interval: u32,
    pub(super) ewma: u32,
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
        // Letters may belong to the number, as in 1e3 or 0x10: a unit is what leaves a number before it.
        let read = |(unit, us): &(&str, f64)| Some(fraction(text.strip_suffix(unit)?)? * us);
        match TIMES.iter().find_map(read) {
            Some(us) if us <= LONGEST => Ok(Time(us.trunc())),
            _ => Err(format!("`{text}' is not a time: a number with s, ms or us is expected")),
        }
    }
}

/// Microseconds in each unit.
const TIMES: [(&str, f64); 10] = [
    ("", 1.0),
    ("us", 1.0),
    ("usec", 1.0),
    ("usecs", 1.0),
    ("ms", 1e3),
    ("msec", 1e3),
    ("msecs", 1e3),
    ("s", 1e6),
    ("sec", 1e6),
    ("secs", 1e6),
];

/// The longest time that is printed: 8 seconds, averaged over 2^30 intervals. It is more than the 32 bits that stock reads.
const LONGEST: f64 = 8e6 * (1u32 << 30) as f64;

/// A quarter second.
const QUARTER: f64 = 250_000.0;

impl SetRateest {
    fn print(&self, dashes: &str, out: &mut Out) {
        let Self { name, typed: _, interval, ewma } = self;
        let prefix = if dashes.is_empty() { "" } else { "--rateest-" };
        out.word(prefix);
        out.raw("name");
        out.guarded(name);
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

    fn shared(&self) -> Option<Shared<'_>> {
        let Self { name, typed: _, interval, ewma } = self;
        Some(Shared { what: "rate estimator", name, terms: u64::from(*interval) << 32 | u64::from(*ewma) })
    }

    fn save(&self, out: &mut Out, _: Family) {
        self.print("--", out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        self.print("", out);
    }
}

impl Acting for SetRateest {
    fn act(&self, cx: &Lowering<'_>) -> Act {
        let Self { name, typed: _, interval, ewma } = self.clone();
        let pace = *paces(cx, &name).get_or_init(|| Pace { interval, ewma });
        Act::Native(NativeAct::new("rate estimator", Effect::Mutates, move |at| {
            let bytes = at.packet.bytes.len() as u64;
            let estimator = estimator(at, &name, pace);
            estimator.bytes += bytes;
            estimator.packets += 1;
            Ok(Verdict::Continue)
        }))
    }
}
