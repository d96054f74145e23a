//! `-m rateest` and `-j RATEEST`: measure the rate of packets under a name, and compare rates.
//!
//! Kernel: net/netfilter/xt_RATEEST.c, xt_rateest.c, net/core/gen_estimator.c; ABI: uapi/linux/netfilter/xt_RATEEST.h,
//! xt_rateest.h. The interval is kept as a power of two of a quarter second, the averaging time as a power of two of the
//! interval. A kernel begins to measure when it loads the rule; here that is when the first packet asks.
mod abi;

use super::prelude::*;
use std::sync::OnceLock;

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

/// How an estimator measures: logarithms of the interval in quarter seconds, and of the share that a new rate has.
#[derive(Clone, Copy, Debug)]
struct Pace {
    interval: u32,
    ewma: u32,
}

/// The pace of a name, once a rule has set it.
fn paces(cx: &Lowering<'_>, name: &str) -> std::sync::Arc<OnceLock<Pace>> {
    cx.shares.get("rateest", name, OnceLock::new)
}

/// Kernel: `struct net_rate_estimator`.
#[derive(Clone, Copy, Debug, Default)]
struct Estimator {
    /// When the rate is taken next.
    next: u64,
    bytes: u64,
    packets: u64,
    /// Those that are in the rates already.
    counted: (u64, u64),
    /// Averages, times 256.
    rates: (u64, u64),
}

impl Estimator {
    /// Takes the rate at every interval until now (Kernel: `est_timer`).
    fn until(&mut self, now: u64, pace: Pace) {
        let every = (TICK_NS * (HZ / 4)) << pace.interval;
        while self.next <= now {
            let was = self.rates;
            let step = |average: u64, new: u64| {
                let share = new << (10 - pace.interval) >> pace.ewma;
                average.wrapping_add(share.wrapping_sub(average >> pace.ewma))
            };
            self.rates.0 = step(was.0, self.bytes - self.counted.0);
            self.rates.1 = step(was.1, self.packets - self.counted.1);
            let idle = self.counted == (self.bytes, self.packets);
            self.counted = (self.bytes, self.packets);
            self.next += every;
            if idle && self.rates == was && self.next <= now {
                // Nothing changes any more: the rest of the time is passed over.
                self.next += (now - self.next) / every * every + every;
            }
        }
    }
}

/// The estimator of a name as it is now.
fn estimator<'a>(at: &'a mut At<'_>, name: &str, pace: Pace) -> &'a mut Estimator {
    let now = at.env.now().mono;
    let first = || Estimator { next: now + ((TICK_NS * (HZ / 4)) << pace.interval), ..Estimator::default() };
    let estimator = at.cell(CellKey::Named("rateest", name), first);
    estimator.until(now, pace);
    estimator
}

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rateest {
    first: String,
    /// Compared with this one, if it is named; else with numbers.
    second: Option<String>,
    delta: bool,
    not: bool,
    mode: Option<Mode>,
    /// Bytes a second: asked for or not, and the numbers of both sides.
    bytes: Option<(u32, u32)>,
    /// Packets a second.
    packets: Option<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Lt,
    Gt,
    Eq,
}

impl Mode {
    const fn name(self) -> &'static str {
        match self {
            Mode::Lt => "lt",
            Mode::Gt => "gt",
            Mode::Eq => "eq",
        }
    }

    const fn holds(self, a: u64, b: u64) -> bool {
        match self {
            Mode::Lt => a < b,
            Mode::Gt => a > b,
            Mode::Eq => a == b,
        }
    }
}

