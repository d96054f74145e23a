//! Options as `getopt_long` takes them: letters that stand together, long names cut short, `--name=value`, `--`.
//!
//! Facts: its messages, which scripts and people know, from glibc.

use ox_rules::syntax::meant;

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Letter {
    /// Long name without dashes.
    pub long: &'static str,
    /// Its letter.
    pub letter: char,
    /// Whether it takes an argument.
    pub takes: bool,
}

/// A row of a table of options.
pub const fn letter(long: &'static str, letter: char, takes: bool) -> Letter {
    Letter { long, letter, takes }
}

/// What stands on a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given<'w> {
    /// An option, by its letter; a letter that is in no table is what stands behind another one's.
    Option(char, Option<&'w str>),
    /// A word that is no option.
    Word(&'w str),
}

/// Reads a command line. Where `rest` says so of a letter, what is glued to it is its argument all the same.
///
/// # Errors
/// The first option that cannot be understood, in getopt's words.
pub fn read<'w>(
    table: &[Letter],
    words: &[&'w str],
    rest: impl Fn(char, &str) -> bool,
) -> Result<Vec<Given<'w>>, String> {
    let mut given = Vec::new();
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        if word == "--" {
            given.extend(words.by_ref().map(Given::Word));
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, glued) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (long, None),
            };
            let option = by_name(table, name)?;
            let arg = match (option.takes, glued) {
                (true, None) => {
                    Some(words.next().ok_or_else(|| format!("option '--{}' requires an argument", option.long))?)
                }
                (false, Some(_)) => return Err(format!("option '--{}' doesn't allow an argument", option.long)),
                (_, glued) => glued,
            };
            given.push(Given::Option(option.letter, arg));
        } else if let Some(cluster) = word.strip_prefix('-').filter(|c| !c.is_empty()) {
            let mut letters = cluster.chars();
            while let Some(c) = letters.next() {
                let option = table.iter().find(|o| o.letter == c);
                let option = option.ok_or_else(|| format!("invalid option -- '{c}'"))?;
                let glued = Some(letters.as_str()).filter(|r| !r.is_empty());
                if option.takes {
                    let arg = glued.or_else(|| words.next());
                    let arg = arg.ok_or_else(|| format!("option requires an argument -- '{c}'"))?;
                    given.push(Given::Option(c, Some(arg)));
                    break;
                }
                let glued = glued.filter(|r| rest(c, r));
                given.push(Given::Option(c, glued));
                if glued.is_some() {
                    break;
                }
            }
        } else {
            given.push(Given::Word(word));
        }
    }
    Ok(given)
}

fn by_name(table: &[Letter], name: &str) -> Result<Letter, String> {
    if let Some(exact) = table.iter().find(|o| o.long == name) {
        return Ok(*exact);
    }
    let fits: Vec<&Letter> = table.iter().filter(|o| !name.is_empty() && o.long.starts_with(name)).collect();
    match fits.as_slice() {
        [one] => Ok(**one),
        [] => {
            let hint = meant(name, "--", table.iter().map(|o| o.long)).unwrap_or_default();
            Err(format!("unrecognized option '--{name}'{hint}"))
        }
        several => {
            let list: String = several.iter().map(|o| format!(" '--{}'", o.long)).collect();
            Err(format!("option '--{name}' is ambiguous; possibilities:{list}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Letter] = &[letter("counters", 'c', false), letter("table", 't', true), letter("test", 'x', false)];

    fn text(words: &[&str]) -> String {
        match read(TABLE, words, |_, _| false) {
            Ok(given) => format!("{given:?}").replace("Option", "").replace("Some", ""),
            Err(why) => why,
        }
    }

    #[test]
    fn options_stand_in_any_of_getopts_ways() {
        assert_eq!(text(&["-ct", "nat"]), "[('c', None), ('t', (\"nat\"))]");
        assert_eq!(text(&["-tnat", "--tab=raw"]), "[('t', (\"nat\")), ('t', (\"raw\"))]");
        assert_eq!(text(&["f", "-c", "--", "-t"]), "[Word(\"f\"), ('c', None), Word(\"-t\")]");
        assert_eq!(text(&["-"]), "[Word(\"-\")]");
    }

    #[test]
    fn what_is_no_option_is_named() {
        assert_eq!(text(&["-cz"]), "invalid option -- 'z'");
        assert_eq!(text(&["-t"]), "option requires an argument -- 't'");
        assert_eq!(text(&["--tab"]), "option '--table' requires an argument");
        assert_eq!(text(&["--counters=1"]), "option '--counters' doesn't allow an argument");
        assert_eq!(text(&["--te", "--t"]), "option '--t' is ambiguous; possibilities: '--table' '--test'");
        assert_eq!(text(&["--tabel"]), "unrecognized option '--tabel' (is `--table' meant?)");
    }

    #[test]
    fn whatever_stands_there_is_an_option_a_word_or_named() {
        let pieces = ["-", "--", "c", "t", "x", "=", "counters", "test", "ta", "\u{e9}", "\0", " ", "9"];
        let mut random = ox_test::random::Random::new(7);
        for _ in 0..20_000 {
            let mut word = || -> String { (0..random.below(5)).map(|_| random.pick(&pieces)).collect() };
            let words: Vec<String> = (0..4).map(|_| word()).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match read(TABLE, &words, |letter, rest| letter == 'c' && rest == "9") {
                Err(why) => assert!(why.contains("option"), "{words:?}: {why}"),
                Ok(given) => {
                    let known = |one: &Given| match one {
                        Given::Option(letter, arg) => {
                            let option = TABLE.iter().find(|o| o.letter == *letter);
                            option.is_some_and(|o| o.takes == arg.is_some() || (o.letter == 'c' && *arg == Some("9")))
                        }
                        Given::Word(word) => words.contains(word),
                    };
                    assert!(given.iter().all(known), "{words:?}: {given:?}");
                }
            }
        }
    }
}
