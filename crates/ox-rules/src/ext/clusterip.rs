//! `-j CLUSTERIP`: several machines share one address; each takes the connections that a hash gives it.
//!
//! Kernel: net/ipv4/netfilter/ipt_CLUSTERIP.c (dropped in Linux 6.3); ABI: uapi/linux/netfilter_ipv4/ipt_CLUSTERIP.h. What a
//! cluster is belongs to the address: the rule with `--new' says it, and rules without share it.
use super::mac::Address;
use super::prelude::*;
use ox_packet::{jhash, pkttype};
use ox_wire::xtables::nat::IptClusteripTgtInfo;
use std::mem::offset_of;
use std::sync::OnceLock;

/// The target.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterIp {
    new: Option<Cluster>,
}

/// A cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Cluster {
    mode: Mode,
    mac: Address,
    nodes: u16,
    local: u16,
    seed: u32,
}

options! { ClusterIp;
    /// The cluster begins here: its mode, MAC address and nodes follow.
    NEW ["new"] Flag => |c, _v| { c.cluster(); };
    /// What is hashed.
    MODE ["hashmode"] Mode => |c, v| c.cluster().mode = v;
    /// The MAC address that the machines share: a multicast one.
    MAC ["clustermac"] Group => |c, v| c.cluster().mac = v.0;
    /// How many machines there are.
    NODES ["total-nodes"] Node => |c, v| c.cluster().nodes = v.0;
    /// Which of them this one is, from 1.
    LOCAL ["local-node"] Node => |c, v| c.cluster().local = v.0;
    /// Seed of the hash.
    SEED ["hash-init"] u32 => |c, v| c.cluster().seed = v;
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    Source,
    SourcePort,
    BothPorts,
}

impl Mode {
    const ALL: [(&'static str, Mode); 3] = [
        ("sourceip", Mode::Source),
        ("sourceip-sourceport", Mode::SourcePort),
        ("sourceip-sourceport-destport", Mode::BothPorts),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, m)| *m == self).map_or("", |(name, _)| name)
    }
}

impl Value for Mode {
    const HINT: &'static str = "MODE";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == args[0]);
        found.map(|&(_, m)| m).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(name, _)| *name).collect();
            format!("`{}' cannot be hashed: {}", args[0], names.join(", "))
        })
    }
}

struct Group(Address);

impl Value for Group {
    const HINT: &'static str = Address::HINT;
    fn read(args: &[&str], not: bool, cx: &Reading<'_>) -> Result<Self, String> {
        let address = Address::read(args, not, cx)?;
        if address.0[0] & 1 == 0 {
            return Err(format!("`{}' is not a multicast address: its first byte must be odd", args[0]));
        }
        Ok(Group(address))
    }
}

/// A number of nodes, or the number of one (`CLUSTERIP_MAX_NODES`).
struct Node(u16);

impl Value for Node {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let n = number(args[0], 16).map(|n| Node(n as u16));
        n.ok_or_else(|| format!("`{}' is not a number of nodes from 0 to 16", args[0]))
    }
}

impl ClusterIp {
    fn cluster(&mut self) -> &mut Cluster {
        self.new.get_or_insert_default()
    }
}

/// A MAC address in capitals.
fn capitals(mac: Address, out: &mut Out) {
    for (i, byte) in mac.0.iter().enumerate() {
        out.fmt(format_args!("{}{byte:02X}", if i > 0 { ":" } else { "" }));
    }
}

