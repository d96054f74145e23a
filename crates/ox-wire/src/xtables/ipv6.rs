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
    /// `-m ipv6header` 0
    "linux/netfilter_ipv6/ip6t_ipv6header.h" "struct ip6t_ipv6header_info" Ip6tIpv6headerInfo {
        matchflags: u8,
        invflags: u8,
        modeflag: u8,
    }
    /// `-m srh` 0
    "linux/netfilter_ipv6/ip6t_srh.h" "struct ip6t_srh" Ip6tSrh {
        next_hdr: u8,
        hdr_len: u8,
        segs_left: u8,
        last_entry: u8,
        tag: u16,
        mt_flags: u16,
        mt_invflags: u16,
    }
    /// `-m srh` 1
    "linux/netfilter_ipv6/ip6t_srh.h" "struct ip6t_srh1" Ip6tSrh1 {
        next_hdr: u8,
        hdr_len: u8,
        segs_left: u8,
        last_entry: u8,
        tag: u16,
        _gap: [u8; 2],
        /// Of the previous, the next and the last segment.
        addrs as "psid_addr..lsid_addr": [InetAddr; 3],
        /// Likewise.
        masks as "psid_msk..lsid_msk": [InetAddr; 3],
        mt_flags: u16,
        mt_invflags: u16,
    }
}
