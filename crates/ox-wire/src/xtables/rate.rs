//! Counting and time: packets, bytes and connections in a time or in all.

use super::{InetAddr, Pointer};

abi! {
    /// `-m limit` 0
    "linux/netfilter/xt_limit.h" "struct xt_rateinfo" XtRateinfo {
        avg: u32,
        burst: u32,
        prev: u64,
        credit: u32,
        credit_cap: u32,
        cost: u32,
        _pad: [u8; 4],
        master: Pointer,
    }
    /// `-m statistic` 0
    "linux/netfilter/xt_statistic.h" "struct xt_statistic_info" XtStatisticInfo {
        mode: u16,
        flags: u16,
        /// Probability; or every, packet, count.
        u: [u32; 3],
        master: Pointer,
    }
    /// `-m connlimit` 1
    "linux/netfilter/xt_connlimit.h" "struct xt_connlimit_info" XtConnlimitInfo {
        mask: InetAddr,
        limit: u32,
        flags: u32,
        data: Pointer,
    }
    /// `-m connbytes` 0
    "linux/netfilter/xt_connbytes.h" "struct xt_connbytes_info" XtConnbytesInfo {
        from as "count.from": u64,
        to as "count.to": u64,
        what: u8,
        direction: u8,
        _pad: [u8; 6],
    }
    /// `-j RATEEST` 0
    "linux/netfilter/xt_RATEEST.h" "struct xt_rateest_target_info" XtRateestTargetInfo {
        name: [u8; 16],
        interval: i8,
        ewma_log: u8,
        _between: [u8; 6],
        est: Pointer,
    }
    /// `-m hashlimit` 1
    "linux/netfilter/xt_hashlimit.h" "struct xt_hashlimit_mtinfo1" XtHashlimitMtinfo1 {
        name: [u8; 16],
        cfg: HashlimitCfg1,
        hinfo: Pointer,
    }
    /// What a table of `-m hashlimit` 1 is made by.
    "linux/netfilter/xt_hashlimit.h" "struct hashlimit_cfg1" HashlimitCfg1 {
        mode: u32,
        avg: u32,
        burst: u32,
        size: u32,
        max: u32,
        gc_interval: u32,
        expire: u32,
        srcmask: u8,
        dstmask: u8,
        _pad: [u8; 2],
    }
    /// `-m hashlimit` 2
    "linux/netfilter/xt_hashlimit.h" "struct xt_hashlimit_mtinfo2" XtHashlimitMtinfo2 {
        name: [u8; 255],
        _gap: u8,
        cfg: HashlimitCfg2,
        hinfo: Pointer,
    }
    /// What a table of `-m hashlimit` 2 is made by.
    "linux/netfilter/xt_hashlimit.h" "struct hashlimit_cfg2" HashlimitCfg2 {
        avg: u64,
        burst: u64,
        mode: u32,
        size: u32,
        max: u32,
        gc_interval: u32,
        expire: u32,
        srcmask: u8,
        dstmask: u8,
        _pad: [u8; 2],
    }
    /// `-m hashlimit` 3
    "linux/netfilter/xt_hashlimit.h" "struct xt_hashlimit_mtinfo3" XtHashlimitMtinfo3 {
        name: [u8; 255],
        _gap: u8,
        cfg: HashlimitCfg3,
        hinfo: Pointer,
    }
    /// What a table of `-m hashlimit` 3 is made by.
    "linux/netfilter/xt_hashlimit.h" "struct hashlimit_cfg3" HashlimitCfg3 {
        avg: u64,
        burst: u64,
        mode: u32,
        size: u32,
        max: u32,
        gc_interval: u32,
        expire: u32,
        interval: u32,
        srcmask: u8,
        dstmask: u8,
        _pad: [u8; 6],
    }
    /// `-m quota` 0
    "linux/netfilter/xt_quota.h" "struct xt_quota_info" XtQuotaInfo {
        flags: u32,
        pad: u32,
        quota: u64,
        master: Pointer,
    }
    /// `-m recent` 0
    "linux/netfilter/xt_recent.h" "struct xt_recent_mtinfo" XtRecentMtinfo {
        seconds: u32,
        hit_count: u32,
        check_set: u8,
        invert: u8,
        name: [u8; 200],
        side: u8,
        _pad: u8,
    }
    /// `-m recent` 1
    "linux/netfilter/xt_recent.h" "struct xt_recent_mtinfo_v1" XtRecentMtinfoV1 {
        seconds: u32,
        hit_count: u32,
        check_set: u8,
        invert: u8,
        name: [u8; 200],
        side: u8,
        _pad: u8,
        mask: InetAddr,
    }
    /// `-m time` 0
    "linux/netfilter/xt_time.h" "struct xt_time_info" XtTimeInfo {
        date_start: u32,
        date_stop: u32,
        daytime_start: u32,
        daytime_stop: u32,
        monthdays_match: u32,
        weekdays_match: u8,
        flags: u8,
        _pad: [u8; 2],
    }
    /// `-m rateest` 0
    "linux/netfilter/xt_rateest.h" "struct xt_rateest_match_info" XtRateestMatchInfo {
        name1: [u8; 16],
        name2: [u8; 16],
        flags: u16,
        mode: u16,
        bps1: u32,
        pps1: u32,
        bps2: u32,
        pps2: u32,
        _pad: [u8; 4],
        est1: Pointer,
        est2: Pointer,
    }
}
