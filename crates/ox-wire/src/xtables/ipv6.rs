//! Matches on IPv6 extension headers, and translation of IPv6 prefixes.

use super::InetAddr;

abi! {
    /// `-m frag` 0
    "linux/netfilter_ipv6/ip6t_frag.h" "struct ip6t_frag" Ip6tFrag {
        ids: [u32; 2],
        hdrlen: u32,
        flags: u8,
        invflags: u8,
        _pad: [u8; 2],
    }
    /// `-m hbh`, `-m dst` 0
    "linux/netfilter_ipv6/ip6t_opts.h" "struct ip6t_opts" Ip6tOpts {
        hdrlen: u32,
        flags: u8,
        invflags: u8,
        opts: [u16; 16],
        optsnr: u8,
        _pad: u8,
    }
    /// `-m rt` 0
    "linux/netfilter_ipv6/ip6t_rt.h" "struct ip6t_rt" Ip6tRt {
        rt_type: u32,
        segsleft: [u32; 2],
        hdrlen: u32,
        flags: u8,
        invflags: u8,
        _between: [u8; 2],
        addrs: [InetAddr; 16],
        addrnr: u8,
        _pad: [u8; 3],
    }
    /// `-m mh` 0
    "linux/netfilter_ipv6/ip6t_mh.h" "struct ip6t_mh" Ip6tMh {
        types: [u8; 2],
        invflags: u8,
    }
    /// `-j SNPT`, `-j DNPT` 0
    "linux/netfilter_ipv6/ip6t_NPT.h" "struct ip6t_npt_tginfo" Ip6tNptTginfo {
        src_pfx: InetAddr,
        dst_pfx: InetAddr,
        src_pfx_len: u8,
        dst_pfx_len: u8,
        adjustment: u16,
    }
}
