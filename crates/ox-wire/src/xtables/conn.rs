//! Matches on what connection tracking knows.

use super::InetAddr;
use zerocopy::big_endian;

abi! {
    /// `-m conntrack` 1
    "linux/netfilter/xt_conntrack.h" "struct xt_conntrack_mtinfo1" XtConntrackMtinfo1 {
        /// Address and mask, four times: the source and destination of the first packet, of the answers.
        addrs as "origsrc_addr..repldst_mask": [[InetAddr; 2]; 4],
        expires_min: u32,
        expires_max: u32,
        l4proto: u16,
        ports as "origsrc_port..repldst_port": [big_endian::U16; 4],
        match_flags: u16,
        invert_flags: u16,
        state_mask: u8,
        status_mask: u8,
    }
    /// `-m conntrack` 2
    "linux/netfilter/xt_conntrack.h" "struct xt_conntrack_mtinfo2" XtConntrackMtinfo2 {
        /// See [`XtConntrackMtinfo1`].
        addrs as "origsrc_addr..repldst_mask": [[InetAddr; 2]; 4],
        expires_min: u32,
        expires_max: u32,
        l4proto: u16,
        ports as "origsrc_port..repldst_port": [big_endian::U16; 4],
        match_flags: u16,
        invert_flags: u16,
        state_mask: u16,
        status_mask: u16,
        _pad: [u8; 2],
    }
    /// `-m conntrack` 3
    "linux/netfilter/xt_conntrack.h" "struct xt_conntrack_mtinfo3" XtConntrackMtinfo3 {
        /// See [`XtConntrackMtinfo1`].
        addrs as "origsrc_addr..repldst_mask": [[InetAddr; 2]; 4],
        expires_min: u32,
        expires_max: u32,
        l4proto: u16,
        ports as "origsrc_port..repldst_port": [u16; 4],
        match_flags: u16,
        invert_flags: u16,
        state_mask: u16,
        status_mask: u16,
        /// Last ports of the ranges, in the order of the first ones.
        ports_high as "origsrc_port_high..repldst_port_high": [u16; 4],
        _pad: [u8; 2],
    }
    /// `-m state` 0
    "linux/netfilter/xt_state.h" "struct xt_state_info" XtStateInfo {
        statemask: u32,
    }
    /// `-m helper` 0
    "linux/netfilter/xt_helper.h" "struct xt_helper_info" XtHelperInfo {
        invert: i32,
        name: [u8; 30],
        _pad: [u8; 2],
    }
    /// `-m connlabel` 0
    "linux/netfilter/xt_connlabel.h" "struct xt_connlabel_mtinfo" XtConnlabelMtinfo {
        bit: u16,
        options: u16,
    }
    /// `-m cluster` 0
    "linux/netfilter/xt_cluster.h" "struct xt_cluster_match_info" XtClusterMatchInfo {
        total_nodes: u32,
        node_mask: u32,
        hash_seed: u32,
        flags: u32,
    }
}
