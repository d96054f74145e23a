//! Other ways for a packet: what translation chooses addresses and ports from, proxies, and shared addresses.

use super::{InetAddr, Pointer};
use zerocopy::big_endian::U16;

abi! {
    /// `-j SNAT`, `-j DNAT` 0, `-j MASQUERADE`, `-j REDIRECT`, `-j NETMAP` 0 of IPv4
    "linux/netfilter/nf_nat.h" "struct nf_nat_ipv4_multi_range_compat" NfNatIpv4MultiRangeCompat {
        rangesize: u32,
        range: NfNatIpv4Range,
    }
    /// A range of IPv6 addresses and ports, and of IPv4 ones in `-j SNAT`, `-j DNAT` 1
    "linux/netfilter/nf_nat.h" "struct nf_nat_range" NfNatRange {
        flags: u32,
        min_addr: InetAddr,
        max_addr: InetAddr,
        min_proto: U16,
        max_proto: U16,
    }
    /// `-j SNAT`, `-j DNAT` 2
    "linux/netfilter/nf_nat.h" "struct nf_nat_range2" NfNatRange2 {
        flags: u32,
        min_addr: InetAddr,
        max_addr: InetAddr,
        min_proto: U16,
        max_proto: U16,
        base_proto: U16,
        _pad: [u8; 2],
    }
    /// A range of IPv4 addresses and ports.
    "linux/netfilter/nf_nat.h" "struct nf_nat_ipv4_range" NfNatIpv4Range {
        flags: u32,
        min_ip: [u8; 4],
        max_ip: [u8; 4],
        min: U16,
        max: U16,
    }
    /// `-j TPROXY` 0
    "linux/netfilter/xt_TPROXY.h" "struct xt_tproxy_target_info" XtTproxyTargetInfo {
        mark_mask: u32,
        mark_value: u32,
        laddr: [u8; 4],
        lport: U16,
        _pad: [u8; 2],
    }
    /// `-j TPROXY` 1
    "linux/netfilter/xt_TPROXY.h" "struct xt_tproxy_target_info_v1" XtTproxyTargetInfoV1 {
        mark_mask: u32,
        mark_value: u32,
        laddr: InetAddr,
        lport: U16,
        _pad: [u8; 2],
    }
    /// `-j CLUSTERIP` 0
    "linux/netfilter_ipv4/ipt_CLUSTERIP.h" "struct ipt_clusterip_tgt_info" IptClusteripTgtInfo {
        flags: u32,
        clustermac: [u8; 6],
        num_total_nodes: u16,
        num_local_nodes: u16,
        local_nodes: [u16; 16],
        _pad: [u8; 2],
        hash_mode: u32,
        hash_initval: u32,
        config: Pointer,
    }
    /// `-m ipvs` 0
    "linux/netfilter/xt_ipvs.h" "struct xt_ipvs_mtinfo" XtIpvsMtinfo {
        vaddr: InetAddr,
        vmask: InetAddr,
        vport: U16,
        l4proto: u8,
        fwd_method: u8,
        vportctl: U16,
        invert: u8,
        bitmask: u8,
    }
}
