//! `-m cluster`: this node's share of the connections that all nodes of a cluster see.
//!
//! Kernel: net/netfilter/xt_cluster.c; ABI: uapi/linux/netfilter/xt_cluster.h.
use super::prelude::*;
use ox_packet::{jhash, pkttype};
use ox_wire::xtables::conn::XtClusterMatchInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cluster {
    nodes: u32,
    mask: Inv<u32>,
    seed: u32,
}

options! { Cluster;
    /// How many nodes there are, up to 32.
    NODES ["cluster-total-nodes"] Node, .needed() => |c, v| c.nodes = v.0;
    /// Number of this node, from 1.
    NODE ["cluster-local-node"] Inv<Node>, .excl(Self::MASK) => |c, v| c.mask = Inv { is: 1 << (v.is.0 - 1), not: v.not };
    /// The nodes that this one stands for, as bits.
    MASK ["cluster-local-nodemask"] Inv<Mask>, .excl(Self::NODE) => |c, v| c.mask = Inv { is: v.is.0, not: v.not };
    /// Seed of the hash, the same on all nodes.
    SEED ["cluster-hash-seed"] u32, .needed() => |c, v| c.seed = v;
}

/// 1 to 32.
struct Node(u32);

impl Value for Node {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "1..32";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match number(args[0], 32) {
            Some(n @ 1..) => Ok(Node(n)),
            _ => Err(format!("`{}' is not a number from 1 to 32", args[0])),
        }
    }
}

struct Mask(u32);

impl Value for Mask {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "BITS";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match number(args[0], u32::MAX) {
            Some(n @ 1..) => Ok(Mask(n)),
            _ => Err(format!("`{}' names no node: bits of at most 32 nodes are expected", args[0])),
        }
    }
}

impl Ext for Cluster {
    const NAME: &'static str = "cluster";
    const ABOUT: &'static str = "Passes this node's share of the connections that all nodes of a cluster see.";
    const TRACKING: bool = true;

    fn check(&mut self, seen: u32, _: &Reading<'_>) -> Result<(), String> {
        if seen & (Self::NODE | Self::MASK) == 0 {
            return Err("say which node: --cluster-local-node or --cluster-local-nodemask".into());
        }
        if u64::from(self.mask.is) >= 1 << self.nodes {
            return Err(format!("the local node is not among the {} nodes", self.nodes));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { nodes, mask, seed } = *self;
        out.opt(mask.not, "--cluster-local-nodemask", format_args!("{:#010x}", mask.is));
        out.opt(false, "--cluster-total-nodes", nodes);
        out.opt(false, "--cluster-hash-seed", format_args!("{seed:#010x}"));
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { nodes, mask, seed } = *self;
        out.word("cluster");
        let not = if mask.not { "!" } else { "" };
        out.fmt(format_args!(" {not}node_mask={:#010x} total_nodes={nodes} hash_seed={seed:#010x}", mask.is));
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        nft.no("nft can hash, but not take in only those frames for many hosts that are for this one")
    }
}

/// Addresses are hashed as they lie in the memory of a little-endian machine.
fn hash(family: Family, address: u128, seed: u32) -> u32 {
    let word = |i: u32| ((address >> (32 * i)) as u32).swap_bytes();
    match family {
        Family::V4 => jhash::jhash_1word(word(0), seed),
        // Kernel: `xt_cluster_hash_ipv6` counts an address in words and divides by four once more.
        Family::V6 => jhash::jhash2(&[word(3)], seed),
    }
}

impl Matching for Cluster {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { nodes, mask, seed } = *self;
        Native::new("node of the connection", Effect::Mutates, move |at| {
            let key = &mut at.packet.key;
            let multicast = match at.packet.layout.family {
                Family::V4 => key.dst >> 28 == 0xe,
                Family::V6 => key.dst >> 120 == 0xff,
            };
            // Switches flood to the nodes by a multicast MAC address; the stack is to take such packets as its own.
            if !multicast && key.pkttype == pkttype::MULTICAST {
                key.pkttype = pkttype::HOST;
            }
            let Some(conn) = at.conn.as_deref() else { return Ok(false) };
            let first = conn.master.unwrap_or(conn.original);
            let node = jhash::reciprocal_scale(hash(first.family, first.src, seed), nodes);
            Ok((mask.is >> node & 1 == 1) != mask.not)
        })
        .into()
    }
}

impl Xt<0> for Cluster {
    type Info = XtClusterMatchInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtClusterMatchInfo> {
        let Self { nodes, mask, seed } = *self;
        let flags = mask.not.into();
        Some(XtClusterMatchInfo { total_nodes: nodes, node_mask: mask.is, hash_seed: seed, flags })
    }

    fn decode(info: &XtClusterMatchInfo, _: &Carry<'_>) -> Option<Self> {
        let XtClusterMatchInfo { total_nodes, node_mask, hash_seed, flags } = *info;
        Some(Self { nodes: total_nodes, mask: Inv { is: node_mask, not: flags != 0 }, seed: hash_seed })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(
            V4,
            Filter,
            "-m cluster --cluster-total-nodes 32 ! --cluster-local-node 32 --cluster-hash-seed 0xdeadbeef",
            "-m cluster ! --cluster-local-nodemask 0x80000000 --cluster-total-nodes 32 --cluster-hash-seed 0xdeadbeef",
            "cluster !node_mask=0x80000000 total_nodes=32 hash_seed=0xdeadbeef",
        );
        for rest in ["2 --cluster-local-node 3", "2 --cluster-local-nodemask 4", "2", "33 --cluster-local-node 1"] {
            refused(V4, Filter, &format!("-m cluster --cluster-hash-seed 1 --cluster-total-nodes {rest}"));
        }
    }
}
