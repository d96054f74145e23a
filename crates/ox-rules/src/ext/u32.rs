//! `-m u32`: words of the packet, picked, shifted, masked and compared.
//!
//! Kernel: net/netfilter/xt_u32.c; ABI: uapi/linux/netfilter/xt_u32.h (ten tests, each of ten numbers and ten ranges).
use super::prelude::*;
use super::span;
use ox_wire::xtables::whole::{XtU32, XtU32LocationElement, XtU32Test, XtU32ValueElement};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct U32 {
    tests: Vec<Test>,
    not: bool,
}

/// One test: a word from `start` on, what is done with it, and the ranges it may be in.
#[derive(Clone, Debug, Default, PartialEq)]
struct Test {
    start: u32,
    steps: Vec<(Step, u32)>,
    ranges: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    And,
    Left,
    Right,
    /// The value is an offset: from there on, another word.
    At,
}

/// Most tests, numbers of a test and ranges of a test.
const MAX: usize = 10;

options! { U32;
    /// Tests joined by `&&`, each START [& << >> @ NUMBER]… = RANGE,… where a range is N or N:N.
    TESTS ["u32"] Inv<Text>, .needed() => |u, v| u.read(&v.is.0, v.not);
}

/// What is left to read of the text, without blanks.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&mut self) -> &str {
        let rest = &self.text[self.at..];
        let blanks = rest.len() - rest.trim_start().len();
        self.at += blanks;
        &self.text[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn number(&mut self) -> Result<u32, String> {
        let rest = self.rest();
        let len = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let n = number(&rest[..len], u32::MAX);
        let n = n.ok_or_else(|| format!("a number up to {} is expected at character {}", u32::MAX, self.at + 1))?;
        self.at += len;
        Ok(n)
    }
}

impl U32 {
    fn read(&mut self, text: &str, not: bool) -> Result<(), String> {
        self.not = not;
        let mut cursor = Cursor { text, at: 0 };
        loop {
            if self.tests.len() == MAX {
                return Err(format!("there are more than {MAX} tests"));
            }
            self.tests.push(read_test(&mut cursor)?);
            if cursor.rest().is_empty() {
                return Ok(());
            }
            if !cursor.eat("&&") {
                return Err(format!("`&&' or the end is expected at character {}", cursor.at + 1));
            }
        }
    }

    fn print(&self, out: &mut Out) {
        let Self { tests, not: _ } = self;
        out.raw("\"");
        for (i, test) in tests.iter().enumerate() {
            let Test { start, steps, ranges } = test;
            out.fmt(format_args!("{}{start:#x}", if i == 0 { "" } else { "&&" }));
            for &(step, n) in steps {
                out.fmt(format_args!("{}{n:#x}", step.name()));
            }
            for (i, &(lo, hi)) in ranges.iter().enumerate() {
                out.fmt(format_args!("{}{lo:#x}", if i == 0 { "=" } else { "," }));
                if lo != hi {
                    out.fmt(format_args!(":{hi:#x}"));
                }
            }
        }
        out.raw("\"");
    }
}

fn read_test(cursor: &mut Cursor<'_>) -> Result<Test, String> {
    let mut test = Test { start: cursor.number()?, ..Test::default() };
    while !cursor.eat("=") {
        let Some(step) = Step::ALL.into_iter().find(|s| cursor.eat(s.name())) else {
            return Err(format!("one of & << >> @ = is expected at character {}", cursor.at + 1));
        };
        if test.steps.len() == MAX - 1 {
            return Err(format!("a test has more than {MAX} numbers before its `='"));
        }
        test.steps.push((step, cursor.number()?));
    }
    loop {
        if test.ranges.len() == MAX {
            return Err(format!("a test has more than {MAX} ranges"));
        }
        let lo = cursor.number()?;
        let hi = if cursor.eat(":") { cursor.number()? } else { lo };
        test.ranges.push((lo, hi));
        if !cursor.eat(",") {
            return Ok(test);
        }
    }
}

impl Step {
    const ALL: [Step; 4] = [Step::And, Step::Left, Step::Right, Step::At];

    const fn name(self) -> &'static str {
        match self {
            Step::And => "&",
            Step::Left => "<<",
            Step::Right => ">>",
            Step::At => "@",
        }
    }
}

impl Test {
    fn holds(&self, packet: &[u8]) -> bool {
        let Self { start, steps, ranges } = self;
        let mut base = 0usize;
        let Some(mut value) = span::word(packet, *start as usize) else { return false };
        for &(step, n) in steps {
            match step {
                Step::And => value &= n,
                Step::Left => value = value.checked_shl(n).unwrap_or(0),
                Step::Right => value = value.checked_shr(n).unwrap_or(0),
                Step::At => {
                    let word = base
                        .checked_add(value as usize)
                        .and_then(|b| {
                            base = b;
                            b.checked_add(n as usize)
                        })
                        .and_then(|at| span::word(packet, at));
                    let Some(word) = word else { return false };
                    value = word;
                }
            }
        }
        ranges.iter().any(|&(lo, hi)| lo <= value && value <= hi)
    }
}

