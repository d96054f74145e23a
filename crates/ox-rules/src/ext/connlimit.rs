//! `-m connlimit`: how many connections an address, or a network, has at once.
//!
//! Kernel: net/netfilter/xt_connlimit.c, net/netfilter/nf_conncount.c; ABI: uapi/linux/netfilter/xt_connlimit.h
//! (revision 1). Each rule keeps its own list of the connections it has seen, and asks which of them still are.
use super::plen::{self, Plen};
use super::prelude::*;
use crate::ir::{Packet, Tuple};
use ox_wire::xtables::rate::XtConnlimitInfo;
use std::collections::BTreeMap;
use std::mem::offset_of;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnLimit {
    limit: u32,
    upto: bool,
    mask: Option<u8>,
    dest: bool,
}

options! { ConnLimit;
    /// Match up to so many connections.
    UPTO ["connlimit-upto"] Inv<u32>, .excl(Self::ABOVE) => |c, v| { c.limit = v.is; c.upto = !v.not };
    /// Match more than so many connections.
    ABOVE ["connlimit-above"] Inv<u32>, .excl(Self::UPTO) => |c, v| { c.limit = v.is; c.upto = v.not };
    /// Bits of the address that count: connections of a network are counted together.
    MASK ["connlimit-mask"] Plen => |c, v| c.mask = Some(v.0);
    /// Count by source address (so it is unless said otherwise).
    SADDR ["connlimit-saddr"] Flag, .excl(Self::DADDR) => |c, _v| c.dest = false;
    /// Count by destination address.
    DADDR ["connlimit-daddr"] Flag, .excl(Self::SADDR) => |c, _v| c.dest = true;
}

impl Ext for ConnLimit {
    const NAME: &'static str = "connlimit";
    const ABOUT: &'static str = "Counts the connections that an address or network has at once.";
    const TRACKING: bool = true;

    fn check(&mut self, seen: u32, cx: &Reading<'_>) -> Result<(), String> {
        if seen & (Self::UPTO | Self::ABOVE) == 0 {
            return Err("say how many: --connlimit-upto or --connlimit-above".into());
        }
        self.mask = self.mask.filter(|&m| m != plen::width(cx.family));
        Ok(())
    }

    fn save(&self, out: &mut Out, family: Family) {
        let Self { limit, upto, mask, dest } = *self;
        out.opt(false, if upto { "--connlimit-upto" } else { "--connlimit-above" }, limit);
        out.opt(false, "--connlimit-mask", mask.unwrap_or(plen::width(family)));
        out.word(if dest { "--connlimit-daddr" } else { "--connlimit-saddr" });
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { limit, upto, mask, dest } = *self;
        out.word("#conn ");
        let mask = mask.unwrap_or(plen::width(show.family));
        out.fmt(format_args!("{}/{mask} {} {limit}", if dest { "dst" } else { "src" }, if upto { "<=" } else { ">" }));
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { limit, upto, mask, dest } = *self;
        let set = nft.dynamic_set("connlimit");
        let (ip, end) = (nft.ip(), if dest { "daddr" } else { "saddr" });
        nft.say(format_args!("add @{set} {{ {ip} {end}"));
        if let Some(mask) = mask {
            nft.word("and");
            nft.addr(prefix_mask(nft.family, mask));
        }
        nft.say(format_args!("ct count {}{limit} }}", if upto { "" } else { "over " }));
        Some(())
    }
}

impl Xt<1> for ConnLimit {
    type Info = XtConnlimitInfo;
    const COMPARE: usize = offset_of!(XtConnlimitInfo, data);

    fn encode(&self, cx: &Carry<'_>) -> Option<XtConnlimitInfo> {
        let Self { limit, upto, mask, dest } = *self;
        Some(XtConnlimitInfo {
            mask: inet_mask(mask.unwrap_or(plen::width(cx.family)), cx.family),
            limit,
            flags: bits([upto, dest]).into(),
            ..Default::default()
        })
    }

    fn decode(info: &XtConnlimitInfo, cx: &Carry<'_>) -> Option<Self> {
        let XtConnlimitInfo { mask, limit, flags, data: _ } = info;
        let [upto, dest] = unbits(*flags as u8);
        let mask = Net::new(0, addr(mask, cx.family)).prefix_len(cx.family)?;
        Some(Self { limit: *limit, upto, mask: Some(mask).filter(|&m| m != plen::width(cx.family)), dest })
    }

    fn settle(info: &mut XtConnlimitInfo, cx: &Carry<'_>) {
        settle_mask(&mut info.mask, cx.family);
    }
}

/// The connections seen, by masked address and zone.
type Lists = BTreeMap<(u128, u16), List>;

#[derive(Default)]
struct List {
    known: Vec<(Tuple, u16)>,
    /// Tick of the last look at all of them, and how many were left.
    looked: u64,
    left: usize,
}

/// Dead connections that one look removes at most, and new ones that a tick takes unseen (`CONNCOUNT_GC_MAX_COLLECT`).
const COLLECT: usize = 64;