impl Ext for ClusterIp {
    const NAME: &'static str = "CLUSTERIP";
    const FAMILIES: Families = Families::V4;
    const ABOUT: &'static str = "Drops connections that are not for this machine of a cluster.";
    const TRACKING: bool = true;

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        let whole = Self::NEW | Self::MODE | Self::MAC | Self::NODES | Self::LOCAL;
        if seen != 0 && seen & whole != whole {
            return Err("--new, --hashmode, --clustermac, --total-nodes and --local-node go together".into());
        }
        Ok(())
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let dst = at.head.dst.is;
        if dst.mask() != prefix_mask(Family::V4, 32) || dst.addr() == 0 {
            return Err(Refused::invalid("CLUSTERIP: `-d' must name the address that the machines share"));
        }
        let Some(new) = self.new else { return Ok(()) };
        if at.head.iif.is.is_any() {
            return Err(Refused::invalid("CLUSTERIP: `-i' must name the interface with the address"));
        }
        if new.local == 0 {
            return Err(Refused::invalid("CLUSTERIP: nodes are counted from 1"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { new } = *self;
        let Some(Cluster { mode, mac, nodes, local, seed }) = new else { return };
        out.word("--new");
        out.opt(false, "--hashmode", mode.name());
        out.word("--clustermac ");
        capitals(mac, out);
        out.opt(false, "--total-nodes", nodes);
        out.opt(false, "--local-node", local);
        out.opt(false, "--hash-init", seed);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { new } = *self;
        out.word("CLUSTERIP");
        let Some(Cluster { mode, mac, nodes, local, seed }) = new else { return };
        out.fmt(format_args!(" hashmode={} clustermac=", mode.name()));
        capitals(mac, out);
        out.fmt(format_args!(" total_nodes={nodes} local_node={local} hash_init={seed}"));
    }
}

impl Cluster {
    /// Kernel: `clusterip_hashfn`. Ports are hashed as they lie in the memory of a little-endian machine. Nodes count from 1.
    fn node(&self, src: u32, ports: (u16, u16)) -> u32 {
        let (sport, dport) = (u32::from(ports.0.swap_bytes()), u32::from(ports.1.swap_bytes()));
        let hash = match self.mode {
            Mode::Source => jhash::jhash_1word(src, self.seed),
            Mode::SourcePort => jhash::jhash_2words(src, sport, self.seed),
            Mode::BothPorts => jhash::jhash_3words(src, sport, dport, self.seed),
        };
        jhash::reciprocal_scale(hash, self.nodes.into()) + 1
    }
}

/// Protocols whose ports are hashed, and where these are (Kernel: `proto_ports_offset`).
fn ports(at: &At<'_>) -> (u16, u16) {
    let packet = &*at.packet;
    let offset = match packet.layout.proto {
        6 | 17 | 33 | 50 | 132 | 136 => 0,
        51 => 4,
        _ => return (0, 0),
    };
    match super::span::word(packet.transport(), offset) {
        Some(word) => ((word >> 16) as u16, word as u16),
        None => (0, 0),
    }
}

impl Acting for ClusterIp {
    fn act(&self, cx: &Lowering<'_>) -> Act {
        let Self { new } = *self;
        let address = cx.head.dst.is.addr().to_string();
        // The first rule that says so sets up the cluster of an address.
        let shared = cx.shares.get("CLUSTERIP", &address, OnceLock::<Cluster>::new);
        let known = match new {
            Some(new) => Some(*shared.get_or_init(|| new)),
            None => shared.get().copied(),
        };
        let Some(cluster) = known else {
            return Act::Unknown("no rule before it says what the cluster of this address is (--new)");
        };
        Act::Native(NativeAct::new("node of a cluster", Effect::Mutates, move |at| {
            let (source, ports) = (at.packet.key.src as u32, ports(at));
            let (kind, icmp) = (at.kind, at.packet.layout.proto == 1);
            let Some(conn) = at.conn.as_deref_mut() else { return Ok(Verdict::Drop) };
            if icmp && kind == ConnKind::Related {
                return Ok(Verdict::Continue);
            }
            let node = cluster.node(source, ports);
            if kind == ConnKind::New {
                conn.mark = node;
            }
            if node != u32::from(cluster.local) {
                return Ok(Verdict::Drop);
            }
            // It came by a multicast MAC address; the stack is to take it as its own.
            at.packet.key.pkttype = pkttype::HOST;
            Ok(Verdict::Continue)
        }))
    }
}

/// `CLUSTERIP_FLAG_NEW`
const NEW: u32 = 1;

/// The kernel takes several nodes of a machine's own; no program says more than one.
impl Xt<0> for ClusterIp {
    type Info = IptClusteripTgtInfo;
    const COMPARE: usize = offset_of!(IptClusteripTgtInfo, config);

    fn encode(&self, _: &Carry<'_>) -> Option<IptClusteripTgtInfo> {
        let Self { new } = self;
        let Some(Cluster { mode, mac, nodes, local, seed }) = *new else {
            return Some(IptClusteripTgtInfo::default());
        };
        let mut info = IptClusteripTgtInfo {
            flags: NEW,
            clustermac: mac.0,
            num_total_nodes: nodes,
            num_local_nodes: 1,
            hash_mode: Mode::ALL.iter().position(|(_, m)| *m == mode)? as u32,
            hash_initval: seed,
            ..Default::default()
        };
        info.local_nodes[0] = local;
        Some(info)
    }

    fn decode(info: &IptClusteripTgtInfo, _: &Carry<'_>) -> Option<Self> {
        let IptClusteripTgtInfo {
            flags,
            clustermac,
            num_total_nodes,
            num_local_nodes: _,
            local_nodes,
            _pad,
            hash_mode,
            hash_initval,
            config: _,
        } = info;
        if *flags & NEW == 0 {
            return Some(Self::default());
        }
        let (_, mode) = *Mode::ALL.get(*hash_mode as usize)?;
        Some(Self {
            new: Some(Cluster {
                mode,
                mac: Address(*clustermac),
                nodes: *num_total_nodes,
                local: local_nodes[0],
                seed: *hash_initval,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;

    const REST: &str = "--clustermac 01:aa:7b:47:f7:d7 --total-nodes 2 --local-node";

    #[test]
    fn text() {
        let new = format!("-j CLUSTERIP --new --hashmode sourceip {REST} 1");
        check(
            Family::V4,
            TableName::Filter,
            &format!("-d 1.2.3.4 -i eth0 {new}"),
            "-d 1.2.3.4/32 -i eth0 -j CLUSTERIP --new --hashmode sourceip --clustermac 01:AA:7B:47:F7:D7 --total-nodes 2 --local-node 1 --hash-init 0",
            "CLUSTERIP hashmode=sourceip clustermac=01:AA:7B:47:F7:D7 total_nodes=2 local_node=1 hash_init=0",
        );
        check(Family::V4, TableName::Filter, "-j CLUSTERIP", "-j CLUSTERIP", "CLUSTERIP");
        for line in [
            "--new".to_owned(),
            "--hash-init 1".to_owned(),
            format!("--new --hashmode x {REST} 1"),
            format!("--new --hashmode sourceip {REST} 17"),
            "--new --hashmode sourceip --clustermac 00:aa:7b:47:f7:d7 --total-nodes 2 --local-node 1".to_owned(),
        ] {
            refused(Family::V4, TableName::Filter, &format!("-j CLUSTERIP {line}"));
        }
    }

    /// Of two machines one takes a connection, and its number is the connection's mark.
    #[test]
    fn one_machine_takes_a_connection() {
        let mut taken = [0; 3];
        for host in 1..=40 {
            let mut verdicts = Vec::new();
            for local in 1..=2u32 {
                let rule = format!("-d 2.2.2.2 -j CLUSTERIP --new --hashmode sourceip-sourceport {REST} {local}");
                let mut trial = Trial::of(&rule);
                trial.kind = ConnKind::New;
                let mut conn = Conn::default();
                let verdict = trial.run(&mut udp([10, 0, 0, host], [2; 4]), Some(&mut conn)).unwrap();
                assert_eq!(verdict == Verdict::Continue, conn.mark == local);
                verdicts.push(verdict);
                taken[conn.mark as usize] += 1;
            }
            assert!(verdicts.contains(&Verdict::Drop) && verdicts.contains(&Verdict::Continue), "{host}");
        }
        assert!(taken[1] > 10 && taken[2] > 10, "{taken:?}");
        let lonely = Trial::of(&format!("-d 2.2.2.2 -j CLUSTERIP --new --hashmode sourceip {REST} 1"))
            .run(&mut udp([1; 4], [2; 4]), None);
        assert_eq!(lonely, Ok(Verdict::Drop), "what is not tracked has no machine");
    }
}
