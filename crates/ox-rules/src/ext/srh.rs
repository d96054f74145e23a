//! `-m srh`: the IPv6 segment routing header (type 4 of the routing header).
//!
//! Kernel: net/ipv6/netfilter/ip6t_srh.c; ABI: uapi/linux/netfilter_ipv6/ip6t_srh.h (revision 1).
use super::addrmask::AddrMask;
use super::exthdr::{self, Found};
use super::prelude::*;
use ox_wire::xtables::ipv6::{Ip6tSrh, Ip6tSrh1};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Srh {
    next: Option<Inv<u8>>,
    len: Compared,
    left: Compared,
    last: Compared,
    tag: Option<Inv<u16>>,
    previous: Option<Inv<AddrMask>>,
    following: Option<Inv<AddrMask>>,
    end: Option<Inv<AddrMask>>,
}

/// One number and the comparisons with it: the kernel keeps a single one, so the option typed last gives it to all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Compared {
    number: u8,
    /// Whether `-eq`, `-gt` and `-lt` were given, and with `!` or not.
    how: [Option<bool>; 3],
}

/// Whether the header's number, on the left, stands so to the rule's.
type Compare = fn(u8, u8) -> bool;

/// How numbers are compared, in the order in which options are printed.
const HOW: [(&str, Compare); 3] = [("eq", |a, b| a == b), ("gt", |a, b| a > b), ("lt", |a, b| a < b)];

options! { Srh;
    /// Protocol number of the header behind it.
    NEXT ["srh-next-hdr"] Inv<u8> => |s, v| s.next = Some(v);
    /// Its length, in words of 8 bytes beyond the first.
    LEN_EQ ["srh-hdr-len-eq"] Inv<u8> => |s, v| s.len.take(0, v);
    /// Its length is greater.
    LEN_GT ["srh-hdr-len-gt"] Inv<u8> => |s, v| s.len.take(1, v);
    /// Its length is less.
    LEN_LT ["srh-hdr-len-lt"] Inv<u8> => |s, v| s.len.take(2, v);
    /// Number of segments left.
    LEFT_EQ ["srh-segs-left-eq"] Inv<u8> => |s, v| s.left.take(0, v);
    /// More segments are left.
    LEFT_GT ["srh-segs-left-gt"] Inv<u8> => |s, v| s.left.take(1, v);
    /// Fewer segments are left.
    LEFT_LT ["srh-segs-left-lt"] Inv<u8> => |s, v| s.left.take(2, v);
    /// Number of its last entry.
    LAST_EQ ["srh-last-entry-eq"] Inv<u8> => |s, v| s.last.take(0, v);
    /// The number of its last entry is greater.
    LAST_GT ["srh-last-entry-gt"] Inv<u8> => |s, v| s.last.take(1, v);
    /// The number of its last entry is less.
    LAST_LT ["srh-last-entry-lt"] Inv<u8> => |s, v| s.last.take(2, v);
    /// Its tag. Little-endian machines compare it with the two bytes exchanged.
    TAG ["srh-tag"] Inv<u16> => |s, v| s.tag = Some(v);
    /// The segment before the current one.
    PSID ["srh-psid"] Inv<AddrMask> => |s, v| s.previous = Some(v);
    /// The segment behind the current one.
    NSID ["srh-nsid"] Inv<AddrMask> => |s, v| s.following = Some(v);
    /// The last segment of the way.
    LSID ["srh-lsid"] Inv<AddrMask> => |s, v| s.end = Some(v);
}

impl Compared {
    fn take(&mut self, how: usize, v: Inv<u8>) {
        self.number = v.is;
        self.how[how] = Some(v.not);
    }

    fn holds(self, n: u8) -> bool {
        self.how.iter().zip(HOW).all(|(not, (_, compare))| not.is_none_or(|not| compare(n, self.number) != not))
    }

    /// Each comparison: its name, and whether it is turned round.
    fn given(self) -> impl Iterator<Item = (&'static str, bool)> {
        self.how.into_iter().zip(HOW).filter_map(|(not, (name, _))| Some((name, not?)))
    }
}

impl Ext for Srh {
    const NAME: &'static str = "srh";
    const FAMILIES: Families = Families::V6;
    const ABOUT: &'static str = "Looks at the segment routing header.";

