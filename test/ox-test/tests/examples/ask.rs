//! A question, put to the kernel: the host is built, the rules loaded, the packets pushed, and what comes of the last one
//! is held against what is expected.

use super::dump::{Dump, Lock, counters};
use super::result::Observed;
use ox_io::raw::Options;
use ox_packet::Family;
use ox_rules::ir::Dialect;
use ox_test::differential::lab::{Lab, Seen, Site};
use ox_test::oracle::Program;
use ox_test::questions::{Example, Outcome, Question};
use oxtables::describe::{self, Described};
use std::collections::{BTreeMap, BTreeSet};

/// Puts a question to the kernel.
pub fn confirm(example: &Example, question: &Question) -> Result<(), String> {
    let host = describe::host(&example.directory.join("host.toml"))?;
    let site = Site { world: host.world, sysctls: host.sysctls, frames: false };
    let dumps = example.dumps().iter().map(|f| Dump::read(f)).collect::<Result<Vec<_>, _>>()?;
    let lock = Lock::new();
    let asked = ox_io::netns::run(|ns| {
        let lab = Lab::build(ns, &lock.path(), &site).map_err(|why| format!("the lab: {why}"))?;
        let filled = lab.stock("ipset", &["restore"], &host.ipset).map_err(|why| why.to_string())?;
        if !filled.success() {
            return Err(format!("ipset: {}", filled.err()));
        }
        Asking { lab, dumps: &dumps, question }.run()
    });
    asked.map_err(|why| why.to_string())?
}

/// The lab sends as the user and with the mark that a packet's words name, and a wrong answer is seen.
pub fn sender_and_faults() -> Result<(), String> {
    let rules = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n\
                 -A OUTPUT -m owner --uid-owner 1234 -m mark --mark 0x7 -j DROP\nCOMMIT\n";
    let program = Program { family: Family::V4, dialect: Dialect::Nft };
    let dumps = [Dump { program, text: rules.to_owned() }];
    let fate = |who: &str, verdict: &str| {
        let outcome = Outcome { verdict: verdict.to_owned(), ..Outcome::default() };
        let packet = format!("-p udp -s 127.0.0.1 --sport 4000 -d 127.0.0.1 --dport 53 {who}");
        let question = Question { packet, outcome: vec![outcome], ..Question::default() };
        let lock = Lock::new();
        let asked = ox_io::netns::run(|ns| {
            let lab = Lab::build(ns, &lock.path(), &Site::default()).map_err(|why| format!("the lab: {why}"))?;
            Asking { lab, dumps: &dumps, question: &question }.run()
        });
        asked.map_err(|why| why.to_string())?
    };
    fate("--uid 1234 --mark 7", "dropped")?;
    fate("--uid 1234 --mark 8", "delivered")?;
    fate("--uid 1235 --mark 7", "delivered")?;
    fate("", "delivered")?;
    match fate("--uid 1234 --mark 7", "delivered") {
        Err(why) if why.starts_with("0 of the expected outcomes fit") => Ok(()),
        other => Err(format!("a wrong expectation was not seen: {other:?}")),
    }
}

struct Asking<'a> {
    lab: Lab<'a>,
    dumps: &'a [Dump],
    question: &'a Question,
}

