//! `-m sctp`: the ports and the chunks of an SCTP packet.
//!
//! Kernel: net/netfilter/xt_sctp.c; ABI: uapi/linux/netfilter/xt_sctp.h (flags for four kinds of chunk at most).
use super::prelude::*;
use ox_wire::xtables::port::{XtSctpFlagInfo, XtSctpInfo};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sctp {
    sport: Option<Inv<Ports>>,
    dport: Option<Inv<Ports>>,
    chunks: Option<Inv<Chunks>>,
}

/// Which chunks, and how many of those named must be there.
#[derive(Clone, Debug, Default, PartialEq)]
struct Chunks {
    how: How,
    /// Bit per type.
    map: [u128; 2],
    /// Flags, in the order in which their types were first named with any.
    flags: Vec<Flags>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum How {
    /// One of those named is in the packet.
    #[default]
    Any,
    /// Each of those named is.
    All,
    /// Nothing but those named is.
    Only,
}

/// Flags of a type of chunk: those looked at, and those of them that must be set.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Flags {
    kind: u8,
    set: u8,
    mask: u8,
}

/// Types with the letters of their flags, the letter for bit 7 first. By number, which is the order of printing.
const TYPES: [(&str, u8, &str); 22] = [
    ("DATA", 0, "----IUBE"),
    ("INIT", 1, ""),
    ("INIT_ACK", 2, ""),
    ("SACK", 3, ""),
    ("HEARTBEAT", 4, ""),
    ("HEARTBEAT_ACK", 5, ""),
    ("ABORT", 6, "-------T"),
    ("SHUTDOWN", 7, ""),
    ("SHUTDOWN_ACK", 8, ""),
    ("ERROR", 9, ""),
    ("COOKIE_ECHO", 10, ""),
    ("COOKIE_ACK", 11, ""),
    ("ECN_ECNE", 12, ""),
    ("ECN_CWR", 13, ""),
    ("SHUTDOWN_COMPLETE", 14, "-------T"),
    ("I_DATA", 64, "----IUBE"),
    ("ASCONF_ACK", 128, ""),
    ("RE_CONFIG", 130, ""),
    ("PAD", 132, ""),
    ("FORWARD_TSN", 192, ""),
    ("ASCONF", 193, ""),
    ("I_FORWARD_TSN", 194, ""),
];

options! { Sctp;
    /// Source port, or first and last port of a range.
    SPORT ["source-port", "sport"] Inv<Ports> => |s, v| s.sport = Some(v);
    /// Destination port, or first and last port of a range.
    DPORT ["destination-port", "dport"] Inv<Ports> => |s, v| s.dport = Some(v);
    /// any, all or only, then types of chunks: names, each with optional flags behind a colon (DATA:Be: B set, E not),
    /// or ALL, or NONE.
    CHUNKS ["chunk-types"] Inv<Chunks> => |s, v| s.chunks = Some(v);
}

impl Value for Chunks {
    const FORMS: &'static [Form] = &[Form::Text, Form::Texts];
    const ARGS: u8 = 2;
    const HINT: &'static str = "HOW CHUNKS";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let how = [("any", How::Any), ("all", How::All), ("only", How::Only)];
        let Some(&(_, how)) = how.iter().find(|(name, _)| name.eq_ignore_ascii_case(args[0])) else {
            return Err(format!("`{}' says not how the chunks are meant: any, all or only", args[0]));
        };
        let mut chunks = Chunks { how, ..Chunks::default() };
        if args[1].eq_ignore_ascii_case("ALL") {
            chunks.map = [u128::MAX; 2];
        } else if !args[1].eq_ignore_ascii_case("NONE") {
            for part in args[1].split(',').filter(|p| !p.is_empty()) {
                chunks.add(part)?;
            }
        }
        Ok(chunks)
    }
}

/// Whether a type is in a map.
fn has(map: &[u128; 2], kind: u8) -> bool {
    map[usize::from(kind >> 7)] & 1 << (kind & 0x7f) != 0
}

