//! `-m statistic`: match at random, or every n-th packet.
//!
//! Kernel: net/netfilter/xt_statistic.c; ABI: uapi/linux/netfilter/xt_statistic.h.
//! `nth` counts the packets that *reach* it, so nothing may move across it.
use super::prelude::*;
use ox_wire::xtables::rate::XtStatisticInfo;
use std::mem::offset_of;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistic {
    mode: Inv<Mode>,
    typed: Typed,
}

/// What was given, in any order; forgotten when the mode has taken what it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Typed {
    chance: u32,
    every: u32,
    packet: u32,
}

/// As the kernel keeps them: chance in 2^31ths; the counter runs from `packet` to `every`, which is n - 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    Unset,
    Random {
        chance: u32,
    },
    Nth {
        every: u32,
        packet: u32,
    },
}

options! { Statistic;
    /// `random` or `nth`.
    MODE ["mode"] Mode, .needed() => |s, v| s.mode.is = v;
    /// How likely a packet matches, from 0 to 1 (mode random).
    PROBABILITY ["probability"] Inv<Chance>, .excl(Self::EVERY) => |s, v| {
        s.typed.chance = v.is.0;
        s.mode.not = v.not;
    };
    /// One in so many packets matches (mode nth).
    EVERY ["every"] Inv<u32>, .also(Self::PACKET), .excl(Self::PROBABILITY) => |s, v| s.every(v);
    /// Where to begin counting, from 0 to N - 1 (mode nth).
    PACKET ["packet"] u32, .also(Self::EVERY) => |s, v| s.typed.packet = v;
}

impl Value for Mode {
    const HINT: &'static str = "random|nth";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            "random" => Ok(Mode::Random { chance: 0 }),
            "nth" => Ok(Mode::Nth { every: 0, packet: 0 }),
            other => Err(format!("`{other}' is not a mode: random or nth")),
        }
    }
}

struct Chance(u32);

impl Value for Chance {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "P";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match fraction(args[0]) {
            // Rounded to 31 bits as stock does (lround).
            Some(p) if (0.0..=1.0).contains(&p) => Ok(Chance((p * f64::from(1u32 << 31)).round() as u32)),
            _ => Err(format!("`{}' is not a probability: a number from 0 to 1 is expected", args[0])),
        }
    }
}

impl Statistic {
    fn every(&mut self, v: Inv<u32>) -> Result<(), String> {
        if v.is == 0 {
            return Err("`0' is not a count of packets: 1 or more is expected".into());
        }
        self.typed.every = v.is - 1;
        self.mode.not = v.not;
        Ok(())
    }
}

