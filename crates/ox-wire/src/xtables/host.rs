//! Where a packet comes from and goes to, and what else the host knows of it beside its bytes.

use super::{InetAddr, Pointer};

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
    /// `-m addrtype` 0
    "linux/netfilter/xt_addrtype.h" "struct xt_addrtype_info" XtAddrtypeInfo {
        source: u16,
        dest: u16,
        invert_source: u32,
        invert_dest: u32,
    }
    /// `-m addrtype` 1
    "linux/netfilter/xt_addrtype.h" "struct xt_addrtype_info_v1" XtAddrtypeInfoV1 {
        source: u16,
        dest: u16,
        flags: u32,
    }
    /// `-m iprange` 1
    "linux/netfilter/xt_iprange.h" "struct xt_iprange_mtinfo" XtIprangeMtinfo {
        /// First and last.
        src as "src_min..src_max": [InetAddr; 2],
        /// First and last.
        dst as "dst_min..dst_max": [InetAddr; 2],
        flags: u8,
        _pad: [u8; 3],
    }
    /// `-m mac` 0
    "linux/netfilter/xt_mac.h" "struct xt_mac_info" XtMacInfo {
        srcaddr: [u8; 6],
        _pad: [u8; 2],
        invert: i32,
    }
    /// `-m physdev` 0
    "linux/netfilter/xt_physdev.h" "struct xt_physdev_info" XtPhysdevInfo {
        physindev: [u8; 16],
        in_mask: [u8; 16],
        physoutdev: [u8; 16],
        out_mask: [u8; 16],
        invert: u8,
        bitmask: u8,
    }
    /// `-m pkttype` 0
    "linux/netfilter/xt_pkttype.h" "struct xt_pkttype_info" XtPkttypeInfo {
        pkttype: i32,
        invert: i32,
    }
    /// `-m length` 0
    "linux/netfilter/xt_length.h" "struct xt_length_info" XtLengthInfo {
        min: u16,
        max: u16,
        invert: u8,
        _pad: u8,
    }
    /// `-m rpfilter` 0
    "linux/netfilter/xt_rpfilter.h" "struct xt_rpfilter_info" XtRpfilterInfo {
        flags: u8,
    }
    /// `-m owner` 1
    "linux/netfilter/xt_owner.h" "struct xt_owner_match_info" XtOwnerMatchInfo {
        uid_min: u32,
        uid_max: u32,
        gid_min: u32,
        gid_max: u32,
        asked as "match": u8,
        invert: u8,
        _pad: [u8; 2],
    }
    /// `-m socket` 1
    "linux/netfilter/xt_socket.h" "struct xt_socket_mtinfo1" XtSocketMtinfo1 {
        flags: u8,
    }
    /// `-m socket` 2
    "linux/netfilter/xt_socket.h" "struct xt_socket_mtinfo2" XtSocketMtinfo2 {
        flags: u8,
    }
    /// `-m socket` 3
    "linux/netfilter/xt_socket.h" "struct xt_socket_mtinfo3" XtSocketMtinfo3 {
        flags: u8,
    }
    /// `-m cgroup` 0
    "linux/netfilter/xt_cgroup.h" "struct xt_cgroup_info_v0" XtCgroupInfoV0 {
        id: u32,
        invert: u32,
    }
    /// `-m cgroup` 1
    "linux/netfilter/xt_cgroup.h" "struct xt_cgroup_info_v1" XtCgroupInfoV1 {
        has_path: u8,
        has_classid: u8,
        invert_path: u8,
        invert_classid: u8,
        path: [u8; 4096],
        classid: u32,
        private as "priv": Pointer,
    }
    /// `-m cgroup` 2
    "linux/netfilter/xt_cgroup.h" "struct xt_cgroup_info_v2" XtCgroupInfoV2 {
        has_path: u8,
        has_classid: u8,
        invert_path: u8,
        invert_classid: u8,
        /// Or the class in the first four bytes.
        path: [u8; 512],
        _pad: [u8; 4],
        private as "priv": Pointer,
    }
}
