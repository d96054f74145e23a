//! Sets, in every form that their match and target had.

abi! {
    /// A set and its dimensions, of `-m set`, `-j SET` 0
    "linux/netfilter/xt_set.h" "struct xt_set_info_v0" XtSetInfoV0 {
        index: u16,
        _pad: [u8; 2],
        /// One for each dimension; the kernel rewrites them in place.
        flags as "u.flags": [u32; 7],
    }
    /// `-m set` 0
    "linux/netfilter/xt_set.h" "struct xt_set_info_match_v0" XtSetInfoMatchV0 {
        match_set: XtSetInfoV0,
    }
    /// `-j SET` 0
    "linux/netfilter/xt_set.h" "struct xt_set_info_target_v0" XtSetInfoTargetV0 {
        add_set: XtSetInfoV0,
        del_set: XtSetInfoV0,
    }
    /// A set and its dimensions.
    "linux/netfilter/xt_set.h" "struct xt_set_info" XtSetInfo {
        index: u16,
        dim: u8,
        flags: u8,
    }
    /// `-m set` 1 and 2
    "linux/netfilter/xt_set.h" "struct xt_set_info_match_v1" XtSetInfoMatchV1 {
        match_set: XtSetInfo,
    }
    /// `-j SET` 1
    "linux/netfilter/xt_set.h" "struct xt_set_info_target_v1" XtSetInfoTargetV1 {
        add_set: XtSetInfo,
        del_set: XtSetInfo,
    }
    /// `-j SET` 2
    "linux/netfilter/xt_set.h" "struct xt_set_info_target_v2" XtSetInfoTargetV2 {
        add_set: XtSetInfo,
        del_set: XtSetInfo,
        flags: u32,
        timeout: u32,
    }
    /// `-j SET` 3
    "linux/netfilter/xt_set.h" "struct xt_set_info_target_v3" XtSetInfoTargetV3 {
        add_set: XtSetInfo,
        del_set: XtSetInfo,
        map_set: XtSetInfo,
        flags: u32,
        timeout: u32,
    }
    /// A comparison with a counter, of `-m set` 3
    "linux/netfilter/ipset/ip_set.h" "struct ip_set_counter_match0" IpSetCounterMatch0 {
        op: u8,
        _pad: [u8; 7],
        value: u64,
    }
    /// A comparison with a counter.
    "linux/netfilter/ipset/ip_set.h" "struct ip_set_counter_match" IpSetCounterMatch {
        value: u64,
        op: u8,
        _pad: [u8; 7],
    }
    /// `-m set` 3
    "linux/netfilter/xt_set.h" "struct xt_set_info_match_v3" XtSetInfoMatchV3 {
        match_set: XtSetInfo,
        _gap: [u8; 4],
        packets: IpSetCounterMatch0,
        bytes: IpSetCounterMatch0,
        flags: u32,
        _pad: [u8; 4],
    }
    /// `-m set` 4
    "linux/netfilter/xt_set.h" "struct xt_set_info_match_v4" XtSetInfoMatchV4 {
        match_set: XtSetInfo,
        _gap: [u8; 4],
        packets: IpSetCounterMatch,
        bytes: IpSetCounterMatch,
        flags: u32,
        _pad: [u8; 4],
    }
}
