//! `-j HMARK`: mark packets by a hash of their addresses and ports, the same for both directions.
//!
//! Kernel: net/netfilter/xt_HMARK.c; ABI: uapi/linux/netfilter/xt_HMARK.h.
mod abi;

use super::exthdr::{self, Found};
use super::plen::Plen;
use super::prelude::*;
use super::span;
use ox_packet::jhash;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hmark {
    src: Option<u8>,
    dst: Option<u8>,
    sport: Option<u16>,
    dport: Option<u16>,
    spi: Option<u32>,
    set_sport: Option<u16>,
    set_dport: Option<u16>,
    set_spi: Option<u32>,
    proto: Option<u16>,
    conn: bool,
    seed: u32,
    modulus: u32,
    offset: Option<u32>,
}

options! { Hmark;
    /// What is hashed, separated by commas: src dst sport dport spi proto, and ct for the connection's first packet.
    TUPLE ["hmark-tuple"] Texts => |h, v| h.tuple(&v.0);
    /// Bits of the source address that count.
    SRC ["hmark-src-prefix"] Plen => |h, v| once(&mut h.src, v.0);
    /// Bits of the destination address that count.
    DST ["hmark-dst-prefix"] Plen => |h, v| once(&mut h.dst, v.0);
    /// Bits of the source port that count.
    SPORT ["hmark-sport-mask"] u16 => |h, v| once(&mut h.sport, v);
    /// Bits of the destination port that count.
    DPORT ["hmark-dport-mask"] u16 => |h, v| once(&mut h.dport, v);
    /// Bits of the security parameters index that count.
    SPI ["hmark-spi-mask"] u32 => |h, v| once(&mut h.spi, v);
    /// Bits to set in the source port.
    SET_SPORT ["hmark-sport"] u16 => |h, v| h.set_sport = Some(v);
    /// Bits to set in the destination port.
    SET_DPORT ["hmark-dport"] u16 => |h, v| h.set_dport = Some(v);
    /// Bits to set in the security parameters index.
    SET_SPI ["hmark-spi"] u32 => |h, v| h.set_spi = Some(v);
    /// Bits of the protocol number that count.
    PROTO ["hmark-proto-mask"] u16 => |h, v| once(&mut h.proto, v);
    /// Seed of the hash.
    SEED ["hmark-rnd"] u32, .needed() => |h, v| h.seed = v;
    /// How many marks there are.
    MOD ["hmark-mod"] u32, .needed() => |h, v| h.modulus = v;
    /// The first mark.
    OFFSET ["hmark-offset"] u32 => |h, v| h.offset = Some(v);
}

const fn width(family: Family) -> u8 {
    match family {
        Family::V4 => 32,
        Family::V6 => 128,
    }
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err("`--hmark-tuple' says it already".into()),
    }
}

impl Hmark {
    /// What was said before of any of them is forgotten, as in stock. Whole addresses are 255 until the family is asked
    /// for.
    fn tuple(&mut self, text: &str) -> Result<(), String> {
        for name in text.split(',') {
            match name {
                "src" => self.src = Some(u8::MAX),
                "dst" => self.dst = Some(u8::MAX),
                "sport" => self.sport = Some(u16::MAX),
                "dport" => self.dport = Some(u16::MAX),
                "spi" => self.spi = Some(u32::MAX),
                "proto" => self.proto = Some(u16::MAX),
                "ct" => self.conn = true,
                _ => return Err(format!("`{name}' cannot be hashed: src dst sport dport spi proto ct")),
            }
        }
        Ok(())
    }

    /// The mark for a tuple.
    fn mark(&self, family: Family, src: u128, dst: u128, ports: u32, proto: u8) -> u32 {
        let address = |a: u128, len: Option<u8>| {
            let kept = a & prefix_mask(family, len.unwrap_or(0));
            (0..4).fold(0, |folded, i| folded ^ (kept >> (32 * i)) as u32)
        };
        let (a, b) = (address(src, self.src), address(dst, self.dst));
        let hash = jhash::jhash_3words(a.min(b), a.max(b), ports, self.seed)
            ^ u32::from(u16::from(proto) & self.proto.unwrap_or(0));
        jhash::reciprocal_scale(hash, self.modulus).wrapping_add(self.offset.unwrap_or(0))
    }

    /// Masked ports with bits set, the greater one in front.
    fn ports(&self, word: u32) -> u32 {
        let both = |src: Option<u16>, dst: Option<u16>| u32::from(src.unwrap_or(0)) << 16 | u32::from(dst.unwrap_or(0));
        let mask = self.spi.unwrap_or(both(self.sport, self.dport));
        let kept = word & mask | self.set_spi.unwrap_or(both(self.set_sport, self.set_dport));
        let (src, dst) = (kept >> 16, kept & 0xffff);
        src.max(dst) << 16 | src.min(dst)
    }

