//! Words for people: comments, and what logs say.

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
}