impl Ext for Statistic {
    const NAME: &'static str = "statistic";
    const ABOUT: &'static str = "Matches at random, or every n-th packet: how load is balanced.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        let Typed { chance, every, packet } = std::mem::take(&mut self.typed);
        self.mode.is = match self.mode.is {
            Mode::Unset => Mode::Unset,
            Mode::Random { .. } => Mode::Random { chance },
            Mode::Nth { .. } => Mode::Nth { every, packet },
        };
        match self.mode.is {
            Mode::Random { .. } if seen & Self::PROBABILITY == 0 => Err("`--mode random' needs `--probability'".into()),
            Mode::Nth { .. } if seen & Self::EVERY == 0 => Err("`--mode nth' needs `--every'".into()),
            Mode::Nth { every, packet } if packet > every => {
                Err(format!("`--packet {packet}' must be below the {} of `--every'", every + 1))
            }
            _ => Ok(()),
        }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { mode, typed: _ } = *self;
        match mode.is {
            Mode::Unset => {}
            Mode::Random { chance } => {
                out.opt(false, "--mode", "random");
                out.opt(mode.not, "--probability", Chance(chance));
            }
            Mode::Nth { every, packet } => {
                out.opt(false, "--mode", "nth");
                out.opt(mode.not, "--every", u64::from(every) + 1);
                out.opt(false, "--packet", packet);
            }
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { mode, typed: _ } = *self;
        out.word("statistic mode");
        let not = if mode.not { " !" } else { "" };
        match mode.is {
            Mode::Unset => {}
            Mode::Random { chance } => {
                out.fmt(format_args!(" random{not} probability "));
                Chance(chance).print(out);
            }
            Mode::Nth { every, packet } => {
                out.fmt(format_args!(" nth{not} every {}", u64::from(every) + 1));
                if packet != 0 {
                    out.fmt(format_args!(" packet {packet}"));
                }
            }
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { mode, typed: _ } = *self;
        match mode.is {
            Mode::Unset => return None,
            Mode::Random { chance } => {
                let sign = if mode.not { ">=" } else { "<" };
                nft.say(format_args!("meta random & 2147483647 {sign} {chance}"));
            }
            Mode::Nth { every, packet } => {
                // The kernel is given the last number, not how many there are.
                nft.test(&format!("numgen inc mod {}", u64::from(every) + 1), mode.not, packet);
            }
        }
        Some(())
    }
}

/// With eleven digits behind the point, as C rounds them: to the nearest, and of two to the even one.
impl Print for Chance {
    fn print(&self, out: &mut Out) {
        // 10^11 / 2^31 is 5^11 / 2^20.
        let scaled = u64::from(self.0) * 5u64.pow(11);
        let (below, rest) = (scaled >> 20, scaled & 0xf_ffff);
        let up = rest > 0x8_0000 || (rest == 0x8_0000 && below % 2 == 1);
        let all = below + u64::from(up);
        out.dec(all / 100_000_000_000);
        out.raw(".");
        out.padded(all % 100_000_000_000, 11);
    }
}

impl Matching for Statistic {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { mode, typed: _ } = *self;
        match mode.is {
            Mode::Unset => Pred::Is(false),
            Mode::Random { chance } => {
                Pred::from(Native::new("chance", Effect::Fresh, move |at| Ok(at.env.chance(chance)))).not_if(mode.not)
            }
            Mode::Nth { every, packet } => Pred::from(Native::new("nth packet", Effect::Mutates, move |at| {
                // Stock hands the kernel the packets that are still to pass: with `--packet 0` the first one matches.
                let count = at.cell(CellKey::Own, || every - packet);
                *count = if *count == every { 0 } else { count.wrapping_add(1) };
                Ok(*count == 0)
            }))
            .not_if(mode.not),
        }
    }
}

impl Xt<0> for Statistic {
    type Info = XtStatisticInfo;
    // Behind it lies where the kernel counts; stock writes junk there.
    const COMPARE: usize = offset_of!(XtStatisticInfo, u) + 8;

    fn encode(&self, _: &Carry<'_>) -> Option<XtStatisticInfo> {
        let Self { mode, typed: _ } = *self;
        let (number, u) = match mode.is {
            Mode::Unset => return None,
            Mode::Random { chance } => (0, [chance, 0, 0]),
            Mode::Nth { every, packet } => (1, [every, packet, 0]),
        };
        Some(XtStatisticInfo { mode: number, flags: mode.not.into(), u, ..Default::default() })
    }

    fn decode(info: &XtStatisticInfo, _: &Carry<'_>) -> Option<Self> {
        let XtStatisticInfo { mode, flags, u, master: _ } = *info;
        let is = match mode {
            0 => Mode::Random { chance: u[0] },
            1 => Mode::Nth { every: u[0], packet: u[1] },
            _ => return None,
        };
        Some(Self { mode: Inv { is, not: flags != 0 }, typed: Typed::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chances_are_rounded_as_floats_are() {
        let odd = (0..32).map(|bit| 1u32 << bit).flat_map(|n| [n - 1, n, n + 1, n / 2 * 3, n / 4 * 5, n / 8 * 7]);
        let many = (0..20_000u32).map(|n| n.wrapping_mul(0x9e37_79b1) >> 1);
        for chance in odd.chain(many).filter(|&c| c <= 1 << 31) {
            let mut out = Out::default();
            Chance(chance).print(&mut out);
            assert_eq!(out.text, format!("{:.11}", f64::from(chance) / f64::from(1u32 << 31)), "{chance}");
        }
    }
}