impl Chunks {
    fn add(&mut self, part: &str) -> Result<(), String> {
        let (name, letters) = part.split_once(':').unwrap_or((part, ""));
        let Some(&(name, kind, known)) = TYPES.iter().find(|(n, ..)| n.eq_ignore_ascii_case(name)) else {
            let names: Vec<_> = TYPES.iter().map(|t| t.0).collect();
            return Err(format!("`{name}' is not a type of chunk; there are: {}", names.join(" ")));
        };
        self.map[usize::from(kind >> 7)] |= 1 << (kind & 0x7f);
        for letter in letters.chars() {
            let Some(i) = known.find(letter.to_ascii_uppercase()).filter(|_| letter != '-') else {
                return Err(match known.trim_start_matches('-') {
                    "" => format!("a {name} chunk has no flags to look at"),
                    some => format!("`{letter}' is not a flag of a {name} chunk, which has: {some}"),
                });
            };
            // Stock files the flags of I_DATA under another type's number, where the kernel never looks.
            if kind < 64 {
                self.flag(kind, 0x80 >> i, letter.is_ascii_uppercase());
            }
        }
        Ok(())
    }

    fn flag(&mut self, kind: u8, bit: u8, set: bool) {
        if !self.flags.iter().any(|f| f.kind == kind) {
            self.flags.push(Flags { kind, set: 0, mask: 0 });
        }
        for f in self.flags.iter_mut().filter(|f| f.kind == kind) {
            f.mask |= bit;
            f.set |= if set { bit } else { 0 };
        }
    }

    fn has(&self, kind: u8) -> bool {
        has(&self.map, kind)
    }

    /// Prints ` any DATA:Be,INIT`, types as numbers if `numeric`.
    fn print(&self, numeric: bool, out: &mut Out) {
        let Self { how, map, flags } = self;
        out.word(match how {
            How::Any => "any",
            How::All => "all",
            How::Only => "only",
        });
        match *map {
            [u128::MAX, u128::MAX] => return out.word("ALL"),
            [0, 0] => return out.word("NONE"),
            _ => out.gap(),
        }
        let mut first = true;
        for (name, kind, letters) in TYPES.into_iter().filter(|t| self.has(t.1)) {
            out.raw(if first { "" } else { "," });
            first = false;
            if numeric {
                out.fmt(format_args!("0x{kind:04X}"));
            } else {
                out.raw(name);
            }
            let Some(f) = flags.iter().find(|f| f.kind == kind) else { continue };
            out.raw(":");
            for (i, letter) in letters.char_indices().filter(|(i, _)| f.mask & 0x80 >> i != 0) {
                let set = f.set & 0x80 >> i != 0;
                out.text.push(if set { letter } else { letter.to_ascii_lowercase() });
            }
        }
    }

    /// Kernel: `match_packet`. A chunk that is not there or says it is empty drops the packet.
    fn holds(&self, packet: &[u8]) -> Result<bool, Stop> {
        let Self { how, map, flags } = self;
        let fits = |kind: u8, set: u8| flags.iter().find(|f| f.kind == kind).is_none_or(|f| set & f.mask == f.set);
        let mut missing = *map;
        let mut at = 12;
        loop {
            let Some(&[kind, set, hi, lo]) = packet.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
                return Err(Stop::Hotdrop);
            };
            let len = usize::from(u16::from_be_bytes([hi, lo]));
            if len == 0 {
                return Err(Stop::Hotdrop);
            }
            at += len.next_multiple_of(4);
            let meant = self.has(kind) && fits(kind, set);
            match how {
                How::Any if meant => return Ok(true),
                How::All if meant => missing[usize::from(kind >> 7)] &= !(1 << (kind & 0x7f)),
                How::Only if !meant => return Ok(false),
                _ => {}
            }
            if at >= packet.len() {
                break;
            }
        }
        Ok(match how {
            How::Any => false,
            How::All => missing == [0, 0],
            How::Only => true,
        })
    }
}