    /// Kernel: `hmark_ct_set_htuple`, `hmark_pkt_set_htuple_ipv4`, `hmark_pkt_set_htuple_ipv6`.
    fn of(&self, at: &At<'_>) -> Option<u32> {
        if self.conn {
            let conn = at.conn.as_deref()?;
            let (there, back) = (conn.original, conn.reply);
            let word = u32::from(there.sport) << 16 | u32::from(back.sport);
            let ports = if there.proto == 1 { 0 } else { self.ports(word) };
            return Some(self.mark(there.family, there.src, back.src, ports, there.proto));
        }
        let packet = &*at.packet;
        // An error is marked like the packet it is about.
        let quoted = ox_packet::inner(&packet.bytes, &packet.layout);
        // And not at all where that one's header cannot be read.
        let head = if packet.layout.family == Family::V4 { 20 } else { usize::MAX };
        if quoted.is_none() && ox_packet::quoted(&packet.bytes, &packet.layout).is_some_and(|q| q.len() < head) {
            return None;
        }
        let (start, key, layout) = quoted.unwrap_or((0, packet.key, packet.layout));
        let mut proto = layout.proto;
        let mut word = None;
        if !layout.shape.any(Shape::FRAGMENT | Shape::FIRST) && !matches!(proto, 1 | 58) {
            let l4 = if start == 0 {
                layout.l4(&packet.bytes)
            } else {
                packet.bytes.get(start..).map_or(&[][..], |b| layout.l4(b))
            };
            let at = if proto == 51 { 4 } else { 0 };
            word = matches!(proto, 6 | 17 | 33 | 50 | 51 | 132 | 136).then(|| span::word(l4, at)).flatten();
        }
        if start == 0
            && layout.family == Family::V6
            && let Ok(Found::Header(header)) = exthdr::find(packet, 51)
        {
            (proto, word) = (51, span::word(header, 4));
        }
        Some(self.mark(layout.family, key.src, key.dst, word.map_or(0, |w| self.ports(w)), proto))
    }
}

impl Ext for Hmark {
    const NAME: &'static str = "HMARK";
    const ABOUT: &'static str = "Marks packets by a hash of their addresses and ports.";

