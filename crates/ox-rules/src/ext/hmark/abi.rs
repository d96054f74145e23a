//! How the kernel stores `-j HMARK`.
//!
//! ABI: uapi/linux/netfilter/xt_HMARK.h.
use super::super::prelude::*;
use super::Hmark;
use ox_wire::xtables::mark::XtHmarkInfo;
use zerocopy::big_endian::U16;

/// Bits of `flags`, by the numbers of `XT_HMARK_…`.
mod flag {
    pub(super) const SADDR_MASK: u32 = 1 << 0;
    pub(super) const DADDR_MASK: u32 = 1 << 1;
    pub(super) const SPI: u32 = 1 << 2;
    pub(super) const SPI_MASK: u32 = 1 << 3;
    pub(super) const SPORT: u32 = 1 << 4;
    pub(super) const DPORT: u32 = 1 << 5;
    pub(super) const SPORT_MASK: u32 = 1 << 6;
    pub(super) const DPORT_MASK: u32 = 1 << 7;
    pub(super) const PROTO_MASK: u32 = 1 << 8;
    pub(super) const RND: u32 = 1 << 9;
    pub(super) const MODULUS: u32 = 1 << 10;
    pub(super) const OFFSET: u32 = 1 << 11;
    pub(super) const CT: u32 = 1 << 12;
}

/// Two ports, or a parameter index in their place.
fn word(ports: [Option<u16>; 2], spi: Option<u32>) -> [U16; 2] {
    let [src, dst] = ports.map(|p| p.unwrap_or(0));
    let spi = spi.unwrap_or(0);
    [(src | (spi >> 16) as u16).into(), (dst | spi as u16).into()]
}

impl Xt<0> for Hmark {
    type Info = XtHmarkInfo;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtHmarkInfo> {
        let Self { src, dst, sport, dport, spi, set_sport, set_dport, set_spi, proto, conn, seed, modulus, offset } =
            *self;
        let said = [
            (src.is_some(), flag::SADDR_MASK),
            (dst.is_some(), flag::DADDR_MASK),
            (set_spi.is_some(), flag::SPI),
            (spi.is_some(), flag::SPI_MASK),
            (set_sport.is_some(), flag::SPORT),
            (set_dport.is_some(), flag::DPORT),
            (sport.is_some(), flag::SPORT_MASK),
            (dport.is_some(), flag::DPORT_MASK),
            (proto.is_some(), flag::PROTO_MASK),
            (offset.is_some(), flag::OFFSET),
            (conn, flag::CT),
        ];
        let flags: u32 = said.iter().filter(|f| f.0).map(|f| f.1).sum();
        // Ports and the index share a place.
        let both = |spi: bool, ports: [Option<u16>; 2]| spi && ports.iter().any(Option::is_some);
        if both(spi.is_some(), [sport, dport]) || both(set_spi.is_some(), [set_sport, set_dport]) {
            return None;
        }
        Some(XtHmarkInfo {
            src_mask: src.map_or([0; 16], |len| inet_mask(len, cx.family)),
            dst_mask: dst.map_or([0; 16], |len| inet_mask(len, cx.family)),
            port_mask: word([sport, dport], spi),
            port_set: word([set_sport, set_dport], set_spi),
            flags: flags | flag::RND | flag::MODULUS,
            proto_mask: proto.unwrap_or(0),
            hashrnd: seed,
            hmodulus: modulus,
            hoffset: offset.unwrap_or(0),
            ..Default::default()
        })
    }

    fn decode(info: &XtHmarkInfo, cx: &Carry<'_>) -> Option<Self> {
        let XtHmarkInfo {
            src_mask,
            dst_mask,
            port_mask,
            port_set,
            flags,
            proto_mask,
            _pad,
            hashrnd,
            hmodulus,
            hoffset,
        } = *info;
        let on = |flag: u32| flags & flag != 0;
        let len = |mask: [u8; 16], flag: u32| match on(flag) {
            true => Net::new(0, addr(&mask, cx.family)).prefix_len(cx.family).map(Some),
            false => Some(None),
        };
        let port = |port: U16, flag: u32| on(flag).then_some(port.get());
        let spi = |[hi, lo]: [U16; 2], flag: u32| on(flag).then(|| u32::from(hi.get()) << 16 | u32::from(lo.get()));
        Some(Self {
            src: len(src_mask, flag::SADDR_MASK)?,
            dst: len(dst_mask, flag::DADDR_MASK)?,
            sport: port(port_mask[0], flag::SPORT_MASK),
            dport: port(port_mask[1], flag::DPORT_MASK),
            spi: spi(port_mask, flag::SPI_MASK),
            set_sport: port(port_set[0], flag::SPORT),
            set_dport: port(port_set[1], flag::DPORT),
            set_spi: spi(port_set, flag::SPI),
            proto: on(flag::PROTO_MASK).then_some(proto_mask),
            conn: on(flag::CT),
            seed: hashrnd,
            modulus: hmodulus,
            offset: on(flag::OFFSET).then_some(hoffset),
        })
    }

    fn settle(info: &mut XtHmarkInfo, cx: &Carry<'_>) {
        settle_mask(&mut info.src_mask, cx.family);
        settle_mask(&mut info.dst_mask, cx.family);
    }
}
