//! `-m hashlimit`: a limit for each address, port, or group of them.
//!
//! Kernel: net/netfilter/xt_hashlimit.c; ABI: uapi/linux/netfilter/xt_hashlimit.h (revision 3).
//! The state of the table, and the arithmetic, is in `hashtable.rs`.
mod abi;
mod values;

use super::hashtable::{self, Config, Table};
use super::plen;
use super::prelude::*;
use super::rate;
use values::{Bits, Burst, Interval, Mode, Rate, SCALE, bytes_to_cost, cost_to_bytes, in_nft, print_bytes};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HashLimit {
    name: String,
    rate: Rate,
    above: bool,
    burst: Option<u64>,
    mode: Mode,
    size: u32,
    max: u32,
    gc: Option<u32>,
    expire: Option<u32>,
    srcmask: Option<u8>,
    dstmask: Option<u8>,
    rate_match: bool,
    interval: Option<u32>,
}

const BURST: u64 = 5;
const BURST_MAX: u64 = 1_000_000;

/// Milliseconds between two cleanings, unless said otherwise.
const GC: u32 = 1000;

/// Entries at most: the kernel cuts larger numbers (`HASHLIMIT_MAX_SIZE`).
const SIZE_MAX: u32 = 1_048_576;

/// Seconds after which an idle entry may go, for bytes without and with a burst.
const BYTES_EXPIRE: [u32; 2] = [15, 60];

options! { HashLimit;
    /// Match up to this rate: N[/s|m|h|d] packets, or N[k|m]b/s bytes.
    UPTO ["hashlimit-upto", "hashlimit"] Inv<Rate>, .excl(Self::ABOVE) => |h, v| { h.rate = v.is; h.above = v.not };
    /// Match above this rate.
    ABOVE ["hashlimit-above"] Inv<Rate>, .excl(Self::UPTO) => |h, v| { h.rate = v.is; h.above = !v.not };
    /// Packets (5 if not given) or bytes at once before the rate counts.
    BURST ["hashlimit-burst"] Burst => |h, v| h.burst = Some(v.0);
    /// What has a limit of its own: srcip, srcport, dstip, dstport, or several of them; all packets together if none.
    MODE ["hashlimit-mode"] Mode => |h, v| h.mode = v;
    /// Bits of the source address that count.
    SRCMASK ["hashlimit-srcmask"] Bits => |h, v| h.srcmask = Some(v.0);
    /// Bits of the destination address that count.
    DSTMASK ["hashlimit-dstmask"] Bits => |h, v| h.dstmask = Some(v.0);
    /// Name of the table; rules with the same name share it.
    NAME ["hashlimit-name"] Text, .needed() => |h, v| h.name(v.0);
    /// Buckets of the table.
    SIZE ["hashlimit-htable-size"] u32 => |h, v| h.size = v.min(SIZE_MAX);
    /// Entries that the table holds at most; packets that need one more are dropped.
    MAX ["hashlimit-htable-max"] u32 => |h, v| h.max = v.min(SIZE_MAX);
    /// Milliseconds after which an idle entry may go.
    EXPIRE ["hashlimit-htable-expire"] u32 => |h, v| h.expire = Some(v);
    /// Milliseconds between two cleanings.
    GC ["hashlimit-htable-gcinterval"] u32 => |h, v| h.gc = Some(v);
    /// Compare the rate of the last interval instead of a running balance.
    RATE_MATCH ["hashlimit-rate-match"] Flag => |h, _v| h.rate_match = true;
    /// Seconds of that interval.
    INTERVAL ["hashlimit-rate-interval"] Interval => |h, v| h.interval = Some(v.0);
}

impl HashLimit {
    fn name(&mut self, name: String) -> Result<(), String> {
        // 255 bytes with the final zero; stock cuts longer names silently.
        if name.is_empty() || bytes::len(&name) > 254 {
            return Err("a name of 1 to 254 bytes is expected".into());
        }
        self.name = name;
        Ok(())
    }

    /// Packets, or multiples of the rate in bytes.
    fn burst(&self) -> u64 {
        match self.rate {
            Rate::Packets { .. } => self.burst.unwrap_or(BURST),
            Rate::Bytes { .. } => self.burst.unwrap_or(0),
        }
    }

    /// Seconds of the interval that rates are compared over.
    fn interval(&self) -> u32 {
        self.interval.unwrap_or(match self.rate {
            Rate::Packets { unit, .. } => unit as u32,
            Rate::Bytes { .. } => 1,
        })
    }

    fn expire(&self) -> u32 {
        self.expire.unwrap_or(1000)
    }
}