options! { Rateest;
    /// Name of the estimator, as --rateest-name of RATEEST says it.
    FIRST ["rateest1", "rateest"] Name, .needed() => |r, v| r.first = v.0;
    /// Name of another one to compare it with.
    SECOND ["rateest2"] Name => |r, v| r.second = Some(v.0);
    /// Compare how far the rates are below the numbers.
    DELTA ["rateest-delta"] Flag => |r, _v| r.delta = true;
    /// Bits a second: the number for the first estimator, with --rateest-delta.
    BPS1 ["rateest-bps1"] Option<Rate> => |r, v| r.bytes.get_or_insert_default().0 = v.map_or(0, |v| v.0);
    /// Bits a second: the number to compare with, or for the second estimator.
    BPS2 ["rateest-bps2", "rateest-bps"] Option<Rate> =>
        |r, v| r.bytes.get_or_insert_default().1 = v.map_or(0, |v| v.0);
    /// Packets a second: the number for the first estimator, with --rateest-delta.
    PPS1 ["rateest-pps1"] Option<u32> => |r, v| r.packets.get_or_insert_default().0 = v.unwrap_or(0);
    /// Packets a second: the number to compare with, or for the second estimator.
    PPS2 ["rateest-pps2", "rateest-pps"] Option<u32> => |r, v| r.packets.get_or_insert_default().1 = v.unwrap_or(0);
    /// The rate is less.
    LT ["rateest-lt"] Inv<Flag>, .multi() => |r, v| r.compare(Mode::Lt, v.not);
    /// The rate is greater.
    GT ["rateest-gt"] Inv<Flag>, .multi() => |r, v| r.compare(Mode::Gt, v.not);
    /// The rate is the same.
    EQ ["rateest-eq"] Inv<Flag>, .multi() => |r, v| r.compare(Mode::Eq, v.not);
}

struct Name(String);

impl Value for Name {
    const HINT: &'static str = "NAME";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            name if name.is_empty() || crate::bytes::len(name) > 15 => Err("the name has 1 to 15 bytes".into()),
            name if name.contains('\n') => Err("the name cannot hold a line break".into()),
            name => Ok(Name(name.to_owned())),
        }
    }
}

/// Bytes a second, written in bits unless a unit says otherwise.
struct Rate(u32);

/// Bits in each unit.
const UNITS: [(&str, f64); 18] = [
    ("bit", 1.0),
    ("kibit", 1024.0),
    ("kbit", 1e3),
    ("mibit", 1_048_576.0),
    ("mbit", 1e6),
    ("gibit", 1_073_741_824.0),
    ("gbit", 1e9),
    ("tibit", 1_099_511_627_776.0),
    ("tbit", 1e12),
    ("bps", 8.0),
    ("kibps", 8192.0),
    ("kbps", 8e3),
    ("mibps", 8_388_608.0),
    ("mbps", 8e6),
    ("gibps", 8_589_934_592.0),
    ("gbps", 8e9),
    ("tibps", 8_796_093_022_208.0),
    ("tbps", 8e12),
];

impl Value for Rate {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "RATE";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let text = args[0].to_ascii_lowercase();
        // The longest unit first, as `kbit` ends with `bit`.
        let unit = UNITS.iter().filter(|(unit, _)| text.ends_with(unit)).max_by_key(|(unit, _)| unit.len());
        let (unit, bits) = unit.copied().unwrap_or(("", 1.0));
        let digits = &text[..text.len() - unit.len()];
        let bytes = fraction(digits).map(|n| (n * bits).trunc() / 8.0);
        match bytes {
            Some(bytes) if bytes < 4_294_967_296.0 => Ok(Rate(bytes as u32)),
            Some(_) => Err(format!("`{}' is more than the kernel can count: {} bytes a second", args[0], u32::MAX)),
            None => {
                Err(format!("`{}' is not a rate: a number with bit, kbit, mbit, bps, kbps, … is expected", args[0]))
            }
        }
    }
}

/// Prints a rate as it is saved: in the largest unit that says it exactly.
fn exact(bytes: u32, out: &mut Out) {
    match u64::from(bytes) * 8 {
        bits if bits >= 1_000_000_000 && bits % 1_000_000 == 0 => out.fmt(format_args!(" {}Mbit", bits / 1_000_000)),
        bits if bits >= 1_000_000 && bits % 1000 == 0 => out.fmt(format_args!(" {}Kbit", bits / 1000)),
        bits => out.fmt(format_args!(" {bits}bit")),
    }
}

/// Lists a rate in bits, rounded as stock does, or as the number of bytes in a numeric listing.
fn rate(bytes: u32, numeric: bool, out: &mut Out) {
    let bits = f64::from(bytes) * 8.0;
    match bits {
        _ if numeric => out.value(bytes),
        bits if bits >= 1e9 => out.fmt(format_args!(" {:.0}Mbit", bits / 1e6)),
        bits if bits >= 1e6 => out.fmt(format_args!(" {:.0}Kbit", bits / 1e3)),
        bits => out.fmt(format_args!(" {bits:.0}bit")),
    }
}

impl Rateest {
    /// Forgets numbers that nothing is compared with.
    fn settle(&mut self) {
        for numbers in [&mut self.bytes, &mut self.packets].into_iter().flatten().filter(|_| !self.delta) {
            numbers.0 = 0;
            if self.second.is_some() {
                numbers.1 = 0;
            }
        }
    }

