//! What looks at any bytes of a packet, and what copies, answers or strips it.

use super::{InetAddr, Pointer};

abi! {
    /// `-m u32` 0
    "linux/netfilter/xt_u32.h" "struct xt_u32" XtU32 {
        tests: [XtU32Test; 11],
        ntests: u8,
        invert: u8,
        _pad: [u8; 2],
    }
    /// One test of `-m u32`.
    "linux/netfilter/xt_u32.h" "struct xt_u32_test" XtU32Test {
        location: [XtU32LocationElement; 11],
        value: [XtU32ValueElement; 11],
        nnums: u8,
        nvalues: u8,
        _pad: [u8; 2],
    }
    /// A number, and what is done with it.
    "linux/netfilter/xt_u32.h" "struct xt_u32_location_element" XtU32LocationElement {
        number: u32,
        nextop: u8,
        _pad: [u8; 3],
    }
    /// A range of numbers.
    "linux/netfilter/xt_u32.h" "struct xt_u32_value_element" XtU32ValueElement {
        min: u32,
        max: u32,
    }
    /// `-j TEE` 1
    "linux/netfilter/xt_TEE.h" "struct xt_tee_tginfo" XtTeeTginfo {
        gw: InetAddr,
        oif: [u8; 16],
        r#priv as "priv": Pointer,
    }
    /// `-j TCPOPTSTRIP` 0
    "linux/netfilter/xt_TCPOPTSTRIP.h" "struct xt_tcpoptstrip_target_info" XtTcpoptstripTargetInfo {
        strip_bmap: [u32; 8],
    }
    /// `-j SYNPROXY` 0
    "linux/netfilter/nf_synproxy.h" "struct nf_synproxy_info" NfSynproxyInfo {
        options: u8,
        wscale: u8,
        mss: u16,
    }
    /// `-m string` 1
    "linux/netfilter/xt_string.h" "struct xt_string_info" XtStringInfo {
        from_offset: u16,
        to_offset: u16,
        algo: [u8; 16],
        pattern: [u8; 128],
        patlen: u8,
        flags as "u.v1.flags": u8,
        _pad: [u8; 2],
        config: Pointer,
    }
    /// `-m bpf` 0
    "linux/netfilter/xt_bpf.h" "struct xt_bpf_info" XtBpfInfo {
        bpf_program_num_elem: u16,
        _gap: [u8; 2],
        bpf_program: [SockFilter; 64],
        _pad: [u8; 4],
        filter: Pointer,
    }
    /// `-m bpf` 1
    "linux/netfilter/xt_bpf.h" "struct xt_bpf_info_v1" XtBpfInfoV1 {
        mode: u16,
        bpf_program_num_elem: u16,
        fd: i32,
        /// Or a path, by the mode.
        bpf_program: [SockFilter; 64],
        filter: Pointer,
    }
    /// An instruction of BPF.
    "linux/filter.h" "struct sock_filter" SockFilter {
        code: u16,
        jt: u8,
        jf: u8,
        k: u32,
    }
    /// `-m osf` 0
    "linux/netfilter/nfnetlink_osf.h" "struct nf_osf_info" NfOsfInfo {
        genre: [u8; 32],
        len: u32,
        flags: u32,
        loglevel: u32,
        ttl: u32,
    }
}