    fn save(&self, out: &mut Out, family: Family) {
        let Self { next, len, left, last, tag, previous, following, end } = *self;
        if let Some(next) = next {
            out.opt(next.not, "--srh-next-hdr", next.is);
        }
        for (name, compared) in [("hdr-len", len), ("segs-left", left), ("last-entry", last)] {
            for (how, not) in compared.given() {
                out.flag(not, "--srh-");
                out.fmt(format_args!("{name}-{how} {}", compared.number));
            }
        }
        if let Some(tag) = tag {
            out.opt(tag.not, "--srh-tag", tag.is);
        }
        for (name, segment) in [("--srh-psid", previous), ("--srh-nsid", following), ("--srh-lsid", end)] {
            if let Some(segment) = segment {
                out.flag(segment.not, name);
                out.gap();
                segment.is.print(family, false, out);
            }
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { next, len, left, last, tag, previous, following, end } = *self;
        let mark = |not| if not { "!" } else { "" };
        out.word("srh");
        if let Some(next) = next {
            out.fmt(format_args!(" next-hdr:{}{}", mark(next.not), next.is));
        }
        for (name, compared) in [("hdr-len", len), ("segs-left", left), ("last-entry", last)] {
            for (how, not) in compared.given() {
                out.fmt(format_args!(" {name}-{how}:{}{}", mark(not), compared.number));
            }
        }
        if let Some(tag) = tag {
            out.fmt(format_args!(" tag:{}{}", mark(tag.not), tag.is));
        }
        for (name, segment) in [("psid", previous), ("nsid", following), ("lsid", end)] {
            if let Some(segment) = segment {
                out.fmt(format_args!(" {name} {} ", mark(segment.not)));
                segment.is.print(show.family, false, out);
            }
        }
    }
}

impl Matching for Srh {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { next, len, left, last, tag, previous, following, end } = *self;
        Native::new("segment routing header", Effect::Stable, move |at| {
            // A broken chain of headers does not match here; it drops nothing.
            let Ok(Found::Header(header)) = exthdr::find(at.packet, ox_packet::proto::ROUTING) else {
                return Ok(false);
            };
            let Some(&[follows, units, kind, segments, entry, _, tag_a, tag_b]) = header.first_chunk() else {
                return Ok(false);
            };
            if header.len() < (usize::from(units) + 1) * 8 || kind != 4 || segments > entry {
                return Ok(false);
            }
            // The kernel compares the number as a little-endian machine reads it.
            let seen = u16::from_le_bytes([tag_a, tag_b]);
            let numbers = next.is_none_or(|n| (n.is == follows) != n.not)
                && len.holds(units)
                && left.holds(segments)
                && last.holds(entry)
                && tag.is_none_or(|t| (t.is == seen) != t.not);
            // Segments stand in it from the last to the first.
            let segment = |asked: Option<Inv<AddrMask>>, i: Option<u8>| {
                let Some(asked) = asked else { return true };
                let bytes = i.and_then(|i| header.get(8 + 16 * usize::from(i)..)?.first_chunk());
                bytes.is_some_and(|b| asked.is.has(u128::from_be_bytes(*b)) != asked.not)
            };
            let before = segments.checked_add(1).filter(|_| segments != entry);
            Ok(numbers
                && segment(previous, before)
                && segment(following, segments.checked_sub(1))
                && segment(end, Some(0)))
        })
        .into()
    }
}

impl Compared {
    /// The questions asked, and those of them behind a `!`, in the order of the bits.
    fn bits(self) -> (u16, u16) {
        let asked = bits(self.how.map(|not| not.is_some()));
        let not = bits(self.how.map(|not| not == Some(true)));
        (asked.into(), not.into())
    }

    fn from_bits(number: u8, asked: u16, not: u16) -> Self {
        let how: [_; 3] = std::array::from_fn(|i| (asked & 1 << i != 0).then_some(not & 1 << i != 0));
        Self { number, how }
    }
}

/// Where in `mt_flags` and `mt_invflags` each question stands (`IP6T_SRH_…`); three bits for what is compared.
const NEXT: u16 = 0;
const LEN: u16 = 1;
const LEFT: u16 = 4;
const LAST: u16 = 7;
const TAG: u16 = 10;
const SEGMENTS: u16 = 11;

impl Xt<1> for Srh {
    type Info = Ip6tSrh1;

    fn encode(&self, _: &Carry<'_>) -> Option<Ip6tSrh1> {
        let Self { next, len, left, last, tag, previous, following, end } = *self;
        let segments = [previous, following, end];
        let mut info = Ip6tSrh1 {
            next_hdr: next.map_or(0, |v| v.is),
            hdr_len: len.number,
            segs_left: left.number,
            last_entry: last.number,
            tag: tag.map_or(0, |v| v.is),
            addrs: segments.map(|s| inet(s.unwrap_or_default().is.addr, Family::V6)),
            masks: segments.map(|s| inet(s.unwrap_or_default().is.mask, Family::V6)),
            ..Default::default()
        };
        let mut say = |at: u16, (asked, not): (u16, u16)| {
            info.mt_flags |= asked << at;
            info.mt_invflags |= not << at;
        };
        let one = |not: Option<bool>| (not.is_some().into(), (not == Some(true)).into());
        say(NEXT, one(next.map(|v| v.not)));
        say(LEN, len.bits());
        say(LEFT, left.bits());
        say(LAST, last.bits());
        say(TAG, one(tag.map(|v| v.not)));
        for (at, segment) in (SEGMENTS..).zip(segments) {
            say(at, one(segment.map(|v| v.not)));
        }
        Some(info)
    }

