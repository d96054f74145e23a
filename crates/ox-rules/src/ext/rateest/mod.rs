//! `-m rateest` and `-j RATEEST`: measure the rate of packets under a name, and compare rates.
//!
//! Kernel: net/netfilter/xt_RATEEST.c, xt_rateest.c, net/core/gen_estimator.c; ABI: uapi/linux/netfilter/xt_RATEEST.h,
//! xt_rateest.h. The interval is kept as a power of two of a quarter second, the averaging time as a power of two of the
//! interval. A kernel begins to measure when it loads the rule; here that is when the first packet asks.
mod abi;
mod compare;
mod target;

pub use compare::Rateest;
pub use target::SetRateest;

use super::prelude::*;
use std::sync::{Arc, OnceLock};

/// How an estimator measures: logarithms of the interval in quarter seconds, and of the share that a new rate has.
#[derive(Clone, Copy, Debug)]
struct Pace {
    interval: u32,
    ewma: u32,
}

/// The pace of a name, once a rule has set it.
fn paces(cx: &Lowering<'_>, name: &str) -> Arc<OnceLock<Pace>> {
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
