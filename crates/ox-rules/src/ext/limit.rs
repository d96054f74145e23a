//! `-m limit`: so many packets in a time, for all packets together.
//!
//! Kernel: net/netfilter/xt_limit.c; ABI: uapi/linux/netfilter/xt_limit.h. iptables-nft writes nf_tables' own expression
//! instead (Kernel: net/netfilter/nft_limit.c), which counts nanoseconds where xt_limit counts credits at each tick.
use super::prelude::*;
use super::rate;
use ox_wire::xtables::rate::XtRateinfo;
use std::mem::offset_of;

/// The match.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Ten-thousandths of a second between packets.
    period: u32,
    burst: u32,
}

/// Parts of a second (`XT_LIMIT_SCALE`).
const SCALE: u64 = 10_000;

/// What both the program and nf_tables put where no burst is given.
const BURST: u32 = 5;

/// Largest burst that stock takes.
const BURST_MAX: u32 = 10_000;

impl Default for Limit {
    fn default() -> Self {
        Self { period: 1200 * SCALE as u32, burst: BURST }
    }
}

options! { Limit;
    /// How often on average: a number with /second, /minute, /hour or /day; 3/hour if not given.
    RATE ["limit"] Text => |l, v| l.rate(&v.0);
    /// How many at once before the rate counts; 5 if not given.
    BURST ["limit-burst"] Burst => |l, v| l.burst = v.0;
}

struct Burst(u32);

impl Value for Burst {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        number(args[0], BURST_MAX)
            .map(Self)
            .ok_or_else(|| format!("`{}' is not a number of packets from 0 to {BURST_MAX}", args[0]))
    }
}

impl Limit {
    fn rate(&mut self, text: &str) -> Result<(), String> {
        // One a day is 864 million parts: it fits.
        self.period = rate::read(text, SCALE)?.period as u32;
        Ok(())
    }
}

impl Ext for Limit {
    const NAME: &'static str = "limit";
    const ABOUT: &'static str = "Matches up to a number of packets in a time, all packets together.";

    /// nf_tables takes no burst for the usual one; xt_limit refuses it.
    fn check(&mut self, _: u32, cx: &Reading<'_>) -> Result<(), String> {
        if self.burst == 0 && cx.dialect == Dialect::Nft {
            self.burst = BURST;
        }
        Ok(())
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let Self { period, burst } = *self;
        let full = credits(period.wrapping_mul(burst));
        if at.dialect == Dialect::Legacy && (burst == 0 || full < credits(period)) {
            return Err(Refused {
                errno: "Numerical result out of range",
                why: format!(
                    "limit: a burst of {burst} at this rate is more than the kernel can count; try a lower one"
                ),
            });
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { period, burst } = *self;
        let (count, unit, _) = rate::shown(period.into(), SCALE);
        out.opt(false, "--limit", count);
        out.raw("/");
        out.raw(unit);
        if burst != BURST {
            out.opt(false, "--limit-burst", burst);
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { period, burst } = *self;
        let (count, unit, _) = rate::shown(period.into(), SCALE);
        out.word("limit:");
        out.fmt(format_args!(" avg {count}/{unit} burst {burst}"));
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { period, burst } = *self;
        let (count, unit, _) = rate::shown(period.into(), SCALE);
        nft.say(format_args!("limit rate {count}/{}", rate::unit_in_nft(unit)));
        // 5 packets to nft too, if nothing is said.
        if burst != 0 {
            nft.say(format_args!("burst {burst} packets"));
        }
        Some(())
    }
}

/// Credits earned at each tick: the power of two below what lets one a day fit into 32 bits.
const CREDITS_PER_TICK: u32 = {
    let most = u32::MAX / (HZ as u32 * 86_400);
    1 << (31 - most.leading_zeros())
};

/// Ten-thousandths of a second in credits (`user2credits`), 32 bits wide and wrapping as in the kernel.
fn credits(parts: u32) -> u32 {
    let second = HZ as u32 * CREDITS_PER_TICK;
    if parts > u32::MAX / second {
        (parts / SCALE as u32).wrapping_mul(second)
    } else {
        parts.wrapping_mul(second) / SCALE as u32
    }
}

/// xt_limit's state.
struct Credits {
    tick: u64,
    left: u32,
}

/// nft_limit's state.
struct Tokens {
    last: u64,
    left: u64,
}

impl Matching for Limit {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { period, burst } = *self;
        match cx.dialect {
            Dialect::Legacy => {
                let (cap, cost) = (credits(period.wrapping_mul(burst)), credits(period));
                Native::new("limit", Effect::Mutates, move |at| {
                    let now = jiffies(at.env.now().mono);
                    let state = at.cell(CellKey::Own, || Credits { tick: now, left: cap });
                    let earned = (now.wrapping_sub(state.tick) as u32).wrapping_mul(CREDITS_PER_TICK);
                    state.tick = now;
                    state.left = state.left.wrapping_add(earned).min(cap);
                    let yes = state.left >= cost;
                    if yes {
                        state.left -= cost;
                    }
                    Ok(yes)
                })
                .into()
            }
            Dialect::Nft => {
                // The rate goes to the kernel as it is shown, not as it was typed.
                let (count, _, seconds) = rate::shown(period.into(), SCALE);
                let cost = seconds * 1_000_000_000 / count.max(1);
                let cap = cost.saturating_mul(burst.into());
                Native::new("limit", Effect::Mutates, move |at| {
                    let now = at.env.now().mono;
                    let state = at.cell(CellKey::Own, || Tokens { last: now, left: cap });
                    state.left = state.left.saturating_add(now.saturating_sub(state.last)).min(cap);
                    state.last = now;
                    let yes = state.left >= cost;
                    if yes {
                        state.left -= cost;
                    }
                    Ok(yes)
                })
                .into()
            }
        }
    }
}

impl Xt<0> for Limit {
    type Info = XtRateinfo;
    const COMPARE: usize = offset_of!(XtRateinfo, prev);