    fn decode(info: &Ip6tSrh1, _: &Carry<'_>) -> Option<Self> {
        let Ip6tSrh1 { next_hdr, hdr_len, segs_left, last_entry, tag, _gap, addrs, masks, mt_flags, mt_invflags } =
            info;
        let said = |at: u16| (mt_flags & 1 << at != 0).then_some(mt_invflags & 1 << at != 0);
        let compared = |number: u8, at: u16| Compared::from_bits(number, mt_flags >> at, mt_invflags >> at);
        let segment = |i: usize| {
            let is = AddrMask { addr: addr(&addrs[i], Family::V6), mask: addr(&masks[i], Family::V6) };
            said(SEGMENTS + i as u16).map(|not| Inv { is, not })
        };
        Some(Self {
            next: said(NEXT).map(|not| Inv { is: *next_hdr, not }),
            len: compared(*hdr_len, LEN),
            left: compared(*segs_left, LEFT),
            last: compared(*last_entry, LAST),
            tag: said(TAG).map(|not| Inv { is: *tag, not }),
            previous: segment(0),
            following: segment(1),
            end: segment(2),
        })
    }
}

/// It knows no segments.
impl Xt<0> for Srh {
    type Info = Ip6tSrh;

    fn encode(&self, cx: &Carry<'_>) -> Option<Ip6tSrh> {
        let Ip6tSrh1 { next_hdr, hdr_len, segs_left, last_entry, tag, _gap, addrs: _, masks: _, mt_flags, mt_invflags } =
            <Self as Xt<1>>::encode(self, cx)?;
        (mt_flags >> SEGMENTS == 0).then_some(Ip6tSrh {
            next_hdr,
            hdr_len,
            segs_left,
            last_entry,
            tag,
            mt_flags,
            mt_invflags,
        })
    }

    fn decode(info: &Ip6tSrh, cx: &Carry<'_>) -> Option<Self> {
        let Ip6tSrh { next_hdr, hdr_len, segs_left, last_entry, tag, mt_flags, mt_invflags } = *info;
        let info =
            Ip6tSrh1 { next_hdr, hdr_len, segs_left, last_entry, tag, mt_flags, mt_invflags, ..Default::default() };
        <Self as Xt<1>>::decode(&info, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::Trial;
    use super::*;

    #[test]
    fn text() {
        let six = |typed: &str, printed: &str, listed: &str| {
            check(Family::V6, TableName::Filter, &format!("-m srh{typed}"), &format!("-m srh{printed}"), listed);
        };
        six("", "", "srh");
        six(
            " --srh-lsid 2001:db8::1/32 ! --srh-nsid ::1 --srh-tag 0x10 ! --srh-next-hdr 41",
            " ! --srh-next-hdr 41 --srh-tag 16 ! --srh-nsid ::1/128 --srh-lsid 2001:db8::1/32",
            "srh next-hdr:!41 tag:16 nsid ! ::1/128 lsid  2001:db8::1/32",
        );
        // One number for all comparisons.
        six(
            " --srh-hdr-len-lt 6 ! --srh-hdr-len-eq 4",
            " ! --srh-hdr-len-eq 4 --srh-hdr-len-lt 4",
            "srh hdr-len-eq:!4 hdr-len-lt:4",
        );
        for line in ["--srh-next-hdr tcp", "--srh-tag 65536", "--srh-psid 1.2.3.4", "--srh-psid ::1/129"] {
            refused(Family::V6, TableName::Filter, &format!("-m srh {line}"));
        }
        refused(Family::V4, TableName::Filter, "-m srh");
    }

    /// Segments a, b and c, of which b is current; tag 0x0102.
    fn packet() -> crate::ir::Packet {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 56, 43, 64];
        let address = |n: u8| [[0; 15].as_slice(), &[n]].concat();
        bytes.extend([address(1), address(2)].concat());
        bytes.extend([59, 6, 4, 1, 2, 0, 1, 2]);
        bytes.extend([address(0xc), address(0xb), address(0xa)].concat());
        crate::ir::Packet::new(bytes).unwrap()
    }

    #[test]
    fn the_header_is_read() {
        for (options, fits) in [
            ("", true),
            ("--srh-next-hdr 59 --srh-hdr-len-eq 6 --srh-segs-left-eq 1 --srh-last-entry-eq 2", true),
            ("--srh-hdr-len-gt 5 --srh-segs-left-lt 2 ! --srh-last-entry-gt 2", true),
            ("--srh-hdr-len-gt 6", false),
            ("--srh-tag 0x0201", true),
            ("--srh-tag 0x0102", false),
            ("--srh-psid ::a --srh-nsid ::c --srh-lsid ::c", true),
            ("--srh-psid ::b", false),
            ("! --srh-psid ::b", true),
            ("--srh-lsid ::f0/124", false),
            ("--srh-lsid ::/124", true),
        ] {
            let rule = format!("-m srh {options}");
            let mut trial = Trial::new(Family::V6, Dialect::Nft, TableName::Filter, &[&rule]);
            assert_eq!(trial.takes(&mut packet()), Ok(fits), "{options}");
        }
        let mut trial = Trial::new(Family::V6, Dialect::Nft, TableName::Filter, &["-m srh ! --srh-psid ::b"]);
        let mut first = packet();
        first.bytes[43] = 2;
        assert_eq!(trial.takes(&mut first), Ok(false), "the first segment has none before it");
    }
}