    fn check(&mut self, seen: u32, cx: &Reading<'_>) -> Result<(), String> {
        for len in [&mut self.src, &mut self.dst].into_iter().flatten() {
            *len = (*len).min(width(cx.family));
        }
        // What is set counts as a tuple too.
        if seen & !(Self::SEED | Self::MOD | Self::OFFSET) == 0 {
            return Err("say what is hashed: --hmark-tuple".into());
        }
        if self.spi.is_some() && (self.sport.is_some() || self.dport.is_some()) {
            return Err("ports and the parameter index cannot be hashed together".into());
        }
        if self.modulus == 0 {
            return Err("`--hmark-mod' must be 1 or more".into());
        }
        Ok(())
    }

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        if self.set_spi.is_some() && (self.set_sport.is_some() || self.set_dport.is_some()) {
            return Err(Refused::invalid("HMARK: bits of ports and of the parameter index cannot be set together"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { src, dst, sport, dport, spi, set_sport, set_dport, set_spi, proto, conn, seed, modulus, offset } =
            *self;
        for (name, len) in [("--hmark-src-prefix", src), ("--hmark-dst-prefix", dst)] {
            if let Some(len) = len {
                out.opt(false, name, len);
            }
        }
        let mut transport = |names: [&str; 3], src: Option<u16>, dst: Option<u16>, spi: Option<u32>| {
            for (name, port) in [(names[0], src), (names[1], dst)] {
                if let Some(port) = port {
                    out.opt(false, name, format_args!("{port:#06x}"));
                }
            }
            if let Some(spi) = spi {
                out.opt(false, names[2], format_args!("{spi:#010x}"));
            }
        };
        transport(["--hmark-sport-mask", "--hmark-dport-mask", "--hmark-spi-mask"], sport, dport, spi);
        transport(["--hmark-sport", "--hmark-dport", "--hmark-spi"], set_sport, set_dport, set_spi);
        if let Some(mask) = proto {
            out.opt(false, "--hmark-proto-mask", format_args!("{mask:#04x}"));
        }
        out.opt(false, "--hmark-rnd", format_args!("{seed:#010x}"));
        out.opt(false, "--hmark-mod", modulus);
        if let Some(offset) = offset {
            out.opt(false, "--hmark-offset", offset);
        }
        if conn {
            out.word("--hmark-tuple ct");
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { src, dst, sport, dport, spi, set_sport, set_dport, set_spi, proto, conn, seed, modulus, offset } =
            *self;
        // Stock leaves a blank behind each part, and shows no length for a whole IPv6 address.
        out.word("HMARK ");
        out.fmt(format_args!("mod {modulus} "));
        if let Some(offset) = offset {
            out.fmt(format_args!("+ {offset:#x} "));
        }
        out.raw(if conn { "ct, " } else { "" });
        for (name, len) in [("src", src), ("dst", dst)] {
            match len {
                Some(128) if show.family == Family::V6 => out.fmt(format_args!("{name}-prefix  ")),
                Some(len) => out.fmt(format_args!("{name}-prefix {len} ")),
                None => {}
            }
        }
        let masks = [("sport-mask", sport.map(u32::from)), ("dport-mask", dport.map(u32::from)), ("spi-mask", spi)];
        let sets = [("sport", set_sport.map(u32::from)), ("dport", set_dport.map(u32::from)), ("spi", set_spi)];
        for (name, bits) in masks.into_iter().chain(sets).chain([("proto-mask", proto.map(u32::from))]) {
            if let Some(bits) = bits {
                out.fmt(format_args!("{name} {bits:#x} "));
            }
        }
        out.fmt(format_args!("rnd {seed:#x} "));
    }
}

impl Acting for Hmark {
    fn act(&self, _: &Lowering<'_>) -> Act {
        let this = self.clone();
        Act::Native(NativeAct::new("mark by hash", Effect::Stable, move |at| {
            if let Some(mark) = this.of(at) {
                at.packet.key.mark = mark;
            }
            Ok(Verdict::Continue)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::Hmark;
    use crate::model::TableName::Mangle;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(
            V4,
            Mangle,
            "-j HMARK --hmark-tuple src,sport,ct --hmark-offset 100 --hmark-mod 10 --hmark-rnd 1 --hmark-dport-mask 0xff",
            "-j HMARK --hmark-src-prefix 32 --hmark-sport-mask 0xffff --hmark-dport-mask 0x00ff --hmark-rnd 0x00000001 --hmark-mod 10 --hmark-offset 100 --hmark-tuple ct",
            "HMARK mod 10 + 0x64 ct, src-prefix 32 sport-mask 0xffff dport-mask 0xff rnd 0x1 ",
        );
        for rest in [
            "--hmark-mod 10",
            "--hmark-tuple src --hmark-mod 0",
            "--hmark-tuple src",
            "--hmark-tuple spi,sport --hmark-mod 2",
            "--hmark-tuple src,proto --hmark-mod 2 --hmark-proto-mask 1",
            "--hmark-tuple src --hmark-mod 2 --hmark-sport http",
        ] {
            refused(V4, Mangle, &format!("-j HMARK --hmark-rnd 1 {rest}"));
        }
    }

    #[test]
    fn bits_of_ports_are_set() {
        let line = |words: &str| format!("-j HMARK {words} --hmark-rnd 0x00000001 --hmark-mod 2");
        let four = |words: &str, listed: &str| check(V4, Mangle, &line(words), &line(words), listed);
        four(
            "--hmark-sport-mask 0x0001 --hmark-dport-mask 0x0002 --hmark-sport 0x0003 --hmark-dport 0x0004 --hmark-proto-mask 0xffff",
            "HMARK mod 2 sport-mask 0x1 dport-mask 0x2 sport 0x3 dport 0x4 proto-mask 0xffff rnd 0x1 ",
        );
        four("--hmark-spi 0x00000007", "HMARK mod 2 spi 0x7 rnd 0x1 ");
        let hash = Hmark { sport: Some(0xf0), set_sport: Some(1), set_dport: Some(2), ..Hmark::default() };
        assert_eq!(hash.ports(0x1234_5678), 0x31 << 16 | 2);
    }

    #[test]
    fn both_directions_get_one_mark() {
        let hash = Hmark {
            src: Some(32),
            dst: Some(32),
            sport: Some(0xffff),
            dport: Some(0xffff),
            modulus: 1000,
            ..Hmark::default()
        };
        let (there, back) = (hash.ports(5 << 16 | 80), hash.ports(80 << 16 | 5));
        assert_eq!(there, back);
        assert_eq!(hash.mark(V4, 1, 2, there, 6), hash.mark(V4, 2, 1, back, 6));
        assert!(hash.mark(V4, 1, 2, there, 6) < 1000);
    }
}