    fn encode(&self, _: &Carry<'_>) -> Option<XtRateinfo> {
        let Self { period, burst } = *self;
        Some(XtRateinfo { avg: period, burst, ..Default::default() })
    }

    fn decode(info: &XtRateinfo, _: &Carry<'_>) -> Option<Self> {
        let XtRateinfo { avg, burst, .. } = *info;
        Some(Self { period: avg, burst })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;

    #[test]
    fn text() {
        for (typed, printed, listed) in [
            ("-m limit", "-m limit --limit 3/hour", "limit: avg 3/hour burst 5"),
            ("-m limit --limit 60/m", "-m limit --limit 1/sec", "limit: avg 1/sec burst 5"),
            ("-m limit --limit 90/Min", "-m limit --limit 90/min", "limit: avg 90/min burst 5"),
            ("-m limit --limit 9999/s", "-m limit --limit 10000/sec", "limit: avg 10000/sec burst 5"),
            ("-m limit --limit 3000", "-m limit --limit 3333/sec", "limit: avg 3333/sec burst 5"),
            (
                "-m limit --limit 25/d --limit-burst 7",
                "-m limit --limit 25/day --limit-burst 7",
                "limit: avg 25/day burst 7",
            ),
            ("-m limit --limit-burst 0", "-m limit --limit 3/hour", "limit: avg 3/hour burst 5"),
        ] {
            check(Family::V4, TableName::Filter, typed, printed, listed);
        }
        for rate in ["10001/s", "0/s", "1/", "1/minutes", "1/w", "1.5/s", "-1/s"] {
            refused(Family::V4, TableName::Filter, &format!("-m limit --limit {rate}"));
        }
        refused(Family::V4, TableName::Filter, "-m limit --limit-burst 10001");
    }

    /// What xt_limit cannot count in 32 bits; nf_tables can.
    #[test]
    fn legacy_overflows() {
        let head = crate::model::Head::default();
        for (period, burst, fits) in
            [(864_000_000, 5, false), (864_000_000, 1, true), (36_000_000, 0, false), (10_000, 5, true)]
        {
            for dialect in [Dialect::Legacy, Dialect::Nft] {
                let at = Place {
                    family: Family::V4,
                    table: TableName::Filter,
                    hooks: HookSet::NONE,
                    base: false,
                    head: &head,
                    matches: &[],
                    dialect,
                };
                let admitted = Limit { period, burst }.admit(&at).is_ok();
                assert_eq!(admitted, fits || dialect == Dialect::Nft, "{period} {burst} {dialect:?}");
            }
        }
    }

    /// A full burst, then one for each period; xt_limit counts in ticks of 4 ms, nf_tables in nanoseconds.
    #[test]
    fn burst_then_rate() {
        for (dialect, step, late) in [(Dialect::Legacy, 99, 100), (Dialect::Nft, 99, 100)] {
            let mut trial =
                Trial::new(Family::V4, dialect, TableName::Mangle, &["-m limit --limit 10/s --limit-burst 3"]);
            let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
            let mut yes = |trial: &mut Trial| trial.takes(&mut packet).expect("limit always knows");
            assert_eq!([yes(&mut trial), yes(&mut trial), yes(&mut trial), yes(&mut trial)], [true, true, true, false]);
            trial.wait(step);
            assert!(!yes(&mut trial), "{dialect:?}");
            trial.wait(late - step);
            assert!(yes(&mut trial), "{dialect:?}");
            assert!(!yes(&mut trial), "{dialect:?}");
            // An hour fills the burst and no more.
            trial.wait(3_600_000);
            assert_eq!((0..5).filter(|_| yes(&mut trial)).count(), 3, "{dialect:?}");
        }
    }

    /// 3 ms are no tick: nothing is earned in them by xt_limit, a third of a packet by nf_tables.
    #[test]
    fn ticks_are_coarse() {
        let mut passed = [0, 0];
        for (count, dialect) in passed.iter_mut().zip([Dialect::Legacy, Dialect::Nft]) {
            let line = "-m limit --limit 1000/s --limit-burst 1";
            let mut trial = Trial::new(Family::V4, dialect, TableName::Mangle, &[line]);
            let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
            for _ in 0..8 {
                *count += usize::from(trial.takes(&mut packet) == Ok(true));
                trial.wait(1);
            }
        }
        assert_eq!(passed, [2, 8]);
    }
}
