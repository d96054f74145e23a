//! The same packets through a ruleset and through its translation into nft's language, both in the real kernel.
//!
//! Only rules that have an nft form and are left to no chance take part. What iptables-nft gives the kernel as an xt match
//! and nft as an expression of its own may still differ for headers that are cut short; those packets are left out.

use super::compare::{Failure, PACKETS, kind_of, stock_name};
use super::dice::Rng;
use super::lab::{Lab, Seen, Site, Way};
use super::packets::History;
use super::rulesets::make;
use super::values::set_text;
use super::wide::Mode;
use ox_packet::{Family, Key, Shape};
use ox_rules::syntax::{NoNames, translate_text};
use std::fmt::Write as _;

/// Times that what a kernel did must come again before it is held against a translation.
const AGAIN: usize = 4;

/// What became of a ruleset and its translation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fates {
    /// So many rules and packets, and the same came of each packet.
    Same(usize, usize),
    /// One of the two could not be loaded here.
    Refused(String),
    /// Something else came of a packet; the story.
    Differ(String),
}

/// Words of rules that the kernel does not decide twice in the same way, or that are about something outside of packets.
/// And the MTU of a path: of one over loopback nft says 536 (Kernel: net/netfilter/nft_rt.c `get_tcpmss`).
const LEFT_OUT: [&str; 9] =
    ["random", "limit", "recent", "--persistent", "TEE", "QUEUE", "TRACE", "TPROXY", "--clamp-mss-to-pmtu"];

/// Whether two rulesets do the same with the packets of a seed.
///
/// # Errors
/// The lab could not be built.
pub fn fates(seed: u64) -> Result<Fates, Failure> {
    let (family, dialect) = kind_of(seed);
    let mut rng = Rng::new(seed);
    let (text, rules) = translatable(&make(&mut rng, family, dialect, Mode::Plain), family);
    let (done, result) = translate_text(text.as_bytes(), family, &NoNames);
    if let (Err(_), _) | (_, false) = (result, done.missing.is_empty()) {
        return Ok(Fates::Differ(format!("seed {seed}: what was translated line by line is not as a whole:\n{text}")));
    }
    let nft = done.text;
    let restore = stock_name(family, dialect, "restore");
    let mut inputs: Vec<(Way, Vec<u8>)> = Vec::new();
    let mut history = History::default();
    let first = in_lab(seed, family, &restore, &[], &text, |lab| {
        let mut seen = Vec::new();
        while inputs.len() < PACKETS {
            let (way, bytes) = history.next(&mut rng, family);
            if cut_short(&bytes) {
                continue;
            }
            let came = lab.push(way, &bytes)?;
            history.note(way, &bytes, &came);
            seen.push(alike(came));
            inputs.push((way, bytes));
        }
        Ok(seen)
    })?;
    let replay = |program: &str, args: &[&str], text: &str| {
        in_lab(seed, family, program, args, text, |lab| {
            inputs.iter().map(|(way, bytes)| lab.push(*way, bytes).map(alike)).collect::<Result<Vec<_>, Failure>>()
        })
    };
    let first = match first {
        Ok(seen) => seen,
        Err(why) => return Ok(Fates::Refused(why)),
    };
    let second = match replay("nft", &["-f", "-"], &nft)? {
        Ok(seen) => seen,
        Err(why) if why.contains("Could not process rule") => return Ok(Fates::Refused(why)),
        Err(why) => return Ok(Fates::Differ(format!("seed {seed}: nft does not read it: {why}\n{nft}"))),
    };
    let Some(at) = (0..first.len()).find(|&i| first[i] != second[i]) else {
        return Ok(Fates::Same(rules, first.len()));
    };
    // What the kernel itself does not do again and again says nothing: a port that it picks at random may be the same once.
    for _ in 0..AGAIN {
        match replay(&restore, &[], &text)? {
            Ok(again) if again[..=at] == first[..=at] => {}
            _ => return Ok(Fates::Refused("the kernel does not do it twice".to_owned())),
        }
    }
    let mut story = format!("seed {seed}, packet {at}: {:?} {}\n", inputs[at].0, hex(&inputs[at].1));
    for (who, seen) in [(&restore[..], &first[at]), ("nft", &second[at])] {
        // Writing to a String cannot fail.
        let _ = writeln!(story, "{who}:");
        for one in seen {
            let _ = match one {
                Seen::Out(dev, bytes) => writeln!(story, "  out {dev} {}", hex(bytes)),
                Seen::Delivered(dev, bytes) => writeln!(story, "  delivered from {dev} {}", hex(bytes)),
            };
        }
    }
    Ok(Fates::Differ(format!("{story}{text}{nft}")))
}

/// What was seen without the numbers that the kernel gives to IPv4 packets of its own, and their checksums.
fn alike(mut seen: Vec<Seen>) -> Vec<Seen> {
    for Seen::Out(_, bytes) | Seen::Delivered(_, bytes) in &mut seen {
        if bytes.len() >= 20 && bytes[0] >> 4 == 4 {
            bytes[4..6].fill(0);
            bytes[10..12].fill(0);
        }
    }
    seen.sort();
    seen
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What is seen of packets in a lab with these rules; what the program says if it does not load them.
fn in_lab<T: Send>(
    seed: u64,
    family: Family,
    program: &str,
    args: &[&str],
    rules: &str,
    work: impl FnOnce(&mut Lab<'_>) -> Result<T, Failure> + Send,
) -> Result<Result<T, String>, Failure> {
    ox_io::netns::run(|ns| {
        let lock = std::env::temp_dir().join(format!("ox-translated-{}-{seed}", std::process::id()));
        let lock = lock.to_string_lossy().into_owned();
        let done = Lab::build(ns, &lock, &Site::router()).and_then(|mut lab| {
            lab.stock("ipset", &["restore"], &set_text(family))?;
            let loaded = lab.stock(program, args, rules)?;
            if !loaded.success() {
                return Ok(Err(loaded.err()));
            }
            work(&mut lab).map(Ok)
        });
        let _ = std::fs::remove_file(&lock);
        done
    })?
}

/// The ruleset without the rules that have no nft form or are left to chance, and how many are left.
fn translatable(text: &str, family: Family) -> (String, usize) {
    let (mut kept, mut rules, mut table) = (String::new(), 0, "");
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
        }
        if line.starts_with("-A ") {
            let alone = format!("*{table}\n{line}\nCOMMIT\n");
            let (done, result) = translate_text(alone.as_bytes(), family, &NoNames);
            let whole = result.is_ok() && done.missing.is_empty() && done.notes.is_empty();
            if !whole || LEFT_OUT.iter().any(|w| line.contains(w)) {
                continue;
            }
            rules += 1;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    (kept, rules)
}

/// Whether a packet has no whole transport header of its own.
fn cut_short(bytes: &[u8]) -> bool {
    let mut key = Key::default();
    let odd = Shape::FRAGMENT | Shape::FIRST | Shape::SHORT | Shape::NOPORTS | Shape::NOL4 | Shape::BADOFF;
    ox_packet::extract(bytes, &mut key).is_err() || key.shape.any(odd)
}
