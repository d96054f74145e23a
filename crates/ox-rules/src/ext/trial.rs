//! A small world in which the matches of a few rules can be asked about packets, for the tests of this folder.

use super::tests::read;
use crate::ir::{
    Act, At, CellKey, Conn, ConnKind, Dialect, Dir, Entry, Env, Hook, Lowering, Now, Owner, Packet, Pred, RouteAnswer,
    SetChange, SetInfo, SetQuery, Shares, SocketAnswer, Stop, Tuple, Verdict,
};
use crate::model::{Rule, TableName};
use ox_packet::Family;
use std::any::Any;
use std::collections::BTreeMap;

/// What the world knows.
#[derive(Default)]
pub(super) struct World {
    pub(super) mono: u64,
    pub(super) owner: Option<Option<Owner>>,
    pub(super) socket: Option<SocketAnswer>,
    pub(super) route: Option<RouteAnswer>,
    pub(super) entries: Vec<(Tuple, Entry)>,
    pub(super) set: Option<bool>,
    pub(super) info: Option<SetInfo>,
    pub(super) changes: Vec<SetChange>,
    cells: BTreeMap<(u32, String), Option<Box<dyn Any + Send>>>,
}

impl Env for World {
    fn now(&self) -> Now {
        Now { wall: self.mono, mono: self.mono }
    }
    fn chance(&mut self, _: u32) -> bool {
        false
    }
    fn random(&mut self) -> u32 {
        4
    }
    fn owner(&self, _: &Packet) -> Result<Option<Owner>, Stop> {
        self.owner.clone().ok_or(Stop::Unknown("owner"))
    }
    fn socket(&self, _: &Packet) -> Result<Option<SocketAnswer>, Stop> {
        Ok(self.socket)
    }
    fn listener(&self, _: &Packet, _: u128, _: u16) -> Result<bool, Stop> {
        Ok(false)
    }
    fn addr_type(&self, _: Family, _: u128, _: u128) -> u16 {
        0
    }
    fn reverse_route(&self, _: &Packet, _: bool) -> Option<RouteAnswer> {
        self.route
    }
    fn iface_addr(&self, _: Family, _: u128) -> Option<u128> {
        None
    }
    fn path_mtu(&self, _: &Packet) -> (u32, u32) {
        (1500, 1500)
    }
    fn set_test(&mut self, _: &SetQuery<'_>, _: &Packet) -> Result<bool, Stop> {
        self.set.ok_or(Stop::Unknown("set"))
    }
    fn set_change(&mut self, _: &SetQuery<'_>, change: SetChange, _: &Packet) -> Result<(), Stop> {
        self.changes.push(change);
        Ok(())
    }
    fn set_map(&mut self, _: &SetQuery<'_>, _: &Packet) -> Result<Option<SetInfo>, Stop> {
        Ok(self.info)
    }
    fn entry(&self, tuple: &Tuple, zones: [u16; 2]) -> Option<Entry> {
        self.entries.iter().find(|e| e.0 == *tuple && e.1.zones == zones).map(|e| e.1)
    }
    fn account(&mut self, _: &str, bytes: u32) -> bool {
        bytes > 50
    }
    fn cell(&mut self, site: u32, key: CellKey<'_>) -> &mut Option<Box<dyn Any + Send>> {
        let key = match key {
            CellKey::Own => (site, String::new()),
            CellKey::Named(kind, name) => (0, format!("{kind} {name}")),
        };
        self.cells.entry(key).or_default()
    }
}

/// Rules in their world.
pub(super) struct Trial {
    pub(super) world: World,
    rules: Vec<(Vec<Pred>, Act)>,
    pub(super) kind: ConnKind,
    pub(super) dir: Dir,
}

impl Trial {
    /// The rules of one table, lowered one after the other.
    #[track_caller]
    pub(super) fn new(family: Family, dialect: Dialect, table: TableName, lines: &[&str]) -> Self {
        let shares = Shares::default();
        let rules = lines.iter().map(|line| {
            let rule: Rule = read(family, table, line).unwrap_or_else(|fault| panic!("{line}: {fault}"));
            let cx = Lowering { family, dialect, table, head: &rule.head, shares: &shares };
            (rule.matches.iter().map(|m| super::pred(m, &cx)).collect(), super::act(&rule.target, &cx))
        });
        let rules = rules.collect();
        Self { world: World::default(), rules, kind: ConnKind::None, dir: Dir::Original }
    }

    /// One rule of IPv4's mangle table, as iptables-legacy means it.
    #[track_caller]
    pub(super) fn of(line: &str) -> Self {
        Self::new(Family::V4, Dialect::Legacy, TableName::Mangle, &[line])
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, ms: u64) {
        self.world.mono += ms * 1_000_000;
    }

    /// Whether rule `i` matches.
    pub(super) fn ask(&mut self, i: usize, packet: &mut Packet, conn: Option<&mut Conn>) -> Result<bool, Stop> {
        let (preds, _) = &self.rules[i];
        let (kind, dir, site) = (self.kind, self.dir, i as u32);
        let mut at = At { packet, conn, kind, dir, hook: Hook::Forward, site, env: &mut self.world };
        for pred in preds {
            if !holds(pred, &mut at)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether rule 0 matches a packet without a connection.
    pub(super) fn takes(&mut self, packet: &mut Packet) -> Result<bool, Stop> {
        self.ask(0, packet, None)
    }

    /// Does what the target of rule 0 does.
    pub(super) fn run(&mut self, packet: &mut Packet, conn: Option<&mut Conn>) -> Result<Verdict, Stop> {
        let (kind, dir) = (self.kind, self.dir);
        let mut at = At { packet, conn, kind, dir, hook: Hook::Forward, site: 0, env: &mut self.world };
        match &self.rules[0].1 {
            Act::Native(act) => (act.run)(&mut at),
            other => panic!("{other:?} is not native"),
        }
    }
}

fn holds(pred: &Pred, at: &mut At<'_>) -> Result<bool, Stop> {
    Ok(match pred {
        Pred::Is(yes) => *yes,
        Pred::Test(test) => test.holds(at.packet.key.get(test.field)),
        Pred::Header(_) => true,
        Pred::Not(inner) => !holds(inner, at)?,
        Pred::All(of) => {
            for p in of {
                if !holds(p, at)? {
                    return Ok(false);
                }
            }
            true
        }
        Pred::Any(of) => {
            for p in of {
                if holds(p, at)? {
                    return Ok(true);
                }
            }
            false
        }
        Pred::Native(native) => native.eval.eval(at)?,
    })
}

/// A UDP packet of 128 bytes between two IPv4 addresses.
pub(super) fn udp(src: [u8; 4], dst: [u8; 4]) -> Packet {
    let build = ox_packet::Build::udp((src, 1000), (dst, 53)).payload(vec![0; 100]);
    Packet::new(build.bytes()).expect("what is built can be read")
}
