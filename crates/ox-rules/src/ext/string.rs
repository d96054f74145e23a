//! `-m string`: bytes somewhere in the packet, IP header included.
//!
//! Kernel: net/netfilter/xt_string.c, net/core/skbuff.c `skb_find_text`, lib/ts_bm.c, lib/ts_kmp.c; ABI:
//! uapi/linux/netfilter/xt_string.h. Both algorithms find the same; what the kernel's bm overlooks where a packet lies in
//! several pieces of memory is found here.
use super::prelude::*;
use ox_wire::xtables::whole::XtStringInfo;
use std::mem::offset_of;

/// Longest pattern.
const MOST: usize = 128;

/// The match.
#[derive(Clone, Debug, PartialEq)]
pub struct Find {
    pattern: Vec<u8>,
    not: bool,
    algo: String,
    from: u16,
    to: u16,
    icase: bool,
}

impl Default for Find {
    fn default() -> Self {
        Self { pattern: Vec::new(), not: false, algo: String::new(), from: 0, to: u16::MAX, icase: false }
    }
}

options! { Find;
    /// First byte of the packet at which the text may begin.
    FROM ["from"] u16 => |s, v| s.from = v;
    /// Byte before which it must end.
    TO ["to"] u16 => |s, v| s.to = v;
    /// How to look: bm (Boyer-Moore) or kmp (Knuth-Morris-Pratt); both find the same.
    ALGO ["algo"] Text, .needed() => |s, v| s.algo = v.0;
    /// The text.
    STRING ["string"] Inv<Text>, .excl(Self::HEX) => |s, v| s.take(bytes::bytes_of(&v.is.0).into_owned(), v.not);
    /// The text, with bytes in hexadecimal between bars: GET|0d 0a|.
    HEX ["hex-string"] Inv<Hex>, .excl(Self::STRING) => |s, v| s.take(v.is.0, v.not);
    /// Capital and small letters are the same.
    ICASE ["icase"] Flag => |s, _v| s.icase = true;
}

struct Hex(Vec<u8>);

impl Value for Hex {
    const HINT: &'static str = "TEXT|HEX|…";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        hex(&bytes::bytes_of(args[0])).map(Hex)
    }
}

/// Text with hexadecimal between bars; a backslash outside takes the next byte as it is. A bar right behind a closing one
/// is a byte of the text, as in stock.
fn hex(text: &[u8]) -> Result<Vec<u8>, String> {
    if text.is_empty() {
        return Err("the text must have at least one byte".into());
    }
    let mut found = Vec::new();
    let mut inside = false;
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'|' {
            inside = !inside;
            at += 1;
            while inside && text.get(at) == Some(&b' ') {
                at += 1;
            }
            if at == text.len() {
                break;
            }
        }
        match (inside, &text[at..]) {
            (true, [b'\\', ..]) => return Err("a backslash cannot stand between the bars".into()),
            (true, [hi, lo, rest @ ..]) => {
                let digit = |b: u8| {
                    char::from(b)
                        .to_digit(16)
                        .ok_or_else(|| format!("`{}' is not a hexadecimal digit", b.escape_ascii()))
                };
                let byte = digit(*hi)? << 4 | digit(*lo)?;
                found.push(byte as u8);
                at += 2;
                match rest {
                    [b' ', ..] => at += 1,
                    [] => return Err("the bar that ends the hexadecimal bytes is missing".into()),
                    _ => {}
                }
            }
            (true, _) => return Err("a byte has two hexadecimal digits".into()),
            (false, [b'\\', next, ..]) => {
                found.push(*next);
                at += 2;
            }
            (false, [b'\\']) => return Err("there is nothing behind the backslash".into()),
            (false, [byte, ..]) => {
                found.push(*byte);
                at += 1;
            }
            (false, []) => {}
        }
    }
    Ok(found)
}

/// The kernel's `toupper`, which knows Latin-1.
fn upper(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' | 0xdf..=0xf6 | 0xf8..=0xff => byte - 0x20,
        _ => byte,
    }
}

impl Find {
    fn take(&mut self, pattern: Vec<u8>, not: bool) -> Result<(), String> {
        if pattern.len() > MOST {
            return Err(format!("a text of {} bytes is too long: {MOST} at most", pattern.len()));
        }
        (self.pattern, self.not) = (pattern, not);
        Ok(())
    }

    fn is_text(&self) -> bool {
        self.pattern.iter().all(|b| (0x20..0x7f).contains(b))
    }

    /// Prints `"GET"` or `|0d0a|` in quotes.
    fn print_pattern(&self, out: &mut Out) {
        out.raw("\"");
        if self.is_text() {
            for &b in &self.pattern {
                if matches!(b, b'"' | b'\\') {
                    out.raw("\\");
                }
                out.text.push(char::from(b));
            }
        } else {
            out.raw("|");
            for b in &self.pattern {
                out.fmt(format_args!("{b:02x}"));
            }
            out.raw("|");
        }
        out.raw("\"");
    }

    /// Kernel: `skb_find_text`.
    fn found(&self, packet: &[u8]) -> bool {
        let Self { pattern, from, to, icase, not: _, algo: _ } = self;
        let (from, to) = (usize::from(*from), usize::from(*to).min(packet.len()));
        let Some(span) = packet.get(from..to).filter(|s| !s.is_empty() && !pattern.is_empty()) else { return false };
        let same = |a: &u8, b: &u8| if *icase { upper(*a) == upper(*b) } else { a == b };
        span.windows(pattern.len()).any(|w| w.iter().zip(pattern).all(|(a, b)| same(a, b)))
    }
}