impl Asking<'_> {
    fn run(mut self) -> Result<(), String> {
        for dump in self.dumps {
            self.stock(dump, "-restore", &[], &dump.text)?;
        }
        for earlier in &self.question.before {
            self.push(&describe::packet(earlier)?)?;
        }
        if self.question.is_random() { self.chances() } else { self.once() }
    }

    /// A packet that always fares the same.
    fn once(mut self) -> Result<(), String> {
        let asked = describe::packet(&self.question.packet)?;
        let before = self.counted()?;
        let seen = self.push(&asked)?;
        let rose = rose(&before, &self.counted()?);
        let observed = Observed::of(&asked, &seen, &rose, asked.packet.key.sport);
        self.outcome(&observed, Some(&rose)).map(drop)
    }

    /// Connections one after the other, each from a port of its own, so many that a share that is not there is seen.
    fn chances(mut self) -> Result<(), String> {
        let shares: Vec<f64> = self.question.outcome.iter().map(|o| o.probability.unwrap_or(0.0)).collect();
        let rarest = shares.iter().copied().fold(1.0, f64::min);
        if rarest <= 0.0 {
            return Err("chance decides, but an outcome has no probability".to_owned());
        }
        // One that is due is missed with (1 - p)^(25 / p) < 1e-10.
        let count = (25.0 / rarest).ceil().max(200.0) as u16;
        let mut times = vec![0u16; shares.len()];
        for n in 0..count {
            let (words, port) = another_port(&self.question.packet, n)?;
            let asked = describe::packet(&words)?;
            forget_clients()?;
            // Counters are dear with many rules: they are only read until each outcome was seen.
            let open = times.contains(&0);
            let before = if open { Some(self.counted()?) } else { None };
            let seen = self.push(&asked)?;
            let rose = before.map(|b| Ok::<_, String>(rose(&b, &self.counted()?))).transpose()?;
            let none = BTreeSet::new();
            let observed = Observed::of(&asked, &seen, rose.as_ref().unwrap_or(&none), port);
            times[self.outcome(&observed, rose.as_ref())?] += 1;
        }
        for ((outcome, share), times) in self.question.outcome.iter().zip(shares).zip(times) {
            let n = f64::from(count);
            let far = (f64::from(times) - n * share).abs();
            // Six standard deviations: once in 500 million.
            if times == 0 || far > 6.0 * (n * share * (1.0 - share)).sqrt() + 1.0 {
                return Err(format!("{times} of {count} came out as {outcome:?}"));
            }
        }
        Ok(())
    }

    /// Which of the expected outcomes this is: exactly one, and its rule has counted.
    fn outcome(&self, observed: &Observed, rose: Option<&BTreeSet<String>>) -> Result<usize, String> {
        let all = &self.question.outcome;
        let fitting: Vec<usize> = (0..all.len()).filter(|&i| observed.fits(&all[i])).collect();
        let [which] = fitting[..] else {
            let rose: Vec<_> = rose.into_iter().flatten().collect();
            return Err(format!(
                "{} of the expected outcomes fit {observed:?}\nexpected: {all:#?}\ncounted: {rose:#?}",
                fitting.len()
            ));
        };
        match (&all[which].decided_by, rose) {
            (Some(rule), Some(rose)) if !rose.contains(rule) => {
                Err(format!("it came out as expected, but `{rule}' did not count it; these did: {rose:#?}"))
            }
            _ => Ok(which),
        }
    }

    fn push(&mut self, packet: &Described) -> Result<Vec<Seen>, String> {
        let Described { packet, iif, owner } = packet;
        let done = match iif {
            Some(iif) => self.lab.arrive(iif, &packet.bytes),
            None => {
                let mark = Some(packet.key.mark).filter(|&m| m != 0);
                let uid = owner.as_ref().map(|o| o.uid);
                self.lab.send_as(&Options { mark, uid, ..Options::default() }, &packet.bytes)
            }
        };
        done.map_err(|why| why.to_string())
    }

    fn stock(&self, dump: &Dump, suffix: &str, args: &[&str], input: &str) -> Result<String, String> {
        let program = dump.program.name(suffix);
        match self.lab.stock(&program, args, input) {
            Ok(out) if out.success() => Ok(out.out()),
            Ok(out) => Err(format!("{program}: {}", out.err())),
            Err(why) => Err(why.to_string()),
        }
    }

    fn counted(&self) -> Result<BTreeMap<String, u64>, String> {
        let mut all = BTreeMap::new();
        for dump in self.dumps {
            all.extend(counters(&self.stock(dump, "-save", &["-c"], "")?));
        }
        Ok(all)
    }
}

/// What has counted between.
fn rose(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeSet<String> {
    let more = after.iter().filter(|&(rule, &n)| n > before.get(rule).copied().unwrap_or(0));
    more.map(|(rule, _)| rule.clone()).collect()
}

/// The packet from the `n`th port behind its own, and its own.
fn another_port(words: &str, n: u16) -> Result<(String, u16), String> {
    let mut all: Vec<&str> = words.split(' ').collect();
    let place = all.iter().position(|w| *w == "--sport").map(|at| at + 1);
    let port = place.and_then(|at| all.get(at)?.parse::<u16>().ok());
    let (Some(place), Some(port)) = (place, port) else {
        return Err("chance decides, and no --sport is there to be varied".to_owned());
    };
    let other = port.wrapping_add(n).max(1).to_string();
    all[place] = &other;
    Ok((all.join(" "), port))
}

/// Empties the lists of `recent`, so that each client is a new one.
fn forget_clients() -> Result<(), String> {
    // By way of the thread: it is the one that lives in the namespace.
    let Ok(lists) = std::fs::read_dir("/proc/thread-self/net/xt_recent") else { return Ok(()) };
    for list in lists.flatten() {
        std::fs::write(list.path(), "/").map_err(|e| format!("{}: {e}", list.path().display()))?;
    }
    Ok(())
}
