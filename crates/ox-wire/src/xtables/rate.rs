//! Matches that count: packets, bytes and connections in a time or in all.

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
}