impl Ext for HashLimit {
    const NAME: &'static str = "hashlimit";
    const ABOUT: &'static str = "Keeps a limit of packets or bytes in a time for each address or port.";

    fn check(&mut self, seen: u32, cx: &Reading<'_>) -> Result<(), String> {
        if seen & (Self::UPTO | Self::ABOVE) == 0 {
            return Err("say how much: --hashlimit-upto or --hashlimit-above".into());
        }
        for mask in [&mut self.srcmask, &mut self.dstmask] {
            *mask = mask.filter(|&m| m != plen::width(cx.family));
        }
        let mut idle = BYTES_EXPIRE[usize::from(self.burst.is_some())];
        match &mut self.rate {
            Rate::Packets { period, unit } => {
                if self.burst.is_some_and(|b| b > BURST_MAX) {
                    return Err(format!("the burst is too large: {BURST_MAX} packets at most"));
                }
                idle = *unit as u32;
                if self.rate_match {
                    // So many in each interval: the unit only sets the interval.
                    *period /= *unit;
                    self.interval = self.interval.or(Some(*unit as u32));
                }
                *unit = 1;
                self.burst = self.burst.or(Some(BURST));
            }
            Rate::Bytes { cost } => {
                let bytes = cost_to_bytes(*cost);
                if let Some(burst) = self.burst {
                    if bytes == 0 || burst < bytes {
                        return Err(format!("the burst cannot be smaller than the rate, {bytes} bytes"));
                    }
                    self.burst = Some(burst.div_ceil(bytes));
                }
            }
        }
        // Stock stores what was not said, so that a rule read back is the same rule.
        self.expire = self.expire.or(Some(idle.saturating_mul(1000)));
        if !self.rate_match {
            self.interval = None;
        }
        self.interval = self.interval.filter(|&i| i != 1);
        self.gc = self.gc.filter(|&gc| gc != GC);
        Ok(())
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        if let Some(refused) = plen::bad_proc_name(&self.name) {
            return Err(refused);
        }
        if self.gc == Some(0) || self.expire() == 0 {
            return Err(Refused::invalid("hashlimit: the times of the table must be above 0"));
        }
        if let (Rate::Packets { period, .. }, false) = (self.rate, self.rate_match)
            && hashtable::overflows(period, self.burst())
        {
            return Err(Refused {
                errno: "Numerical result out of range",
                why: format!("hashlimit: a burst of {} at this rate is more than the kernel can count", self.burst()),
            });
        }
        let width = plen::width(at.family);
        if [self.srcmask, self.dstmask].into_iter().flatten().any(|m| m > width) {
            return Err(Refused::invalid(format!("hashlimit: an address has no more than {width} bits")));
        }
        Ok(())
    }

