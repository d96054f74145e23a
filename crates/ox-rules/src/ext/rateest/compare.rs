//! `-m rateest`: its options, and how it compares what is measured.
use super::super::prelude::*;
use super::{Pace, estimator, paces};
use std::sync::{Arc, OnceLock};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rateest {
    pub(super) first: String,
    /// Compared with this one, if it is named; else with numbers.
    pub(super) second: Option<String>,
    pub(super) delta: bool,
    pub(super) not: bool,
    pub(super) mode: Option<Mode>,
    /// Bytes a second: asked for or not, and the numbers of both sides.
    pub(super) bytes: Option<(u32, u32)>,
    /// Packets a second.
    pub(super) packets: Option<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
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
    pub(super) fn settle(&mut self) {
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
            let mut read = |(name, pace): &(String, Arc<OnceLock<Pace>>), limits: (u32, u32)| {
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