impl Matching for ConnLimit {
    fn pred(&self, cx: &Lowering<'_>) -> Pred {
        let Self { limit, upto, mask, dest } = *self;
        let family = cx.family;
        let mask = prefix_mask(family, mask.unwrap_or(plen::width(family)));
        Native::new("connections", Effect::Mutates, move |at| {
            let now = jiffies(at.env.now().mono);
            let addr = if dest { at.packet.key.dst } else { at.packet.key.src } & mask;
            let state = at.conn.as_deref().map(|c| (c.original, c.zone, c.status));
            let zone = state.map_or(0, |s| s.1);
            let tuple = state.map(|s| s.0).or_else(|| tuple_of(at.packet, family)).ok_or(Stop::Hotdrop)?;
            let status = state.map_or(0, |s| s.2);
            let place = (addr, zone);
            let mut list = at.cell(CellKey::Own, Lists::new).remove(&place);
            let env = &at.env;
            let mut alive = |(tuple, zone): &(Tuple, u16)| env.alive(tuple, *zone);
            let count = match &mut list {
                None => {
                    list = Some(List { known: vec![(tuple, zone)], looked: now, left: 0 });
                    1
                }
                Some(list) => list.count((tuple, zone), status, now, &mut alive),
            };
            if let Some(list) = list {
                at.cell(CellKey::Own, Lists::new).insert(place, list);
            }
            if count == 0 { Err(Stop::Hotdrop) } else { Ok((count > limit as usize) != upto) }
        })
        .into()
    }
}

impl List {
    /// Kernel: `count_tree`, `__nf_conncount_add`.
    fn count(
        &mut self,
        conn: (Tuple, u16),
        status: u32,
        now: u64,
        alive: &mut impl FnMut(&(Tuple, u16)) -> bool,
    ) -> usize {
        let confirmed = status & status::CONFIRMED != 0;
        if confirmed && status & status::ASSURED != 0 {
            // Long since counted, if it ever was.
            if now != self.looked {
                self.look(now, None, alive);
            }
            return self.known.len();
        }
        let hurried = now == self.looked && self.known.len().saturating_sub(self.left) < COLLECT;
        // A connection that just closed with this packet is still found as its own.
        let mut alive = |known: &(Tuple, u16)| (confirmed && *known == conn) || alive(known);
        if (confirmed || !hurried) && self.look(now, Some(&conn), &mut alive) {
            return self.known.len();
        }
        self.known.push(conn);
        self.known.len()
    }

    /// Removes the dead; stops at `wanted` where that is alive and known, and says so.
    fn look(&mut self, now: u64, wanted: Option<&(Tuple, u16)>, alive: &mut impl FnMut(&(Tuple, u16)) -> bool) -> bool {
        let (mut dead, mut found) = (0, false);
        self.known.retain(|known| {
            if found || dead > COLLECT {
                return true;
            }
            let lives = alive(known);
            found = lives && wanted == Some(known);
            dead += usize::from(!lives);
            lives
        });
        if !found {
            self.looked = now;
            self.left = self.known.len();
        }
        found
    }
}

/// The tuple of a packet that has no connection (Kernel: `nf_ct_get_tuplepr`); `None`: a fragment, or cut short.
fn tuple_of(packet: &Packet, family: Family) -> Option<Tuple> {
    let key = &packet.key;
    if key.shape.any(Shape::FRAGMENT | Shape::NOL4 | Shape::NOPORTS) {
        return None;
    }
    let (sport, dport) = match key.proto {
        1 | 58 => {
            let head = packet.transport().get(..8)?;
            (u16::from_be_bytes([head[4], head[5]]), u16::from_be_bytes([head[0], head[1]]))
        }
        _ => (key.sport, key.dport),
    };
    Some(Tuple { family, proto: key.proto, src: key.src, dst: key.dst, sport, dport })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;

    #[test]
    fn text() {
        check(
            Family::V4,
            TableName::Filter,
            "-m connlimit ! --connlimit-upto 3 --connlimit-mask 255.255.0.0",
            "-m connlimit --connlimit-above 3 --connlimit-mask 16 --connlimit-saddr",
            "#conn src/16 > 3",
        );
        check(
            Family::V6,
            TableName::Filter,
            "-m connlimit --connlimit-upto 3 --connlimit-daddr",
            "-m connlimit --connlimit-upto 3 --connlimit-mask 128 --connlimit-daddr",
            "#conn dst/128 <= 3",
        );
        for line in
            ["--connlimit-mask 24", "--connlimit-above 1 --connlimit-upto 1", "--connlimit-above 1 --connlimit-mask 33"]
        {
            refused(Family::V4, TableName::Filter, &format!("-m connlimit {line}"));
        }
    }

    fn conn(port: u16, status: u32) -> Conn {
        let original = Tuple { family: Family::V4, proto: 17, src: 0x0a00_0001, dst: 1, sport: port, dport: 53 };
        Conn { original, status, ..Conn::default() }
    }

    #[test]
    fn counts_those_that_live() {
        let mut t = Trial::of("-m connlimit --connlimit-above 2");
        let mut packet = udp([10, 0, 0, 1], [2, 2, 2, 2]);
        for (port, over) in [(1, false), (2, false), (3, true)] {
            t.wait(10);
            assert_eq!(t.ask(0, &mut packet, Some(&mut conn(port, 0))), Ok(over), "{port}");
            t.world.alive.push(conn(port, 0).original);
        }
        // One seen before is not counted twice, and one that has gone is not counted at all.
        t.wait(10);
        t.world.alive.remove(0);
        assert_eq!(t.ask(0, &mut packet, Some(&mut conn(3, status::CONFIRMED))), Ok(false));
        let both = status::CONFIRMED | status::ASSURED;
        assert_eq!(t.ask(0, &mut packet, Some(&mut conn(2, both))), Ok(false));
        // Another address begins with one.
        let mut other = udp([10, 0, 0, 2], [2, 2, 2, 2]);
        assert_eq!(t.ask(0, &mut other, Some(&mut conn(9, 0))), Ok(false));
    }
}