impl Ext for Sctp {
    const NAME: &'static str = "sctp";
    const ABOUT: &'static str = "Looks at the ports and the chunks of an SCTP packet.";
    const PROTO: Option<u8> = Some(132);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { sport, dport, chunks } = self;
        if let Some(p) = sport {
            out.opt(p.not, "--sport", p.is);
        }
        if let Some(p) = dport {
            out.opt(p.not, "--dport", p.is);
        }
        if let Some(c) = chunks {
            out.flag(c.not, "--chunk-types");
            c.is.print(false, out);
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { sport, dport, chunks } = self;
        out.word("sctp");
        super::ports::list(sport.unwrap_or_default(), "spt", out, show);
        super::ports::list(dport.unwrap_or_default(), "dpt", out, show);
        if let Some(c) = chunks {
            if c.not {
                out.word("!");
            }
            c.is.print(show.numeric, out);
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { sport, dport, chunks } = self;
        for (key, ports) in [("sctp sport", sport), ("sctp dport", dport)] {
            if let Some(Inv { is: Ports { lo, hi }, not }) = *ports {
                match lo == hi {
                    true => nft.test(key, not, lo),
                    false => nft.test(key, not, format_args!("{lo}-{hi}")),
                }
            }
        }
        let Some(Inv { is: Chunks { how, map, flags }, not }) = chunks else { return Some(()) };
        if !flags.is_empty() {
            return nft.no("nft looks at the flags of the first chunk of a kind only");
        }
        let kinds: Vec<u8> = (0..=255u8).filter(|&k| map[usize::from(k >> 7)] >> (k & 127) & 1 != 0).collect();
        match (how, not, kinds.as_slice()) {
            (How::All, false, [_, ..]) | (How::Any, false, [_]) => {}
            _ => return nft.no("nft asks for chunks that are all there, and for nothing else about them"),
        }
        let named: Vec<&str> = IN_NFT.iter().filter(|n| kinds.contains(&n.1)).map(|n| n.0).collect();
        if named.len() != kinds.len() {
            return nft.no("nft has no name for one of these chunks");
        }
        for name in named {
            nft.say(format_args!("sctp chunk {name} exists"));
        }
        Some(())
    }
}

impl Matching for Sctp {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { sport, dport, chunks } = self.clone();
        let mut all = vec![
            cx.xt_header(12),
            super::ports::pred(sport.unwrap_or_default(), Field::Sport),
            super::ports::pred(dport.unwrap_or_default(), Field::Dport),
        ];
        if let Some(Inv { is, not }) = chunks {
            let native = Native::new("sctp chunks", Effect::Stable, move |at| is.holds(at.packet.transport()));
            all.push(Pred::from(native).not_if(not));
        }
        Pred::All(all)
    }
}

/// Names that nft has for chunks, in the order in which stock translates them.
const IN_NFT: [(&str, u8); 18] = [
    ("data", 0),
    ("init", 1),
    ("init-ack", 2),
    ("sack", 3),
    ("heartbeat", 4),
    ("heartbeat-ack", 5),
    ("abort", 6),
    ("shutdown", 7),
    ("shutdown-ack", 8),
    ("error", 9),
    ("cookie-echo", 10),
    ("cookie-ack", 11),
    ("ecne", 12),
    ("cwr", 13),
    ("shutdown-complete", 14),
    ("asconf", 193),
    ("asconf-ack", 128),
    ("forward-tsn", 192),
];

/// `SCTP_CHUNK_MATCH_…`
const HOW: [(u32, How); 3] = [(1, How::Any), (2, How::All), (4, How::Only)];

