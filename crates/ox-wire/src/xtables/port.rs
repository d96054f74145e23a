//! Matches on ports and what lies beside them in a transport header.

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
}
