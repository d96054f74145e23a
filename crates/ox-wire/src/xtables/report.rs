//! What is told: comments, logs, and timers that programs hear of.

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
}
