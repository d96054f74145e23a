//! Matches on IPsec's headers and policies.

use super::InetAddr;

abi! {
    /// `-m ah` 0 of IPv4
    "linux/netfilter_ipv4/ipt_ah.h" "struct ipt_ah" IptAh {
        spis: [u32; 2],
        invflags: u8,
        _pad: [u8; 3],
    }
    /// `-m ah` 0 of IPv6
    "linux/netfilter_ipv6/ip6t_ah.h" "struct ip6t_ah" Ip6tAh {
        spis: [u32; 2],
        hdrlen: u32,
        hdrres: u8,
        invflags: u8,
        _pad: [u8; 2],
    }
    /// `-m esp` 0
    "linux/netfilter/xt_esp.h" "struct xt_esp" XtEsp {
        spis: [u32; 2],
        invflags: u8,
        _pad: [u8; 3],
    }
    /// `-m ipcomp` 0
    "linux/netfilter/xt_ipcomp.h" "struct xt_ipcomp" XtIpcomp {
        spis: [u32; 2],
        invflags: u8,
        hdrres: u8,
        _pad: [u8; 2],
    }
    /// `-m policy` 0
    "linux/netfilter/xt_policy.h" "struct xt_policy_info" XtPolicyInfo {
        pol: [XtPolicyElem; 4],
        flags: u16,
        len: u16,
    }
    /// One transformation of a policy.
    "linux/netfilter/xt_policy.h" "struct xt_policy_elem" XtPolicyElem {
        saddr: InetAddr,
        smask: InetAddr,
        daddr: InetAddr,
        dmask: InetAddr,
        /// In network order says the header; stock and so everybody writes the host's.
        spi: u32,
        reqid: u32,
        proto: u8,
        mode: u8,
        /// Bits for saddr, daddr, proto, mode, spi, reqid, from the lowest on a little-endian machine.
        r#match as "match": u8,
        invert: u8,
    }
}