    /// `!` before any of them turns all. It may be said twice: stock saves it so where bits and packets are compared, and
    /// does not read that.
    fn compare(&mut self, mode: Mode, not: bool) {
        self.mode = Some(mode);
        self.not |= not;
    }

    fn mode(&self, dashes: &str, out: &mut Out) {
        let Some(mode) = self.mode else { return };
        out.flag(self.not, dashes);
        out.raw(mode.name());
    }
}

impl Ext for Rateest {
    const NAME: &'static str = "rateest";
    const ABOUT: &'static str = "Compares the rates that RATEEST measures.";

    fn check(&mut self, _: u32, _: &Reading<'_>) -> Result<(), String> {
        if self.bytes.is_none() && self.packets.is_none() {
            return Err("say what is compared: --rateest-bps or --rateest-pps".into());
        }
        if self.mode.is_none() {
            return Err("say how it is compared: --rateest-lt, --rateest-gt or --rateest-eq".into());
        }
        self.settle();
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { first, second, delta, not: _, mode: _, bytes, packets } = self;
        if *delta {
            out.word("--rateest-delta");
        }
        out.word(if second.is_some() { "--rateest1" } else { "--rateest" });
        out.guarded(first);
        let bits = |n: u32, out: &mut Out| exact(n, out);
        let count = |n: u32, out: &mut Out| out.value(n);
        let mut said = false;
        let mut side = |name: &str, numbers: Option<(u32, u32)>, print: &dyn Fn(u32, &mut Out)| {
            let Some((a, b)) = numbers else { return };
            if *delta {
                out.word(&format!("--rateest-{name}1"));
                print(a, out);
            }
            if !std::mem::replace(&mut said, true) {
                self.mode("--rateest-", out);
            }
            out.word(&format!("--rateest-{name}{}", if *delta { "2" } else { "" }));
            if *delta || second.is_none() {
                print(b, out);
            }
        };
        side("bps", *bytes, &bits);
        side("pps", *packets, &count);
        if let Some(second) = second {
            out.word("--rateest2");
            out.guarded(second);
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { first, second, delta, not: _, mode: _, bytes, packets } = self;
        out.word("rateest match");
        out.word(first);
        if *delta {
            out.word("delta");
        }
        // Both rates of one estimator.
        let side = |pick: fn((u32, u32)) -> u32, out: &mut Out| {
            if let Some(numbers) = bytes {
                out.word("bps");
                if *delta {
                    rate(pick(*numbers), show.numeric, out);
                }
            }
            if let Some(numbers) = packets {
                out.word("pps");
                if *delta {
                    out.value(pick(*numbers));
                }
            }
        };
        if let Some(second) = second {
            side(|n| n.0, out);
            self.mode("", out);
            out.word(second);
            side(|n| n.1, out);
            return;
        }
        if let Some((a, b)) = *bytes {
            out.word("bps");
            if *delta {
                rate(a, show.numeric, out);
            }
            rate(b, show.numeric, out);
            self.mode("", out);
        }
        if let Some((a, b)) = *packets {
            out.word("pps");
            if *delta {
                out.value(a);
            }
            self.mode("", out);
            out.value(b);
        }
    }
}

impl Matching for Rateest {
    /// Kernel: `xt_rateest_mt`.
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { first, second, delta, not, mode, bytes, packets } = self.clone();
        let paces_of = |name: &str| (name.to_owned(), paces(cx, name));
        let (first, second) = (paces_of(&first), second.as_deref().map(paces_of));
        let Some(mode) = mode else { return Pred::Is(false) };
        let (from_bytes, from_packets) = (bytes.unwrap_or_default(), packets.unwrap_or_default());
        Native::new("measured rates", Effect::Mutates, move |at| {
            let mut read = |(name, pace): &(String, std::sync::Arc<OnceLock<Pace>>), limits: (u32, u32)| {
                let Some(&pace) = pace.get() else {
                    return Err(Stop::Unknown("the rates of an estimator that no rule here makes"));
                };
                let (bps, pps) = estimator(at, name, pace).rates;
                let below = |limit: u32, rate: u64| if delta { u64::from(limit).saturating_sub(rate) } else { rate };
                Ok((below(limits.0, bps >> 8), below(limits.1, pps >> 8)))
            };
            let a = read(&first, (from_bytes.0, from_packets.0))?;
            let b = match &second {
                Some(second) => read(second, (from_bytes.1, from_packets.1))?,
                None => (from_bytes.1.into(), from_packets.1.into()),
            };
            let holds = (bytes.is_none() || mode.holds(a.0, b.0)) && (packets.is_none() || mode.holds(a.1, b.1));
            Ok(holds != not)
        })
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use crate::ir::{Dialect, Stop};
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
        // More than 32 bits of microseconds.
        let long = "-j RATEEST --rateest-name RE --rateest-interval 250.0ms --rateest-ewmalog 131072.0s";
        check(V4, Mangle, long, long, "name RE interval 250.0ms ewmalog 131072.0s");
        for rest in ["10s --rateest-ewmalog 3s", "250ms", "0.25 --rateest-ewmalog 0"] {
            refused(V4, Mangle, &format!("-j RATEEST --rateest-name RE --rateest-interval {rest}"));
        }
    }

