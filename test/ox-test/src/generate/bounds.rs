//! Rules at the bounds: for each option a plain rule that is good, then everything else that may be written in its place.
//!
//! Where the random rules of [`super::rules`] go by luck, these are counted out: every name of an option, `!` before it, the
//! option twice, beside each other one, without its argument, and with each word of [`BOUNDS`].

use super::{Kind, Made, one, values};
use crate::random::Random;
use ox_packet::Family;
use ox_rules::ext::Desc;
use ox_rules::syntax::Opt;

/// What a reader of numbers, ranges, masks, lists and names may stumble over.
pub const BOUNDS: [&str; 108] = [
    "",
    "0",
    "1",
    "2",
    "3",
    "-1",
    "-0",
    "+1",
    " 1",
    "1 ",
    "01",
    "08",
    "010",
    "0x",
    "0x0",
    "0x10",
    "0X1f",
    "0xg",
    "1x",
    "1.5",
    "1e3",
    "--1",
    "31",
    "32",
    "33",
    "63",
    "64",
    "65",
    "127",
    "128",
    "129",
    "254",
    "255",
    "256",
    "0xff",
    "0x100",
    "511",
    "512",
    "1023",
    "1024",
    "32767",
    "32768",
    "65534",
    "65535",
    "65536",
    "0xffff",
    "0x10000",
    "0177777",
    "1000000",
    "2147483647",
    "2147483648",
    "4294967294",
    "4294967295",
    "4294967296",
    "0xffffffff",
    "0x100000000",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "-2147483648",
    "-4294967295",
    "-18446744073709551615",
    "1:2",
    "2:1",
    "1:",
    ":1",
    ":",
    "::",
    "1:1",
    "0:65535",
    "0:65536",
    "1:2:3",
    "-1:1",
    "1:-1",
    "1:x",
    "1-2",
    "2-1",
    "1-",
    "-",
    "1-2-3",
    "1-x",
    "1/2",
    "1/",
    "/1",
    "/",
    "1/0",
    "0/0",
    "1/-1",
    "1/0xffffffff",
    "1/0x100000000",
    "1/2/3",
    "1/x",
    "x/1",
    "1,2",
    "1,",
    ",1",
    ",",
    "1,,2",
    "1,x",
    "x",
    "X",
    "any",
    "all",
    "none",
    "a b",
    "a/b",
    "%s",
];

/// Lengths of names around which the kernel's arrays end.
const LENGTHS: [usize; 12] = [14, 15, 16, 28, 29, 30, 31, 32, 63, 64, 127, 256];

/// All of them for one extension. `good` says what to begin with.
pub fn rules(desc: &Desc, kind: Kind, family: Family, random: &mut Random, good: &dyn Fn(&Made) -> bool) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for opt in desc.options {
        let Some((plain, at)) = plain(desc, opt, kind, family, random, good) else { continue };
        let end = at + 1 + usize::from(opt.args);
        let argument = &plain.words[at + 1..end];
        let mut put = |words: Vec<String>| {
            let mut next = plain.clone();
            next.words.splice(at..end, words);
            made.push(next);
        };
        let said = |name: &str, argument: &[String]| -> Vec<String> {
            std::iter::once(format!("--{name}")).chain(argument.iter().cloned()).collect()
        };
        let first = opt.names[0];
        for name in opt.names {
            put(said(name, argument));
        }
        let not = |words: Vec<String>| std::iter::once("!".to_owned()).chain(words).collect::<Vec<_>>();
        put(not(said(first, argument)));
        put([said(first, argument), said(first, argument)].concat());
        put([said(first, argument), not(said(first, argument))].concat());
        for other in desc.options.iter().filter(|o| o.names[0] != first) {
            let argument_of_other = values::argument(desc.name, other, family, false, random);
            put([said(first, argument), said(other.names[0], &argument_of_other)].concat());
        }
        if opt.args == 0 {
            put(vec![format!("--{first}=1")]);
            continue;
        }
        put(said(first, &[]));
        let lengths = LENGTHS.map(|n| "a".repeat(n));
        let own: Vec<&str> = values::all(desc.name, opt).collect();
        let words = BOUNDS.iter().copied().chain(lengths.iter().map(String::as_str)).chain(own);
        for word in words {
            match (opt.args, word.split_once(' ')) {
                (2, Some((one, two))) => put(said(first, &[one.to_owned(), two.to_owned()])),
                (n, _) => {
                    for place in 0..usize::from(n) {
                        let mut argument = argument.to_vec();
                        argument[place] = word.to_owned();
                        put(said(first, &argument));
                    }
                }
            }
        }
    }
    let mut all: Vec<Made> = Vec::new();
    for (i, mut next) in made.into_iter().enumerate() {
        alone(&mut next.words, i);
        if !all.contains(&next) {
            all.push(next);
        }
    }
    all
}

/// The shortest good rule of some that have the option, and where it stands; else any that has it.
fn plain(
    desc: &Desc,
    opt: &Opt,
    kind: Kind,
    family: Family,
    random: &mut Random,
    good: &dyn Fn(&Made) -> bool,
) -> Option<(Made, usize)> {
    let name = format!("--{}", opt.names[0]);
    let with = |made: Made| {
        let at = made.words.iter().position(|w| *w == name)?;
        let whole = at + 1 + usize::from(opt.args) <= made.words.len() && (at == 0 || made.words[at - 1] != "!");
        whole.then_some((made, at))
    };
    let mut found: Vec<(Made, usize)> =
        (0..2000).filter_map(|_| with(one(desc, kind, family, 0, random))).take(60).collect();
    found.sort_by_key(|(made, _)| made.words.len());
    let best = found.iter().position(|(made, _)| good(made)).unwrap_or(0);
    (!found.is_empty()).then(|| found.swap_remove(best))
}

/// What a name means in the kernel is settled by the first rule that names it: here each rule has a name of its own, but
/// where the name is what is tried.
fn alone(words: &mut [String], number: usize) {
    for at in 1..words.len() {
        if values::is_shared_name(&words[at - 1], &words[at]) {
            words[at] = format!("n{number}");
        }
    }
}
