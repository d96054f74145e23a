//! `-m connlimit`: how many connections an address, or a network, has at once.
//!
//! Kernel: net/netfilter/xt_connlimit.c, net/netfilter/nf_conncount.c; ABI: uapi/linux/netfilter/xt_connlimit.h
//! (revision 1). Each rule keeps its own list of the connections it has seen, and asks which of them still are.
use super::plen::{self, Plen};
use super::prelude::*;
use crate::ir::{Entry, Packet, Tuple};
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

/// The connections seen, by masked address and number of the zone.
type Lists = BTreeMap<(u128, u16), List>;

/// A connection as the lists remember it: its tuple, and the zone by direction.
type Known = (Tuple, [u16; 2]);

#[derive(Default)]
struct List {
    known: Vec<Known>,
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
            let (conn, status) = counted_as(at, family).ok_or(Stop::Hotdrop)?;
            let place = (addr, conn.1[0].max(conn.1[1]));
            let mut list = at.cell(CellKey::Own, Lists::new).remove(&place);
            let env = &at.env;
            let count = match &mut list {
                None => {
                    list = Some(List { known: vec![conn], looked: now, left: 0 });
                    1
                }
                Some(list) => list.count(conn, status, now, &|known| env.entry(&known.0, known.1)),
            };
            if let Some(list) = list {
                at.cell(CellKey::Own, Lists::new).insert(place, list);
            }
            if count == 0 { Err(Stop::Hotdrop) } else { Ok((count > limit as usize) != upto) }
        })
        .into()
    }
}

/// The connection that a packet counts as, with its status. A packet without one counts as its own tuple, in the zone that
/// `-j CT` gave it; that one may be known all the same, since tracking comes after raw (Kernel: `get_ct_or_tuple_from_skb`).
fn counted_as(at: &At<'_>, family: Family) -> Option<(Known, u32)> {
    if let Some(conn) = at.conn.as_deref() {
        return Some(((conn.original, conn.zones), conn.status));
    }
    let zones = match &at.packet.meta.template {
        Some(template) if !template.zone_from_mark => [template.zone_orig, template.zone_reply],
        _ => [0; 2],
    };
    let tuple = tuple_of(at.packet, family)?;
    Some(((tuple, zones), at.env.entry(&tuple, zones).map_or(0, |entry| entry.status)))
}

impl List {
    /// Kernel: `count_tree`, `__nf_conncount_add`.
    fn count(&mut self, conn: Known, status: u32, now: u64, entry: &dyn Fn(&Known) -> Option<Entry>) -> usize {
        let confirmed = status & status::CONFIRMED != 0;
        if confirmed && status & status::ASSURED != 0 {
            // Long since counted, if it ever was.
            if now != self.looked {
                self.look(now, None, entry);
            }
            return self.known.len();
        }
        let hurried = now == self.looked && self.known.len().saturating_sub(self.left) < COLLECT;
        if (confirmed || !hurried) && self.look(now, Some(&conn), entry) {
            return self.known.len();
        }
        self.known.push(conn);
        self.known.len()
    }

    /// Removes those that are gone or closed; stops at `wanted`, closed or not, and says so.
    fn look(&mut self, now: u64, wanted: Option<&Known>, entry: &dyn Fn(&Known) -> Option<Entry>) -> bool {
        let (mut dead, mut found) = (0, false);
        self.known.retain(|known| {
            if found || dead > COLLECT {
                return true;
            }
            let entry = entry(known);
            found = wanted.is_some_and(|w| known.0 == w.0 && entry.is_some_and(|e| e.zones[0] == w.1[0]));
            let lives = found || entry.is_some_and(|e| !e.closed);
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
    // Nothing follows the IPv6 header "none" (Kernel: `ipv6_skip_exthdr`).
    let nothing = family == Family::V6 && key.proto == 59;
    if nothing || key.shape.any(Shape::FRAGMENT | Shape::NOL4 | Shape::NOPORTS) {
        return None;
    }
    let (sport, dport) = match key.proto {
        1 | 58 => {
            let head = packet.transport().get(..8)?;
            (u16::from_be_bytes([head[4], head[5]]), u16::from_be_bytes([head[0], head[1]]))
        }
        6 | 17 | 132 | 136 => (key.sport, key.dport),
        // DCCP is one of these since 6.17.
        _ => (0, 0),
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

    const SETTLED: u32 = status::CONFIRMED | status::ASSURED;

    fn entry(port: u16, closed: bool) -> (Tuple, Entry) {
        (conn(port, 0).original, Entry { status: status::CONFIRMED, zones: [0; 2], closed })
    }

    #[test]
    fn counts_those_that_live() {
        let mut t = Trial::of("-m connlimit --connlimit-above 2");
        let mut packet = udp([10, 0, 0, 1], [2, 2, 2, 2]);
        for (port, over) in [(1, false), (2, false), (3, true)] {
            t.wait(10);
            assert_eq!(t.ask(0, &mut packet, Some(&mut conn(port, 0))), Ok(over), "{port}");
            t.world.entries.push(entry(port, false));
        }
        // One seen before is not counted twice, and one that has gone is not counted at all.
        t.wait(10);
        t.world.entries.remove(0);
        assert_eq!(t.ask(0, &mut packet, Some(&mut conn(3, status::CONFIRMED))), Ok(false));
        assert_eq!(t.ask(0, &mut packet, Some(&mut conn(2, SETTLED))), Ok(false));
        // Another address begins with one.
        let mut other = udp([10, 0, 0, 2], [2, 2, 2, 2]);
        assert_eq!(t.ask(0, &mut other, Some(&mut conn(9, 0))), Ok(false));
    }

    /// The packet that closes a connection still finds it; the next one's look does not.
    #[test]
    fn a_closed_connection_counts_for_its_own_packet() {
        let mut t = Trial::of("-m connlimit --connlimit-above 1");
        let mut packet = udp([10, 0, 0, 1], [2, 2, 2, 2]);
        for (port, over) in [(1, false), (2, true)] {
            t.wait(10);
            assert_eq!(t.ask(0, &mut packet, Some(&mut conn(port, 0))), Ok(over), "{port}");
            t.world.entries.push(entry(port, false));
        }
        t.wait(10);
        t.world.entries[0].1.closed = true;
        assert_eq!(t.ask(0, &mut packet, Some(&mut conn(1, status::CONFIRMED))), Ok(true));
        t.wait(10);
        assert_eq!(t.ask(0, &mut packet, Some(&mut conn(2, SETTLED))), Ok(false));
    }

    /// Before tracking, a connection is known by the zone that `-j CT` gave the packet.
    #[test]
    fn zones_are_counted_apart() {
        let mut t = Trial::of("-m connlimit --connlimit-above 1");
        let mut packet = udp([10, 0, 0, 1], [2, 2, 2, 2]);
        packet.meta.template = Some(crate::ir::Template { zone_reply: 1, ..crate::ir::Template::default() });
        assert_eq!(t.ask(0, &mut packet, None), Ok(false));
        let own = tuple_of(&packet, Family::V4).expect("a tuple");
        t.world.entries.push((own, Entry { status: status::CONFIRMED, zones: [0, 1], closed: false }));
        t.wait(10);
        assert_eq!(t.ask(0, &mut packet, None), Ok(false), "it is the same one");
        assert_eq!(t.ask(0, &mut packet, Some(&mut conn(7, 0))), Ok(false), "another zone's list");
        packet.key.sport ^= 1;
        t.wait(10);
        assert_eq!(t.ask(0, &mut packet, None), Ok(true));
    }
}