    fn shared(&self) -> Option<Shared<'_>> {
        Some(Shared { what: "hashlimit table", name: &self.name, terms: self.rate_match.into() })
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { name, rate, above, burst: _, mode, .. } = self;
        out.word(if *above { "--hashlimit-above" } else { "--hashlimit-upto" });
        let idle = self.print_rate(*rate, 1, "--hashlimit-burst", out);
        if *mode != Mode::default() {
            out.word("--hashlimit-mode");
            out.gap();
            mode.print(",", out);
        }
        out.word("--hashlimit-name");
        out.guarded(name);
        self.print_table("--hashlimit-", idle, out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { name: _, rate, above, burst: _, mode, .. } = self;
        out.word(if *above { "limit: above" } else { "limit: up to" });
        let idle = self.print_rate(*rate, self.interval.unwrap_or(1).into(), "burst", out);
        if *mode != Mode::default() {
            out.word("mode");
            out.gap();
            mode.print("-", out);
        }
        self.print_table("", idle, out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { name, rate, above, mode, srcmask, dstmask, rate_match, .. } = self;
        if *rate_match {
            return nft.no("nft limits a rate, and does not compare one over an interval");
        }
        if *mode == Mode::default() {
            return nft.no("nft keeps limits of one name for addresses or ports only (--hashlimit-mode)");
        }
        nft.word("meter");
        nft.named(name)?;
        nft.word("{");
        let proto = match nft.head.proto {
            Inv { is: p, not: false } if p.has_ports() => crate::syntax::protocol_name(p.0).unwrap_or_default(),
            _ if mode.srcport || mode.dstport => return nft.no("nft knows ports only where -p says whose they are"),
            _ => "",
        };
        let (ip, mut dot) = (nft.ip(), "");
        for (addr, port, mask, end) in
            [(mode.dstip, mode.dstport, dstmask, "d"), (mode.srcip, mode.srcport, srcmask, "s")]
        {
            if addr {
                nft.say(format_args!("{dot}{ip} {end}addr"));
                if let Some(mask) = mask {
                    nft.word("and");
                    nft.addr(prefix_mask(nft.family, (*mask).min(plen::width(nft.family))));
                }
                dot = ". ";
            }
            if port {
                nft.say(format_args!("{dot}{proto} {end}port"));
                dot = ". ";
            }
        }
        if self.expire() != 1000 {
            nft.say(format_args!("timeout {}s", self.expire() / 1000));
        }
        nft.say(format_args!("limit rate{}", if *above { " over" } else { "" }));
        match *rate {
            Rate::Packets { period, .. } => {
                let (count, unit, _) = rate::shown(period, SCALE);
                nft.say(format_args!("{count}/{}", rate::unit_in_nft(unit)));
                if self.burst() != BURST {
                    nft.say(format_args!("burst {} packets", self.burst()));
                }
            }
            Rate::Bytes { cost } => {
                let bytes = cost_to_bytes(cost);
                nft.say(format_args!("{}/second", in_nft(bytes)));
                if self.burst() != 0 {
                    nft.say(format_args!("burst {}", in_nft(bytes.saturating_mul(self.burst()))));
                }
            }
        }
        nft.word("}");
        Some(())
    }
}

impl HashLimit {
    /// Rate and burst; gives back the expiry in milliseconds that goes without saying.
    fn print_rate(&self, rate: Rate, times: u64, burst: &str, out: &mut Out) -> u32 {
        out.gap();
        match rate {
            Rate::Packets { period, unit: _ } => {
                let (count, unit, seconds) = rate::shown(period.wrapping_mul(times), SCALE);
                out.fmt(format_args!("{count}/{unit}"));
                out.opt(false, burst, self.burst());
                seconds as u32 * 1000
            }
            Rate::Bytes { cost } => {
                let rate = cost_to_bytes(cost);
                print_bytes(rate, |cut| cut <= u32::MAX.into() && bytes_to_cost(cut) == u64::from(cost), out);
                out.raw("/s");
                if self.burst() == 0 {
                    return BYTES_EXPIRE[0] * 1000;
                }
                out.word(burst);
                out.gap();
                // Stock cuts further, to bursts that it would not take back.
                let same = |cut: u64| rate != 0 && cut >= rate && cut.div_ceil(rate) == self.burst();
                print_bytes(rate.saturating_mul(self.burst()), same, out);
                BYTES_EXPIRE[1] * 1000
            }
        }
    }

    fn print_table(&self, dashes: &str, idle: u32, out: &mut Out) {
        let Self { size, max, gc, expire: _, srcmask, dstmask, rate_match, interval, .. } = *self;
        let mut item = |name: &str, value: Option<u32>| {
            if let Some(value) = value {
                out.fmt(format_args!(" {dashes}{name} {value}"));
            }
        };
        item("htable-size", Some(size).filter(|&n| n != 0));
        item("htable-max", Some(max).filter(|&n| n != 0));
        item("htable-gcinterval", gc);
        item("htable-expire", Some(self.expire()).filter(|&e| e != idle));
        item("srcmask", srcmask.map(u32::from));
        item("dstmask", dstmask.map(u32::from));
        if rate_match {
            out.fmt(format_args!(" {dashes}rate-match"));
            if let Some(interval) = interval {
                out.fmt(format_args!(" {dashes}rate-interval {interval}"));
            }
        }
    }