impl Ext for Find {
    const NAME: &'static str = "string";
    const ABOUT: &'static str = "Looks for a text in the packet, headers included.";

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen & (Self::STRING | Self::HEX) == 0 { Err("say --string or --hex-string".into()) } else { Ok(()) }
    }

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        let Self { pattern, not: _, algo, from, to, icase: _ } = self;
        if from > to {
            return Err(Refused::invalid("--from must not be above --to"));
        }
        match algo.as_str() {
            "bm" | "kmp" if pattern.is_empty() => Err(Refused::invalid("the text must have at least one byte")),
            "bm" | "kmp" => Ok(()),
            "fsm" => Err(Refused::invalid("fsm takes no text: use bm or kmp")),
            other => Err(Refused {
                errno: "No such file or directory",
                why: format!("`{other}' is not a way to look for text: bm or kmp"),
            }),
        }
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { pattern: _, not, algo, from, to, icase } = self;
        out.flag(*not, if self.is_text() { "--string" } else { "--hex-string" });
        out.gap();
        self.print_pattern(out);
        out.word("--algo");
        out.quoted(algo);
        if *from != 0 {
            out.opt(false, "--from", *from);
        }
        if *to != u16::MAX {
            out.opt(false, "--to", *to);
        }
        if *icase {
            out.word("--icase");
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { pattern: _, not, algo, from, to, icase } = self;
        out.word("STRING match ");
        out.raw(if *not { "! " } else { " " });
        self.print_pattern(out);
        out.fmt(format_args!(" ALGO name {algo}"));
        if *from != 0 {
            out.fmt(format_args!(" FROM {from}"));
        }
        if *to != u16::MAX {
            out.fmt(format_args!(" TO {to}"));
        }
        out.raw(if *icase { " ICASE" } else { "" });
    }
}

impl Matching for Find {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let not = self.not;
        let this = self.clone();
        let native = Native::new("text in the packet", Effect::Stable, move |at| {
            let end = at.packet.layout.end.min(at.packet.bytes.len());
            Ok(this.found(&at.packet.bytes[..end]))
        });
        Pred::from(native).not_if(not)
    }
}

impl Xt<1> for Find {
    type Info = XtStringInfo;
    const COMPARE: usize = offset_of!(XtStringInfo, config);

    fn encode(&self, _: &Carry<'_>) -> Option<XtStringInfo> {
        let Self { pattern, not, algo, from, to, icase } = self;
        let mut info = XtStringInfo {
            from_offset: *from,
            to_offset: *to,
            algo: chars(algo)?,
            patlen: u8::try_from(pattern.len()).ok()?,
            flags: bits([*not, *icase]),
            ..Default::default()
        };
        info.pattern.get_mut(..pattern.len())?.copy_from_slice(pattern);
        Some(info)
    }

    fn decode(info: &XtStringInfo, _: &Carry<'_>) -> Option<Self> {
        let XtStringInfo { from_offset, to_offset, algo, pattern, patlen, flags, _pad, config: _ } = info;
        let [not, icase] = unbits(*flags);
        Some(Self {
            pattern: pattern.get(..usize::from(*patlen))?.to_vec(),
            not,
            algo: text(algo)?.into_owned(),
            from: *from_offset,
            to: *to_offset,
            icase,
        })
    }
}

/// It knows no `--icase`.
impl Xt<0> for Find {
    type Info = XtStringInfo;
    const COMPARE: usize = offset_of!(XtStringInfo, config);

    fn encode(&self, cx: &Carry<'_>) -> Option<XtStringInfo> {
        <Self as Xt<1>>::encode(self, cx).filter(|_| !self.icase)
    }

    fn decode(info: &XtStringInfo, cx: &Carry<'_>) -> Option<Self> {
        <Self as Xt<1>>::decode(info, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_as_stock_reads_it() {
        for (typed, bytes) in [
            ("abc|0d 0a|def", &b"abc\r\ndef"[..]),
            ("| 61|", b"a"),
            ("|61|b|63|", b"abc"),
            ("|61||62|", b"a|62"),
            ("a\\|b", b"a|b"),
            ("abc|", b"abc"),
        ] {
            assert_eq!(hex(typed.as_bytes()).as_deref(), Ok(bytes), "{typed}");
        }
        for wrong in ["", "||", "|61", "|6|", "|61  62|", "|zz|", "abc\\", "|61\\|"] {
            assert!(hex(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn text_must_lie_wholly_between_the_offsets() {
        let packet = b"....GET /....";
        let at = |from, to| Find { pattern: b"GET".to_vec(), from, to, ..Find::default() }.found(packet);
        assert_eq!(
            [at(0, 65535), at(4, 7), at(5, 65535), at(0, 6), at(4, 4), at(60, 65535)],
            [true, true, false, false, false, false]
        );
        let any_case = Find { pattern: b"get".to_vec(), icase: true, ..Find::default() };
        assert!(any_case.found(packet) && any_case.found(b"Get") && !any_case.found(b"G et"));
    }
}
