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
}
