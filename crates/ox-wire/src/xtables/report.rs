//! What people and programs are told: comments, logs, queues, timers, counters.

use super::Pointer;

abi! {
    /// `-m comment` 0
    "linux/netfilter/xt_comment.h" "struct xt_comment_info" XtCommentInfo {
        comment: [u8; 256],
    }
    /// `-j LOG` 0
    "linux/netfilter/xt_LOG.h" "struct xt_log_info" XtLogInfo {
        level: u8,
        logflags: u8,
        prefix: [u8; 30],
    }
    /// `-j REJECT` 0 of IPv6, and of IPv4, whose header says the same by an enum
    "linux/netfilter_ipv6/ip6t_REJECT.h" "struct ip6t_reject_info" RejectInfo {
        with: u32,
    }
    /// `-j IDLETIMER` 1
    "linux/netfilter/xt_IDLETIMER.h" "struct idletimer_tg_info_v1" IdletimerTgInfoV1 {
        timeout: u32,
        label: [u8; 28],
        send_nl_msg: u8,
        timer_type: u8,
        _between: [u8; 6],
        timer: Pointer,
    }
    /// `-j IDLETIMER` 0
    "linux/netfilter/xt_IDLETIMER.h" "struct idletimer_tg_info" IdletimerTgInfo {
        timeout: u32,
        label: [u8; 28],
        timer: Pointer,
    }
    /// `-j NFLOG` 0
    "linux/netfilter/xt_NFLOG.h" "struct xt_nflog_info" XtNflogInfo {
        len: u32,
        group: u16,
        threshold: u16,
        flags: u16,
        pad: u16,
        prefix: [u8; 64],
    }
    /// `-j NFQUEUE` 0
    "linux/netfilter/xt_NFQUEUE.h" "struct xt_NFQ_info" XtNfqInfo {
        queuenum: u16,
    }
    /// `-j NFQUEUE` 1
    "linux/netfilter/xt_NFQUEUE.h" "struct xt_NFQ_info_v1" XtNfqInfoV1 {
        queuenum: u16,
        queues_total: u16,
    }
    /// `-j NFQUEUE` 2
    "linux/netfilter/xt_NFQUEUE.h" "struct xt_NFQ_info_v2" XtNfqInfoV2 {
        queuenum: u16,
        queues_total: u16,
        bypass: u16,
    }
    /// `-j NFQUEUE` 3
    "linux/netfilter/xt_NFQUEUE.h" "struct xt_NFQ_info_v3" XtNfqInfoV3 {
        queuenum: u16,
        queues_total: u16,
        flags: u16,
    }
    /// `-j LED` 0
    "linux/netfilter/xt_LED.h" "struct xt_led_info" XtLedInfo {
        id: [u8; 27],
        always_blink: u8,
        delay: u32,
        internal_data: Pointer,
    }
    /// `-m nfacct` 0
    "linux/netfilter/xt_nfacct.h" "struct xt_nfacct_match_info" XtNfacctMatchInfo {
        name: [u8; 32],
        nfacct: Pointer,
    }
    /// `-m nfacct` 1
    "linux/netfilter/xt_nfacct.h" "struct xt_nfacct_match_info_v1" XtNfacctMatchInfoV1 {
        name: [u8; 32],
        nfacct: Pointer,
    }
    /// `-j ULOG` 0; its header is gone.
    "" "struct ipt_ulog_info" IptUlogInfo {
        nl_group: u32,
        _gap: [u8; 4],
        copy_range: u64,
        qthreshold: u64,
        prefix: [u8; 32],
    }
}