    #[test]
    fn comparisons_read_and_print() {
        let line = |words: &str| format!("-m rateest {words}");
        let four = |typed: &str, printed: &str, listed: &str| check(V4, Mangle, &line(typed), &line(printed), listed);
        four(
            "! --rateest-lt --rateest1 a --rateest-bps 1.5mbit --rateest-pps 7",
            "--rateest a ! --rateest-lt --rateest-bps 1500Kbit --rateest-pps 7",
            "rateest match a bps 187500 ! lt pps ! lt 7",
        );
        four(
            "--rateest1 a --rateest-gt --rateest2 b --rateest-bps --rateest-pps",
            "--rateest1 a --rateest-gt --rateest-bps --rateest-pps --rateest2 b",
            "rateest match a bps pps gt b bps pps",
        );
        four(
            "--rateest-delta --rateest1 a --rateest-bps1 1000 --rateest-pps1 5 --rateest-gt --rateest2 b --rateest-bps2 2000 --rateest-pps2 7",
            "--rateest-delta --rateest1 a --rateest-bps1 1000bit --rateest-gt --rateest-bps2 2000bit --rateest-pps1 5 --rateest-pps2 7 --rateest2 b",
            "rateest match a delta bps 125 pps 5 gt b bps 250 pps 7",
        );
        refused(V4, Mangle, "-m rateest --rateest-gt --rateest-pps 1");
        refused(V4, Mangle, "-m rateest --rateest a --rateest-pps 1");
        for rest in
            ["", "--rateest-bps 5k", "--rateest-bps 5tibps", "--rateest-pps x", "! --rateest2 b", "--rateest-eq 5"]
        {
            refused(V4, Mangle, &line(&format!("--rateest1 a --rateest-gt {rest}")));
        }
    }

    /// One packet of 128 bytes each quarter second is 512 bytes a second, in the long run.
    #[test]
    fn rates_follow_the_packets() {
        let rule = "-j RATEEST --rateest-name a --rateest-interval 250ms --rateest-ewmalog 500ms";
        let lines = [
            rule,
            "-m rateest --rateest1 a --rateest-bps 8 --rateest-lt",
            "-m rateest --rateest1 a --rateest-bps 3000 --rateest-gt",
            "-m rateest --rateest1 a --rateest-pps 4 --rateest-eq",
            "-m rateest --rateest1 other --rateest-pps 3 --rateest-eq",
            "-m rateest --rateest-delta --rateest1 a --rateest-bps1 16kbit --rateest-gt --rateest-bps2 8kbit",
        ];
        let mut trial = Trial::new(V4, Dialect::Legacy, Mangle, &lines);
        let packet = &mut udp([1; 4], [2; 4]);
        assert_eq!(trial.ask(1, packet, None), Ok(true), "nothing was measured yet");
        for _ in 0..100 {
            trial.run(packet, None).unwrap();
            trial.wait(250);
        }
        assert_eq!(trial.ask(1, packet, None), Ok(false));
        assert_eq!(trial.ask(2, packet, None), Ok(true));
        assert_eq!(trial.ask(3, packet, None), Ok(true));
        assert_eq!(trial.ask(5, packet, None), Ok(true), "2000 - 512 is more than 1000");
        trial.wait(100_000_000);
        assert_eq!(trial.ask(1, packet, None), Ok(true), "it has been quiet for a day");
        assert!(matches!(trial.ask(4, packet, None), Err(Stop::Unknown(_))));
    }
}
