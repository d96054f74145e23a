//! What connection tracking knows and is told.

use super::{InetAddr, Pointer};
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
    /// `-m connmark` 1
    "linux/netfilter/xt_connmark.h" "struct xt_connmark_mtinfo1" XtConnmarkMtinfo1 {
        mark: u32,
        mask: u32,
        invert: u8,
        _pad: [u8; 3],
    }
    /// `-j CONNMARK` 1
    "linux/netfilter/xt_connmark.h" "struct xt_connmark_tginfo1" XtConnmarkTginfo1 {
        ctmark: u32,
        ctmask: u32,
        nfmask: u32,
        mode: u8,
        _pad: [u8; 3],
    }
    /// `-j CONNMARK` 2
    "linux/netfilter/xt_connmark.h" "struct xt_connmark_tginfo2" XtConnmarkTginfo2 {
        ctmark: u32,
        ctmask: u32,
        nfmask: u32,
        shift_dir: u8,
        shift_bits: u8,
        mode: u8,
        _pad: u8,
    }
    /// `-j CT` 0
    "linux/netfilter/xt_CT.h" "struct xt_ct_target_info" XtCtTargetInfo {
        flags: u16,
        zone: u16,
        ct_events: u32,
        exp_events: u32,
        helper: [u8; 16],
        _pad: [u8; 4],
        ct: Pointer,
    }
    /// `-j CT` 1 and 2
    "linux/netfilter/xt_CT.h" "struct xt_ct_target_info_v1" XtCtTargetInfoV1 {
        flags: u16,
        zone: u16,
        ct_events: u32,
        exp_events: u32,
        helper: [u8; 16],
        timeout: [u8; 32],
        _pad: [u8; 4],
        ct: Pointer,
    }
}