    fn config(&self, family: Family) -> Config {
        let mask =
            |len: Option<u8>, on: bool| prefix_mask(family, if on { len.unwrap_or(plen::width(family)) } else { 0 });
        // Without a size the kernel takes one by memory: 8192 buckets above a gigabyte, eight entries each.
        let size = if self.size == 0 { 8192 } else { self.size };
        Config {
            src: mask(self.srcmask, self.mode.srcip),
            dst: mask(self.dstmask, self.mode.dstip),
            sport: self.mode.srcport,
            dport: self.mode.dstport,
            max: if self.max == 0 { size.saturating_mul(8) } else { self.max.max(size) },
            expire: hashtable::ticks(self.expire()),
            gc: hashtable::ticks(self.gc.unwrap_or(GC)).max(1),
            start: match (self.rate, self.rate_match) {
                (Rate::Packets { period, .. }, false) => hashtable::packets(period, self.burst()),
                (Rate::Bytes { cost }, false) => hashtable::bytes(cost, self.burst()),
                (Rate::Packets { period, .. }, true) => hashtable::packet_window(period, self.burst(), self.interval()),
                (Rate::Bytes { cost }, true) => hashtable::byte_window(cost, self.burst(), self.interval()),
            },
        }
    }
}

impl Matching for HashLimit {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        // The first rule of a name makes the table; the others only count on it.
        let kind = if cx.family == Family::V4 { "hashlimit" } else { "hashlimit6" };
        let config = cx.shares.get(kind, &self.name, || self.config(cx.family));
        let (name, above, family) = (self.name.clone(), self.above, cx.family);
        let in_bytes = matches!(self.rate, Rate::Bytes { .. });
        Native::new("hashlimit", Effect::Mutates, move |at| {
            let now = jiffies(at.env.now().mono);
            let Some(who) = hashtable::who(at.packet, family, &config) else { return Err(Stop::Hotdrop) };
            let len = at.packet.key.len;
            let table = at.cell(CellKey::Named(kind, &name), || Table::new(now));
            let Some(below) = table.take(who, &config, now, len, in_bytes) else { return Err(Stop::Hotdrop) };
            Ok(below != above)
        })
        .into()
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
            (
                "--hashlimit 3/s --hashlimit-mode dstip,srcip --hashlimit-srcmask 24 --hashlimit-name a",
                "--hashlimit-upto 3/sec --hashlimit-burst 5 --hashlimit-mode srcip,dstip --hashlimit-name a --hashlimit-srcmask 24",
                "limit: up to 3/sec burst 5 mode srcip-dstip srcmask 24",
            ),
            (
                "! --hashlimit-upto 60/m --hashlimit-burst 9 --hashlimit-name a",
                "--hashlimit-above 1/sec --hashlimit-burst 9 --hashlimit-name a --hashlimit-htable-expire 60000",
                "limit: above 1/sec burst 9 htable-expire 60000",
            ),
            (
                "--hashlimit-above 1kb/s --hashlimit-burst 1500b --hashlimit-name a",
                "--hashlimit-above 1kb/s --hashlimit-burst 2kb --hashlimit-name a",
                "limit: above 1kb/s burst 2kb",
            ),
            (
                "--hashlimit-upto 15b/s --hashlimit-name a",
                "--hashlimit-upto 0b/s --hashlimit-name a",
                "limit: up to 0b/s",
            ),
            (
                "--hashlimit-upto 0b/s --hashlimit-name a",
                "--hashlimit-upto 0b/s --hashlimit-name a",
                "limit: up to 0b/s",
            ),
            (
                "--hashlimit-upto 5/m --hashlimit-rate-match --hashlimit-name a",
                "--hashlimit-upto 5/sec --hashlimit-burst 5 --hashlimit-name a --hashlimit-htable-expire 60000 --hashlimit-rate-match --hashlimit-rate-interval 60",
                "limit: up to 5/min burst 5 rate-match rate-interval 60",
            ),
            (
                "--hashlimit-upto 2/d --hashlimit-htable-size 9 --hashlimit-htable-max 2000000 --hashlimit-htable-gcinterval 5 --hashlimit-name a",
                "--hashlimit-upto 2/day --hashlimit-burst 5 --hashlimit-name a --hashlimit-htable-size 9 --hashlimit-htable-max 1048576 --hashlimit-htable-gcinterval 5",
                "limit: up to 2/day burst 5 htable-size 9 htable-max 1048576 htable-gcinterval 5",
            ),
        ] {
            let m = "-m hashlimit ";
            check(Family::V4, TableName::Filter, &format!("{m}{typed}"), &format!("{m}{printed}"), listed);
        }
        for line in [
            "--hashlimit-upto 3/s",
            "--hashlimit-name a",
            "--hashlimit-upto 3/s --hashlimit-above 3/s --hashlimit-name a",
            "--hashlimit-upto 1000001/s --hashlimit-name a",
            "--hashlimit-upto 1/s --hashlimit-burst 0 --hashlimit-name a",
            "--hashlimit-upto 1/s --hashlimit-burst 1mb --hashlimit-name a",
            "--hashlimit-upto 512kb/s --hashlimit-burst 256kb --hashlimit-name a",
            "--hashlimit-upto 1gb/s --hashlimit-name a",
            "--hashlimit-upto 1/s --hashlimit-mode src --hashlimit-name a",
            "--hashlimit-upto 1/s --hashlimit-rate-interval 0 --hashlimit-name a",
        ] {
            refused(Family::V4, TableName::Filter, &format!("-m hashlimit {line}"));
        }
    }

    fn passed(trial: &mut Trial, src: u8, packets: usize) -> usize {
        (0..packets).filter(|_| trial.takes(&mut udp([10, 0, 0, src], [2, 2, 2, 2])) == Ok(true)).count()
    }

    #[test]
    fn each_source_has_its_own() {
        let mut trial = Trial::of(
            "-m hashlimit --hashlimit-upto 10/s --hashlimit-burst 3 --hashlimit-mode srcip --hashlimit-name t",
        );
        assert_eq!([passed(&mut trial, 1, 5), passed(&mut trial, 2, 2), passed(&mut trial, 2, 2)], [3, 2, 1]);
        trial.wait(200);
        assert_eq!(passed(&mut trial, 1, 5), 2);
    }

    #[test]
    fn masked_sources_share() {
        let mut trial = Trial::of(
            "-m hashlimit --hashlimit-above 1/s --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-srcmask 31 --hashlimit-name t",
        );
        assert_eq!([passed(&mut trial, 2, 2), passed(&mut trial, 3, 2), passed(&mut trial, 4, 2)], [0, 2, 0]);
    }

    /// A table is full when it holds as many as it may; the packet that needs one more is dropped.
    #[test]
    fn full_table_drops_until_cleaned() {
        let line = "-m hashlimit --hashlimit-upto 9/s --hashlimit-mode srcip --hashlimit-htable-size 1 --hashlimit-htable-max 2 --hashlimit-htable-expire 100 --hashlimit-htable-gcinterval 500 --hashlimit-name t";
        let mut trial = Trial::of(line);
        assert_eq!([passed(&mut trial, 1, 1), passed(&mut trial, 2, 1)], [1, 1]);
        let mut third = udp([10, 0, 0, 3], [2, 2, 2, 2]);
        assert_eq!(trial.takes(&mut third), Err(Stop::Hotdrop));
        // Idle for long enough, but nobody has cleaned up yet.
        trial.wait(400);
        assert_eq!(trial.takes(&mut third), Err(Stop::Hotdrop));
        trial.wait(100);
        assert_eq!(trial.takes(&mut third), Ok(true));
    }

    /// 128 bytes cost nine parts of sixteen; a second's worth of the rate is there at first.
    #[test]
    fn bytes_cost_by_sixteen() {
        let mut trial = Trial::of("-m hashlimit --hashlimit-upto 1kb/s --hashlimit-name t");
        assert_eq!(passed(&mut trial, 1, 20), 7);
        let mut trial = Trial::of("-m hashlimit --hashlimit-upto 1kb/s --hashlimit-burst 2kb --hashlimit-name t");
        // The burst refills the balance twice.
        assert_eq!(passed(&mut trial, 1, 40), 21);
    }

    #[test]
    fn rates_of_the_last_interval() {
        let mut trial = Trial::of(
            "-m hashlimit --hashlimit-upto 4/s --hashlimit-burst 2 --hashlimit-htable-expire 9000 --hashlimit-rate-match --hashlimit-name t",
        );
        assert_eq!(passed(&mut trial, 1, 10), 6);
        trial.wait(1000);
        // The last second was over: nothing passes in this one.
        assert_eq!(passed(&mut trial, 1, 3), 0);
        trial.wait(1000);
        assert_eq!(passed(&mut trial, 1, 10), 6);
    }

    /// The first rule of a name sets the table up, also where the second meets the first packet.
    #[test]
    fn first_rule_makes_the_table() {
        let first = "-m hashlimit --hashlimit-upto 1/s --hashlimit-burst 1 --hashlimit-name t";
        let second = "-m hashlimit --hashlimit-upto 1/s --hashlimit-burst 50 --hashlimit-name t";
        let mut trial = Trial::new(Family::V4, Dialect::Nft, TableName::Mangle, &[first, second]);
        let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
        assert_eq!(trial.ask(1, &mut packet, None), Ok(true));
        assert_eq!(trial.ask(1, &mut packet, None), Ok(false));
    }

    #[test]
    fn ports_that_cannot_be_read_drop() {
        let mut trial = Trial::of("-m hashlimit --hashlimit-upto 1/s --hashlimit-mode dstport --hashlimit-name t");
        let mut short = udp([1, 1, 1, 1], [2, 2, 2, 2]);
        short.bytes.truncate(22);
        short.bytes[2..4].copy_from_slice(&22u16.to_be_bytes());
        short.reread().expect("the IP header is whole");
        assert_eq!(trial.takes(&mut short), Err(Stop::Hotdrop));
    }
}
