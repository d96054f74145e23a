//! Matches on and changes of marks and of fields of the IP header.

abi! {
    /// `-m mark` 1
    "linux/netfilter/xt_mark.h" "struct xt_mark_mtinfo1" XtMarkMtinfo1 {
        mark: u32,
        mask: u32,
        invert: u8,
        _pad: [u8; 3],
    }
    /// `-j MARK` 2
    "linux/netfilter/xt_mark.h" "struct xt_mark_tginfo2" XtMarkTginfo2 {
        mark: u32,
        mask: u32,
    }
}