impl Xt<0> for Sctp {
    type Info = XtSctpInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtSctpInfo> {
        let Self { sport, dport, chunks } = self;
        let mut info = XtSctpInfo {
            spts: sport.map_or([0; 2], |p| [p.is.lo, p.is.hi]),
            dpts: dport.map_or([0; 2], |p| [p.is.lo, p.is.hi]),
            ..Default::default()
        };
        let parts = [sport.map(|p| p.not), dport.map(|p| p.not), chunks.as_ref().map(|c| c.not)];
        info.flags = bits(parts.map(|part| part.is_some())).into();
        info.invflags = bits(parts.map(|part| part == Some(true))).into();
        if let Some(Inv { is: Chunks { how, map, flags }, not: _ }) = chunks {
            info.chunk_match_type = HOW.iter().find(|(_, h)| h == how)?.0;
            if *map == [u128::MAX; 2] {
                info.chunkmap = [u32::MAX; WORDS];
            } else {
                for (i, word) in info.chunkmap.iter_mut().take(256 / 32).enumerate() {
                    *word = (map[i / 4] >> (i % 4 * 32)) as u32;
                }
            }
            info.flag_count = flags.len() as i32;
            info.flag_info = [UNUSED; 4];
            for (i, &Flags { kind, set, mask }) in flags.iter().enumerate() {
                *info.flag_info.get_mut(i)? = XtSctpFlagInfo { chunktype: kind, flag: set, flag_mask: mask };
            }
        }
        Some(info)
    }

    fn decode(info: &XtSctpInfo, _: &Carry<'_>) -> Option<Self> {
        let XtSctpInfo { dpts, spts, chunkmap, chunk_match_type, flag_info, flag_count, flags, invflags } = info;
        let asked = |bit: u32| (flags & 1 << bit != 0).then_some(invflags & 1 << bit != 0);
        let ports = |[lo, hi]: [u16; 2], not: Option<bool>| not.map(|not| Inv { is: Ports { lo, hi }, not });
        let chunks = match asked(2) {
            None => None,
            Some(not) => {
                let half = |words: &[u32]| words.iter().rev().fold(0, |all, &w| all << 32 | u128::from(w));
                let map = [half(&chunkmap[..4]), half(&chunkmap[4..8])];
                let flags = flag_info.get(..usize::try_from(*flag_count).ok()?)?;
                let flags = flags.iter().filter(|f| has(&map, f.chunktype)).map(|f| Flags {
                    kind: f.chunktype,
                    set: f.flag,
                    mask: f.flag_mask,
                });
                let how = HOW.iter().find(|(number, _)| number == chunk_match_type)?.1;
                Some(Inv { is: Chunks { how, map, flags: flags.collect() }, not })
            }
        };
        Some(Self { sport: ports(*spts, asked(0)), dport: ports(*dpts, asked(1)), chunks })
    }

    /// Nobody looks at flags beyond their number or of types that are not asked for, nor at what stands behind the types
    /// that there can be.
    fn settle(info: &mut XtSctpInfo, _: &Carry<'_>) {
        let asked = info.flags & 1 << 2 != 0;
        let (map, count) = (info.chunkmap, usize::try_from(info.flag_count).unwrap_or(0));
        let seen = |kind: u8| asked && map[usize::from(kind / 32)] & 1 << (kind % 32) != 0;
        let mut flags = info.flag_info.into_iter().take(count).filter(|f| seen(f.chunktype));
        info.flag_info = std::array::from_fn(|_| flags.next().unwrap_or(UNUSED));
        info.flag_count = info.flag_info.iter().filter(|f| **f != UNUSED).count() as i32;
        info.chunk_match_type = if asked { info.chunk_match_type } else { 0 };
        info.chunkmap[256 / 32..].fill(0);
    }
}

/// Words of the structure's map of types: the header counts bytes where it means bits.
const WORDS: usize = 64;

/// As stock leaves those that are not used.
const UNUSED: XtSctpFlagInfo = XtSctpFlagInfo { chunktype: u8::MAX, flag: 0, flag_mask: 0 };
