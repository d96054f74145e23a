//! Ports and what lies beside them in a transport header.

abi! {
    /// `-m tcp` 0
    "linux/netfilter/xt_tcpudp.h" "struct xt_tcp" XtTcp {
        spts: [u16; 2],
        dpts: [u16; 2],
        option: u8,
        flg_mask: u8,
        flg_cmp: u8,
        invflags: u8,
    }
    /// `-m udp` 0
    "linux/netfilter/xt_tcpudp.h" "struct xt_udp" XtUdp {
        spts: [u16; 2],
        dpts: [u16; 2],
        invflags: u8,
        _pad: u8,
    }
    /// `-m multiport` 0
    "linux/netfilter/xt_multiport.h" "struct xt_multiport" XtMultiport {
        flags: u8,
        count: u8,
        ports: [u16; 15],
    }
    /// `-m multiport` 1
    "linux/netfilter/xt_multiport.h" "struct xt_multiport_v1" XtMultiportV1 {
        flags: u8,
        count: u8,
        ports: [u16; 15],
        pflags: [u8; 15],
        invert: u8,
    }
    /// `-m dccp` 0
    "linux/netfilter/xt_dccp.h" "struct xt_dccp_info" XtDccpInfo {
        dpts: [u16; 2],
        spts: [u16; 2],
        flags: u16,
        invflags: u16,
        typemask: u16,
        option: u8,
        _pad: u8,
    }
    /// `-m sctp` 0
    "linux/netfilter/xt_sctp.h" "struct xt_sctp_info" XtSctpInfo {
        dpts: [u16; 2],
        spts: [u16; 2],
        /// Bit `n` for type `n`; only the first eight words are used.
        chunkmap: [u32; 64],
        chunk_match_type: u32,
        flag_info: [XtSctpFlagInfo; 4],
        flag_count: i32,
        flags: u32,
        invflags: u32,
    }
    /// Flags of one kind of chunk.
    "linux/netfilter/xt_sctp.h" "struct xt_sctp_flag_info" XtSctpFlagInfo {
        chunktype: u8,
        flag: u8,
        flag_mask: u8,
    }
    /// `-m icmp` 0
    "linux/netfilter_ipv4/ip_tables.h" "struct ipt_icmp" IptIcmp {
        kind as "type": u8,
        code: [u8; 2],
        invflags: u8,
    }
    /// `-m icmp6` 0
    "linux/netfilter_ipv6/ip6_tables.h" "struct ip6t_icmp" Ip6tIcmp {
        kind as "type": u8,
        code: [u8; 2],
        invflags: u8,
    }
    /// `-m tcpmss` 0
    "linux/netfilter/xt_tcpmss.h" "struct xt_tcpmss_match_info" XtTcpmssMatchInfo {
        mss_min: u16,
        mss_max: u16,
        invert: u8,
        _pad: u8,
    }
    /// `-j TCPMSS` 0
    "linux/netfilter/xt_TCPMSS.h" "struct xt_tcpmss_info" XtTcpmssInfo {
        mss: u16,
    }
    /// `-j CHECKSUM` 0
    "linux/netfilter/xt_CHECKSUM.h" "struct xt_CHECKSUM_info" XtChecksumInfo {
        operation: u8,
    }
}
