//! Matches on what the host knows of a packet beside its bytes.

abi! {
    /// `-m cpu` 0
    "linux/netfilter/xt_cpu.h" "struct xt_cpu_info" XtCpuInfo {
        cpu: u32,
        invert: u32,
    }
    /// `-m devgroup` 0
    "linux/netfilter/xt_devgroup.h" "struct xt_devgroup_info" XtDevgroupInfo {
        flags: u32,
        src_group: u32,
        src_mask: u32,
        dst_group: u32,
        dst_mask: u32,
    }
    /// `-m realm` 0
    "linux/netfilter/xt_realm.h" "struct xt_realm_info" XtRealmInfo {
        id: u32,
        mask: u32,
        invert: u8,
        _pad: [u8; 3],
    }
}