impl Ext for U32 {
    const NAME: &'static str = "u32";
    const ABOUT: &'static str = "Compares words of the packet with numbers, after masks, shifts and jumps.";

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        let Self { tests, not: _ } = self;
        let wide = |&(step, n): &(Step, u32)| matches!(step, Step::Left | Step::Right) && n >= 32;
        if tests.iter().flat_map(|t| &t.steps).any(wide) {
            return Err(Refused::invalid("u32 shifts a word by 31 bits at most"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        out.flag(self.not, "--u32");
        out.gap();
        self.print(out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        out.word("u32");
        out.raw(if self.not { " ! " } else { " " });
        self.print(out);
    }
}

impl Matching for U32 {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { tests, not } = self.clone();
        Native::new("words of the packet", Effect::Stable, move |at| {
            let packet = at.packet.bytes.get(..at.packet.layout.end).unwrap_or(&at.packet.bytes);
            Ok(tests.iter().all(|t| t.holds(packet)) != not)
        })
        .into()
    }
}

impl Xt<0> for U32 {
    type Info = XtU32;

    fn encode(&self, _: &Carry<'_>) -> Option<XtU32> {
        let Self { tests, not } = self;
        let mut info = XtU32 { ntests: tests.len() as u8, invert: (*not).into(), ..Default::default() };
        for (slot, test) in info.tests.iter_mut().zip(tests) {
            *slot = test.encode();
        }
        Some(info)
    }

    fn decode(info: &XtU32, _: &Carry<'_>) -> Option<Self> {
        let XtU32 { tests, ntests, invert, _pad } = info;
        let tests = tests.get(..usize::from(*ntests))?.iter().map(Test::decode).collect::<Option<_>>()?;
        Some(Self { tests, not: *invert != 0 })
    }
}

impl Test {
    /// The first number has no operation: its place is left zero.
    fn encode(&self) -> XtU32Test {
        let Self { start, steps, ranges } = self;
        let mut test = XtU32Test { nnums: steps.len() as u8 + 1, nvalues: ranges.len() as u8, ..Default::default() };
        test.location[0].number = *start;
        for (slot, &(step, number)) in test.location.iter_mut().skip(1).zip(steps) {
            *slot = XtU32LocationElement { number, nextop: step as u8, ..Default::default() };
        }
        for (slot, &(min, max)) in test.value.iter_mut().zip(ranges) {
            *slot = XtU32ValueElement { min, max };
        }
        test
    }

    fn decode(test: &XtU32Test) -> Option<Self> {
        let XtU32Test { location, value, nnums, nvalues, _pad } = test;
        let (first, steps) = location.get(..usize::from(*nnums))?.split_first()?;
        let step =
            |e: &XtU32LocationElement| Step::ALL.into_iter().find(|s| *s as u8 == e.nextop).map(|s| (s, e.number));
        Some(Self {
            start: first.number,
            steps: steps.iter().map(step).collect::<Option<_>>()?,
            ranges: value.get(..usize::from(*nvalues))?.iter().map(|v| (v.min, v.max)).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::U32;
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        for (typed, printed) in [
            ("6 & 0xFF = 1 && 4&0x1FFF=0", "0x6&0xff=0x1&&0x4&0x1fff=0x0"),
            ("0>>22&0x3C@0>>24=010:9,7", "0x0>>0x16&0x3c@0x0>>0x18=0x8:0x9,0x7"),
            ("0<<8=5:1", "0x0<<0x8=0x5:0x1"),
        ] {
            let typed = format!("-m u32 ! --u32 \"{typed}\"");
            check(V4, Filter, &typed, &format!("-m u32 ! --u32 \"{printed}\""), &format!("u32 ! \"{printed}\""));
        }
        for typed in ["0=1:", "0=:5", "0", "0=", "\"\"", "0=1&&", "0=1&2", "x=1", "0=4294967296", "0+4=1"] {
            refused(V4, Filter, &format!("-m u32 --u32 {typed}"));
        }
        refused(V4, Filter, "-m u32 --u32 0=1,2,3,4,5,6,7,8,9,10,11");
        refused(V4, Filter, "-m u32 --u32 0&1&2&3&4&5&6&7&8&9&10=1");
    }

    #[test]
    fn jumps_and_compares() {
        let holds = |text: &str, packet: &[u8]| {
            let mut u32 = U32::default();
            u32.read(text, false).expect("the text is sound");
            u32.tests.iter().all(|t| t.holds(packet))
        };
        let packet = [0x45, 0, 0, 4, 9, 8, 7, 6];
        assert!(holds("0>>24=0x45", &packet));
        assert!(holds("4=0x09080706", &packet));
        assert!(!holds("5=0:0xffffffff", &packet), "the word is not all there");
        assert!(holds("0&0xff@0=0x09080706", &packet), "the value is where to read next");
        assert!(!holds("0@0=0:0xffffffff", &packet), "a jump out of the packet");
        assert!(!holds("0=5:1", &packet), "a range that runs backwards holds nothing");
    }
}
