//! What translation chooses addresses and ports from.

use super::InetAddr;
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
}
