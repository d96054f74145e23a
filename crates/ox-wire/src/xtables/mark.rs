//! Matches on and changes of marks and of fields of the IP header.

use super::InetAddr;
use zerocopy::big_endian;

abi! {
    /// `-m mark` 1
    "linux/netfilter/xt_mark.h" "struct xt_mark_mtinfo1" XtMarkMtinfo1 {
        mark: u32,
        mask: u32,
        invert: u8,
        _pad: [u8; 3],
    }
    /// `-j MARK` 2
    "linux/netfilter/xt_mark.h" "struct xt_mark_tginfo2" XtMarkTginfo2 {
        mark: u32,
        mask: u32,
    }
    /// `-j CLASSIFY` 0
    "linux/netfilter/xt_CLASSIFY.h" "struct xt_classify_target_info" XtClassifyTargetInfo {
        priority: u32,
    }
    /// `-j HMARK` 0
    "linux/netfilter/xt_HMARK.h" "struct xt_hmark_info" XtHmarkInfo {
        src_mask: InetAddr,
        dst_mask: InetAddr,
        /// Source and destination.
        port_mask: [big_endian::U16; 2],
        /// Source and destination.
        port_set: [big_endian::U16; 2],
        flags: u32,
        proto_mask: u16,
        _pad: [u8; 2],
        hashrnd: u32,
        hmodulus: u32,
        hoffset: u32,
    }
    /// `-m dscp` 0
    "linux/netfilter/xt_dscp.h" "struct xt_dscp_info" XtDscpInfo {
        dscp: u8,
        invert: u8,
    }
    /// `-j DSCP` 0
    "linux/netfilter/xt_DSCP.h" "struct xt_DSCP_info" XtDscpTargetInfo {
        dscp: u8,
    }
    /// `-m tos` 1
    "linux/netfilter/xt_dscp.h" "struct xt_tos_match_info" XtTosMatchInfo {
        tos_mask: u8,
        tos_value: u8,
        invert: u8,
    }
    /// `-j TOS` 1
    "linux/netfilter/xt_DSCP.h" "struct xt_tos_target_info" XtTosTargetInfo {
        tos_value: u8,
        tos_mask: u8,
    }
    /// `-m ecn` 0
    "linux/netfilter/xt_ecn.h" "struct xt_ecn_info" XtEcnInfo {
        operation: u8,
        invert: u8,
        ip_ect: u8,
        tcp_ect as "proto.tcp.ect": u8,
    }
    /// `-j ECN` 0
    "linux/netfilter_ipv4/ipt_ECN.h" "struct ipt_ECN_info" IptEcnTargetInfo {
        operation: u8,
        ip_ect: u8,
        /// Bits of `tcp`.
        proto: u8,
    }
    /// `-m ttl` 0
    "linux/netfilter_ipv4/ipt_ttl.h" "struct ipt_ttl_info" IptTtlInfo {
        mode: u8,
        ttl: u8,
    }
    /// `-j TTL` 0
    "linux/netfilter_ipv4/ipt_TTL.h" "struct ipt_TTL_info" IptTtlTargetInfo {
        mode: u8,
        ttl: u8,
    }
    /// `-m hl` 0
    "linux/netfilter_ipv6/ip6t_hl.h" "struct ip6t_hl_info" Ip6tHlInfo {
        mode: u8,
        hop_limit: u8,
    }
    /// `-j HL` 0
    "linux/netfilter_ipv6/ip6t_HL.h" "struct ip6t_HL_info" Ip6tHlTargetInfo {
        mode: u8,
        hop_limit: u8,
    }
}
